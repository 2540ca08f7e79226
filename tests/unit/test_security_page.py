"""Each test that docs/security.md names exists, and each promise there names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`\s]+)`", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_exists(name: str) -> None:
    path, _, test = name.partition("::")
    assert (ROOT / path).exists(), f"docs/security.md names {path}, which is not there"
    if test:
        functions = re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        assert test in functions, f"docs/security.md names {name}: {path} has no such test"


def test_each_accepted_risk_names_what_shows_it() -> None:
    (table,) = re.findall(r"^\| accepted \| .* \| shown by \|\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    for row in table.splitlines():
        shown_by = row.rsplit(" | ", 1)[1]
        assert "`tests/" in shown_by or shown_by.startswith("outside: "), row


def test_each_promise_names_its_test() -> None:
    """In each table whose last column is headed `test`."""
    for table in re.findall(r"^\| .* \| test \|\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for row in table.splitlines():
            assert "`tests/" in row.rsplit(" | ", 1)[1], row
