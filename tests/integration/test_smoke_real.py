"""`ai-agents smoke --tenant … --ticket …`: a tenant's real help desk, the real API and worker, as a person runs it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from app.core.delivery import Event
from app.core.tenant import Tenant
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import HeldNote, Portal
from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from tests.builders import a_tenant, write_tenant
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.test_cli import call, call_here

SECRET, KEY, WORDS = "webhook-secret-of-acme", "api-key-of-acme", "The printer on floor three prints blank pages."


@dataclass
class DoublingPortal(Portal):
    """A help desk that keeps some notes twice."""

    doubled: set[str] = field(default_factory=set)

    def add_note(self, ticket_id: str, html: str, **flags: bool) -> HeldNote:
        if ticket_id in self.doubled:
            super().add_note(ticket_id, html, **flags)
        return super().add_note(ticket_id, html, **flags)


@dataclass
class System:
    api: Process
    portal: DoublingPortal
    tenant: Tenant
    variables: dict[str, str]

    def ticket(self) -> str:
        return self.portal.add_ticket(id=str(uuid4().int % 10**12), subject="Blank pages", description=WORDS).id

    def arguments(self, ticket_id: str) -> tuple[str, ...]:
        return ("smoke", "--tenant", "acme", "--ticket", ticket_id, "--url", self.api.url)

    async def smoke(self, ticket_id: str, *options: str, **variables: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit status and the checks by name; nothing secret and no word of the ticket may be told."""
        arguments = self.arguments(ticket_id)
        ended = await call_here(*arguments, "--json", *options, **{**self.variables, **variables})
        told = ended.stdout + ended.stderr
        assert not any(word in told for word in (SECRET, KEY, WORDS, "Blank pages")), told
        assert ended.stdout, ended.stderr
        return ended.returncode, {check["name"]: check for check in json.loads(ended.stdout)["checks"]}

    async def failures(self, ticket_id: str, *options: str, **variables: str) -> dict[str, str]:
        """What each check that failed tells."""
        status, checks = await self.smoke(ticket_id, *options, **variables)
        assert status == 1
        return {name: check["detail"] for name, check in checks.items() if check["outcome"] == "failed"}


