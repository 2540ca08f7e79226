"""What a sender gets for what it sends, and what is in the ledger afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from sqlmodel import select

from app.api.app import Api
from app.api.bodies import MAX_BODY_BYTES
from app.api.webhooks import PATH
from app.core.delivery import compute_job_id, parse_webhook
from app.core.signature import decode_secret, sign_body, sign_standard
from app.core.tenant import Tenant
from app.db.reports.choices import Choice
from app.db.reports.deliveries import list_deliveries
from app.db.session import Database
from app.db.tables import Delivery
from demo.embedded import PostgresServer, ValkeyServer
from tests.builders import a_body
from tests.integration.api.conftest import Tenants

JSON = {"content-type": "application/json"}


def signed(tenant: Tenant, body: bytes, secret: str = "acme-current", **headers: str) -> dict[str, str]:
    return {
        **JSON,
        "x-tenant-id": str(tenant.id),
        "x-servicedesk-signature": sign_body(secret.encode(), body),
        **headers,
    }


@dataclass
class Caller:
    """A help desk, and what is in the ledger afterwards."""

    client: httpx.AsyncClient
    database: Database

    async def send(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return await self.client.post(PATH, content=body, headers=headers)

    async def stored(self, tenant: Tenant, ticket_id: str) -> int:
        return len(await list_deliveries(self.database, tenant.id, Choice(ticket_id=ticket_id)))


@pytest.fixture
def caller(client: httpx.AsyncClient, worker_db: Database) -> Caller:
    return Caller(client, worker_db)


def assert_problem(response: httpx.Response, status: int, *, field: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem.get("field") == field
    assert "Traceback" not in response.text
    return problem


async def test_a_signed_webhook_is_stored_before_it_is_answered(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="1001", subject="Mail", anything={"kept": [1]})
    response = await caller.send(body, signed(tenants.acme, body))
    assert response.status_code == 202
    answer = response.json()
    assert answer["status"] == "accepted"
    assert answer["message"]
    deliveries = await list_deliveries(caller.database, tenants.acme.id, Choice(ticket_id="1001"))
    assert [str(delivery.job_id) for delivery in deliveries] == [answer["job_id"]]
    assert deliveries[0].status == "pending"


@pytest.mark.parametrize(
    "name",
    [
        *("x-tenant-id", "x-servicedesk-signature", "Host", "X-Instance", "authorization"),
        *("webhook-id", "webhook-timestamp", "webhook-signature"),
    ],
)
async def test_a_header_that_is_there_twice_is_refused_whichever_comes_first(
    caller: Caller, tenants: Tenants, name: str
) -> None:
    body = a_body(ticket_id="1011")
    headers = [*signed(tenants.acme, body).items(), ("host", "api.test")]
    own = next((value for key, value in headers if key.lower() == name.lower()), "x")
    for twice in ([(name, own), (name, "other")], [(name, "other"), (name, own)], [(name, own), (name.upper(), own)]):
        rest = [(key, value) for key, value in headers if key.lower() != name.lower()]
        response = await caller.client.post("/webhook/servicedesk", content=body, headers=[*rest, *twice])
        assert (response.status_code, response.json()["field"]) == (400, name.lower())


async def test_of_two_content_types_the_first_counts(caller: Caller, tenants: Tenants) -> None:
    """Help desks add their own beside one that somebody typed. It tells a charset, no tenant and no signature."""
    body = a_body(ticket_id="1012")
    own = [(key, value) for key, value in signed(tenants.acme, body).items() if key.lower() != "content-type"]
    json, text = ("content-type", "application/json; charset=utf-8"), ("Content-Type", "text/plain")
    statuses = [
        (await caller.client.post("/webhook/servicedesk", content=body, headers=[*own, *both])).status_code
        for both in ((json, json), (json, text), (text, json))
    ]
    assert statuses == [202, 202, 415]


@pytest.mark.parametrize("fault", ["", "\t\n"])
async def test_of_a_json_key_that_is_there_twice_the_last_counts_for_every_reader(
    caller: Caller, tenants: Tenants, fault: str
) -> None:
    """Also where the body is read with its faults, by another reader."""
    last = f"101{3 + bool(fault)}"
    body = (
        f'{{"event": "ticket_created", "ticket_id": "1", "subject": "a{fault}b", "ticket_id": "{last}",'
        f' "tenant_id": "{tenants.northwind.id}", "tenant_id": "{tenants.acme.id}"}}'
    ).encode()
    headers = {key: value for key, value in signed(tenants.acme, body).items() if key != "x-tenant-id"}
    assert (await caller.send(body, headers)).status_code == 202
    assert await caller.stored(tenants.acme, last) == 1
    assert await caller.stored(tenants.acme, "1") == 0


async def test_a_redelivery_gets_the_same_answer_and_stores_nothing(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="1002")
    answers = [(await caller.send(body, signed(tenants.acme, body))).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert await caller.stored(tenants.acme, "1002") == 1


def standard(tenant: Tenant, body: bytes, *, webhook_id: str) -> dict[str, str]:
    at = int(time.time())
    secret = decode_secret("whsec_bm9ydGh3aW5kLXNlY3JldC0wMDAx")
    return {
        **JSON,
        "x-tenant-id": str(tenant.id),
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,AAAA " + sign_standard(secret, webhook_id, at, body),
    }


async def test_standard_webhooks_are_accepted_and_a_replayed_id_is_the_same_delivery(
    caller: Caller, tenants: Tenants
) -> None:
    body = a_body(event="ticket_updated", ticket_id="1006")
    jobs = set()
    for _ in range(2):
        response = await caller.send(body, standard(tenants.northwind, body, webhook_id="msg_1006"))
        assert response.status_code == 202
        jobs.add(response.json()["job_id"])
    assert len(jobs) == 1
    assert await caller.stored(tenants.northwind, "1006") == 1


@pytest.mark.parametrize(
    ("own", "standard", "status"),
    [("right", "wrong", 202), ("wrong", "right", 202), ("right", "right", 202), ("wrong", "wrong", 401)],
)
async def test_a_relays_signature_beside_ours_is_in_nobodys_way(
    caller: Caller, tenants: Tenants, own: str, standard: str, status: int
) -> None:
    secrets = {"right": "acme-current", "wrong": "a relay's own"}
    body, now = a_body(ticket_id=f"relay-{own}-{standard}"), int(time.time())
    headers = {
        **signed(tenants.acme, body, secrets[own]),
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secrets[standard].encode(), "msg_1", now, body),
    }
    answer = await caller.send(body, headers)
    assert answer.status_code == status
    if status == 202:
        # The id is the delivery's key where the signature that covers it holds, and nowhere else.
        signed_id = "msg_1" if standard == "right" else None
        assert answer.json()["job_id"] == str(compute_job_id(tenants.acme.id, parse_webhook(body), signed_id=signed_id))


@pytest.mark.parametrize("headers", [{"webhook-timestamp": "1"}, {"webhook-id": ""}, {"webhook-signature": "v1,x"}])
async def test_a_relays_headers_may_be_of_any_shape(caller: Caller, tenants: Tenants, headers: dict[str, str]) -> None:
    body = a_body()
    relayed = {"webhook-id": "m", "webhook-timestamp": "now", "webhook-signature": "v1a,c2ln", **headers}
    assert (await caller.send(body, {**signed(tenants.acme, body), **relayed})).status_code == 202


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [("utf-8-sig", "application/json"), ("utf-16", "application/json"), ("cp1252", "application/json;charset=cp1252")],
)
async def test_a_body_in_another_charset_is_signed_as_it_came_and_stored_readable(
    caller: Caller, tenants: Tenants, encoding: str, content_type: str
) -> None:
    text = f'{{"event": "ticket_created", "ticket_id": "c-{encoding}", "description": "Zürich\r\nACME\\jane", '
    body = (text + f'"tenant_id": "{tenants.acme.id}"}}').encode(encoding)
    headers = {**signed(tenants.acme, body), "content-type": content_type}
    del headers["x-tenant-id"]
    answer = await caller.send(body, headers)
    assert answer.status_code == 202, answer.text
    async with caller.database.as_tenant(tenants.acme.id) as session:
        kept = select(Delivery.body).where(Delivery.job_id == UUID(answer.json()["job_id"]))
        held = bytes((await session.execute(kept)).scalar_one())
    assert parse_webhook(held).description == "Zürich\r\nACME\\jane"


def of_instance(body: bytes, secret: str = "instance-secret", name: str = "main") -> dict[str, str]:
    return {**JSON, "x-instance": name, "x-servicedesk-signature": sign_body(secret.encode(), body)}


@pytest.mark.parametrize(
    ("account", "is_globex"),
    [
        ({"id": "602", "name": "Globex"}, True),
        (602, True),
        ("602", True),
        ({"id": "601"}, False),
        ({"name": "Globex"}, False),
        (None, False),
        ([], False),
    ],
)
async def test_an_instances_webhook_goes_to_the_account_that_it_names_or_waits_to_be_routed(
    caller: Caller, tenants: Tenants, account: Any, is_globex: bool
) -> None:
    body = a_body(ticket_id=f"i{uuid4().hex[:8]}", account=account)
    answer = await caller.send(body, of_instance(body))
    assert answer.status_code == 202, answer.text
    owner = tenants.globex.id if is_globex else tenants.instance.id
    found = await list_deliveries(caller.database, owner, Choice(ticket_id=parse_webhook(body).ticket_id))
    assert [str(each.job_id) for each in found] == [answer.json()["job_id"]]
    assert (await caller.send(body, of_instance(body))).json() == answer.json()


async def test_an_instances_webhook_is_signed_by_its_own_secret(caller: Caller, tenants: Tenants) -> None:
    body = a_body(account={"id": "602"})
    for headers in (
        of_instance(body, "acme-current"),
        of_instance(body, name="acme"),
        of_instance(body, name="globex"),
        of_instance(body, name="nowhere"),
        of_instance(body, name="../main"),
        {**of_instance(body, "acme-current"), "x-tenant-id": str(tenants.acme.id)},
    ):
        assert_problem(await caller.send(body, headers), 401)


async def test_an_account_may_be_named_as_a_tenant_with_the_instances_secret(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="named")
    assert (await caller.send(body, signed(tenants.globex, body, "instance-secret"))).status_code == 202
    assert_problem(await caller.send(body, signed(tenants.acme, body, "instance-secret")), 401)


async def test_an_instances_token_names_it(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="by-token")
    headers = {**JSON, "authorization": "Bearer instance-token-0001"}
    assert (await caller.send(body, headers)).status_code == 202
    assert await caller.stored(tenants.by_token.as_tenant(), "by-token") == 1
    for wrong in ("Bearer instance-secret", "Bearer bluebird-token-0001", "Bearer ", "Basic instance-token-0001"):
        assert_problem(await caller.send(body, {**JSON, "authorization": wrong}), 401)


WORDS = {
    "subject": "Words of Initech",
    "description": "Words of Initech",
    "requester": "words@initech.example",
    "priority": "Words of Initech",
    "updated_by": "words@initech.example",
    "created_at": "Words of Initech",
    "updated_at": "Words of Initech",
    "udf_field": {"Words of Initech": "Words of Initech"},
}


@pytest.mark.parametrize("account", [{"id": "602", "name": "Words of Initech"}, {"name": "Words of Initech"}])
@pytest.mark.parametrize("is_named_by_tenant", [False, True])
async def test_of_a_shared_help_desks_webhook_no_word_is_stored(
    caller: Caller, tenants: Tenants, account: Any, is_named_by_tenant: bool
) -> None:
    body = a_body(ticket_id=f"w{uuid4().hex[:8]}", event="ticket_updated", account=account, **WORDS)
    by_tenant = signed(tenants.globex, body, "instance-secret")
    answer = await caller.send(body, by_tenant if is_named_by_tenant else of_instance(body))
    assert answer.status_code == 202, answer.text
    for owner in (tenants.globex.id, tenants.instance.id):
        async with caller.database.as_tenant(owner) as session:
            kept = select(Delivery.body).where(Delivery.ticket_id == parse_webhook(body).ticket_id)
            for held in (await session.execute(kept)).scalars():
                assert json.loads(held) == {"event": "ticket_updated", "ticket_id": parse_webhook(body).ticket_id}


async def test_what_our_technician_did_at_a_shared_help_desk_is_known_as_such(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="own-event", updated_by=f" {tenants.instance.technician.upper()}", account="602")
    assert (await caller.send(body, of_instance(body))).status_code == 202
    async with caller.database.as_tenant(tenants.globex.id) as session:
        held = (await session.execute(select(Delivery.body).where(Delivery.ticket_id == "own-event"))).scalar_one()
    assert parse_webhook(bytes(held)).updated_by == tenants.instance.technician


async def test_an_instance_decides_whatever_tenant_the_call_names_beside_it(caller: Caller, tenants: Tenants) -> None:
    for number, named in enumerate((tenants.acme.id, tenants.globex.id)):
        body = a_body(ticket_id=f"both-{number}", tenant_id=str(named), account="604")
        answer = await caller.send(body, {**of_instance(body), "x-tenant-id": str(named)})
        assert answer.status_code == 202
        assert await caller.stored(tenants.instance.as_tenant(), f"both-{number}") == 1
    body = a_body(ticket_id="both-2")
    sibling = {**signed(tenants.globex, body, "dormant-secret")}
    assert_problem(await caller.send(body, sibling), 401)
    assert_problem(await caller.send(body, {**of_instance(body, "dormant-secret")}), 401)


@pytest.mark.parametrize("token", ["instance-token-0002", "instance-token-0003"])
async def test_a_token_of_two_instances_names_neither(caller: Caller, tenants: Tenants, token: str) -> None:
    body = a_body(ticket_id=f"by-{token}")
    answer = await caller.send(body, {**JSON, "authorization": f"Bearer {token}"})
    assert answer.status_code == (401 if token == "instance-token-0002" else 202)
    named = {**JSON, "authorization": f"Bearer {token}", "x-instance": "twin-one"}
    assert (await caller.send(body, named)).status_code == 202


async def test_a_token_is_an_equal_citizen(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="1007")
    headers = {**JSON, "x-tenant-id": str(tenants.bluebird.id)}
    accepted = await caller.send(body, {**headers, "authorization": "Bearer bluebird-token-0001"})
    assert accepted.status_code == 202
    for wrong in ("Bearer bluebird-token-0002", "Basic bluebird-token-0001", "", "Bearer "):
        assert_problem(await caller.send(body, {**headers, "authorization": wrong}), 401)


async def test_every_refusal_reads_the_same(caller: Caller, tenants: Tenants) -> None:
    body = a_body()
    other = a_body(subject="altered")
    cases: dict[str, Any] = {
        "unknown tenant": {**signed(tenants.acme, body), "x-tenant-id": str(uuid4())},
        "not a uuid": {**signed(tenants.acme, body), "x-tenant-id": "acme"},
        "no tenant": {k: v for k, v in signed(tenants.acme, body).items() if k != "x-tenant-id"},
        "another tenant's secret": {**signed(tenants.northwind, body, "acme-current")},
        "another body": signed(tenants.acme, other),
        "no signature": {**JSON, "x-tenant-id": str(tenants.acme.id)},
        "letters that are not ASCII": signed(tenants.acme, body)
        | {"x-servicedesk-signature": ("sha256=" + "é" * 64).encode("latin-1")},
        "token where a signature is due": {
            **JSON,
            "x-tenant-id": str(tenants.acme.id),
            "authorization": "Bearer acme-current",
        },
    }
    answers = {name: assert_problem(await caller.send(body, headers), 401) for name, headers in cases.items()}
    assert len({json.dumps(answer) for answer in answers.values()}) == 1


async def test_a_suspended_tenant_is_told_so_once_it_is_authenticated(caller: Caller, tenants: Tenants) -> None:
    body = a_body()
    assert_problem(await caller.send(body, signed(tenants.suspended, body, "suspended-secret")), 403)
    assert_problem(await caller.send(body, signed(tenants.suspended, body, "wrong")), 401)


@pytest.mark.parametrize(("body", "field"), [(b"not json", "body"), (b'{"event": "ticket_created"}', "ticket_id")])
async def test_a_body_that_cannot_be_used_names_its_field(
    caller: Caller, tenants: Tenants, body: bytes, field: str
) -> None:
    assert_problem(await caller.send(body, signed(tenants.acme, body)), 400, field=field)


async def test_an_unauthenticated_caller_learns_nothing_about_its_body(caller: Caller, tenants: Tenants) -> None:
    good, bad = a_body(), b"not json"
    headers = {**JSON, "x-tenant-id": str(tenants.acme.id), "x-servicedesk-signature": "sha256=" + "0" * 64}
    assert (await caller.send(good, headers)).content == (await caller.send(bad, headers)).content


async def test_header_and_body_must_name_the_same_tenant(caller: Caller, tenants: Tenants) -> None:
    body = a_body(tenant_id=str(tenants.northwind.id))
    assert_problem(await caller.send(body, signed(tenants.acme, body)), 400, field="tenant_id")


async def test_a_body_of_257_kib_is_too_large_and_one_of_256_is_not(caller: Caller, tenants: Tenants) -> None:
    padding = MAX_BODY_BYTES - len(a_body(ticket_id="1008", pad=""))
    fits, large = a_body(ticket_id="1008", pad="x" * padding), a_body(ticket_id="1008", pad="x" * (padding + 1024))
    assert len(fits) == MAX_BODY_BYTES
    assert (await caller.send(fits, signed(tenants.acme, fits))).status_code == 202
    assert_problem(await caller.send(large, signed(tenants.acme, large)), 413)


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded"])
async def test_another_content_type_is_refused(caller: Caller, tenants: Tenants, content_type: str) -> None:
    body = a_body()
    assert_problem(await caller.send(body, {**signed(tenants.acme, body), "content-type": content_type}), 415)


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("identity", 202), ("", 202)])
async def test_a_compressed_body_is_refused_as_one(
    caller: Caller, tenants: Tenants, encoding: str, status: int
) -> None:
    body = a_body(ticket_id="1012")
    response = await caller.send(body, {**signed(tenants.acme, body), "content-encoding": encoding})
    assert response.status_code == status
    assert status == 202 or "Content-Encoding" in assert_problem(response, status)["detail"]


async def test_text_with_nul_is_stored_as_it_came(caller: Caller, tenants: Tenants) -> None:
    body = a_body(ticket_id="1010", description="a\x00b")
    assert (await caller.send(body, signed(tenants.acme, body))).status_code == 202
    assert await caller.stored(tenants.acme, "1010") == 1


@pytest.mark.parametrize("path", ["/", "/webhook", "/webhook/other", "/admin"])
async def test_another_path_is_a_problem_too(caller: Caller, path: str) -> None:
    assert_problem(await caller.client.get(path), 404)


async def test_another_method_is_a_problem_too(caller: Caller) -> None:
    assert_problem(await caller.client.get(PATH), 405)


async def test_every_answer_has_the_security_headers(caller: Caller) -> None:
    for path in ("/health", "/nothing", "/metrics", "/schema", PATH):
        headers = (await caller.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["strict-transport-security"].startswith("max-age="), path
        assert "default-src 'none'" in headers["content-security-policy"], path


async def test_the_schema_documents_the_webhook_with_examples(caller: Caller) -> None:
    schema = (await caller.client.get("/schema")).json()
    assert schema["openapi"].startswith("3.1")
    post = schema["paths"][PATH]["post"]
    assert set(post["responses"]) >= {"202", "400", "401", "403", "413", "415", "503"}
    assert "requestBody" in post
    example = json.dumps(post["requestBody"])
    assert "ticket_created" in example
    headers = {parameter["name"].lower() for parameter in post.get("parameters", [])}
    assert {"x-tenant-id", "x-servicedesk-signature", "webhook-signature", "authorization"} <= headers


async def test_the_schemas_examples_of_problems_are_what_is_answered(caller: Caller, tenants: Tenants) -> None:
    responses = (await caller.client.get("/schema")).json()["paths"][PATH]["post"]["responses"]
    body, bare, large = a_body(), b'{"event": "ticket_created"}', a_body(description="x" * 300_000)
    answers = [
        await caller.send(bare, signed(tenants.acme, bare)),
        await caller.send(body, signed(tenants.acme, body, "wrong")),
        await caller.send(body, signed(tenants.suspended, body, "suspended-secret")),
        await caller.send(large, signed(tenants.acme, large)),
        await caller.send(body, signed(tenants.acme, body) | {"content-type": "text/plain"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 401, 403, 413, 415]
    for answer in answers:
        [example] = responses[str(answer.status_code)]["content"]["application/problem+json"]["examples"].values()
        assert example["value"] == answer.json()


async def test_a_tenant_file_that_changes_is_read_again(caller: Caller, api: Api, tenants: Tenants) -> None:
    secret = tenants.folder / "secrets" / "rotating" / "webhook_secret"
    body = a_body(ticket_id="1011")
    assert_problem(await caller.send(body, signed(tenants.rotating, body, "second")), 401)
    secret.write_text("second")
    for _ in range(50):
        response = await caller.send(body, signed(tenants.rotating, body, "second"))
        if response.status_code == 202:
            break
        await asyncio.sleep(0.1)
    assert response.status_code == 202


async def test_without_redis_a_webhook_is_still_accepted(
    caller: Caller, tenants: Tenants, valkey: ValkeyServer
) -> None:
    await valkey.stop()
    try:
        body = a_body(ticket_id="1012")
        assert (await caller.send(body, signed(tenants.acme, body))).status_code == 202
        assert await caller.stored(tenants.acme, "1012") == 1
        health = await caller.client.get("/health")
        assert health.status_code == 200
        assert health.json() | {"version": "", "schema": ""} == {
            "status": "degraded",
            "database": "connected",
            "redis": "disconnected",
            "dependencies": {"database": "healthy", "redis": "unhealthy"},
            "version": "",
            "schema": "",
        }
    finally:
        await valkey.start()


async def test_without_postgresql_the_sender_is_asked_to_come_back_and_nothing_is_promised(
    caller: Caller, tenants: Tenants, postgres: PostgresServer
) -> None:
    body = a_body(ticket_id="1013")
    await postgres.stop()
    try:
        with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
            response = await caller.send(body, signed(tenants.acme, body))
        assert_problem(response, 503)
        [line] = [line for line in logs if line["event"] == "delivery_not_stored"]
        job_id = compute_job_id(tenants.acme.id, parse_webhook(body), signed_id=None)
        assert (line["tenant"], line["ticket_id"], line["job_id"]) == ("acme", "1013", str(job_id))
        assert int(response.headers["retry-after"]) > 0
        health = await caller.client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
        assert health.json()["dependencies"] == {"database": "unhealthy", "redis": "healthy"}
        assert (await caller.client.get("/health/live")).status_code == 200
        assert (await caller.client.get("/health/ready")).status_code == 200
    finally:
        await postgres.start()
    assert (await caller.send(body, signed(tenants.acme, body))).status_code == 202
    assert await caller.stored(tenants.acme, "1013") == 1


async def test_health_reports_the_schema(caller: Caller) -> None:
    health = (await caller.client.get("/health")).json()
    assert health["status"] == "healthy"
    assert health["dependencies"] == {"database": "healthy", "redis": "healthy"}
    assert health["schema"].startswith("20")
    assert health["version"]


async def test_metrics_count_by_tenant_and_outcome(caller: Caller) -> None:
    metrics = (await caller.client.get("/metrics")).text
    assert 'webhook_deliveries_total{outcome="accepted",tenant="acme"}' in metrics
    assert 'webhook_deliveries_total{outcome="unauthenticated",tenant=""}' in metrics
    assert 'http_requests_total{method="POST",route="/webhook/servicedesk",status="202"}' in metrics
    assert '"1001"' not in metrics
