"""What an operator must see is a gauge, also while there is nothing to see."""

from __future__ import annotations

from prometheus_client import REGISTRY

from app.db.gates import EVERY_TENANT, Cause, Gates
from app.worker.watch import look_once
from tests.integration.worker.conftest import Stage


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_the_first_dead_delivery_is_a_change_from_zero(stage: Stage) -> None:
    slug = stage.tenant.slug
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("delivery_dead", tenant=slug) == 0
    assert gauge("gate_closed", tenant=slug, cause="paused") == 0

    await stage.deliver("999999")
    await stage.work()
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("delivery_dead", tenant=slug) == 1


async def test_a_closed_gate_is_seen_of_its_tenant_and_of_all(stage: Stage) -> None:
    slug, gates = stage.tenant.slug, Gates(stage.database)
    await gates.pause(stage.tenant.id, by="x", reason="y")
    await gates.pause(EVERY_TENANT, by="x", reason="y")
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("gate_closed", tenant=slug, cause="paused") == 1
    assert gauge("gate_closed", tenant=slug, cause="help_desk") == 0
    assert gauge("gate_closed", tenant="", cause="paused") == 1

    await gates.open(EVERY_TENANT, Cause.PAUSED)
    await gates.open(stage.tenant.id, Cause.PAUSED)
    await look_once(stage.database, stage.worker.tenants)
    assert gauge("gate_closed", tenant=slug, cause="paused") == 0
    assert gauge("gate_closed", tenant="", cause="paused") == 0
