"""Technicians' votes on notes, and notes that a person should review. Each tenant is read by itself.

Invariant: at most the newest `MOST_VOTES` votes are read for the sources, and the newest `MOST_NOTES` enhancements for
the notes to review, divided among the tenants that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.db.reports.each import ask_each
from app.db.session import Database, Transaction
from app.db.sql import load

MOST_VOTES: Final = 300
MOST_NOTES: Final = 2_000
_MOST_RATED: Final = 1_000

_RATE: Final = load(__package__, "rate")
_VOTES: Final = load(__package__, "votes")
_SOURCES: Final = load(__package__, "voted_sources")
_UNSURE: Final = load(__package__, "unsure_notes")


@dataclass(frozen=True, slots=True)
class Cast:
    """One vote."""

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
    """The quality figures of one tenant."""

    tenant_id: UUID
    up: int
    down: int
    votes: Sequence[Cast]
    sources: Sequence[SourceVotes]
    unsure: Sequence[Unsure]


async def load_quality(database: Database, tenant_ids: Sequence[UUID], *, limit: int) -> list[Quality]:
    """For each tenant the rate of helpful votes, and the newest *limit* votes and notes to review."""

    async def read(tx: Transaction, tenant_id: UUID) -> Quality:
        [rate] = await tx.rows(_RATE, tenant_id=tenant_id, votes=_MOST_RATED)
        votes = await tx.rows(_VOTES, tenant_id=tenant_id, limit=limit)
        sources = await tx.rows(_SOURCES, tenant_id=tenant_id, votes=max(MOST_VOTES // len(tenant_ids), 1))
        unsure = await tx.rows(_UNSURE, tenant_id=tenant_id, notes=MOST_NOTES // len(tenant_ids), limit=limit)
        return Quality(
            tenant_id,
            rate["up"],
            rate["down"],
            [Cast(tenant_id=tenant_id, **row) for row in votes],
            [SourceVotes(tenant_id=tenant_id, **row) for row in sources],
            [Unsure(tenant_id, row["job_id"], row["ticket_id"], row["posted_at"]) for row in unsure],
        )

    return await ask_each(database, tenant_ids, read)
