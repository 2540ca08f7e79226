"""The embedded servers of one run, with an empty database and its roles, as a provider would deliver them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer, open_postgres, open_valkey
from demo.failure import RunFailed
from demo.run_folder import RunFolder
from demo.side_by_side import side_by_side

_DATABASE: Final = "ai_agents"


@dataclass(frozen=True)
class Servers:
    """Both servers, ready."""

    postgres: PostgresServer
    valkey: ValkeyServer
    urls: DatabaseUrls
    logs: Path
    """The folder of their logs."""

    def check(self) -> None:
        """Raise RunFailed when one has ended."""
        for name, server in (("PostgreSQL", self.postgres), ("Valkey", self.valkey)):
            if not server.is_running:
                log = next(self.logs.glob("valkey*.log" if server is self.valkey else "postgres*.log"), None)
                raise RunFailed(f"{name} (process {server.pid}) has ended", log=log)


async def start_servers(run: RunFolder, stack: AsyncExitStack) -> Servers:
    """Start both servers; *stack* stops them."""

    async def postgres() -> tuple[PostgresServer, DatabaseUrls]:
        # The data is not used after the run, so it need not survive a crash of the machine.
        server = await stack.enter_async_context(open_postgres(run, is_durable=False))
        await server.create_database(_DATABASE)
        return server, await server.create_roles(_DATABASE)

    async def valkey() -> ValkeyServer:
        return await stack.enter_async_context(open_valkey(run))

    (server, urls), cache = await side_by_side(postgres(), valkey())
    return Servers(postgres=server, valkey=cache, urls=urls, logs=run.path)
