"""A note with what a tenant's server of documentation says, and one without it while the server is out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from app.core.tenant import Tenant
from app.db.limits.holds import Cause, list_holds
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from tests.builders import write_tenant
from tests.integration.documentation_server import Odd, odd_server
from tests.integration.worker.conftest import Stage, add_tenant, fill_ticket_history

PAGES = "https://docs.acme.example"
LINK = f'href="{PAGES}/outlook-offline"'


@pytest.fixture
async def server() -> AsyncIterator[tuple[Odd, str]]:
    odd = Odd()
    async with odd_server(odd) as url:
        yield odd, url


async def a_client(
    stage: Stage, help_desk: HelpDeskSimulator, folder: Path, url: str, *, trusted: bool = False
) -> tuple[Tenant, Portal]:
    """A second tenant, whose documentation is at *url*."""
    options = {"url": url, "tools": [{"name": "search"}], "pages": [PAGES], "trusted": trusted}
    tenant, portal = add_tenant(help_desk, folder, documentation=options)
    (folder / "secrets" / tenant.slug / "documentation_token").write_text("the-clients-own-token")
    await fill_ticket_history(stage.database, tenant)
    stage.worker.tenants.refresh()
    return tenant, portal


async def a_note(stage: Stage, tenant: Tenant, portal: Portal) -> str:
    ticket_id = portal.add_ticket(
        subject="Outlook receives no mail", description="Outlook on PC-0231 shows no mail since noon."
    ).id
    await stage.deliver_and_work(ticket_id, tenant_id=tenant.id)
    [note] = portal.notes(ticket_id)
    return note.html


async def test_a_note_names_the_document_and_its_page_and_repeats_none_of_its_words(
    stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path, server: tuple[Odd, str]
) -> None:
    odd, url = server
    tenant, portal = await a_client(stage, help_desk, tmp_path, url)
    html = await a_note(stage, tenant, portal)
    assert "<b>Documentation</b>" in html
    assert LINK in html
    assert "Outlook receives no mail" in html
    assert "Work Offline" not in html
    assert "Work Offline" not in str(stage.model.requests)
    assert {each["authorization"] for each in odd.headers} == {"Bearer the-clients-own-token"}
    assert "PC-0231" not in str(odd.asked)


async def test_a_trusted_servers_words_reach_model_and_note(
    stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path, server: tuple[Odd, str]
) -> None:
    tenant, portal = await a_client(stage, help_desk, tmp_path, server[1], trusted=True)
    html = await a_note(stage, tenant, portal)
    assert "Work Offline" in str(stage.model.requests)
    assert LINK in html


async def test_no_other_tenants_ticket_is_told_to_the_server(
    stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path, server: tuple[Odd, str]
) -> None:
    odd, url = server
    await a_client(stage, help_desk, tmp_path, url)
    ticket_id = stage.ticket()
    await stage.deliver_and_work(ticket_id)
    assert "Documentation" not in stage.notes(ticket_id)[0]
    assert odd.asked == []


async def test_notes_say_that_the_server_is_out_and_after_five_failures_it_is_left_alone(
    stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path, server: tuple[Odd, str]
) -> None:
    odd, url = server

    async def fails(*_: object) -> web.StreamResponse:
        return web.Response(status=503)

    odd.answers["initialize"] = fails
    tenant, portal = await a_client(stage, help_desk, tmp_path, url)
    for _ in range(5):
        html = await a_note(stage, tenant, portal)
        assert "<b>Documentation</b>: <em>could not be looked up" in html
    holds = await list_holds(stage.database, [tenant.id])
    assert [(hold.cause, hold.holds_deliveries) for hold in holds] == [(Cause.DOCUMENTATION, False)]
    asked = len(odd.asked)
    assert "<b>Documentation</b>: <em>could not be looked up" in await a_note(stage, tenant, portal)
    assert len(odd.asked) == asked

    async with stage.database.as_tenant(tenant.id) as session:
        from sqlalchemy import text

        await session.execute(text("update gate set closed_until = now() where closed_until > now()"))
    odd.answers.clear()
    assert LINK in await a_note(stage, tenant, portal)
    assert await list_holds(stage.database, [tenant.id]) == []


async def test_a_token_that_is_missing_costs_no_note(
    stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path, server: tuple[Odd, str]
) -> None:
    odd, url = server
    tenant, portal = await a_client(stage, help_desk, tmp_path, url)
    (tmp_path / "secrets" / tenant.slug / "documentation_token").unlink()
    stage.worker.tenants.refresh()
    assert "<b>Documentation</b>: <em>could not be looked up" in await a_note(stage, tenant, portal)
    assert odd.asked == []
    write_tenant(tmp_path, tenant, documentation_token="a-new-token-of-another-length")
    stage.worker.tenants.refresh()
    assert LINK in await a_note(stage, tenant, portal)
