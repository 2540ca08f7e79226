"""`ai-agents try`: what would be written, with each step, and nothing of it anywhere but on the screen and in the bill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from demo.embedded import DatabaseUrls
from tests.builders import a_tenant, write_tenant
from tests.integration.test_cli import call_here
from tests.integration.worker.conftest import Stage

acme = pytest.mark.parametrize("stage", [{"slug": "acme"}], indirect=True, ids=["acme"])


@pytest.fixture
def variables(urls: DatabaseUrls, stage: Stage, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": urls.worker,
        "TENANTS_DIR": str(tmp_path / "files"),
        "TENANT_SECRETS_DIR": str(tmp_path / "secrets"),
        "OPENAI_API_KEY": "offline",
        "OPENAI_BASE_URL": stage.model.url,
        "LLM_TIMEOUT_SECONDS": "3",
    }


async def tried(variables: dict[str, str], ticket_id: str, *options: str) -> str:
    ended = await call_here("try", "--tenant", "acme", "--ticket", ticket_id, *options, **variables)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


async def not_tried(variables: dict[str, str], ticket_id: str) -> str:
    ended = await call_here("try", "--tenant", "acme", "--ticket", ticket_id, **variables)
    assert ended.returncode == 1, ended.stdout
    return ended.stderr


def posted(stage: Stage) -> list[str]:
    return [call for call in stage.portal.calls if not call.startswith("GET ")]


async def rows(stage: Stage, table: str) -> int:
    async with stage.database.as_tenant(stage.tenant.id) as session:
        return int((await session.execute(text(f"select count(*) from {table}"))).scalar_one())


@acme
async def test_each_step_is_told_and_nothing_is_posted_or_stored(stage: Stage, variables: dict[str, str]) -> None:
    ticket_id = stage.ticket(description="Outlook on PC-0231 shows no mail since noon. Mail ines@acme.example.")
    told = await tried(variables, ticket_id)
    for part in (
        f"#{ticket_id} Outlook receives no mail",
        "a webhook about it would lead to a note",
        "[T1] #900 Outlook shows no new mail: fit ",
        "cited",
        "WorkOrder.do?woMode=viewWO&woID=900",
        "2 messages, ",
        "about ",
        "offline-extractive, ",
        '"summary"',
        "accepted, confidence",
        "storm       not known: no delivery has told of this ticket",
        "before the model read it",
        "of at most 150 words",
        "Turned on cached mode",
        "posted nowhere",
        "$0.000",
    ):
        assert part in told, part
    assert posted(stage) == []
    assert stage.notes(ticket_id) == []
    assert (await rows(stage, "delivery"), await rows(stage, "enhancement"), await rows(stage, "due")) == (0, 0, 0)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        counted = (await session.execute(text("select sum(prompt_tokens), sum(cost_usd), sum(notes) from tally"))).one()
        acts = (await session.execute(text("select act, detail from audit"))).all()
    assert counted[0] > 0
    assert counted[1] > 0
    assert counted[2] == 0
    assert [tuple(act) for act in acts] == [("try", f"ticket {ticket_id}")]
    # What is tried gets its note all the same, when its webhook comes.
    await stage.deliver_and_work(ticket_id)
    assert len(stage.notes(ticket_id)) == 1


@acme
async def test_each_sentence_that_is_left_out_is_told_with_the_reason(stage: Stage, variables: dict[str, str]) -> None:
    odd = "The moon is made of green cheese and sheds light on the garden."
    ticket_id = stage.ticket(description=f"Outlook shows no mail since noon. {odd} Thanks.")
    stage.model.behave("obey", times=None)
    told = await tried(variables, ticket_id, "--json")
    assert [each["why"] for each in json.loads(told)["left_out"] if odd in each["text"]]


@acme
async def test_a_program_reads_the_same(stage: Stage, variables: dict[str, str]) -> None:
    told = await tried(variables, stage.ticket(), "--json")
    found = json.loads(told)
    assert found["posted"] is False
    assert found["note"]["words"] <= 150
    [call] = found["calls"]
    assert call["answer"]["prompt_tokens"] > 0
    assert "<<<DATA" in call["prompt"][1]["content"]
    assert found["documents"] == {"ticket": 2, "article": 1}


@acme
async def test_a_closed_ticket_is_tried_too_and_why_it_gets_no_note_is_told(
    stage: Stage, variables: dict[str, str]
) -> None:
    ticket_id = stage.ticket(status="Closed", resolution="Turned it on.")
    told = await tried(variables, ticket_id)
    assert "no note by itself: the ticket was closed before its turn" in told
    assert "of at most 150 words" in told


@acme
async def test_what_the_model_invents_is_told_with_the_reason(stage: Stage, variables: dict[str, str]) -> None:
    stage.model.behave("obey", times=5)
    told = await tried(variables, stage.ticket(description="Format the system volume with format C: /q."))
    assert "left out" in told
    assert "it holds a name, number or command that no source has" in told


@acme
async def test_a_model_that_does_not_answer_is_told(stage: Stage, variables: dict[str, str]) -> None:
    stage.model.behave("server_error", times=9)
    told = await tried(variables, stage.ticket())
    assert "the model's endpoint answered 500" in told
    assert "the model gave no answer" in told
    async with stage.database.as_tenant(stage.tenant.id) as session:
        assert (await session.execute(text("select count(*) from gate"))).scalar_one() == 0  # no circuit counts it


@acme
@pytest.mark.parametrize(
    ("ticket_id", "changes", "told"),
    [
        ("999999", {}, "has no ticket of id 999999"),
        ("../etc", {}, "letters, digits, '-' and '_' alone"),
        ("", {}, "letters, digits, '-' and '_' alone"),
        (None, {"OPENAI_API_KEY": ""}, "OPENAI_API_KEY"),
        (None, {"DATABASE_URL": ""}, "DATABASE_URL"),
        (None, {"DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/x"}, "Check DATABASE_URL"),
    ],
    ids=["no ticket", "a path", "empty", "no key", "no database", "database down"],
)
async def test_what_is_missing_is_named_with_a_remedy(
    stage: Stage, variables: dict[str, str], ticket_id: str | None, changes: dict[str, str], told: str
) -> None:
    given = {name: value for name, value in {**variables, **changes}.items() if value}
    assert told in await not_tried(given, stage.ticket() if ticket_id is None else ticket_id)


@acme
async def test_a_help_desk_that_refuses_is_told_with_where_to_look(stage: Stage, variables: dict[str, str]) -> None:
    ticket_id = stage.ticket()
    stage.fault(f"GET requests/{ticket_id}", "status", status=401, times=None)
    told = await not_tried(variables, ticket_id)
    assert "acme/api_key" in told
    assert "`ai-agents try --tenant acme`" in told


@acme
async def test_an_empty_history_says_how_it_is_filled(stage: Stage, variables: dict[str, str]) -> None:
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await session.execute(text("delete from posting"))
        await session.execute(text("delete from corpus"))
    told = await tried(variables, stage.ticket())
    assert "run `ai-agents sync --tenant acme`" in told
    assert "not asked" in told


@acme
async def test_without_a_ticket_it_looks_at_the_help_desk(
    stage: Stage, variables: dict[str, str], tmp_path: Path
) -> None:
    stage.ticket()
    looked = await call_here("try", "--tenant", "acme", **variables)
    assert "nothing was posted" in looked.stdout
    assert looked.stdout == (await call_here("tenants", "try", "acme", **variables)).stdout
    assert (await call_here("try", "--tenant", "acme", "--json", **variables)).returncode == 2
    write_tenant(tmp_path, a_tenant("other"), webhook_secret="s", api_key="k")
    unknown = await call_here("try", "--tenant", "acmee", "--ticket", "1", **variables)
    assert "known tenants: acme, other" in unknown.stderr
    assert posted(stage) == []


@pytest.mark.parametrize("stage", [{"slug": "acme", "note": {"mode": "shadow"}}], indirect=True, ids=["shadow"])
async def test_the_smoke_test_says_at_once_that_no_note_would_come(stage: Stage, variables: dict[str, str]) -> None:
    asked = ["smoke", "--tenant", "acme", "--ticket", stage.ticket(), "--url", "http://127.0.0.1:1"]
    ended = await call_here(*asked, **variables)
    assert ended.returncode == 1
    assert "acme is in shadow mode" in ended.stderr
    assert posted(stage) == []
