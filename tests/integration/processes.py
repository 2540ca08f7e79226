"""The product's processes as a pod runs them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from demo.embedded import DatabaseUrls, ValkeyServer, find_free_port

CHECKOUT = Path(__file__).parents[2]


class Process:
    """A child whose output goes to *log*."""

    def __init__(self, command: str, environment: dict[str, str], *, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self.started = time.monotonic()
        self._file = log.open("ab")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "app", command], cwd=CHECKOUT, env=environment, stdout=self._file, stderr=self._file
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    async def ready(self, *, limit_s: float = 60.0) -> float:
        """Wait until it says that it is ready; the seconds since its start."""
        async with httpx.AsyncClient() as client, asyncio.timeout(limit_s):
            while True:
                assert self.child.poll() is None, self.log.read_text()
                try:
                    if (await client.get(f"{self.url}/health/ready")).status_code == 200:
                        return time.monotonic() - self.started
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)

    async def end(self, number: signal.Signals = signal.SIGTERM, *, limit_s: float = 30.0) -> int:
        """Send the signal and wait; the exit status."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        return await asyncio.to_thread(self.child.wait, limit_s)

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self._file.close()


def environment(**variables: str) -> dict[str, str]:
    """What a process is given: our variables, and of the caller's only what finds programs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


@asynccontextmanager
async def open_api_process(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Path, log: Path, **variables: str
) -> AsyncIterator[Process]:
    port = find_free_port()
    process = Process(
        "api",
        environment(
            DATABASE_URL=urls.intake,
            REDIS_URL=valkey.url,
            TENANTS_DIR=str(tenants / "files"),
            TENANT_SECRETS_DIR=str(tenants / "secrets"),
            API_HOST="127.0.0.1",
            API_PORT=str(port),
            **variables,
        ),
        port=port,
        log=log,
    )
    try:
        yield process
    finally:
        process.close()


@asynccontextmanager
async def open_worker_process(
    urls: DatabaseUrls, valkey: ValkeyServer, tenants: Path, log: Path, **variables: str
) -> AsyncIterator[Process]:
    port = find_free_port()
    process = Process(
        "worker",
        environment(
            DATABASE_URL=urls.worker,
            REDIS_URL=valkey.url,
            TENANTS_DIR=str(tenants / "files"),
            TENANT_SECRETS_DIR=str(tenants / "secrets"),
            OPENAI_API_KEY="offline",
            PROMETHEUS_PORT=str(port),
            **variables,
        ),
        port=port,
        log=log,
    )
    try:
        yield process
    finally:
        process.close()
