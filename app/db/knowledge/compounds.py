"""Compounds and their parts: "Druckerwarteschlange" and "Warteschlange des Druckers" find each other.

No dictionary says what a compound is: the words that the tenant's own documents hold do. So this is asked at a query
alone, and only in languages that write compounds as one word.

    a word of the query ─▶ cut in two in each way ─▶ the parts that documents hold are asked for too
    two words of the query ─▶ joined in each way ─▶ the compound that documents hold is asked for too
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import permutations
from typing import Final, NamedTuple

COMPOUNDING: Final = frozenset({"da", "de", "nl", "sv"})
"""The languages that write compounds as one word (ISO 639-1)."""

_MAX_WORDS: Final = 8
_MIN_PART_CHARS: Final = 4
# A part that stands alone may be in a word by chance: "Ort" in "Passwort".
_MIN_LONE_PART_CHARS: Final = 6
# What stands between the parts, and at the end of a word that is inflected.
_LINKS: Final = ("", "s", "n", "en", "es", "er", "e")
_ENDINGS: Final = ("ens", "es", "en", "er", "s", "n", "e")
_WORD = re.compile(r"[^\W\d_]{4,40}")


class Cut(NamedTuple):
    """A word of the query in two parts."""

    word: str
    head: str
    tail: str


class Joined(NamedTuple):
    """Two words of the query as a compound."""

    compound: str
    first: str
    second: str


def telling_words(text: str, *, generic: Collection[str]) -> list[str]:
    """The first words of *text*, lower case, that may be compounds or their parts."""
    found = dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in generic)
    return list(found)[:_MAX_WORDS]


def possible(words: Collection[str]) -> list[Cut | Joined]:
    """Each way to cut one of *words* in two, and to join two of them."""
    return [*_cuts(words), *_joined(words)]


def _cuts(words: Collection[str]) -> Iterator[Cut]:
    for word in words:
        for at in range(_MIN_PART_CHARS, len(word) - _MIN_PART_CHARS + 1):
            heads = {word[:at].removesuffix(link) for link in _LINKS}
            yield from (Cut(word, head, word[at:]) for head in heads if len(head) >= _MIN_PART_CHARS)


def _joined(words: Collection[str]) -> Iterator[Joined]:
    for first, second in permutations(words, 2):
        heads = {first} | {first.removesuffix(ending) for ending in _ENDINGS}
        compounds = {head + link + second for head in heads if len(head) >= _MIN_PART_CHARS for link in _LINKS}
        yield from (Joined(compound, first, second) for compound in compounds)


def asked_for(words: Collection[str], ways: Collection[Cut | Joined]) -> list[str]:
    """The words that documents may hold: *words* themselves, and what *ways* make of them."""
    return list({*words, *(word for way in ways for word in (way[1:] if isinstance(way, Cut) else way[:1]))})


class Found(NamedTuple):
    """A term that is asked for besides the query's own."""

    term: str
    word: str
    words: int
    """How many words of the query it stands for."""
    instead_of: tuple[str, ...]
    """The words of the query that it was made of."""


def choose(ways: Collection[Cut | Joined], known: Mapping[str, str]) -> list[Found]:
    """What to ask for; *known*: the words that documents hold, and their terms."""
    found = {
        Found(known[way.compound], way.compound, 2, (way.first, way.second))
        for way in ways
        if isinstance(way, Joined) and way.compound in known
    }
    cuts: dict[str, list[Cut]] = {}
    for way in ways:
        if isinstance(way, Cut):
            cuts.setdefault(way.word, []).append(way)
    for of_word in cuts.values():
        found.update(_parts(of_word, known))
    return sorted(found)


def _parts(cuts: list[Cut], known: Mapping[str, str]) -> Iterator[Found]:
    """Of the cuts of one word the one whose parts are both known; else the longest part that is."""
    whole = [cut for cut in cuts if cut.head in known and cut.tail in known]
    if whole:
        best = max(whole, key=lambda cut: (len(cut.head) + len(cut.tail), len(cut.tail)))
        yield from (Found(known[part], part, 1, (best.word,)) for part in (best.head, best.tail))
        return
    parts = [
        (len(part), part, cut.word)
        for cut in cuts
        for part in (cut.tail, cut.head)
        if part in known and len(part) >= _MIN_LONE_PART_CHARS
    ]
    if parts:
        _, longest, word = max(parts)
        yield Found(known[longest], longest, 1, (word,))
