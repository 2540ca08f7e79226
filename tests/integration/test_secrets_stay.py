"""No process tells a secret: not of a wrong one, not when it crashes, not in its metrics, not in the process list."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from app.core.tenant import Tenant
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.launcher import CHECKOUT, Process, environment
from tests.builders import a_body, a_tenant, write_tenant
from tests.integration.forked import ForkedProcess
from tests.integration.processes import open_api_process, open_worker_process

CANARY = "c4n4ry-7f3a91"
FAILED_NOW = "127.0.0.1:9"
# What passes the check of the settings and reaches a driver, and one that does not: tests/unit has more of those.
DATABASES = [
    f"postgresql://user:{CANARY}@{FAILED_NOW}/x?sslmode={CANARY}",
    f"postgresql://user:{CANARY}@{FAILED_NOW}/x?a={CANARY}",
]
REDISES = [
    f"redis://:{CANARY}@{FAILED_NOW}/{CANARY}",
    f"redis://user:{CANARY}@{FAILED_NOW}/0?db={CANARY}",
    f"redis://:{CANARY}@{FAILED_NOW}/0?socket_timeout={CANARY}",
    f"rediss://:{CANARY}@{FAILED_NOW}/0?ssl_cert_reqs={CANARY}",
]
WRONG: dict[str, dict[str, list[str]]] = {
    "api": {"DATABASE_URL": DATABASES, "REDIS_URL": REDISES},
    "worker": {"DATABASE_URL": [CANARY], "REDIS_URL": REDISES, "OPENAI_API_KEY": [f"sk-{CANARY} x"]},
    "console": {
        "REDIS_URL": REDISES[:1],
        "CONSOLE_TOKEN": [CANARY[:8], f"{CANARY} é"],
        "CONSOLE_SESSION_KEY": [CANARY],
        "CONSOLE_OIDC_CLIENT_SECRET": [CANARY],
    },
    "sync": {},
    "migrate --wait 1": {"MIGRATION_DATABASE_URL": DATABASES},
    "deliveries list --tenant acme": {"DATABASE_URL": DATABASES[:1]},
    "webhook send --tenant acme 1 --url http://127.0.0.1:9": {},
    "tenants check": {},
}
CASES = [
    (command, name, value)
    for command, wrong in WRONG.items()
    for name, values in {"LOG_FORMAT": ["json"], **wrong}.items()
    for value in values
]
SERVERS = {"api", "worker", "console"}
RUNS_S = 2.5
"""For what would serve for ever; the others end by themselves."""


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    write_tenant(folder, a_tenant(), webhook_secret=f"hook-{CANARY}", api_key=f"key-{CANARY}")
    write_tenant(folder, a_tenant("bad"), webhook_secret=f"whsec_{CANARY}", api_key=f"{CANARY}é")
    write_tenant(folder, a_tenant("token", webhook={"auth": "token"}), webhook_secret=f"{CANARY} {CANARY}")
    return folder


def given(tenants: Path) -> dict[str, str]:
    """Variables of the right form, their passwords canaries, to servers that are not there."""
    return {
        "DATABASE_URL": f"postgresql://user:{CANARY}@{FAILED_NOW}/x",
        "MIGRATION_DATABASE_URL": f"postgresql://user:{CANARY}@{FAILED_NOW}/x",
        "REDIS_URL": f"redis://:{CANARY}@{FAILED_NOW}/0",
        "OPENAI_API_KEY": f"sk-{CANARY}",
        "CONSOLE_TOKEN": f"{CANARY}-of-16-and-more",
        "CONSOLE_PORT": "0",
        "TENANTS_DIR": str(tenants / "files"),
        "TENANT_SECRETS_DIR": str(tenants / "secrets"),
        "LOG_LEVEL": "debug",
    }


async def test_no_process_tells_a_wrong_secret(tenants: Path, tmp_path: Path) -> None:
    """Each command with each of its secrets wrong in several ways; four at a time."""
    turn = asyncio.Semaphore(4)

    async def check(number: int, command: str, name: str, value: str) -> str:
        log = tmp_path / f"{number}.log"
        async with turn:
            process = ForkedProcess("app", *command.split(), variables=given(tenants) | {name: value}, log=log)
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RUNS_S if command in SERVERS else 60):
                        while process.is_running:
                            await asyncio.sleep(0.05)
            finally:  # also when another one has failed: a run waits for the processes that it forked
                process.kill()
        output = log.read_text()
        assert CANARY not in output, (command, name, value, output)
        assert "Traceback" not in output, (command, name, value, output)
        return output

    outputs = await asyncio.gather(*(check(number, *case) for number, case in enumerate(CASES)))
    assert any("PostgreSQL" in output for output in outputs)
    assert any("bad: " in output for output in outputs)


def test_a_crash_tells_where_and_not_what() -> None:
    code = (
        "import click, app.cli as c\n"
        "@c.cli.command()\n"
        f"def crash(secret={CANARY!r}):\n"
        "    raise ValueError(f'told: {secret}') from KeyError(secret)\n"
        "import sys; sys.argv = ['ai-agents', 'crash']; c.main()\n"
    )
    crashed = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=environment(), capture_output=True, text=True, check=False
    )
    output = crashed.stdout + crashed.stderr
    assert "Error: ValueError, a bug of ours." in output
    assert "crash" in output
    assert CANARY not in output


def listing(process: Process) -> str:
    """What `ps` shows of it."""
    return Path(f"/proc/{process.pid}/cmdline").read_text()


async def test_metrics_logs_and_answers_of_a_running_api_hold_no_secret(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Path, tmp_path: Path
) -> None:
    from app.tenants import TenantDirectory

    directory = TenantDirectory(tenants / "files", tenants / "secrets")
    directory.refresh()
    known = directory.find_slug("acme")
    assert known is not None
    acme: Tenant = known.tenant
    async with open_api_process(urls, valkey, tenants, tmp_path / "api.log", Process, LOG_LEVEL="debug") as api:
        await api.ready()
        async with httpx.AsyncClient(base_url=api.url) as client:
            headers = {"content-type": "application/json", "x-tenant-id": str(acme.id)}
            for secret in (f"hook-{CANARY}", f"Bearer hook-{CANARY}", f"sha256={CANARY}"):
                for name in ("authorization", "x-servicedesk-signature", "webhook-signature"):
                    answer = await client.post(
                        "/webhook/servicedesk", content=a_body(), headers={**headers, name: secret}
                    )
                    assert answer.status_code == 401
                    assert CANARY not in answer.text + str(answer.headers)
            assert CANARY not in (await client.get("/metrics")).text
            assert CANARY not in (await client.get("/health")).text
        assert CANARY not in listing(api)
        await api.end()
    text = api.log.read_text()
    assert "webhook_refused" in text
    assert CANARY not in text


async def test_a_worker_tells_no_secret_while_it_looks_for_work(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Path, tmp_path: Path
) -> None:
    async with open_worker_process(
        urls, valkey, tenants, tmp_path / "worker.log", Process, LOG_LEVEL="debug"
    ) as worker:
        await worker.ready()
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{worker.url}/metrics")).text
        assert "tenant_file_bad" in metrics
        assert CANARY not in metrics
        assert CANARY not in listing(worker)
        await worker.end()
    assert CANARY not in worker.log.read_text()
