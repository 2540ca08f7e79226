"""The results of the last smoke test, as it kept them in the cluster."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError


class SmokeCheck(BaseModel, frozen=True):
    name: str
    outcome: str
    detail: str


class SmokeTest(BaseModel, frozen=True):
    """`report.json` of a smoke test that ended."""

    finished: datetime
    passed: bool
    checks: list[SmokeCheck]

    @property
    def failures(self) -> list[SmokeCheck]:
        return [each for each in self.checks if each.outcome == "failed"]


def load_smoke_test(path: Path | None) -> SmokeTest | None:
    """What the file at *path* holds. None when there is none yet, or it is no such report."""
    if path is None:
        return None
    try:
        return SmokeTest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
