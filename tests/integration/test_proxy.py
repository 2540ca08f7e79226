"""A network whose only way out is a proxy, which is a real one here: CONNECT, with a password or without, and its log."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from app.console.oidc import OpenIdProvider, ProviderOptions
from app.console.roles import SignInRefused
from app.core.asset import Addresses
from app.core.completion import Message
from app.core.masking import Mask
from app.errors import AddressForbidden, AppError, ModelRefused, ModelUnavailable
from app.integrations.documentation import open_documentation
from app.integrations.embeddings import EndpointEmbedder, open_embedder
from app.integrations.http import NotSent, default_tls, open_outbound
from app.integrations.monitoring import open_prometheus
from app.integrations.openai import OpenAIModel, open_endpoint, open_own_endpoint
from app.integrations.servicedesk import ApiKey, open_servicedesk
from demo.embedded import find_free_port
from tests.builders import a_tenant, a_ticket
from tests.integration.streams import copy
from tests.integration.test_outbound import Canary, Rebinding, canaries, write_certificate
from tests.integration.test_servicedesk import EveryTurn, OneToken

NAME: Final = "outside.example"
"""A public name that nothing but the proxy knows."""
FIVE_SECONDS: Final = timedelta(seconds=5)


@dataclass
class ForwardProxy:
    """A proxy as a company has it: it resolves names itself, and connects whoever it lets through."""

    leads_to: int
    """The port of the server outside."""
    password: str = ""
    refuses: int = 0
    """The status with which it refuses everybody."""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(" ".join(head.split()[:2]))
            proof = base64.b64encode(f"svc:{self.password}".encode()).decode()
            if self.password and f"Proxy-Authorization: Basic {proof}" not in head:
                refused = "407 Proxy Authentication Required"
                head_end = (
                    'Proxy-Authenticate: Basic realm="corp"\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope'
                )
                writer.write(f"HTTP/1.1 {refused}\r\n{head_end}".encode())
            elif self.refuses:
                writer.write(f"HTTP/1.1 {self.refuses} No\r\nContent-Type: text/html\r\n\r\n<html>".encode())
            else:
                inner = await asyncio.open_connection("127.0.0.1", self.leads_to)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(copy(reader, inner[1]), copy(inner[0], writer))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class World:
    """The server outside, which answers `{}`, and the way to it."""

    proxy: ForwardProxy
    outside: Canary


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    file = write_certificate(tmp_path, NAME)
    for name in ("https_proxy", "http_proxy", "no_proxy", "all_proxy", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))  # the company's own certificate authority
    default_tls.cache_clear()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(file)
    outside = Canary(find_free_port())
    server = await asyncio.start_server(outside.serve, "127.0.0.1", outside.port, ssl=server_side)
    proxy = ForwardProxy(outside.port)
    port = find_free_port()
    way = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    try:
        yield World(proxy, outside)
    finally:
        server.close()
        way.close()
        default_tls.cache_clear()


async def nowhere(_host: str, _port: int) -> list[str]:
    """The name server of a network that knows no name outside."""
    raise OSError("Name or service not known")


def _model(endpoint: Any, **options: Any) -> OpenAIModel:
    return OpenAIModel(endpoint, tenant="acme", model="m", fallback=None, limit=FIVE_SECONDS, **options)


def _provider(issuer: str) -> OpenIdProvider:
    return OpenIdProvider(ProviderOptions(issuer, "c", None, "https://console.example/", "openid", "groups", "o", "v"))


PROMPT = [Message(role="user", content=Mask().text("A ticket."))]


async def _call_all(says: str) -> None:
    """Each kind of call, to a host outside. What is answered there is of no help desk and no model."""
    calls: dict[str, Any] = {"limiter": EveryTurn(), "tokens": OneToken(), "resolve": nowhere}
    async with open_servicedesk(a_tenant(servicedesk={"url": f"https://{NAME}"}), ApiKey("key"), **calls) as desk:
        with pytest.raises(AppError, match=says):
            await desk.load_ticket("1")
    watched = a_tenant(monitoring={"prometheus_url": f"https://{NAME}"})
    async with open_prometheus(watched, None, resolve=nowhere) as prometheus:
        with pytest.raises(AppError, match=says):
            await prometheus.measurements(Addresses(hostnames=("srv-01",)), limit=3)
    documented = a_tenant(documentation={"url": f"https://{NAME}/mcp", "tools": [{"name": "search"}]})
    async with open_documentation(documented, "token", resolve=nowhere) as documentation:
        with pytest.raises(AppError, match=says):
            await documentation.documents(a_ticket(), limit=3)
    url = f"https://{NAME}/v1"
    own = open_own_endpoint(api_key="key", base_url=url, allow_private=False, limit=FIVE_SECONDS, resolve=nowhere)
    for opening in (own, open_endpoint(api_key="key", base_url=url, limit=FIVE_SECONDS)):
        async with opening as endpoint:
            endpoint.retries = 0
            with pytest.raises(AppError, match=says):
                await _model(endpoint).complete(PROMPT, schema={})
    async with open_embedder("m", base_url=url, api_key=SecretStr("key")) as embedder:
        assert isinstance(embedder, EndpointEmbedder)
        with pytest.raises(AppError, match=says):
            await embedder.embed([Mask().text("A ticket.")])
    with pytest.raises(SignInRefused, match=says):
        await _provider(f"https://{NAME}").begin()


async def test_each_kind_of_call_goes_out_by_the_proxy_which_alone_knows_the_name(world: World) -> None:
    await _call_all("understand|not ServiceDesk Plus's|not a completion|not vectors|not the result|JSON-RPC|KeyError")
    assert set(world.proxy.asked) == {f"CONNECT {NAME}:443"}
    assert {"/api/v3/requests/1", "/api/v1/query", "/mcp", "/v1/chat/completions", "/v1/embeddings"} < set(
        world.outside.paths
    )
    assert "/.well-known/openid-configuration" in world.outside.paths


@pytest.mark.parametrize(
    ("refuses", "says"),
    [
        (403, r"did not connect us \(HTTP 403\)"),
        (503, r"did not connect us \(HTTP 503\)"),
        (407, r"wants another user and password \(HTTP 407\)"),
    ],
)
async def test_a_proxy_that_connects_nobody_is_told_as_such(world: World, refuses: int, says: str) -> None:
    world.proxy.refuses = refuses
    await _call_all(f"the proxy of HTTPS_PROXY {says}")
    assert world.outside.connections == 0


async def test_a_proxy_that_is_not_there_is_told_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in (f"http://127.0.0.1:{find_free_port()}", "http://proxy.invalid:3128"):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        await _call_all("the proxy of HTTPS_PROXY can't be reached")


@pytest.mark.parametrize(("user", "is_let_through"), [("svc:p%40ss%3Aword@", True), ("svc:wrong@", False), ("", False)])
async def test_a_proxy_with_a_password(
    world: World, monkeypatch: pytest.MonkeyPatch, user: str, is_let_through: bool
) -> None:
    world.proxy.password = "p@ss:word"
    monkeypatch.setenv("HTTPS_PROXY", os.environ["HTTPS_PROXY"].replace("//", f"//{user}"))
    async with open_outbound(allow_private=False, resolve=nowhere) as outbound:
        if is_let_through:
            for _ in range(2):  # the tunnel is used again
                assert (await outbound.send("GET", f"https://{NAME}/")).status == 200
            assert len(world.proxy.asked) == 1
        else:
            with pytest.raises(NotSent, match="wants another user and password"):
                await outbound.send("GET", f"https://{NAME}/")
    assert world.outside.connections == int(is_let_through)


@pytest.mark.parametrize("address", ["169.254.169.254", "10.1.2.3", "fd00:ec2::254", "127.0.0.1"])
async def test_what_a_tenants_file_may_not_name_is_not_asked_of_the_proxy_either(world: World, address: str) -> None:
    """Neither a name of which our name server says so, nor the address itself."""
    literal = f"[{address}]" if ":" in address else address
    async with open_outbound(allow_private=False, resolve=Rebinding([[address]])) as outbound:
        for host in ("inner.example", literal):
            with pytest.raises(AddressForbidden):
                await outbound.send("GET", f"https://{host}/")
    assert world.proxy.asked == []


@pytest.mark.parametrize("allowed", [["93.184.215.14"], [f"93.184.215.{last}" for last in range(20)]])
async def test_a_name_with_one_address_that_may_not_be_named_is_not_asked_of_the_proxy(
    world: World, allowed: list[str]
) -> None:
    async with open_outbound(allow_private=False, resolve=Rebinding([[*allowed, "169.254.169.254"]])) as outbound:
        with pytest.raises(AddressForbidden):
            await outbound.send("GET", "https://inner.example/")
    assert world.proxy.asked == []


async def test_a_public_name_is_asked_of_the_proxy_by_its_name(world: World) -> None:
    resolve = Rebinding([["93.184.215.14"], ["169.254.169.254"]])
    async with open_outbound(allow_private=False, resolve=resolve) as outbound:
        assert (await outbound.send("GET", f"https://{NAME}/")).status == 200
        assert (await outbound.send("GET", f"https://{NAME}/")).status == 200
    assert (resolve.asked, world.proxy.asked) == (1, [f"CONNECT {NAME}:443"])


async def test_a_name_server_that_hangs_keeps_no_call_from_the_proxy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.integrations.http._MAX_LOOK_UP_S", 0.05)

    async def hanging(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with open_outbound(allow_private=False, resolve=hanging) as outbound:
        assert (await outbound.send("GET", f"https://{NAME}/")).status == 200
    assert world.outside.connections == 1


async def test_what_no_proxy_names_and_plain_http_are_reached_directly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", f".svc, {NAME}")
    async with (
        canaries("127.0.0.2") as (inner,),
        open_outbound(allow_private=True, resolve=Rebinding([["127.0.0.1"]])) as outbound,
    ):
        assert (await outbound.send("GET", f"https://{NAME}:{world.outside.port}/")).status == 200
        assert (await outbound.send("GET", f"http://127.0.0.2:{inner.port}/")).status == 200
    assert (world.proxy.asked, world.outside.connections, inner.connections) == ([], 1, 1)


async def test_a_model_of_our_own_over_plain_http_goes_by_the_proxy_unless_no_proxy_names_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for direct, asked in (("", ["POST http://vllm.models.svc:8000/v1/chat/completions"]), ("svc", [])):
        monkeypatch.setenv("NO_PROXY", direct)
        world.proxy.refuses, world.proxy.asked = 403, []
        async with open_endpoint(
            api_key="key", base_url="http://vllm.models.svc:8000/v1", limit=FIVE_SECONDS
        ) as endpoint:
            endpoint.retries = 0
            with pytest.raises((ModelUnavailable, ModelRefused)):
                await _model(endpoint).complete(PROMPT, schema={})
        assert world.proxy.asked == asked


@pytest.mark.parametrize(("direct", "asks_proxy"), [("0.0.0.0/8", False), ("10.0.0.0/8", True)])
async def test_a_sign_in_service_in_a_network_of_no_proxy_is_reached_directly(
    world: World, monkeypatch: pytest.MonkeyPatch, direct: str, asks_proxy: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", direct)
    world.proxy.refuses = 403
    async with canaries("127.0.0.1") as (inner,):
        with pytest.raises(SignInRefused):
            # Linux takes 0.0.0.0 for this host, and it is none of the addresses that never go by a proxy.
            await _provider(f"http://0.0.0.0:{inner.port}").begin()
    assert (bool(world.proxy.asked), inner.connections) == (asks_proxy, int(not asks_proxy))
