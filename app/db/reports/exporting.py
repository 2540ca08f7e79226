"""Votes with all that is needed to evaluate the notes that they are about.

Invariant: a batch is read by its key, so an export costs each row once, however many there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from app.core.delivery import parse_webhook
from app.core.enhancement import Enhancement
from app.db.session import Database
from app.db.sqlalchemy_sessions import load_text
from app.errors import MalformedDelivery

_BATCH: Final = 200
_NOBODY: Final = UUID(int=0)

_VOTES: Final = load_text(__package__, "votes_to_export")


@dataclass(frozen=True, slots=True)
class VotedNote:
    job_id: UUID
    ticket_id: str
    is_helpful: bool
    comment: str
    voted_at: datetime
    posted_at: datetime | None
    subject: str
    """Of the ticket as it is in the history, else as the webhook told it; empty where neither has words."""
    description: str
    resolution: str
    """How the ticket was resolved; empty: not yet, or nobody said."""
    resolved_at: datetime | None
    enhancement: Enhancement


async def export_votes(database: Database, tenant_id: UUID, *, since: datetime) -> AsyncIterator[VotedNote]:
    """The tenant's votes since then, oldest first. A note that this release can't read is left out."""
    after_at, after_id = since, _NOBODY
    while True:
        values = {
            "tenant_id": tenant_id,
            "since": since,
            "after_at": after_at,
            "after_id": after_id,
            "limit": _BATCH,
        }
        async with database.as_tenant(tenant_id) as session:
            rows = (await session.execute(_VOTES, values)).mappings().all()
        for row in rows:
            try:
                enhancement = Enhancement.model_validate(row["content"])
            except ValidationError:  # of another release, or gone
                continue
            subject, description = row["subject"], row["description"]
            if subject is None:
                subject, description = _told(row["body"])
            yield VotedNote(
                job_id=row["job_id"],
                ticket_id=row["ticket_id"],
                is_helpful=row["is_helpful"],
                comment=row["comment"],
                voted_at=row["voted_at"],
                posted_at=row["posted_at"],
                subject=subject,
                description=description,
                resolution=row["resolution"] or "",
                resolved_at=row["resolved_at"],
                enhancement=enhancement,
            )
        if not rows:
            return
        after_at, after_id = rows[-1]["voted_at"], rows[-1]["job_id"]


def _told(body: bytes | None) -> tuple[str, str]:
    """Subject and description from the webhook's body."""
    try:
        ticket = parse_webhook(body or b"").ticket
    except MalformedDelivery:
        return "", ""
    return (ticket.subject, ticket.description) if ticket else ("", "")
