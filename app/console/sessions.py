"""Who is signed in: a cookie that only this process, or those with its key, can make.

Invariant: what a cookie says is believed only after its signature and its end were checked; what was sealed for one
purpose does not open for another.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

SESSION_LIFE: Final = timedelta(hours=8)
_MAX_SEALED_CHARS: Final = 3_800


class Role(StrEnum):
    VIEWER = "viewer"
    """Sees everything, changes nothing."""
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """Who acts, and the word that their own pages alone know."""

    name: str
    role: Role
    csrf: str

    @property
    def is_operator(self) -> bool:
        return self.role is Role.OPERATOR


class Seals:
    """Signs small facts and reads them back."""

    def __init__(self, key: bytes | None = None) -> None:
        """*key*: None draws one, so that nothing outlives the process."""
        self._key = key or secrets.token_bytes(32)

    def seal(self, purpose: str, facts: dict[str, Any], *, life: timedelta) -> str:
        body = json.dumps({**facts, "end": time.time() + life.total_seconds()}).encode()
        return f"{_text(body)}.{_text(self._sign(purpose, body))}"

    def open(self, purpose: str, sealed: str | None) -> dict[str, Any] | None:
        """The facts, or None when they are not ours, of another purpose, or over."""
        if not sealed or len(sealed) > _MAX_SEALED_CHARS:
            return None
        body_text, _, signature_text = sealed.partition(".")
        try:
            body, signature = _bytes(body_text), _bytes(signature_text)
        except (NotBase64, ValueError):
            return None
        if not hmac.compare_digest(signature, self._sign(purpose, body)):
            return None
        facts: dict[str, Any] = json.loads(body)
        return facts if facts["end"] > time.time() else None

    def _sign(self, purpose: str, body: bytes) -> bytes:
        return hmac.new(self._key, purpose.encode() + b"\0" + body, sha256).digest()

    def seal_user(self, name: str, role: Role) -> str:
        facts = {"name": name[:200], "role": role, "csrf": secrets.token_urlsafe(24)}
        return self.seal("session", facts, life=SESSION_LIFE)

    def open_user(self, sealed: str | None) -> User | None:
        facts = self.open("session", sealed)
        return User(facts["name"], Role(facts["role"]), facts["csrf"]) if facts else None


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))
