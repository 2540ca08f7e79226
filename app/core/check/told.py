"""Whether a text says what others have said before it, in about the same words: a note says each thing once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from app.core.check.lexicon import lexicon
from app.core.check.sentences import read
from app.core.reading.text import plain_words

_SHARE: Final = 0.85
"""So many of a text's content words are in the one that says it already: "sent" and "sending" may differ."""
_SHARE_OF_ALL: Final = 0.7
"""The same of all texts together."""
_LEAST_STEMS: Final = 3
"""Of fewer content words none tells; such a text is said where it stands word for word."""


class _Said(NamedTuple):
    plain: str
    stems: frozenset[str]
    operands: frozenset[str]
    is_negated: bool

    def says(self, other: _Said) -> bool:
        if other.plain in self.plain:
            return True
        return (
            len(other.stems) >= _LEAST_STEMS
            and other.operands <= self.operands
            and other.is_negated == self.is_negated
            and len(other.stems & self.stems) >= _SHARE * len(other.stems)
        )


@lru_cache(maxsize=256)
def _said(text: str) -> _Said:
    """Read once: a note is rendered several times, until it is short enough."""
    words = read(text)
    negated = not lexicon().negators.isdisjoint(words.tokens)
    return _Said(plain_words(text), frozenset(words.stems), frozenset(words.operands), negated)


class Told:
    """The texts of a note so far."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._said: list[_Said] = []
        self._stems: set[str] = set()
        self._operands: set[str] = set()
        for text in filter(None, texts):
            self.add(text)

    def add(self, text: str) -> None:
        said = _said(text)
        self._said.append(said)
        self._stems |= said.stems
        self._operands |= said.operands

    def has(self, text: str) -> bool:
        """Whether one of them says *text*."""
        said = _said(text)
        return any(each.says(said) for each in self._said)

    def covers(self, text: str) -> bool:
        """Whether most of *text* is in one or another of them. Nothing is in all."""
        words = read(text)
        told = len(self._stems.intersection(words.stems))
        return told >= _SHARE_OF_ALL * len(words.stems) and self._operands.issuperset(words.operands)
