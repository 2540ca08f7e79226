"""Which terms a text has, and in which languages PostgreSQL is to read it.

Invariant: documents and queries are read by the same rules, in Python alone: how PostgreSQL's parser cuts a text depends
on the locale of the database, and it takes a whole Japanese sentence for one word. What it does well is left to it:
words of Latin, Greek and Cyrillic letters, with stems and stop words of each language that it knows.

    text ─▶ Latin, Greek, Cyrillic ─────────▶ `words`: lexemes of `to_tsvector`
         ├▶ Chinese, Japanese, Korean ──────▶ `terms`: pairs of characters (接続 of 接続先, 続先)
         ├▶ Thai, Lao, Khmer, Burmese ──────▶ triples of syllable parts
         ├▶ Arabic, Hebrew, Indian scripts ─▶ words as they stand, without joiners, vowel points and Arabic articles
         └▶ identical strings ──────────────▶ `=0x80070005`: error codes, paths, names of exceptions
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.reading.language import spoken_language
from app.core.reading.normal import normalized
from app.core.tenant import Language

CONFIGURATIONS: Final[dict[str, str]] = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
    "sv": "swedish",
}
"""PostgreSQL's text search configuration for each language that the index reads by."""

CODE_MARK: Final = "="
"""What a term begins with that stands for a whole string."""
# Longer ones are keys, hashes and encoded attachments, which no other text repeats.
MAX_TERM_CHARS: Final = 40
_MAX_CODE_CHARS: Final = 80
_MIN_CODE_CHARS: Final = 5

_PAIRED: Final = (
    ("\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af", 1),  # Chinese characters
    ("\u3041-\u3096\u309d-\u309f", 2),  # Hiragana: a single one is a particle
    ("\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff", 1),  # Katakana
    ("\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff", 1),  # Hangul
)
_TRIPLED: Final = "\u0e01-\u0e4e\u0e81-\u0ecf\u0f40-\u0fbc\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u1950-\u19df\u1a20-\u1aad\ua9e0-\ua9fe"
_WHOLE: Final = (
    "\u0590-\u05ff\u0620-\u06ff\u0700-\u08ff\u0900-\u0dff\u1200-\u139f\u1820-\u18aa\ufb1d-\ufdff\ufe70-\ufefc"
)
_RUN = re.compile(
    "|".join(
        (
            *(f"(?P<pairs{least}_{number}>[{letters}]+)" for number, (letters, least) in enumerate(_PAIRED)),
            f"(?P<triples>[{_TRIPLED}]+)",
            f"(?P<whole>[{_WHOLE}\u200c\u200d]+)",
        )
    )
)
_POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u0640\u200c\u200d]")
# Persian and Arabic keyboards write the same letters by other characters.
_LETTERS: Final = str.maketrans("يىكةۀأإآٱ", "ییکههاااا")

# "The", and what is written together with it: and, by, for, as. A word is found with it and without.
_ARTICLE = re.compile("^(?:[وفبک]?ال|لل)(?=.{3})")

_STRING = re.compile(r"[!#-&*+.-:=?-Z\\^-z~\-À-ɏ]+")
_EDGES: Final = ".:!?*`-=_~…"
_IS_CODE = re.compile(
    r"0x[0-9A-Fa-f]{4,}|"
    r"[A-Za-z]{1,10}[-_:.]?(?!(?:19|20)\d\d$)\d{4,}[A-Za-z]?|"  # E-1045, ORA-12541, KB5034441; not CW2024
    r"[\w.]*\^[\w^.-]*\d[\w^.-]*|"  # ^XA^FO50
    r"[^@]*[\\/][^@\\/]+[\\/][^@]*[A-Za-z][^@]*|"  # C:\Windows\System32, /var/log/syslog
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|"  # ERR_CONNECTION_RESET
    r"(?:[A-Za-z]\w+\.)*[A-Z]\w*(?:Exception|Error)"  # System.IO.IOException
)
_ENDS_NAME: Final = ("Exception", "Error")


@dataclass(frozen=True, slots=True)
class OwnTerm:
    """A term that is made here, at one place of a text."""

    term: str
    word: str
    """Of terms that overlap, the same: together they say one thing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the index reads it."""

    words: str
    """For `to_tsvector`."""
    terms: tuple[OwnTerm, ...]


def spoken_languages(text: str, *, language: Language) -> tuple[str, ...]:
    """By which languages to read *text* (ISO 639-1): the tenant's, and its own if that can be told and read by.

    Both: a text too short to tell its language was read by the tenant's alone, and must be found all the same.
    """
    spoken = spoken_language(text)
    return tuple(dict.fromkeys(code for code in (language, spoken) if code in CONFIGURATIONS))


def read(text: str) -> Reading:
    """*text* in words for PostgreSQL and terms of our own."""
    text = normalized("NFKC", text)
    terms = list(_codes(text))
    if not text.isascii():
        for run in _RUN.finditer(text):
            terms.extend(_of_run(run))
    return Reading(words_of(text), tuple(terms))


def words_of(text: str) -> str:
    """*text* in words for PostgreSQL, as `Reading` has them."""
    text = normalized("NFKC", text)
    return text if text.isascii() else _RUN.sub(" ", text)


def _of_run(run: re.Match[str]) -> Iterator[OwnTerm]:
    name, content = run.lastgroup or "", run.group()
    if name == "whole":
        word = _ARTICLE.sub("", _POINTS.sub("", content).translate(_LETTERS))[:MAX_TERM_CHARS]
        if word:
            yield OwnTerm(word, word)
    elif name == "triples":
        yield from _overlapping(_clusters(content), 3, run.start())
    elif len(content) >= int(name[5]):
        yield from _overlapping(list(content), 2, run.start())


def _overlapping(letters: Sequence[str], size: int, start: int) -> Iterator[OwnTerm]:
    """Each *size* letters that follow one another. Those that begin within one another's reach are one word."""
    for place in range(max(1, len(letters) - size + 1)):
        yield OwnTerm("".join(letters[place : place + size]), f"{start}+{place // (2 * size - 1)}")


def _clusters(text: str) -> list[str]:
    """*text* in letters, each with the marks above and below it."""
    clusters: list[str] = []
    for character in text:
        if clusters and unicodedata.category(character).startswith("M"):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _codes(text: str) -> Iterator[OwnTerm]:
    """The strings of *text* that mean one thing in any language, lower case."""
    for found in _STRING.findall(text):
        string = found.strip(_EDGES)
        if not _MIN_CODE_CHARS <= len(string) <= _MAX_CODE_CHARS or "://" in string:
            continue
        if string.isalpha() and not string.endswith(_ENDS_NAME):  # most strings, and no other form of a code
            continue
        if _IS_CODE.fullmatch(string):
            code = CODE_MARK + string.lower()
            yield OwnTerm(code, code)
