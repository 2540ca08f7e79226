"""Fields that resolved tickets suggest: a line of the note, and written only where the tenant's file allows it."""

from __future__ import annotations

import re

import pytest

from app.db.knowledge.store import upsert_tickets
from app.db.reports.audit import list_acts
from tests.builders import a_ticket
from tests.integration.worker.conftest import Stage

WRITES = {"triage": {"write": ["category", "priority", "technician"]}}


async def fill(stage: Stage) -> None:
    """Four more resolved tickets about Outlook, with their fields."""
    async with stage.database.as_tenant(stage.tenant.id) as session:
        tickets = [
            a_ticket(
                id=str(910 + n),
                subject="Outlook receives no mail",
                description="Outlook shows no new mail since noon.",
                resolution=f"Repaired the Outlook profile, case {n}.",
                category="Email",
                subcategory="Outlook",
                priority="High" if n else "Low",
                group="Messaging",
                technician="Kim Lee",
                status="Resolved",
                resolved_at="2026-10-01T10:00:00Z",
            )
            for n in range(4)
        ]
        await upsert_tickets(session, stage.tenant.id, tickets, language="en")


async def note_on(stage: Stage, ticket_id: str) -> str:
    await stage.deliver_and_work(ticket_id)
    return re.sub(r"<[^>]+>", "", stage.notes(ticket_id)[0])


async def test_the_note_says_what_is_suggested_and_nothing_is_written(stage: Stage) -> None:
    await fill(stage)
    ticket_id = stage.ticket()
    note = await note_on(stage, ticket_id)
    assert "Suggested by similar tickets: category Email, 4 of 4 · subcategory Outlook, 4 of 4 · priority High" in note
    assert not [call for call in stage.portal.calls if call.startswith("PUT")]


@pytest.mark.parametrize("stage", [WRITES], indirect=True)
async def test_what_the_file_allows_is_written_into_empty_fields_and_recorded(stage: Stage) -> None:
    await fill(stage)
    ticket_id = stage.ticket(priority="Low")
    await note_on(stage, ticket_id)
    ticket = stage.portal.tickets[ticket_id]
    assert (ticket.category, ticket.priority, ticket.technician, ticket.group) == ("Email", "Low", "Kim Lee", "")
    [act] = await list_acts(stage.database, [stage.tenant.id], limit=5)
    assert (act.actor, act.act, act.number) == ("worker", "write fields", 2)
    assert "Kim Lee" not in act.detail


@pytest.mark.parametrize("stage", [WRITES], indirect=True)
async def test_a_help_desk_that_refuses_the_fields_costs_the_note_nothing(stage: Stage) -> None:
    await fill(stage)
    ticket_id = stage.ticket()
    stage.fault(f"PUT requests/{ticket_id}", "status", status=403, times=None)
    job_id = await stage.deliver_and_work(ticket_id)
    assert (await stage.delivery(job_id)).status == "done"
    assert stage.portal.tickets[ticket_id].category == ""


@pytest.mark.parametrize("stage", [{"triage": {"suggest": []}}], indirect=True)
async def test_a_tenant_may_want_no_suggestions(stage: Stage) -> None:
    await fill(stage)
    assert "Suggested" not in await note_on(stage, stage.ticket())
