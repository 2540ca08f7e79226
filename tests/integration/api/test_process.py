"""The API as a process: how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.core.signature import sign_body
from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer
from demo.launcher import CHECKOUT, Process
from tests.builders import a_body
from tests.connections import connected
from tests.integration.api.conftest import Tenants
from tests.integration.forked import run_command
from tests.integration.processes import open_api_process


async def test_sigterm_takes_readiness_first_and_lets_what_is_in_flight_end(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Tenants, tmp_path: Path
) -> None:
    async with (
        connected(urls.superuser) as blocker,
        open_api_process(urls, valkey, tenants.folder, tmp_path / "api.log", Process) as api,
    ):
        await api.ready()
        body = a_body(ticket_id="2001")
        headers = {
            "content-type": "application/json",
            "x-tenant-id": str(tenants.acme.id),
            "x-servicedesk-signature": sign_body(b"acme-current", body),
        }
        async with httpx.AsyncClient(base_url=api.url, timeout=20) as client:
            transaction = blocker.transaction()
            await transaction.start()
            await blocker.execute("lock table delivery in exclusive mode")
            in_flight = asyncio.create_task(client.post("/webhook/servicedesk", content=body, headers=headers))
            await asyncio.sleep(0.3)
            ending = asyncio.create_task(api.end())
            await asyncio.sleep(0.3)
            assert (await client.get("/health/ready")).status_code == 503
            assert (await client.get("/health/live")).status_code == 200
            await transaction.rollback()
            assert (await in_flight).status_code == 202
        assert await ending == 0


async def test_a_connection_is_kept_only_for_webhooks_that_come_one_after_the_other(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Tenants, tmp_path: Path
) -> None:
    async with open_api_process(urls, valkey, tenants.folder, tmp_path / "api.log") as api:
        await api.ready()

        async def call(client: httpx.AsyncClient, number: int, *, secret: bytes = b"acme-current") -> tuple[int, str]:
            body = a_body(ticket_id=f"30{number}")
            headers = {
                "content-type": "application/json",
                "x-tenant-id": str(tenants.acme.id),
                "x-servicedesk-signature": sign_body(secret, body),
            }
            answer = await client.post("/webhook/servicedesk", content=body, headers=headers)
            return answer.status_code, answer.headers["connection"]

        async with httpx.AsyncClient(base_url=api.url) as client:
            assert await call(client, 1) == (202, "close")
            assert [await call(client, number) for number in (2, 3, 4)] == [(202, "keep-alive")] * 3
            assert await call(client, 5, secret=b"guessed") == (401, "close")
            assert (await client.get("/health/live")).headers["connection"] == "close"
            await asyncio.sleep(1.1)
            assert await call(client, 6) == (202, "close")


async def test_the_process_serves_without_postgresql_and_becomes_ready_when_it_is_there(
    urls: DatabaseUrls, valkey: ValkeyServer, postgres: PostgresServer, tenants: Tenants, tmp_path: Path
) -> None:
    await postgres.stop()
    try:
        async with open_api_process(urls, valkey, tenants.folder, tmp_path / "api.log") as api:
            async with httpx.AsyncClient(base_url=api.url) as client:
                for _ in range(200):
                    try:
                        if (await client.get("/health/live")).status_code == 200:
                            break
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
                assert (await client.get("/health/ready")).status_code == 503
                assert (await client.get("/health")).status_code == 503
            await postgres.start()
            await api.ready()
    finally:
        if not postgres.is_running:
            await postgres.start()


async def test_a_taken_port_ends_the_process_with_one_clear_line(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Tenants, tmp_path: Path
) -> None:
    async with open_api_process(urls, valkey, tenants.folder, tmp_path / "first.log") as first:
        await first.ready()
        ended = await asyncio.to_thread(
            run_command,
            "api",
            DATABASE_URL=urls.intake,
            REDIS_URL=valkey.url,
            API_HOST="127.0.0.1",
            API_PORT=str(first.port),
        )
        assert ended.returncode == 1
        assert f"127.0.0.1:{first.port}" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
def test_a_missing_variable_ends_the_process_with_a_line_that_names_it(command: str) -> None:
    ended = run_command(command)
    assert ended.returncode == 1
    name = "MIGRATION_DATABASE_URL" if command == "migrate" else "DATABASE_URL"
    assert any(
        line.startswith(f"{name}: is required and not set, e.g. postgresql://") for line in ended.stderr.splitlines()
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "left_out",
    [
        {
            "app.api.app": "langgraph openai sqlmodel sqlalchemy genai_prices authlib kubernetes",
            "app.sync": "langgraph openai authlib kubernetes",
            "app.smoke": "langgraph openai authlib kubernetes",
            "app.console.app": "langgraph openai genai_prices kubernetes",
        },
        {"app.worker.app": "sqlmodel sqlalchemy authlib kubernetes"},
    ],
    ids=["api, sync, smoke, console", "worker"],
)
def test_a_process_loads_no_library_that_it_does_without(left_out: dict[str, str]) -> None:
    """Those that stand together are loaded one after another: what is not there then, none of those before has loaded."""
    code = f"""
import importlib, sys
for process, libraries in {left_out}.items():
    importlib.import_module(process)
    print(process, [name for name in libraries.split() if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [f"{process} []" for process in left_out]


async def test_a_database_that_is_missing_at_first_is_told_and_made_good(
    urls: DatabaseUrls, valkey: ValkeyServer, postgres: PostgresServer, tenants: Tenants, tmp_path: Path
) -> None:
    missing = replace(urls, intake=urls.intake.rpartition("/")[0] + "/late")
    async with (
        open_api_process(missing, valkey, tenants.folder, tmp_path / "api.log") as api,
        httpx.AsyncClient(base_url=api.url) as client,
        asyncio.timeout(20),
    ):
        log = tmp_path / "api.log"
        while not log.exists() or "not_ready_yet" not in log.read_text():
            await asyncio.sleep(0.05)
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
        await postgres.create_database("late", template="migrated")
        await api.ready()
    await postgres.drop_database("late")
