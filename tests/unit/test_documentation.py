"""What the pages tell an operator to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_files_that_exist(page: Path) -> None:
    named = set(
        re.findall(
            r"`((?:app|demo|tests|bench|kustomize|argocd|policies)/[\w./-]+\.(?:py|sql|yaml|md|sh))`",
            page.read_text("utf-8"),
        )
    )
    assert {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_deletes_rows_by_hand(page: Path) -> None:
    assert "delete from" not in page.read_text("utf-8").lower(), "rows of a tenant go by `ai-agents tenants erase`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_is_longer_than_a_reader_follows(page: Path) -> None:
    assert [number for number, line in enumerate(page.read_text("utf-8").splitlines(), 1) if len(line) > 400] == []
