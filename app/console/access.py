"""Which tenants a person may see, and on which the person may act. No I/O.

Invariant: a person has a role for all tenants, or for the tenants that are named for one of the person's groups, or
both. A tenant without a role does not exist for the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    """Sees everything of a tenant, changes nothing."""
    OPERATOR = "operator"


ClientGroups = Mapping[str, Mapping[str, Role]]
"""By group of the provider: the slugs of the tenants that its members may use, each with the role there."""


@dataclass(frozen=True, slots=True)
class Access:
    """The roles of one person."""

    everywhere: Role | None = None
    """The role for all tenants, also for those that come later. None: only `clients` count."""
    clients: Mapping[str, Role] = field(default_factory=dict)
    """The roles for single tenants, by slug."""

    @classmethod
    def of(cls, everywhere: Role | None, groups: Iterable[str], named: ClientGroups) -> Access:
        """The access of a member of *groups*. Of two roles for one tenant the operator's counts."""
        clients: dict[str, Role] = {}
        for group in groups:
            for slug, role in named.get(group, {}).items():
                if clients.get(slug) is not Role.OPERATOR:
                    clients[slug] = role
        return cls(everywhere, clients)

    @property
    def sees_all(self) -> bool:
        return self.everywhere is not None

    @property
    def may_operate_all(self) -> bool:
        return self.everywhere is Role.OPERATOR

    @property
    def may_operate_any(self) -> bool:
        """Whether there may be a tenant on which the person may act."""
        return self.may_operate_all or Role.OPERATOR in self.clients.values()

    def may_see(self, slug: str) -> bool:
        return self.sees_all or slug in self.clients

    def may_operate(self, slug: str) -> bool:
        return self.may_operate_all or self.clients.get(slug) is Role.OPERATOR
