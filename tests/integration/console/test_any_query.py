"""Whatever stands in an address or a form, signed in or not, no page answers with an error of ours (500).

The console has no schema of its own for programs, so what schemathesis is told of it is written here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

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


def _schema() -> dict[str, Any]:
    """The pages as OpenAPI: every field is any text."""
    paths: dict[str, dict[str, Any]] = {}
    for name, fields in PAGES.items():
        method, _, path = name.partition(" ")
        text = {"type": "string"}
        parameters = [
            {"name": found, "in": "path", "required": True, "schema": {**text, "minLength": 1}}
            for found in re.findall(r"{(\w+)}", path)
        ]
        operation: dict[str, Any] = {"parameters": parameters, "responses": {"default": {"description": "any"}}}
        if method == "GET":
            parameters += [{"name": field, "in": "query", "schema": text} for field in fields]
        else:
            form = {"type": "object", "properties": dict.fromkeys(fields, text)}
            operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
        paths.setdefault(path, {})[method.lower()] = operation
    return {"openapi": "3.1.0", "info": {"title": "console", "version": "1"}, "paths": paths}


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


SCHEMA: Final = schemathesis.openapi.from_dict(_schema())


@pytest.mark.parametrize("name", PAGES)
def test_no_page_answers_with_an_error_of_ours(signed_in: httpx.Client, url: str, name: str) -> None:
    method, _, path = name.partition(" ")
    page = signed_in.get("/").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        case=SCHEMA[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE),
        is_ours=st.booleans(),
        known=st.sampled_from(["", "acme", "replay", "dismiss", "pause", "resume"]),
    )
    def call(case: Any, is_ours: bool, known: str) -> None:
        if known and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, known)
            if "job_id" in case.path_parameters:
                case.path_parameters = {**case.path_parameters, "slug": "acme", "job_id": str(JOB)}
        if is_ours and isinstance(case.body, dict) and "csrf" in PAGES[name] and path != "/sign-out":
            case.body = {**case.body, "csrf": csrf[1]}
        request = case.as_transport_kwargs(base_url=url)
        content = {key: request[key] for key in ("data", "params") if request.get(key)}
        try:
            answer = signed_in.request(request["method"], request["url"], headers={"origin": url}, **content)
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
            return  # no HTTP client sends this
        assert answer.status_code < 500 or answer.status_code == 502

    call()


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
