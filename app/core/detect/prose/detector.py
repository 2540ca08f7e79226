"""Passwords and codes in sentences: what stands near a word for one is weighed, whatever the form of the sentence.

`cues` are the words for a password, `candidates` what may be one beside it, `Traits` what is seen of a candidate. Their
weights (weights.toml) were fitted by `python -m eval.masking.fit`; docs/masking.md says how well they do on texts that
they were not fitted to.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_values import is_strong, may_be
from app.core.detect.prose.candidates import candidates
from app.core.detect.prose.names import begins_so
from app.core.detect.prose.told import words_before
from app.core.detect.scan import Scan
from app.core.logistic import likelihood

KEPT_FROM: Final = 0.5
_LONGEST_CHANGE: Final = 50
_CHANGED_FROM = re.compile(
    rf"(?P<from>(?<!\w)(?:from|von|vom|de|du|da|dal|dalla|van|z|ze|od|din|från|fra|с|со|із|від|от)\s)?"
    rf"(?<=[\s{QUOTES}])[{QUOTES}]?(?P<value>[^\s{QUOTES}]{{4,40}})[{QUOTES}]?\s(?:to|into|auf|zu|à|en|a|in|para|naar|na|till|til|на|u|v|→|->)\s[{QUOTES}]?$"
)
"""What a password was changed from stands before it: "from October26! to x"."""
_CODE = re.compile(r"\d{4,8}")
_DIGITS: Final = "0123456789"


@cache
def _weights() -> tuple[float, dict[str, float]]:
    read = tomllib.loads(resources.files(__package__).joinpath("weights.toml").read_text("utf-8"))
    return read["bias"], read["weight"]


def passwords_in_prose(scan: Scan) -> Iterator[Finding]:
    """Passwords and codes in sentences."""
    bias, weights = _weights()
    longest: dict[int, Finding] = {}
    for each in candidates(scan):
        known = longest.get(each.finding.start)
        if begins_so(words_before(scan, each.finding.start)):
            continue
        if (known is None or each.finding.end > known.end) and likelihood(each.traits, bias, weights) >= KEPT_FROM:
            longest[each.finding.start] = each.finding
    for found in longest.values():
        yield found
        old = _CHANGED_FROM.search(scan.text, max(found.start - _LONGEST_CHANGE, 0), found.start)
        value = scan.text[found.start : found.end]
        if (
            old
            and may_be(old["value"])
            and (is_strong(old["value"]) or (old["from"] and _are_alike(old["value"], value)))
        ):
            yield Finding(*old.span("value"), Secret.PASSWORD)


def _are_alike(one: str, other: str) -> bool:
    """Whether both are codes, or a word with another number: "from 4471 to 9038", not "von meier12 auf herbst20"."""
    is_counted = one[-1] in _DIGITS and one.rstrip(_DIGITS) == other.rstrip(_DIGITS)
    return is_counted if one[0].isalpha() else bool(_CODE.fullmatch(one) and _CODE.fullmatch(other))
