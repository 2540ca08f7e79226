"""What a sentence says of when its sources were written, as in "the driver was old, as 26 days ago".

The model is told each source's date and age, and says them. Where they are right, these words need no support of their
own, and the rest of the sentence is judged, where the record that says it names no date of its own
(`core.check.support`). Nor does it need support that there was such a case:

    today 28 November 2026, T1 of 26 October 2026
    "In October the 403 came because the key had been rotated."        the 403 came because the key had been rotated.
    "The source is 33 days old and may be outdated; rotate the key."   rotate the key.
    "In a similar case the key had been rotated."                      the key had been rotated.
    "In May the 403 came because the key had been rotated."            as it is: T1 is not of May
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Final

from app.core.check.lexicon import lexicon
from app.core.check.tokens import normal

_MONTHS: Final = (
    "january|januar|janvier|enero",
    "february|februar|février|fevrier|febrero",
    "march|märz|mars|marzo",
    "april|avril|abril",
    "may|mai|mayo",
    "june|juni|juin|junio",
    "july|juli|juillet|julio",
    "august|août|aout|agosto",
    "september|septembre|septiembre",
    "october|oktober|octobre|octubre",
    "november|novembre|noviembre",
    "december|dezember|décembre|decembre|diciembre",
)
_UNITS: Final = (
    ("days?|tage[ns]?|tag|jours?|días?|dias?", 1, 1),
    ("weeks?|wochen?|semaines?|semanas?", 7, 6),
    ("months?|monate?n?|mois|mes(?:es)?", 30, 20),
    ("years?|jahre?n?|ans?|années?|años?", 365, 200),
)
"""Words, days of one, and by how many days a source may be older or newer."""
_YEAR: Final = r"(?:19|20)\d\d"
_AS: Final = r"(?:,?\s*\b(?:as|like|just as|wie|comme|como)\s)?"
_ABOUT: Final = (
    r"(?:(?:only|just|about|over|almost|nearly|more than|already|erst|nur|schon|etwa|fast|über|gut|knapp|plus de"
    r"|environ|près de|déjà|unos|unas|más de|casi|hace)\s)?"
)
_COUNT: Final = rf"{_ABOUT}(?P<count>\d{{1,4}}|[^\W\d_]+)\s(?P<unit>{'|'.join(words for words, _, _ in _UNITS)})\b"
_IN: Final = (
    r"(?:in|of|from|since|back in|early in|late in|im|vom|von|aus|seit|anfang|ende|mitte|en|de|du|depuis|au mois de"
    r"|desde|del|dated|am|on|le|el)"
)
_DAY: Final = r"(?:(?P<day>\d{1,2})(?:\.|st|nd|rd|th|er)?\s(?:de\s|of\s)?)?"
_MONTH: Final = "|".join(f"(?P<m{at}>{words})" for at, words in enumerate(_MONTHS, 1))
_CALENDAR = re.compile(
    rf"{_AS}\b{_IN}\s(?:the\s)?(?:{_DAY}(?:{_MONTH})\b(?:,?\s(?:de\s|del\s|of\s)?(?P<year>{_YEAR})\b)?"
    rf"|(?:the year |jahr |l'année |año )?(?P<only>{_YEAR})\b(?![.,-]?\d))",
    re.IGNORECASE,
)
_AGO = re.compile(
    rf"{_AS}(?:\b{_COUNT}\sago\b|\b(?:vor|il y a|hace)\s{_COUNT.replace('count', 'number').replace('unit', 'of')})",
    re.IGNORECASE,
)
_OUTDATED: Final = (
    r"(?:\s(?:and|so it|und|et|y)\s(?:may|might|could|kann|könnte|möglicherweise|vielleicht|eventuell|peut|puede"
    r"|podría)[^,;.]{0,20}?\b(?:be outdated|be out of date|outdated|veraltet(?: sein)?|obsol[eè]te|dépassée?"
    r"|obsolet[oa]|desactualizad[oa]|anticuad[oa]))?"
)
_OLD = re.compile(
    r"(?:(?:as )?(?:the|this|its|that|die|der|das|diese[rs]?|le|la|l'|ce|cette|el|este|esta)\s?"
    r"(?:only |einzige |seule? |única? )?"
    r"(?:fitting |similar |matching |passende |ähnliche )?(?:source|case|ticket|article|entry|quelle|fall|artikel|cas"
    r"|fuente|caso|artículo)\s(?:is|ist|date de|a|est vieille? de|est vieux de|tiene|es de hace)\s)"
    rf"{_COUNT}(?:\s(?:old|alt|de antigüedad))?{_OUTDATED}[;,.]?\s?(?:so\s)?",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"(?:,?\s*\b(?:as|like|wie|comme|como)\s)?\b(?:in (?:the|a|an) (?:same|similar|identical|comparable|earlier"
    r"|previous|past|recent|older|other)(?: \w+)? (?:case|ticket)"
    r"|(?:im|in einem) (?:gleichen|selben|ähnlichen|vergleichbaren|früheren|letzten|älteren) (?:fall|ticket)"
    r"|dans (?:un|le) (?:cas|ticket) (?:semblable|similaire|identique|précédent|antérieur)|dans le même cas"
    r"|en (?:un|el) (?:caso|ticket) (?:igual|idéntico|similar|parecido|anterior|previo)|en el mismo caso"
    r"|(?:the )?last time|beim letzten mal|(?:zu)?letzt(?=,)|la dernière fois|la última vez"
    # how sure it is; "sans" and "sin" are else a "without"
    r"|sans (?:aucun )?doute|sin duda|ohne zweifel)\b,?",
    re.IGNORECASE,
)


def without_dates(sentence: str, days: Sequence[date], today: date | None) -> str:
    """*sentence* without what it says rightly of *days*, those of its sources, and of their age *today*.

    It stays as it is where nothing else would be left.
    """

    def is_calendar(found: re.Match[str]) -> bool:
        if found["only"]:
            return any(day.year == int(found["only"]) for day in days)
        month = next(at for at in range(1, len(_MONTHS) + 1) if found[f"m{at}"])
        return any(
            day.month == month
            and (not found["year"] or day.year == int(found["year"]))
            and (not found["day"] or day.day == int(found["day"]))
            for day in days
        )

    def is_age(count: str, unit: str) -> bool:
        number = int(count) if count.isdigit() else _numbers().get(normal(count))
        if number is None or today is None:
            return False
        _, size, slack = next(each for each in _UNITS if re.fullmatch(each[0], unit, re.IGNORECASE))
        return any(abs((today - day).days - number * size) <= slack for day in days)

    rest = _OLD.sub(lambda found: "" if is_age(found["count"], found["unit"]) else found[0], sentence)
    rest = _AGO.sub(
        lambda found: "" if is_age(found["count"] or found["number"], found["unit"] or found["of"]) else found[0], rest
    )
    rest = _CALENDAR.sub(lambda found: "" if is_calendar(found) else found[0], rest)
    rest = _CASE.sub("", rest)
    if rest == sentence or not any(map(str.isalpha, rest)):
        return sentence
    return re.sub(r"\s+(?=[.,;:!?]+(?:\s|$))", "", " ".join(rest.split())).strip(",;: ")


@lru_cache(maxsize=256)
def names_a_date(text: str) -> bool:
    """Whether a record's *text* names a month or a year, as in "delete the mails of 2019"."""
    return _CALENDAR.search(text) is not None


@cache
def _numbers() -> dict[str, int]:
    """The number that a word of one says, in the languages of a note."""
    ones = {"a": 1, "one": 1, "einem": 1, "einer": 1, "un": 1, "une": 1, "una": 1}
    return ones | {word: int(digits) for digits, words in lexicon().number_words.items() for word in words}
