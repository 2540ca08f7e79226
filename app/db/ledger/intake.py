"""Stores deliveries for the API, which may not read them.

For example, three webhooks arrive while both writers are busy. The next writer that is free passes all three to
`accept_deliveries` in one statement, which returns one SQLSTATE for each: `[null, null, '23514']`. The first two callers
continue, as their rows are committed; the third gets `DatabaseUnavailable`. One of the first two may have been stored
before: its insert does nothing, and its caller gets the same answer.

Invariant: `accept` returns only after the delivery's row is committed. Deliveries that wait at the same time share one
commit, and one that PostgreSQL refuses fails alone. A delivery waits for others beside an idle writer only while `_FEW`
or more are in commits and no more than those wait, and then `_PATIENCE_S` at most. Their number and bytes are limited:
while PostgreSQL hangs, callers beyond the limits get an error at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.db.connection import (
    CONNECT_TIMEOUT,
    READ_ONLY,
    PooledConnection,
    Pooler,
    connecting,
    driver_dsn,
    is_passing,
    is_read_only,
    unavailable,
)
from app.errors import DatabaseUnavailable

MAX_BATCH: Final = 100
# Of what waits half goes into a batch, but at least so many: a commit takes 3 ms, whatever is in it.
_LEAST_IN_BATCH: Final = 16
# So few in commits cost the API nothing, and a webhook that comes meanwhile need not wait for their commit.
_FEW: Final = 8
# What waits is written beside a commit that takes longer, e.g. on a connection that hangs.
_PATIENCE_S: Final = 0.05
# The parameters of a statement are copied twice, so a batch needs a multiple of this in memory.
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
# Beyond these limits a 503 at once is better for the sender than a long wait at the end of the queue.
MAX_WAITING: Final = 2_000
MAX_WAITING_BYTES: Final = 32 * 1024 * 1024
ACCEPT_TIMEOUT_S: Final = 8.0

_ACCEPT: Final = "select accept_deliveries($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])"
_STATE: Final = (
    "select to_regproc('accept_deliveries') is not null as has_schema,"
    " to_regproc('schema_revision') is not null as tells_revision,"
    " pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as is_read_only"
)
_REVISION: Final = "select schema_revision()"


@dataclass(frozen=True, slots=True)
class AcceptedDelivery:
    """One webhook call as it is stored."""

    tenant_id: UUID
    job_id: UUID
    ticket_id: str
    event: str
    body: bytes
    trace_context: str | None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The part of `/health` about the database."""

    schema: str | None
    """The migration revision. None: one before 2026_11_28_1200, which can't be asked, and takes deliveries all the same.

    So it is when a backup was restored that is older than this release, until `ai-agents migrate` has run.
    """


class _Writer:
    """A connection that is kept from one statement to the next.

    To take one from the pool for each, and to give it back, costs as much CPU as the statement.
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._connection: PoolConnectionProxy[Any] | None = None

    async def accept(self, deliveries: Sequence[AcceptedDelivery]) -> list[str | None]:
        """Store *deliveries*. Returns for each the SQLSTATE of its refusal, or None."""
        connection = self._find_open() or await self._pool.acquire(timeout=ACCEPT_TIMEOUT_S)
        self._connection = connection
        try:
            failures: list[str | None] = await connection.fetchval(
                _ACCEPT,
                [d.tenant_id for d in deliveries],
                [d.job_id for d in deliveries],
                [d.ticket_id for d in deliveries],
                [d.event for d in deliveries],
                [d.body for d in deliveries],
                [d.trace_context for d in deliveries],
                timeout=ACCEPT_TIMEOUT_S,
            )
        except BaseException:
            await self.let_go()  # the pool closes it if it can't be used again
            raise
        if READ_ONLY in failures:
            await self._pool.expire_connections()
            await self.let_go()
        return failures

    def _find_open(self) -> PoolConnectionProxy[Any] | None:
        try:
            return None if self._connection is None or self._connection.is_closed() else self._connection
        except asyncpg.InterfaceError:  # it was closed, and the pool has taken it back
            return None

    async def let_go(self) -> None:
        """Give the connection back to the pool."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await self._pool.release(connection)


