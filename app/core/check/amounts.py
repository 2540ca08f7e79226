"""Other ways to write a number or a time of day: "3.1 V" for "3,1 V", "8 pm" for "20:00", "9" for "nine".

Invariant: what is found depends on the run alone; each form says the same amount.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from app.core.check.lexicon import lexicon
from app.core.kept import MAX_KEPT_WORDS

_PERCENT: Final = (("", "%"), ("", " %"), ("%", ""), ("% ", ""))
_HOURS: Final = 24
_NOON: Final = 12


@lru_cache(maxsize=MAX_KEPT_WORDS)
def other_forms(run: str) -> tuple[str, ...]:
    """Other writings of *run*, a run of operands in normal form."""
    found = next(((forms, match) for pattern, forms in _FORMS if (match := pattern.fullmatch(run))), None)
    return found[0](*found[1].groups()) if found else ()


def _of_time(hours: str, minute: str) -> tuple[str, ...]:
    hour = int(hours)
    half = "pm" if _NOON <= hour < _HOURS else "am"
    short = (hour - 1) % _NOON + 1
    forms = [f"{hour:02}:{minute}", f"{hour}:{minute}", f"{hour}.{minute}", f"{hour}h{minute}"]
    forms += [f"{short}:{minute} {half}", f"{hour},{minute}"]
    if minute == "00":
        forms += [f"{hour} {word}" for word in ("uhr", "h", "heures", "horas", "uur")]
        forms += [f"{word} {hour}" for word in ("ore", "godz.", "kl.", "klo", "saat")]
        forms += [f"{hour}h", f"{short} {half}", f"{short}{half}"]
    return tuple(forms)


def _of_half_day(hours: str, minute: str | None, half: str) -> tuple[str, ...]:
    minute = minute or "00"
    short = (f"{hours}:{minute}", f"{hours}.{minute}", *([hours] if minute == "00" else ()))
    forms = [f"{each}{blank}{half}{end}" for each in short for blank in ("", " ") for end in ("m", ".m")]
    hour = int(hours) % _NOON + (_NOON if half == "p" else 0)
    return (*forms, *_of_time(str(hour), minute))


def _of_number(number: str) -> tuple[str, ...]:
    """In words. Not as an hour: "5 copies" does not say what "05:00" says."""
    return tuple(lexicon().number_words.get(number, ()))


def _of_thousands(thousands: str, rest: str) -> tuple[str, ...]:
    return tuple(f"{thousands}{sign}{rest}" for sign in ("", ".", ",", " "))


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[..., tuple[str, ...]]], ...]] = (
    (re.compile(r"([c-z]):"), lambda drive: (drive,)),
    (re.compile(r"0?(1?\d|2[0-4])[:h.]([0-5]\d)"), _of_time),
    (re.compile(r"0?([1-9]|1[0-2])(?:[:.]([0-5]\d))? ?([ap])m"), _of_half_day),
    (re.compile(r"(\d+)\.(\d{1,2})"), lambda whole, part: (f"{whole},{part}",)),
    (re.compile(r"(\d+),(\d{1,2})"), lambda whole, part: (f"{whole}.{part}",)),
    (re.compile(r"(\d{1,3})[., ]?(\d{3})"), _of_thousands),
    (re.compile(r"(\d+(?:[.,]\d+)?) ?%"), lambda number: tuple(map(number.join, _PERCENT))),
    (re.compile(r"(\d+(?:[.,]\d+)?) ?([a-z]{1,3})"), lambda number, unit: (f"{number}{unit}", f"{number} {unit}")),
    (re.compile(r"(\d{1,2})"), _of_number),
)
