"""Which help desks a sync reads, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.tenant import Tenant
from app.tenants import KnownTenant, TenantDirectory


@dataclass(frozen=True, slots=True)
class DeskOwners:
    """One help desk, and for whom it is read: the one tenant that owns it, or an instance's accounts."""

    known: KnownTenant
    """Whose key reads it: the tenant, or the instance."""
    accounts: Sequence[KnownTenant] = ()
    """Of an instance: all its tenants."""
    synced: frozenset[UUID] = frozenset()
    """The tenants for whom it is read now. Of others nothing is stored, and nothing is a stray."""

    @property
    def tenants(self) -> list[Tenant]:
        """Those that it is read for."""
        if not self.known.tenant.is_instance:
            return [self.known.tenant]
        return [known.tenant for known in self.accounts if known.tenant.id in self.synced]


def group_by_desk(directory: TenantDirectory, *, slug: str | None = None) -> list[DeskOwners]:
    """The help desks to read for the active tenants; with *slug*, for that tenant alone."""
    wanted = [known for known in directory if not known.tenant.is_suspended and slug in {None, known.tenant.slug}]
    desks: dict[UUID, list[UUID]] = {}
    for known in wanted:
        desks.setdefault(known.tenant.desk_id, []).append(known.tenant.id)
    found = []
    for desk_id, tenant_ids in desks.items():
        owner = directory.find(desk_id)
        if owner is None:  # the instance's file is not valid now: told by the directory
            continue
        accounts = directory.accounts_of(desk_id) if owner.tenant.is_instance else []
        active = {each.tenant.id for each in accounts if not each.tenant.is_suspended}
        # An instance by its own name stands for all its accounts.
        synced = active if owner.tenant.is_instance and desk_id in tenant_ids else set(tenant_ids)
        found.append(DeskOwners(owner, accounts, frozenset(synced)))
    return found
