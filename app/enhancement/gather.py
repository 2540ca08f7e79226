"""Gathers one kind of context within a time limit.

Invariant: it never raises, and ends within its limit. The result is ok, empty or unavailable, and the note says which.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from app.core.source import Gathered, GatherState, Source, SourceKind
from app.errors import AppError

MAX_SOURCES: Final = 5

log = structlog.get_logger(__name__)


async def gather(kind: SourceKind, search: Callable[[], Awaitable[list[Source]]], *, limit: timedelta) -> Gathered:
    """The sources that *search* finds within *limit*."""
    try:
        async with asyncio.timeout(limit.total_seconds()):
            sources = await search()
    except TimeoutError:
        return _unavailable(kind, "no answer in time", cause="timeout")
    except AppError as error:
        return _unavailable(kind, "", cause=error.detail)
    except Exception as error:  # noqa: BLE001 - a note without this kind of context is better than none
        return _unavailable(kind, "", cause=type(error).__name__, error=error)
    return Gathered(
        kind=kind, state=GatherState.OK if sources else GatherState.EMPTY, sources=tuple(sources[:MAX_SOURCES])
    )


def _unavailable(kind: SourceKind, reason: str, *, cause: str, error: Exception | None = None) -> Gathered:
    log.warning("context_unavailable", source=kind, cause=cause, exc_info=error)
    return Gathered(kind=kind, state=GatherState.UNAVAILABLE, reason=reason)
