"""Real servers for the tests: one PostgreSQL and one Valkey a session, one migrated database a test module."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from app.db.ledger.intake import Intake, open_intake
from app.db.migrate import migrate
from app.db.session import Database, open_database
from app.simulator.helpdesk import HelpDeskSimulator
from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer, open_postgres, open_valkey
from demo.offline_model import ModelSimulator
from demo.run_folder import RunFolder, open_run_folder
from tests.connections import connected

_TEMPLATE = "migrated"


async def add_pgvector(urls: DatabaseUrls) -> None:
    """As the provider of the database does."""
    async with connected(urls.superuser) as connection:
        await connection.execute("create extension vector")


@pytest.fixture(scope="session")
def run_folder() -> Iterator[RunFolder]:
    """Where the servers live: a test run that is killed leaves none of them behind."""
    with open_run_folder(Path(__file__).parents[2] / ".demo") as folder:
        yield folder


@pytest.fixture(scope="session")
async def postgres(run_folder: RunFolder) -> AsyncIterator[PostgresServer]:
    """A server with one migrated database that `urls` copies. It has pgvector, which production may lack."""
    async with open_postgres(run_folder, is_durable=False) as server:
        await server.create_database(_TEMPLATE)
        urls = await server.create_roles(_TEMPLATE)
        await add_pgvector(urls)
        await migrate(urls.owner, tell=lambda _: None)
        yield server


@pytest.fixture(scope="module")
async def urls(postgres: PostgresServer, request: pytest.FixtureRequest) -> AsyncIterator[DatabaseUrls]:
    """A migrated database of this module's own."""
    name = re.sub(r"\W", "_", request.module.__name__.rpartition(".")[2])
    await postgres.create_database(name, template=_TEMPLATE)
    yield await postgres.create_roles(name)
    await postgres.drop_database(name)


@pytest.fixture(scope="module")
async def superuser(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the module's database that may do anything."""
    async with connected(urls.superuser) as connection:
        yield connection


@pytest.fixture(scope="module")
async def worker_db(urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The module's database as the worker's role."""
    async with open_database(urls.worker, pool_size=10) as database:
        yield database


@pytest.fixture(scope="module")
async def intake(urls: DatabaseUrls) -> AsyncIterator[Intake]:
    """Stores deliveries in the module's database, as the API does."""
    async with open_intake(urls.intake) as opened:
        yield opened


@pytest.fixture(scope="session")
async def valkey(run_folder: RunFolder) -> AsyncIterator[ValkeyServer]:
    async with open_valkey(run_folder) as server:
        yield server


@pytest.fixture
async def help_desk() -> AsyncIterator[HelpDeskSimulator]:
    simulator = HelpDeskSimulator()
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def model() -> AsyncIterator[ModelSimulator]:
    simulator = ModelSimulator()
    await simulator.start()
    yield simulator
    await simulator.stop()
