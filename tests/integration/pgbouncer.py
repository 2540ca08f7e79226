"""A real PgBouncer, as a process of the test run, in front of the tests' PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from demo.embedded import DatabaseUrls, Server, _find_account, _private_folder
from demo.run_folder import RunFolder

SERVER_CONNECTIONS = 3
"""For each role and database; fewer than the clients that use them at once."""


def _documented_query() -> str:
    """PgBouncer's `connect_query` as docs/configuration.md gives it, in its quotes."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    (query,) = re.findall(r"connect_query=('.+')$", page, re.MULTILINE)
    return str(query)


class PgBouncer(Server):
    """One PgBouncer. Like PostgreSQL it refuses to run as root."""

    def __init__(self, binary: str, urls: DatabaseUrls, *, pool_mode: str, home: Path, run: RunFolder) -> None:
        super().__init__("PgBouncer", log=home / "pgbouncer.log", run=run)
        self._binary = binary
        self._urls = urls
        self.mode = pool_mode
        self._home = home
        self._account = _find_account()

    @property
    def urls(self) -> DatabaseUrls:
        """The database as each role reaches it through the pool."""
        return replace(self._urls, worker=self._pooled(self._urls.worker), intake=self._pooled(self._urls.intake))

    def _pooled(self, url: str) -> str:
        parts = urlsplit(url)
        return url.replace(f"@{parts.hostname}:{parts.port}/", f"@127.0.0.1:{self.port}/")

    def _spawn(self) -> subprocess.Popen[bytes]:
        logins = [urlsplit(url) for url in (self._urls.worker, self._urls.intake)]
        users = self._home / "users.txt"
        users.write_text("".join(f'"{login.username}" "{login.password}"\n' for login in logins))
        config = self._home / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={logins[0].port} connect_query={_documented_query()}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {users}\npool_mode = {self.mode}\n"
            f"default_pool_size = {SERVER_CONNECTIONS}\nmax_client_conn = 500\n"
        )
        self._account.give(self._home)
        return self._account.spawn([self._binary, config], log=self._log)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.urls.worker, ssl=False, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True


@asynccontextmanager
async def open_pgbouncer(urls: DatabaseUrls, run: RunFolder, *, pool_mode: str) -> AsyncIterator[PgBouncer]:
    """A PgBouncer in front of *urls*; the test that asks for it is skipped where it isn't installed."""
    binary = shutil.which(
        "pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    if binary is None:
        pytest.skip("PgBouncer is not installed (make test-machine installs it): pooling is not tested")
    with ExitStack() as stack:
        home = stack.enter_context(_private_folder(_find_account(), run))
        server = PgBouncer(binary, urls, pool_mode=pool_mode, home=home, run=run)
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
