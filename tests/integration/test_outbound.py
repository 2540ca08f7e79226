"""What a tenant's URL can reach, with names whose addresses change under us and canaries that nothing may touch."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from app.core.access_token import OAuthClient
from app.core.asset import Addresses
from app.core.completion import Message
from app.core.masking import Mask
from app.errors import AddressForbidden, DocumentationUnavailable, HelpDeskRefused, ModelRefused
from app.integrations.documentation import open_documentation
from app.integrations.http import AnswerTooLarge, NoAnswer, NotSent, Outbound, default_tls, open_outbound
from app.integrations.monitoring import open_prometheus
from app.integrations.openai import OpenAIModel, open_own_endpoint
from app.integrations.servicedesk import ApiKey, open_servicedesk
from demo.embedded import find_free_port
from tests.builders import a_tenant, a_ticket
from tests.integration.test_servicedesk import EveryTurn, OneToken

FINE: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Canary:
    """A server that remembers each connection to it and answers the same to all."""

    port: int
    answer: bytes = FINE
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [head.split()[1].decode() for head in self.heads]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                writer.write(self.answer)
                await writer.drain()
                if b"connection: close" in self.answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def canaries(*hosts: str, answer: bytes = FINE) -> AsyncIterator[list[Canary]]:
    """One server on each of *hosts*, all on one port."""
    port = find_free_port()
    every = [Canary(port, answer) for _ in hosts]
    servers = [await asyncio.start_server(canary.serve, host, port) for canary, host in zip(every, hosts, strict=True)]
    try:
        yield every
    finally:
        for server in servers:
            server.close()


@dataclass
class Rebinding:
    """A name server that answers something else each time it is asked, as an attacker's with a TTL of 0 does."""

    answers: list[list[str]]
    asked: int = 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def test_a_name_is_resolved_once_for_a_connection_and_the_checked_address_is_the_one_connected_to() -> None:
    closing = FINE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with canaries("127.0.0.1", "127.0.0.2", answer=closing) as (first, second):
        resolve = Rebinding([["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]])
        async with open_outbound(allow_private=True, resolve=resolve) as outbound:
            url = f"http://rebind.example:{first.port}/"
            await outbound.send("GET", url)
            # Resolved twice for the first connection, it would have gone to the second address.
            assert (resolve.asked, first.connections, second.connections) == (1, 1, 0)
            await outbound.send("GET", url)
            assert (resolve.asked, first.connections, second.connections) == (2, 1, 1)
            with pytest.raises(AddressForbidden):
                await outbound.send("GET", url)
    assert (resolve.asked, first.connections, second.connections) == (3, 1, 1)


async def test_of_a_names_addresses_only_allowed_ones_are_tried() -> None:
    async with canaries("127.0.0.1") as (canary,):
        resolve = Rebinding([["169.254.169.254", "0.0.0.0", "::ffff:169.254.169.254", "fd00:ec2::254", "127.0.0.1"]])
        async with open_outbound(allow_private=True, resolve=resolve) as outbound:
            assert (await outbound.send("GET", f"http://mixed.example:{canary.port}/")).status == 200
    assert canary.connections == 1


HOSTS: Final = [
    "127.0.0.1",
    "localhost",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_notation_of_loopback_gets_past_the_check(host: str, scheme: str) -> None:
    async with canaries("127.0.0.1", "::1") as every:
        async with open_outbound(allow_private=False, timeout=timedelta(seconds=3)) as outbound:
            with pytest.raises(
                (AddressForbidden, NoAnswer)
            ) as refused:  # NoAnswer: the resolver knows no such notation
                await outbound.send("GET", f"{scheme}://{host}:{every[0].port}/latest/meta-data/")
        if isinstance(refused.value, NoAnswer):
            assert str(refused.value) in {"its host name is not known", "its URL can't be used"}
    assert [canary.connections for canary in every] == [0, 0]


async def test_plain_http_never_goes_to_a_public_address() -> None:
    resolve = Rebinding([["93.184.215.14"], ["2606:2800:21f:cb07:6820:80da:af6b:8b2c"]])
    async with open_outbound(allow_private=True, resolve=resolve) as outbound:
        for _ in range(2):
            with pytest.raises(AddressForbidden, match="plain http to a public address"):
                await outbound.send("GET", "http://sdp.acme.example/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    async with canaries("127.0.0.2") as (inner,):
        moved = f"HTTP/1.1 {status} Moved\r\nlocation: http://127.0.0.2:{inner.port}/\r\ncontent-length: 0\r\n\r\n"
        async with (
            canaries("127.0.0.1", answer=moved.encode()) as (outer,),
            open_outbound(allow_private=True) as outbound,
        ):
            assert (await outbound.send("POST", f"http://127.0.0.1:{outer.port}/")).status == status
    assert (outer.connections, inner.connections) == (1, 0)


async def test_no_credential_of_a_netrc_file_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login jane password hunter2\ndefault login jane password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    async with canaries("127.0.0.1") as (server,):
        for is_guarded in (True, False):
            async with open_outbound(allow_private=True, is_guarded=is_guarded) as outbound:
                await outbound.send("GET", f"http://127.0.0.1:{server.port}/")
    assert len(server.heads) == 2
    assert not any(b"authorization" in head.lower() for head in server.heads)


async def test_each_url_of_a_tenants_file_is_held_to_it() -> None:
    """The help desk's, the accounts server's, Prometheus's, the documentation's and the model's: one rule."""
    metadata = Rebinding([["169.254.169.254"]])
    calls = {"limiter": EveryTurn(), "tokens": OneToken(), "resolve": metadata}
    on_premises = a_tenant(servicedesk={"url": "http://sdp.acme.example:8080"})
    async with open_servicedesk(on_premises, ApiKey("key"), **calls) as desk:  # type: ignore[arg-type]
        with pytest.raises(AddressForbidden):
            await desk.load_ticket("1")
    cloud = {"edition": "cloud", "url": "https://sdp.example/app/itdesk", "accounts_url": "https://accounts.example"}
    async with open_servicedesk(
        a_tenant(servicedesk=cloud),
        OAuthClient("id", "secret", "token"),
        **calls,  # type: ignore[arg-type]
    ) as desk:
        with pytest.raises(AddressForbidden):
            await desk.load_ticket("1")
    watched = a_tenant(monitoring={"prometheus_url": "http://prometheus.example:9090"})
    async with open_prometheus(watched, None, resolve=metadata) as prometheus:
        with pytest.raises(AddressForbidden):
            await prometheus.measurements(Addresses(hostnames=("srv-01",)), limit=3)
    assert metadata.asked == 3
    documented = a_tenant(documentation={"url": "https://mcp.example/mcp", "tools": [{"name": "search"}]})
    async with open_documentation(documented, "token", resolve=metadata) as documentation:
        with pytest.raises(DocumentationUnavailable, match="link-local"):
            await documentation.documents(a_ticket(), limit=3)
    assert metadata.asked == 4
    for base_url, is_private in (("http://model.example:8000/v1", True), ("https://model.example/v1", False)):
        own = open_own_endpoint(
            api_key="key", base_url=base_url, allow_private=is_private, limit=timedelta(seconds=5), resolve=metadata
        )
        async with own as endpoint:
            model = OpenAIModel(
                endpoint, tenant="acme", model="own", fallback=None, limit=timedelta(seconds=5), is_own=True
            )
            with pytest.raises(ModelRefused, match=r"model\.base_url: The tenant's URL leads to a link-local"):
                await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})
    assert metadata.asked >= 6


async def test_a_models_url_leads_to_a_private_address_only_where_the_file_says_so() -> None:
    """And no redirect is followed, whatever it leads to."""
    moved = b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.2:1/\r\ncontent-length: 0\r\n\r\n"
    async with canaries("127.0.0.1", answer=moved) as (canary,):
        for is_private, says in (
            (False, "leads over plain http|private address"),
            (True, r"redirects our calls \(307\)"),
        ):
            own = open_own_endpoint(
                api_key="key",
                base_url=f"http://127.0.0.1:{canary.port}/v1",
                allow_private=is_private,
                limit=timedelta(seconds=5),
            )
            async with own as endpoint:
                model = OpenAIModel(
                    endpoint, tenant="acme", model="own", fallback=None, limit=timedelta(seconds=5), is_own=True
                )
                with pytest.raises(ModelRefused, match=says):
                    await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})
            assert canary.connections == int(is_private)


async def test_a_help_desk_that_redirects_is_told_apart() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
    async with canaries("127.0.0.1", answer=moved) as (canary,):
        tenant = a_tenant(servicedesk={"url": f"http://127.0.0.1:{canary.port}"})
        async with open_servicedesk(tenant, ApiKey("key"), limiter=EveryTurn(), tokens=OneToken()) as desk:
            with pytest.raises(HelpDeskRefused, match="no redirect is followed"):
                await desk.load_ticket("1")


async def _send(outbound: Outbound, port: int) -> None:
    await outbound.send("GET", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 300_000, "larger than 256 KiB"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"40000\r\n" + b"x" * 0x40000 + b"\r\n5\r\nyyyyy\r\n", "larger than 256 KiB"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\nxx", "compressed"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: " + b"b" * 200_000 + b"\r\n\r\n", "too long a head"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000, "too long a head"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nxx", "no answer came within"),
    ],
    ids=["length", "chunks", "compressed", "long header", "many headers", "another protocol", "never ends"],
)  # fmt: skip
async def test_an_answer_ends_within_its_limits(answer: bytes, says: str) -> None:
    async with canaries("127.0.0.1", answer=answer) as (canary,):
        limits = {"timeout": timedelta(seconds=1), "max_bytes": 256 * 1024}
        async with open_outbound(allow_private=True, **limits) as outbound:  # type: ignore[arg-type]
            with pytest.raises(NoAnswer, match=says) as refused:
                await _send(outbound, canary.port)
    assert isinstance(refused.value, AnswerTooLarge) == ("larger" in says)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "that port speaks no https"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLSV1_ALERT_PROTOCOL_VERSION"),  # nginx that knows TLS 1.1 alone
    ],
)
async def test_why_no_tls_connection_was_made_is_told(answer: bytes, says: str) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    port = find_free_port()
    async with (
        await asyncio.start_server(serve, "127.0.0.1", port),
        open_outbound(allow_private=True) as outbound,
    ):
        with pytest.raises(NotSent, match=rf"no TLS connection was made \({says}\)"):
            await outbound.send("GET", f"https://127.0.0.1:{port}/")


