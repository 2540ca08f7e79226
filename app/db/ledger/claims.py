"""How a worker uses the ledger: it claims a delivery, extends its lease, and settles it.

For example, one delivery with a lease of 60 s, whose first worker stalls. Every statement of a worker names its
attempt, so the stalled worker can change nothing once another attempt has begun ("fencing"):

    time   statement                              delivery                             due
    ────   ────────────────────────────────────   ──────────────────────────────────   ──────────────────────────────
    0 s    accepted                               pending,    attempt 0                due at 0 s
    1 s    worker A claims it                     processing, attempt 1                due at 61 s, is_leased
    21 s   A extends its lease, then stalls       processing, attempt 1                due at 81 s, is_leased
    82 s   worker B claims it: it is due          processing, attempt 2                due at 142 s, is_leased
    90 s   A wakes, settles `where attempt = 1`   unchanged: no row, A gets LeaseLost
    95 s   B settles `where attempt = 2`          done                                 row deleted

A claim does not wait for the disk. Should a crash of PostgreSQL lose it, the next claim begins an attempt with the same
number, beside the one that does not know that it is lost. So each claim draws a `fence` too, which its statements name:

    attempt, fence   worker A                            the crash keeps   afterwards
    ──────────────   ─────────────────────────────────   ───────────────   ──────────────────────────────────────────────────
    1, f             claims, and writes the note         nothing           worker B claims it: 1, g. A names f and gets LeaseLost
    1, f             has stored that it posts now        all of it         A posts; B claims it when A's lease has ended: 2, g

That it posts is stored before the call (`begin_posting`), and this waits for the disk. PostgreSQL writes its log in order,
so it keeps the claim with it: no attempt posts whose claim can be lost.

Invariant: one worker holds a claim. `attempt` only grows. All times are the database's, so it does not matter that the
clocks of workers differ. `due` and `delivery` change in one transaction. No tenant has more deliveries leased at once
than it has slots, and none is claimed while a hold is on. A delivery whose row can't be read is settled as failed or
put off, and the next one is claimed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from app.core.delivery import Event, Status
from app.core.outcome import Outcome
from app.db.limits.circuits import Dependency
from app.db.session import Database, Row, Transaction
from app.db.sql import Statement, load, read_script
from app.errors import Code, DatabaseUnavailable, LeaseLost

MAX_ERROR_CHARS: Final = 500
_PUT_OFF: Final = timedelta(seconds=30)
UNKNOWN_SLOTS: Final = 4
"""Slots of a tenant that has no file. Its deliveries are claimed too, and settled as failed after a while."""
log = structlog.get_logger(__name__)

# How many tenants a claim tries when other workers hold the locks of those before.
_MAX_TENANTS_TRIED: Final = 50
_TURNS_LAST_S: Final = 1.0

# Of one process. Connections are left for the deliveries in work.
_CLAIMS_AT_ONCE: Final = 4

_DEPENDENCIES: Final = {each.value: each for each in Dependency}
_DUE_TENANTS: Final = load(__package__, "due_tenants")
_CLAIM_FIRST: Final = load(__package__, "claim_first", tenants=read_script(__package__, "due_tenants"))
_CLAIM_FIRST_OF: Final = load(__package__, "claim_first_of")
_WAIT_DUE: Final = load(__package__, "wait_due")
_LOCK_DUE: Final = load(__package__, "lock_due")
_DROP_DUE: Final = load(__package__, "drop_due")
_LIST_FAILED: Final = load(__package__, "list_failed")
_FAIL_UNCLAIMED: Final = load(__package__, "fail_unclaimed")
_EXTEND: Final = load(__package__, "extend")
_SETTLE: Final = load(__package__, "settle")
_MAY_BE_POSTED: Final = load(__package__, "may_be_posted")
_GIVE_BACK: Final = load(__package__, "give_back")
_HAND_OVER: Final = load(__package__, "hand_over")
_WAITING: Final = load(__package__, "due_deliveries")
_BACKLOG: Final = load(__package__, "backlog")
# One worker's relay at a time. The lock ends with the transaction.
_RELAY_LOCK: Final = load(__package__, "lock_relay")


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one delivery, and what the attempt needs of its row."""

    tenant_id: UUID
    job_id: UUID
    ticket_id: str
    body: bytes
    attempt: int
    fence: UUID
    """Of this attempt alone, also where a crash of PostgreSQL has lost another one with its number."""
    attempts_used: int
    """Attempts that count against `MAX_ATTEMPTS`, this one included."""
    accepted_at: datetime
    trace_context: str | None
    last_error: str | None
    """The error of an earlier attempt, as a sentence."""
    is_crowded: bool
    """More of the tenant's deliveries are due than it has free slots. The rings for those found nothing to claim and are
    gone, so after this attempt the worker claims again without waiting for a ring."""
    failing: frozenset[Dependency]
    """The dependencies whose last call for the tenant failed."""
    open: frozenset[Dependency]
    """The dependencies whose circuit is open, so that they must not be called."""
    asked_at: float
    """When it was asked for, by this process's monotonic clock: the database's lease began later."""

    @property
    def key(self) -> dict[str, Any]:
        """The parameters of a fenced statement."""
        return {"tenant_id": self.tenant_id, "job_id": self.job_id, "attempt": self.attempt, "fence": self.fence}


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A delivery that was settled as failed without an attempt, and why."""

    tenant_id: UUID
    job_id: UUID
    code: Code
    detail: str
    ticket_id: str | None = None
    """None when the row can't be read."""
    trace_context: str | None = None

    @property
    def key(self) -> dict[str, UUID]:
        return {"tenant_id": self.tenant_id, "job_id": self.job_id}


