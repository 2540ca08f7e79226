"""The time that a page may take, whatever it is asked about: then it is ended, with what it asks of PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

PAGE_LIMIT_S: Final = 10.0
"""Less than a statement may run, so that the page can say what is wrong."""


class PageTooSlow(Exception):
    """A page was ended."""


class LimitTime:
    """Ends pages after `PAGE_LIMIT_S`. Not acts, which have limits of their own, and shall not end half-way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":  # type: ignore[typeddict-item]
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(PAGE_LIMIT_S):
                await self._app(scope, receive, send)
        except TimeoutError:
            raise PageTooSlow from None
