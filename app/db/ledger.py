"""The ledger as a worker uses it: claim, extend, settle.

Invariant: a claim is held by one worker, known by the delivery's `attempt`, which only grows. Each change names the
attempt that it belongs to and changes nothing once another attempt has begun (`LeaseLost`). All times are the
database's own, so workers whose clocks differ agree. `due` and `delivery` change in one transaction. Of one tenant no
more deliveries are leased at once than it has slots, and none while a hold is on. A delivery that
can't be claimed for whatever it holds is settled as failed, or put off, by itself: the next one is claimed all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.delivery import Status
from app.core.outcome import Outcome
from app.db.limits.circuits import Dependency
from app.db.limits.holds import EVERY_TENANT
from app.db.session import Database, choose_tenant, is_fault_of_schema, is_fault_of_value
from app.errors import Code, LeaseLost, LedgerUnavailable

MAX_ERROR_CHARS: Final = 500
_PUT_OFF: Final = timedelta(seconds=30)
UNKNOWN_SLOTS: Final = 4
"""Slots of a tenant without a file, whose deliveries are settled as failed in the end."""
log = structlog.get_logger(__name__)

# How many tenants are looked at when those before them turn out to be in another worker's hands.
_MAX_TENANTS_TRIED: Final = 50

_DEPENDENCIES: Final = {each.value: each for each in Dependency}
# Tenants with work that is due and slots that are free: those with the fewest deliveries in work first, then the
# longest waiting. The recursion jumps from tenant to tenant through the index, whatever number of deliveries each has.
# A tenant that comes back from an outage has one slot until one of its deliveries succeeds.
_TENANTS_BY_TURN: Final = f"""
with recursive tenant as (
    (select tenant_id from due order by tenant_id limit 1)
    union all
    select (select d.tenant_id from due d where d.tenant_id > tenant.tenant_id order by d.tenant_id limit 1)
    from tenant where tenant.tenant_id is not null
),
held as (
    select tenant_id, bool_or(holds_deliveries) as is_held, bool_or(is_on_trial) as is_on_trial
    from hold group by tenant_id
),
by_turn as (
    select tenant.tenant_id, leased.number as leased, first.due_at,
        case when held.is_on_trial then 1 else coalesce(own.slots, :slots) end as slots
    from tenant
    cross join lateral (
        select d.due_at from due d where d.tenant_id = tenant.tenant_id and d.due_at <= now() order by d.due_at limit 1
    ) first
    cross join lateral (
        select count(*) as number from due d
        where d.tenant_id = tenant.tenant_id and d.is_leased and d.due_at > now()
    ) leased
    left join held on held.tenant_id = tenant.tenant_id
    left join unnest(cast(:tenant_ids as uuid[]), cast(:tenant_slots as integer[])) as own (tenant_id, slots)
        on own.tenant_id = tenant.tenant_id
    where held.is_held is not true
        and not exists (select from held where tenant_id = '{EVERY_TENANT}' and is_held)
)
"""
_CHOOSE: Final = text(
    _TENANTS_BY_TURN + "select tenant_id, slots from by_turn where leased < slots order by leased, due_at limit :limit"
)
# Who claims for a tenant waits for whoever does at the moment: so its slots are counted right.
_TAKE_TURN: Final = text("select pg_advisory_xact_lock(hashtextextended(cast(:tenant_id as text), 7203003))")
# Holding one tenant's turn, nobody waits for another's: two such would wait for each other.
_TRY_TURN: Final = text("select pg_try_advisory_xact_lock(hashtextextended(cast(:tenant_id as text), 7203003))")
_LOCK_FIRST: Final = text("""
select job_id,
    (select count(*) from (
        select from due where tenant_id = :tenant_id and due_at <= now() limit cast(:slots as integer) + 1
    ) waiting) > cast(:slots as integer) - leased.number as is_crowded
from due
cross join (
    select count(*) as number from due where tenant_id = :tenant_id and is_leased and due_at > now()
) leased
where tenant_id = :tenant_id and due_at <= now() and leased.number < cast(:slots as integer)
order by due_at limit 1 for update of due skip locked
""")
_CLAIM: Final = text("""
update delivery set status = 'processing', attempt = attempt + 1, lease_until = now() + cast(:lease as interval), updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and status in ('pending', 'processing')
returning ticket_id, body, attempt, attempt - attempts_forgiven as attempts_used, accepted_at, trace_context,
    last_error,
    array(select cause from hold where hold.tenant_id = delivery.tenant_id and hold.failures > 0) as failing,
    array(select cause from hold where hold.tenant_id = delivery.tenant_id and hold.is_on) as open
