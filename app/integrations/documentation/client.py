"""Asks a tenant's server of documentation by the Model Context Protocol, over streamable HTTP.

Invariants:
    - Each question has a session of its own: no session id, cookie, list of tools or connection state is left for the
      next one, and each list of tools is judged anew (`tools.find_fault`).
    - Connections go to checked addresses alone (`integrations.http`). A redirect is followed once, and only within the
      server's own scheme, host and port.
    - A question ends within its time limit. Its answers are limited in size and number (`wire`).
    - The server can ask nothing of us: no sampling, no elicitation, no stream of its own messages.
    - What it says is in no error, log line or span.

The protocol is the official SDK's; it takes 33 MB and a second, so it is loaded with the first question.

Source: specification 2025-03-26 to 2026-07-28, "Transports" and "Tools". Servers answer JSON or server-sent events,
with a session id or without one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, zip_longest
from types import SimpleNamespace
from typing import Any, Final, TypeVar

import anyio
import httpx2
from opentelemetry.trace import NoOpTracer

from app.core.document import compose_query, fit
from app.core.reading.text import one_line
from app.core.source import Source, SourceKind
from app.core.tenant import DocumentationOptions, DocumentationTool, Tenant
from app.core.ticket import Ticket
from app.errors import DocumentationUnavailable, TenantFileInvalid
from app.integrations.documentation.answers import Document, allowed_page, read_documents, tells_error
from app.integrations.documentation.tools import find_fault
from app.integrations.documentation.wire import Wire
from app.integrations.http import Resolve, Sessions, open_sessions
from app.integrations.login import login_header

_MOST_PAGES: Final = 10
"""Of the list of tools."""
_MOST_NAMES: Final = 30
_MAX_NAME_CHARS: Final = 60
_TRIAL_QUERY: Final = "printer"
_LOGGERS: Final = ("mcp", "client", "mcp_types")

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Asked:
    """What the tools of one session answered."""

    faults: list[str] = field(default_factory=list)
    documents: list[list[Document]] = field(default_factory=list)
    """Of each tool that answered."""


class Documentation:
    """The server of one tenant; made by `open_documentation`."""

    def __init__(self, options: DocumentationOptions, token: str | None, sessions: Sessions) -> None:
        self._options = options
        self._token = token
        self._sessions = sessions
        self._mode = "auto"
        """How to negotiate: `auto` asks for the newest protocol first, at which a server of an older one may hang."""
        self._rests_until = 0.0
        """The server asked us by 429 to wait so long."""

    async def documents(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """What it says about *ticket*, in its order, the tools in turn; empty when nothing fits.

        Raises:
            DocumentationUnavailable: It did not answer, or no tool may be called, or all answered with an error.
        """
        query = compose_query(ticket)
        if not query or limit < 1:
            return []
        asked = await self._ask(query)
        if not asked.documents:
            raise DocumentationUnavailable("; ".join(asked.faults))
        in_turn = chain.from_iterable(zip_longest(*asked.documents))
        each_once = {document.id: document for document in in_turn if document is not None}
        sources = []
        for document in each_once.values():
            text = f"{document.title}\n{document.text}"
            if score := fit(ticket, text, repeated=query if document.is_words else ""):
                sources.append(self._source(document, score))
        return sources[:limit]

    async def look(self) -> list[str]:
        """Ask each tool for a printer, and say in a sentence each what works.

        Raises:
            DocumentationUnavailable: Something does not work; the sentence says what, and what to do.
        """

        async def work(session: _Session) -> tuple[_Asked, list[str]]:
            tools = await session.list_tools()
            names = [one_line(tool.name, max_chars=_MAX_NAME_CHARS) for tool in tools]
            return await self._call(session, tools, _TRIAL_QUERY), names

        asked, names = await self._in_session(work)
        if asked.faults:
            offered = f" (the server offers {', '.join(names[:_MOST_NAMES]) or 'no tool'})"
            raise DocumentationUnavailable("; ".join(asked.faults) + offered)
        return [
            f"tool {tool.name} answered with {len(documents)} documents"
            for tool, documents in zip(self._options.tools, asked.documents, strict=True)
        ]

    def _source(self, document: Document, score: float) -> Source:
        allowed = (self._options.url.partition("://")[0] + "://" + _host(self._options.url), *self._options.pages)
        return Source(
            kind=SourceKind.DOCUMENT,
            id=document.id,
            title=document.title,
            text=document.text,
            url=allowed_page(document.url, allowed),
            score=round(score, 3),
            updated_on=document.updated_on,
            staff_text=None if self._options.trusted else "",
        )

    async def _ask(self, query: str) -> _Asked:
        async def work(session: _Session) -> _Asked:
            return await self._call(session, await session.list_tools(), query)

        return await self._in_session(work)

    async def _call(self, session: _Session, offered: Sequence[Any], query: str) -> _Asked:
        asked = _Asked()
        for tool in self._options.tools:
            fault = find_fault(tool, offered)
            if fault is None:
                answer = await session.call(tool, query)
                fault = "answered with an error" if answer is None else None
                if answer is not None:
                    asked.documents.append(answer)
            if fault is not None:
                asked.faults.append(f"the tool {tool.name} {fault}")
        return asked

    async def _in_session(self, work: Callable[[_Session], Awaitable[Answer]]) -> Answer:
        """What *work* makes of a session."""
        if (rest_s := self._rests_until - time.monotonic()) > 0:
            raise DocumentationUnavailable(f"the server asked to be left alone, for {rest_s:.0f} s more")
        headers, max_bytes = self._headers(), self._options.max_kib * 1024
        wire = Wire(self._sessions, max_bytes=max_bytes)
        # Loaded in a thread, so that attempts of other tenants don't stand still for a second.
        sdk = await asyncio.to_thread(_sdk)
        done: list[Answer] = []
        is_connected = False
        try:
            with anyio.fail_after(self._options.timeout_seconds):
                async with (
                    httpx2.AsyncClient(transport=wire, headers=headers, max_redirects=1, timeout=None) as http,
                    sdk.Client(
                        sdk.streamable_http_client(self._options.url, http_client=http, max_sse_event_size=max_bytes),
                        mode=self._mode,
                        cache=None,
                        client_info=sdk.Implementation(name="ai-agents", version="1"),
                    ) as client,
                ):
                    is_connected = True
                    self._mode = "auto" if client.session.initialize_result is None else "legacy"
                    done.append(await work(_Session(sdk, client, wire)))
        except Exception as error:  # noqa: BLE001 - the SDK raises groups of errors of several libraries, its own bugs too
            if not done:
                if not is_connected:
                    self._mode = "legacy" if self._mode == "auto" else "auto"
                if wire.rest:
                    self._rests_until = time.monotonic() + wire.rest.total_seconds()
                # Without the SDK's text, which may quote what the server sent.
                raise DocumentationUnavailable(wire.fault or self._told(error, sdk)) from None
        return done[0]

    def _told(self, error: BaseException, sdk: SimpleNamespace) -> str:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, DocumentationUnavailable):
            return error.detail
        if isinstance(error, TimeoutError):
            return f"no answer came within {self._options.timeout_seconds:g} s"
        if isinstance(error, sdk.MCPError):
            return f"the server answered with the error {error.code} of JSON-RPC"
        return "the server answered something that is not of the Model Context Protocol"

    def _headers(self) -> dict[str, str]:
        if self._options.needs_token and self._token is None:
            raise DocumentationUnavailable("the secret documentation_token is missing")
        ours = {"Accept-Encoding": "identity", "User-Agent": "ai-agents"}
        return ours | login_header(self._options, self._token)


@asynccontextmanager
async def open_documentation(
    tenant: Tenant, token: str | None, *, resolve: Resolve | None = None
) -> AsyncIterator[Documentation]:
    """The tenant's server of documentation. `servicedesk.allow_private_address` holds for it too.

    Raises:
        TenantFileInvalid: The tenant's file names none.
    """
    if tenant.documentation is None:
        raise TenantFileInvalid("is required to ask for documents", field="documentation.url")
    is_private = tenant.servicedesk.allow_private_address
    async with open_sessions(allow_private=is_private, resolve=resolve) as sessions:
        yield Documentation(tenant.documentation, token, sessions)


@dataclass(frozen=True, slots=True)
class _Session:
    """A session of the SDK, initialised."""

    sdk: SimpleNamespace
    client: Any
    wire: Wire

    async def list_tools(self) -> list[Any]:
        """All tools, also those on later pages: a second one of the same name may be there."""
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            params = None if cursor is None else self.sdk.PaginatedRequestParams(cursor=cursor)
            page = await self.client.session.list_tools(params=params)
            found += page.tools
            cursor = page.next_cursor
            if not cursor:
                return found
        raise DocumentationUnavailable(f"the server's list of tools has more than {_MOST_PAGES} pages")

    async def call(self, tool: DocumentationTool, query: str) -> list[Document] | None:
        """The documents that *tool* finds; None: it answered with an error."""
        sdk = self.sdk
        params = sdk.CallToolRequestParams(name=tool.name, arguments={**tool.arguments, tool.argument: query})
        # Not the SDK's `call_tool`: it refuses what is not as the tool's own `outputSchema` says, and often it is not.
        try:
            answer = await self.client.session.send_request(sdk.CallToolRequest(params=params), sdk.CallToolResult)
        except sdk.MCPError as error:
            if self.wire.fault or error.code == sdk.CONNECTION_CLOSED:
                raise
            return None
        texts = _texts(answer.content)
        if answer.is_error or tells_error(answer.structured_content, texts):
            return None
        return read_documents(answer.structured_content, texts, name=tool.name)


def _texts(content: Sequence[Any]) -> list[str]:
    """The parts of an answer that are text: as it stands, of an embedded resource, or about a linked one."""
    texts = []
    for part in content:
        if part.type == "text":
            texts.append(part.text)
        elif part.type == "resource" and isinstance(getattr(part.resource, "text", None), str):
            texts.append(part.resource.text)
        elif part.type == "resource_link":
            texts.append(f"# {part.title or part.name}\n{part.description or ''}")
    return texts


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


@cache
def _sdk() -> SimpleNamespace:
    """What is used of the official SDK. It logs and traces what servers send, so that is turned off."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    from mcp.client.client import Client  # noqa: PLC0415 - most workers never need it
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415
    from mcp.shared import _otel  # noqa: PLC0415
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415
    from mcp.types import (  # noqa: PLC0415
        CONNECTION_CLOSED,
        CallToolRequest,
        CallToolRequestParams,
        CallToolResult,
        Implementation,
        PaginatedRequestParams,
    )

    _otel._tracer = NoOpTracer()  # noqa: SLF001 - its spans hold the text of errors, and it has no switch
    return SimpleNamespace(
        CONNECTION_CLOSED=CONNECTION_CLOSED,
        CallToolRequest=CallToolRequest,
        CallToolRequestParams=CallToolRequestParams,
        CallToolResult=CallToolResult,
        Client=Client,
        Implementation=Implementation,
        MCPError=MCPError,
        PaginatedRequestParams=PaginatedRequestParams,
        streamable_http_client=streamable_http_client,
    )
