"""Shadow mode: everything runs and is stored, and the help desk is only read; what was written then is never posted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.core.note import count_note_words
from app.db.reports.browsing import find_story
from app.db.reports.deliveries import replay_deliveries
from app.errors import HelpDeskRefused
from app.help_desks import open_help_desk
from tests.builders import write_tenant
from tests.integration.worker.conftest import Stage

SHADOW: dict[str, Any] = {"note": {"mode": "shadow"}, "events": ["ticket_created", "ticket_updated"]}
shadowed = pytest.mark.parametrize("stage", [SHADOW], indirect=True)


def written_calls(stage: Stage) -> list[str]:
    """The calls of the help desk that may have changed something."""
    return [call for call in stage.portal.calls if not call.startswith("GET ")]


def switch(stage: Stage, folder: Path, mode: str) -> None:
    tenant = stage.tenant
    write_tenant(folder, tenant.model_copy(update={"note": tenant.note.model_copy(update={"mode": mode})}))
    stage.worker.tenants.refresh()


async def unsettle(stage: Stage, *, is_failed: bool = False) -> None:
    """Take the deliveries back to where a worker that died before it settled left them."""
    async with stage.database.as_tenant(stage.tenant.id) as session:
        status = "failed" if is_failed else "pending"
        values = {"tenant_id": stage.tenant.id, "status": status}
        await session.execute(text("update delivery set status = :status where tenant_id = :tenant_id"), values)
        table = "dead (tenant_id, job_id)" if is_failed else "due (tenant_id, job_id)"
        await session.execute(
            text(f"insert into {table} select tenant_id, job_id from delivery where tenant_id = :tenant_id"),
            values,
        )


@shadowed
async def test_a_note_is_written_and_stored_and_nothing_is_sent_to_the_help_desk(stage: Stage) -> None:
    labels = {"tenant": stage.tenant.slug, "outcome": "shadowed"}
    before = REGISTRY.get_sample_value("enhancements_total", labels) or 0
    ticket_id = stage.ticket()
    job_id = await stage.deliver(ticket_id)
    assert await stage.work() == 1

    assert written_calls(stage) == []
    assert stage.portal.calls
    assert stage.notes(ticket_id) == []
    delivery = await stage.delivery(job_id)
    assert (delivery.status, delivery.code, delivery.last_error) == ("done", "shadow", None)
    story = await find_story(stage.database, stage.tenant.id, job_id)
    assert story is not None
    assert story.written is not None
    assert story.written.shadowed_at is not None
    assert (story.written.note_id, story.written.posted_at) == (None, None)
    assert "Cached mode was off" in (story.written.note_html or "")
    assert count_note_words(story.written.note_html or "") <= 150
    assert story.written.duration_ms is not None
    assert stage.model.calls == 1
    assert REGISTRY.get_sample_value("enhancements_total", labels) == before + 1
    async with stage.database.as_tenant(stage.tenant.id) as session:
        counted = (await session.execute(text("select sum(notes), sum(prompt_tokens) from tally"))).one()
    assert counted[0] == 1
    assert counted[1] > 0


@shadowed
async def test_whatever_becomes_of_the_ticket_nothing_is_sent(stage: Stage) -> None:
    ticket_id = stage.ticket()
    await stage.deliver_and_work(ticket_id)
    stage.portal.update_ticket(ticket_id, description="Now Outlook says that the mailbox is full.")
    await stage.deliver_and_work(ticket_id, event="ticket_updated")
    stage.portal.update_ticket(ticket_id, status="Resolved", resolution="Turned on cached mode.")
    await stage.deliver_and_work(ticket_id, event="ticket_resolved")
    await stage.deliver(stage.refused_ticket())
    await stage.deliver_and_work("999999")
    assert written_calls(stage) == []


@shadowed
async def test_when_it_is_switched_off_old_notes_stay_unposted_and_new_ones_are_posted(
    stage: Stage, tmp_path: Path
) -> None:
    old, changed = stage.ticket(), stage.ticket(subject="Outlook has no mail")
    for ticket_id in (old, changed):
        await stage.deliver(ticket_id)
    await stage.work()
    switch(stage, tmp_path, "post")

    again = await stage.deliver_and_work(old, event="ticket_updated")
    delivery = await stage.delivery(again)
    assert (delivery.status, delivery.code) == ("ignored", "shadow")
    assert await replay_deliveries(stage.database, stage.tenant.id, limit=100) == []
    await stage.work()
    assert written_calls(stage) == []

    stage.portal.update_ticket(changed, description="Outlook on PC-0231 shows no mail, and says that it is offline.")
    await stage.deliver(changed, event="ticket_updated")
    fresh = stage.ticket(subject="Outlook receives nothing")
    await stage.deliver_and_work(fresh)
    assert [len(stage.notes(each)) for each in (old, changed, fresh)] == [0, 1, 1]


@shadowed
@pytest.mark.parametrize("is_failed", [False, True], ids=["its worker died", "it failed and is replayed"])
async def test_what_was_written_and_not_settled_is_not_posted_either(
    stage: Stage, tmp_path: Path, is_failed: bool
) -> None:
    ticket_id = stage.ticket()
    job_id = await stage.deliver_and_work(ticket_id)
    await unsettle(stage, is_failed=is_failed)
    switch(stage, tmp_path, "post")
    if is_failed:
        assert await replay_deliveries(stage.database, stage.tenant.id, limit=100) == [job_id]
    await stage.work()
    delivery = await stage.delivery(job_id)
    assert (delivery.status, delivery.code) == ("done", "shadow")
    assert written_calls(stage) == []
    assert stage.model.calls == 1


async def test_a_note_whose_posting_failed_before_the_switch_is_kept_back(stage: Stage, tmp_path: Path) -> None:
    ticket_id = stage.ticket()
    stage.fault(f"POST requests/{ticket_id}/notes", "status", status=503, times=None)
    job_id = await stage.deliver_and_work(ticket_id)
    stage.portal.calls.clear()
    switch(stage, tmp_path, "shadow")
    await stage.end_rests()
    await stage.work_again()
    assert (await stage.delivery(job_id)).code == "shadow"
    assert written_calls(stage) == []


async def test_a_note_that_is_on_the_ticket_already_is_found_by_reading(stage: Stage, tmp_path: Path) -> None:
    ticket_id = stage.ticket()
    job_id = await stage.deliver_and_work(ticket_id)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await session.execute(text("update enhancement set note_id = null, posted_at = null"))
    await unsettle(stage)
    stage.portal.calls.clear()
    switch(stage, tmp_path, "shadow")
    await stage.work()
    delivery = await stage.delivery(job_id)
    assert (delivery.status, delivery.code) == ("done", None)
    assert written_calls(stage) == []
    assert len(stage.notes(ticket_id)) == 1


@shadowed
async def test_the_client_itself_refuses_every_write(stage: Stage) -> None:
    """Whatever is built on it later."""
    known = stage.worker.tenants.find(stage.tenant.id)
    assert known is not None
    ticket_id = stage.ticket()

    async def begin() -> None:
        raise AssertionError

    async with open_help_desk(known, stage.database, longest_wait=timedelta(seconds=5)) as help_desk:
        await help_desk.load_ticket(ticket_id)
        with pytest.raises(HelpDeskRefused, match=r"note\.mode"):
            await help_desk.post_note(ticket_id, "<p>a note</p>", begin=begin)
        with pytest.raises(HelpDeskRefused, match=r"note\.mode"):
            await help_desk.delete_note(ticket_id, "1")
    assert written_calls(stage) == []
