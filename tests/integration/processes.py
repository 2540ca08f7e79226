"""An API and a worker as processes, on the tests' servers: forks, unless *start* says otherwise.

`Process` is for what a fork shows wrongly: its start, its command line and its memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from demo.embedded import DatabaseUrls, ValkeyServer
from demo.launcher import Process
from tests.integration.forked import ForkedProcess


@asynccontextmanager
async def _open_process(
    command: str,
    urls: DatabaseUrls,
    valkey: ValkeyServer,
    tenants: Path,
    log: Path,
    start: type[Process] = ForkedProcess,
    /,
    **variables: str,
) -> AsyncIterator[Process]:
    own = {
        "api": {"DATABASE_URL": urls.intake},
        "worker": {"DATABASE_URL": urls.worker, "OPENAI_API_KEY": "offline"},
    }
    told = own[command] | common_variables(valkey, tenants) | variables
    process = start("app", command, variables=told, log=log)
    try:
        yield process
    finally:
        process.kill()


open_api_process = partial(_open_process, "api")
open_worker_process = partial(_open_process, "worker")


def common_variables(valkey: ValkeyServer, tenants: Path) -> dict[str, str]:
    """What any process of the product is told. *tenants* holds what `write_tenant` wrote."""
    return {
        "REDIS_URL": valkey.url,
        "TENANTS_DIR": str(tenants / "files"),
        "TENANT_SECRETS_DIR": str(tenants / "secrets"),
    }