@pytest.fixture(scope="module")
async def system(
    urls: DatabaseUrls, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    folder = tmp_path_factory.mktemp("real")
    help_desk, model = HelpDeskSimulator(), ModelSimulator()
    await help_desk.start()
    await model.start()
    tenant = a_tenant("acme", servicedesk={"url": f"{help_desk.url}/at/acme"})
    portal = DoublingPortal(slug="acme", edition=tenant.servicedesk.edition, api_key=KEY)
    help_desk.add_portal(portal)
    write_tenant(folder, tenant, webhook_secret=SECRET, api_key=KEY)
    variables = {
        "TENANTS_DIR": str(folder / "files"),
        "TENANT_SECRETS_DIR": str(folder / "secrets"),
        "DATABASE_URL": urls.worker,
    }
    async with (
        open_api_process(urls, valkey, folder, folder / "api.log") as api,
        open_worker_process(
            urls, valkey, folder, folder / "worker.log", OPENAI_BASE_URL=model.url, MAX_ATTEMPTS="1"
        ) as worker,
    ):
        await api.ready()
        await worker.ready()
        yield System(api, portal, tenant, variables)
    await model.stop()
    await help_desk.stop()


async def test_a_ticket_of_a_real_help_desk_gets_its_one_note(system: System, tmp_path: Path) -> None:
    ticket_id = system.ticket()

    status, checks = await system.smoke(ticket_id, "--junit", str(tmp_path / "smoke.xml"))

    assert status == 0, checks
    assert len(system.portal.notes(ticket_id)) == 1
    assert [name for name, check in checks.items() if check["outcome"] == "skipped"] == [
        "public door",
        "pods of the release",
    ]
    suite = ET.parse(tmp_path / "smoke.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(checks)), "0")


async def test_a_ticket_that_has_our_note_proves_nothing(system: System) -> None:
    ticket_id = system.ticket()
    await system.smoke(ticket_id)

    failures = await system.failures(ticket_id)

    assert "has our note already" in failures["ticket read"]
    assert "name a ticket that none told of" in failures["webhook accepted"]
    assert len(system.portal.notes(ticket_id)) == 1


async def test_a_ticket_that_is_not_there_is_told(system: System) -> None:
    failures = await system.failures("999999999999")

    assert "has no ticket of id 999999999999" in failures["ticket read"]
    assert "no note was due" in failures["one note arrives"]


async def test_a_wrong_key_is_told(system: System, tmp_path: Path) -> None:
    write_tenant(tmp_path, system.tenant, webhook_secret=SECRET, api_key="another")

    failures = await system.failures(system.ticket(), TENANT_SECRETS_DIR=str(tmp_path / "secrets"))

    assert set(failures) == {"ticket read", "one note arrives"}


async def test_a_wrong_webhook_secret_is_told(system: System, tmp_path: Path) -> None:
    ticket_id = system.ticket()
    write_tenant(tmp_path, system.tenant, webhook_secret="another", api_key=KEY)

    failures = await system.failures(ticket_id, TENANT_SECRETS_DIR=str(tmp_path / "secrets"))

    assert "acme's webhook_secret here the API's own?" in failures["webhook accepted"]
    assert "no webhook was accepted" in failures["one note arrives"]
    assert system.portal.notes(ticket_id) == []


async def test_a_second_note_is_told(system: System) -> None:
    ticket_id = system.ticket()
    system.portal.doubled.add(ticket_id)

    failures = await system.failures(ticket_id)

    assert set(failures) == {"one note arrives"}
    assert "2 notes of job" in failures["one note arrives"]


async def test_a_note_that_does_not_come_in_time_is_told(system: System) -> None:
    failures = await system.failures(system.ticket(), "--timeout", "0")

    assert set(failures) == {"one note arrives"}
    assert "no note within 0 s; do workers run?" in failures["one note arrives"]


async def test_another_database_than_the_apis_is_told(system: System, postgres: PostgresServer) -> None:
    await postgres.create_database("elsewhere", template="migrated")
    other = await postgres.create_roles("elsewhere")

    failures = await system.failures(system.ticket(), DATABASE_URL=other.worker)

    assert "another than the API's" in failures["one note arrives"]
    await postgres.drop_database("elsewhere")


async def test_a_tenant_that_wants_no_notes_for_tickets_is_told(system: System, tmp_path: Path) -> None:
    deaf = system.tenant.model_copy(update={"events": frozenset({Event.RESOLVED})})
    write_tenant(tmp_path, deaf, webhook_secret=SECRET, api_key=KEY)

    failures = await system.failures(system.ticket(), TENANTS_DIR=str(tmp_path / "files"))

    assert "add ticket_created to its file's events" in failures["webhook accepted"]


async def test_without_a_database_it_says_which_variable_is_missing(system: System) -> None:
    variables = {name: value for name, value in system.variables.items() if name != "DATABASE_URL"}

    ended = await call("smoke", "--tenant", "acme", "--ticket", "1", **variables)

    assert ended.returncode == 1
    assert "DATABASE_URL: is required" in ended.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--listen", "localhost"], "--listen must be HOST:PORT"),
        (["--public-url", "http://api.example.com"], "--public-url must begin with https://"),
        (["--expect-image", "x"], "--expect-image goes with --namespace"),
    ],
    ids=["listen", "public url", "image"],
)
async def test_wrong_options_are_told(system: System, options: list[str], said: str) -> None:
    ended = await call_here("smoke", "--tenant", "acme", *options, **system.variables)

    assert ended.returncode == 2
    assert said in ended.stderr


async def test_json_goes_to_a_file_beside_the_table(system: System, tmp_path: Path) -> None:
    path = tmp_path / "smoke.json"

    ended = await call(*system.arguments(system.ticket()), "--json", str(path), **system.variables)

    assert json.loads(path.read_text())["passed"]
    assert "checks passed, 2 skipped" in ended.stdout


async def test_a_report_that_cannot_be_written_is_told_after_the_table(system: System, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "smoke.xml"

    ended = await call(*system.arguments(system.ticket()), "--junit", str(path), **system.variables)

    assert ended.returncode == 1
    assert "can't be written" in ended.stderr
    assert "one note arrives" in ended.stdout
