"""An API and a worker as processes, on the tests' servers: forks, unless *start* says otherwise.

`Process` is for what a fork shows wrongly: its start, its command line and its memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from demo.embedded import DatabaseUrls, ValkeyServer
from demo.launcher import Process
from tests.integration.forked import ForkedProcess


@asynccontextmanager
async def open_api_process(
    urls: DatabaseUrls,
    valkey: ValkeyServer,
    tenants: Path,
    log: Path,
    start: type[Process] = ForkedProcess,
    /,
    **variables: str,
) -> AsyncIterator[Process]:
    told = {"DATABASE_URL": urls.intake, **common_variables(valkey, tenants), **variables}
    process = start("app", "api", variables=told, log=log)
    try:
        yield process
    finally:
        process.kill()


@asynccontextmanager
async def open_worker_process(
    urls: DatabaseUrls,
    valkey: ValkeyServer,
    tenants: Path,
    log: Path,
    start: type[Process] = ForkedProcess,
    /,
    **variables: str,
) -> AsyncIterator[Process]:
    told = {
        "DATABASE_URL": urls.worker,
        "OPENAI_API_KEY": "offline",
        **common_variables(valkey, tenants),
        **variables,
    }
    process = start("app", "worker", variables=told, log=log)
    try:
        yield process
    finally:
        process.kill()


def common_variables(valkey: ValkeyServer, tenants: Path) -> dict[str, str]:
    """What any process of the product is told. *tenants* holds what `write_tenant` wrote."""
    return {
        "REDIS_URL": valkey.url,
        "TENANTS_DIR": str(tenants / "files"),
        "TENANT_SECRETS_DIR": str(tenants / "secrets"),
    }
