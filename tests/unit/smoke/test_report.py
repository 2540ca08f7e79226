"""What the smoke test reports, and what it thinks of a schema."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import httpx
import pytest

from app.db.migrate import known_revisions
from app.errors import HelpDeskUnavailable
from app.smoke.api import judge_schema
from app.smoke.report import Check, CheckFailed, CheckOutcome, SmokeReport, run_checks


def a_report() -> SmokeReport:
    report = SmokeReport(
        [
            Check("health", CheckOutcome.PASSED, 0.1, "fine"),
            Check("note", CheckOutcome.FAILED, 120.0, "no note: <look>"),
        ]
    )
    report.skip("pods", "no --namespace")
    return report


def test_a_table_has_a_line_for_each_check_with_its_time() -> None:
    assert a_report().table().splitlines() == [
        "ok    health    0.10 s  fine",
        "FAIL  note    120.00 s  no note: <look>",
        "skip  pods      0.00 s  no --namespace",
        "1 of 2 checks passed, 1 skipped",
    ]


def test_json_tells_the_same() -> None:
    told = json.loads(a_report().json())

    assert not told["passed"]
    assert told["checks"][1] == {"name": "note", "outcome": "failed", "seconds": 120.0, "detail": "no note: <look>"}


def test_junit_tells_the_same() -> None:
    suite = ET.fromstring(a_report().junit())

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    failure, skipped = suite.find("testcase[@name='note']/failure"), suite.find("testcase[@name='pods']/skipped")
    assert failure is not None
    assert failure.get("message") == "no note: <look>"
    assert skipped is not None
    assert skipped.get("message") == "no --namespace"


def test_a_report_passes_when_nothing_failed_and_something_was_checked() -> None:
    nothing_checked = SmokeReport()
    nothing_checked.skip("pods", "no --namespace")

    assert SmokeReport([Check("health", CheckOutcome.PASSED, 0.1, "fine")]).is_passed
    assert not a_report().is_passed
    assert not nothing_checked.is_passed


async def test_every_check_runs_whatever_the_ones_before_came_to() -> None:
    async def fail() -> str:
        raise CheckFailed("look there")

    async def find_the_help_desk_out() -> str:
        raise HelpDeskUnavailable("ServiceDesk Plus did not answer")

    async def find_nobody() -> str:
        raise httpx.ConnectError("refused")

    async def break_down() -> str:
        raise KeyError("status")

    async def pass_() -> str:
        return "fine"

    report = SmokeReport()
    checks = [fail, find_the_help_desk_out, find_nobody, break_down, pass_]
    await run_checks([(check.__name__, check) for check in checks], report)

    assert [check.is_passed for check in report.checks] == [False, False, False, False, True]
    assert [check.detail for check in report.checks[:2]] == ["look there", "ServiceDesk Plus did not answer"]
    assert "is the URL right" in report.checks[2].detail
    assert "(KeyError)" in report.checks[3].detail


def test_a_schema_ahead_of_the_image_is_what_a_rollback_leaves_and_an_older_one_is_a_fault() -> None:
    head, known = known_revisions()

    assert "as this release has it" in judge_schema(head)
    assert "is ahead of this image" in judge_schema("2031_01_01_0000")
    with pytest.raises(CheckFailed, match="look at the log of the migrate Job"):
        judge_schema(min(known))


@pytest.mark.parametrize("found", [None, "", "unknown"])
def test_a_schema_that_is_not_told_is_not_one_ahead(found: str | None) -> None:
    with pytest.raises(CheckFailed, match="tells no schema"):
        judge_schema(found)
