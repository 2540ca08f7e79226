"""A marker in each kind of each tenant's data, real processes, errors of every family; then all that was emitted is read.

Three tenants work at once through one API and two workers. What is searched: the model's prompts, the notes, the logs
(debug), the spans, the metrics, the API's answers, all that went to Redis, every row of the database, what the database
shows of running statements, what each help desk and each Prometheus was asked, and the process list.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import secrets
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_DNS, uuid5

import asyncpg
import httpx
import pytest
from aiohttp import web
from redis.asyncio import Redis
from redis.asyncio.client import Monitor

from app.core.help_desk import Edition
from app.core.signature import sign_body
from app.core.tenant import Auth, Instance
from app.sender import PATH, Sender
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from tests.builders import a_tenant, an_account, an_instance, write_instance, write_tenant
from tests.integration.collector import Collector, open_collector
from tests.integration.forked import ForkedProcess
from tests.integration.processes import common_variables, open_api_process, open_worker_process
from tests.integration.worker.conftest import eventually
from tests.loopback import served

KINDS = (
    *("subject", "description", "requester", "history", "resolution", "article", "asset", "location", "alert"),
    *("body", "tenant name", "technician", "update", "house rule"),
)
LONGEST_S = 90.0
SEEN = {
    "prompt": ("house rule", "subject", "description", "resolution", "article", "asset", "alert"),
    "note": ("resolution",),
    "table delivery": ("body",),
    "table ticket": ("subject", "history", "requester"),
    "table asset": ("asset", "location"),
    "monitoring query": ("asset",),
}
"""Where a tenant's own words must have been found, or the search would prove nothing."""


def a_marker() -> str:
    """A word of letters alone: whatever masks keys, numbers or addresses leaves it be."""
    return "q" + "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(6))


@dataclass
class Emission:
    """Something that left a process, and whose it is."""

    place: str
    text: str
    tenant: str | None = None
    """Its slug; None: nobody's, so that no tenant's words belong there."""


@dataclass
class Subject:
    """A tenant with a marker in each kind of its data."""

    slug: str
    portal: Portal
    known: KnownTenant
    words: dict[str, str]
    secrets: dict[str, str]
    prometheus: list[str]
    """What its Prometheus was asked."""

    @property
    def account(self) -> str:
        """Its account of the shared help desk; empty: it has one of its own."""
        return ACCOUNTS.get(self.slug, "")

    @property
    def host(self) -> str:
        return f"srv-{self.words['asset']}01"

    def fill(self) -> None:
        """Its help desk's history, knowledge and inventory, which `sync` fetches."""
        words = self.words
        self.portal.add_ticket(
            subject=f"Outlook shows no new mail {words['history']}",
            description=f"Outlook does not receive mail since this morning. {words['history']}",
            requester={"name": words["requester"], "email": f"{words['requester']}@example.com"},
            status="Resolved",
            created="2026-01-01T00:00:00Z",
            resolved="2026-01-02T00:00:00Z",
            resolution=f"Turned on cached mode and repaired the Outlook profile of {words['resolution']}.",
            account=self.account,
        )
        self.portal.add_article(
            title=f"Outlook receives no mail: what to check {words['article']}",
            text=f"Check that Outlook is not in offline mode. Then repair the profile {words['article']}.",
            accounts=[self.account],
        )
        # So that the words above are rare enough to be found by.
        for number, thing in enumerate(("printer", "scanner", "keyboard")):
            self.portal.add_ticket(
                subject=f"A {thing} jams",
                description=f"Paper jams in the {thing}.",
                status="Resolved",
                resolved=f"2026-01-0{number + 3}T00:00:00Z",
                resolution=f"Replaced the roller of the {thing}.",
                account=self.account,
            )
            self.portal.add_article(
                title=f"A {thing} jams: what to check",
                text=f"Open the {thing} and look for paper.",
                accounts=[self.account],
            )
        self.portal.add_asset(
            name=self.host.upper(),
            hostname=self.host,
            ip="10.1.2.3",
            role="mail server",
            location=words["location"],
            account=self.account,
        )

    def ticket(self) -> str:
        """A new ticket; its id."""
        words = self.words
        return self.portal.add_ticket(
            subject=f"Outlook receives no mail {words['subject']}",
            description=f"Outlook on {self.host} shows no mail since noon. {words['description']}",
            requester={"name": words["requester"], "email": f"{words['requester']}@example.com"},
            account=self.account,
        ).id


