"""Who is signed in: a signed cookie, which only a process with the key can make.

Invariant: a cookie is used only after its signature and its age were checked. What was sealed for one purpose can't be
opened for another.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from itsdangerous import BadData

from app.core.seals import timed_serializer

SESSION_LIFE: Final = timedelta(hours=8)
_MAX_SEALED_CHARS: Final = 3_800


class Role(StrEnum):
    VIEWER = "viewer"
    """Sees everything, changes nothing."""
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in person, and the CSRF token of the session."""

    name: str
    role: Role
    csrf: str

    @property
    def is_operator(self) -> bool:
        return self.role is Role.OPERATOR


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

    def seal_user(self, name: str, role: Role) -> str:
        return self.seal("session", {"name": name[:200], "role": role, "csrf": secrets.token_urlsafe(24)})

    def open_user(self, sealed: str | None) -> User | None:
        facts = self.open("session", sealed, life=SESSION_LIFE)
        return User(facts["name"], Role(facts["role"]), facts["csrf"]) if facts else None
