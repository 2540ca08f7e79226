"""The notes of a tenant that were written in shadow mode, beside how their tickets were really resolved."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.core.enhancement import Enhancement
from app.core.shadow import ShadowNote
from app.db.reports.audit import Witness
from app.db.session import Database
from app.db.sqlalchemy_sessions import load_text
from app.db.tables import ShadowVerdict

MOST_NOTES: Final = 500

_NOTES: Final = load_text(__package__, "shadow_notes")


async def list_shadow_notes(database: Database, tenant_id: UUID, *, since: datetime) -> list[ShadowNote]:
    """The tenant's newest `MOST_NOTES` since then, newest first; of a ticket with several the last before it was resolved.

    A ticket's resolution is there once a webhook `ticket_resolved` or a sync has brought it.
    """
    values = {"tenant_id": tenant_id, "since": since, "limit": MOST_NOTES}
    async with database.as_tenant(tenant_id) as session:
        rows = (await session.execute(_NOTES, values)).mappings().all()
    found = []
    for row in rows:
        try:
            enhancement = Enhancement.model_validate(row["content"])
        except ValidationError:  # of another release
            continue
        found.append(
            ShadowNote(
                job_id=row["job_id"],
                ticket_id=row["ticket_id"],
                number=row["display_id"] or row["ticket_id"],
                subject=row["subject"] or "",
                description=row["description"] or "",
                written_at=row["shadowed_at"],
                took_ms=row["duration_ms"],
                cost_usd=None if row["cost_usd"] is None else float(row["cost_usd"]),
                tokens=row["prompt_tokens"] + row["completion_tokens"],
                enhancement=enhancement,
                html=row["note_html"] or "",
                status=row["status"] or "",
                resolution=row["resolution"] or "",
                resolved_at=row["resolved_at"],
                verdict=row["is_same"],
                judged_by=row["judged_by"],
            )
        )
    return found


async def keep_verdict(
    database: Database, tenant_id: UUID, ticket_id: str, *, is_same: bool | None, by: str, witness: Witness
) -> None:
    """Store what a person says of the note on a ticket; None: take it back."""
    key = {"tenant_id": tenant_id, "ticket_id": ticket_id}
    async with database.as_tenant(tenant_id) as session:
        if is_same is None:
            of_it = (col(ShadowVerdict.tenant_id) == tenant_id, col(ShadowVerdict.ticket_id) == ticket_id)
            await session.execute(delete(ShadowVerdict).where(*of_it))
        else:
            said = {"is_same": is_same, "actor": by, "judged_at": func.now()}
            statement = insert(ShadowVerdict).values(**key, is_same=is_same, actor=by)
            await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=said))
        await witness(session, tenant_id, 1)
