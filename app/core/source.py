"""What a note may cite: the items that were gathered for one ticket of one tenant.

Invariant: every source of an enhancement has a `ref` of its own (`T1`, `K2`, `A1`, `M1`), given by `number_sources`;
a citation that names no such ref is not a citation.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict


class SourceKind(StrEnum):
    """Kinds of context, in the order in which a note shows them."""

    TICKET = "similar_tickets"
    ARTICLE = "knowledge"
    ASSET = "assets"
    MEASUREMENT = "monitoring"


_LETTERS: Final = {SourceKind.TICKET: "T", SourceKind.ARTICLE: "K", SourceKind.ASSET: "A", SourceKind.MEASUREMENT: "M"}


class Source(BaseModel):
    """One gathered item. All text is plain."""

    model_config = ConfigDict(frozen=True)

    kind: SourceKind
    id: str
    """Its id in the system it came from: a ticket's, article's or asset's id, a query's name."""
    title: str
    text: str
    """What the model and the technician may read of it: a resolution, an article's passage, an asset's fields."""
    url: str = ""
    """Where a technician opens it, made from the tenant's own URL, never from text; empty where there is no page."""
    score: float = 0.0
    """How well it fits, 0 to 1, comparable within its kind alone."""
    ref: str = ""


class GatherState(StrEnum):
    """How the gathering of one kind ended."""

    OK = "ok"
    EMPTY = "empty"
    UNAVAILABLE = "unavailable"


class Gathered(BaseModel):
    """What one gatherer found: sources, best first; or that there is no good match; or that it could not look."""

    model_config = ConfigDict(frozen=True)

    kind: SourceKind
    state: GatherState
    sources: tuple[Source, ...] = ()
    reason: str = ""
    """Why it was unavailable, in words for a technician."""


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
