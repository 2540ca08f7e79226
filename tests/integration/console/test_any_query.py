"""Whatever stands in an address, a form or a header, no page answers with an error of ours (500)."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.console.app import create_console
from app.console.sessions import Seals
from app.console.sign_in import Doors
from demo.embedded import DatabaseUrls, ValkeyServer
from tests.builders import a_tenant, write_tenant
from tests.fuzz.properties import EXAMPLES
from tests.integration.forked import ForkedProcess
from tests.integration.processes import common_variables

TOKEN: Final = "a-token-of-the-tests"
JOB: Final = UUID("0b9d5c3e-0000-4000-8000-000000000001")
KNOWN: Final = {
    "slug": ["acme"],
    "job_id": [str(JOB)],
    "act": ["replay", "dismiss", "pause", "resume"],
    "name": ["console.css"],
}
"""What may stand in a part of an address, beside any text."""
_FILTER: Final = ("tenant", "status", "since", "ticket", "reason")
_ACT: Final = ("csrf", "because")
PAGES: Final[dict[str, tuple[str, ...]]] = {
    "GET /": (),
    "GET /live": (),
    "GET /deliveries": (*_FILTER, "after"),
    "GET /deliveries/{act}": _FILTER,
    "POST /deliveries/{act}": (*_FILTER, *_ACT, "until", "number-acme"),
    "GET /deliveries/{slug}/{job_id}": (),
    "POST /deliveries/{slug}/{job_id}/{act}": _ACT,
    "GET /tenants": (),
    "GET /tenants/{slug}": (),
    "POST /tenants/{slug}/check": _ACT,
    "GET /tenants/{slug}/check": (),
    "POST /tenants/{slug}/{act}": (*_ACT, "reason"),
    "POST /tenants/{act}": (*_ACT, "reason"),
    "GET /tenants/{slug}/shadow": ("since",),
    "POST /tenants/{slug}/shadow/{act}": ("csrf", "ticket"),
    "GET /quality": ("tenant",),
    "POST /quality/{slug}/{act}": ("csrf", "kind", "source"),
    "GET /cost": ("month",),
    "GET /cost.csv": ("month",),
    "GET /acts": (),
    "POST /sign-out": ("csrf",),
    "GET /sign-in": ("next",),
    "POST /sign-in": ("token", "next"),
    "GET /sign-in/oidc": ("next",),
    "GET /sign-in/callback": ("code", "state", "error"),
    "GET /static/{name}": (),
}
"""By page: its query's fields, or its form's."""


@pytest.fixture(scope="module")
async def url(urls: DatabaseUrls, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("console")
    tenant = a_tenant("acme")
    write_tenant(folder, tenant, webhook_secret="secret", api_key="key")
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, accepted_at, updated_at, settled_at, status)"
        " values ($1, $2, '1', 'ticket_created', '', '20000-01-01', '20000-01-01', 'infinity', 'failed')",
        *(tenant.id, JOB),
    )
    await superuser.close()
    variables = {"DATABASE_URL": urls.worker, "CONSOLE_TOKEN": TOKEN, **common_variables(valkey, folder)}
    process = ForkedProcess("app", "console", variables=variables, log=folder / "console.log")
    try:
        await process.ready()
        yield process.url
    finally:
        process.kill()


@pytest.fixture
def signed_in(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as client:
        answer = client.post("/sign-in", data={"token": TOKEN}, headers={"origin": url})
        assert answer.status_code == 303
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/deliveries?ticket=%00",
        "/deliveries?ticket=%ff&tenant=%00",
        "/deliveries?after=0001-01-01T00:00%2B14:00~00000000-0000-0000-0000-000000000000",
        "/deliveries?after=9999-12-31T23:59-14:00~00000000-0000-0000-0000-000000000000",
        "/deliveries?after=2026-01-01T00:00~00000000-0000-0000-0000-000000000000",
        "/deliveries?after=2026-W53-7~0",
        "/deliveries?after=2026-01-01T00:00-23:59:59.999999~urn:uuid:00000000-0000-0000-0000-000000000000",
        "/deliveries?after=9999-12-31T23:59:59.999999~%D9%A0" + "%D9%A0" * 31,
        "/deliveries?ticket=1&ticket=%00",
        "/deliveries?ticket=%1b%5b2J",
        "/deliveries/acme/%7B0b9d5c3e-0000-4000-8000-000000000001%7D",
        "/cost.csv?month=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%96-01",
        "/cost?month=2999-12",
        "/tenants/acme/shadow?since=07d",
        "/static/%2e%2e%2fapp.py",
        "/deliveries/replay?tenant=acme&ticket=%00",
        "/tenants/%00",
        "/tenants/%ed%a0%80",
        "/cost?month=9999-12",
        "/cost?month=0001-01",
        "/cost.csv?month=9999-12",
        "/quality?tenant=%00",
        "/sign-in?next=%00",
    ],
)
def test_an_address_that_holds_anything_is_no_error_of_ours(signed_in: httpx.Client, path: str) -> None:
    assert signed_in.get(path).status_code < 500


@pytest.mark.parametrize("path", ["/", "/deliveries", "/deliveries?tenant=acme", f"/deliveries/acme/{JOB}", "/tenants"])
def test_a_row_of_the_year_20000_is_shown(signed_in: httpx.Client, path: str) -> None:
    assert signed_in.get(path).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_no_page_answers_with_an_error_of_ours(signed_in: httpx.Client, url: str, name: str) -> None:
    method, _, path = name.partition(" ")
    csrf = re.search(r'name="csrf" value="([^"]+)"', signed_in.get("/").text)
    assert csrf is not None
    parts = re.findall(r"{(\w+)}", path)
    fields = PAGES[name]
    tokens = st.just(csrf[1]) | st.text() if path != "/sign-out" else st.text()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        named=st.fixed_dictionaries({part: st.sampled_from(KNOWN[part]) | st.text(min_size=1) for part in parts}),
        said=st.fixed_dictionaries({}, optional={each: tokens if each == "csrf" else st.text() for each in fields}),
    )
    def call(named: dict[str, str], said: dict[str, str]) -> None:
        address = url + path.format_map({part: quote(word, safe="", errors="replace") for part, word in named.items()})
        content: dict[str, Any] = {"params" if method == "GET" else "data": said}
        try:
            answer = signed_in.request(method, address, headers={"origin": url}, **content)
        except (httpx.InvalidURL, UnicodeEncodeError):
            return  # no HTTP client sends this
        assert answer.status_code < 500 or answer.status_code == 502

    call()


def _part(headers: bytes, value: bytes) -> bytes:
    """A multipart form of one part."""
    return b"--b\r\nContent-Disposition: form-data; name=token" + headers + b"\r\n\r\n" + value + b"\r\n--b--\r\n"


MULTIPART: Final = {
    "good": _part(b"", b"word"),
    "no-text": _part(b"", b"\xff"),
    "no-encoding": _part(b"\r\nContent-Type: text/plain; charset=bogus", b"word"),
    "name-of-bytes": _part(b"\xff", b"word"),
    "file": _part(b"; filename=a.txt", b"\xff"),
    "cut-off": _part(b"", b"word")[:40],
    "empty": b"",
}


@pytest.mark.parametrize("boundary", ["; boundary=b", "", "; boundary=" + "b" * 300, '; boundary=""'])
@pytest.mark.parametrize("body", MULTIPART.values(), ids=list(MULTIPART))
def test_a_form_that_no_page_sends_is_refused(signed_in: httpx.Client, url: str, body: bytes, boundary: str) -> None:
    headers = {"origin": url, "content-type": f"multipart/form-data{boundary}"}
    for path in ("/sign-in", "/tenants/pause", f"/deliveries/acme/{JOB}/replay"):
        assert signed_in.post(path, content=body, headers=headers).status_code == 400
    assert httpx.post(f"{url}/sign-in", content=body, headers=headers).status_code == 400


HEADERS: Final = {
    "host": ["x:99999", "x:port", "[", "[::1", "a b", "\xe9"],
    "origin": ["http://[", "http://x:99999", "http://[::1", "null", "://", "http://\xe9"],
    "sec-fetch-site": ["none", "same-origin", "cross-site"],
    "content-type": [
        "application/x-www-form-urlencoded; charset=bogus",
        "multipart/form-data; boundary",
        ";",
        "a/b;c=",
    ],
    "cookie": ["=", ";", 'ai_agents_console="\\377', "ai_agents_console=%ff"],
    "accept": ["*", "a/b;q=x", ";"],
    "hx-request": ["true"],
}
"""By header: what some reader may stumble over, beside any text."""
_SENDABLE: Final = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]))


def _sent(values: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in values.items()]


@pytest.mark.parametrize("is_known", [True, False], ids=["signed-in", "stranger"])
@pytest.mark.parametrize(
    "target",
    [
        *("GET /", "GET /deliveries?ticket=1", "GET /no-such-page", "GET /tenants/nobody", "GET /sign-in"),
        *("POST /sign-in", "POST /tenants/pause", "POST /no-such-page"),
    ],
)
def test_no_header_is_answered_with_an_error_of_ours(
    signed_in: httpx.Client, url: str, target: str, is_known: bool
) -> None:
    method, _, path = target.partition(" ")
    names = [name for name in HEADERS if name != "cookie" or not is_known]

    def call(client: httpx.Client, headers: dict[str, str]) -> None:
        answer = client.request(method, path, headers=_sent(headers))
        assert answer.status_code < 500, headers

    with httpx.Client(base_url=url, timeout=20) as stranger:
        client = signed_in if is_known else stranger
        for name in names:
            for value in HEADERS[name]:
                call(client, {name: value})

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.fixed_dictionaries({}, optional={name: st.sampled_from(HEADERS[name]) | _SENDABLE for name in names}))
        def call_any(headers: dict[str, str]) -> None:
            call(client, headers)

        call_any()


def test_an_address_of_bytes_that_are_no_text_is_no_error_of_ours(url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    for target in (b"/?a=\xff", b"/\xff", b"/deliveries?\xff=\xc3", b"/sign-in?next=\xff"):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            status = connection.makefile("rb").readline()
        assert status.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4")), (target, status)


def test_each_page_is_tried() -> None:
    doors = Doors(token=TOKEN, provider=None, url=None)
    nothing: Any = SimpleNamespace(database=None)
    console = create_console(backend=nothing, doors=doors, seals=Seals())
    found = {
        f"{method} {re.sub(':[a-z]+', '', route.path)}"
        for route in console.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    assert found - {"GET /health/live", "GET /health/ready"} == set(PAGES)
