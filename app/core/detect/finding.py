"""What a detector finds: a stretch of a text, and its kind."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple


class Secret(StrEnum):
    """Kinds of what is masked; the placeholders are called after them."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    BANK = "bank"
    KEY = "key"
    PASSWORD = "password"  # noqa: S105


class Finding(NamedTuple):
    """One value to mask: *text[start:end]*."""

    start: int
    end: int
    kind: Secret


IS: Final = r"(?:is|was|lautet|hei(?:ß|ss)t|ist|war|lautete|est|c'est|était|es|era|to|auf|zu|à|a|será|sera|now|jetzt)"
"""The words between what a value is and the value."""


QUOTES: Final = "\"'`´“”„‟«»″‘’‚‛‹›′「」『』"
"""All that people and their mail programs put around a value; none is the last character of one."""


def found_value(match: re.Match[str], kind: Secret) -> Finding:
    """The group `value` of *match*, without the punctuation of the sentence around it."""
    start, end = match.span("value")
    end -= len(match["value"]) - len(match["value"].rstrip(".,;:?)]}>" + QUOTES))
    return Finding(start, end, kind)
