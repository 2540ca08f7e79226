"""What of a ticket and its sources the model is given: all, or as much as its context takes, the most valuable first.

Invariant: a portion holds whole sources, with the refs that they have in the note, and no text of it ends within a
sentence. The best of each kind stays longest; of the others goes first what is worth least for its length. When no
source is left, the end of the description goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.reading.text import tidy
from app.core.source import Gathered, Source
from app.core.ticket import Ticket

MAX_DESCRIPTION_CHARS: Final = 6_000
MAX_SOURCE_CHARS: Final = 1_500
_LEAST_DESCRIPTION_CHARS: Final = 500
_MOST_SHARE: Final = 0.8
"""Where less would do, as far as told: what is asked again is much shorter, or it would be refused again."""
_UNKNOWN_SHARE: Final = 0.5
_ANY_PROMPT_CHARS: Final = 10**9
_AROUND_SOURCE: Final = 70
"""Characters of JSON around a source's texts, at the least: that of an asset, which has no dates."""
_ELLIPSIS: Final = "…"
# Not a dot behind a single letter: "z. B."
_SENTENCE_END = re.compile(r"(?<=[^\s.][^\s.])[.!?][)\"'”»]*(?=\s|$)|[。！？]|\n")


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
            surplus -= _chars(source)
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


def whole_sentences(text: str, *, max_chars: int) -> str:
    """The beginning of *text*, at most *max_chars* long, without a sentence that is cut off at the end.

    Where not even the first sentence or line fits, it is cut at a blank, with an ellipsis.
    """
    text = tidy(text)
    if len(text) <= max_chars and not text.endswith(_ELLIPSIS):
        return text
    begun = text[:max_chars].removesuffix(_ELLIPSIS).rstrip()
    if len(text) > max_chars or not _SENTENCE_END.search(begun, max(len(begun) - 2, 0)):
        ends = [found.end() for found in _SENTENCE_END.finditer(begun)]
        if ends:
            return begun[: ends[-1]].rstrip()
        return begun[: max_chars - 1].rpartition(" ")[0].rstrip() + _ELLIPSIS if " " in begun else begun
    return begun


def _least_valuable_first(gathered: Sequence[Gathered]) -> list[Source]:
    """The sources, those that are worth least for their length first, and the best of each kind last.

    A source is worth what its fit is beside that of the best of its kind, and half or less if others are before it:
    fits of different kinds can't be compared.
    """
    ranked = []
    for place, group in enumerate(gathered):
        best = max((source.score for source in group.sources), default=0.0)
        for rank, source in enumerate(group.sources):
            value = (source.score / best if best else 1.0) / (rank + 1)
            ranked.append(((rank == 0, value / _chars(source) if rank else 0.0, -rank, -place), source))
    return [source for _, source in sorted(ranked, key=lambda each: each[0])]


def _chars(source: Source) -> int:
    """How much of the prompt *source* takes."""
    return len(source.title) + min(len(source.text), MAX_SOURCE_CHARS) + _AROUND_SOURCE


def _without(gathered: Sequence[Gathered], source: Source) -> tuple[Gathered, ...]:
    return tuple(
        group.model_copy(update={"sources": tuple(each for each in group.sources if each.ref != source.ref)})
        for group in gathered
    )