async def test_a_long_head_is_read() -> None:
    """A policy for a page's content of 34 KB was seen (iprak/yahoofinance#173); a gateway passes on others' fields."""
    policy = b"content-security-policy: " + b"https://a.example " * 2_000 + b"\r\n"
    passed_on = b"".join(b"llm_provider-x-%d: a\r\n" % number for number in range(150))
    answer = FINE.replace(b"content-length", policy + passed_on + b"content-length")
    async with canaries("127.0.0.1", answer=answer) as (canary,), open_outbound(allow_private=True) as outbound:
        assert (await outbound.send("GET", f"http://127.0.0.1:{canary.port}/")).body == b"{}"


async def test_a_call_whose_answer_is_no_http_is_paid_once() -> None:
    answer = FINE.replace(b"content-length", b"content-length: 2\r\ncontent-length")
    async with (
        canaries("127.0.0.1", answer=answer) as (canary,),
        open_own_endpoint(
            api_key="key", base_url=f"http://127.0.0.1:{canary.port}", allow_private=True, limit=timedelta(seconds=5)
        ) as endpoint,
    ):
        with pytest.raises(NoAnswer, match="not HTTP"):
            await endpoint.post("/chat/completions", {"model": "own"})
    assert canary.connections == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"note": {"description": "<p>a+b = c &amp; d; 100 %25, \\"x\\"</p>"}}',
        "Über 漢字 ไทย 😀 \u202e ',()*!$@:/?#[]~",
        "two\r\nlines\tand \x00 a zero",
        "",
    ],
)
async def test_a_form_arrives_as_it_was_given(text: str) -> None:
    came: list[tuple[str, str]] = []

    async def read(request: web.Request) -> web.Response:
        came.append((request.content_type, str((await request.post())["input_data"])))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", read)
    async with TestServer(app, host="127.0.0.1") as server, open_outbound(allow_private=True) as outbound:
        await outbound.send("POST", str(server.make_url("/")), form={"input_data": text})
    assert came == [("application/x-www-form-urlencoded", text)]


