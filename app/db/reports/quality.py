"""Technicians' votes on notes, and notes that a person should review.

Invariant: at most the newest `MOST_RATED` votes are counted, the newest `MOST_VOTES` read for the sources, and the newest
`MOST_NOTES` enhancements for the notes to review, divided among the tenants that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.db.each import ask_each, load_each, load_newest
from app.db.session import Database

MOST_VOTES: Final = 300
MOST_NOTES: Final = 2_000
MOST_RATED: Final = 20_000
_MOST_RATED_OF_ONE: Final = 1_000

_RATE: Final = load_each(__package__, "rate")
_VOTES: Final = load_newest(__package__, "votes", by=["voted_at"])
_SOURCES: Final = load_each(__package__, "voted_sources")
_UNSURE: Final = load_each(
    __package__, "unsure_notes", of_all="select * from {each} found order by posted_at desc limit :limit"
)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of a tenant's newest votes are for a note, and how many against."""

    tenant_id: UUID
    up: int
    down: int
    latest: datetime | None
    """When the newest was given."""


@dataclass(frozen=True, slots=True)
class Cast:
    tenant_id: UUID
    job_id: UUID
    ticket_id: str | None
    is_helpful: bool
    comment: str
    voted_at: datetime


@dataclass(frozen=True, slots=True)
class SourceVotes:
    """Votes on the notes that cite one source."""

    tenant_id: UUID
    kind: str
    id: str
    title: str
    url: str
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Unsure:
    """A posted note in which the model had low confidence."""

    tenant_id: UUID
    job_id: UUID
    ticket_id: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality figures of some tenants together."""

    rates: Sequence[Rate]
    """Of each tenant."""
    votes: Sequence[Cast]
    """The newest, newest first."""
    sources: Sequence[SourceVotes]
    unsure: Sequence[Unsure]
    """The newest, newest first."""


async def load_quality(database: Database, tenant_ids: Sequence[UUID], *, limit: int) -> Quality:
    """The rate of helpful votes, and the newest *limit* votes and notes to review."""
    number = max(len(tenant_ids), 1)
    rated = min(max(MOST_RATED // number, 1), _MOST_RATED_OF_ONE)
    rates = await ask_each(database, tenant_ids, _RATE, lambda row: Rate(**row), votes=rated)
    votes = await ask_each(database, tenant_ids, _VOTES, lambda row: Cast(**row), limit=limit)
    unsure = await ask_each(
        database, tenant_ids, _UNSURE, lambda row: Unsure(**row), notes=max(MOST_NOTES // number, 1), limit=limit
    )
    latest = sorted(((each.latest, each.tenant_id) for each in rates if each.latest), reverse=True)
    voted = [tenant_id for _, tenant_id in latest[:MOST_VOTES]]
    sources = await ask_each(
        database, voted, _SOURCES, lambda row: SourceVotes(**row), votes=MOST_VOTES // max(len(voted), 1)
    )
    return Quality(
        rates,
        sorted(votes, key=lambda vote: vote.voted_at, reverse=True)[:limit],
        sources,
        sorted(unsure, key=lambda note: note.posted_at, reverse=True)[:limit],
    )
