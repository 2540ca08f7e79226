"""Votes change which sources a tenant's notes rest on: visibly, and an operator can take them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.console.access import Role
from app.core.source import Source, SourceKind
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_tickets
from app.db.reports.browsing import find_story
from demo.embedded import DatabaseUrls
from tests.builders import a_ticket
from tests.integration.console.conftest import Console, words_of
from tests.integration.superuser import run_as_superuser
from tests.integration.test_cli import call_here
from tests.integration.worker.conftest import Stage

KINDS = {SourceKind.TICKET: "ticket", SourceKind.ARTICLE: "article"}
acme = pytest.mark.parametrize("stage", [{"slug": "acme"}], indirect=True, ids=["acme"])
ASKED = a_ticket(id="5", subject="Outlook receives no mail", description="Outlook on PC-0231 shows no mail since noon.")


async def add_a_second(stage: Stage) -> None:
    """A resolved ticket that fits a little less than #900."""
    second = a_ticket(
        id="902",
        subject="Outlook receives nothing",
        description="No mail in Outlook.",
        resolution="The transport rule for Outlook mail was wrong. Corrected the rule.",
        status="Resolved",
        resolved_at="2026-10-03T10:00:00Z",
    )
    async with stage.database.as_tenant(stage.tenant.id) as session:
        await upsert_tickets(session, stage.tenant.id, [second], language="en")


async def found(stage: Stage) -> dict[str, float]:
    """The score of each ticket and article that the search finds."""
    search = Search(stage.database, stage.tenant, ticket_url=str, article_url=str)
    sources = [*await search.similar_tickets(ASKED, limit=5), *await search.articles(ASKED, limit=5)]
    return {source.id: source.score for source in sources}


async def cited(stage: Stage, job_id: UUID) -> Source:
    """A ticket or article that the delivery's note cites."""
    story = await find_story(stage.database, stage.tenant.id, job_id)
    assert story is not None
    assert story.written is not None
    assert story.written.enhancement is not None
    enhancement = story.written.enhancement
    sources = [source for group in enhancement.gathered for source in group.sources]
    return next(source for source in sources if source.ref in enhancement.cited)


async def note(stage: Stage) -> UUID:
    return await stage.deliver_and_work(stage.ticket())


async def vote(urls: DatabaseUrls, stage: Stage, job_id: UUID, *, helpful: bool, comment: str = "") -> None:
    """As the API does, by its function and role."""
    await run_as_superuser(urls, "select record_feedback($1, $2, $3, $4)", stage.tenant.id, job_id, helpful, comment)


@acme
async def test_a_source_that_is_voted_down_counts_less_until_the_votes_are_taken_back(
    stage: Stage, urls: DatabaseUrls, console: Console
) -> None:
    await add_a_second(stage)
    before = await found(stage)
    jobs = [await note(stage) for _ in range(4)]
    source = await cited(stage, jobs[0])
    for job_id in jobs:
        await vote(urls, stage, job_id, helpful=False, comment=f"{source.ref} is out of date.")

    after = await found(stage)
    assert after[source.id] == pytest.approx(before[source.id] / 2, rel=0.01)
    others = before.keys() - {source.id}
    assert others
    assert {each: after[each] for each in others} == pytest.approx({each: before[each] for each in others}, rel=0.01)
    page = words_of((await console.get("/quality")).text)
    assert "counts 50 % in the search, by 4 votes against and 0 for it" in page

    told = {"kind": KINDS[source.kind], "source": source.id}
    assert (await console.post("/quality/acme/take-back", **told)).status_code == 303
    assert await found(stage) == pytest.approx(before, rel=0.01)
    assert "earlier votes were taken back by ines@acme.example" in words_of((await console.get("/quality")).text)
    assert "take votes back" in words_of((await console.get("/acts")).text)

    assert (await console.post("/quality/acme/count-again", **told)).status_code == 303
    assert (await found(stage))[source.id] == pytest.approx(before[source.id] / 2, rel=0.01)


