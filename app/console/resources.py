"""What the console's pages read from and write to, and the part of it that one user may see.

A snapshot of now is taken at most once a second, and for a fifth of the time at most, however many people watch.

Invariant: a page gets `Resources`, never the `Backend`. So a tenant that the user may not see is in no list, sum,
chart, filter or act of any page, and to ask for it by name is answered like one that does not exist. A shared help desk
is seen by those with all tenants alone: what it tells is of all its accounts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from litestar.exceptions import NotFoundException, PermissionDeniedException

from app.console.access import Access
from app.console.door import MAY_NOT
from app.console.shared import load_shared_desk
from app.console.smoke import load_smoke_test
from app.console.snapshot import Snapshot
from app.core.budget import Usage
from app.core.tenant import EVERY_TENANT, Tenant
from app.db.limits.holds import Hold, list_holds
from app.db.reports.costs import Usages
from app.db.reports.overview import load_figures
from app.db.session import Database
from app.queue import Queue
from app.tenants import FileProblem, KnownTenant, TenantDirectory

_FRESH_S: Final = 1.0
# Beside load it may take a second of a thousand tenants: it is shown until five times as long has passed.
_TAKEN_ONE_IN: Final = 5
# A worker that runs as many attempts as it may does not read the stream; an attempt ends within this time.
_READ_WITHIN_S: Final = 150.0
_FILE_REFUSED: Final = "It or one of its secrets can't be used. An operator of all tenants sees why"


@dataclass(slots=True)
class Backend:
    """What all users' pages share."""

    database: Database
    queue: Queue
    directory: TenantDirectory
    trace_url: str = ""
    """Address of a trace in the tracing system, with the placeholder `{trace_id}`."""
    smoke_results: Path | None = None
    """The file that the smoke test's results are mounted as."""
    usages: Usages = field(default_factory=Usages)
    _last: Snapshot | None = None
    _take_at: float = 0.0
    """When `_last` is too old, by the monotonic clock."""
    _acts: int = 0
    """How often an act has changed what a snapshot shows."""
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def snapshot(self) -> Snapshot:
        """A snapshot of all tenants that is at most a second old, or five times as old as it took to take it."""
        async with self._taking:
            if self._last is None or time.monotonic() >= self._take_at:
                began, acts = time.monotonic(), self._acts
                taken = await self._take()
                if acts != self._acts:  # it may show what was before the act: the next page takes another
                    return taken
                self._last = taken
                self._take_at = began + max(_FRESH_S, _TAKEN_ONE_IN * (time.monotonic() - began))
            return self._last

    def forget(self) -> None:
        """Drop the snapshot after an act, so that the next page shows the change."""
        self._last = None
        self._acts += 1

    async def _take(self) -> Snapshot:
        tenants = [known.tenant for known in self.directory]
        ids: Sequence[UUID] = [tenant.id for tenant in tenants]
        (now, figures), holds, workers = await asyncio.gather(
            load_figures(self.database, ids, self.usages),
            list_holds(self.database, ids),
            self.queue.listeners(read_within_s=_READ_WITHIN_S),
        )
        shared = {
            tenant.id: await load_shared_desk(self.database, self.directory, tenant)
            for tenant in tenants
            if tenant.is_instance
        }
        return Snapshot(
            now=now,
            tenants=tenants,
            figures=figures,
            holds=holds,
            is_redis_reachable=workers is not None,
            workers=workers,
            file_problems=[(problem.slug, problem.detail) for problem in self.directory.problems],
            shared=shared,
            smoke_test=load_smoke_test(self.smoke_results),
        )