""")
_LEASE_DUE: Final = text("""
update due set due_at = now() + cast(:lease as interval), is_leased = true where tenant_id = :tenant_id and job_id = :job_id
""")
_NOTE_FAILED: Final = text("insert into dead (tenant_id, job_id) values (:tenant_id, :job_id) on conflict do nothing")
_DROP_DUE: Final = text("delete from due where tenant_id = :tenant_id and job_id = :job_id")
_WAIT_DUE: Final = text("""
update due set due_at = now() + cast(:wait as interval), is_leased = false where tenant_id = :tenant_id and job_id = :job_id
""")

# No other worker holds it: one of a newer release may be able to read what this one can't.
_LOCK_DUE: Final = text("""
select job_id from due where tenant_id = :tenant_id and job_id = :job_id and due_at <= now() for update skip locked
""")
# Touches no column that could be what can't be read.
_FAIL_UNCLAIMED: Final = text("""
update delivery set status = 'failed', code = :code, last_error = :error, lease_until = null, settled_at = now(),
    updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and status in ('pending', 'processing') returning job_id
""")

_FENCE: Final = """
where tenant_id = :tenant_id and job_id = :job_id and attempt = :attempt and status = 'processing' returning job_id
"""
_EXTEND: Final = text("update delivery set lease_until = now() + cast(:lease as interval), updated_at = now()" + _FENCE)
_SETTLE: Final = text(
    "update delivery set status = :status, code = :code, last_error = coalesce(:error, last_error),"
    " ignored_because = :because, lease_until = null, settled_at = now(), updated_at = now()" + _FENCE
)
_RETURN: Final = text(
    "update delivery set status = 'pending', attempts_forgiven = attempts_forgiven + :forgiven,"
    " code = coalesce(:code, code), last_error = coalesce(:error, last_error), lease_until = null,"
    " updated_at = now()" + _FENCE
)
_BACKLOG: Final = text("""
select (select count(*) from due where due_at <= now()) as waiting,
    (select extract(epoch from now() - min(accepted_at)) from due) as oldest_s
""")
# No more of a tenant than it has free slots: a ring beyond would find nothing to claim.
_WAITING: Final = text(
    _TENANTS_BY_TURN
    + """
