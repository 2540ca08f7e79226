"""All that runs: PostgreSQL, Valkey, the help desks with the model, two API processes and three workers.

Invariant: faults change the system through this module alone, and what it starts ends with its run folder. A process
that was killed or rolled is followed by another at once, as Kubernetes would have it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from demo.embedded import (
    DatabaseUrls,
    PostgresServer,
    ValkeyServer,
    open_postgres,
    open_valkey,
)
from demo.failure import RunFailed
from demo.launcher import Process
from demo.run_folder import RunFolder
from tests.connections import connected
from tests.faults.tenants import CLIENTS, write_clients, write_portals
from tests.integration.superuser import run_as_superuser

LEASE_S: Final = 5.0
_DATABASE: Final = "ai_agents"
# Short, so that a recovery fits between two faults. What is not named is as in production.
_WORKER: Final = {
    "LEASE_SECONDS": f"{LEASE_S:g}",
    "NOTE_TIMEOUT_SECONDS": "3",
    "LLM_TIMEOUT_SECONDS": "4",
    "CONTEXT_TIMEOUT_SECONDS": "4",
    "TASK_TIMEOUT_SECONDS": "30",
    "SHUTDOWN_GRACE_SECONDS": "5",
    "WORKER_CONCURRENCY": "8",
    "OPENAI_API_KEY": "offline",
}
# A load balancer goes on sending to a process that ended, or was told to, until it notices.
NOTICE_S: Final = 1.0
START_S: Final = 120.0

Variables = Mapping[str, str]


@dataclass(slots=True)
class Instance:
    """One place of a deployment, and the process that fills it now."""

    command: str
    number: int
    child: Process
    port: int
    """Where it is called: for a moment after its end, where nobody answers."""
    generation: int = 1
    is_in_service: bool = True
    """Whether a load balancer sends calls there."""

    @property
    def name(self) -> str:
        return f"{self.command} {self.number}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class System:
    """What runs, and how it is reached."""

    run: RunFolder
    postgres: PostgresServer
    valkey: ValkeyServer
    urls: DatabaseUrls
    help_desk_url: str
    model_url: str
    control: aiohttp.ClientSession
    small_disk: Path | None
    """Where the database's files are, when that could be made a disk of its own."""
    process: type[Process] = Process
    """How commands of the product are started."""
    restarts: set[asyncio.Task[None]] = field(default_factory=set)
    """What waits for processes to get ready."""
    apis: list[Instance] = field(default_factory=list)
    workers: list[Instance] = field(default_factory=list)

    @property
    def in_service(self) -> list[str]:
        """The APIs that a load balancer would choose from; all, when it knows of none that answers."""
        chosen = [api.url for api in self.apis if api.is_in_service]
        return chosen or [api.url for api in self.apis]

    @property
    def instances(self) -> list[Instance]:
        return [*self.apis, *self.workers]

    def start(self, command: str, number: int, *, generation: int = 1, **variables: str) -> Instance:
        """A process of the product, not waited for."""
        own = {"DATABASE_URL": self.urls.intake} if command == "api" else {"OPENAI_BASE_URL": self.model_url, **_WORKER}
        told = {**self.worker_variables, **own, **variables}
        child = self.launch(f"{command}-{number}-{generation}", command, told)
        return Instance(command, number, child, child.port, generation)

    def launch(self, name: str, command: str, told: Variables) -> Process:
        """A command of the product, with its log in the run's folder."""
        return self.process("app", command, variables=told, log=self.run.path / f"{name}.log", run=self.run)

    @property
    def worker_variables(self) -> dict[str, str]:
        """What a worker and `sync` are told alike."""
        return {
            "DATABASE_URL": self.urls.worker,
            "REDIS_URL": self.valkey.url,
            "TENANTS_DIR": str(self.run.path / "tenants" / "files"),
            "TENANT_SECRETS_DIR": str(self.run.path / "tenants" / "secrets"),
        }

    async def kill(self, instance: Instance) -> None:
        """SIGKILL; another is started in its place at once, and not waited for."""
        await instance.child.end(signal.SIGKILL)
        dead_url = instance.url
        _move_in(instance, self.start(instance.command, instance.number, generation=instance.generation + 1))
        self.restarts.add(asyncio.create_task(_put_in_service(instance, instance.child, dead_url)))

    async def roll(self, instance: Instance, **variables: str) -> int:
        """As a rollout does: a new one is ready first, then SIGTERM. Returns the old one's exit status."""
        successor = self.start(instance.command, instance.number, generation=instance.generation + 1, **variables)
        await successor.child.ready(limit_s=START_S)
        old = instance.child
        old.send(signal.SIGTERM)
        if instance.command == "api":
            # The new one takes calls, and the old one for a moment too.
            self.apis.append(successor)
            await asyncio.sleep(NOTICE_S)
            self.apis.remove(successor)
        _move_in(instance, successor)
        return await old.end(signal.SIGTERM)

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """A statement as PostgreSQL's superuser."""
        return await run_as_superuser(self.urls, statement, *values)

    async def strike_help_desks(self, **fault: Any) -> None:
        """A fault of the simulator in every help desk, until `heal_help_desks`."""
        for portal in {client.portal for client in CLIENTS}:
            await self._post(f"{self.help_desk_url}/simulator/faults", {"portal": portal, "times": None, **fault})

    async def heal_help_desks(self) -> None:
        async with self.control.delete(f"{self.help_desk_url}/simulator/faults") as answer:
            _expect(answer, 200)

    async def strike_model(self, kind: str, *, seconds: float = 1.0) -> None:
        """A behaviour of the offline model, until `heal_model`."""
        behaviour = {"kind": kind, "times": None, "seconds": seconds}
        await self._post(f"{self.model_url.removesuffix('/v1')}/simulator/behaviours", behaviour, status=200)

    async def heal_model(self) -> None:
        async with self.control.delete(f"{self.model_url.removesuffix('/v1')}/simulator/behaviours") as answer:
            _expect(answer, 200)

    async def notes(self, portal: str) -> list[dict[str, Any]]:
        """All notes of a help desk, as its API writes them."""
        async with self.control.get(f"{self.help_desk_url}/simulator/notes", params={"portal": portal}) as answer:
            _expect(answer, 200)
            notes: list[dict[str, Any]] = await answer.json()
            return notes

    async def _post(self, url: str, body: Mapping[str, Any], *, status: int = 201) -> None:
        async with self.control.post(url, json=body) as answer:
            _expect(answer, status)


