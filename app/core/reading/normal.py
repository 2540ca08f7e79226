"""Unicode's normal forms, in a time that any text deserves.

Invariant: no more than `MOST_MARKS` marks in a row are put in order, or those of `SHORT` characters. That takes time by
the square of their number: 40,000 took two seconds, and a mail may have a million.

Source: Unicode Standard Annex #15, 13 ("Stream-Safe Text Process"): no letter of any language has more than 30.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import groupby
from typing import Final, Literal

MOST_MARKS: Final = 30
"""Those behind them are left out."""
SHORT: Final = 500
_FIRST_MARK: Final = 0x300
_LAST_MARK: Final = 0x1FFFF
"""None is further behind, in the planes of rare Chinese characters, of tags and of private use."""


def is_mark(char: str) -> bool:
    """Whether *char*, or what it is made of, is put in order with the marks beside it."""
    return unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) != 0  # noqa: TID251 - one character


@cache
def _too_many() -> re.Pattern[str]:
    marks = [code for code in range(_FIRST_MARK, _LAST_MARK + 1) if is_mark(chr(code))]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(marks), lambda each: each[1] - each[0])]
    any_mark = "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
    return re.compile(f"([{any_mark}]{{{MOST_MARKS}}})[{any_mark}]+")


def normalized(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """*text* in the normal form *form*, without marks that no letter needs."""
    if text.isascii():
        return text
    within = text if len(text) <= SHORT else _too_many().sub(r"\1", text)
    return unicodedata.normalize(form, within)  # noqa: TID251 - limited
