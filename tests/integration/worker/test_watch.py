"""What an operator must see is a gauge, also while there is nothing to see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY

from app.core.tenant import EVERY_TENANT
from app.db.knowledge.cursors import Cursor, CursorKind
from app.db.knowledge.reconciliation import record_missed
from app.db.knowledge.store import save_cursor
from app.db.limits.pauses import pause, resume
from app.worker.watch import look_at_usage, look_once
from tests.builders import a_ticket
from tests.integration.nobody import run_as_nobody
from tests.integration.worker.conftest import Stage


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_the_first_failed_delivery_is_a_change_from_zero(stage: Stage) -> None:
    slug = stage.tenant.slug
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("deliveries_failed", tenant=slug) == 0
    assert gauge("tenant_paused", tenant=slug) == 0

    await stage.deliver_and_work(stage.refused_ticket())
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("deliveries_failed", tenant=slug) == 1


async def test_a_pause_is_seen_of_its_tenant_and_of_all(stage: Stage) -> None:
    slug = stage.tenant.slug
    await pause(stage.database, stage.tenant.id, by="x", reason="y")
    await pause(stage.database, EVERY_TENANT, by="x", reason="y")
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("tenant_paused", tenant=slug) == 1
    assert gauge("circuit_open", tenant=slug, dependency="help_desk") == 0
    assert gauge("tenant_paused", tenant="") == 1

    await resume(stage.database, EVERY_TENANT)
    await resume(stage.database, stage.tenant.id)
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("tenant_paused", tenant=slug) == 0
    assert gauge("tenant_paused", tenant="") == 0


async def test_what_waits_is_seen_of_its_tenant(stage: Stage) -> None:
    slug = stage.tenant.slug
    await look_once(stage.database, stage.worker.tenants)
    assert (gauge("tenant_backlog", tenant=slug), gauge("tenant_oldest_pending_seconds", tenant=slug)) == (0, 0)

    await stage.deliver(stage.ticket())
    await run_as_nobody(stage.database, "update due set accepted_at = now() - interval '1 hour'")
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("tenant_backlog", tenant=slug) == 1
    assert (gauge("tenant_oldest_pending_seconds", tenant=slug) or 0) == pytest.approx(3600, abs=60)

    await stage.work()
    await look_once(stage.database, stage.worker.tenants)
    assert (gauge("tenant_backlog", tenant=slug), gauge("tenant_oldest_pending_seconds", tenant=slug)) == (0, 0)


async def test_outcomes_that_did_not_happen_yet_are_zero(stage: Stage) -> None:
    slug = stage.tenant.slug
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("enhancements_total", tenant=slug, outcome="failed") == 0
    assert gauge("enhancement_duration_seconds_count", tenant=slug) == 0

    await stage.deliver_and_work(stage.refused_ticket())
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("enhancements_total", tenant=slug, outcome="failed") == 1


async def test_a_ticket_that_the_sync_had_to_find_is_counted_once_it_is_settled(stage: Stage) -> None:
    slug, now = stage.tenant.slug, datetime.now(UTC)
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("webhooks_missed_total", tenant=slug) == 0
    await stage.deliver_and_work(stage.ticket())
    assert gauge("webhooks_missed_total", tenant=slug) == 0

    missed = a_ticket(id=stage.ticket(), created_at=now, updated_at=now)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await record_missed(session, stage.tenant.id, [missed], events=stage.tenant.events, since=now, until=now)
    assert await stage.work() == 1
    assert gauge("webhooks_missed_total", tenant=slug) == 1


@pytest.mark.parametrize("stage", [{"model": {"monthly_token_budget": 10_000}}], indirect=True)
async def test_how_much_of_a_budget_is_used_is_seen(stage: Stage) -> None:
    slug = stage.tenant.slug
    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)
    assert gauge("llm_budget_used_ratio", tenant=slug, budget="monthly_token_budget") == 0

    await stage.deliver_and_work(stage.ticket())
    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)
    used = sum(
        gauge("llm_tokens_total", tenant=slug, model="gpt-4o-mini", kind=kind) or 0 for kind in ("prompt", "completion")
    )
    assert used > 0
    assert gauge("llm_budget_used_ratio", tenant=slug, budget="monthly_token_budget") == pytest.approx(used / 10_000)


async def _save(stage: Stage, kind: CursorKind, cursor: Cursor) -> None:
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await save_cursor(session, stage.tenant.id, kind, cursor)


async def test_a_sync_that_has_never_read_all_tickets_is_seen_from_its_first_run_on(stage: Stage) -> None:
    """Without a value a new client whose sync never works was told by no alert."""
    begun = datetime(2026, 11, 24, 3, tzinfo=UTC)
    await _save(stage, "reconciliation", Cursor(seen_up_to=begun))
    await _save(stage, "tickets", Cursor(seen_up_to=begun))

    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)

    assert gauge("last_sync_timestamp_seconds", tenant=stage.tenant.slug) == begun.timestamp()


@pytest.mark.parametrize("stage", [{"status": "suspended"}], indirect=True)
async def test_a_tenant_that_is_suspended_is_not_said_to_lack_a_sync(stage: Stage) -> None:
    """No sync reads it, so two hours later an alert would have begun that ends with its file alone."""
    await _save(stage, "tickets", Cursor(listed_at=datetime(2026, 11, 25, 3, tzinfo=UTC)))

    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)

    assert gauge("last_sync_timestamp_seconds", tenant=stage.tenant.slug) is None


async def test_the_last_whole_sync_is_seen_and_no_sync_is_no_value(stage: Stage) -> None:
    slug = stage.tenant.slug
    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)
    assert gauge("last_sync_timestamp_seconds", tenant=slug) is None
    assert gauge("llm_budget_used_ratio", tenant=slug, budget="monthly_token_budget") is None

    synced_at = datetime(2026, 11, 25, 3, tzinfo=UTC)
    await _save(stage, "reconciliation", Cursor(seen_up_to=datetime(2026, 11, 24, 3, tzinfo=UTC)))
    await _save(stage, "tickets", Cursor(listed_at=synced_at))
    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)
    assert gauge("last_sync_timestamp_seconds", tenant=slug) == synced_at.timestamp()
