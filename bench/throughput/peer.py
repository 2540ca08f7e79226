"""The usual stack (`bench/peer`) as a side of the comparison."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Literal

import asyncpg

from bench.throughput.corpus import load_texts, split
from bench.throughput.system import SECRET, TENANT_IDS, Program, Stub, System
from demo.embedded import DatabaseUrls, find_free_port
from demo.failure import RunFailed
from demo.launcher import CHECKOUT, environment

PYTHON: Final = CHECKOUT / ".venv" / ".peer" / "bin" / "python"
Form = Literal["bare", "same"]
POOLS: Final = {"few": ("prefork", 4), "many": ("threads", 100)}


class Peer:
    """The usual stack, in one of its two forms."""

    def __init__(self, system: System, *, form: Form, texts: Path | None) -> None:
        if not PYTHON.exists():
            raise RunFailed("the peer's environment is missing: make .venv/.peer-ready")
        self._system = system
        self._form = form
        self._texts = texts
        self.name = f"peer_{form}"

    async def prepare(self) -> None:
        """Make the database from which `fresh` copies: the tables, and the history of each tenant."""
        await self._system.postgres.create_database("template_peer")
        urls = await self._system.postgres.create_roles("template_peer")
        variables = {"DATABASE_URL": urls.owner, "REDIS_URL": self._system.valkey.url}
        made = await asyncio.create_subprocess_exec(
            str(PYTHON), "-m", "bench.peer.prepare", env=environment(**variables), cwd=CHECKOUT
        )
        if await made.wait():
            raise RunFailed("bench.peer.prepare failed")
        past, _ = split(load_texts(self._texts))
        past = past[-self._system.history :]
        connection = await asyncpg.connect(urls.superuser)
        try:
            for tenant_id in TENANT_IDS:
                await connection.copy_records_to_table(
                    "ticket",
                    columns=["tenant_id", "id", "subject", "description", "resolution"],
                    records=[
                        (tenant_id, str(number), each.subject, each.description, each.resolution)
                        for number, each in enumerate(past)
                    ],
                )
                await connection.copy_records_to_table(
                    "asset",
                    columns=["tenant_id", "id", "name", "address"],
                    records=[
                        (tenant_id, str(number), f"PC-{number:04}", f"10.20.{number % 250}.{number % 199}")
                        for number in range(500)
                    ],
                )
            await connection.execute("vacuum analyze")
        finally:
            await connection.close()

    async def fresh(self, name: str) -> DatabaseUrls:
        """A database with the history and no delivery."""
        return await self._system.copy_of("template_peer", name)

    def write_tenants(self, help_desk: str) -> None:
        """It knows one help desk, which `start_worker` tells it."""

    def start_api(self, urls: DatabaseUrls) -> tuple[Program, int]:
        """The API, not waited for, and its port."""
        port = find_free_port()
        program = self._start(
            "api",
            [
                *("uvicorn", "bench.peer.api:app", "--host", "127.0.0.1", "--port", str(port)),
                *("--loop", "uvloop", "--http", "httptools", "--backlog", "1024"),
            ],
            urls.intake,
        )
        return program, port

    def start_worker(self, urls: DatabaseUrls, stub: Stub, *, slots: Literal["few", "many"]) -> Program:
        """A worker, not waited for: four processes, or a hundred threads."""
        pool, number = POOLS[slots]
        command = ["celery", "--app", "bench.peer.worker", "worker", "--loglevel", "INFO", "--pool", pool]
        return self._start(
            "worker",
            [*command, "--concurrency", str(number)],
            urls.worker,
            HELP_DESK_URL=stub.url,
            MODEL_URL=f"{stub.url}/v1",
        )

    def in_work(self, slots: Literal["few", "many"]) -> int:
        """How many deliveries such a worker has in work at most."""
        return POOLS[slots][1]

    def _start(self, name: str, arguments: list[str], database_url: str, **more: str) -> Program:
        return Program(
            [str(PYTHON), "-m", *arguments],
            variables={
                "DATABASE_URL": database_url,
                "REDIS_URL": self._system.valkey.url,
                "WEBHOOK_SECRET": SECRET,
                "PEER_FORM": self._form,
                **more,
            },
            log=self._system.log(f"{self.name}-{name}"),
            run=self._system.run,
        )
