from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.console.problems import HealthProblem, Level, find_problems, find_problems_of
from app.console.smoke import SmokeCheck, SmokeTest, load_smoke_test
from app.console.snapshot import Snapshot, p95
from app.core.budget import Usage
from app.core.tenant import EVERY_TENANT
from app.db.limits.holds import Cause, Hold
from app.db.reports.load import FailedDeliveries, TenantLoad
from app.db.reports.overview import HourCount, TenantFigures
from tests.builders import a_tenant

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ACME = a_tenant("acme", model={"monthly_token_budget": 1000})


def seen(*holds: Hold, redis: bool = True, workers: int | None = 1, **figures: Any) -> Snapshot:
    own = TenantFigures(ACME.id, **figures)
    return Snapshot(NOW, [ACME], [own], list(holds), is_redis_reachable=redis, workers=workers)


def hold(cause: Cause, tenant_id: Any = ACME.id, **values: Any) -> Hold:
    fields = {
        "until": None,
        "since": NOW,
        "failures": 0,
        "by": None,
        "reason": None,
        "holds_deliveries": cause in {Cause.PAUSED, Cause.RATE_LIMITED, Cause.HELP_DESK},
        **values,
    }
    return Hold(tenant_id=tenant_id, cause=cause, **fields)


def only(snapshot: Snapshot) -> HealthProblem:
    [problem] = find_problems(snapshot)
    return problem


def a_smoke_test(*checks: tuple[str, str]) -> SmokeTest:
    found = [SmokeCheck(name=name, outcome=outcome, detail="look at its log") for name, outcome in checks]
    return SmokeTest(finished=NOW, passed=all(each.outcome == "passed" for each in found), checks=found)


def test_a_smoke_test_that_failed_is_told_with_what_to_do() -> None:
    problem = only(replace(seen(), smoke_test=a_smoke_test(("health", "passed"), ("note", "failed"))))

    assert (problem.level, problem.title, problem.since) == (Level.BAD, "The last smoke test failed", NOW)
    assert problem.detail == "note: look at its log"
    assert find_problems(replace(seen(), smoke_test=a_smoke_test(("note", "passed")))) == []


def test_figures_that_can_not_be_read_are_told() -> None:
    problem = only(seen(is_partial=True))
    assert (problem.level, problem.title) == (Level.BAD, "Figures of Acme can't be read")


@pytest.mark.parametrize("text", [None, "", "[]", '{"passed": true, "checks": []}', "\x00"])
def test_results_that_are_none_are_not_shown(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "report.json"
    if text is not None:
        file.write_text(text)

    assert load_smoke_test(file) is None


def test_nothing_wrong_is_no_finding() -> None:
    assert find_problems(seen(durations=(4000,) * 20, hours=(HourCount(0, notes=100),))) == []


def test_a_redis_that_is_out_is_slower_and_not_lost() -> None:
    problem = only(seen(redis=False, workers=None))
    assert problem.level is Level.WARN
    assert "Nothing is lost" in problem.detail


def test_no_worker_needs_somebody_unless_one_is_seen_working() -> None:
    assert only(seen(workers=0)).level is Level.BAD
    assert find_problems(seen(workers=0, load=TenantLoad(working=1))) == []


@pytest.mark.parametrize(
    ("cause", "level"), [(Cause.HELP_DESK, Level.BAD), (Cause.MODEL, Level.WARN), (Cause.PAUSED, Level.NOTE)]
)
def test_a_hold_is_told_with_whom_it_concerns(cause: Cause, level: Level) -> None:
    problem = only(seen(hold(cause)))
    assert (problem.level, problem.link, problem.since) == (level, "/tenants/acme", NOW)
    assert "Acme" in problem.title


def test_a_pause_of_all_is_told_once() -> None:
    assert "All tenants" in only(seen(hold(Cause.PAUSED, EVERY_TENANT, by="ines", reason="move"))).title


def test_failed_deliveries_lead_to_the_list_of_them() -> None:
    problem = only(seen(failures=FailedDeliveries(2, NOW), last_failure="ticket_not_found"))
    assert problem.detail == "The newest: The ticket was deleted or archived, or never was on this help desk."
    assert problem.level is Level.BAD
    assert problem.link == "/deliveries?tenant=acme&status=failed"


def test_what_waits_for_no_worker_is_told_and_what_is_held_back_is_not() -> None:
    late = TenantLoad(waiting=3, due_since=NOW - timedelta(minutes=2))
    assert "wait for a worker" in only(seen(load=late)).title
    assert "help desk" in only(seen(hold(Cause.HELP_DESK), load=late)).title


@pytest.mark.parametrize(("seconds", "level"), [(59, None), (61, Level.WARN), (121, Level.BAD)])
def test_slow_notes(seconds: int, level: Level | None) -> None:
    findings = find_problems(seen(durations=(seconds * 1000,) * 20))
    assert [problem.level for problem in findings] == ([level] if level else [])


def test_a_rate_says_something_from_ten_on() -> None:
    assert find_problems(seen(hours=(HourCount(0, notes=8, failed=1),))) == []
    assert "94%" in only(seen(hours=(HourCount(0, notes=94, failed=6),))).title


def test_a_budget_is_told_at_eighty_and_at_a_hundred() -> None:
    assert find_problems(seen(usage=Usage(tokens_this_month=799))) == []
    assert only(seen(usage=Usage(tokens_this_month=800))).level is Level.NOTE
    assert only(seen(usage=Usage(tokens_this_month=1000))).level is Level.WARN


def test_the_worst_comes_first() -> None:
    levels = [
        problem.level
        for problem in find_problems(seen(hold(Cause.PAUSED), redis=False, workers=None, failures=FailedDeliveries(1)))
    ]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] is Level.BAD


def test_ninety_five_of_a_hundred() -> None:
    assert p95([]) is None
    assert p95([5000]) == 5
    assert p95(range(1000, 101_000, 1000)) == 96


def test_a_tenants_page_tells_what_is_its_own_however_much_another_is_called_like_it() -> None:
    namesake = a_tenant("acme-two", name="Acme Two")
    figures = [TenantFigures(ACME.id), TenantFigures(namesake.id, failures=FailedDeliveries(1, NOW))]
    both = Snapshot(NOW, [ACME, namesake], figures, [], is_redis_reachable=True, workers=1)

    assert find_problems_of(ACME, both) == []
    assert len(find_problems_of(namesake, both)) == 1


def test_a_pause_of_all_is_told_of_each_tenant() -> None:
    paused = seen(hold(Cause.PAUSED, EVERY_TENANT), hold(Cause.PAUSED), hold(Cause.MODEL))
    assert [each.cause for each in paused.holds_on(ACME.id)] == [Cause.PAUSED, Cause.MODEL]
    assert "All tenants are paused" in {each.title for each in find_problems_of(ACME, paused)}


def test_a_tenant_whose_file_came_after_the_snapshot_has_no_figures_yet() -> None:
    assert seen().of(a_tenant("new").id).notes == 0
