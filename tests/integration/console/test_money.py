"""Prices and budgets: nothing is silently free, a budget stops the model and never the note, and what it cost is told."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.worker.watch import look_at_usage
from demo.embedded import DatabaseUrls
from tests.integration.console.conftest import Console, words_of
from tests.integration.superuser import run_as_superuser
from tests.integration.test_cli import call_here
from tests.integration.worker.conftest import Stage

UNPRICED = "our-own-model"


def with_model(**model: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", [{"slug": "acme", "model": model}], indirect=True, ids=["acme"])


async def note_of_one(stage: Stage) -> str:
    """The note on a new ticket, whose delivery is done."""
    ticket_id = stage.ticket()
    job_id = await stage.deliver_and_work(ticket_id)
    assert (await stage.delivery(job_id)).status == "done"
    [note] = stage.notes(ticket_id)
    return note


async def gauge(stage: Stage, name: str, **labels: str) -> float | None:
    await look_at_usage(stage.database, stage.worker.tenants, unpriced=stage.worker.toolkits.unpriced)
    return REGISTRY.get_sample_value(name, {"tenant": "acme", **labels})


def variables(urls: DatabaseUrls, folder: Path) -> dict[str, str]:
    folders = {"TENANTS_DIR": str(folder / "files"), "TENANT_SECRETS_DIR": str(folder / "secrets")}
    return {"DATABASE_URL": urls.worker, **folders}


@pytest.mark.parametrize(
    ("stage", "budget"),
    [
        ({"slug": "acme", "model": {each: limit}}, each)
        for each, limit in (("daily_token_budget", 1), ("daily_budget_usd", 1e-6), ("monthly_budget_usd", 1e-6))
    ],
    indirect=["stage"],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_budget_that_is_used_up_stops_the_model_and_no_note(
    stage: Stage, budget: str, console: Console
) -> None:
    assert "confidence: " in await note_of_one(stage)
    stopped = await note_of_one(stage)
    assert "budget for the model is used up" in stopped
    assert "Cached mode was off" in stopped  # the gathered context
    assert stage.model.calls == 1
    share = await gauge(stage, "llm_budget_used_ratio", budget=budget)
    assert share is not None
    assert share >= 1
    words = words_of((await console.get("/")).text)
    assert f"has used up its {budget}" in words
    assert f"a {'day' if budget.startswith('daily') else 'month'}" in words_of((await console.get("/cost")).text)


@with_model()
async def test_answers_that_were_paid_for_and_not_used_are_booked_to_the_model_that_gave_them(
    stage: Stage, console: Console, urls: DatabaseUrls, tmp_path: Path
) -> None:
    stage.model.behave("not_json", times=None)
    assert "did not pass the checks" in await note_of_one(stage)

    found = json.loads((await call_here("costs", "--json", **variables(urls, tmp_path))).stdout)
    assert {each["model"] for each in found["costs"]} == {"offline-extractive"}
    assert "offline-extractive" in words_of((await console.get("/cost")).text)


@with_model(name=UNPRICED)
async def test_a_model_without_a_price_is_told_everywhere(
    stage: Stage, console: Console, urls: DatabaseUrls, tmp_path: Path
) -> None:
    assert await gauge(stage, "llm_price_unknown", model=UNPRICED) == 1
    await note_of_one(stage)
    assert "price of Acme's model is not known" in words_of((await console.get("/")).text)
    page = words_of((await console.get("/cost")).text)
    assert "No price is known for offline-extractive." in page
    assert "no price known" in page
    table = await console.get("/cost.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    [of_it] = csv.DictReader(io.StringIO(table.text))
    assert (of_it["cost_usd"], of_it["key"]) == ("", "shared")
    told = await call_here("costs", **variables(urls, tmp_path))
    assert told.returncode == 0, told.stderr
    assert "set MODEL_PRICES" in told.stdout
    found = json.loads((await call_here("costs", "--json", **variables(urls, tmp_path))).stdout)
    [row] = found["costs"]
    assert row["cost_usd"] is None
    assert row["prompt_tokens"] > 0


@with_model(name=UNPRICED, monthly_budget_usd=1_000)
async def test_a_budget_in_money_holds_without_a_price(stage: Stage) -> None:
    note = await note_of_one(stage)
    assert "budget for the model is used up" in note
    assert stage.model.calls == 0
    assert await gauge(stage, "llm_budget_used_ratio", budget="monthly_budget_usd") == 1


@with_model(name=UNPRICED, monthly_budget_usd=1_000, price={"input": 1_000, "output": 2_000})
async def test_a_price_in_the_tenants_file_counts(
    stage: Stage, console: Console, urls: DatabaseUrls, tmp_path: Path
) -> None:
    assert await gauge(stage, "llm_price_unknown", model=UNPRICED) is None
    await note_of_one(stage)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        row = (await session.execute(text("select job_id, prompt_tokens, completion_tokens from enhancement"))).one()
    usd = (row.prompt_tokens * 1_000 + row.completion_tokens * 2_000) / 1e6
    await insert_vote(urls, stage, row.job_id)

    found = json.loads((await call_here("costs", "--tenant", "acme", "--json", **variables(urls, tmp_path))).stdout)
    [cost] = found["costs"]
    assert cost["cost_usd"] == pytest.approx(usd, abs=1e-5)
    assert cost["cost_per_helpful_note_usd"] == pytest.approx(usd, abs=1e-5)
    assert (cost["helpful"], cost["unhelpful"]) == (1, 0)
    [budget] = found["budgets"]
    assert budget["share"] == pytest.approx(usd / 1_000, abs=1e-6)
    told = (await call_here("costs", "--tenant", "acme", **variables(urls, tmp_path))).stdout
    assert "of monthly_budget_usd, $1,000.00" in told
    assert "list prices as of 20" in told
    page = words_of((await console.get("/cost")).text)
    assert "A helpful note $" in page
    assert "shared by the one that was voted helpful" in page


async def insert_vote(urls: DatabaseUrls, stage: Stage, job_id: Any) -> None:
    await run_as_superuser(
        urls, "insert into feedback (tenant_id, job_id, is_helpful) values ($1, $2, true)", stage.tenant.id, job_id
    )


@with_model()
async def test_wrong_months_are_told(stage: Stage, urls: DatabaseUrls, tmp_path: Path) -> None:
    for month in ("2026-13", "november", "", "2026-11-01"):
        told = await call_here("costs", "--month", month, **variables(urls, tmp_path))
        assert told.returncode == 2, month
    empty = await call_here("costs", "--month", "2001-01", **variables(urls, tmp_path))
    assert empty.returncode == 0, empty.stderr
    assert stage.model.calls == 0
