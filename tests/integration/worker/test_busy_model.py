"""A model that takes only so many calls a minute, in a storm of tickets: the deliveries wait, and get their words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.outcome import MODEL_PATIENCE
from app.core.retry import FAILURES_TO_OPEN
from app.errors import Code
from app.integrations.pace import Pace
from tests.integration.worker.conftest import Stage


def end_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "left", property(lambda _: timedelta(0)))


async def test_a_busy_model_costs_no_delivery_its_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.model.behave("rate_limit", seconds=20)
    tickets = [stage.ticket() for _ in range(FAILURES_TO_OPEN + 2)]
    jobs = [await stage.deliver(ticket_id) for ticket_id in tickets]
    assert await stage.work() == len(jobs)
    assert stage.model.calls == 1, "the others need not hear it themselves"
    for job_id in jobs:
        waiting = await stage.delivery(job_id)
        assert (waiting.status, waiting.attempts_used, waiting.code) == ("pending", 0, Code.MODEL_BUSY)
    end_wait(monkeypatch)
    await stage.work_again()
    for ticket_id in tickets:
        [note] = stage.notes(ticket_id)
        assert "The model could not be reached" not in note
        assert "Cached mode was off" in note


async def test_a_delivery_that_has_waited_for_long_gets_the_context(stage: Stage) -> None:
    stage.model.behave("rate_limit", times=None, seconds=20)
    ticket_id = stage.ticket()
    job_id = await stage.deliver_and_work(ticket_id)
    assert stage.notes(ticket_id) == []
    async with stage.database.as_tenant(stage.tenant.id) as session:
        statement = "update delivery set accepted_at = accepted_at - make_interval(secs => :seconds) where job_id = :id"
        await session.execute(text(statement), {"seconds": MODEL_PATIENCE.total_seconds(), "id": job_id})
    await stage.work_again()
    [note] = stage.notes(ticket_id)
    assert "The model could not be reached" in note
    assert stage.model.calls == 1, "it is not asked in vain"
    delivery = await stage.delivery(job_id)
    assert (delivery.status, delivery.code) == ("done", None)


async def test_an_answer_that_is_there_is_not_thrown_away_for_its_repair(stage: Stage) -> None:
    stage.model.behave("unknown_citation")
    stage.model.behave("rate_limit", times=None, seconds=20)
    ticket_id = stage.ticket()
    job_id = await stage.deliver_and_work(ticket_id)
    assert stage.model.calls == 2
    [note] = stage.notes(ticket_id)
    assert "The model could not be reached" not in note
    assert (await stage.delivery(job_id)).status == "done"


async def test_an_answer_that_was_paid_is_not_asked_for_again(stage: Stage) -> None:
    stage.model.behave("not_json")
    stage.model.behave("rate_limit", times=None, seconds=20)
    ticket_id = stage.ticket()
    job_id = await stage.deliver_and_work(ticket_id)
    [note] = stage.notes(ticket_id)
    assert "Cached mode was off" in note
    assert (await stage.delivery(job_id)).status == "done"
    async with stage.database.as_tenant(stage.tenant.id) as session:
        [tokens] = (await session.scalars(text("select prompt_tokens from enhancement"))).all()
    assert tokens > 0


async def test_a_note_that_is_written_is_posted_though_the_model_is_busy(stage: Stage) -> None:
    ticket_id = stage.ticket()
    stage.fault(f"POST requests/{ticket_id}/notes", "status", status=500)
    await stage.deliver_and_work(ticket_id)
    assert stage.notes(ticket_id) == []
    stage.model.behave("rate_limit", seconds=20)
    other = stage.ticket()
    await stage.deliver_and_work(other)
    await stage.end_rests()
    await stage.work_again()
    assert len(stage.notes(ticket_id)) == 1
    assert stage.notes(other) == []
