"""The real image does the real job under the manifests' restrictions: `make image-test`.

Read-only root, no capabilities, no new privileges, the manifests' user and memory limits; PostgreSQL and Valkey are the
embedded ones, ServiceDesk Plus and the model the simulated ones, all on this machine's loopback.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from app.demo.embedded import DatabaseUrls, ValkeyServer, find_free_port, open_postgres, open_valkey
from app.demo.run_folder import RunFolder, open_run_folder
from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.model import ModelSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantDirectory
from tests.integration.worker.conftest import add_tenant
from tests.manifests.rendering import WORKLOAD, Object, containers, name_of, pod_templates, render

IMAGE: Final = os.environ.get("AI_AGENTS_IMAGE", "ai-agents:local")
ENGINE: Final = os.environ.get("ENGINE", "docker")
FLAGS: Final = shlex.split(os.environ.get("RUN_FLAGS", ""))
GRACE_S: Final = {"api": 30, "worker": 60}


def pod(command: str) -> tuple[Object, Object]:
    """The pod's and the container's part of the manifest that runs *command*."""
    for owner, template in pod_templates(render(WORKLOAD)):
        for container in containers(template):
            if container["name"] == command:
                assert name_of(owner)
                return template["spec"], container
    raise AssertionError(command)


def restrictions(command: str) -> list[str]:
    """The manifest's restrictions as the engine takes them."""
    spec, container = pod(command)
    identity, safety = spec["securityContext"], container["securityContext"]
    assert safety["readOnlyRootFilesystem"]
    assert not safety["allowPrivilegeEscalation"]
    assert safety["capabilities"]["drop"] == ["ALL"]
    return [
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        f"--user={identity['runAsUser']}:{identity['runAsGroup']}",
        f"--memory={container['resources']['limits']['memory'].removesuffix('i').lower()}",
        "--tmpfs=/tmp:size=64m",
    ]


