"""The API answers whatever `/schema` allows, and what it does not, as `/schema` says: schemathesis makes the calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from app.core.signature import sign_body
from demo.embedded import DatabaseUrls, ValkeyServer
from tests.fuzz.properties import EXAMPLES
from tests.integration.api.conftest import Tenants
from tests.integration.processes import open_api_process

OPERATIONS = ["POST /webhook/servicedesk", "GET /health", "GET /health/live", "GET /health/ready", "GET /api/v1/ready"]


@pytest.fixture(scope="module")
async def url(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Tenants, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    log = tmp_path_factory.mktemp("schema") / "api.log"
    async with open_api_process(urls, valkey, tenants.folder, log) as api:
        await api.ready()
        yield api.url


@pytest.fixture(scope="module")
def schema(url: str) -> Any:
    return schemathesis.openapi.from_dict(httpx.get(f"{url}/schema").json())


def test_the_schema_has_the_operations_that_are_tried(schema: Any) -> None:
    found = {f"{each.ok().method.upper()} {each.ok().path}" for each in schema.get_all_operations()}
    assert found == set(OPERATIONS)


# What takes no parameter can't be called wrongly.
CALLS = [(OPERATIONS[0], GenerationMode.NEGATIVE), *((name, GenerationMode.POSITIVE) for name in OPERATIONS)]


@pytest.mark.parametrize(("name", "mode"), CALLS, ids=[f"{name}-{mode.value}" for name, mode in CALLS])
def test_each_call_is_answered_as_the_schema_says(
    schema: Any, url: str, tenants: Tenants, name: str, mode: GenerationMode
) -> None:
    method, _, path = name.partition(" ")
    operation = schema[path][method]
    tried = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_signed=st.booleans())
    def call(case: Any, is_signed: bool) -> None:
        nonlocal tried
        tried += 1
        request = case.as_transport_kwargs(base_url=url)
        headers = {key: str(value).encode("latin-1", "replace") for key, value in request["headers"].items()}
        body = json.dumps(request["json"]).encode() if "json" in request else request.get("data") or b""
        body = body if isinstance(body, bytes) else str(body).encode()
        if is_signed:
            headers["X-Tenant-ID"] = str(tenants.acme.id).encode()
            headers["X-ServiceDesk-Signature"] = sign_body(b"acme-current", body).encode()
            headers = {key: value for key, value in headers.items() if not key.lower().startswith("webhook-")}
        if body:
            headers.setdefault("Content-Type", b"application/json")
        try:
            answer = client.request(request["method"], request["url"], headers=headers, content=body)
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
            return  # no HTTP client sends this
        assert answer.status_code < 500, (request, answer.text)
        assert "Traceback" not in answer.text
        documented = set(operation.definition.raw["responses"]) | {"404", "405"}
        assert str(answer.status_code) in documented, (answer.status_code, answer.text)
        assert answer.headers["content-type"].split(";")[0] in {"application/json", "application/problem+json"}
        if answer.status_code == 202:
            assert is_signed

    with httpx.Client(base_url=url) as client:
        call()
    assert tried >= 1
