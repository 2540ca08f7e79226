"""Toolkits are lent while others are opened, and closed when they are served no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from app.core.tenant import Tenant
from app.db.session import Database
from app.integrations.openai import open_endpoint
from app.tenants import KnownTenant, TenantDirectory
from app.worker.toolkits import Toolkits
from tests.builders import a_known_tenant, a_tenant, an_account, an_instance, write_tenant

_LIMIT = timedelta(seconds=5)


class HangingDatabase:
    """A database in which no transaction begins."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[None]:
        self.asked.append(tenant_id)
        await asyncio.Event().wait()
        yield


@pytest.fixture
def database() -> HangingDatabase:
    return HangingDatabase()


@pytest.fixture
async def toolkits(database: HangingDatabase) -> AsyncIterator[Toolkits]:
    async with open_endpoint(api_key="key", base_url="http://127.0.0.1:1/v1", limit=_LIMIT) as endpoint:
        toolkits = Toolkits(
            database=cast("Database", database),
            endpoint=endpoint,
            model="gpt-4o-mini",
            fallback_model=None,
            judge_model=None,
            context_timeout=_LIMIT,
            model_timeout=_LIMIT,
            max_tokens=1_000,
            context_tokens=None,
            prices={},
            embedder=None,
            embedding_timeout=_LIMIT,
        )
        yield toolkits
        await toolkits.close()


async def lend(toolkits: Toolkits, known: KnownTenant) -> Any:
    """What one attempt is lent, after its end."""
    async with asyncio.timeout(_LIMIT.total_seconds()), toolkits.lend(known) as kit:
        return kit
    raise AssertionError


async def test_nobody_waits_while_anothers_toolkit_is_opened(toolkits: Toolkits, database: HangingDatabase) -> None:
    account = an_account(an_instance(), "bluebird", {"id": "7"})
    opened, fresh = a_known_tenant(a_tenant("acme")), a_known_tenant(a_tenant("cobalt"))
    await lend(toolkits, opened)
    opening = asyncio.create_task(lend(toolkits, a_known_tenant(account)))
    while not database.asked:
        await asyncio.sleep(0)
    await lend(toolkits, opened)
    await lend(toolkits, fresh)
    assert not opening.done()
    opening.cancel()
    await asyncio.wait([opening])


async def test_all_attempts_of_a_process_know_what_failed_in_it(toolkits: Toolkits) -> None:
    kits = [await lend(toolkits, a_known_tenant(a_tenant(slug))) for slug in ("acme", "bluebird")]
    claim: Any = SimpleNamespace(
        tenant_id=uuid4(), accepted_at=datetime.now(UTC), failing=frozenset(), open=frozenset()
    )
    asked = [kit.tools(claim).model.circuit.circuits for kit in kits for _ in range(2)]
    assert all(each is toolkits.circuits for each in asked)


async def test_a_toolkit_is_opened_once_however_many_ask_for_it(toolkits: Toolkits) -> None:
    known = a_known_tenant()
    kits = await asyncio.gather(*(lend(toolkits, known) for _ in range(5)))
    assert len({id(kit._model) for kit in kits}) == 1


def serve(folder: Path, tenant: Tenant, directory: TenantDirectory) -> KnownTenant:
    write_tenant(folder, tenant, webhook_secret="secret", api_key="key")
    directory.refresh()
    known = directory.find_slug(tenant.slug)
    assert known is not None
    return known


async def test_what_is_served_no_more_is_closed_when_nobody_uses_it(toolkits: Toolkits, tmp_path: Path) -> None:
    directory = TenantDirectory(tmp_path / "files", tmp_path / "secrets")
    stays = serve(tmp_path, a_tenant("acme"), directory)
    changes = serve(tmp_path, a_tenant("bluebird"), directory)
    goes = serve(tmp_path, a_tenant("cobalt"), directory)
    stayed, changed = [await lend(toolkits, known) for known in (stays, changes)]
    async with toolkits.lend(goes) as used:
        serve(tmp_path, changes.tenant.model_copy(update={"name": "Bluebird Ltd"}), directory)
        (tmp_path / "files" / "cobalt.yaml").unlink()
        directory.refresh()
        await toolkits.close_unserved(directory)
        assert is_open(stayed)
        assert not is_open(changed)
        assert is_open(used)
    assert not is_open(used)


def is_open(kit: Any) -> bool:
    return not kit.help_desk._api._outbound._sessions._direct["http"].closed