@dataclass
class Container:
    id: str
    port: int

    def output(self) -> str:
        logs = subprocess.run([ENGINE, "logs", self.id], capture_output=True, text=True, check=False)
        return logs.stdout + logs.stderr

    def status(self) -> dict[str, Any]:
        shown = subprocess.run([ENGINE, "inspect", self.id], capture_output=True, text=True, check=True)
        state: dict[str, Any] = yaml.safe_load(shown.stdout)[0]["State"]
        return state

    async def ready(self) -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(30):
            while True:
                assert self.status()["Running"], self.output()
                try:
                    if (await client.get(f"http://127.0.0.1:{self.port}/health/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    async def stop(self, command: str) -> int:
        """SIGTERM, and SIGKILL after the manifest's grace period; the exit status."""
        stop = [ENGINE, "stop", f"--time={GRACE_S[command]}", self.id]
        await asyncio.to_thread(subprocess.run, stop, check=True, capture_output=True)
        return int(self.status()["ExitCode"])


@contextmanager
def started(command: str, folder: Path, **variables: str) -> Iterator[Container]:
    port = find_free_port()
    mounts = []
    if command != "migrate":
        mounts = [
            f"--volume={folder / 'files'}:/etc/ai-agents/tenants:ro",
            f"--volume={folder / 'secrets'}:/var/run/secrets/ai-agents/tenants:ro",
        ]
    environment = {**variables, "API_HOST": "127.0.0.1", "API_PORT": str(port), "PROMETHEUS_PORT": str(port)}
    run = [ENGINE, "run", "--detach", "--network=host", *FLAGS, *restrictions(command), *mounts]
    run += [f"--env={name}={value}" for name, value in environment.items()]
    begun = subprocess.run([*run, IMAGE, command], capture_output=True, text=True, check=False)
    assert begun.returncode == 0, begun.stderr
    container = Container(begun.stdout.strip().splitlines()[-1], port)
    try:
        yield container
    finally:
        subprocess.run([ENGINE, "rm", "--force", container.id], capture_output=True, check=False)


@dataclass
class Scene:
    urls: DatabaseUrls
    valkey: ValkeyServer
    folder: Path
    portal: Portal
    known: KnownTenant
    model_url: str

    def api(self) -> Any:
        return started("api", self.folder, DATABASE_URL=self.urls.intake, REDIS_URL=self.valkey.url)

    def worker(self) -> Any:
        return started(
            "worker",
            self.folder,
            DATABASE_URL=self.urls.worker,
            REDIS_URL=self.valkey.url,
            OPENAI_API_KEY="offline",
            OPENAI_BASE_URL=self.model_url,
        )

    def notes(self) -> Counter[int]:
        return Counter(len(self.portal.notes(ticket)) for ticket in self.portal.tickets)


@pytest.fixture(scope="module")
def run_folder() -> Iterator[RunFolder]:
    with open_run_folder(Path(__file__).parents[2] / ".demo") as folder:
        yield folder


@asynccontextmanager
async def servers(run: RunFolder) -> AsyncIterator[tuple[DatabaseUrls, ValkeyServer]]:
    async with open_postgres(run, is_durable=False) as postgres, open_valkey(run) as valkey:
        await postgres.create_database("ai_agents")
        yield await postgres.create_roles("ai_agents"), valkey


def open_to_all(folder: Path) -> None:
    """The container's user is another."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
async def scene(run_folder: RunFolder, tmp_path: Path) -> AsyncIterator[Scene]:
    help_desk, model = HelpDeskSimulator(), ModelSimulator()
    await help_desk.start()
    await model.start()
    async with servers(run_folder) as (urls, valkey):
        tenant, portal = add_tenant(help_desk, tmp_path)
        open_to_all(tmp_path)
        tenants = TenantDirectory(tmp_path / "files", tmp_path / "secrets")
        tenants.refresh()
        known = tenants.find(tenant.id)
        assert known is not None
        yield Scene(urls, valkey, tmp_path, portal, known, model.url)
    await model.stop()
    await help_desk.stop()


async def migrated(scene: Scene) -> Container:
    with started("migrate", scene.folder, MIGRATION_DATABASE_URL=scene.urls.owner) as container:
        async with asyncio.timeout(60):
            while container.status()["Running"]:
                await asyncio.sleep(0.1)
        assert container.status()["ExitCode"] == 0, container.output()
    return container


async def send(scene: Scene, port: int, ticket_id: str) -> bool:
    """Deliver the webhook as a sender that tries again does. True once it is accepted."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        try:
            response = await Sender(client, scene.known).send({"event": "ticket_created", "ticket_id": ticket_id})
        except httpx.TransportError:
            return False
    return response.status_code == httpx.codes.ACCEPTED


async def noted(scene: Scene, tickets: list[str]) -> None:
    async with asyncio.timeout(60):
        while not all(scene.portal.notes(ticket) for ticket in tickets):
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # for a second note
    assert Counter(len(scene.portal.notes(ticket)) for ticket in tickets) == {1: len(tickets)}


async def test_the_image_migrates_accepts_and_writes_a_note(scene: Scene) -> None:
    await migrated(scene)
    with scene.api() as api, scene.worker() as worker:
        await api.ready()
        await worker.ready()
        ticket = scene.portal.add_ticket(subject="Outlook receives no mail", description="No mail since noon.").id

        assert await send(scene, api.port, ticket)
        await noted(scene, [ticket])

        assert await worker.stop("worker") == 0, worker.output()
        assert await api.stop("api") == 0, api.output()


async def test_a_sigterm_under_load_loses_nothing(scene: Scene) -> None:
    await migrated(scene)
    accepted: list[str] = []
    is_over = asyncio.Event()
    with scene.api() as api, scene.worker() as worker:
        await api.ready()
        await worker.ready()

        async def load() -> None:
            while not is_over.is_set():
                ticket = scene.portal.add_ticket(subject="Printer", description="No page comes.").id
                if await send(scene, api.port, ticket):
                    accepted.append(ticket)
                await asyncio.sleep(0.02)

        loading = asyncio.create_task(load())
        await asyncio.sleep(1)
        assert await worker.stop("worker") == 0, worker.output()
        assert await api.stop("api") == 0, api.output()
        is_over.set()
        await loading
    assert len(accepted) > 10

    with scene.worker() as worker:
        await worker.ready()
        await noted(scene, accepted)


def test_the_image_holds_no_tool_to_build_with() -> None:
    for tool in ("uv", "pip", "gcc"):
        found = subprocess.run(
            [
                ENGINE,
                "run",
                "--rm",
                "--network=none",
                *FLAGS,
                "--entrypoint=/bin/sh",
                IMAGE,
                "-c",
                f"command -v {tool}",
            ],
            capture_output=True,
            check=False,
        )
        assert found.returncode != 0, tool
