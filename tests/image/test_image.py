"""The real image does the real job under the manifests' restrictions: `make image-test`.

PostgreSQL and Valkey are the embedded ones, ServiceDesk Plus and the model the simulated ones, all on this machine's
loopback.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantDirectory
from demo.embedded import DatabaseUrls, ValkeyServer, find_free_port, open_postgres, open_valkey
from demo.offline_model import ModelSimulator
from demo.run_folder import RunFolder, open_run_folder
from tests.builders import a_tenant, write_tenant
from tests.connections import connected
from tests.image.engine import (
    Container,
    bytes_beyond_base,
    inspect_image,
    restrictions,
    run_in_image,
    started,
)
from tests.integration.worker.conftest import add_tenant

# 64 MB of it are the client of Kubernetes, for the smoke test alone (docs/libraries.md).
_MOST_BYTES: Final = 300e6
_SENDERS: Final = 4
_LOOK: Final = """
import json, pathlib
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
refused = []
for path in ("/made", "/opt/ai-agents/made", "/var/made"):
    try:
        open(path, "w")
    except OSError as error:
        refused.append(error.strerror)
open("/tmp/made", "w")
limits = [pathlib.Path(each) for each in
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")]
print(json.dumps({
    "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "users": status["Uid"].split() + status["Gid"].split(),
    "refused": refused,
    "memory": [int(each.read_text()) for each in limits if each.exists()],
}))
"""
_NOT_COMPILED: Final = """
import importlib.util, pathlib, sys
files = pathlib.Path("/opt/ai-agents/lib").rglob("*.py")
print(*(each for each in files if not pathlib.Path(importlib.util.cache_from_source(each)).exists()))
"""


@dataclass
class Scene:
    """The servers that a pod would reach, and one tenant."""

    urls: DatabaseUrls
    valkey: ValkeyServer
    folder: Path
    portal: Portal
    known: KnownTenant
    model_url: str

    def migrate(self) -> AbstractContextManager[Container]:
        return started("migrate", folder=self.folder, MIGRATION_DATABASE_URL=self.urls.owner)

    def api(self, *, port: int | None = None) -> AbstractContextManager[Container]:
        return started("api", folder=self.folder, port=port, DATABASE_URL=self.urls.intake, REDIS_URL=self.valkey.url)

    def worker(self) -> AbstractContextManager[Container]:
        return started(
            "worker",
            folder=self.folder,
            DATABASE_URL=self.urls.worker,
            REDIS_URL=self.valkey.url,
            OPENAI_API_KEY="offline",
            OPENAI_BASE_URL=self.model_url,
        )

    def sync(self) -> AbstractContextManager[Container]:
        return started("sync", folder=self.folder, DATABASE_URL=self.urls.worker, REDIS_URL=self.valkey.url)

    def console(self) -> AbstractContextManager[Container]:
        return started(
            "console",
            folder=self.folder,
            DATABASE_URL=self.urls.worker,
            REDIS_URL=self.valkey.url,
            CONSOLE_HOST="127.0.0.1",
            CONSOLE_TOKEN="a-token-of-the-test",
        )

    def ticket(self) -> str:
        return self.portal.add_ticket(subject="Outlook receives no mail", description="No mail since noon.").id


@pytest.fixture(scope="module")
def run_folder() -> Iterator[RunFolder]:
    with open_run_folder(Path(__file__).parents[2] / ".demo") as folder:
        yield folder


@pytest.fixture
async def scene(run_folder: RunFolder, tmp_path: Path) -> AsyncIterator[Scene]:
    """A migrated database and the rest, of this test's own."""
    help_desk, model = HelpDeskSimulator(), ModelSimulator()
    await help_desk.start()
    await model.start()
    async with open_postgres(run_folder, is_durable=False) as postgres, open_valkey(run_folder) as valkey:
        await postgres.create_database("ai_agents")
        urls = await postgres.create_roles("ai_agents")
        tenant, portal = add_tenant(help_desk, tmp_path)
        open_to_all(tmp_path)
        tenants = TenantDirectory(tmp_path / "files", tmp_path / "secrets")
        tenants.refresh()
        known = tenants.find(tenant.id)
        assert known is not None
        scene = Scene(urls, valkey, tmp_path, portal, known, model.url)
        with scene.migrate() as container:
            assert await container.ended() == 0, container.output()
        yield scene
    await model.stop()
    await help_desk.stop()


def open_to_all(folder: Path) -> None:
    """The container's user is another."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


async def send(scene: Scene, port: int, ticket_id: str) -> bool:
    """Deliver a webhook. True if it was accepted."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        try:
            response = await Sender(client, scene.known).send({"event": "ticket_created", "ticket_id": ticket_id})
        except httpx.TransportError:
            return False
    return response.status_code == httpx.codes.ACCEPTED


async def expect_one_note_each(scene: Scene, tickets: list[str]) -> None:
    async with asyncio.timeout(120):
        while not all(scene.portal.notes(ticket) for ticket in tickets):
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # for a second note
    assert Counter(len(scene.portal.notes(ticket)) for ticket in tickets) == {1: len(tickets)}


async def test_signed_webhooks_become_one_note_each(scene: Scene) -> None:
    with scene.api() as api, scene.worker() as worker:
        await api.ready()
        await worker.ready()
        tickets = [scene.ticket() for _ in range(5)]

        assert all([await send(scene, api.port, ticket) for ticket in tickets])
        await expect_one_note_each(scene, tickets)

        assert await worker.stop() == 0, worker.output()
        assert await api.stop() == 0, api.output()


async def test_a_sigterm_under_load_loses_nothing(scene: Scene) -> None:
    accepted: list[str] = []
    is_over = asyncio.Event()

    async def load(port: int) -> None:
        while not is_over.is_set():
            ticket = scene.ticket()
            if await send(scene, port, ticket):
                accepted.append(ticket)
            await asyncio.sleep(0.1)

    with scene.api() as api, scene.worker() as worker:
        await api.ready()
        await worker.ready()
        loads = [asyncio.create_task(load(api.port)) for _ in range(_SENDERS)]
        await asyncio.sleep(2)
        assert await worker.stop() == 0, worker.output()
        assert await api.stop() == 0, api.output()
        before = len(accepted)
        assert before > _SENDERS

        with scene.api(port=api.port) as next_api, scene.worker() as next_worker:
            await next_api.ready()
            await next_worker.ready()
            await asyncio.sleep(1)
            is_over.set()
            await asyncio.gather(*loads)
            assert len(accepted) > before + _SENDERS
            await expect_one_note_each(scene, accepted)

            assert await next_worker.stop() == 0, next_worker.output()
            assert await next_api.stop() == 0, next_api.output()


async def test_sync_and_smoke_succeed(scene: Scene) -> None:
    port = find_free_port()
    with scene.sync() as sync:
        assert await sync.ended() == 0, sync.output()
    tenant = a_tenant("smoke", servicedesk={"url": f"http://127.0.0.1:{port}/at/smoke"})
    write_tenant(scene.folder, tenant, webhook_secret="secret", api_key="key")
    open_to_all(scene.folder)
    with scene.api() as api, scene.worker() as worker:
        await api.ready()
        await worker.ready()
        where = [f"--url=http://127.0.0.1:{api.port}", f"--listen=127.0.0.1:{port}"]
        with started("smoke", *where, folder=scene.folder) as smoke:
            assert await smoke.ended() == 0, smoke.output()


async def test_the_console_shows_its_pages(scene: Scene) -> None:
    with scene.console() as console:
        await console.ready()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{console.port}", follow_redirects=True) as client:
            now = await client.post("/sign-in", data={"token": "a-token-of-the-test"})
            style = await client.get("/static/console.css")
        assert scene.known.tenant.name in now.text
        assert style.headers["content-type"].startswith("text/css")
        assert await console.stop() == 0, console.output()


async def test_a_schema_that_is_ahead_is_success(scene: Scene) -> None:
    async with connected(scene.urls.owner, ssl=False) as connection:
        await connection.execute("update alembic_version set version_num = '2099_01_01_0000'")
    with scene.migrate() as container:
        assert await container.ended() == 0, container.output()


@pytest.mark.parametrize("role", ["api", "worker", "console", "migrate", "sync", "smoke"])
def test_the_restrictions_are_in_force(role: str) -> None:
    looked = run_in_image("python", "-c", _LOOK, flags=restrictions(role))
    assert looked.returncode == 0, looked.stderr
    found = json.loads(looked.stdout)
    assert set(found.pop("capabilities")) == {"0" * 16}
    assert found.pop("no_new_privileges") == "1"
    assert set(found.pop("users")) == {"10001"}
    assert found.pop("refused") == ["Read-only file system"] * 3
    [limit] = [each.removeprefix("--memory=") for each in restrictions(role) if each.startswith("--memory=")]
    assert found == {"memory": [int(limit.removesuffix("m")) * 1024**2]}


def test_the_image_says_how_it_is_run_and_what_it_is() -> None:
    config = inspect_image()["Config"]
    assert config["Entrypoint"] == ["ai-agents"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert not config.get("Healthcheck")
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "AI Agents"
    assert labels["licenses"] == "Apache-2.0"
    assert {labels["version"], labels["revision"], labels["created"]} & {
        "0.0.0",
        "unknown",
        "1970-01-01T00:00:00Z",
    } == set()


def test_the_image_holds_no_tool_to_build_with() -> None:
    for tool in ("uv", "pip", "pip3", "gcc", "cc", "ld", "strip", "make"):
        assert run_in_image("/bin/sh", "-c", f"command -v {tool}").returncode != 0, tool
    assert run_in_image("python", "-c", "import pip").returncode != 0


def test_all_bytecode_is_in_the_image() -> None:
    looked = run_in_image("python", "-c", _NOT_COMPILED)
    assert (looked.returncode, looked.stdout) == (0, "\n"), looked.stderr


def test_the_image_is_small() -> None:
    assert bytes_beyond_base() < _MOST_BYTES
