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

from sqlalchemy import text

from app.core.tenant import Tenant
from app.db.limits.holds import Cause
from app.db.session import Database
from app.errors import CallsExhausted

_HOLD: Final = text("""
insert into gate as old (tenant_id, cause, closed_until) values (:tenant_id, :cause, now() + cast(:wait as interval))
on conflict (tenant_id, cause) do update set closed_until = greatest(old.closed_until, excluded.closed_until),
    since = case when old.closed_until > now() then old.since else now() end
""")
_MINUTE: Final = timedelta(minutes=1)
# A worker's usual calls for one ticket: read it, look at its notes, post.
_LARGEST_BURST: Final = 5
_LONGEST_BACK_OFF: Final = timedelta(minutes=10)

# One statement takes the next time for a call, unless that is too far away: then it changes nothing and returns no row.
_TAKE: Final = text("""
insert into call_slot as slot (tenant_id, next_call_at) values (:tenant_id, clock_timestamp() + cast(:interval as interval))
on conflict (tenant_id) do update
    set next_call_at = greatest(slot.next_call_at, clock_timestamp()) + cast(:interval as interval)
    where greatest(slot.next_call_at - cast(:tolerance as interval), slot.closed_until) <= clock_timestamp() + cast(:longest_wait as interval)
returning greatest(interval '0', next_call_at - cast(:interval as interval) - cast(:tolerance as interval) - clock_timestamp()) as wait
""")
_WAIT: Final = text("""
select greatest(interval '0', greatest(next_call_at - cast(:tolerance as interval), closed_until) - clock_timestamp()) as wait
from call_slot where tenant_id = :tenant_id
""")
_CLOSED: Final = text("""
select true from call_slot where tenant_id = :tenant_id and closed_until > clock_timestamp()
""")
# Calls after a throttling are let go one by one, without a burst.
_CLOSE: Final = text("""
insert into call_slot as slot (tenant_id, next_call_at, closed_until)
values (:tenant_id, clock_timestamp() + cast(:wait as interval) + cast(:tolerance as interval), clock_timestamp() + cast(:wait as interval))
on conflict (tenant_id) do update
    set next_call_at = greatest(slot.next_call_at, excluded.next_call_at),
        closed_until = greatest(slot.closed_until, excluded.closed_until)
""")


class CallRate:
    """The limit of one tenant's calls; fits `CallLimiter` of the ServiceDesk Plus adapter.

    Args:
        database: As the worker's role.
        tenant: Says how many calls a minute.
        longest_wait: When a call would have to wait longer, it is refused.
        is_patient: For the sync: it takes no part in bursts, so that these are left for tickets.
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
            if not await self._is_closed():
                return
            # It was throttled while we waited: that time is void, take another one behind the closure.

    async def back_off(self, wait: timedelta) -> None:
        """Let no call of this tenant go for *wait*, also of those that wait now."""
        values = {
            "tenant_id": self._tenant_id,
            "wait": min(max(wait, timedelta()), _LONGEST_BACK_OFF),
            "tolerance": self._burst_tolerance,
        }
        async with self._database.as_tenant(self._tenant_id) as session:
            await session.execute(_CLOSE, values)

    async def _take(self, *, longest_wait: timedelta) -> timedelta:
        key = {"tenant_id": self._tenant_id, "tolerance": self._tolerance}
        async with self._database.as_tenant(self._tenant_id) as session:
            taken = await session.execute(_TAKE, {**key, "interval": self._interval, "longest_wait": longest_wait})
            wait: timedelta | None = taken.scalar_one_or_none()
            if wait is None:
                wait = (await session.execute(_WAIT, key)).scalar_one()
                raise CallsExhausted(
                    f"the tenant's calls_per_minute are used up for {wait.total_seconds():.0f} s", retry_after=wait
                )
        return wait

    async def _is_closed(self) -> bool:
        async with self._database.as_tenant(self._tenant_id) as session:
            closed = await session.execute(_CLOSED, {"tenant_id": self._tenant_id})
            return closed.scalar_one_or_none() is not None


async def hold_until_next_turn(database: Database, tenant_id: UUID, *, wait: timedelta) -> None:
    """Let no delivery of *tenant_id* be claimed for *wait*: its calls are used up for so long."""
    async with database.as_tenant(tenant_id) as session:
        await session.execute(_HOLD, {"tenant_id": tenant_id, "cause": Cause.RATE_LIMITED, "wait": wait})
