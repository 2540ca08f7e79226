"""Runs the product's commands as processes, each with its own database role and environment, as in a deployment."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from demo.display import Display
from demo.launcher import Process
from demo.model import ChosenModel
from demo.run_folder import RunFolder
from demo.servers import Servers
from demo.side_by_side import side_by_side

_MIGRATE_S: Final = 180.0
_SYNC_S: Final = 180.0


class Product:
    """The product's processes and their addresses."""

    def __init__(
        self,
        run: RunFolder,
        serving: list[Process],
        display: Display,
        servers: Servers,
        *,
        tenants: Mapping[str, str],
        model: ChosenModel,
        has_console: bool,
    ) -> None:
        self._run = run
        self._serving = serving
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
        self.console_token = secrets.token_hex(8) if has_console else ""
        """Empty if there is no console."""
        self.api_url = self.worker_url = self.console_url = ""
        """Set when the processes are started."""

    def variables(self) -> dict[str, str]:
        """What a command that a person calls needs: `sync`, `webhook send`, `tenants`, `deliveries`, `try`.

        A key of the caller's own is not among them: they end in a file.
        """
        variables = {**self._common, "DATABASE_URL": self._urls.worker, "LOG_LEVEL": "warning", "API_URL": self.api_url}
        return {**variables, **self._model.environment} if self._model.is_offline else variables

    async def migrate(self) -> None:
        """Create the schema, with the owner's role."""
        with self._display.step("Database") as step:
            process = self._launch("migrate", {"MIGRATION_DATABASE_URL": self._urls.owner})
            said = await process.finish(limit_s=_MIGRATE_S)
            step.detail = said[-1] if said else ""

    def start(self) -> Coroutine[Any, Any, Any]:
        """Start the API, a worker and, if wanted, the console. Await the result until all are ready."""
        # After SIGTERM the API would wait some seconds for a load balancer, which the demo has not.
        api = self._serve("api", {"DATABASE_URL": self._urls.intake}, end_with=signal.SIGINT)
        by_worker = {"DATABASE_URL": self._urls.worker}
        worker = self._serve("worker", {**by_worker, "FEEDBACK_URL": api.url, **self._model.environment})
        self.api_url, self.worker_url = api.url, worker.url
        waits: Coroutine[Any, Any, Any] = side_by_side(self._wait_for("API", api), self._wait_for("Worker", worker))
        if self.console_token:
            console = self._serve("console", {**by_worker, "CONSOLE_TOKEN": self.console_token})
            self.console_url = console.url
            waits = side_by_side(waits, self._wait_for("Console", console))
        return waits

    async def sync(self) -> None:
        """Read history, knowledge and assets of every tenant."""
        with self._display.step("History") as step:
            process = self._launch("sync", {**self._common, "DATABASE_URL": self._urls.worker})
            await process.finish(limit_s=_SYNC_S)
            step.detail = "tickets, articles and assets of every tenant, by ai-agents sync"

    def _serve(
        self, command: str, variables: Mapping[str, str], *, end_with: signal.Signals = signal.SIGTERM
    ) -> Process:
        process = self._launch(command, {**self._common, **variables}, end_with=end_with)
        self._serving.append(process)
        return process

    def _launch(
        self, command: str, variables: Mapping[str, str], *, end_with: signal.Signals = signal.SIGTERM
    ) -> Process:
        log = self._run.path / f"{command}.log"
        return Process("app", command, variables=variables, log=log, run=self._run, end_with=end_with)

    async def _wait_for(self, name: str, process: Process) -> None:
        with self._display.step(name) as step:
            await process.ready()
            step.detail = f"ready at {process.url}"