@dataclass(frozen=True, slots=True)
class Backlog:
    """The deliveries of all tenants that wait."""

    waiting: int
    """Number of deliveries that are due and not claimed."""
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
            slots: How many deliveries of a tenant may be in work at once; those not named have `UNKNOWN_SLOTS`. After a
                change it gives another object: to write a thousand tenants as JSON takes as long as to look for one.
            tell_given_up: Called for each delivery that `claim_next` settled as failed.
        """
        self._database = database
        self._lease = lease
        self._max_attempts = max_attempts
        self._slots = slots
        self._written_slots: Mapping[UUID, int] = {}
        self._own_slots = "{}"
        """`_written_slots` as JSON."""
        self._tell = tell_given_up
        self._claiming = asyncio.Semaphore(_CLAIMS_AT_ONCE)
        self._turns: deque[str] = deque()
        """Tenants whose turn is next, as PostgreSQL tells of them. To find them takes as long as there are tenants with
        something due, 5 ms for 1,000, so where that are many, the next claims serve those that follow, each once."""
        self._turns_end = 0.0

    async def claim_next(self) -> Claim | None:
        """Take the delivery that is next, or None when nothing is due.

        Before it returns, it settles as failed the deliveries that it meets and that can't be read, and those whose
        workers died or stalled in all of their `MAX_ATTEMPTS`. If the last one may have posted, one more attempt looks.

        Raises:
            DatabaseUnavailable: PostgreSQL can't be asked now.
        """
        while True:
            async with self._claiming:
                asked_at = time.monotonic()
                row = await self._claim_first()
            given_up = None
            if row is None:
                return None
            if row["fault"] is not None:  # a bad row must not keep the next one from being claimed
                given_up = await self._put_aside(row["tenant_id"], row["job_id"], fault=row["fault"])
            elif row["attempt"] is not None:
                claim = _claim_of(row, asked_at=asked_at)
                if claim.attempts_used <= self._max_attempts or await self._is_to_look(claim):
                    return claim
                given_up = await self._give_up(claim)
            if given_up is not None:
                self._tell_given_up(given_up)

    async def _put_aside(self, tenant_id: UUID, job_id: UUID, *, fault: str) -> GivenUp | None:
        """Take a delivery whose claim failed with the SQLSTATE *fault* out of the way, so that the next one can be claimed.

        If a value in the row is at fault, a retry can't help: the delivery is settled as failed. Any other fault may
        pass: it is put off for `_PUT_OFF`. Returns None when it was put off or another worker has claimed it.
        """
        reason = f"this release can't read the delivery as it is stored (SQLSTATE {fault})"
        given_up = GivenUp(tenant_id, job_id, Code.DELIVERY_UNREADABLE, reason)
        log.error(
            "delivery_not_claimed", code=given_up.code, tenant_id=str(tenant_id), job_id=str(job_id), cause=reason
        )
        if fault.startswith("22"):  # a value is at fault
            try:
                return given_up if await self._fail(given_up) else None
            except DatabaseUnavailable:
                raise
            except (
                Exception
            ) as settling:  # it can't even be settled: put it off, else the next claim finds it first again
                log.error("delivery_not_settled", job_id=str(job_id), exc_info=settling)
        async with self._database.transaction(None) as tx:
            if await tx.row(_LOCK_DUE, **given_up.key) is not None:
                await tx.run(_WAIT_DUE, **given_up.key, wait=_PUT_OFF)
        return None

    async def _fail(self, given_up: GivenUp) -> bool:
        """Settle as failed a delivery that was not claimed. False when another worker has claimed it meanwhile."""
        key = given_up.key
        async with self._database.transaction(given_up.tenant_id) as tx:
            if await tx.row(_LOCK_DUE, **key) is None:
                return False
            if await tx.row(_FAIL_UNCLAIMED, **key, code=given_up.code, error=given_up.detail) is not None:
                await tx.run(_LIST_FAILED, **key)
            await tx.run(_DROP_DUE, **key)
        return True

    async def _is_to_look(self, claim: Claim) -> bool:
        """Whether *claim* is the first beyond the allowed ones, and the note of one of those may be on the ticket."""
        return claim.attempts_used == self._max_attempts + 1 and await self.may_be_posted(claim)

    async def may_be_posted(self, claim: Claim) -> bool:
        """Whether an attempt at *claim*'s delivery began to post, and no note is stored: it may be on the ticket."""
        async with self._database.transaction(claim.tenant_id) as tx:
            return bool(await tx.value(_MAY_BE_POSTED, **claim.key))

    async def _give_up(self, claim: Claim) -> GivenUp | None:
        """Settle as failed a delivery whose workers died or stalled in all of its attempts. None: another one has it now."""
        error = f"attempts used up; the last: {claim.last_error or 'its worker ended each time without finishing'}"
        try:
            async with self._database.transaction(claim.tenant_id) as tx:
                await _settle(tx, claim, Status.FAILED, code=Code.WORKER_LOST, detail=error)
        except LeaseLost:
            return None
        return GivenUp(claim.tenant_id, claim.job_id, Code.WORKER_LOST, error, claim.ticket_id, claim.trace_context)

    def _tell_given_up(self, given_up: GivenUp) -> None:
        try:
            self._tell(given_up)
        except Exception:  # it is settled; an error in the report must not stop the claim of the next one
            log.exception("given_up_not_told")

    async def _claim_first(self) -> Row | None:
        """What PostgreSQL's function `claim_first` returns of the delivery that is next; None: none is due."""
        ask = partial(self._database.rows_alone, lease=self._lease)
        while self._turns and time.monotonic() < self._turns_end:
            if rows := await ask(_CLAIM_FIRST_OF, tenants=[self._turns.popleft()]):
                return rows[0]
        rows = await ask(_CLAIM_FIRST, **self._tenants_slots(), limit=_MAX_TENANTS_TRIED)
        if not rows:
            return None
        if rows[0]["others"] is not None:
            self._turns, self._turns_end = deque(rows[0]["others"]), time.monotonic() + _TURNS_LAST_S
        return rows[0]

    def _tenants_slots(self) -> dict[str, Any]:
        slots = self._slots()
        if slots is not self._written_slots:
            self._written_slots = slots
            self._own_slots = json.dumps({str(tenant_id): number for tenant_id, number in slots.items()})
        return {"own_slots": self._own_slots, "slots": UNKNOWN_SLOTS}

    async def extend(self, claim: Claim) -> None:
        """Extend the lease of *claim*: a full lease from now.

        Raises:
            LeaseLost: Another attempt has begun.
        """
        async with self._database.transaction(claim.tenant_id) as tx:
            await run_fenced(tx, _EXTEND, claim, lease=self._lease)

    async def conclude(self, claim: Claim, outcome: Outcome) -> None:
        """Store *outcome* of *claim*, which has a status: settle the delivery, or make it due again after its wait.

        Raises:
            LeaseLost: Another attempt has begun.
        """
        async with self._database.transaction(claim.tenant_id) as tx:
            if outcome.status is Status.PENDING:
                await _give_back(
                    tx,
                    claim,
                    wait=outcome.wait,
                    forgiven=int(not outcome.counts),
                    code=outcome.code,
                    error=_short(outcome.detail),
                )
            else:
                assert outcome.status is not None, "the lease decides, so the ledger is not told"  # noqa: S101
                await _settle(tx, claim, outcome.status, code=outcome.code, detail=outcome.detail)

    async def hand_over(self, claim: Claim, *, tenant_id: UUID, job_id: UUID, ticket_id: str, event: Event) -> None:
        """Store the delivery of *claim*, a shared instance's, for the tenant whose account it is of.

        Args:
            claim: Of the instance; it stays to be settled.
            tenant_id: Whose it is.
            job_id: The delivery's there; with the same once more nothing changes.
            ticket_id: As the help desk has it.
            event: What happened to the ticket.
        """
        values = {"tenant_id": tenant_id, "job_id": job_id, "ticket_id": ticket_id, "event": event.value}
        async with self._database.transaction(tenant_id) as tx:
            await tx.run(_HAND_OVER, **values, body=claim.body, trace_context=claim.trace_context)

    async def release(self, claim: Claim) -> None:
        """Make the delivery due again at once. The attempt does not count, since this process ended it early."""
        async with self._database.transaction(claim.tenant_id) as tx:
            await _give_back(tx, claim, wait=timedelta(0), forgiven=1, code=None, error=None)

    async def backlog(self) -> Backlog:
        async with self._database.transaction(None) as tx:
            row = await tx.row(_BACKLOG)
        return (
            Backlog(waiting=row["waiting"], oldest=row["oldest"] or timedelta(0)) if row else Backlog(0, timedelta(0))
        )

    async def waiting(self, *, due_for: timedelta, limit: int) -> list[tuple[UUID, UUID]]:
        """Tenant and job id of deliveries that could be claimed and have been due for *due_for*, longest first.

        Also empty while the relay of another worker does this: one is enough.
        """
        async with self._database.transaction(None) as tx:
            if not await tx.value(_RELAY_LOCK):
                return []
            tenants = await tx.rows(_DUE_TENANTS, **self._tenants_slots(), limit=limit)
            rows = await tx.rows(
                _WAITING,
                tenant_ids=[tenant["tenant_id"] for tenant in tenants],
                free=[tenant["free"] for tenant in tenants],
                due_for=due_for,
                limit=limit,
            )
        return [(row["tenant_id"], row["job_id"]) for row in rows]


