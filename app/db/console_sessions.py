"""What the server keeps of the console's sessions, so that one can be ended and its rights be checked again.

Invariant: the id of a session that was ended stays for as long as a cookie is good, so that no copy of it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.core.tenant import EVERY_TENANT
from app.db.session import Database
from app.db.sqlalchemy_sessions import load_text
from app.db.tables import ConsoleSessionRow

KEPT_FOR: Final = timedelta(hours=24)
"""Longer than a cookie is good."""
IDLE: Final = timedelta(minutes=30)
CHECKED_WITHIN: Final = timedelta(minutes=4)
"""A removed group loses its rights after this."""
_CHECK_LEASE: Final = timedelta(seconds=60)
"""How long whoever checks the rights has for it alone: longer than the provider's answer and the database's may take."""
_SKEW: Final = timedelta(minutes=1)
"""A time that lies further ahead is of a clock that was set back, or of a hand."""
_LIMITS: Final = {"idle": IDLE, "checked_within": CHECKED_WITHIN, "lease": _CHECK_LEASE, "skew": _SKEW}
_USE: Final = load_text(__package__, "use_session")


@dataclass(frozen=True, slots=True)
class KeptSession:
    """What is kept of a session that may be used."""

    sealed: str | None
    """What `store_session` was given; None: nothing."""
    is_unchecked: bool
    """Its rights were not checked for longer than is allowed."""
    may_check: bool
    """Whoever is told so checks them now, for all."""


async def store_session(database: Database, session_id: str, sealed: str) -> None:
    """Keep *sealed* with a session, whose rights were checked now. Forgets those that can't be used any more."""
    row = insert(ConsoleSessionRow).values(tenant_id=EVERY_TENANT, id=session_id, sealed=sealed)
    checked = {"sealed": sealed, "checked_at": func.now(), "checking_until": None}
    kept = row.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=checked)
    old = col(ConsoleSessionRow.began_at) < func.now() - literal(KEPT_FOR)
    async with database.as_tenant(EVERY_TENANT) as session:
        await session.execute(delete(ConsoleSessionRow).where(col(ConsoleSessionRow.tenant_id) == EVERY_TENANT, old))
        await session.execute(kept)


async def use_session(database: Database, session_id: str, *, by_person: bool) -> KeptSession | None:
    """Use a session, or add it. None: it was ended, or no person has used it for `IDLE`.

    *by_person*: a person asks, not an open page that refreshes itself.
    """
    values = {"tenant_id": EVERY_TENANT, "id": session_id, "by_person": by_person, **_LIMITS}
    async with database.as_tenant(EVERY_TENANT) as session:
        row = (await session.execute(_USE, values)).one_or_none()
    return None if row is None else KeptSession(row.sealed, row.is_unchecked, row.may_check)


async def end_session(database: Database, session_id: str) -> None:
    """End a session for good."""
    own = update(ConsoleSessionRow).where(
        col(ConsoleSessionRow.tenant_id) == EVERY_TENANT, col(ConsoleSessionRow.id) == session_id
    )
    async with database.as_tenant(EVERY_TENANT) as session:
        await session.execute(own.values(ended_at=func.now(), sealed=None))
