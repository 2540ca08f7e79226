"""Times of PostgreSQL as Python takes them: those beyond Python's years are the first or last day that it has.

PostgreSQL knows the years 4713 BC to 294276, and infinity. One such row would end a list or a gauge of all tenants.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

# A day less than Python's own, so that a time zone's offset leads to none that it does not have.
FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)

_MICROSECOND: Final = timedelta(microseconds=1)
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts microseconds from here; infinity is the largest number."""
_FIRST: Final = (FIRST - _BEGINNING) // _MICROSECOND
_LAST: Final = (LAST - _BEGINNING) // _MICROSECOND


def clamp(time: datetime) -> datetime:
    """*time*, which has a time zone, in UTC, and within `FIRST` and `LAST`."""
    return FIRST if time <= FIRST else LAST if time >= LAST else time.astimezone(UTC)


async def read_all_times(connection: asyncpg.Connection[Any]) -> None:
    """Let *connection* read whatever time a row holds."""
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=_encode, decoder=_decode, format="tuple"
    )


def _encode(time: datetime) -> tuple[int]:
    return ((clamp(time) - _BEGINNING) // _MICROSECOND,)


def _decode(stored: tuple[int]) -> datetime:
    return _BEGINNING + min(max(stored[0], _FIRST), _LAST) * _MICROSECOND
