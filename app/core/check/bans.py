"""What sources tell not to do: "MFA is never reset by phone". What an older source did so is no step any more.

    older ticket    Reset the MFA methods of the user by phone.
    newer article   MFA is never reset by phone.                      it bans {mfa, reset, phone}

Invariant: of a ticket its resolution alone is read, so no requester can ban what the staff does. A ban holds for
sources that are older than its own, and for sentences that have most of its words, or of those with which such a source
did what is banned, and ban nothing themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Self

from app.core.check.lexicon import lexicon
from app.core.check.tokens import normal, stems, words
from app.core.source import Gathered, Source, SourceKind

_MIN_COMMON: Final = 3
_MIN_OF_SHORT: Final = 2
"""A ban of two words, what and with what ("Never silence the alarm"), needs both."""
_MIN_SHARE: Final = 0.6
"""Of a ban's words so many must stand in a sentence: "A public DNS server must not be entered on a network card"."""
_MIN_SAID: Final = 0.5
"""Of a sentence's words so many are those with which a source did what is banned."""
# Orders, not what is or was so: "does not print", "war nicht verbunden".
_BANS = re.compile(
    r"\b(?:must not|mustn't|should not|shouldn't|may not|do not|don't|never|not allowed|forbidden|prohibited"
    r"|(?:darf|durfen|soll|sollen|sollte|sollten)\b[^.;:]*?\b(?:nicht|keine?[nmrs]?)|niemals|nie|verboten|untersagt"
    r"|bitte (?:nicht|keine?[nmrs]?)"
    r"|ne (?:doit|doivent|faut) (?:pas|plus|jamais)|ne (?:pas|plus)|jamais|interdit"
    r"|no se? ?(?:debe|deben|puede|pueden)|nunca|jamas|prohibido)\b"
)
_NO_MORE: Final = frozenset(stem for word in "plus mehr longer more".split() for stem in stems(word))
"""Of a ban, and nothing that is done."""
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
    """Of each ticket, article and document, by its ref."""
    done: dict[str, tuple[Ban, ...]]
    """By the ref of a source: the sentences with which it did what a newer one, `ref`, tells not to do."""

    @classmethod
    def of(cls, gathered: Iterable[Gathered]) -> Self:
        dated = [(source, _day(source)) for group in gathered for source in group.sources]
        known = [(source, day) for source, day in dated if day is not None]
        bans = [Ban(source.ref, day, wanted) for source, day in known for wanted in _banned(source.trusted_text)]
        done: dict[str, tuple[Ban, ...]] = {}
        for source, day in known if bans else ():
            told = (each for each in _SENTENCE_END.split(source.trusted_text) if not _BANS.search(normal(each)))
            of_source = ((words, _banning(bans, words, newer_than=day)) for words in map(_content, told))
            if found := tuple(Ban(ban.ref, ban.day, words) for words, ban in of_source if ban):
                done[source.ref] = found
        return cls(tuple(bans), {source.ref: day for source, day in known}, done)

    def against(self, text: str, refs: Collection[str]) -> str | None:
        """The ref of a source that tells not to do what *text* does, newer than all of *refs*; None: there is none."""
        newest = max((self.days[ref] for ref in refs if ref in self.days), default=None)
        if not self.bans or newest is None or _BANS.search(normal(text)):
            return None
        said = _content(text)
        if ban := _banning(self.bans, said, newer_than=newest):
            return ban.ref
        # It may do so in fewer words than the source that it rests on: without "by hand".
        if self.done.keys() >= set(refs):
            for did in (each for ref in refs for each in self.done[ref]):
                if len(did.stems & said) >= max(_MIN_COMMON, _MIN_SAID * len(said)):
                    return did.ref
        return None

    def overruled(self, sources: Iterable[Source]) -> Iterator[tuple[str, str]]:
        """For each of *sources* that did what a newer one tells not to do: its ref, and the other's."""
        return ((source.ref, self.done[source.ref][0].ref) for source in sources if source.ref in self.done)


def _banning(bans: Iterable[Ban], said: frozenset[str], *, newer_than: date) -> Ban | None:
    """The first of *bans* that is newer and tells not to do what a sentence of the words *said* does."""
    newer = (ban for ban in bans if ban.day > newer_than)
    return next((ban for ban in newer if len(ban.stems & said) >= _least(ban)), None)


def _least(ban: Ban) -> float:
    """How many of its words a sentence has that does what it bans."""
    return max(min(_MIN_COMMON, len(ban.stems)), _MIN_SHARE * len(ban.stems))


@lru_cache(maxsize=256)
def _banned(text: str) -> tuple[frozenset[str], ...]:
    """The stems of each clause of *text* that tells not to do something. A source is asked for them several times."""
    if not _BANS.search(normal(text)):
        return ()
    said = (_content(clause) - _NO_MORE for clause in _CLAUSE_END.split(text) if _BANS.search(normal(clause)))
    return tuple(each for each in said if len(each) >= _MIN_OF_SHORT)


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
    return source.resolved_on if source.kind is SourceKind.TICKET else source.updated_on
