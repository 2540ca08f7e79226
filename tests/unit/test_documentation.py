"""What the pages tell an operator to do."""

from __future__ import annotations

from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_deletes_rows_by_hand(page: Path) -> None:
    assert "delete from" not in page.read_text("utf-8").lower(), "rows of a tenant go by `ai-agents tenants erase`"
