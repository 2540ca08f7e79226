"""Several people report one outage: their tickets know of each other, and the first has one note about all."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import text

from app.core.article import Article
from app.db.knowledge.store import upsert_articles, upsert_tickets
from tests.builders import a_ticket
from tests.integration.worker.conftest import Stage

SHARED_WORDS = {"subject": "ERP: database not reachable", "description": "The ERP says: database not reachable."}


def report(stage: Stage, who: int, **changes: Any) -> str:
    """One more ticket about the same outage, by somebody else."""
    return stage.ticket(**{**SHARED_WORDS, "requester": f"user{who}@acme.example", "site": "Berlin", **changes})


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def storm_notes(stage: Stage, ticket_id: str) -> list[str]:
    return [note for note in stage.notes(ticket_id) if "one problem, many reports" in note and "tickets report" in note]


async def handle(stage: Stage, ticket_id: str) -> str:
    """The note on a ticket that just came in, as text."""
    await stage.deliver_and_work(ticket_id)
    return text_of(stage.notes(ticket_id)[0])


async def test_the_third_report_names_the_two_before_it(stage: Stage) -> None:
    first, second, third = (report(stage, n) for n in range(3))
    assert "others reported" not in await handle(stage, first)
    assert "others reported" not in await handle(stage, second)
    note = await handle(stage, third)
    assert f"2 others reported this within 1 min: #{first}, #{second}, same site" in note
    assert len(stage.notes(first)) == 1


async def test_from_the_fifth_on_one_line_without_the_model_and_one_note_on_the_first(stage: Stage) -> None:
    tickets = [report(stage, n) for n in range(4)]
    for ticket_id in tickets:
        await handle(stage, ticket_id)
    asked = stage.model.calls
    assert not storm_notes(stage, tickets[0])
    for who in (4, 5):
        tickets.append(report(stage, who))
        note = await handle(stage, tickets[-1])
        assert f"{len(tickets) - 1} others reported this" in note
        assert f"the note on #{tickets[0]} names all" in note
    assert stage.model.calls == asked
    [note] = storm_notes(stage, tickets[0])
    assert f"{len(tickets)} tickets report this" in note
    assert all(f"#{ticket_id}" in note for ticket_id in tickets)
    assert not any(storm_notes(stage, ticket_id) for ticket_id in tickets[1:])


async def test_many_at_once_have_one_first_and_one_note(stage: Stage) -> None:
    tickets = [report(stage, n) for n in range(12)]
    for ticket_id in tickets:
        await stage.deliver(ticket_id)
    await asyncio.gather(*(stage.worker.attempts.work() for _ in range(8)))
    await stage.work()
    assert all(len(stage.notes(ticket_id)) >= 1 for ticket_id in tickets)
    [first] = [ticket_id for ticket_id in tickets if storm_notes(stage, ticket_id)]
    [note] = storm_notes(stage, first)
    assert "12 tickets report this" in note
    assert stage.model.calls <= 4


async def test_who_writes_five_times_is_one_reporter(stage: Stage) -> None:
    tickets = [report(stage, 1) for _ in range(6)]
    notes = [await handle(stage, ticket_id) for ticket_id in tickets]
    assert not any("others reported" in note for note in notes)


async def test_other_problems_of_the_same_site_are_no_storm(stage: Stage) -> None:
    report(stage, 0)
    for who, (subject, description) in enumerate(
        [
            ("Printer jams", "Paper jams in tray two."),
            ("New laptop", "Please order a laptop for Ms Hart."),
            ("Badge does not open door 4", "My badge is refused."),
        ]
    ):
        note = await handle(stage, report(stage, who, subject=subject, description=description))
        assert "others reported" not in note


@pytest.mark.parametrize("stage", [{"storms": {"find": False}}], indirect=True)
async def test_a_tenant_may_want_no_storms(stage: Stage) -> None:
    notes = [await handle(stage, report(stage, n)) for n in range(6)]
    assert not any("others reported" in note for note in notes)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        assert (await session.execute(text("select count(*) from arrival"))).scalar() == 0


@pytest.mark.parametrize("stage", [{"storms": {"window_minutes": 30}}], indirect=True)
async def test_reports_of_another_hour_are_no_storm(stage: Stage) -> None:
    hours = ["2026-11-28T08:00:00Z", "2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"]
    notes = [await handle(stage, report(stage, n, created=hour)) for n, hour in enumerate(hours)]
    assert not any("others reported" in note for note in notes)


async def _four(stage: Stage) -> list[str]:
    tickets = [report(stage, n) for n in range(4)]
    for ticket_id in tickets:
        await handle(stage, ticket_id)
    return tickets


@pytest.mark.parametrize("kind", ["cut_after", "status"])
async def test_a_call_of_unknown_end_is_made_good_and_leaves_one_note(stage: Stage, kind: str) -> None:
    """The storm's note was posted and the answer got lost, or it was not posted: each time there is one at the end."""
    tickets = await _four(stage)
    values = {"status": 503} if kind == "status" else {}
    stage.fault(f"POST requests/{tickets[0]}/notes", kind, times=1, **values)
    tickets.append(report(stage, 4))
    await stage.deliver_and_work(tickets[-1])
    await stage.make_due()
    await stage.end_rests()
    await stage.work()
    [note] = storm_notes(stage, tickets[0])
    assert "5 tickets report this" in note
    assert len(stage.notes(tickets[-1])) == 1