@dataclass
class Scene:
    """Everything that runs, and all that was heard of it."""

    urls: DatabaseUrls
    valkey: ValkeyServer
    folder: Path
    tenants: list[Subject]
    model: ModelSimulator
    collector: Collector
    superuser: asyncpg.Connection
    database_states: list[str] = field(default_factory=list)
    emissions: list[Emission] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    def hear(self, place: str, text: str, tenant: str | None = None) -> None:
        # PostgreSQL tells bytes in hex, and cuts them where it likes.
        told = [bytes.fromhex(part[: len(part) // 2 * 2]) for part in re.findall(r"\\x([0-9a-f]+)", text)]
        self.emissions.append(
            Emission(place, " ".join([text, *(part.decode(errors="replace") for part in told)]), tenant)
        )

    def variables(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "LOG_LEVEL": "debug",
        }

    async def make_due(self) -> None:
        await self.superuser.execute("update due set due_at = now() where not is_leased and due_at > now()")


ACCOUNTS = {"acme": "601", "northwind": "602"}
"""Who shares a help desk with whom."""


def share_help_desk(help_desk: HelpDeskSimulator, folder: Path) -> tuple[Instance, Portal]:
    """The shared help desk, made at the first call."""
    portal = help_desk.portals.get("shared")
    if portal is None:
        key = f"shared-{secrets.token_hex(12)}"
        portal = Portal(slug="shared", edition=Edition.MSP_ON_PREMISES, accounts={"601": "A", "602": "N"}, api_key=key)
        help_desk.add_portal(portal)
    instance = an_instance("shared", id=uuid5(NAMESPACE_DNS, "shared"), url=portal.url)
    write_instance(folder, instance, api_key=portal.api_key)
    return instance, portal


def a_subject(help_desk: HelpDeskSimulator, folder: Path, slug: str, *, prometheus: str, asked: list[str]) -> Subject:
    words = {kind: a_marker() for kind in KINDS}
    hidden = {name: f"{slug}-{secrets.token_hex(12)}" for name in ("webhook_secret", "webhook_secret_previous")}
    tenant_options: dict[str, Any] = {
        "webhook": {"auth": Auth.TOKEN if slug == "northwind" else Auth.HMAC},
        "monitoring": {"prometheus_url": f"{prometheus}/{slug}"},
        "note": {"instructions": f"Never restart {words['house rule']}."},
        "name": words["tenant name"],
    }
    if slug in ACCOUNTS:
        instance, portal = share_help_desk(help_desk, folder)
        tenant = an_account(instance, slug, {"id": ACCOUNTS[slug]}, **tenant_options)
    else:
        own = ("oauth_client_id", "oauth_client_secret", "oauth_refresh_token")
        hidden |= {name: f"{slug}-{secrets.token_hex(12)}" for name in own}
        access: dict[str, Any] = {name.removeprefix("oauth_"): hidden[name] for name in own}
        portal = help_desk.add_portal(Portal(slug=slug, edition=Edition.CLOUD, **access))
        help_desk_options = {
            "edition": portal.edition.value,
            "url": portal.url,
            "accounts_url": portal.accounts_url,
            "technician": f"{words['technician']}@example.com",
        }
        tenant = a_tenant(slug, servicedesk=help_desk_options, **tenant_options)
    write_tenant(folder, tenant, **hidden)
    if slug in ACCOUNTS:
        hidden["api_key"] = portal.api_key
    known = KnownTenant(tenant, TenantSecrets(webhook=(hidden["webhook_secret"].encode(),)))
    return Subject(slug, portal, known, words, hidden, asked)


@asynccontextmanager
async def open_prometheus_of_all(asked: dict[str, list[str]], alerts: dict[str, tuple[str, str]]) -> AsyncIterator[str]:
    """One Prometheus for each slug, which says of its host what `alerts` holds."""

    async def query(request: web.Request) -> web.Response:
        slug = request.match_info["slug"]
        asked[slug].append(str(request.headers) + (await request.text()))
        host, alert = alerts[slug]
        labels = {"alertname": alert, "instance": f"{host}:9100", "severity": "critical", "reading": "alert"}
        answer = {
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": labels, "value": [0, "1"]}]},
        }
        return web.json_response(answer)

    async with served(web.post("/{slug}/api/v1/query", query)) as url:
        yield url


@pytest.fixture
async def scene(urls: DatabaseUrls, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Scene]:
    slugs = ("acme", "bluebird", "northwind")
    asked: dict[str, list[str]] = {slug: [] for slug in slugs}
    alerts: dict[str, tuple[str, str]] = {}
    help_desk, model = HelpDeskSimulator(), ModelSimulator()
    model.requests = deque()  # all of them
    async with AsyncExitStack() as stack:
        for server in (help_desk, model):
            await server.start()
            stack.push_async_callback(server.stop)
        prometheus = await stack.enter_async_context(open_prometheus_of_all(asked, alerts))
        tenants = [a_subject(help_desk, tmp_path, slug, prometheus=prometheus, asked=asked[slug]) for slug in slugs]
        for tenant in tenants:
            tenant.fill()
            alerts[tenant.slug] = (tenant.host, tenant.words["alert"])
        superuser = await asyncpg.connect(urls.superuser)
        stack.push_async_callback(superuser.close)
        collector = await stack.enter_async_context(open_collector())
        scene = Scene(urls, valkey, tmp_path, tenants, model, collector, superuser)
        # Connected before anything is done: a process that starts may hold the event loop for seconds.
        redis = await stack.enter_async_context(Redis.from_url(valkey.url, socket_timeout=None))
        monitor = await stack.enter_async_context(redis.monitor())
        stack.enter_context(suppress(asyncio.CancelledError))
        for listener in (listen_to_redis(scene, monitor), watch_statements(scene)):
            task = asyncio.create_task(listener)
            stack.callback(task.cancel)
        yield scene


async def listen_to_redis(scene: Scene, monitor: Monitor) -> None:
    """Every command that Redis gets."""
    async for command in monitor.listen():
        scene.hear("Redis", str(command))


async def watch_statements(scene: Scene) -> None:
    """What `pg_stat_activity` shows to who may see all of it."""
    connection = await asyncpg.connect(scene.urls.superuser)
    with suppress(asyncio.CancelledError):
        while True:
            rows = await connection.fetch("select distinct query from pg_stat_activity where usename like 'ai_agents%'")
            scene.database_states += [row["query"] for row in rows]
            await asyncio.sleep(0.02)
    await connection.close()


# What is done -------------------------------------------------------------------------------------------------------


async def sync(scene: Scene) -> None:
    """The command, as its CronJob runs it."""
    log = scene.folder / "sync.log"
    told = common_variables(scene.valkey, scene.folder) | scene.variables() | {"DATABASE_URL": scene.urls.worker}
    await ForkedProcess("app", "sync", variables=told, log=log).finish()


async def send_what_is_refused(scene: Scene, client: httpx.AsyncClient) -> None:
    """Forged, malformed, mixed up: each with the tenant's words in it."""
    for tenant, other in zip(scene.tenants, [*scene.tenants[1:], scene.tenants[0]], strict=True):
        tenant_id, key = str(tenant.known.tenant.id), tenant.secrets["webhook_secret"]
        words = json.dumps({"event": "ticket_created", "ticket_id": "1", **tenant.words}).encode()
        mixed = json.dumps(
            {"event": "ticket_created", "ticket_id": "1", "tenant_id": str(other.known.tenant.id)}
        ).encode()
        json_type = {"content-type": "application/json", "x-tenant-id": tenant_id}
        broken = {
            b"{" + words: 400,
            json.dumps({"event": tenant.words["body"], "ticket_id": "1"}).encode(): 400,
            json.dumps({"event": "ticket_created", "ticket_id": {tenant.words["body"]: 1}}).encode(): 400,
            mixed: 400,
        }
        calls = [
            (words, json_type | {"x-servicedesk-signature": sign_body(b"guessed", words)}, 401),
            (words, json_type | {"authorization": f"Bearer {other.secrets['webhook_secret']}"}, 401),
            (words, json_type | {"x-tenant-id": tenant.words["body"], "authorization": f"Bearer {key}"}, 401),
            (words, json_type | {"content-type": "text/plain"}, 415),
            (words + b" " * 300_000, json_type, 413),
            *(
                (
                    body,
                    json_type
                    | {"x-servicedesk-signature": sign_body(key.encode(), body), "authorization": f"Bearer {key}"},
                    status,
                )
                for body, status in broken.items()
            ),
        ]
        for body, headers, status in calls:
            # A body that nobody read ends its connection.
            answer = await client.post(PATH, content=body, headers={**headers, "connection": "close"})
            assert answer.status_code == status, (answer.text, body[:100])
            scene.hear("answer", str(answer.headers) + answer.text)
        for path in (f"/webhook/{tenant.words['body']}", f"/health?{tenant.words['body']}={key}"):
            answer = await client.get(path)
            scene.hear("answer", str(answer.headers) + answer.text)


def spoil_tenant_files(scene: Scene) -> None:
    """A known tenant's file goes wrong, and a new one comes that is wrong, its words and secrets where they hurt."""
    northwind = scene.tenants[2]
    path = scene.folder / "files" / "northwind.yaml"
    path.write_text(path.read_text().replace("status: active", f"status: {northwind.words['update']}"))
    for slug, text in {
        "broken-yaml": f"id: [{northwind.words['update']}\n  {northwind.secrets['api_key']}: - {{",
        "broken-url": f"slug: broken-url\nid: {northwind.secrets['api_key']}\nservicedesk: {northwind.words['update']}",
    }.items():
        (scene.folder / "files" / f"{slug}.yaml").write_text(text)
    secret = scene.folder / "secrets" / "acme" / "webhook_secret_previous"
    secret.write_text(f"whsec_{scene.tenants[0].secrets['webhook_secret_previous']}!")


def break_help_desks_and_model(scene: Scene) -> None:
    """Failures of each family, told in the tenant's words."""
    acme, bluebird, northwind = scene.tenants

    def fault(tenant: Subject, match: str, kind: str, **values: object) -> None:
        told = {
            "status_code": 4001,
            "status": "failed",
            "messages": [{"message": str(tenant.words), "status_code": 4001}],
        }
        page = f"<html>{tenant.words}</html>"  # a proxy's, where JSON was expected
        body = page if kind == "garbage" else json.dumps({"response_status": [told], **tenant.words})
        tenant.portal.faults.add(Fault.model_validate({"match": match, "kind": kind, "body": body, **values}))

    fault(acme, "POST notes", "status", status=500)
    fault(bluebird, "GET requests", "status", status=503)
    fault(northwind, "GET requests", "garbage")
    fault(acme, "POST notes", "cut_after")
    for kind in ("server_error", "schema_violation", "unknown_citation", "not_json", "obey", "garbage"):
        scene.model.behave(kind)


async def is_settled(scene: Scene) -> bool:
    await scene.make_due()
    return bool(await scene.superuser.fetchval("select count(*) = 0 from due"))


@asynccontextmanager
async def a_bug(scene: Scene, table: str, condition: str) -> AsyncIterator[None]:
    """Rows that PostgreSQL refuses, quoting all of each: an error that nobody foresaw."""
    await scene.superuser.execute(f"alter table {table} add constraint bug check ({condition}) not valid")
    yield
    await scene.superuser.execute(f"alter table {table} drop constraint bug")


async def read_all(scene: Scene, client: httpx.AsyncClient, logs: list[Path]) -> None:
    """Everything that is not heard while it happens."""
    for process in scene.processes:
        scene.hear("process list", read_command_line(process))
        with suppress(httpx.TransportError):  # one was killed
            scene.hear("metrics", (await client.get(f"{process.url}/metrics")).text)
    for log in logs:
        for line in log.read_text().splitlines():
            scene.hear(f"log {log.name}", line)
    for query in scene.database_states:
        scene.hear("statement", query)
    await asyncio.sleep(0.3)  # the exporters' delay
    for request in scene.collector.requests:
        scene.hear("spans", str(request))
    for prompt in scene.model.requests:
        text = prompt.model_dump_json()
        whose = [tenant.slug for tenant in scene.tenants if tenant.words["subject"] in text]
        assert len(whose) == 1, "a prompt is about one tenant's ticket"
        scene.hear("prompt", text, whose[0])
    for tenant in scene.tenants:
        read_help_desk(scene, tenant)
    await read_database(scene)


def read_command_line(process: Process) -> str:
    path = Path(f"/proc/{process.pid}/cmdline")
    return path.read_text() if path.exists() else ""


def read_help_desk(scene: Scene, tenant: Subject) -> None:
    own = [ticket for ticket in tenant.portal.tickets.values() if ticket.account == tenant.account]
    for ticket in own:
        for note in ticket.notes:
            scene.hear("note", note.html, tenant.slug)
    for asked in tenant.prometheus:
        scene.hear("monitoring query", asked, tenant.slug)


async def read_database(scene: Scene) -> None:
    slugs = {str(tenant.known.tenant.id): tenant.slug for tenant in scene.tenants}
    tables = await scene.superuser.fetch(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
        " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    for table in (row["relname"] for row in tables):
        for row in await scene.superuser.fetch(f"select tenant_id::text as id, t::text as words from {table} t"):
            hidden = [
                bytes.fromhex(part).decode("utf-8", "replace") for part in re.findall(r"\\x([0-9a-f]+)", row["words"])
            ]
            scene.hear(
                f"table {table}", row["words"] + " ".join(hidden), slugs.get(row["id"])
            )  # an instance's are nobody's


# What is found ------------------------------------------------------------------------------------------------------


def forms(secret: str) -> set[str]:
    """As it is, and as it might be told: in hex, and in base64 behind anything, as in "user:secret"."""
    raw = secret.encode()
    # Of three bytes of base64 the first and the last letters hold bits of what stands before and behind.
    inner = {base64.b64encode(bytes(before) + raw)[first:-4].decode() for before, first in ((0, 0), (1, 2), (2, 3))}
    return {secret, raw.hex(), *inner}


def of_the_installation(scene: Scene) -> dict[str, str]:
    """Passwords of ours, and the access tokens that a tenant's secrets were exchanged for."""
    tokens = {f"access token {n}": token for n, token in enumerate(scene.tenants[1].portal.tokens._live)}
    passwords = {f"{url[:20]} password": urlsplit(url).password for url in (scene.urls.worker, scene.urls.intake)}
    passwords["Redis password"] = urlsplit(scene.valkey.url).password
    return tokens | {name: value for name, value in passwords.items() if value}


def test_the_forms_of_a_secret_are_all_found() -> None:
    encoded = [
        base64.b64encode(before + b"hunter2hunter2" + b"; more").decode() for before in (b"", b"u", b"u:", b"us:")
    ]
    for told in ("x hunter2hunter2 y", b"hunter2hunter2".hex(), *encoded):
        assert any(form in told for form in forms("hunter2hunter2")), told


async def test_no_tenants_words_reach_another_and_no_secret_reaches_anything(scene: Scene) -> None:
    api_log, logs = scene.folder / "api.log", [scene.folder / f"worker-{n}.log" for n in range(2)]
    worker = {
        **scene.variables(),
        "OPENAI_BASE_URL": scene.model.url,
        "CONTEXT_TIMEOUT_SECONDS": "10",
        "LLM_TIMEOUT_SECONDS": "4",
        "NOTE_TIMEOUT_SECONDS": "2",
        "LEASE_SECONDS": "3",
        "MAX_ATTEMPTS": "12",
    }
    await sync(scene)
    async with (
        open_api_process(scene.urls, scene.valkey, scene.folder, api_log, Process, **scene.variables()) as api,
        open_worker_process(scene.urls, scene.valkey, scene.folder, logs[0], Process, **worker) as first,
        open_worker_process(scene.urls, scene.valkey, scene.folder, logs[1], Process, **worker) as second,
        httpx.AsyncClient(base_url=api.url) as client,
    ):
        scene.processes = [api, first, second]
        for process in scene.processes:
            await process.ready(limit_s=LONGEST_S)
        senders = [(tenant, Sender(client, tenant.known)) for tenant in scene.tenants]

        async def deliver(times: int, event: str = "ticket_created") -> list[tuple[Subject, str]]:
            sent = [(tenant, sender, tenant.ticket()) for tenant, sender in senders for _ in range(times)]
            for tenant, sender, ticket_id in sent:
                body = {"": tenant.words["body"], "event": event, "ticket_id": ticket_id}
                answer = await sender.send(body | {"subject": tenant.words["update"]})
                assert answer.status_code == 202
                scene.hear("answer", str(answer.headers) + answer.text)
            return [(tenant, ticket_id) for tenant, _, ticket_id in sent]

        async def are_noted(tickets: list[tuple[Subject, str]]) -> bool:
            await scene.make_due()
            return all(tenant.portal.notes(ticket_id) for tenant, ticket_id in tickets)

        tickets = await deliver(2)
        await eventually(lambda: are_noted(tickets), limit_s=LONGEST_S)
        await deliver(1, "ticket_resolved")
        await eventually(lambda: is_settled(scene), limit_s=LONGEST_S)
        break_help_desks_and_model(scene)
        await send_what_is_refused(scene, client)
        spoil_tenant_files(scene)

        def is_told(event: str) -> bool:
            return event in logs[0].read_text() + logs[1].read_text()

        async with a_bug(scene, "enhancement", "content is null or confidence is null"):
            tickets += await deliver(1)
            await eventually(lambda: is_told("attempt_crashed"), limit_s=LONGEST_S)
        async with a_bug(scene, "delivery", "status <> 'processing'"):
            tickets += await deliver(1)
            await eventually(lambda: is_told("CheckViolation") or is_told("IntegrityError"), limit_s=LONGEST_S)
        scene.model.behave("slow", times=2, seconds=3)
        tickets += await deliver(1)
        await asyncio.sleep(0.5)
        await first.end(signal.SIGKILL)
        await eventually(lambda: are_noted(tickets), limit_s=LONGEST_S)
        await eventually(lambda: is_settled(scene), limit_s=LONGEST_S)
        await eventually(lambda: "tenant_file_refused" in api_log.read_text())
        await read_all(scene, client, [api_log, *logs, scene.folder / "sync.log"])
        assert await second.end() == 0
        await api.end(signal.SIGINT)
    whole = {path: path.read_text() for path in (api_log, *logs)}
    check(scene, whole[logs[0]] + whole[logs[1]] + whole[api_log])


def check(scene: Scene, log: str) -> None:
    words = {word: (tenant.slug, kind) for tenant in scene.tenants for kind, word in tenant.words.items()}
    hidden = {
        form: f"{owner} {name}"
        for owner, names in [*((each.slug, each.secrets) for each in scene.tenants), ("", of_the_installation(scene))]
        for name, secret in names.items()
        for form in forms(secret)
    }
    leaks = set()
    for emission in scene.emissions:
        text = emission.text.lower()
        for word, (owner, kind) in words.items():
            if owner != emission.tenant and word in text:
                leaks.add((f"{owner}'s {kind}", emission.place, emission.tenant, emission.text[:300]))
        for form, name in hidden.items():
            if form in emission.text:
                leaks.add((name, emission.place, emission.tenant, emission.text[:300]))
    assert leaks == set()

    # The search could have found them: they are where they belong, and what should have gone wrong did.
    for tenant in scene.tenants:
        for place, kinds in SEEN.items():
            own = " ".join(
                each.text.lower() for each in scene.emissions if (each.place, each.tenant) == (place, tenant.slug)
            )
            absent = {kind for kind in kinds if tenant.words[kind] not in own}
            # Of a shared help desk's webhook no word is stored.
            is_left_out = place == "table delivery" and tenant.account
            assert absent == (set(kinds) if is_left_out else set()), (tenant.slug, place)
    places = {emission.place for emission in scene.emissions}
    assert places >= {"Redis", "spans", "metrics", "statement", "process list", "answer", "log api.log", "log sync.log"}
    for event in ("attempt_crashed", "attempt_ended", "tenant_file_refused", "webhook_refused", "note_posted"):
        assert f'"{event}"' in log, event
