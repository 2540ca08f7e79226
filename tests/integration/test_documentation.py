"""A server of documentation as real ones answer, and as one that means harm does."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aiohttp import web
from opentelemetry.trace import NoOpTracer

from app.core.source import Source, SourceKind
from app.core.tenant import Tenant
from app.errors import DocumentationUnavailable, TenantFileInvalid
from app.integrations.documentation import Documentation, open_documentation
from tests.builders import a_tenant, a_ticket
from tests.integration.documentation_server import PAGES, Odd, Seen, a_tool, odd_server, sdk_server
from tests.integration.test_outbound import canaries

TICKET: Final = a_ticket(
    subject="Outlook receives no mail", description="Since noon. Call +49 30 901820, password: Summer2026!"
)
SEARCH: Final = [{"name": "search"}]


def a_client(url: str, tools: list[dict[str, Any]] = SEARCH, **options: Any) -> Tenant:
    return a_tenant(documentation={"url": url, "tools": tools, **options})


@asynccontextmanager
async def asking(url: str, tools: list[dict[str, Any]] = SEARCH, **options: Any) -> AsyncIterator[Documentation]:
    async with open_documentation(a_client(url, tools, **options), "the-token") as documentation:
        yield documentation


async def found(url: str, tools: list[dict[str, Any]] = SEARCH, **options: Any) -> list[Source]:
    async with asking(url, tools, **options) as documentation:
        return await documentation.documents(TICKET, limit=5)


async def refused(url: str, tools: list[dict[str, Any]] = SEARCH, **options: Any) -> str:
    with pytest.raises(DocumentationUnavailable) as error:
        await found(url, tools, **options)
    assert "canary" not in error.value.detail
    return error.value.detail


@pytest.mark.parametrize("is_stateless", [False, True])
@pytest.mark.parametrize("is_json", [False, True])
async def test_what_a_server_finds_is_a_source_that_nobody_vouches_for(is_stateless: bool, is_json: bool) -> None:
    seen = Seen()
    async with sdk_server(seen, stateless_http=is_stateless, json_response=is_json) as url:
        [source] = await found(
            url, [{"name": "search", "arguments": {"limit": 2}}], pages=["https://docs.acme.example"]
        )
    assert (source.kind, source.title) == (SourceKind.DOCUMENT, "Outlook receives no mail")
    assert source.text.startswith("Outlook receives no mail while the profile is offline: turn off Work Offline")
    assert source.url == "https://docs.acme.example/outlook-offline"
    assert (source.staff_text, source.trusted_text, source.trusted_title) == ("", "", "")
    assert seen.queries == [{"query": "Outlook receives no mail", "limit": 2}]
    assert seen.tokens == {"Bearer the-token"}
    assert "GET" not in seen.methods


async def test_a_server_of_the_newest_protocol_is_asked_in_it_and_one_of_an_older_in_that() -> None:
    seen, odd = Seen(), Odd()
    async with sdk_server(seen) as url, asking(url) as documentation:
        for _ in range(2):
            assert len(await documentation.documents(TICKET, limit=5)) == 1
    assert {each.get("mcp-protocol-version") for each in seen.headers} == {"2026-07-28"}
    async with odd_server(odd) as url, asking(url) as documentation:
        for _ in range(2):
            assert len(await documentation.documents(TICKET, limit=5)) == 1
    handshake = ["initialize", "notifications/initialized", "tools/list", "tools/call"]
    assert odd.asked == ["server/discover", *handshake, *handshake]


async def test_a_trusted_servers_text_may_be_repeated() -> None:
    async with sdk_server(Seen()) as url:
        [source] = await found(url, trusted=True)
    assert source.trusted_text == source.text
    assert source.trusted_title == source.title


async def test_a_page_elsewhere_is_no_link() -> None:
    async with sdk_server(Seen()) as url:
        [source] = await found(url)
    assert source.url == ""


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ({"name": "gone"}, "the tool gone is not offered by the server"),
        ({"name": "Search"}, "the tool Search is not offered by the server"),
        ({"name": "writes"}, "the tool writes says that it is not read-only"),
        ({"name": "writes", "read_only": True}, "the tool writes says that it is not read-only"),
        ({"name": "destroys", "read_only": True}, "the tool destroys says that it is destructive"),
        ({"name": "unmarked"}, "the tool unmarked does not say that it is read-only: if it is, say `read_only: true`"),
        ({"name": "search", "argument": "q"}, "the tool search has no argument q"),
        ({"name": "search", "arguments": {"space": "x"}}, "the tool search has no argument space"),
        ({"name": "numbers"}, "the tool numbers takes no words as query"),
        ({"name": "wants_more"}, "the tool wants_more wants arguments that the tenant's file does not give"),
        ({"name": "fails"}, "the tool fails answered with an error"),
        ({"name": "catches"}, "the tool catches answered with an error"),
    ],
)
async def test_a_tool_that_may_not_be_called_is_not_and_what_is_wrong_is_said(tool: dict[str, Any], says: str) -> None:
    async with sdk_server(Seen()) as url:
        assert (await refused(url, [tool])).startswith(says)


async def test_a_tool_without_annotations_is_called_if_the_file_vouches_for_it() -> None:
    async with sdk_server(Seen()) as url:
        assert len(await found(url, [{"name": "unmarked", "read_only": True}])) == 1


async def test_one_tool_that_works_is_enough_and_what_several_find_is_shown_once() -> None:
    tools = [{"name": "fails"}, {"name": "structured"}, {"name": "search"}]
    async with sdk_server(Seen()) as url:
        assert [source.title for source in await found(url, tools)] == ["Outlook receives no mail"]


async def test_of_two_tools_of_one_name_on_several_pages_none_is_called_unless_both_may_be() -> None:
    destroys = a_tool(annotations={"destructiveHint": True})

    async def paged(_: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        is_first = not message.get("params", {}).get("cursor")
        result = {"tools": [a_tool()], "nextCursor": "2"} if is_first else {"tools": [destroys]}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    odd = Odd({"tools/list": paged})
    async with odd_server(odd) as url:
        assert await refused(url) == "the tool search says that it is destructive"
    assert "tools/call" not in odd.asked


async def test_a_list_of_tools_without_end_ends() -> None:
    odd = Odd({"tools/list": {"tools": [a_tool()], "nextCursor": "again"}})
    async with odd_server(odd) as url:
        assert "more than 10 pages" in await refused(url)


async def test_a_tool_that_changes_later_is_judged_anew() -> None:
    odd = Odd()
    async with odd_server(odd) as url, asking(url) as documentation:
        assert len(await documentation.documents(TICKET, limit=5)) == 1
        odd.tools = [a_tool(annotations={"readOnlyHint": False})]
        with pytest.raises(DocumentationUnavailable, match="not read-only"):
            await documentation.documents(TICKET, limit=5)
    assert odd.asked.count("tools/call") == 1


def status(code: int, **headers: str) -> Any:
    async def answer(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        return web.Response(
            status=code, text="canary", headers={key.replace("_", "-"): value for key, value in headers.items()}
        )

    return answer


@pytest.mark.parametrize("method", ["initialize", "tools/list", "tools/call"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            status(401, www_authenticate='Bearer resource_metadata="https://x.example/canary"'),
            "refused the credential (HTTP 401)",
        ),
        (status(403), "refused the credential (HTTP 403)"),
        (status(404), "HTTP 404: documentation.url must be its address for streamable HTTP"),
        (status(421), "among the hosts that it allows must be that of documentation.url"),
        (status(429, retry_after="7"), "HTTP 429"),
        (status(500), "HTTP 500"),
        (status(302, location="https://elsewhere.example/canary"), "redirects (HTTP 302)"),
        (status(200, content_type="text/html"), "answered a page: documentation.url"),
        (status(202), "error"),
    ],
)
async def test_what_http_says_is_told_at_each_step(method: str, answer: Any, says: str) -> None:
    async with odd_server(Odd({method: answer})) as url:
        assert says in await refused(url)


async def test_a_server_that_throttles_is_left_alone_for_as_long_as_it_asks() -> None:
    odd = Odd({"initialize": status(429, retry_after="7")})
    async with odd_server(odd) as url, asking(url) as documentation:
        for _ in range(3):
            with pytest.raises(DocumentationUnavailable):
                await documentation.documents(TICKET, limit=5)
        assert odd.asked.count("initialize") == 1
        documentation._rests_until -= 7  # they have passed
        odd.answers.clear()
        assert len(await documentation.documents(TICKET, limit=5)) == 1


async def test_a_path_that_its_own_server_corrects_is_followed() -> None:
    class Mounted(Odd):
        async def handle(self, request: web.Request) -> web.StreamResponse:
            if not request.path.endswith("/"):
                return web.Response(status=307, headers={"location": request.path + "/"})
            return await super().handle(request)

    async with odd_server(Mounted()) as url:
        assert len(await found(url)) == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_elsewhere_is_not_followed(code: int) -> None:
    async with canaries("127.0.0.2") as (canary,):
        target = f"http://127.0.0.2:{canary.port}/latest/meta-data/"
        async with odd_server(
            Odd({"server/discover": status(code, location=target), "initialize": status(code, location=target)})
        ) as url:
            assert "redirects" in await refused(url)
    assert canary.connections == 0


@pytest.mark.parametrize("url", ["http://169.254.169.254/mcp", "http://[fd00:ec2::254]/mcp", "http://8.8.8.8/mcp"])
async def test_an_address_that_is_never_allowed_is_not_connected_to(url: str) -> None:
    assert "address" in await refused(url)


async def test_a_private_address_needs_the_files_word() -> None:
    async with sdk_server(Seen()) as url:
        tenant = a_client(url.replace("http:", "https:"))
        public = tenant.model_copy(
            update={"servicedesk": tenant.servicedesk.model_copy(update={"allow_private_address": False})}
        )
        async with open_documentation(public, "t") as documentation:
            with pytest.raises(DocumentationUnavailable, match="allow_private_address"):
                await documentation.documents(TICKET, limit=5)


async def test_an_answer_of_fifty_megabytes_is_not_read() -> None:
    read = 0

    async def huge(request: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        nonlocal read
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        head = json.dumps(
            {"jsonrpc": "2.0", "id": message["id"], "result": {"content": [{"type": "text", "text": ""}]}}
        )
        await response.write(head[: head.rindex('""') + 1].encode())
        for _ in range(50):
            await response.write(b"x" * 2**20)
            read += 1
        return response

    async with odd_server(Odd({"tools/call": huge})) as url:
        assert await refused(url) == "the answer is larger than 512 KiB"
    assert read < 20


@pytest.mark.parametrize("begins", [b": ping\n\n", b"event: message\ndata: " + b"x" * 1000])
async def test_an_answer_without_end_ends_with_the_time_limit(begins: bytes) -> None:
    async def endless(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(begins)
            await asyncio.sleep(0.05)

    async with odd_server(Odd({"tools/call": endless})) as url:
        assert await refused(url, timeout_seconds=1) == "no answer came within 1 s"


async def test_a_server_that_hangs_at_the_end_of_a_session_costs_no_document() -> None:
    async def hangs(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async def with_session(_: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "o", "version": "1"}}
        return web.json_response(
            {"jsonrpc": "2.0", "id": message["id"], "result": result}, headers={"mcp-session-id": "s-1"}
        )

    odd = Odd({"initialize": with_session, "DELETE": hangs})
    async with odd_server(odd) as url:
        assert len(await found(url, timeout_seconds=1)) == 1
    assert odd.asked[-1] == "DELETE"


async def test_a_server_that_hangs_at_the_newest_protocol_is_asked_in_the_older_next_time() -> None:
    async def hangs(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with odd_server(Odd({"server/discover": hangs})) as url, asking(url, timeout_seconds=1) as documentation:
        with pytest.raises(DocumentationUnavailable):
            await documentation.documents(TICKET, limit=5)
        assert len(await documentation.documents(TICKET, limit=5)) == 1


async def test_a_server_that_lets_us_reconnect_without_end_is_left() -> None:
    async def breaks_off(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        return web.Response(text="id: 1\nretry: 0\ndata: \n\n", content_type="text/event-stream")

    odd = Odd({"tools/call": breaks_off, "GET": breaks_off})
    async with odd_server(odd) as url:
        await refused(url, timeout_seconds=2)
    assert odd.asked.count("GET") <= 30


async def test_an_answer_whose_stream_broke_off_is_fetched_where_it_went_on() -> None:
    async def breaks_off(request: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        if request.method == "POST":
            return web.Response(text="id: 1\nretry: 10\ndata: \n\n", content_type="text/event-stream")
        answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": Odd().result})
        return web.Response(text=f"event: message\nid: 2\ndata: {answer}\n\n", content_type="text/event-stream")

    async with odd_server(Odd({"tools/call": breaks_off, "GET": breaks_off})) as url:
        assert len(await found(url)) == 1


def compressed(encoding: str, *, more: int = 0) -> Any:
    async def answer(_: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        told = {"jsonrpc": "2.0", "id": message["id"], "result": Odd().result, "more": "x" * more}
        body = gzip.compress(json.dumps(told).encode())
        return web.Response(body=body, headers={"content-encoding": encoding}, content_type="application/json")

    return answer


async def test_an_answer_that_a_gateway_compressed_is_read_and_counts_unpacked() -> None:
    async with odd_server(Odd({"tools/call": compressed("gzip")})) as url:
        assert len(await found(url)) == 1
    async with odd_server(Odd({"tools/call": compressed("gzip", more=2**20)})) as url:
        assert await refused(url) == "the answer is larger than 512 KiB"
    async with odd_server(Odd({"tools/call": compressed("br")})) as url:
        assert "compressed" in await refused(url)


@pytest.mark.parametrize(
    "result",
    [
        {"content": "text"},
        {"content": [{"type": "text", "text": None}]},
        {"content": [{"type": "hologram"}]},
        {"resultType": "input_required", "inputRequests": {}},
        {"task": {"taskId": "1", "status": "working"}},
        [],
    ],
)
async def test_an_answer_that_is_not_of_the_protocol_is_an_error_of_ours(result: Any) -> None:
    async with odd_server(Odd(result=result)) as url:
        await refused(url)


async def test_a_tool_that_answers_otherwise_than_its_own_schema_says_is_read_all_the_same() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": "(a+)+$"}}, "required": ["x"]}
    async with odd_server(Odd(tools=[a_tool(outputSchema=schema)])) as url:
        assert len(await found(url)) == 1


async def test_a_server_can_ask_nothing_of_us() -> None:
    asked: list[dict[str, Any]] = []
    wishes = ("sampling/createMessage", "elicitation/create", "roots/list")

    async def asks(request: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        if "method" not in message:
            asked.append(message)
            return web.Response(status=202)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for number, method in enumerate(wishes):
            params = {
                "messages": [],
                "maxTokens": 9,
                "message": "password?",
                "requestedSchema": {"type": "object", "properties": {}},
            }
            wanted = {"jsonrpc": "2.0", "id": f"s{number}", "method": method, "params": params}
            await response.write(f"event: message\ndata: {json.dumps(wanted)}\n\n".encode())
        while len(asked) < len(wishes):
            await asyncio.sleep(0.01)
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": Odd().result}
        await response.write(f"event: message\ndata: {json.dumps(answer)}\n\n".encode())
        return response

    class Asking(Odd):
        async def handle(self, request: web.Request) -> web.StreamResponse:
            if request.method == "POST" and "method" not in await request.json():
                asked.append(await request.json())
                return web.Response(status=202)
            return await super().handle(request)

    async with odd_server(Asking({"tools/call": asks})) as url:
        assert len(await found(url)) == 1
    assert len(asked) == len(wishes)
    assert all("error" in each for each in asked)


async def test_a_session_is_one_questions_and_one_tenants_and_is_ended() -> None:
    seen = Seen()
    async with sdk_server(seen) as url:
        tenants = [a_client(url), a_client(url)]
        async with open_documentation(tenants[0], "token-a") as one, open_documentation(tenants[1], "token-b") as other:
            one._mode = other._mode = "legacy"  # the newest protocol has no sessions
            for documentation in (one, other, one):
                assert len(await documentation.documents(TICKET, limit=5)) == 1
    assert len(seen.sessions) == 3
    by_token = {
        token: {each.get("mcp-session-id") for each in seen.headers if each["authorization"] == f"Bearer {token}"}
        - {None}
        for token in ("token-a", "token-b")
    }
    assert {token: len(sessions) for token, sessions in by_token.items()} == {"token-a": 2, "token-b": 1}
    assert seen.methods.count("DELETE") == 3


async def test_cookies_are_a_sessions_own() -> None:
    async def sets(_: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "o", "version": "1"}}
        return web.json_response(
            {"jsonrpc": "2.0", "id": message["id"], "result": result}, headers={"set-cookie": "a=b"}
        )

    odd = Odd({"initialize": sets})
    async with odd_server(odd) as url, asking(url) as documentation:
        for _ in range(2):
            await documentation.documents(TICKET, limit=5)
    cookies = [method for method, headers in zip(odd.asked, odd.headers, strict=True) if "cookie" in headers]
    assert "initialize" not in cookies
    assert cookies.count("tools/call") == 2  # one that a balancer needs, to find the session's process


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        ({"auth": "basic"}, "authorization", "Basic dGhlLXRva2Vu"),
        ({"auth": "header", "header": "X-Api-Key"}, "x-api-key", "the-token"),
        ({"auth": "none"}, "authorization", None),
    ],
)
async def test_a_credential_is_sent_as_the_file_says(options: dict[str, Any], header: str, value: str | None) -> None:
    odd = Odd()
    async with odd_server(odd) as url:
        await found(url, **options)
    assert {each.get(header) for each in odd.headers} == {value}


async def test_without_its_token_nobody_is_asked() -> None:
    odd = Odd()
    async with odd_server(odd) as url, open_documentation(a_client(url), None) as documentation:
        with pytest.raises(DocumentationUnavailable, match="documentation_token is missing"):
            await documentation.documents(TICKET, limit=5)
    assert odd.asked == []


async def test_a_ticket_without_words_asks_nobody() -> None:
    odd = Odd()
    async with odd_server(odd) as url, asking(url) as documentation:
        assert await documentation.documents(a_ticket(subject="", description="!!"), limit=5) == []
        assert await documentation.documents(TICKET, limit=0) == []
    assert odd.asked == []


async def test_what_does_not_fit_is_not_shown_and_an_echo_of_the_question_fits_nothing() -> None:
    text = f"No pages found for 'Outlook receives no mail'. {PAGES[1]['content']}"
    async with odd_server(Odd(result={"content": [{"type": "text", "text": text}]})) as url:
        assert await found(url) == []


async def test_nothing_of_what_a_server_says_reaches_a_log_or_a_span(caplog: pytest.LogCaptureFixture) -> None:
    from mcp.shared import _otel

    with caplog.at_level(logging.DEBUG):
        for odd in (
            Odd({"tools/call": status(200, content_type="text/canary")}),
            Odd(result={"content": "canary"}),
            Odd({"initialize": status(307, location="http://canary.example/")}),
        ):
            async with odd_server(odd) as url:
                await refused(url)
    assert "canary" not in caplog.text
    assert isinstance(_otel._tracer, NoOpTracer)  # its spans record an error with its text


async def test_a_look_says_what_works_and_else_what_the_server_offers() -> None:
    async with sdk_server(Seen()) as url:
        async with asking(url) as documentation:
            assert await documentation.look() == ["tool search answered with 2 documents"]
        async with asking(url, [{"name": "seach"}]) as documentation:
            with pytest.raises(
                DocumentationUnavailable, match=r"not offered by the server \(the server offers search, struct"
            ):
                await documentation.look()


async def test_a_tenant_without_a_server_has_none_to_open() -> None:
    with pytest.raises(TenantFileInvalid):
        async with open_documentation(a_tenant(), None):
            pass


def test_a_process_that_asks_no_server_does_not_load_the_sdk() -> None:
    script = "import sys, app.worker.app, app.api.app, app.console.app, app.sync; print('mcp' in sys.modules or 'mcp_types' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "False"
