"""Which tenants can't be served side by side.

Invariant: no two tenants that are served have the same id, and no two active ones the same help desk, unless both are
accounts of one instance that can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from app.core.help_desk import Account, similar_name
from app.core.tenant import Tenant
from app.tenants.secrets import KnownTenant

_ANY: Final = "\n"
"""In the place of an account's id or name, neither of which can be this."""


class Served:
    """The tenants chosen so far, with their ids and addresses, which no other may have."""

    def __init__(self) -> None:
        self.by_slug: dict[str, KnownTenant] = {}
        self.by_id: dict[UUID, KnownTenant] = {}
        self._desks: dict[UUID, Tenant] = {}
        """One tenant of each `desk_id`; all others of it have the same address."""
        self._by_address: dict[str, dict[UUID | None, Tenant]] = {}
        """Of each help desk one tenant that has it as its own, and one of each instance."""
        self._by_account: dict[tuple[UUID | None, str, str], Tenant] = {}
        """Of an instance by each account, and one of each way to name an account: by its id, its name, or a site."""

    def find_clash(self, tenant: Tenant) -> str | None:
        """A sentence with the remedy if *tenant* has the id or address of one of these; else None."""
        if (other := self.by_id.get(tenant.id)) is not None:
            return f"id: is also the id of {other.tenant.slug}; draw another uuid"
        if tenant.slug in self.by_slug:
            return f"slug: an instance and a tenant are both named {tenant.slug}; rename one of the two"
        desk = self._desks.get(tenant.desk_id)
        if desk is not None and desk.servicedesk.address != tenant.servicedesk.address:
            return (
                f"servicedesk.instance: its id is also that of {desk.slug}, which has another help desk"
                f" ({desk.servicedesk.address}); draw another uuid for one of the two, or mend this file if it has not"
                " followed its instance"
            )
        if tenant.is_suspended:
            return None
        mixed = (_find_mixed(tenant, other) for other in self._near(tenant))
        return next((told for told in mixed if told is not None), None)

    def _near(self, tenant: Tenant) -> Iterator[Tenant]:
        """Those of the same help desk that may be mixed up with *tenant*. Its accounts can be many, so not all."""
        options = tenant.servicedesk
        yield from self._by_address.get(options.address, {}).values()
        if options.account is not None:
            kind, name = _way_to_name(options.account)
            sites = (("site", site) for site in options.account.site_ids)
            for key in ((kind, name), ("name" if kind == "id" else "id", _ANY), *sites):
                if (other := self._by_account.get((options.instance_id, *key))) is not None:
                    yield other

    def add(self, known: KnownTenant) -> None:
        tenant = known.tenant
        self.by_slug[tenant.slug] = self.by_id[tenant.id] = known
        if tenant.is_suspended:  # its help desk is not called
            return
        options = tenant.servicedesk
        self._desks.setdefault(tenant.desk_id, tenant)
        self._by_address.setdefault(options.address, {}).setdefault(options.instance_id, tenant)
        if options.account is not None:
            kind, name = _way_to_name(options.account)
            sites = (("site", site) for site in options.account.site_ids)
            for key in ((kind, name), (kind, _ANY), *sites):
                self._by_account.setdefault((options.instance_id, *key), tenant)


def _way_to_name(account: Account) -> tuple[str, str]:
    return ("id", account.id) if account.id is not None else ("name", similar_name(account.name or ""))


def _find_mixed(tenant: Tenant, other: Tenant) -> str | None:
    """Why the tickets of two tenants with one help desk would mix; None: they can be told apart."""
    mine, its = tenant.servicedesk, other.servicedesk
    if mine.instance_id is None or mine.instance_id != its.instance_id:
        return (
            f"servicedesk.url: leads to the help desk of {other.slug} ({mine.address}), so the tickets of two tenants"
            " would mix; give each a help desk of its own, make both accounts of one instance (instances/<name>.yaml),"
            " or suspend or remove one of the two"
        )
    if mine.account is None or its.account is None or mine.account.can_be_told_apart(its.account):
        return None
    return (
        f"servicedesk.account: can't be told apart from the account of {other.slug}, so the tickets of two tenants"
        " would mix; give both the id of their account, and different ones, and no site to both"
    )