@acme
async def test_a_ticket_that_is_voted_down_gives_its_place_to_the_next(stage: Stage, urls: DatabaseUrls) -> None:
    await add_a_second(stage)
    first, second = list(await found(stage))[:2]
    assert {first, second} == {"900", "902"}
    job_id = await note(stage)
    statement = "insert into source_vote select tenant_id, gen_random_uuid(), 'ticket', $2, false, now() from feedback,"
    await vote(urls, stage, job_id, helpful=False)
    await run_as_superuser(urls, f"{statement} generate_series(1, 9) where tenant_id = $1", stage.tenant.id, first)
    assert list(await found(stage))[:2] == [second, first]


@acme
async def test_a_vote_that_is_changed_changes_the_ranking(stage: Stage, urls: DatabaseUrls) -> None:
    before = await found(stage)
    job_id = await note(stage)
    source = await cited(stage, job_id)
    await vote(urls, stage, job_id, helpful=False)
    assert (await found(stage))[source.id] == pytest.approx(before[source.id] * 0.8, rel=0.01)
    await vote(urls, stage, job_id, helpful=True)
    assert (await found(stage))[source.id] == pytest.approx(before[source.id], rel=0.01)
    await run_as_superuser(urls, "delete from feedback where job_id = $1", job_id)
    assert await run_as_superuser(urls, "select from source_vote where job_id = $1", job_id) == []


@acme
async def test_only_who_operates_the_tenant_takes_votes_back(stage: Stage, make_console: Any) -> None:
    viewer = make_console(named={"acme-it": {"acme": Role.VIEWER}})
    viewer.come_in(None, groups=["acme-it"])
    assert (await viewer.post("/quality/acme/take-back", kind="ticket", source="900")).status_code == 403
    other = make_console(named={"others": {"bluebird": Role.OPERATOR}})
    other.come_in(None, groups=["others"])
    assert (await other.post("/quality/acme/take-back", kind="ticket", source="900")).status_code == 404
    operator = make_console()
    operator.come_in()
    for wrong in ({"kind": "asset", "source": "1"}, {"kind": "ticket", "source": ""}, {"kind": "ticket"}):
        assert (await operator.post("/quality/acme/take-back", **wrong)).status_code == 400
    assert (await operator.post("/quality/acme/forget", kind="ticket", source="1")).status_code == 404


@acme
async def test_votes_are_exported_a_line_each(stage: Stage, urls: DatabaseUrls, tmp_path: Path) -> None:
    description = "Outlook on PC-0231 shows no mail since noon. Mail ines@acme.example, password: Hunter2secret"
    ticket_id = stage.ticket(description=description)
    job_id = await stage.deliver_and_work(ticket_id, subject="Outlook receives no mail", description=description)
    other = await note(stage)
    await vote(urls, stage, job_id, helpful=False, comment="Call me: jonas@acme.example")
    await vote(urls, stage, other, helpful=True)
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    variables = {"DATABASE_URL": urls.worker, **folders}
    told = await call_here("feedback", "export", **variables)
    assert told.returncode == 0, told.stderr
    assert "2 votes" in told.stderr
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [line["is_helpful"] for line in lines] == [False, True]
    [first, _] = lines
    assert first["tenant"] == "acme"
    assert first["ticket"]["subject"] == "Outlook receives no mail"
    assert "[email-1]" in told.stdout
    for hidden in ("ines@acme.example", "jonas@acme.example", "Hunter2secret"):
        assert hidden not in told.stdout
    assert {source["ref"] for source in first["sources"] if source["is_cited"]} <= {"T1", "K1"}
    assert first["note"]["summary"]
    assert first["resolution"] is None
    plain = await call_here("feedback", "export", "--tenant", "acme", "--unmasked", **variables)
    assert "ines@acme.example" in plain.stdout
    none = await call_here("feedback", "export", "--since", "2099-01-01T00:00:00Z", **variables)
    assert (none.returncode, none.stdout) == (0, "")
