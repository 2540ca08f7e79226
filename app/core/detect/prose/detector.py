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
    rf"[\s{QUOTES}](?P<value>[^\s{QUOTES}]{{6,40}})[{QUOTES}]?\s(?:to|into|auf|zu|à|en|a|in|para|naar|na|till|til|на|u|v|→|->)\s[{QUOTES}]?$"
)
"""What a password was changed from stands before it: "from October26! to x"."""


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
        if old and is_strong(old["value"]) and may_be(old["value"]):
            yield Finding(*old.span("value"), Secret.PASSWORD)