async def _put_in_service(instance: Instance, child: Process, dead_url: str) -> None:
    """As a load balancer has it: calls go where nobody answers, then nowhere, then to the new process."""
    new_port, instance.port = instance.port, int(dead_url.rpartition(":")[2])
    await asyncio.sleep(NOTICE_S)
    instance.is_in_service, instance.port = False, new_port
    try:
        await child.ready(limit_s=START_S)
    except RunFailed:
        if not child.is_wanted:
            return  # it was killed again meanwhile
        raise
    instance.is_in_service = True


def _move_in(instance: Instance, successor: Instance) -> None:
    instance.child, instance.port, instance.generation = successor.child, successor.port, successor.generation


def _expect(answer: aiohttp.ClientResponse, status: int) -> None:
    if answer.status != status:
        raise RunFailed(f"the simulator answered {answer.status} to {answer.method} {answer.url.path}")


@asynccontextmanager
async def open_system(
    run: RunFolder, *, small_disk: Path | None = None, process: type[Process] = Process
) -> AsyncIterator[System]:
    """Everything, ready to take webhooks; ended in reverse.

    Args:
        run: Holds data and logs.
        small_disk: A folder for the database's files that is a file system of its own.
        process: How commands of the product are started.
    """
    async with AsyncExitStack() as stack:
        # Durable: what PostgreSQL committed must be there after it was stopped at once.
        postgres = await stack.enter_async_context(open_postgres(run, is_durable=True))
        valkey = await stack.enter_async_context(open_valkey(run))
        urls = await _make_database(postgres, small_disk)
        write_portals(run.path / "portals")
        simulators = [
            Process(*module, variables={}, log=run.path / f"{name}.log", run=run)
            for name, *module in (
                ("help-desk", "app.simulator", "--data", str(run.path / "portals")),
                ("model", "demo.offline_model"),
            )
        ]
        help_desk_url, model_url = [await simulator.line(limit_s=START_S) for simulator in simulators]
        write_clients(run.path / "tenants", help_desk=help_desk_url)
        control = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)))
        system = System(run, postgres, valkey, urls, help_desk_url, model_url, control, small_disk, process)
        stack.push_async_callback(_end, system, simulators)
        migration = system.launch("migrate", "migrate", {"MIGRATION_DATABASE_URL": urls.owner})
        await migration.finish(limit_s=START_S)
        system.apis = [system.start("api", number) for number in (1, 2)]
        system.workers = [system.start("worker", number) for number in (1, 2, 3)]
        for instance in system.instances:
            await instance.child.ready(limit_s=START_S)
        # History and articles come as they do in production.
        sync = system.launch("sync", "sync", system.worker_variables)
        await sync.finish(limit_s=START_S)
        yield system


async def _make_database(postgres: PostgresServer, small_disk: Path | None) -> DatabaseUrls:
    await postgres.create_database(_DATABASE)
    urls = await postgres.create_roles(_DATABASE)
    if small_disk is not None:
        account = os.stat(f"/proc/{postgres.pid}")  # noqa: PTH116
        os.chown(small_disk, account.st_uid, account.st_gid)
        async with connected(postgres.superuser_url()) as connection:
            await connection.execute(f"create tablespace small location '{small_disk}'")
            await connection.execute(f"alter database {_DATABASE} set tablespace small")
    return urls


async def _end(system: System, simulators: list[Process]) -> None:
    for instance in system.instances:
        instance.child.send(signal.SIGCONT)
    await asyncio.gather(*(instance.child.end(signal.SIGINT, limit_s=10) for instance in system.instances))
    for simulator in simulators:
        await simulator.end()
    for restart in system.restarts:
        if restart.done():
            restart.result()
        restart.cancel()
