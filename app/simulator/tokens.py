"""Access tokens as the accounts server issues them: valid for an hour, and at most ten in ten minutes.

Invariant: no refresh token yields more than `MAX_IN_WINDOW` access tokens within `WINDOW`.
"""

from __future__ import annotations

import secrets
from collections import deque
from datetime import datetime, timedelta
from typing import Final

LIFE: Final = timedelta(seconds=3600)
WINDOW: Final = timedelta(minutes=10)
MAX_IN_WINDOW: Final = 10


class Tokens:
    """The access tokens of one refresh token."""

    def __init__(self) -> None:
        self._live: dict[str, datetime] = {}
        self._given: deque[datetime] = deque(maxlen=MAX_IN_WINDOW)

    def give(self, *, now: datetime) -> str | None:
        """A new access token; None when ten were issued in the last ten minutes."""
        if len(self._given) == MAX_IN_WINDOW and self._given[0] > now - WINDOW:
            return None
        self._given.append(now)
        self._live = {token: end for token, end in self._live.items() if end > now}
        token = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        self._live[token] = now + LIFE
        return token

    def is_live(self, token: str, *, now: datetime) -> bool:
        return self._live.get(token, now) > now
