"""Who is signed in: a signed cookie, which only a process with the key can make.

Invariant: a cookie is used only after its signature and its age were checked. What was sealed for one purpose can't be
opened for another.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from itsdangerous import BadData

from app.console.access import Access, ClientGroups, Role
from app.core.seals import timed_serializer

SESSION_LIFE: Final = timedelta(hours=8)
_MAX_SEALED_CHARS: Final = 3_800


_NO_GROUPS: Final[ClientGroups] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in person, and the CSRF token of the session."""

    name: str
    access: Access
    csrf: str

    @property
    def role(self) -> str:
        """In words, for the person: `operator`, or `viewer of 2 tenants`."""
        if self.access.everywhere is not None:
            return self.access.everywhere
        role, number = Role.OPERATOR if self.access.may_operate_any else Role.VIEWER, len(self.access.clients)
        return f"{role} of {number} tenant{'' if number == 1 else 's'}"


class Seals:
    """Signs small dicts of values and reads them back."""

    def __init__(self, key: bytes | None = None) -> None:
        """*key*: None makes a random one, so that all sessions end with the process."""
        self._key = key or secrets.token_bytes(32)

    def seal(self, purpose: str, facts: dict[str, Any]) -> str:
        return str(timed_serializer(self._key, purpose).dumps(facts))

    def open(self, purpose: str, sealed: str | None, *, life: timedelta) -> dict[str, Any] | None:
        """The values; None when the signature is wrong, the purpose is another one, or they are older than *life*."""
        if not sealed or len(sealed) > _MAX_SEALED_CHARS:
            return None
        try:
            facts: dict[str, Any] = timed_serializer(self._key, purpose).loads(sealed, int(life.total_seconds()))
        except (BadData, ValueError):
            return None
        return facts

    def seal_user(self, name: str, role: Role | None, groups: Sequence[str] = ()) -> str:
        """A session.

        Args:
            name: The person's.
            role: For all tenants; None: only for those of *groups*.
            groups: Those of the person's groups for which tenants are named.
        """
        facts = {"name": name[:200], "role": role, "groups": list(groups), "csrf": secrets.token_urlsafe(24)}
        return self.seal("session", facts)

    def open_user(self, sealed: str | None, named: ClientGroups = _NO_GROUPS) -> User | None:
        """The user of a session; *named* says which tenants its groups may use now."""
        facts = self.open("session", sealed, life=SESSION_LIFE)
        if not facts:
            return None
        everywhere = None if facts["role"] is None else Role(facts["role"])
        return User(facts["name"], Access.of(everywhere, facts.get("groups", ()), named), facts["csrf"])
