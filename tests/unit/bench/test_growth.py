"""What the measurement of growth makes of PostgreSQL's log, and of a process's memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from app.db.sql import load
from bench.growth.hot import Meter
from bench.growth.page import MARK, plans, render, write
from bench.growth.plans import Plan, PlanLog
from bench.throughput.soak import slope


def entry(query: str, plan: dict[str, Any]) -> str:
    """As `auto_explain` writes it."""
    lines = json.dumps({"Query Text": query, "Plan": plan}, indent=2).splitlines()
    return "2026-11-29 02:00:00 UTC [7] LOG:  duration: 1.500 ms  plan:\n" + "".join(f"\t{line}\n" for line in lines)


def a_node(kind: str, pages: int, *children: dict[str, Any], loops: int = 1, **names: Any) -> dict[str, Any]:
    buffers = {"Shared Hit Blocks": pages - 1, "Shared Read Blocks": 1, "Actual Rows": 2.0, "Actual Loops": loops}
    return {"Node Type": kind, **names, **buffers, **({"Plans": list(children)} if children else {})}


def test_a_plan_is_told_by_its_file_and_node_by_node(tmp_path: Path) -> None:
    named = {"Index Name": "due_pkey", "Relation Name": "due", "Index Cond": "(job_id = $1)"}
    scan = a_node("Index Scan", 30, loops=3, **named)
    changes: dict[str, Any] = {"Operation": "Delete", "Relation Name": "due"}
    plan = a_node("ModifyTable", 40, a_node("Nested Loop", 35, scan), **changes)
    log = tmp_path / "log"
    log.write_text(
        "2026-11-29 LOG:  checkpoint complete\n"
        + entry(load("app.db.ledger", "drop_due").sql, plan)
        + entry("select accept_deliveries($1::uuid[])", plan)
        + entry(load("app.db.ledger", "reserve").sql, plan)
        + entry("select 1", a_node("Result", 1))
    )
    plans = PlanLog(cast(Any, None), log).read()
    assert [(each.name, each.buffers, each.ms) for each in plans] == [("ledger/drop_due.sql", 40, 1.5)]
    assert plans[0].tree.splitlines() == [
        "Delete on due (rows=2 loops=1 hit=39 read=1)",
        "  Nested Loop (rows=2 loops=1 hit=34 read=1)",
        "    Index Scan using due_pkey on due (rows=2 loops=3 hit=29 read=1) Index Cond: (job_id = $1)",
    ]


def test_a_page_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    meter = Meter(1, times={"claim": [1.0, 2.0, 9.0]}, cpu={"claim": [0.5, 0.6, 0.7]})
    meter.found["claim"] = [Plan("ledger/claim.sql", 1.0, 20, "")]
    page = tmp_path / "growth.md"
    page.write_text("# Growth\n")
    for _ in range(2):
        write(page, render({"10,000 deliveries": meter, "10,000,000": meter}))
    text = page.read_text()
    assert text.startswith("# Growth\n")
    assert text.count(MARK) == 1
    assert "2.0, 9.0; 0.6; 20 | 2.0, 9.0; 0.6; 20 |" in text


def test_of_a_statement_that_ran_often_the_most_costly_run_is_told() -> None:
    meter = Meter(1)
    meter.found["claim"] = [Plan("ledger/claim.sql", 1.0, pages, f"Scan of {pages}") for pages in (20, 90, 30)]
    told = plans(meter, "10 deliveries")
    assert "ledger/claim.sql, 90 pages, 1.0 ms, asked 3 times\nScan of 90\n" in told
    assert "Scan of 20" not in told


def test_a_slope_is_told_in_spite_of_noise_and_with_its_error() -> None:
    noisy, _ = slope([(minute, 100 + 0.5 * minute + (-1) ** minute) for minute in range(40)])
    assert noisy == pytest.approx(0.5, abs=0.02)
    assert slope([(0, 1), (1, 1), (2, 4), (3, 4)]) == pytest.approx((1.2, 0.424), abs=0.001)
