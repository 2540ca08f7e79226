"""Enhancements: one for each version of a ticket, from its reservation to its note.

Invariant: `(tenant, ticket, version)` is unique, and belongs to one delivery at a time; another takes it over only from
one that ended without a note. A version that is older than another of the same ticket is never posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.enhancement import Enhancement
from app.db.ledger import Claim, run_fenced, settle_done
from app.db.session import Database
from app.errors import Code, NotNeeded

# A conflict waits for the other's transaction, so of twenty at once one wins and nineteen see whose it is.
_RESERVE: Final = text("""
insert into enhancement as mine (tenant_id, ticket_id, version, job_id, ticket_updated_at)
values (:tenant_id, :ticket_id, :version, :job_id, :ticket_updated_at)
on conflict (tenant_id, ticket_id, version) do update
    set job_id = excluded.job_id, ticket_updated_at = greatest(mine.ticket_updated_at, excluded.ticket_updated_at)
    where mine.job_id = excluded.job_id or mine.note_id is null and exists (
        select from delivery
        where delivery.tenant_id = mine.tenant_id and delivery.job_id = mine.job_id
            and delivery.status not in ('pending', 'processing')
    )
returning content, now() - posting_at as posting_age, note_id
""")
_OWNER: Final = text("""
select job_id, note_id from enhancement where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version
""")
_UNSETTLED: Final = text("""
select version, content, now() - posting_at as posting_age from enhancement
where tenant_id = :tenant_id and ticket_id = :ticket_id and job_id = :job_id and version <> :version
    and posting_at is not null and note_id is null and content is not null
order by posting_at desc limit 1
""")
_NEWER: Final = text("""
select true from enhancement other
join enhancement mine using (tenant_id, ticket_id)
where mine.tenant_id = :tenant_id and mine.ticket_id = :ticket_id and mine.version = :version
    and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
limit 1
""")
_IF_HELD: Final = """
where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version and exists (
    select from delivery d
    where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.status = 'processing'
) returning job_id
"""
_SAVE: Final = text(
    "update enhancement set content = cast(:content as jsonb), confidence = :confidence, model = :model,"
    " prompt_tokens = prompt_tokens + :prompt_tokens, completion_tokens = completion_tokens + :completion_tokens,"
    " cost_usd = coalesce(cost_usd + :cost_usd, :cost_usd, cost_usd), written_at = now()" + _IF_HELD
)
_BEGIN_POSTING: Final = text("update enhancement set posting_at = now(), note_html = :html" + _IF_HELD)
_POSTED: Final = text(
    "update enhancement set note_id = :note_id, posted_at = now(),"
    " duration_ms = round(1000 * extract(epoch from now() - cast(:accepted_at as timestamptz)))" + _IF_HELD
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to write and post the enhancement of one version of a ticket."""

    ticket_id: str
    version: str
    enhancement: Enhancement | None
    """What an earlier attempt wrote already: a retry never pays the model twice."""
    posting_age: timedelta | None
    """Since an earlier attempt began to post, and its end is not known; None: none did."""

    @property
    def key(self) -> dict[str, Any]:
        return {"ticket_id": self.ticket_id, "version": self.version}


class Enhancements:
    """The enhancements of all tenants, each call for the claim's tenant alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, claim: Claim, *, version: str, ticket_updated_at: datetime) -> Reservation:
        """Make *claim* the one delivery that works on this version.

        Raises:
            NotNeeded: Another delivery does or did, or a newer version is known.
        """
        key = {"tenant_id": claim.tenant_id, "ticket_id": claim.ticket_id, "version": version}
        async with self._database.as_tenant(claim.tenant_id) as session:
            values = {**key, "job_id": claim.job_id, "ticket_updated_at": ticket_updated_at}
            row = (await session.execute(_RESERVE, values)).one_or_none()
            if row is None:
                raise await _not_ours(session, key)
            if row.note_id is not None:
                raise NotNeeded(
                    f"this version of the ticket has its note already (note {row.note_id})", code=Code.NOTE_EXISTS
                )
            await _check_newest(session, key)
        written = None if row.content is None else Enhancement.model_validate(row.content)
        return Reservation(claim.ticket_id, version, written, row.posting_age)

    async def find_unsettled(self, claim: Claim, *, besides: str) -> Reservation | None:
        """The latest version but *besides* for which an earlier attempt of *claim*'s delivery began to post.

        The ticket read so then; whether its note is there is not known.
        """
        key = {"tenant_id": claim.tenant_id, "ticket_id": claim.ticket_id, "version": besides}
        async with self._database.as_tenant(claim.tenant_id) as session:
            row = (await session.execute(_UNSETTLED, {**key, "job_id": claim.job_id})).one_or_none()
        if row is None:
            return None
        return Reservation(claim.ticket_id, row.version, Enhancement.model_validate(row.content), row.posting_age)

    async def save(self, claim: Claim, reservation: Reservation, enhancement: Enhancement) -> None:
        """Keep what was written, before it is posted."""
        async with self._database.as_tenant(claim.tenant_id) as session:
            await run_fenced(
                session,
                _SAVE,
                claim,
                **reservation.key,
                content=enhancement.model_dump_json(),
                confidence=enhancement.confidence.value,
                model=enhancement.model,
                prompt_tokens=enhancement.prompt_tokens,
                completion_tokens=enhancement.completion_tokens,
                cost_usd=enhancement.cost_usd,
            )

    async def begin_posting(self, claim: Claim, reservation: Reservation, *, html: str) -> None:
        """Say that a note, this *html*, may be on the ticket from now on.

        Raises:
            NotNeeded: A newer version of the ticket came in meanwhile; its delivery posts instead.
            LeaseLost: Another worker has the delivery.
        """
        async with self._database.as_tenant(claim.tenant_id) as session:
            await _check_newest(session, {"tenant_id": claim.tenant_id, **reservation.key})
            await run_fenced(session, _BEGIN_POSTING, claim, **reservation.key, html=html)

    async def settle_posted(self, claim: Claim, reservation: Reservation, *, note_id: str) -> None:
        """Record the note and settle the delivery, in one transaction.

        Raises:
            LeaseLost: Another worker has the delivery: the note may be a duplicate.
        """
        async with self._database.as_tenant(claim.tenant_id) as session:
            await run_fenced(session, _POSTED, claim, **reservation.key, note_id=note_id, accepted_at=claim.accepted_at)
            await settle_done(session, claim)


async def _check_newest(session: AsyncSession, key: dict[str, Any]) -> None:
    if (await session.execute(_NEWER, key)).scalar():
        raise NotNeeded("a newer version of the ticket is known and gets the note", code=Code.VERSION_OUTDATED)


async def _not_ours(session: AsyncSession, key: dict[str, Any]) -> NotNeeded:
    """That another delivery has the version."""
    owner = (await session.execute(_OWNER, key)).one()
    if owner.note_id is not None:
        told = f"this version of the ticket has its note already (note {owner.note_id}, job {owner.job_id})"
        return NotNeeded(told, code=Code.NOTE_EXISTS)
    return NotNeeded(f"job {owner.job_id} works on this version of the ticket", code=Code.VERSION_IN_WORK)
