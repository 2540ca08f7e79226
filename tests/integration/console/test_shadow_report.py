"""What a tenant reads before its notes are posted: the page, and the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.console.access import Role
from app.core.fixes import Match
from app.db.reports.shadow import list_shadow_notes
from app.help_desks import open_help_desk
from app.sync import group_by_desk, sync_each
from tests.integration.console.conftest import Console, words_of
from tests.integration.test_cli import call_here
from tests.integration.worker.conftest import Stage

SHADOW: dict[str, Any] = {"slug": "acme", "note": {"mode": "shadow"}}
shadowed = pytest.mark.parametrize("stage", [SHADOW], indirect=True, ids=["shadow"])
FIXES = {
    "same": "What the note said.",  # its own words come in here
    "other": "Mailbox quota was reached; archived old mail.",
    "untold": "Done.",
}


async def work_on_four(stage: Stage) -> dict[str, str]:
    """Three tickets that are resolved, each otherwise, and one that is open."""
    tickets = {name: stage.ticket(subject=f"Outlook receives no mail ({name})") for name in (*FIXES, "open")}
    for ticket_id in tickets.values():
        await stage.deliver(ticket_id)
    await stage.work()
    written = await list_shadow_notes(stage.database, stage.tenant.id, since=datetime.now(UTC) - timedelta(days=1))
    noted = next(note.enhancement for note in written if note.ticket_id == tickets["same"])
    FIXES["same"] = " ".join([noted.summary, *(step.text for step in noted.next_steps)])
    for name, fix in FIXES.items():
        stage.portal.update_ticket(
            tickets[name], status="Resolved", resolution=f"<p>{fix}</p>", resolved=datetime.now(UTC)
        )
    return tickets


@shadowed
async def test_the_note_is_shown_beside_what_was_done(stage: Stage, console: Console) -> None:
    tickets = await work_on_four(stage)
    for name in FIXES:
        await stage.deliver(tickets[name], event="ticket_resolved")
    await stage.work()

    shown = await console.get("/tenants/acme/shadow")
    words = words_of(shown.text)
    assert "Notes written 4" in words
    assert "Resolved since 3" in words
    assert "Same fix 50.0 % 1 of 2" in words
    told = ("same fix", "other fix", "no fix told", "not resolved since", "without a word of what was done")
    for each in (*(fix for name, fix in FIXES.items() if name != "untold"), *told):
        assert each in words
    assert f"/deliveries/acme/{(await stage.delivery_of(tickets['same'])).job_id}" in shown.text
    assert "Shadow mode" in words_of((await console.get("/tenants")).text)
    assert "/tenants/acme/shadow" in (await console.get("/tenants/acme")).text
    assert "Shadow" in words_of((await console.get("/deliveries")).text)
    one = await console.get(f"/deliveries/acme/{(await stage.delivery_of(tickets['same'])).job_id}")
    assert "The note, which is not posted" in words_of(one.text)
    assert [call for call in stage.portal.calls if not call.startswith("GET ")] == []


@shadowed
async def test_a_sync_brings_the_resolutions_too(stage: Stage, console: Console) -> None:
    await work_on_four(stage)
    directory = stage.worker.tenants

    async def offer(*_: Any) -> bool:
        return True

    def open_desk(known: Any) -> Any:
        return open_help_desk(known, stage.database, longest_wait=timedelta(seconds=5))

    await sync_each(stage.database, group_by_desk(directory), open_desk=open_desk, offer=offer)
    assert "Same fix 50.0 % 1 of 2" in words_of((await console.get("/tenants/acme/shadow?since=7d")).text)
    assert [call for call in stage.portal.calls if not call.startswith("GET ")] == []


@pytest.mark.parametrize("stage", [{"slug": "acme"}], indirect=True, ids=["post"])
async def test_a_tenant_that_posts_has_nothing_in_shadow(stage: Stage, console: Console, make_console: Any) -> None:
    await stage.deliver_and_work(stage.ticket())
    assert (await console.get("/tenants/acme/shadow?since=whenever")).status_code == 400
    words = words_of((await console.get("/tenants/acme/shadow")).text)
    assert "No note was written in shadow mode" in words
    viewer = make_console(named={"others": {"bluebird": Role.VIEWER}})
    viewer.come_in(None, groups=["others"])
    assert (await viewer.get("/tenants/acme/shadow")).status_code == 404


@shadowed
async def test_the_command_tells_the_same(stage: Stage, urls: Any, tmp_path: Path) -> None:
    variables = {
        "DATABASE_URL": urls.worker,
        "TENANTS_DIR": str(tmp_path / "files"),
        "TENANT_SECRETS_DIR": str(tmp_path / "secrets"),
    }
    before = await call_here("shadow", "--tenant", "acme", **variables)
    assert before.returncode == 1
    tickets = await work_on_four(stage)
    await stage.deliver_and_work(tickets["same"], event="ticket_resolved")
    told = await call_here("shadow", "--tenant", "acme", **variables)
    assert told.returncode == 0, told.stderr
    assert "1 of 1" in told.stdout
    assert "[same fix]" in told.stdout
    assert told.stdout.count("[not resolved yet]") == 3
    assert told.stdout.count("\n  note  ") == 4
    assert "\n  step  " in told.stdout
    assert FIXES["same"][:60] in told.stdout
    found = json.loads((await call_here("shadow", "--tenant", "acme", "--json", **variables)).stdout)
    assert (found["notes"], found["same_fix"]["same"], found["same_fix"]["compared"]) == (4, 1, 1)
    assert {each["match"] for each in found["tickets"]} == {"same", None}


@shadowed
async def test_a_person_says_whether_the_note_told_the_fix(stage: Stage, console: Console, make_console: Any) -> None:
    tickets = await work_on_four(stage)
    for name in FIXES:
        await stage.deliver(tickets[name], event="ticket_resolved")
    await stage.work()
    for name, act in (("other", "same"), ("untold", "other")):
        done = await console.post(f"/tenants/acme/shadow/{act}", ticket=tickets[name], since="90d")
        assert done.headers["location"] == f"/tenants/acme/shadow?since=90d#ticket-{tickets[name]}"
        assert f'id="ticket-{tickets[name]}"' in (await console.get("/tenants/acme/shadow?since=90d")).text
    words = words_of((await console.get("/tenants/acme/shadow")).text)
    assert "Same fix 66.7 % 2 of 3" in words
    assert "Of 2 people said so" in words
    assert "says ines@acme.example" in words
    assert "judge a note" in words_of((await console.get("/acts")).text)
    assert (await console.post("/tenants/acme/shadow/unsaid", ticket=tickets["other"])).status_code == 303
    assert "Same fix 33.3 % 1 of 3" in words_of((await console.get("/tenants/acme/shadow")).text)

    assert (await console.post("/tenants/acme/shadow/maybe", ticket="1")).status_code == 404
    assert (await console.post("/tenants/acme/shadow/same")).status_code == 400
    viewer = make_console(named={"acme-it": {"acme": Role.VIEWER}})
    viewer.come_in(None, groups=["acme-it"])
    assert (await viewer.post("/tenants/acme/shadow/same", ticket="1")).status_code == 403
    assert "It told the fix" not in (await viewer.get("/tenants/acme/shadow")).text


@pytest.mark.parametrize(
    "stage", [{**SHADOW, "events": ["ticket_created", "ticket_resolved"]}], indirect=True, ids=["both"]
)
async def test_a_note_that_came_after_the_resolution_takes_no_place_of_the_one_before(
    stage: Stage, console: Console
) -> None:
    ticket_id = stage.ticket()
    await stage.deliver_and_work(ticket_id)
    stage.portal.update_ticket(
        ticket_id,
        description="Outlook on PC-0231 shows no mail. It is solved.",
        status="Resolved",
        resolution="Mailbox quota was reached; archived old mail.",
        resolved=datetime.now(UTC),
    )
    await stage.deliver_and_work(ticket_id, event="ticket_resolved")
    written = await list_shadow_notes(stage.database, stage.tenant.id, since=datetime.now(UTC) - timedelta(days=1))
    assert [(note.is_resolved, note.match) for note in written] == [(True, Match.OTHER)]
    assert "Resolved since 1" in words_of((await console.get("/tenants/acme/shadow")).text)
