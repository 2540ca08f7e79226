"""The short run: a few kinds of faults under a light load. `make faults` is the long one, and starts real processes."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from demo.run_folder import open_run_folder
from tests.faults.drill import Orders, drill, plan_faults
from tests.faults.kinds import FAULTS
from tests.integration.forked import ForkedProcess

SHORT = [fault for fault in FAULTS if fault.is_short]


async def test_nothing_is_lost_doubled_or_mixed_up_in_a_short_run() -> None:
    orders = Orders(seconds=24, rate=8, seed=7, faults=SHORT, settle_s=150)
    with open_run_folder(Path(__file__).parents[2] / ".demo") as run:
        report = await drill(orders, run, process=ForkedProcess, tell=lambda _: None)
    sys.stdout.write(report.as_text())

    assert report.is_kept, report.as_text()
    assert report.never_answered == 0, report.as_text()
    # These are seen to strike; a worker that is killed and a Redis that is emptied leave no word.
    seen = {fault.name: fault.signs.total() + fault.unanswered for fault in report.faults}
    assert seen["PostgreSQL restarted immediately"]
    assert seen["ServiceDesk Plus cuts after storing the note"]
    assert seen["model answers 500"]
    assert report.count.notes > 20
    [unread] = [fault for fault in report.faults if fault.name.startswith("row, ring, token and file")]
    assert unread.remark == "failed, and visible as delivery_unreadable"
    assert unread.signs["delivery_not_claimed"]
    assert unread.signs["tenant_file_refused"]


def test_the_same_seed_plans_the_same_faults_and_spreads_them_over_the_time() -> None:
    orders = Orders(seconds=600, rate=50, seed=1, faults=FAULTS)

    plan, again = plan_faults(random.Random(1), orders), plan_faults(random.Random(1), orders)

    assert plan == again
    assert plan != plan_faults(random.Random(2), orders)
    assert {fault.name for fault in plan.faults} == {fault.name for fault in FAULTS}
    assert 590 < sum(fault.seconds + plan.gap_s for fault in plan.faults) <= 600
    assert plan_faults(random.Random(1), replace(orders, seconds=10)).gap_s > 0