async def test_an_answer_that_comes_a_byte_at_a_time_is_cut_off() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    port = find_free_port()
    server = await asyncio.start_server(drip, "127.0.0.1", port)
    started = asyncio.get_running_loop().time()
    async with open_outbound(allow_private=True, timeout=timedelta(seconds=0.5)) as outbound:
        with pytest.raises(NoAnswer, match=r"within 0\.5 s"):
            await _send(outbound, port)
    assert asyncio.get_running_loop().time() - started < 25  # of the 50 s that all of it takes
    server.close()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/", "http://[::1/", "file:///etc/passwd", "http:///x", "gopher://127.0.0.1/"]
)
async def test_a_url_that_is_none_is_no_answer(url: str) -> None:
    async with open_outbound(allow_private=True) as outbound:
        with pytest.raises(NoAnswer):
            await outbound.send("GET", url)


def write_certificate(folder: Path, name: str) -> Path:
    """A certificate for *name* that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), serial_number=1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return file


async def test_a_certificate_that_is_not_trusted_or_of_another_name_is_told(tmp_path: Path) -> None:
    file = write_certificate(tmp_path, "localhost")
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(file)
    port = find_free_port()
    canary = Canary(port)
    server = await asyncio.start_server(canary.serve, "127.0.0.1", port, ssl=server_side)
    trusting = ssl.create_default_context(cafile=file)
    for tls, host, says in (
        (None, "localhost", "self-signed certificate"),
        (trusting, "127.0.0.1", "IP address mismatch"),
    ):
        async with open_outbound(allow_private=True, tls=tls) as outbound:
            with pytest.raises(NotSent, match=f"its TLS certificate can't be verified: {says}"):
                await outbound.send("GET", f"https://{host}:{port}/")
    async with open_outbound(allow_private=True, tls=trusting) as outbound:
        assert (await outbound.send("GET", f"https://localhost:{port}/", params={"q": '{"a": "ü&+"}'})).status == 200
    assert canary.paths == ["/?q=%7B%22a%22:+%22%C3%BC%26%2B%22%7D"]
    server.close()


def _write_old_authority(folder: Path) -> tuple[Path, Path]:
    """An authority such as companies made by `openssl req -x509` years ago, which names no key usage, and what it signed."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Company", "localhost")]
    files = (folder / "authority.pem", folder / "server.pem")
    for key, name, is_authority, file in zip(keys, names, (True, False), files, strict=True):
        certificate = (
            x509.CertificateBuilder(names[0], name, key.public_key(), serial_number=2 - is_authority)
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(keys[0], SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return files


async def test_a_company_s_authority_of_years_ago_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, file = _write_old_authority(tmp_path)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(file)
    port = find_free_port()
    server = await asyncio.start_server(Canary(port).serve, "127.0.0.1", port, ssl=server_side)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    default_tls.cache_clear()
    # Where Python is 3.13, as in the image, its default is strict.
    monkeypatch.setattr(ssl, "create_default_context", _strict_by_default(ssl.create_default_context))
    try:
        async with open_outbound(allow_private=True) as outbound:
            assert (await outbound.send("GET", f"https://localhost:{port}/")).status == 200
    finally:
        server.close()
        default_tls.cache_clear()


def _strict_by_default(create: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    def strict(*arguments: Any, **named: Any) -> ssl.SSLContext:
        context = create(*arguments, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    return strict


async def test_what_kept_the_call_from_being_sent_is_told() -> None:
    async with open_outbound(allow_private=True) as outbound:
        for url, says in (
            (f"http://127.0.0.1:{find_free_port()}/", "no connection was made"),
            ("http://nowhere.invalid/", "its host name is not known"),
            ("file:///etc/passwd", "its URL can't be used"),
        ):
            with pytest.raises(NotSent, match=says):
                await outbound.send("GET", url)
