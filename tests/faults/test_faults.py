"""The short run: a few kinds of faults under a light load. `make faults` is the long one."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from app.demo.run_folder import open_run_folder
from tests.faults.drill import Orders, drill, plan_faults
from tests.faults.kinds import FAULTS

SHORT = [fault for fault in FAULTS if fault.is_short]


async def test_nothing_is_lost_doubled_or_mixed_up_in_a_short_run() -> None:
    orders = Orders(seconds=24, rate=12, seed=7, faults=SHORT, settle_s=150)
    with open_run_folder(Path(__file__).parents[2] / ".demo") as run:
        report = await drill(orders, run, tell=lambda _: None)
    sys.stdout.write(report.as_text())

    assert report.is_kept, report.as_text()
    assert report.never_answered == 0, report.as_text()
    # Each fault struck: the product said so, or a sender had to do without an answer.
    assert all(fault.signs or fault.unanswered for fault in report.faults if "FLUSHALL" not in fault.name)
    assert report.count.notes > 40


def test_the_same_seed_plans_the_same_faults_one_after_another() -> None:
    orders = Orders(seconds=600, rate=50, seed=1, faults=FAULTS)

    plan = plan_faults(random.Random(1), orders)
    again = plan_faults(random.Random(1), orders)

    assert [(at, fault.name) for at, fault in plan] == [(at, fault.name) for at, fault in again]
    assert {fault.name for _, fault in plan} == {fault.name for fault in FAULTS}
    ends = [at + fault.seconds for at, fault in plan]
    assert all(start > end for end, (start, _) in zip(ends, plan[1:], strict=False))
    assert ends[-1] <= 600
