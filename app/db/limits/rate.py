"""How often a tenant's ServiceDesk Plus is called, by all workers together.

Invariant: in any sixty seconds at most `calls_per_minute` calls are let go, by the database's clock and over
all processes; while ServiceDesk Plus throttles, none is.

GCRA (generic cell rate algorithm), with the time of the tenant's next call in one row (table `call_slot`). A burst of
b calls may go at once after a pause; from then on one every 60 s / (n - b + 1), so that the burst and the calls after it
stay within n.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core.tenant import Tenant
from app.db.limits.holds import Cause
from app.db.session import Database
from app.db.sql import load
from app.errors import CallsExhausted

_MINUTE: Final = timedelta(minutes=1)
# A worker's usual calls for one ticket: read it, look at its notes, post.
_LARGEST_BURST: Final = 5
_LONGEST_BACK_OFF: Final = timedelta(minutes=10)

_TAKE: Final = load(__package__, "take_call")
_WAIT: Final = load(__package__, "call_wait")
_IS_THROTTLED: Final = load(__package__, "is_throttled")
_THROTTLE: Final = load(__package__, "throttle")
_HOLD: Final = load(__package__, "hold_calls")


class CallRate:
    """The limit of one tenant's calls; fits `CallLimiter` of the ServiceDesk Plus adapter.

    A call that would have to wait for more than *longest_wait* is refused. The sync *is_patient*: it takes no part in
    bursts, so that these are left for tickets.
    """

    def __init__(
        self,
        database: Database,
        tenant: Tenant,
        *,
        longest_wait: timedelta = timedelta(seconds=20),
        is_patient: bool = False,
    ) -> None:
        self._database = database
        self._tenant_id = tenant.desk_id
        per_minute = tenant.servicedesk.calls_per_minute
        burst = max(1, min(_LARGEST_BURST, per_minute // 6))
        self._interval = _MINUTE / (per_minute - burst + 1)
        self._tolerance = timedelta() if is_patient else (burst - 1) * self._interval
        self._burst_tolerance = (burst - 1) * self._interval
        self._longest_wait = longest_wait

    async def acquire(self) -> None:
        """Return when a call may go.

        Raises:
            CallsExhausted: That is more than `longest_wait` away; nothing was taken.
            DatabaseUnavailable: The database can't be asked, so no call is allowed.
        """
        deadline = asyncio.get_running_loop().time() + self._longest_wait.total_seconds()
        while True:
            left = timedelta(seconds=max(0.0, deadline - asyncio.get_running_loop().time()))
            wait = await self._take(longest_wait=left)
            if not wait:
                return
            await asyncio.sleep(wait.total_seconds())
            if not await self._is_throttled():
                return
            # It was throttled while we waited: that time is void, take another one behind the closure.

    async def back_off(self, wait: timedelta) -> None:
        """Let no call of this tenant go for *wait*, also of those that wait now."""
        wait = min(max(wait, timedelta()), _LONGEST_BACK_OFF)
        async with self._database.transaction(self._tenant_id) as tx:
            await tx.run(_THROTTLE, tenant_id=self._tenant_id, wait=wait, tolerance=self._burst_tolerance)

    async def _take(self, *, longest_wait: timedelta) -> timedelta:
        key = {"tenant_id": self._tenant_id, "tolerance": self._tolerance}
        wait: timedelta | None = await self._database.value_alone(
            _TAKE, **key, interval=self._interval, longest_wait=longest_wait
        )
        if wait is not None:
            return wait
        async with self._database.transaction(self._tenant_id) as tx:
            wait = timedelta() + await tx.value(_WAIT, **key)
        raise CallsExhausted(
            f"the tenant's calls_per_minute are used up for {wait.total_seconds():.0f} s", retry_after=wait
        )

    async def _is_throttled(self) -> bool:
        async with self._database.transaction(self._tenant_id) as tx:
            return await tx.row(_IS_THROTTLED, tenant_id=self._tenant_id) is not None


async def hold_until_next_turn(database: Database, tenant_id: UUID, *, wait: timedelta) -> None:
    """Let no delivery of *tenant_id* be claimed for *wait*: its calls are used up for so long."""
    async with database.transaction(tenant_id) as tx:
        await tx.run(_HOLD, tenant_id=tenant_id, cause=Cause.RATE_LIMITED, wait=wait)
