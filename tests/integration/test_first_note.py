"""A new client from nothing to its first note, by the commands of docs/clients.md alone, while the processes run."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from click.testing import CliRunner

from app.cli import cli
from app.core.help_desk import Edition
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.test_cli import call_here

LIMIT_S = 120
"""A worker that has not read the file yet tries the delivery again after half a minute."""


async def test_a_clients_first_note_needs_two_files_one_secret_and_no_restart(
    urls: DatabaseUrls, valkey: ValkeyServer, help_desk: HelpDeskSimulator, model: ModelSimulator, tmp_path: Path
) -> None:
    accounts = {"601": "Acme Corp", "602": "Globex"}
    portal = help_desk.add_portal(
        Portal(slug="desk", edition=Edition.MSP_ON_PREMISES, api_key="technicians-key", accounts=accounts)
    )
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}

    async def does(*arguments: str) -> str:
        ended = await call_here(*arguments, **folders)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    async with (
        open_api_process(urls, valkey, tmp_path, tmp_path / "api.log") as api,
        open_worker_process(urls, valkey, tmp_path, tmp_path / "worker.log", OPENAI_BASE_URL=model.url) as worker,
    ):
        await api.ready()
        await worker.ready()
        started = time.monotonic()

        shared = ("--edition", "msp_on_premises", "--url", portal.url, "--technician", "ai-agents@msp.example")
        await does("instances", "add", "main", *shared, "--allow-private-address")
        asked = await asyncio.to_thread(
            CliRunner(env=folders).invoke, cli, ["instances", "secret", "main"], "technicians-key\n"
        )
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "main.json").write_text(asked.stdout)
        await does("tenants", "add", "acme", "--instance", "main", "--account", "601", "--account-name", "Acme Corp")
        assert await does("tenants", "check") == "acme: fine\nmain: fine\n"
        ticket = portal.add_ticket(subject="Outlook gets no mail", description="None since noon.", account="601").id
        assert "nothing is missing" in await does("tenants", "try", "acme")

        sent = ("webhook", "send", "--tenant", "acme", "--url", api.url, ticket)
        deadline = time.monotonic() + LIMIT_S
        while (await call_here(*sent, **folders)).returncode:  # until the processes have read the files
            assert time.monotonic() < deadline, (tmp_path / "api.log").read_text()
            await asyncio.sleep(0.5)
        while not portal.notes(ticket):
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
            await asyncio.sleep(0.1)
        assert time.monotonic() - started < LIMIT_S
