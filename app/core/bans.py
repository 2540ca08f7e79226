"""What sources tell not to do: "MFA is never reset by phone". What an older source did so is no step any more.

    older ticket    Reset the MFA methods of the user by phone.
    newer article   MFA is never reset by phone.                      it bans {mfa, reset, phone}

Invariant: of a ticket its resolution alone is read, so no requester can ban what the staff does. A ban holds for
sources that are older than its own, and for sentences that have most of its words and ban nothing themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Self

from app.core.lexicon import lexicon
from app.core.source import Gathered, Source, SourceKind
from app.core.tokens import normal, stems, words

_MIN_COMMON: Final = 3
_MIN_SHARE: Final = 0.6
"""Of a ban's words so many must stand in a sentence: "A public DNS server must not be entered on a network card"."""
# Orders, not what is or was so: "does not print", "war nicht verbunden".
_BANS = re.compile(
    r"\b(?:must not|mustn't|should not|shouldn't|may not|do not|don't|never|not allowed|forbidden|prohibited"
    r"|(?:darf|durfen|soll|sollen|sollte|sollten)\b[^.;:]*?\b(?:nicht|keine?[nmrs]?)|niemals|nie|verboten|untersagt"
    r"|bitte (?:nicht|keine?[nmrs]?)"
    r"|ne (?:doit|doivent|faut) (?:pas|plus|jamais)|ne pas|jamais|interdit"
    r"|no se? ?(?:debe|deben|puede|pueden)|nunca|jamas|prohibido)\b"
)
_CLAUSE_END = re.compile(r"[.!?;:]\s+|,\s+|\n+")
_SENTENCE_END = re.compile(r"[.!?;]\s+|\n+")


@dataclass(frozen=True, slots=True)
class Ban:
    """One clause that tells not to do something."""

    ref: str
    """Of its source."""
    day: date
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bans:
    """Those of the sources of one ticket."""

    bans: tuple[Ban, ...]
    days: dict[str, date]
    """Of each ticket and article, by its ref."""

    @classmethod
    def of(cls, gathered: Iterable[Gathered]) -> Self:
        dated = [(source, _day(source)) for group in gathered for source in group.sources]
        known = [(source, day) for source, day in dated if day is not None]
        bans = [Ban(source.ref, day, wanted) for source, day in known for wanted in _banned(source.trusted_text)]
        return cls(tuple(bans), {source.ref: day for source, day in known})

    def against(self, text: str, refs: Collection[str]) -> str | None:
        """The ref of a source that tells not to do what *text* does, newer than all of *refs*; None: there is none."""
        if not self.bans:
            return None
        newest = max((self.days[ref] for ref in refs if ref in self.days), default=None)
        if newest is None or _BANS.search(normal(text)):
            return None
        said = _content(text)
        return next(
            (
                ban.ref
                for ban in self.bans
                if ban.day > newest and len(ban.stems & said) >= max(_MIN_COMMON, _MIN_SHARE * len(ban.stems))
            ),
            None,
        )

    def overruled(self, sources: Iterable[Source]) -> Iterator[tuple[str, str]]:
        """For each of *sources* that did what a newer one tells not to do: its ref, and the other's."""
        for source in sources:
            found = (self.against(said, [source.ref]) for said in _SENTENCE_END.split(source.trusted_text))
            if ref := next(filter(None, found), None):
                yield source.ref, ref


@lru_cache(maxsize=256)
def _banned(text: str) -> tuple[frozenset[str], ...]:
    """The stems of each clause of *text* that tells not to do something. A source is asked for them several times."""
    if not _BANS.search(normal(text)):
        return ()
    said = (_content(clause) for clause in _CLAUSE_END.split(text) if _BANS.search(normal(clause)))
    return tuple(each for each in said if len(each) >= _MIN_COMMON)


@lru_cache(maxsize=1_024)
def _content(text: str) -> frozenset[str]:
    known = lexicon()
    return frozenset(
        stem
        for word in words(normal(text))
        if word not in known.empty and word not in known.only
        for stem in stems(word)
    )


def _day(source: Source) -> date | None:
    return {SourceKind.TICKET: source.resolved_on, SourceKind.ARTICLE: source.updated_on}.get(source.kind)
