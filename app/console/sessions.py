"""Who is signed in: a signed cookie, which only a process with the key can make, and what the server keeps of it.

Invariant: a cookie is used only after its signature and its age were checked, and that its session was not ended and is
not idle. Where the provider opened it, it is asked again for the person's groups every few minutes, and rights that
were not checked for longer open nothing. What was sealed for one purpose can't be opened for another.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadData

from app.console.access import Access, ClientGroups, Role
from app.console.roles import Person, SignInRefused
from app.core.seals import timed_serializer
from app.db.console_sessions import end_session, store_session, use_session
from app.db.session import Database

SESSION_LIFE: Final = timedelta(hours=8)
_LOOK_AGAIN_S: Final = 0.5
_MAX_SEALED_CHARS: Final = 3_800


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in person, and the CSRF token of the session."""

    name: str
    access: Access
    csrf: str
    session_id: str

    @property
    def role(self) -> str:
        """In words, for the person: `operator`, or `viewer of 2 tenants`."""
        if self.access.everywhere is not None:
            return self.access.everywhere
        role, number = Role.OPERATOR if self.access.may_operate_any else Role.VIEWER, len(self.access.clients)
        return f"{role} of {number} tenant{'' if number == 1 else 's'}"


class Seals:
    """Signs small dicts of values and reads them back."""

    def __init__(self, key: bytes | None = None, *, token: str | None = None) -> None:
        """Seals.

        Args:
            key: None makes a random one, so that all sessions end with the process.
            token: The local token; the sessions that another one opened are over.
        """
        self._key = key or secrets.token_bytes(32)
        self._door = hmac.new(self._key, (token or "").encode(), "sha256").hexdigest()
        derived = HKDF(SHA256(), length=32, salt=None, info=b"ai-agents console session").derive(self._key)
        self._cipher = Fernet(urlsafe_b64encode(derived))

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

    def hide(self, facts: dict[str, Any]) -> str:
        """*facts*, signed and encrypted, for where others may read them."""
        return self._cipher.encrypt(json.dumps(facts).encode()).decode()

    def reveal(self, hidden: str) -> dict[str, Any] | None:
        """What `hide` was given; None when it was hidden with another key."""
        try:
            facts: dict[str, Any] = json.loads(self._cipher.decrypt(hidden))
        except InvalidToken:
            return None
        return facts

    def seal_user(
        self,
        name: str,
        role: Role | None,
        groups: Sequence[str] = (),
        *,
        session_id: str | None = None,
        is_checked: bool = False,
    ) -> str:
        """A session of one with *role* for all tenants (None: only for those that are named for *groups*).

        *is_checked*: the provider opened it, and is asked again whether it stays open.
        """
        facts = {
            "name": name[:200],
            "role": role,
            "groups": list(groups),
            "csrf": secrets.token_urlsafe(24),
            "id": session_id or new_session_id(),
            "is_checked": is_checked,
            "door": "" if is_checked else self._door,
        }
        return self.seal("session", facts)

    def open_session(self, sealed: str | None) -> dict[str, Any] | None:
        """What `seal_user` sealed within the last eight hours; None: it did not, or a release did that had no ids.

        None also where another local token opened the session.
        """
        facts = self.open("session", sealed, life=SESSION_LIFE)
        is_open = facts and "id" in facts and (facts["is_checked"] or facts.get("door") == self._door)
        return facts if is_open else None


def new_session_id() -> str:
    return secrets.token_urlsafe(24)


def _user(facts: dict[str, Any], rights: dict[str, Any], named: ClientGroups) -> User:
    everywhere = None if rights["role"] is None else Role(rights["role"])
    return User(facts["name"], Access.of(everywhere, rights["groups"], named), facts["csrf"], facts["id"])


class Renew(Protocol):
    """Asks the provider again; fits `OpenIdProvider.renew`."""

    async def __call__(self, refresh_token: str, *, subject: str) -> Person: ...


class Sessions:
    """The sessions of the console, by their cookies."""

    def __init__(self, database: Database, seals: Seals, named: ClientGroups, renew: Renew | None) -> None:
        self._database = database
        self._seals = seals
        self._named = named
        self._renew = renew

    async def begin(self, person: Person, *, is_checked: bool) -> str:
        """A session; its cookie's value. *is_checked*: the provider named the person, and is asked again."""
        session_id = new_session_id()
        await store_session(self._database, session_id, self._seals.hide(_kept(person)))
        return self._seals.seal_user(
            person.name, person.role, person.groups, session_id=session_id, is_checked=is_checked
        )

    async def find(self, cookie: str | None, *, by_person: bool) -> User | None:
        """The user of a session, with the rights of now; None: there is none, or it is over.

        *by_person*: a person asks, not an open page that refreshes itself.
        """
        facts = self._seals.open_session(cookie)
        if facts is None:
            return None
        kept = await use_session(self._database, facts["id"], by_person=by_person)
        if kept is not None and not facts["is_checked"]:
            return _user(facts, facts, self._named)
        while kept is not None and kept.is_unchecked and not kept.may_check:
            await asyncio.sleep(_LOOK_AGAIN_S)  # another request checks; a refresh token may be good for one call alone
            kept = await use_session(self._database, facts["id"], by_person=by_person)
        if kept is None:
            return None
        rights = self._seals.reveal(kept.sealed) if kept.sealed else None
        if rights is None or kept.is_unchecked:
            # Shielded: who ends the request must not keep rights that were to be checked.
            rights = await asyncio.shield(self._check(facts["id"], rights))
        return None if rights is None else _user(facts, rights, self._named)

    async def _check(self, session_id: str, rights: dict[str, Any] | None) -> dict[str, Any] | None:
        """Keep the rights of now, or end the session."""
        rights = await self._ask(rights) if rights else None
        if rights is None:
            await end_session(self._database, session_id)
        else:
            await store_session(self._database, session_id, self._seals.hide(rights))
        return rights

    async def _ask(self, rights: dict[str, Any]) -> dict[str, Any] | None:
        """The rights that the person's groups give now; None: none, or the provider does not say."""
        if self._renew is None or not rights["refresh_token"]:
            return None
        try:
            return _kept(await self._renew(rights["refresh_token"], subject=rights["subject"]))
        except SignInRefused as refusal:
            log.warning("session_ended", cause=refusal.detail)
            return None

    async def end(self, user: User) -> None:
        """End the session of *user*: no copy of its cookie opens anything any more."""
        await end_session(self._database, user.session_id)


def _kept(person: Person) -> dict[str, Any]:
    return {
        "role": person.role,
        "groups": list(person.groups),
        "subject": person.subject,
        "refresh_token": person.refresh_token,
    }