def _claim_of(row: Row, *, asked_at: float) -> Claim:
    """The claim in *row* of `claim_first`."""
    open_now, failing = _dependencies(row["open"]), _dependencies(row["failing"])
    own: dict[str, Any] = {"open": open_now, "failing": failing, "asked_at": asked_at}
    return Claim(**{each.name: row[each.name] for each in fields(Claim) if each.name not in own}, **own)


def _dependencies(causes: Iterable[str]) -> frozenset[Dependency]:
    """The dependencies among *causes*. Other causes, also those of a newer release, are left out."""
    return frozenset(_DEPENDENCIES[cause] for cause in causes if cause in _DEPENDENCIES)


async def run_fenced(tx: Transaction, statement: Statement, claim: Claim, **values: Any) -> None:
    """Run *statement*, which names *claim*'s attempt and returns a row only if that is still the delivery's attempt.

    Raises:
        LeaseLost: Another attempt has begun; nothing was changed.
    """
    if await tx.row(statement, **claim.key, **values) is None:
        raise lease_lost()


def lease_lost() -> LeaseLost:
    return LeaseLost("another worker has this delivery now")


async def _settle(
    tx: Transaction, claim: Claim, status: Status, *, code: Code | None = None, detail: str | None = None
) -> None:
    is_ignored, reason = status is Status.IGNORED, _short(detail)
    await run_fenced(
        tx,
        _SETTLE,
        claim,
        status=status,
        code=code,
        error=None if is_ignored else reason,
        because=reason if is_ignored else None,
    )
    await tx.run(_DROP_DUE, **claim.key)
    if status is Status.FAILED:
        await tx.run(_LIST_FAILED, **claim.key)


async def _give_back(tx: Transaction, claim: Claim, *, wait: timedelta, **values: Any) -> None:
    await run_fenced(tx, _GIVE_BACK, claim, **values)
    await tx.run(_WAIT_DUE, **claim.key, wait=wait)


def _short(detail: str | None) -> str | None:
    return None if detail is None else detail.replace("\x00", "")[:MAX_ERROR_CHARS]
