"""The product as processes with two tenants, Prometheus with our rules over it, and what watches which alert fires.

Windows of time in the rules (`[5m]`, `for: 10m`) are divided by `FASTER`; what they compare is as in production.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from aiohttp import web

from app.core.help_desk import Edition
from app.core.tenant import Tenant
from app.db.migrate import migrate
from app.db.session import open_database
from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, PostgresServer, find_free_port, open_postgres, open_valkey
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from demo.run_folder import RunFolder
from tests.alerts.drill.pages import Place
from tests.alerts.rules import load_groups
from tests.builders import a_tenant, write_tenant
from tests.integration.processes import common_variables
from tests.integration.prometheus import Prometheus, open_prometheus
from tests.integration.superuser import run_as_superuser
from tests.integration.worker.conftest import eventually, fill_ticket_history
from tests.loopback import served

FASTER: Final = 60
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WINDOW: Final = re.compile(r"(?P<before>\[|\boffset )(?P<value>\d+)(?P<unit>[smhd])\b")
_LOOK_S: Final = 0.5


def hurry(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups with their windows and patience divided by `FASTER`."""

    def shorter(value: str, unit: str) -> str:
        return f"{max(int(value) * _SECONDS[unit] // FASTER, 1)}s"

    hurried = []
    for group in groups:
        rules = [
            {**rule, "expr": _WINDOW.sub(lambda w: w["before"] + shorter(w["value"], w["unit"]), rule["expr"])}
            for rule in group["rules"]
        ]
        for rule in rules:
            if "for" in rule:
                rule["for"] = shorter(rule["for"][:-1], rule["for"][-1])
        hurried.append({**group, "rules": rules})
    return hurried


class Watch:
    """When each alert began to fire last, and when it was seen resolved after that."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self.firing: set[str] = set()
        self.fired_at: dict[str, float] = {}
        self.resolved_at: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            with suppress(httpx.TransportError):
                alerts = (await self._prometheus.get("alerts"))["alerts"]
                self._see({each["labels"]["alertname"] for each in alerts if each["state"] == "firing"})
            await asyncio.sleep(_LOOK_S)

    def _see(self, firing: set[str]) -> None:
        now = time.monotonic()
        for name in firing - self.firing:
            self.fired_at[name] = now
            self.resolved_at.pop(name, None)
        for name in self.firing - firing:
            self.resolved_at[name] = now
        self.firing = firing

    async def until_fired(self, name: str, *, since: float, limit_s: float) -> float | None:
        """Seconds from *since* until *name* began to fire; None: it did not within the limit, or had before."""
        return await self._until(lambda: at if (at := self.fired_at.get(name, 0.0)) >= since else None, since, limit_s)

    async def until_resolved(self, name: str, *, since: float, limit_s: float) -> float | None:
        """Seconds from *since* until *name* was seen resolved; 0: it was before."""
        return await self._until(lambda: self.resolved_at.get(name), since, limit_s)

    async def _until(self, look: Any, since: float, limit_s: float) -> float | None:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if (at := look()) is not None:
                return float(max(at - since, 0.0))
            await asyncio.sleep(_LOOK_S)
        return None


@dataclass
class Scene:
    """What runs, and the ways to hurt it."""

    run: RunFolder
    urls: DatabaseUrls
    postgres: PostgresServer
    help_desk: HelpDeskSimulator
    model: ModelSimulator
    portals: Mapping[str, Portal]
    tenants: dict[str, Tenant]
    place: Place
    client: httpx.AsyncClient
    others: dict[str, str] = field(default_factory=dict)
    """What other programs expose, by series."""
    processes: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        told, log = self.place.variables[name], self.run.path / f"{name}.log"
        process = Process("app", name, variables=told, log=log, run=self.run, port=self.ports[name])
        self.processes[name] = process
        await process.ready(limit_s=60)

    async def stop(self, name: str) -> None:
        await self.processes.pop(name).end(limit_s=60)

    async def send(self, slug: str, ticket_id: str | None = None) -> str | None:
        """A new ticket's webhook, or that of *ticket_id*; the job id, or None when it was not accepted."""
        if ticket_id is None:
            ticket_id = (
                self.portals[slug]
                .add_ticket(subject="Outlook receives no mail", description="Outlook shows no new mail since noon.")
                .id
            )
        sender = Sender(self.client, KnownTenant(self.tenants[slug], TenantSecrets(webhook=(b"secret",))))
        with suppress(httpx.TransportError):
            answer = await sender.send({"event": "ticket_created", "ticket_id": ticket_id})
            if answer.status_code == httpx.codes.ACCEPTED:
                return str(answer.json()["job_id"])
        return None

    def change_tenant(self, slug: str, **parts: dict[str, Any]) -> None:
        """Write the tenant's file with parts of it changed, as a commit would."""
        values = self.tenants[slug].model_dump(mode="json")
        for name, changes in parts.items():
            values[name] |= changes
        self.tenants[slug] = Tenant.model_validate(values)
        write_tenant(self.run.path, self.tenants[slug])

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        return await run_as_superuser(self.urls, statement, *values)

    async def sync(self) -> None:
        """As its CronJob runs it."""
        told, log = self.place.variables["worker"], self.run.path / "sync.log"
        await Process("app", "sync", variables=told, log=log, run=self.run).finish()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()


