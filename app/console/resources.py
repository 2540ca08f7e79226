"""What the console's pages share: database, queue, tenants, and a snapshot of now.

A snapshot is taken at most once a second, however many people watch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from litestar.exceptions import NotFoundException

from app.console.health import Snapshot
from app.db.limits.holds import EVERY_TENANT, list_holds
from app.db.reports.overview import load_figures
from app.db.session import Database
from app.queue import Queue
from app.tenants import KnownTenant, TenantDirectory

_FRESH_S: Final = 1.0
# A worker that runs as many attempts as it may does not read the stream; an attempt ends within this time.
_READ_WITHIN_S: Final = 150.0


@dataclass(slots=True)
class Resources:
    """What a page reads from and writes to."""

    database: Database
    queue: Queue
    tenants: TenantDirectory
    trace_url: str = ""
    """Address of a trace in the tracing system, with the placeholder `{trace_id}`."""
    _last: tuple[float, Snapshot] | None = None
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def known(self, slug: str) -> KnownTenant:
        """The tenant of this slug; 404 otherwise."""
        found = self.tenants.find_slug(slug)
        if found is None:
            raise NotFoundException(f"There is no tenant {slug!r}.")
        return found

    def chosen(self, slug: str) -> list[KnownTenant]:
        """The tenant of this slug, or all when it is empty."""
        return [self.known(slug)] if slug else list(self.tenants)

    def names(self) -> dict[UUID, str]:
        """Each tenant's name, by id."""
        return {known.tenant.id: known.tenant.name for known in self.tenants} | {EVERY_TENANT: "All tenants"}

    def slugs(self) -> dict[UUID, str]:
        return {known.tenant.id: known.tenant.slug for known in self.tenants}

    async def snapshot(self) -> Snapshot:
        """A snapshot that is at most a second old."""
        async with self._taking:
            if self._last is None or time.monotonic() - self._last[0] > _FRESH_S:
                self._last = (time.monotonic(), await self._take())
            return self._last[1]

    def forget(self) -> None:
        """Drop the snapshot after an act, so that the next page shows the change."""
        self._last = None

    async def _take(self) -> Snapshot:
        tenants = [known.tenant for known in self.tenants]
        ids: Sequence[UUID] = [tenant.id for tenant in tenants]
        (now, figures), holds, workers = await asyncio.gather(
            load_figures(self.database, ids),
            list_holds(self.database, ids),
            self.queue.listeners(read_within_s=_READ_WITHIN_S),
        )
        return Snapshot(
            now=now,
            tenants=tenants,
            figures=figures,
            holds=holds,
            is_redis_reachable=workers is not None,
            workers=workers,
            file_problems=[(problem.slug, problem.detail) for problem in self.tenants.problems],
        )