async def test_a_worker_that_died_between_post_and_settle_leaves_one_note(stage: Stage) -> None:
    tickets = await _four(stage)
    tickets.append(report(stage, 4))
    await handle(stage, tickets[-1])
    # As it was when the worker died right after its call: the note is there, and the database does not know it.
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await session.execute(
            text(
                "update arrival set note_id = null, told = 0, posting_at = now() - interval '1 minute'"
                " where ticket_id = :first"
            ),
            {"first": tickets[0]},
        )
    tickets.append(report(stage, 5))
    await handle(stage, tickets[-1])
    [note] = storm_notes(stage, tickets[0])
    assert "6 tickets report this" in note


async def test_a_note_that_a_technician_removed_is_not_posted_again(stage: Stage) -> None:
    tickets = await _four(stage)
    tickets.append(report(stage, 4))
    await handle(stage, tickets[-1])
    kept = next(note for note in stage.portal.notes(tickets[0]) if "tickets report" in note.html)
    stage.portal.delete_note(tickets[0], kept.id)
    tickets.append(report(stage, 5))
    assert "5 others reported this" in await handle(stage, tickets[-1])
    assert not storm_notes(stage, tickets[0])


async def test_a_first_ticket_that_is_gone_costs_the_others_nothing(stage: Stage) -> None:
    tickets = await _four(stage)
    del stage.portal.tickets[tickets[0]]
    tickets.append(report(stage, 4))
    assert "4 others reported this" in await handle(stage, tickets[-1])


async def test_three_at_once_know_of_each_other(stage: Stage) -> None:
    """Each is looked up before the others are stored."""
    tickets = [report(stage, n) for n in range(3)]
    for ticket_id in tickets:
        await stage.deliver(ticket_id)
    await asyncio.gather(*(stage.worker.attempts.work() for _ in tickets))
    await stage.work()
    notes = [text_of(stage.notes(ticket_id)[0]) for ticket_id in tickets]
    assert any("2 others reported this" in note for note in notes), notes
    assert not any("Ask the requester" in note for note in notes if "others reported" in note)


MONDAY = (
    ("Outlook closes", "Outlook closes by itself right after the start."),
    ("Outlook calendar an hour late", "All my meetings are shown an hour late."),
    ("Shared mailbox missing in Outlook", "The mailbox info@ is gone."),
    ("Outlook signature", "The logo of my signature is too large."),
    ("Outlook search finds nothing", "No mail older than June is found."),
)


async def test_five_problems_of_one_product_at_one_site_get_five_notes(stage: Stage) -> None:
    """The same article fits all of them best."""
    first = Article(
        id="77",
        title="Outlook: what to try first",
        text="Outlook closes, calendar late, mailbox missing, signature, search finds nothing: start Outlook anew.",
    )
    past = [
        a_ticket(id=str(n), subject=f"Printer {n}", resolution="Toner changed.", status="Closed") for n in range(210)
    ]
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await upsert_tickets(session, stage.tenant.id, past, language="en")
        await upsert_articles(session, stage.tenant.id, [first], language="en")
    tickets = [report(stage, n, subject=subject, description=body) for n, (subject, body) in enumerate(MONDAY)]
    notes = [await handle(stage, ticket_id) for ticket_id in tickets]
    assert all("Outlook: what to try first" in note for note in notes), notes
    assert not any("others reported" in note for note in notes)


async def test_the_fifth_counts_all_that_its_line_names(stage: Stage) -> None:
    """Of those before it one has too few words in common with it, and is of the storm by the others."""
    reports = (
        ("internet down", "nothing works in the office in hall 1"),
        ("No internet", "cant open any website"),
        ("internet not working", "no website opens, hall 1"),
        ("Internet is down!!", "hello??"),
        ("no internet connection", "websites dont open"),
    )
    tickets = [report(stage, n, subject=subject, description=body) for n, (subject, body) in enumerate(reports)]
    notes = [await handle(stage, ticket_id) for ticket_id in tickets]
    assert "4 others reported this" in notes[-1]
    assert f"the note on #{tickets[0]} names all" in notes[-1]