class Intake:
    """A pool of connections as the role `ai_agents_intake`, and the deliveries that wait for a writer."""

    def __init__(self, pool: asyncpg.Pool[Any], *, writers: int, patience_s: float = _PATIENCE_S) -> None:
        self._pool = pool
        self._patience_s = patience_s
        self._waiting: deque[tuple[AcceptedDelivery, asyncio.Future[None]]] = deque()
        self._in_commit = 0
        """Number of deliveries that writers hold."""
        self._late: asyncio.TimerHandle | None = None
        """When the next writer begins though the commits under way have not ended."""
        self._waiting_bytes = 0
        """Bytes of all bodies that wait or are being written."""
        self._deadlines: dict[asyncio.Future[None], float] = {}
        """Of all that wait or are being written, the earliest first; by the loop's clock."""
        self._next_look: asyncio.TimerHandle | None = None
        self._idle_writers: list[_Writer] = [_Writer(pool) for _ in range(writers)]
        """The one that wrote last is at the end, and writes next: its connection and statement are warm."""
        self._writing: set[asyncio.Task[None]] = set()

    async def accept(self, delivery: AcceptedDelivery) -> None:
        """Store *delivery*. Does nothing if one with its job id is stored already.

        Raises:
            DatabaseUnavailable: It was not committed, or that is not known. The caller may send it again.
        """
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes + len(delivery.body) > MAX_WAITING_BYTES:
            raise DatabaseUnavailable("too many deliveries wait for PostgreSQL")
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._waiting.append((delivery, committed))
        self._waiting_bytes += len(delivery.body)
        self._deadlines[committed] = loop.time() + ACCEPT_TIMEOUT_S
        if self._next_look is None:
            self._give_up_late()
        if self._may_commit:
            self._begin_writing()
        else:
            self._begin_soon()
        try:
            await committed
        finally:
            del self._deadlines[committed]

    def _begin_soon(self) -> None:
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(self._patience_s, self._begin_writing, True)

    def _begin_writing(self, is_late: bool = False) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if self._waiting and self._idle_writers:
            task = asyncio.create_task(self._write(self._idle_writers.pop(), is_late=is_late))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    def _give_up_late(self) -> None:
        """Give up deliveries past their deadline, and look again at the next one's.

        One timer for all of them: one for each would be a tenth of what `accept` costs.
        """
        loop = asyncio.get_running_loop()
        self._next_look = None
        for committed, deadline in self._deadlines.items():
            if deadline > loop.time():
                self._next_look = loop.call_at(deadline, self._give_up_late)
                return
            if not committed.done():
                committed.set_exception(unavailable(TimeoutError()))

    async def _write(self, writer: _Writer, *, is_late: bool) -> None:
        try:
            while self._waiting and (is_late or self._may_commit):
                is_late = False
                await self._write_batch(writer)
            if self._waiting:
                self._begin_soon()
        finally:
            self._idle_writers.append(writer)

    async def _write_batch(self, writer: _Writer) -> None:
        batch = self._next_batch()
        self._in_commit += len(batch)
        try:
            wanted = [entry for entry in batch if not entry[1].done()]  # the others' callers have timed out
            if wanted:
                await self._commit(writer, wanted)
        finally:
            self._in_commit -= len(batch)
            self._waiting_bytes -= sum(len(delivery.body) for delivery, _ in batch)

    @property
    def _may_commit(self) -> bool:
        """Whether what waits is worth a commit beside those that are under way.

        Of 32 senders that each wait for their answer, 16 are in a commit while the API reads the next webhook of the
        others. Were all 32 in one, or in two at once, which PostgreSQL ends together, the API would have nothing to do
        meanwhile. Where commits are slow, more wait than are in commits, and another writer takes them.
        """
        return self._in_commit < _FEW or len(self._waiting) > self._in_commit

    def _next_batch(self) -> list[tuple[AcceptedDelivery, asyncio.Future[None]]]:
        """Half of what waits, so that the other half is read and answered meanwhile; all, if it is little."""
        most = min(max(_LEAST_IN_BATCH, len(self._waiting) // 2), MAX_BATCH)
        batch = [self._waiting.popleft()]
        size = len(batch[0][0].body)
        while self._waiting and len(batch) < most:
            size += len(self._waiting[0][0].body)
            if size > MAX_BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _commit(self, writer: _Writer, batch: list[tuple[AcceptedDelivery, asyncio.Future[None]]]) -> None:
        # Sorted, to avoid deadlocks: two batches may hold the same deliveries, when senders repeat them. Each insert then
        # waits for the same row of the other batch, so all batches must insert in the same order.
        batch.sort(key=lambda entry: (entry[0].tenant_id, entry[0].job_id))
        deliveries = [delivery for delivery, _ in batch]
        try:
            failures = await writer.accept(deliveries)
        except Exception as error:  # noqa: BLE001 - whatever it was, each caller must get an error
            for _, committed in batch:
                if not committed.done():
                    committed.set_exception(unavailable(error))
            return
        for (_, committed), sqlstate in zip(batch, failures, strict=True):
            if committed.done():
                continue
            if sqlstate is None:
                committed.set_result(None)
            else:
                committed.set_exception(DatabaseUnavailable(f"PostgreSQL refused the row (SQLSTATE {sqlstate})"))

    async def record_feedback(self, tenant_id: UUID, job_id: UUID, *, is_helpful: bool, comment: str) -> bool:
        """Store a vote on the note of a delivery; it replaces an earlier vote. False when there is no such note.

        Raises:
            DatabaseUnavailable: It was not stored, or that is not known. The caller may send it again.
        """
        try:
            return bool(
                await self._pool.fetchval(
                    "select record_feedback($1, $2, $3, $4)",
                    tenant_id,
                    job_id,
                    is_helpful,
                    comment,
                    timeout=ACCEPT_TIMEOUT_S,
                )
            )
        except Exception as error:
            if is_read_only(error):
                await self._pool.expire_connections()
            if is_passing(error):
                raise unavailable(error) from error
            raise

    async def state(self) -> LedgerState:
        """The state of the ledger; it raises when no delivery can be stored now.

        Raises:
            DatabaseUnavailable: No connection, no schema, or the server is read-only.
        """
        timeout_s = CONNECT_TIMEOUT.total_seconds()
        try:
            row = await self._pool.fetchrow(_STATE, timeout=timeout_s)
            revision = await self._pool.fetchval(_REVISION, timeout=timeout_s) if row["tells_revision"] else None
        except Exception as error:
            # Also a missing database or a wrong password, which are no bugs of ours.
            if is_passing(error) or isinstance(error, asyncpg.PostgresError):
                raise unavailable(error) from error
            raise
        if row["is_read_only"]:
            await self._pool.expire_connections()  # another connection may lead to the server that took its place
            raise DatabaseUnavailable("PostgreSQL is read-only (a standby, or out of space)")
        if not row["has_schema"]:
            raise DatabaseUnavailable("the database has no schema yet: run `ai-agents migrate`")
        return LedgerState(schema=revision)

    async def finish(self) -> None:
        """Wait until all waiting deliveries are written, and give the connections back."""
        while self._writing:
            await asyncio.wait(self._writing)
        for writer in self._idle_writers:
            await writer.let_go()


async def _keep(_: asyncpg.Connection[Any]) -> None:
    """Leave a connection as it is when it goes back to the pool."""


@asynccontextmanager
async def open_intake(url: str, *, pooler: Pooler = "none", connections: int = 4) -> AsyncIterator[Intake]:
    """An `Intake` on *url*. It connects on first use, so the API also starts while the database is down."""
    pool = asyncpg.create_pool(
        driver_dsn(url),
        min_size=0,
        max_size=connections,
        connection_class=PooledConnection,
        connect=connecting(pooler),
        timeout=CONNECT_TIMEOUT.total_seconds(),
        statement_cache_size=0 if pooler == "transaction" else 100,
        server_settings={"application_name": "ai-agents api"},
        # Our statements leave nothing in a session, so the second round trip that clears it can be spared.
        reset=_keep,
    )
    await pool
    # One connection stays free for `/health` while the writers are busy.
    intake = Intake(pool, writers=max(1, connections - 1))
    try:
        yield intake
    finally:
        await intake.finish()
        with suppress(Exception):
            async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
                await pool.close()
        pool.terminate()