@dataclass(frozen=True, slots=True)
class Resources:
    """The part of the `Backend` that one user may see."""

    _backend: Backend
    access: Access

    @property
    def database(self) -> Database:
        """For queries about tenants that were found here."""
        return self._backend.database

    @property
    def trace_url(self) -> str:
        return self._backend.trace_url

    @property
    def tenants(self) -> list[KnownTenant]:
        """The tenants that the user may see, by slug."""
        return [known for known in self._backend.directory if self._may_see(known.tenant)]

    def _may_see(self, tenant: Tenant) -> bool:
        return self.access.sees_all or (self.access.may_see(tenant.slug) and not tenant.is_instance)

    @property
    def file_problems(self) -> list[FileProblem]:
        """What is wrong with files. The reason may name another tenant, so only who sees all is told it."""
        problems = self._backend.directory.problems
        if self.access.sees_all:
            return problems
        return [FileProblem(each.slug, f"{_FILE_REFUSED}.") for each in problems if self.access.may_see(each.slug)]

    def known(self, slug: str) -> KnownTenant:
        """The tenant of this slug; 404 if there is none that the user may see."""
        found = self._backend.directory.find_slug(slug)
        if found is None or not self._may_see(found.tenant):
            raise NotFoundException("There is no such tenant.")
        return found

    def instance_of(self, tenant: Tenant) -> Tenant | None:
        """The shared help desk that *tenant* is an account of, if the user may see it."""
        known = self._backend.directory.find(tenant.desk_id) if tenant.desk_id != tenant.id else None
        return known.tenant if known is not None and self._may_see(known.tenant) else None

    def operable(self, slug: str) -> KnownTenant:
        """The tenant of this slug, to act on it; 404 as for `known`, 403 if the user may only look."""
        found = self.known(slug)
        if not self.access.may_operate(slug):
            raise PermissionDeniedException(MAY_NOT)
        return found

    def chosen(self, slug: str, *, to_act: bool = False) -> list[KnownTenant]:
        """The tenant of this slug; of an empty one all that the user may see, or may act on."""
        if slug:
            return [self.operable(slug) if to_act else self.known(slug)]
        return [known for known in self.tenants if not to_act or self.access.may_operate(known.tenant.slug)]

    def names(self) -> dict[UUID, str]:
        """Each tenant's name, by id."""
        return {known.tenant.id: known.tenant.name for known in self.tenants} | {EVERY_TENANT: "All tenants"}

    def slugs(self) -> dict[UUID, str]:
        return {known.tenant.id: known.tenant.slug for known in self.tenants}

    async def usage(self, tenants: Sequence[Tenant]) -> dict[UUID, Usage]:
        """What is used of the budgets now, of tenants that were found here."""
        return await self._backend.usages.load_each(self._backend.database, [tenant.id for tenant in tenants])

    async def snapshot(self) -> Snapshot:
        """A snapshot that is at most a second old, of the tenants that the user may see."""
        whole = await self._backend.snapshot()
        if self.access.sees_all:
            return whole
        tenants = [tenant for tenant in whole.tenants if self._may_see(tenant)]
        ids = {tenant.id for tenant in tenants}
        figures = [each for each in whole.figures if each.tenant_id in ids]
        return replace(
            whole,
            tenants=tenants,
            figures=figures,
            holds=_holds_for(tenants, whole),
            shared={},
            smoke_test=None,
            is_other_in_work=whole.working > sum(each.load.working for each in figures),
            file_problems=[(slug, _FILE_REFUSED) for slug, _ in whole.file_problems if self.access.may_see(slug)],
        )

    def forget(self) -> None:
        """Drop the snapshot after an act, so that the next page shows the change."""
        self._backend.forget()


def _holds_for(tenants: Sequence[Tenant], whole: Snapshot) -> list[Hold]:
    """The holds of *tenants* and of every tenant. Who holds more than these, and why, may be about other tenants."""
    desks = {tenant.id: tenant.desk_id for tenant in tenants} | {EVERY_TENANT: EVERY_TENANT}
    told_of_many = {
        (of, hold.cause, hold.since, hold.reason)
        for of, desk_id in desks.items()
        if of == EVERY_TENANT or desk_id != of
        for hold in whole.holds_of(desk_id)
    }
    return [
        replace(hold, by=None, reason=None)
        if (hold.tenant_id, hold.cause, hold.since, hold.reason) in told_of_many
        else hold
        for hold in whole.holds
        if hold.tenant_id in desks
    ]
