"""What was checked, with its time: as a table, as JSON, as JUnit."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import httpx

from app.errors import AppError

NamedCheck = tuple[str, Callable[[], Awaitable[str]]]


class CheckFailed(AppError):
    """A check did not hold; the sentence says what was seen and what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    is_passed: bool
    seconds: float
    detail: str


@dataclass
class Report:
    """All checks, in the order in which they ran."""

    checks: list[Check] = field(default_factory=list)

    @property
    def is_passed(self) -> bool:
        return all(check.is_passed for check in self.checks)

    def json(self) -> str:
        checks = [
            {"name": check.name, "passed": check.is_passed, "seconds": check.seconds, "detail": check.detail}
            for check in self.checks
        ]
        return json.dumps({"passed": self.is_passed, "checks": checks}, indent=2)

    def table(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        lines = [
            f"{'ok  ' if check.is_passed else 'FAIL'}  {check.name:<{width}}  {check.seconds:6.2f} s  {check.detail}"
            for check in self.checks
        ]
        passed = sum(check.is_passed for check in self.checks)
        return "\n".join([*lines, f"{passed} of {len(self.checks)} checks passed"])

    def junit(self) -> str:
        """For a CI server."""
        failures = sum(not check.is_passed for check in self.checks)
        suite = ET.Element("testsuite", name="smoke", tests=str(len(self.checks)), failures=str(failures))
        for check in self.checks:
            case = ET.SubElement(suite, "testcase", name=check.name, classname="smoke", time=f"{check.seconds:.3f}")
            if check.is_passed:
                ET.SubElement(case, "system-out").text = check.detail
            else:
                ET.SubElement(case, "failure", message=check.detail)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True)


async def run_checks(checks: list[NamedCheck], report: Report) -> None:
    """Run *checks* one after another, whatever the one before came to."""
    for name, check in checks:
        report.checks.append(await _run(name, check))


async def _run(name: str, check: Callable[[], Awaitable[str]]) -> Check:
    started = time.monotonic()
    try:
        detail, is_passed = await check(), True
    except CheckFailed as failure:
        detail, is_passed = failure.detail, False
    except httpx.HTTPError as error:
        detail, is_passed = f"no answer ({type(error).__name__}): is the URL right, and is it up?", False
    return Check(name, is_passed, round(time.monotonic() - started, 3), detail)
