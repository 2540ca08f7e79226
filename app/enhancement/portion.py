"""What of a ticket and its sources the model is given: all, or as much as its context takes, the most valuable first.

Invariant: a portion holds whole sources, of each kind the best ones, with the refs that they have in the note. What is
left out first is the last of each kind, then the last kinds; when no source is left, the end of the description.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.source import Gathered, Source
from app.core.text import tidy
from app.core.ticket import Ticket

MAX_DESCRIPTION_CHARS: Final = 6_000
MAX_SOURCE_CHARS: Final = 1_500
_LEAST_DESCRIPTION_CHARS: Final = 500
_MOST_SHARE: Final = 0.8
"""Where less would do, as far as told: what is asked again is much shorter, or it would be refused again."""
_UNKNOWN_SHARE: Final = 0.5
_ANY_PROMPT_CHARS: Final = 10**9
_AROUND_SOURCE: Final = 60
"""Characters of JSON around a source's texts."""


@dataclass(frozen=True, slots=True)
class Portion:
    """The sources that the model is given, and how much of the description."""

    gathered: tuple[Gathered, ...]
    description_chars: int = MAX_DESCRIPTION_CHARS

    def shortened(self, ticket: Ticket, *, prompt_chars: int, share: float | None) -> Portion | None:
        """A smaller portion; None: it is the least already.

        Args:
            ticket: Whose description it is.
            prompt_chars: The length of the prompt that was too long.
            share: How much of it would do, above 0; None: not known.
        """
        surplus = prompt_chars * (1 - min(share or _UNKNOWN_SHARE, _MOST_SHARE))
        gathered = self.gathered
        for source in _least_valuable_first(self.gathered):
            if surplus <= 0:
                return Portion(gathered, self.description_chars)
            gathered = _without(gathered, source)
            surplus -= len(source.title) + len(tidy(source.text, max_chars=MAX_SOURCE_CHARS)) + _AROUND_SOURCE
        if surplus <= 0:
            return Portion(gathered, self.description_chars)
        now = min(len(ticket.description), self.description_chars)
        chars = max(int(now - surplus), _LEAST_DESCRIPTION_CHARS)
        return Portion(gathered, chars) if chars < now or gathered != self.gathered else None

    def least(self, ticket: Ticket) -> Portion | None:
        """The ticket alone with the beginning of its description; None: it is that already."""
        return self.shortened(ticket, prompt_chars=_ANY_PROMPT_CHARS, share=None)

    def left_out(self, gathered: Sequence[Gathered]) -> tuple[str, ...]:
        """The refs of those sources of *gathered* that are not in it."""
        kept = {source.ref for group in self.gathered for source in group.sources}
        return tuple(source.ref for group in gathered for source in group.sources if source.ref not in kept)


def _least_valuable_first(gathered: Sequence[Gathered]) -> list[Source]:
    ranked = [
        ((rank, place), source) for place, group in enumerate(gathered) for rank, source in enumerate(group.sources)
    ]
    return [source for _, source in sorted(ranked, key=lambda each: each[0], reverse=True)]


def _without(gathered: Sequence[Gathered], source: Source) -> tuple[Gathered, ...]:
    return tuple(
        group.model_copy(update={"sources": tuple(each for each in group.sources if each.ref != source.ref)})
        for group in gathered
    )
