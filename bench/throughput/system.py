"""What a measurement runs on: embedded PostgreSQL and Valkey with fsync, the stub, and the processes under test.

Invariant: the process under test and its children run on one core, everything else on the other; in a soak, and where
several are under test, all on both.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import aiohttp
import asyncpg
from redis.asyncio import Redis

from app.queue import STREAM
from bench.throughput.machine import OTHER_CORE, SERVER_CORE, cpu_s, pinned
from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer, find_free_port, open_postgres, open_valkey
from demo.failure import RunFailed
from demo.launcher import CHECKOUT, environment
from demo.run_folder import RunFolder, open_run_folder
from tests.builders import a_tenant, write_tenant

# Several, since a tenant may make 6,000 calls a minute at most, and a note takes two or more.
TENANT_IDS: Final = tuple(UUID(int=0x6B0F3A52_74D1_4C6E_8F0D_5B1F2A9C7E00 + number) for number in range(4))
SECRET: Final = "webhook-secret"  # noqa: S105 - of tenants that exist here alone
MANY: Final = 400
"""Deliveries in work at once, where the model is slow."""
_POLL_S: Final = 0.02
# Of the commit that is measured: an older one allows fewer.
_SLOTS: Final = (
    "from app.settings import WorkerSettings as Settings\n"
    "field = Settings.model_fields['worker_concurrency']\n"
    "print(field.default, next(each.le for each in field.metadata if hasattr(each, 'le')))"
)


class Program:
    """A process that was started for a measurement."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        variables: Mapping[str, str],
        log: Path,
        run: RunFolder,
        cwd: Path = CHECKOUT,
        cores: frozenset[int] = SERVER_CORE,
    ) -> None:
        self._log = log
        with log.open("wb") as output, pinned(cores):
            self._popen = subprocess.Popen(
                command,
                env=environment(**variables),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        run.record(self.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.pid)

    def check(self) -> None:
        if self._popen.poll() is not None:
            raise RunFailed(f"{self._log.stem} has ended with status {self._popen.returncode}", log=self._log)

    async def line(self) -> str:
        """The first line that it writes."""
        while "\n" not in (text := self._log.read_text(errors="replace")):
            self.check()
            await asyncio.sleep(_POLL_S)
        return text.partition("\n")[0]

    async def finish(self) -> list[str]:
        """Wait until it ends by itself. Returns the lines that it wrote."""
        while self._popen.poll() is None:  # noqa: ASYNC110 - outside this process
            await asyncio.sleep(_POLL_S)
        if self._popen.returncode:
            self.check()
        return self._log.read_text(errors="replace").splitlines()

    async def answers(self, url: str, *, limit_s: float = 60) -> None:
        """Wait until *url* answers with a success."""
        deadline = time.monotonic() + limit_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as session:
            while True:
                self.check()
                try:
                    async with session.get(url) as answer:
                        if answer.ok:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                if time.monotonic() > deadline:
                    raise RunFailed(f"{self._log.stem} did not get ready", log=self._log)
                await asyncio.sleep(_POLL_S)

    async def end(self, *, limit_s: float = 20) -> None:
        """SIGINT, and SIGKILL after *limit_s*."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGINT)
        deadline = time.monotonic() + limit_s
        while self._popen.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110 - outside this process
            await asyncio.sleep(_POLL_S)
        if self._popen.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()


@dataclass(slots=True)
class Stub:
    """The help desk and the model."""

    program: Program
    url: str
    session: aiohttp.ClientSession

    async def told(self) -> dict[str, Any]:
        """`notes`: ticket → the monotonic times of its notes; `asked`: calls of the model; `unknown`: bad calls."""
        async with self.session.get(f"{self.url}/bench/notes") as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def set_latency(self, seconds: float) -> None:
        async with self.session.post(f"{self.url}/bench/latency/{seconds}"):
            pass


@dataclass(slots=True)
class System:
    """The servers of one run, and what makes processes of the product."""

    run: RunFolder
    postgres: PostgresServer
    valkey: ValkeyServer
    history: int
    started: int = 0
    _copies: dict[str, str] = field(default_factory=dict)

    async def copy_of(self, template: str, name: str) -> DatabaseUrls:
        """A copy of the database *template*. The copy before it is removed: one of each measure would fill the disk."""
        if before := self._copies.get(template):
            await self.postgres.drop_database(before)
        self._copies[template] = name
        await self.postgres.create_database(name, template=template)
        return await self.postgres.create_roles(name)

    @asynccontextmanager
    async def open_stub(self) -> AsyncIterator[Stub]:
        """A new stub, which holds no note."""
        program = Program(
            [sys.executable, "-m", "bench.throughput.stub", str(self.history)],
            variables={name: os.environ[name] for name in ("RETRIEVAL_DATA",) if name in os.environ},  # noqa: TID251
            log=self.log("stub"),
            run=self.run,
            cores=frozenset(os.sched_getaffinity(0)),
        )
        try:
            port = await program.line()
            async with aiohttp.ClientSession() as session:
                yield Stub(program, f"http://127.0.0.1:{port}", session)
        finally:
            await program.end()

    async def empty_valkey(self) -> None:
        async with Redis.from_url(self.valkey.url) as redis:
            await redis.flushall()

    async def stream_bytes(self) -> int:
        """What the rings take of Valkey's memory."""
        async with Redis.from_url(self.valkey.url) as redis:
            return int(await redis.memory_usage(STREAM, samples=0) or 0)

    def log(self, name: str) -> Path:
        """A new file for the output of a process."""
        self.started += 1
        return self.run.path / f"{self.started}-{name}.log"


@asynccontextmanager
async def open_system(
    *, history: int, options: Mapping[str, str] | None = None, cores: frozenset[int] = OTHER_CORE
) -> AsyncIterator[System]:
    """Start both servers. They, this process and the load run on *cores*. *options*: more of PostgreSQL's."""
    async with AsyncExitStack() as stack:
        os.sched_setaffinity(0, cores & os.sched_getaffinity(0) or os.sched_getaffinity(0))
        run = stack.enter_context(open_run_folder(CHECKOUT / ".demo"))
        postgres = await stack.enter_async_context(
            open_postgres(
                run,
                options={
                    "max_connections": "500",
                    "shared_buffers": "256MB",
                    "max_wal_size": "1GB",
                    **(options or {}),
                },
            )
        )
        valkey = await stack.enter_async_context(open_valkey(run))
        yield System(run, postgres, valkey, history)


class Ours:
    """The product, from the checkout *tree*."""

    def __init__(
        self,
        system: System,
        *,
        tree: Path = CHECKOUT,
        name: str = "ours",
        python: str = sys.executable,
        cores: frozenset[int] = SERVER_CORE,
    ) -> None:
        self._cores = cores
        self._system = system
        self._tree = tree
        self._python = python
        self.name = name
        self._slots = {"few": 0, "many": 0}
        self._folder = system.run.path / f"tenants-{name}"

    async def prepare(self) -> None:
        """Make the database from which `fresh` copies: the schema, and the history by `ai-agents sync`."""
        asking = await asyncio.create_subprocess_exec(
            self._python, "-c", _SLOTS, cwd=self._tree, env=environment(), stdout=asyncio.subprocess.PIPE
        )
        usual, most = map(int, (await asking.communicate())[0].split())
        self._slots = {"few": usual, "many": min(MANY, most)}
        await self._system.postgres.create_database(self._template)
        urls = await self._system.postgres.create_roles(self._template)
        await self._finish("migrate", {"MIGRATION_DATABASE_URL": urls.owner})
        async with self._system.open_stub() as stub:
            self.write_tenants(stub.url, count=1)
            await self._finish("sync", {**self.variables(urls.worker), "LOG_LEVEL": "warning"})
        connection = await asyncpg.connect(urls.superuser)
        try:
            await _copy_tenant(connection)
            await connection.execute("vacuum analyze")
        finally:
            await connection.close()

    @property
    def _template(self) -> str:
        return f"template_{self.name}"

    async def fresh(self, name: str) -> DatabaseUrls:
        """A database with the history and no delivery."""
        return await self._system.copy_of(self._template, name)

    def write_tenants(self, help_desk: str, *, count: int = len(TENANT_IDS)) -> None:
        """The files of the first *count* tenants."""
        for number, tenant_id in enumerate(TENANT_IDS[:count]):
            tenant = a_tenant(
                f"tenant-{number}",
                id=tenant_id,
                servicedesk={"url": f"{help_desk}/at/{number}", "calls_per_minute": 6_000},
                limits={"concurrency": 256},
            )
            write_tenant(self._folder, tenant, webhook_secret=SECRET, api_key="key")

    def variables(self, database_url: str) -> dict[str, str]:
        return {
            "DATABASE_URL": database_url,
            "REDIS_URL": self._system.valkey.url,
            "TENANTS_DIR": str(self._folder / "files"),
            "TENANT_SECRETS_DIR": str(self._folder / "secrets"),
        }

    async def _finish(self, command: str, variables: Mapping[str, str]) -> None:
        log = self._system.log(command)
        program = await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            "app",
            command,
            env=environment(**variables),
            cwd=self._tree,
            stdout=log.open("wb"),
            stderr=asyncio.subprocess.STDOUT,
        )
        if await program.wait():
            raise RunFailed(f"{command} failed", log=log)

    def start_worker(
        self,
        urls: DatabaseUrls,
        stub: Stub,
        *,
        slots: Literal["few", "many"] = "few",
        wrap: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Program:
        """A worker, not waited for: with as many slots as it has by default, or with `MANY`.

        *wrap*: a command that runs it, e.g. a profiler. *variables*: more of its environment.
        """
        return Program(
            [*wrap, self._python, "-m", "app", "worker"],
            variables={
                **self.variables(urls.worker),
                "OPENAI_API_KEY": "offline",
                "OPENAI_BASE_URL": f"{stub.url}/v1",
                "PROMETHEUS_PORT": str(find_free_port()),
                **({"WORKER_CONCURRENCY": str(self.in_work(slots))} if slots == "many" else {}),
                **(variables or {}),
            },
            log=self._system.log(f"{self.name}-worker"),
            run=self._system.run,
            cwd=self._tree,
            cores=self._cores,
        )

    def in_work(self, slots: Literal["few", "many"]) -> int:
        """How many deliveries such a worker has in work at most."""
        return self._slots[slots]

    def start_api(
        self, urls: DatabaseUrls, *, wrap: Sequence[str] = (), variables: Mapping[str, str] | None = None
    ) -> tuple[Program, int]:
        """An API, not waited for, and its port."""
        port = find_free_port()
        program = Program(
            [*wrap, self._python, "-m", "app", "api"],
            variables={
                **self.variables(urls.intake),
                "API_HOST": "127.0.0.1",
                "API_PORT": str(port),
                **(variables or {}),
            },
            log=self._system.log(f"{self.name}-api"),
            run=self._system.run,
            cwd=self._tree,
            cores=self._cores,
        )
        return program, port


async def _copy_tenant(connection: asyncpg.Connection[Any]) -> None:
    """Give every tenant the rows of the first: a sync of each would take minutes."""
    tables = await connection.fetch(
        "select table_name, array_agg(column_name::text) as columns from information_schema.columns"
        " natural join information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
        " and is_generated = 'NEVER' group by 1"
        " having bool_or(column_name = 'tenant_id')"
    )
    await connection.execute("set session_replication_role = replica")  # neither triggers nor the order of references
    for table in tables:
        name, others = table["table_name"], ", ".join(f'"{each}"' for each in table["columns"] if each != "tenant_id")
        for tenant_id in TENANT_IDS[1:]:
            await connection.execute(
                f'insert into "{name}" (tenant_id, {others}) overriding system value'  # noqa: S608 - our own names
                f" select '{tenant_id}', {others} from \"{name}\" where tenant_id = '{TENANT_IDS[0]}'"
            )