@asynccontextmanager
async def open_scene(run: RunFolder) -> AsyncIterator[tuple[Scene, Watch]]:
    """Everything, an API and a worker ready, nothing wrong."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(open_postgres(run))
        valkey = await stack.enter_async_context(open_valkey(run))
        await postgres.create_database("ai_agents")
        urls = await postgres.create_roles("ai_agents")
        await migrate(urls.owner, tell=lambda _: None)
        help_desk, model = HelpDeskSimulator(), ModelSimulator()
        for simulator in (help_desk, model):
            await simulator.start()
            stack.push_async_callback(simulator.stop)
        portals = {
            slug: help_desk.add_portal(Portal(slug=slug, edition=Edition.ON_PREMISES, api_key="key"))
            for slug in ("acme", "bluebird")
        }
        tenants = {slug: a_tenant(slug, servicedesk={"url": portal.url}) for slug, portal in portals.items()}
        for tenant in tenants.values():
            write_tenant(run.path, tenant, webhook_secret="secret", api_key="key")
        async with open_database(urls.worker) as database:
            for tenant in tenants.values():
                await fill_ticket_history(database, tenant)
        ports = {name: find_free_port() for name in ("api", "worker")}
        common = common_variables(valkey, run.path)
        place = Place(
            logs=run.path,
            variables={
                "api": {"DATABASE_URL": urls.intake, **common},
                "worker": {
                    "DATABASE_URL": urls.worker,
                    "OPENAI_API_KEY": "offline",
                    "OPENAI_BASE_URL": model.url,
                    **common,
                },
            },
            api_url=f"http://127.0.0.1:{ports['api']}",
        )
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=place.api_url, timeout=10))
        scene = Scene(run, urls, postgres, help_desk, model, portals, tenants, place, client, ports=ports)
        stack.callback(scene.close)
        others = await stack.enter_async_context(_others(scene))
        for name in ports:
            await scene.start(name)
        await scene.sync()
        prometheus = await stack.enter_async_context(
            open_prometheus(run.path, hurry(load_groups()), others=others, **ports)
        )
        # A counter's first value tells of no increase: it has to be seen before anything is counted.
        await eventually(lambda: prometheus.value("count(enhancements_total) > 0"), limit_s=60)
        await asyncio.sleep(2 * _LOOK_S)
        watch = Watch(prometheus)
        watching = asyncio.create_task(watch.run())
        stack.callback(watching.cancel)
        yield scene, watch


@asynccontextmanager
async def _others(scene: Scene) -> AsyncIterator[int]:
    """The endpoint that stands for other programs': the port where `scene.others` is exposed."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="".join(f"{series} {value}\n" for series, value in scene.others.items()))

    async with served(web.get("/metrics", answer)) as url:
        yield int(url.rpartition(":")[2])
