"""The results of the checks, as a table, as JSON and as JUnit XML."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from xml.etree import ElementTree as ET

import httpx

from app.errors import AppError

NamedCheck = tuple[str, Callable[[], Awaitable[str]]]


class CheckFailed(AppError):
    """A check failed; the sentence says what was seen and what to do."""


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


_MARKS = {CheckOutcome.PASSED: "ok", CheckOutcome.FAILED: "FAIL", CheckOutcome.SKIPPED: "skip"}


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    outcome: CheckOutcome
    seconds: float
    detail: str

    @property
    def is_passed(self) -> bool:
        return self.outcome is CheckOutcome.PASSED


@dataclass
class SmokeReport:
    """The results of all checks, in the order in which they ran."""

    checks: list[Check] = field(default_factory=list)
    finished: datetime | None = None

    @property
    def is_passed(self) -> bool:
        """Whether something was checked and nothing failed."""
        return bool(self._count(CheckOutcome.PASSED)) and not self._count(CheckOutcome.FAILED)

    def skip(self, name: str, why: str) -> None:
        """Add a check *name* that was skipped."""
        self.checks.append(Check(name, CheckOutcome.SKIPPED, 0.0, why))

    def json(self) -> str:
        checks = [
            {"name": check.name, "outcome": check.outcome, "seconds": check.seconds, "detail": check.detail}
            for check in self.checks
        ]
        finished = self.finished.isoformat() if self.finished else None
        return json.dumps({"finished": finished, "passed": self.is_passed, "checks": checks}, indent=2)

    def table(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        lines = [
            f"{_MARKS[check.outcome]:<4}  {check.name:<{width}}  {check.seconds:6.2f} s  {check.detail}"
            for check in self.checks
        ]
        skipped = self._count(CheckOutcome.SKIPPED)
        told = f"{self._count(CheckOutcome.PASSED)} of {len(self.checks) - skipped} checks passed"
        return "\n".join([*lines, f"{told}, {skipped} skipped" if skipped else told])

    def junit(self) -> str:
        """The report as JUnit XML, for a CI server."""
        suite = ET.Element(
            "testsuite",
            name="smoke",
            tests=str(len(self.checks)),
            failures=str(self._count(CheckOutcome.FAILED)),
            skipped=str(self._count(CheckOutcome.SKIPPED)),
            time=f"{sum(check.seconds for check in self.checks):.3f}",
        )
        for check in self.checks:
            case = ET.SubElement(suite, "testcase", name=check.name, classname="smoke", time=f"{check.seconds:.3f}")
            match check.outcome:
                case CheckOutcome.PASSED:
                    ET.SubElement(case, "system-out").text = check.detail
                case CheckOutcome.FAILED:
                    ET.SubElement(case, "failure", message=check.detail)
                case CheckOutcome.SKIPPED:
                    ET.SubElement(case, "skipped", message=check.detail)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True)

    def _count(self, outcome: CheckOutcome) -> int:
        return sum(check.outcome is outcome for check in self.checks)


async def run_checks(checks: list[NamedCheck], report: SmokeReport) -> None:
    """Run *checks* one after another, also after one that failed."""
    for name, check in checks:
        report.checks.append(await _run(name, check))


async def _run(name: str, check: Callable[[], Awaitable[str]]) -> Check:
    started = time.monotonic()
    outcome = CheckOutcome.FAILED
    try:
        detail = await check()
        outcome = CheckOutcome.PASSED
    except AppError as failure:
        detail = failure.detail
    except httpx.HTTPError as error:
        detail = f"no answer ({type(error).__name__}): is the URL right, and is it up?"
    except Exception as error:  # noqa: BLE001 - an unexpected answer must not stop the other checks
        detail = f"an answer that can't be understood ({type(error).__name__}): is something else at this address?"
    return Check(name, outcome, round(time.monotonic() - started, 3), detail)
