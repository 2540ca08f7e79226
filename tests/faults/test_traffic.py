from __future__ import annotations

import itertools
import random
from collections import Counter

from app.core.delivery import compute_job_id, parse_webhook
from tests.builders import a_body
from tests.faults.tenants import CLIENTS, QUIET
from tests.faults.traffic import Call, CallKind, plan_traffic


def plan(seed: int = 1) -> list[Call]:
    return list(itertools.islice(plan_traffic(random.Random(seed), rate=50), 3000))


def job_of(call: Call) -> object:
    return compute_job_id(call.client.id, parse_webhook(a_body(**call.body)), signed_id=None)


def test_the_same_seed_plans_the_same() -> None:
    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_the_rate_is_steady_and_every_kind_and_tenant_is_there() -> None:
    calls = plan()

    assert len(calls) == 3000
    assert [call.after_s for call in calls] == [number / 50 for number in range(3000)]
    assert {call.kind for call in calls} == set(CallKind)
    assert {call.client for call in calls} == set(CLIENTS)
    assert [call.after_s for call in calls if call.client is QUIET] == list(range(0, 60, 3))


def test_a_redelivery_is_the_same_delivery_and_another_is_not() -> None:
    calls = [call for call in plan() if call.kind is not CallKind.FORGED]

    jobs = Counter(job_of(call) for call in calls)
    firsts = [call for call in calls if call.kind is not CallKind.AGAIN]

    assert len(jobs) == len(firsts)
    assert {job_of(call) for call in calls if call.kind is CallKind.AGAIN} <= {job_of(call) for call in firsts}


def test_nothing_genuine_is_about_a_forged_calls_ticket() -> None:
    calls = plan()

    forged = {(call.client, call.ticket_id) for call in calls if call.kind is CallKind.FORGED}
    genuine = {(call.client, call.ticket_id) for call in calls if call.kind is not CallKind.FORGED}

    assert forged
    assert forged.isdisjoint(genuine)


def test_the_tenants_tickets_have_the_same_ids() -> None:
    own = [client for client in CLIENTS if not client.first_id]
    ids = {client: {call.ticket_id for call in plan() if call.client is client} for client in own}

    assert len(set.intersection(*ids.values())) == len(ids[QUIET]) == 20
