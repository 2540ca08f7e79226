"""What a note may cite: the items that were gathered for one ticket of one tenant.

Invariant: every source of an enhancement has a `ref` of its own (`T1`, `K2`, `A1`, `D1`, `M1`), given by
`number_sources`; a citation of any other ref is removed.
Each source says which part of its text is trusted: written by the tenant's staff or measured by its systems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, Field


class SourceKind(StrEnum):
    """Kinds of context, in the order in which a note shows them."""

    TICKET = "similar_tickets"
    ARTICLE = "knowledge"
    ASSET = "assets"
    DOCUMENT = "documentation"
    MEASUREMENT = "monitoring"


class Closeness(StrEnum):
    """How near a found ticket or article is to the ticket that asks."""

    SAME = "same"
    """Probably about the same problem."""
    RELATED = "related"
    """Perhaps of use."""


_LETTERS: Final = {
    SourceKind.TICKET: "T",
    SourceKind.ARTICLE: "K",
    SourceKind.ASSET: "A",
    SourceKind.DOCUMENT: "D",
    SourceKind.MEASUREMENT: "M",
}
REF: Final = rf"[{''.join(_LETTERS.values())}]\d{{1,3}}"
"""A regular expression for a `ref`."""
REFS: Final = rf"{REF}(?:\s?[,;]\s?{REF}){{0,9}}"
"""The same for some of them: `T1, D2`."""

# As the search joins a resolved ticket's problem and resolution, in each language of a note.
_PROBLEM = re.compile(r"(?:Problem|Problème|Problema): ")
_RESOLUTION = re.compile(r"^(?:Resolution|Lösung|Solution|Solución): ", re.MULTILINE)


class Source(BaseModel, frozen=True):
    """One gathered item. All text is plain."""

    kind: SourceKind
    id: str
    """Its id in the system that it comes from: of a ticket, article or asset, or the name of a query."""
    title: str
    text: str
    """The part of it that the model and the technician read: a resolution, an article's passage, an asset's fields."""
    url: str = ""
    """Its page, made from the tenant's own URL and never taken from text; empty if it has no page. Of a document what
    its server tells, if it is at an address that the tenant's file names."""
    score: float = 0.0
    """How well it fits, 0 to 1. Scores of different kinds can't be compared."""
    closeness: Closeness | None = None
    """Of a ticket or an article; None: nobody said."""
    among: int = Field(default=0, exclude=True)
    """Of how many of its kind the search chose it; 0: nobody said."""
    ref: str = ""
    outcome: str = ""
    """Of a ticket its status, as the help desk names it, e.g. `Resolved`."""
    resolved_on: date | None = None
    """Of a ticket, UTC."""
    category: str = Field(default="", exclude=True)
    """Of a ticket, as the help desk names it. For the model alone: it is not stored."""
    updated_on: date | None = None
    """Of an article or document, UTC; None: nobody told."""
    is_only_owned: bool = False
    """Of an asset: found since the requester owns it; the ticket does not name it."""
    staff_text: str | None = Field(default=None, exclude=True)
    """The part of `text` that the tenant's staff wrote or its systems measured: of a ticket its resolution, of an asset
    all but its owner's name, which requesters choose, of a document nothing, unless its server is trusted. None: nobody
    said, see `trusted_text`."""

    @property
    def number(self) -> str:
        """Of a ticket, as people name it: `#104`. Its title begins with it."""
        return self.title.split()[0] if self.title.startswith("#") else f"#{self.id}"

    @property
    def problem(self) -> str:
        """Of a ticket what its requester wrote, without its heading; empty if its text names no problem."""
        begin = _PROBLEM.match(self.text) if self.kind is SourceKind.TICKET else None
        if begin is None:
            return ""
        resolutions = list(_RESOLUTION.finditer(self.text))
        return self.text[begin.end() : resolutions[-1].start() if resolutions else None].strip()

    @property
    def trusted_text(self) -> str:
        """What of `text` is trusted. Where nobody said: of a ticket what follows the last `Resolution:`, else all.

        A ticket's text in which neither problem nor resolution is named is a resolution.
        """
        if self.staff_text is not None or self.kind is not SourceKind.TICKET:
            return self.text if self.staff_text is None else self.staff_text
        resolutions = list(_RESOLUTION.finditer(self.text))
        if resolutions:
            return self.text[resolutions[-1].end() :]
        return "" if _PROBLEM.match(self.text) else self.text

    @property
    def trusted_title(self) -> str:
        """Its title, if the tenant's staff or systems chose it; else empty."""
        return "" if self.kind is SourceKind.TICKET or self.is_only_named else self.title

    @property
    def is_only_named(self) -> bool:
        """Whether it is a document of a server that nobody trusts: a note may name it, and say nothing of it."""
        return self.kind is SourceKind.DOCUMENT and self.staff_text == ""


class GatherState(StrEnum):
    """How the gathering of one kind ended."""

    OK = "ok"
    EMPTY = "empty"
    UNAVAILABLE = "unavailable"


class Gathered(BaseModel, frozen=True):
    """The result for one kind of context: sources, best first; or no good match; or that it could not be asked."""

    kind: SourceKind
    state: GatherState
    sources: tuple[Source, ...] = ()
    reason: str = ""
    """Why it was unavailable, in words for a technician."""

    @property
    def is_context(self) -> bool:
        """Whether it has a source that says something about the ticket. The requester's own machine alone does not."""
        return not all(source.is_only_owned for source in self.sources)


def first_sources(gathered: Iterable[Gathered]) -> list[str]:
    """The resolved ticket and the article that fit best, e.g. `["similar_tickets:900", "knowledge:50"]`."""
    stored = {SourceKind.TICKET, SourceKind.ARTICLE}
    return [f"{group.kind}:{group.sources[0].id}" for group in gathered if group.kind in stored and group.sources]


def number_sources(gathered: Iterable[Gathered]) -> tuple[Gathered, ...]:
    """*gathered* in the order of `SourceKind`, each source with its `ref`."""
    order = list(SourceKind)
    return tuple(
        group.model_copy(
            update={
                "sources": tuple(
                    source.model_copy(update={"ref": f"{_LETTERS[group.kind]}{number}"})
                    for number, source in enumerate(group.sources, start=1)
                )
            }
        )
        for group in sorted(gathered, key=lambda group: order.index(group.kind))
    )