select by_turn.tenant_id, d.job_id from by_turn
cross join lateral (
    select job_id, due_at from due
    where due.tenant_id = by_turn.tenant_id and due.due_at <= now() - cast(:unheard_for as interval)
    order by due.due_at limit greatest(by_turn.slots - by_turn.leased, 0)
) d
order by d.due_at limit :limit
"""
)
# One relay at a time; the lock ends with its transaction.
_RELAY_LOCK: Final = text("select pg_try_advisory_xact_lock(7203002)")


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one delivery."""

    tenant_id: UUID
    job_id: UUID
    ticket_id: str
    body: bytes
    attempt: int
    attempts_used: int
    """Of `MAX_ATTEMPTS`, this one included."""
    accepted_at: datetime
    trace_context: str | None
    last_error: str | None
    """Of the attempt before this one."""
    is_crowded: bool
    """More of the tenant's deliveries are due than it has slots: rings for them were heard in vain."""
    failing: frozenset[Dependency]
    """Whose last call for the tenant failed."""
    open: frozenset[Dependency]
    """Whose circuit is open: not to be called."""

    @property
    def key(self) -> dict[str, Any]:
        """The parameters of a fenced statement."""
        return {"tenant_id": self.tenant_id, "job_id": self.job_id, "attempt": self.attempt}


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A delivery that was settled as failed without an attempt, and why."""

    tenant_id: UUID
    job_id: UUID
    code: Code
    detail: str
    ticket_id: str | None = None
    """None where the row can't be read."""
    trace_context: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """The delivery whose turn it is, its row in `due` locked."""

    tenant_id: UUID
    job_id: UUID
    is_crowded: bool

    @property
    def key(self) -> dict[str, UUID]:
        return {"tenant_id": self.tenant_id, "job_id": self.job_id}


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, over all tenants."""

    waiting: int
    """Deliveries that are due and that nobody holds."""
    oldest: timedelta
    """Age of the oldest delivery that is not settled; zero when there is none."""


class Ledger:
    """The deliveries of all tenants, for workers that take leases of *lease* and give up after *max_attempts*."""

    def __init__(
        self,
        database: Database,
        *,
        lease: timedelta,
        max_attempts: int,
        slots: Callable[[], Mapping[UUID, int]] = dict,
        tell_given_up: Callable[[GivenUp], None] = lambda _given_up: None,
    ) -> None:
        """A ledger.

        Args:
            database: As the worker's role.
            lease: How long a claim is held without being extended.
            max_attempts: Of one delivery.
            slots: How many deliveries of a tenant may be in work at once; those not named have `UNKNOWN_SLOTS`.
            tell_given_up: Hears of each delivery that `claim_next` settled as failed, and why.
        """
        self._database = database
        self._lease = lease
        self._max_attempts = max_attempts
        self._slots = slots
        self._tell = tell_given_up

    async def claim_next(self) -> Claim | None:
        """Take the delivery whose turn it is, or None when nothing is due.

        On the way deliveries are settled as failed whose worker ended without a word as often as `MAX_ATTEMPTS`, and
        those that can't be read.

        Raises:
            LedgerUnavailable: PostgreSQL can't be asked now.
        """
        while True:
            found = None
            given_up = None
            try:
                async with self._database.across_tenants() as session:
                    found = await self._lock_first(session)
                    if found is None:
                        return None
                    claim = await self._take(session, found)
                    if claim is not None and claim.attempts_used > self._max_attempts:
                        given_up = await _give_up(session, claim)
                    elif claim is not None:
                        return claim
            except LedgerUnavailable:
                raise
            except Exception as error:  # whatever the row holds, it must not keep the next from being claimed
                if found is None or is_fault_of_schema(error):
                    raise
                given_up = await self._put_aside(found, error)
            if given_up is not None:
                self._tell_given_up(given_up)

    async def _take(self, session: AsyncSession, found: _Found) -> Claim | None:
        """Claim what was found. None: it is settled, and its row in `due` was a left-over."""
        await choose_tenant(session, found.tenant_id)
        row = (await session.execute(_CLAIM, {**found.key, "lease": self._lease})).one_or_none()
        if row is None:
            await session.execute(_DROP_DUE, found.key)
            return None
        await session.execute(_LEASE_DUE, {**found.key, "lease": self._lease})
        return Claim(
            tenant_id=found.tenant_id,
            job_id=found.job_id,
            ticket_id=row.ticket_id,
            body=bytes(row.body),
            attempt=row.attempt,
            attempts_used=row.attempts_used,
            accepted_at=row.accepted_at,
            trace_context=row.trace_context,
            last_error=row.last_error,
            is_crowded=found.is_crowded,
            failing=_dependencies(row.failing),
            open=_dependencies(row.open),
        )

    async def _put_aside(self, found: _Found, error: Exception) -> GivenUp | None:
        """Let the next delivery be claimed, though this one raised *error*.

        A value that this release can't read stays what it is: the delivery is settled as failed. Whatever else it was
        may be mended, so the delivery is put off. None when it was put off, or another worker has it by now.
        """
        # The error's class alone: its text may quote the row.
        reason = f"this release can't read the delivery as it is stored ({type(error).__name__})"
        given_up = GivenUp(found.tenant_id, found.job_id, Code.DELIVERY_UNREADABLE, reason)
        log.error(
            "delivery_not_claimed",
            code=given_up.code,
            tenant_id=str(found.tenant_id),
            job_id=str(found.job_id),
            exc_info=error,
        )
        async with self._database.across_tenants() as session:
            if (await session.execute(_LOCK_DUE, found.key)).first() is None:
                return None
            if not is_fault_of_value(error):
                await session.execute(_WAIT_DUE, {**found.key, "wait": _PUT_OFF})
                return None
            await choose_tenant(session, found.tenant_id)
            values = {**found.key, "code": given_up.code, "error": reason}
            if (await session.execute(_FAIL_UNCLAIMED, values)).first() is not None:
                await session.execute(_NOTE_FAILED, found.key)
            await session.execute(_DROP_DUE, found.key)
        return given_up

    def _tell_given_up(self, given_up: GivenUp) -> None:
        try:
            self._tell(given_up)
        except Exception:  # it is settled: telling of it must not end the claim of the next
            log.exception("given_up_not_told")

    async def _lock_first(self, session: AsyncSession) -> _Found | None:
        tenants = (await session.execute(_CHOOSE, {**self._turns(), "limit": _MAX_TENANTS_TRIED})).all()
        for number, (tenant_id, slots) in enumerate(tenants):
            turn = await session.execute(_TRY_TURN if number else _TAKE_TURN, {"tenant_id": str(tenant_id)})
            if turn.scalar() is False:
                continue
            row = (await session.execute(_LOCK_FIRST, {"tenant_id": tenant_id, "slots": slots})).one_or_none()
            if row is not None:
                return _Found(tenant_id, row.job_id, row.is_crowded)
        return None

    def _turns(self) -> dict[str, Any]:
        own = self._slots()
        return {"tenant_ids": list(own), "tenant_slots": list(own.values()), "slots": UNKNOWN_SLOTS}

    async def extend(self, claim: Claim) -> None:
        """Hold *claim* for another lease from now.

        Raises:
            LeaseLost: Another attempt has begun.
        """
        async with self._database.as_tenant(claim.tenant_id) as session:
            await run_fenced(session, _EXTEND, claim, lease=self._lease)
            await session.execute(_LEASE_DUE, {**claim.key, "lease": self._lease})

    async def conclude(self, claim: Claim, outcome: Outcome) -> None:
        """Store what became of *claim*: settled, or to be claimed again after the outcome's wait.

        Raises:
            LeaseLost: Another attempt has begun.
        """
        async with self._database.as_tenant(claim.tenant_id) as session:
            if outcome.status is not Status.PENDING and outcome.status is not None:
                await _settle(session, claim, outcome.status, code=outcome.code, detail=outcome.detail)
            else:
                await _give_back(
                    session,
                    claim,
                    wait=outcome.wait,
                    forgiven=int(not outcome.counts),
                    code=outcome.code,
                    error=_short(outcome.detail),
                )

    async def release(self, claim: Claim) -> None:
        """Give *claim* back to be claimed by another worker at once: we cut it short, so the attempt does not count."""
        async with self._database.as_tenant(claim.tenant_id) as session:
            await _give_back(session, claim, wait=timedelta(0), forgiven=1, code=None, error=None)

    async def backlog(self) -> Backlog:
        async with self._database.across_tenants() as session:
            row = (await session.execute(_BACKLOG)).one()
        return Backlog(waiting=row.waiting, oldest=timedelta(seconds=float(row.oldest_s or 0)))

    async def waiting(self, *, unheard_for: timedelta, limit: int) -> list[tuple[UUID, UUID]]:
        """Tenant and job id of deliveries that could be claimed and have been due for *unheard_for*, longest first.

        Empty too while another worker's relay is at it: one is enough.
        """
        async with self._database.across_tenants() as session:
            if not (await session.execute(_RELAY_LOCK)).scalar():
                return []
            values = {**self._turns(), "limit": limit, "unheard_for": unheard_for}
            rows = (await session.execute(_WAITING, values)).all()
        return [(row.tenant_id, row.job_id) for row in rows]


async def _give_up(session: AsyncSession, claim: Claim) -> GivenUp:
    """Settle as failed a delivery whose workers ended each time without a word."""
    error = f"attempts used up; the last: {claim.last_error or 'its worker ended each time without finishing'}"
    await _settle(session, claim, Status.FAILED, code=Code.WORKER_LOST, detail=error)
    return GivenUp(claim.tenant_id, claim.job_id, Code.WORKER_LOST, error, claim.ticket_id, claim.trace_context)


def _dependencies(causes: Iterable[str]) -> frozenset[Dependency]:
    """Those of *causes* that are circuits which this release knows."""
    return frozenset(_DEPENDENCIES[cause] for cause in causes if cause in _DEPENDENCIES)


async def settle_done(session: AsyncSession, claim: Claim) -> None:
    """Settle *claim* as done, in the transaction that records its note."""
    await _settle(session, claim, Status.DONE)


async def run_fenced(session: AsyncSession, statement: Any, claim: Claim, **values: Any) -> None:
    """Run *statement*, which returns a row only while *claim* is held.

    Raises:
        LeaseLost: It is not held any more; nothing was changed.
    """
    if (await session.execute(statement, {**claim.key, **values})).first() is None:
        raise LeaseLost("another worker has this delivery now")


async def _settle(
    session: AsyncSession, claim: Claim, status: Status, *, code: Code | None = None, detail: str | None = None
) -> None:
    is_ignored, reason = status is Status.IGNORED, _short(detail)
    await run_fenced(
        session,
        _SETTLE,
        claim,
        status=status,
        code=code,
        error=None if is_ignored else reason,
        because=reason if is_ignored else None,
    )
    await session.execute(_DROP_DUE, claim.key)
    if status is Status.FAILED:
        await session.execute(_NOTE_FAILED, claim.key)


async def _give_back(session: AsyncSession, claim: Claim, *, wait: timedelta, **values: Any) -> None:
    await run_fenced(session, _RETURN, claim, **values)
    await session.execute(_WAIT_DUE, {**claim.key, "wait": wait})


def _short(detail: str | None) -> str | None:
    return None if detail is None else detail.replace("\x00", "")[:MAX_ERROR_CHARS]
