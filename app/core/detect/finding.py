"""What a detector returns: the place of a value in a text, and its kind."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple


class Secret(StrEnum):
    """Kinds of values that are masked. A placeholder has the name of its kind: `[email-1]`."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    BANK = "bank"
    KEY = "key"
    PASSWORD = "password"  # noqa: S105
    NATIONAL_ID = "national-id"


class Finding(NamedTuple):
    """One value to mask: *text[start:end]*."""

    start: int
    end: int
    kind: Secret


IS: Final = (
    r"(?:is|are|was|lautet|hei(?:ß|ss)t|ist|war|lautete|est|c['’]est|était|es|era|è|é|to|jest|brzmi|je|zní|это|есть"
    r"|такой|є|är|er|este|είναι|auf|zu|à|a|será|sera|now|jetzt|ahora)"
)
"""Words that stand between the name of a value and the value ("the PIN is 1234"), in the languages of tickets."""


QUOTES: Final = "\"'`´“”„‟«»″‘’‚‛‹›′「」『』"
"""Quotation marks that people and mail programs put around a value. No value ends with one of them."""


def found_value(match: re.Match[str], kind: Secret) -> Finding:
    """The group `value` of *match*, without punctuation and quotes at its end."""
    start, end = match.span("value")
    end -= len(match["value"]) - len(match["value"].rstrip(".,;:?)]}>" + QUOTES))
    return Finding(start, end, kind)
