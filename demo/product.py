"""The product as it is deployed, on one machine: its commands as processes, each with its own role and environment."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Mapping
from typing import Final

import httpx

from demo.display import Display
from demo.embedded import find_free_port
from demo.failure import at_most
from demo.model import ChosenModel
from demo.processes import Processes
from demo.servers import Servers
from demo.side_by_side import side_by_side

_MIGRATE_S: Final = 60.0
_SYNC_S: Final = 120.0
_READY_S: Final = 60.0
_POLL_S: Final = 0.03


class Product:
    """What runs of the product, and where it is reached."""

    def __init__(
        self,
        processes: Processes,
        display: Display,
        servers: Servers,
        *,
        tenants: Mapping[str, str],
        model: ChosenModel,
        has_console: bool,
    ) -> None:
        self._processes = processes
        self._display = display
        self._urls = servers.urls
        self._common = {
            **tenants,
            "REDIS_URL": servers.valkey.url,
            "FEEDBACK_KEY": secrets.token_hex(16),
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "info",
        }
        self._model = model
        self._api_port, self._worker_port = find_free_port(), find_free_port()
        self.api_url = f"http://127.0.0.1:{self._api_port}"
        self.worker_url = f"http://127.0.0.1:{self._worker_port}"
        self.console_token = secrets.token_hex(8) if has_console else ""
        """Empty: there is no console."""
        self._console_port = find_free_port()
        self.console_url = f"http://127.0.0.1:{self._console_port}"

    async def migrate(self) -> None:
        """The schema, made by its owner."""
        with self._display.step("Database") as step:
            async with at_most(_MIGRATE_S, "ai-agents migrate", log=self._processes.log_of("migrate")):
                said = await self._processes.finish("migrate", {"MIGRATION_DATABASE_URL": self._urls.owner})
            step.detail = said[-1] if said else ""

    def start(self) -> None:
        """The API, a worker and, for somebody who stays to look, the console."""
        api = {"DATABASE_URL": self._urls.intake, "API_HOST": "127.0.0.1", "API_PORT": str(self._api_port)}
        worker = {
            "DATABASE_URL": self._urls.worker,
            "PROMETHEUS_PORT": str(self._worker_port),
            "FEEDBACK_URL": self.api_url,
        }
        # SIGTERM would have the API stay a while for a load balancer that there isn't.
        self._processes.start("api", {**self._common, **api}, end_with=signal.SIGINT)
        self._processes.start("worker", {**self._common, **worker, **self._model.environment})
        if self.console_token:
            console = {
                "DATABASE_URL": self._urls.worker,
                "CONSOLE_HOST": "127.0.0.1",
                "CONSOLE_PORT": str(self._console_port),
                "CONSOLE_TOKEN": self.console_token,
            }
            self._processes.start("console", {**self._common, **console})

    async def wait_until_ready(self, client: httpx.AsyncClient) -> None:
        """Wait for all; that one ends meanwhile is watched elsewhere."""
        both = side_by_side(
            self._wait_for("API", self.api_url, client, command="api"),
            self._wait_for("Worker", self.worker_url, client, command="worker"),
        )
        if self.console_token:
            await side_by_side(both, self._wait_for("Console", self.console_url, client, command="console"))
        else:
            await both

    async def _wait_for(self, name: str, url: str, client: httpx.AsyncClient, *, command: str) -> None:
        with self._display.step(name) as step:
            async with at_most(_READY_S, f"the start of ai-agents {command}", log=self._processes.log_of(command)):
                while not await _is_ready(client, url):  # noqa: ASYNC110 - a state outside this process
                    await asyncio.sleep(_POLL_S)
            step.detail = f"ready at {url}"

    async def sync(self) -> None:
        """History, knowledge and assets of every tenant."""
        with self._display.step("History") as step:
            environment = {**self._common, "DATABASE_URL": self._urls.worker}
            async with at_most(_SYNC_S, "ai-agents sync", log=self._processes.log_of("sync")):
                await self._processes.finish("sync", environment)
            step.detail = "tickets, articles and assets of every tenant, by ai-agents sync"


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health/ready")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
