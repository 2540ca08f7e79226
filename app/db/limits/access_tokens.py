"""The cloud edition's access tokens: one for each tenant, shared by all workers.

Invariant: at most `MAX_REFRESHES` fetches of a tenant's token begin in ten minutes, one at a time; what is stored can
be read only by who knows the tenant's refresh token; and whether it is still good is told by the database's clock alone.

The right to fetch is a lease in the tenant's row, not an advisory lock. A lock would have to be held during a call to
another system, with a connection for its holder and one for each who waits, and PgBouncer in transaction mode allows
it inside a transaction alone. The lease costs no connection; when its holder ends without a word, it lapses.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.access_token import AccessToken, NoTokenGiven
from app.db.session import Database
from app.db.sql import Statement, load
from app.errors import CallsExhausted, DatabaseUnavailable, HelpDeskUnavailable

MAX_REFRESHES: Final = 9
"""ServiceDesk Plus gives ten in ten minutes; one is left for a person who tries something."""
REFRESH_WINDOW: Final = timedelta(minutes=10)
# Before it ends: calls that begin now still need it, and clocks differ.
_EARLY: Final = timedelta(minutes=1)
# While another fetches the next one, the old one serves as long as a call with it may take.
_LAST_USE: Final = timedelta(seconds=15)
# Longer than a call to the accounts server may take; how long the others wait after a crash.
_LEASE: Final = timedelta(seconds=15)
# A token that was fetched so lately and is refused all the same is not the fault.
_YOUNG: Final = timedelta(minutes=5)
# How long a process does not ask again; less than `_EARLY`, so that what it knows is good all the time.
_KNOWN_FOR: Final = timedelta(seconds=20)
_POLL_S: Final = 0.1
_LONGEST_WAIT: Final = timedelta(seconds=30)
_NONCE_BYTES: Final = 12

_READ: Final = load(__package__, "read_token")
_ADD: Final = load(__package__, "add_token")
_CLAIM: Final = load(__package__, "claim_refresh")
_BLOCKED: Final = load(__package__, "refresh_wait")
_STORE: Final = load(__package__, "store_token")
_GIVE_UP: Final = load(__package__, "end_refresh")

Refresh = Callable[[], Awaitable[AccessToken]]


@dataclass(frozen=True, slots=True)
class _Stored:
    sealed: bytes | None
    value: str | None
    """None: there is none, or it was sealed under another refresh token."""
    is_fresh: bool
    is_usable: bool
    is_young: bool
    """It was fetched within `_YOUNG`."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was fresh a moment ago."""

    value: str
    until: float
    """By the event loop's clock."""


class AccessTokens:
    """One tenant's access token; fits `TokenCache` of the ServiceDesk Plus adapter.

    The key of what is stored is derived from *refresh_token*; a new one makes stored tokens unreadable, which is as if
    there were none.
    """

    def __init__(self, database: Database, tenant_id: UUID, *, refresh_token: str) -> None:
        self._database = database
        self._tenant_id = tenant_id
        key = HKDF(SHA256(), length=32, salt=tenant_id.bytes, info=b"ai-agents access token").derive(
            refresh_token.encode()
        )
        self._cipher = AESGCM(key)
        # So that of this process's callers one at a time asks the database.
        self._lock = asyncio.Lock()
        self._known = _Known("", until=0)

    async def access_token(self, refresh: Refresh, *, rejected: str | None = None) -> str:
        """A token that is good for a while yet.

        Args:
            refresh: Fetches a new one; called by one worker at a time, and only when it is needed.
            rejected: A token that ServiceDesk Plus refused: it is not handed out again, unless it was fetched minutes
                ago. Then another would be refused as well, and they are few.

        Raises:
            CallsExhausted: As many tokens were fetched as the accounts server gives for now.
            HelpDeskUnavailable: Another worker's fetch did not end in time.
            DatabaseUnavailable: The database can't be used.
        """
        if rejected is None and self._known.until > asyncio.get_running_loop().time():
            return self._known.value
        async with self._lock:
            deadline = asyncio.get_running_loop().time() + _LONGEST_WAIT.total_seconds()
            while asyncio.get_running_loop().time() < deadline:
                stored = await self._read()
                self._known = _Known("", until=0)
                if rejected is not None and stored.value == rejected and stored.is_young:
                    return rejected
                value = stored.value if stored.value != rejected else None
                if value is not None and stored.is_fresh:
                    self._known = _Known(value, until=asyncio.get_running_loop().time() + _KNOWN_FOR.total_seconds())
                    return value
                usable = value if stored.is_usable else None
                lease = await self._claim(seen=stored.sealed, must=usable is None)
                if lease is not None:
                    return await self._fetch(refresh, lease=lease)
                if usable is not None:
                    return usable
                await asyncio.sleep(_POLL_S)
        raise HelpDeskUnavailable("another worker's fetch of an access token does not end", retry_after=_LEASE)

    async def _read(self) -> _Stored:
        values = {"tenant_id": self._tenant_id, "early": _EARLY, "last_use": _LAST_USE, "young": _YOUNG}
        async with self._database.transaction(self._tenant_id) as tx:
            row = await tx.row(_READ, **values)
            if row is None:
                await tx.run(_ADD, tenant_id=self._tenant_id)
                return _Stored(sealed=None, value=None, is_fresh=False, is_usable=False, is_young=False)
        return _Stored(
            sealed=row["sealed_token"],
            value=self._open(row["sealed_token"]),
            is_fresh=row["is_fresh"],
            is_usable=row["is_usable"],
            is_young=row["is_young"],
        )

    async def _claim(self, *, seen: bytes | None, must: bool) -> datetime | None:
        """The lease that is ours now, known by its end; None when another has it or had it meanwhile.

        When no token may be fetched for now, that is an error if there *must* be another one, else None too.
        """
        values: dict[str, Any] = {
            "tenant_id": self._tenant_id,
            "seen": seen,
            "lease": _LEASE,
            "refresh_window": REFRESH_WINDOW,
            "max_refreshes": MAX_REFRESHES,
        }
        async with self._database.transaction(self._tenant_id) as tx:
            lease: datetime | None = await tx.value(_CLAIM, **values)
            if lease is None and must:
                blocked: timedelta | None = await tx.value(_BLOCKED, **values)
                if blocked is not None:
                    raise CallsExhausted(
                        "as many access tokens were fetched as ServiceDesk Plus gives in ten minutes",
                        retry_after=max(blocked, timedelta(seconds=1)),
                    )
        return lease

    async def _fetch(self, refresh: Refresh, *, lease: datetime) -> str:
        key = {"tenant_id": self._tenant_id, "mine": lease}
        try:
            token = await refresh()
        except BaseException as error:
            # So that others need not wait for the end of the lease. If this fails too, the lease lapses.
            with suppress(DatabaseUnavailable):
                await asyncio.shield(self._run(_GIVE_UP, {**key, "is_free": isinstance(error, NoTokenGiven)}))
            raise
        # A token that could not be stored is good all the same; the others fetch one of their own.
        with suppress(DatabaseUnavailable):
            await self._run(_STORE, {**key, "sealed": self._seal(token.value), "lease": _LEASE, "life": token.life})
        return token.value

    async def _run(self, statement: Statement, values: dict[str, Any]) -> None:
        async with self._database.transaction(self._tenant_id) as tx:
            await tx.run(statement, **values)

    def _seal(self, value: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), self._tenant_id.bytes)

    def _open(self, sealed: bytes | None) -> str | None:
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._tenant_id.bytes).decode()
        except (InvalidTag, ValueError):  # also too short to be sealed
            return None
