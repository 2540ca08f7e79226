"""What the pages tell of deliveries that were really worked on, and what their acts do."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.console import deliveries, limit
from app.core.delivery import Status
from app.core.note import note_reference
from app.core.tenant import EVERY_TENANT
from app.db.limits.holds import Cause, list_holds
from app.db.reports.audit import list_acts
from app.enhancement.write import prompt_version
from app.queue import Queue
from app.simulator.helpdesk import HelpDeskSimulator
from demo.embedded import DatabaseUrls
from tests.builders import write_tenant
from tests.connections import connected
from tests.integration.console.conftest import Console, words_of
from tests.integration.superuser import run_as_superuser
from tests.integration.worker.conftest import Stage, add_tenant


async def fail_one(stage: Stage, **ticket: Any) -> UUID:
    """A delivery whose note the help desk refuses."""
    stage.fault("POST notes", "status", status=403, code=4002)
    return await stage.deliver_and_work(stage.ticket(**ticket))


async def one_with_text(stage: Stage) -> UUID:
    job_id = await stage.deliver(
        stage.ticket(description="Outlook on PC-0231 shows no mail since noon. Mail me: ines@acme.example."),
        subject="No mail & no <b>answer</b>",
    )
    await stage.work()
    return job_id


async def test_now_says_that_all_is_well_and_then_what_is_not(console: Console, stage: Stage) -> None:
    await one_with_text(stage)
    well = words_of((await console.get("/live")).text)
    assert "100 %" in well
    assert "failed since" not in well
    await fail_one(stage)
    console.backend.forget()
    page = words_of((await console.get("/")).text)
    assert "Something needs you" in page
    assert f"1 delivery of {stage.tenant.name} failed" in page


async def test_a_failed_delivery_is_explained_in_plain_words_with_its_attempts(console: Console, stage: Stage) -> None:
    job_id = await fail_one(stage)
    listed = words_of((await console.get("/deliveries?status=failed")).text)
    assert "Our technician at the help desk may not do this" in listed
    page = words_of((await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text)
    assert "Give its role the right to read requests and to add notes" in page
    assert "Attempt 1: Failed" in page
    for step in ("Read the ticket", "Similar tickets", "Knowledge articles", "Ask the model", "Post the note"):
        assert step in page


async def test_the_note_is_shown_as_posted_with_what_was_found_and_masked(console: Console, stage: Stage) -> None:
    job_id = await one_with_text(stage)
    page = (await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text
    [posted] = [note.html for note in stage.portal.notes((await stage.delivery(job_id)).ticket_id)]
    shown = page.partition('<template shadowrootmode="open">')[2].partition("</template>")[0]
    assert words_of(shown).partition("AI Agents")[2] == words_of(posted).partition("AI Agents")[2]
    assert "Outlook shows no new mail" in page  # the similar ticket
    assert "1 × email" in words_of(page)
    assert "No mail &amp; no &lt;b&gt;answer&lt;/b&gt;" in page or "No mail &amp; no answer" in page


async def test_a_note_stays_as_it_was_sent_when_the_tenants_file_changes(
    console: Console, stage: Stage, tmp_path: Path
) -> None:
    job_id = await one_with_text(stage)
    note = stage.tenant.note.model_copy(update={"sections": ("summary",)})
    write_tenant(tmp_path, stage.tenant.model_copy(update={"note": note}), webhook_secret="secret", api_key="key")
    console.backend.directory.refresh()
    [known] = console.backend.directory
    assert known.tenant.note.sections == ("summary",)

    page = (await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text
    [posted] = stage.notes((await stage.delivery(job_id)).ticket_id)
    assert words_of(posted).partition("AI Agents")[2] in words_of(page)


@pytest.mark.parametrize("stage", [{"servicedesk": {"edition": "cloud"}}], indirect=True, ids=["cloud"])
async def test_a_ticket_that_the_webhook_named_by_its_display_id_is_opened_and_referred_to_by_its_own(
    console: Console, stage: Stage, urls: DatabaseUrls
) -> None:
    stage.ticket(subject="Another")
    ticket_id = stage.ticket()
    display_id = stage.portal.tickets[ticket_id].display_id
    assert display_id != ticket_id
    job_id = await stage.deliver_and_work(display_id)
    [version] = await run_as_superuser(
        urls, "update enhancement set note_html = null where job_id = $1 returning version", job_id
    )
    page = (await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text
    assert f"/ui/requests/{ticket_id}/details" in page
    assert f"/ui/requests/{display_id}/details" not in page
    assert "The note, rendered anew" in page
    reference = str(note_reference(stage.tenant.id, ticket_id, version["version"]))
    [posted] = stage.notes(ticket_id)
    assert reference in posted
    assert reference in page


async def test_the_list_is_filtered_and_walks_on_from_a_key(console: Console, stage: Stage) -> None:
    jobs = [await stage.deliver(str(number)) for number in range(1, 61)]
    first = (await console.get("/deliveries")).text
    assert first.count('class="row"') == 50
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = (await console.get(older)).text
    assert second.count('class="row"') == 10
    seen = [str(job) for job in jobs if str(job) in first] + [str(job) for job in jobs if str(job) in second]
    assert sorted(seen) == sorted(map(str, jobs))
    assert (await console.get("/deliveries?ticket=7")).text.count('class="row"') == 1
    assert (await console.get("/deliveries?status=failed")).text.count('class="row"') == 0
    assert (await console.get("/deliveries?reason=ticket_not_found")).text.count('class="row"') == 0
    for wrong in ("reason=nothing+has+this", "status=lost", "since=yesterday"):
        assert (await console.get(f"/deliveries?{wrong}")).status_code == 400, wrong
    assert (await console.get("/deliveries?tenant=nobody")).status_code == 404
    assert "20.0k deliveries" in words_of((await console.get("/deliveries?reason=shadow")).text)


async def test_the_filtered_failures_are_replayed_after_their_number_was_told(console: Console, stage: Stage) -> None:
    jobs = [await fail_one(stage) for _ in range(3)]
    path = f"/deliveries/replay?tenant={stage.tenant.slug}&reason=help_desk_forbidden"
    for query, is_told in {"": True, "?status=done": True, "?since=1h": False, "?reason=shadow": False}.items():
        # It is the number of all that failed, so it stands beside no filter.
        assert ('class="count"' in (await console.get(f"/deliveries{query}")).text) is is_told, query
    asked = await console.get(path)
    assert "Replay 3 failed deliveries?" in words_of(asked.text)
    until = asked.text.partition('name="until" value="')[2].partition('"')[0].replace("&#43;", "+")
    late = await fail_one(stage)  # after the number was told
    fields = {"tenant": stage.tenant.slug, "reason": "help_desk_forbidden", "until": until}
    done = await console.post("/deliveries/replay", **fields, **{f"number-{stage.tenant.slug}": "3"})
    assert "3 deliveries replayed" in words_of(done.text)
    assert {(await stage.delivery(job)).status for job in jobs} == {Status.PENDING}
    assert (await stage.delivery(late)).status == Status.FAILED
    [act] = await list_acts(stage.database, [stage.tenant.id], limit=5)
    assert (act.actor, act.act, act.number) == ("ines@acme.example", "replay", 3)
    assert "help_desk_forbidden" in act.detail
    assert "ines@acme.example" in (await console.get("/acts")).text


async def test_what_there_is_no_time_for_is_left_as_it_is_and_told(
    console: Console, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await fail_one(stage)
    monkeypatch.setattr(deliveries, "PAGE_LIMIT_S", -1.0)
    fields = {"until": datetime.now(UTC).isoformat(), f"number-{stage.tenant.slug}": "1"}
    done = words_of((await console.post("/deliveries/replay", **fields)).text)
    assert "0 deliveries replayed" in done
    assert "There was no time for 1 tenant more" in done
    assert (await stage.delivery(job_id)).status == Status.FAILED


async def test_one_is_dismissed_with_a_reason_and_never_without(console: Console, stage: Stage) -> None:
    job_id = await fail_one(stage)
    path = f"/deliveries/{stage.tenant.slug}/{job_id}"
    assert (await console.post(f"{path}/dismiss")).status_code == 400
    assert (await stage.delivery(job_id)).status == Status.FAILED
    await console.post(f"{path}/dismiss", because="a test ticket")
    after = await stage.delivery(job_id)
    assert (after.status, after.ignored_because) == (Status.IGNORED, "a test ticket")
    [act] = await list_acts(stage.database, [stage.tenant.id], limit=5)
    assert (act.act, act.number) == ("dismiss", 1)
    # That it had failed and that a person decided stays to be seen, and the act leads to it.
    page = words_of((await console.get(path)).text)
    assert "Dismissed by an operator a test ticket It had failed: ServiceDesk Plus" in page
    assert "Failed" in page.partition("What happened")[2].partition("Facts")[0]
    assert f'href="{path}"' in (await console.get("/acts")).text
    assert "Dismissed" in words_of((await console.get("/deliveries?status=ignored")).text)


async def test_a_tenant_is_paused_resumed_and_its_connection_checked(console: Console, stage: Stage) -> None:
    path = f"/tenants/{stage.tenant.slug}"
    assert "The connection works" in (await console.post(f"{path}/check")).text
    stage.fault("GET requests", "status", status=401)
    refused = words_of((await console.post(f"{path}/check")).text)
    assert "The connection does not work" in refused
    assert "Put the key of a technician" in refused
    assert (await console.post(f"{path}/pause")).status_code == 400
    await console.post(f"{path}/pause", reason="they upgrade")
    assert f"{stage.tenant.name} is paused" in (await console.get(path)).text
    await console.post(f"{path}/resume")
    assert f"{stage.tenant.name} is paused" not in (await console.get(path)).text
    acts = [act.act for act in await list_acts(stage.database, [stage.tenant.id], limit=9)]
    assert sorted(acts) == ["check connection", "check connection", "pause", "resume"]


async def test_what_is_kept_with_an_act_is_one_line_that_a_terminal_shows_as_it_is(
    console: Console, stage: Stage
) -> None:
    """Other operators read it by `tenants list` and `deliveries list`."""
    path, job_id = f"/tenants/{stage.tenant.slug}", await fail_one(stage)
    for reason in ("\x1b[2Jgone", "a\x7f", "a\x9bK"):
        assert (await console.post(f"{path}/pause", reason=reason)).status_code == 400
        assert (await console.post(f"{path}/shadow/same", ticket=reason)).status_code == 400
    await console.post(f"{path}/pause", reason="they\nup\u202egrade")
    await console.post(f"/deliveries/{stage.tenant.slug}/{job_id}/dismiss", because="a\u2067 test\tticket")
    acts = await list_acts(stage.database, [stage.tenant.id], limit=9)
    assert {act.detail for act in acts} == {"they upgrade", f"job {job_id}: a test ticket"}
    [hold] = [hold for hold in await list_holds(stage.database, [stage.tenant.id]) if hold.cause is Cause.PAUSED]
    assert hold.reason == "they upgrade"
    await console.post(f"{path}/resume")


async def test_a_reason_is_kept_up_to_the_length_that_each_form_takes(console: Console, stage: Stage) -> None:
    job_id, tenant = await fail_one(stage), stage.tenant.slug
    pages = (f"/deliveries/{tenant}/{job_id}", "/deliveries/dismiss", f"/tenants/{tenant}", "/tenants")
    told = [re.findall(r'maxlength="(\d+)"', (await console.get(page)).text) for page in pages]
    [length] = {length for lengths in told for length in lengths}
    assert all(told)
    long = "x" * (int(length) + 1)
    await console.post(f"/tenants/{tenant}/pause", reason=long)
    await console.post(f"/deliveries/{tenant}/{job_id}/dismiss", because=long)
    acts = await list_acts(stage.database, [stage.tenant.id], limit=9)
    assert {act.detail for act in acts} == {long[1:], f"job {job_id}: {long[1:]}"}
    await console.post(f"/tenants/{tenant}/resume")


async def test_the_address_of_a_check_leads_back_to_the_tenant(console: Console, stage: Stage) -> None:
    left = await console.get(f"/tenants/{stage.tenant.slug}/check", follow_redirects=False)
    assert (left.status_code, left.headers["location"]) == (303, f"/tenants/{stage.tenant.slug}")


async def test_a_pause_of_all_is_an_act_of_no_tenant(console: Console, stage: Stage) -> None:
    await console.post("/tenants/pause", reason="the model's account moves")
    for path in ("/", "/tenants", f"/tenants/{stage.tenant.slug}"):
        page = words_of((await console.get(path)).text)
        assert "All tenants are paused" in page
        assert ("Paused" in page, "Active" in page) == (True, False), path
    await console.post("/tenants/resume")
    acts = [act.act for act in await list_acts(stage.database, [EVERY_TENANT], limit=2)]
    assert acts == ["resume", "pause"]


class WatchedQueue:
    """A queue whose listeners are not counted before it is told to."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def listeners(self, *, read_within_s: float) -> int:
        assert read_within_s
        self.is_asked.set()
        await self.may_answer.wait()
        return 1


async def test_what_was_read_before_an_act_is_shown_to_nobody_after_it(console: Console) -> None:
    queue = WatchedQueue()
    console.backend.queue = cast("Queue", queue)
    reading = asyncio.create_task(console.backend.snapshot())
    await queue.is_asked.wait()
    console.backend.forget()
    queue.may_answer.set()
    before = await reading
    after = await console.backend.snapshot()
    assert after is not before
    assert await console.backend.snapshot() is after


async def test_the_configuration_holds_no_secret(console: Console, stage: Stage) -> None:
    page = (await console.get(f"/tenants/{stage.tenant.slug}")).text
    assert stage.tenant.servicedesk.technician in page
    assert "webhook:" in page
    for value in ("TECHNICIAN_KEY", "api_key: ", "webhook_secret"):
        assert value not in page


async def test_costs_are_counted_as_notes_are_written(console: Console, stage: Stage) -> None:
    job_id = await one_with_text(stage)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        values = {"job_id": job_id}
        tokens = "select prompt_tokens + completion_tokens from enhancement where job_id = :job_id"
        used = (await session.execute(text(tokens), values)).scalar_one()
    assert used
    csv = (await console.get("/cost.csv")).text.splitlines()
    [row] = [line.split(",") for line in csv if stage.tenant.slug in line]
    assert int(row[4]) + int(row[5]) == used
    assert f"{used:,}" in words_of((await console.get("/cost")).text)
    assert (await console.get("/cost?month=nonsense")).status_code == 400


async def test_a_price_of_nothing_is_a_price(console: Console, stage: Stage, urls: DatabaseUrls) -> None:
    await run_as_superuser(
        urls,
        "insert into tally (tenant_id, hour, model, notes, prompt_tokens, completion_tokens, cost_usd)"
        " values ($1, date_trunc('hour', now()), 'm', 1, 1000, 10, 0)",
        stage.tenant.id,
    )
    assert "So far $0.00 1,010 tokens Forecast" in words_of((await console.get("/cost")).text)


async def test_what_a_client_pays_itself_is_in_no_sum_of_ours(
    console: Console, stage: Stage, urls: DatabaseUrls, help_desk: HelpDeskSimulator, tmp_path: Path
) -> None:
    own, _ = add_tenant(help_desk, tmp_path, model={"name": "own", "base_url": "https://model.example/v1"})
    for tenant_id, cost in ((stage.tenant.id, "1.25"), (own.id, "40.5")):
        await run_as_superuser(
            urls,
            "insert into tally (tenant_id, hour, model, notes, prompt_tokens, completion_tokens, cost_usd)"
            f" values ($1, date_trunc('hour', now()), 'm', 1, 1000, 10, {cost})",
            tenant_id,
        )
    before = words_of((await console.get("/cost")).text)
    assert "Paid by clients themselves" not in before
    console.backend.directory.refresh()
    console.backend.forget()
    page = words_of((await console.get("/cost")).text)
    assert "So far $1.25" in page
    assert "Paid by clients themselves $40.50 1,010 tokens of 1 client with a key of its own" in page
    assert f"{own.name} own key" in page
    assert "Spent today $1.25" in words_of((await console.get("/")).text)
    csv = (await console.get("/cost.csv")).text.splitlines()
    assert {line.split(",")[1]: line.split(",")[-1] for line in csv[1:]} == {
        stage.tenant.slug: "shared",
        own.slug: "own",
    }


async def test_tokens_that_the_endpoint_does_not_tell_are_shown_as_estimated(console: Console, stage: Stage) -> None:
    assert "about" not in words_of((await console.get("/cost")).text).lower()
    stage.model.behave("no_usage", times=None)
    job_id = await one_with_text(stage)
    async with stage.database.as_tenant(stage.tenant.id) as session:
        used = (await session.execute(text("select prompt_tokens, completion_tokens from enhancement"))).one()
    assert used.prompt_tokens > 500
    assert used.completion_tokens > 20
    page = words_of((await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text)
    assert f"about {used.prompt_tokens:,} in, {used.completion_tokens:,} out (estimated" in page
    assert "its tokens are estimated" in page
    cost = words_of((await console.get("/cost")).text)
    assert cost.count(f"about {sum(used):,}") == 3  # in all, by tenant, by model
    assert "offline-extractive" in cost.partition("does not tell all tokens")[0]
    assert "does not tell all tokens" in words_of((await console.get(f"/tenants/{stage.tenant.slug}")).text)


async def test_what_the_models_endpoint_refuses_is_told_on_the_tenants_page(console: Console, stage: Stage) -> None:
    assert "wrote the latest note" not in words_of((await console.get(f"/tenants/{stage.tenant.slug}")).text)
    await one_with_text(stage)
    assert "asked with all options" in words_of((await console.get(f"/tenants/{stage.tenant.slug}")).text)
    stage.model.behave("no_schema", times=None)
    job_id = await one_with_text(stage)
    told = words_of((await console.get(f"/tenants/{stage.tenant.slug}")).text)
    assert "The model is asked without: strict JSON schema. Its endpoint refuses it." in told
    page = words_of((await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text)
    assert "Asked without strict JSON schema" in page
    assert "asked without strict JSON schema" in page  # the step


async def test_what_the_model_did_not_read_is_told_with_the_delivery(console: Console, stage: Stage) -> None:
    stage.model.behave("small_context", times=None)
    job_id = await one_with_text(stage)
    assert stage.model.calls == 2
    page = words_of((await console.get(f"/deliveries/{stage.tenant.slug}/{job_id}")).text)
    assert f"Prompt {prompt_version()} (version of prompt and schema)" in page
    assert "Not read T1, K1" in page
    assert "without 2 of 2 sources, as the prompt was too long" in page


async def test_votes_and_their_comments_are_shown_escaped(console: Console, stage: Stage) -> None:
    job_id = await one_with_text(stage)
    words = "<script>alert(1)</script> great"
    assert await stage.intake.record_feedback(stage.tenant.id, job_id, is_helpful=False, comment="first")
    assert await stage.intake.record_feedback(stage.tenant.id, job_id, is_helpful=True, comment=words)
    page = (await console.get("/quality")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; great" in page
    assert "1 helpful, 0 not" in words_of(page)
    assert "Outlook" in page  # a source that the note cites


async def test_a_vote_on_what_is_no_note_is_not_stored(stage: Stage) -> None:
    waiting = await stage.deliver(stage.ticket())
    for tenant_id, job_id in ((stage.tenant.id, waiting), (stage.tenant.id, uuid4()), (uuid4(), waiting)):
        assert not await stage.intake.record_feedback(tenant_id, job_id, is_helpful=True, comment="")


async def test_another_tenants_delivery_is_not_found_by_its_id(console: Console, stage: Stage) -> None:
    elsewhere = await stage.deliver("1", tenant_id=uuid4())
    page = await console.get(f"/deliveries/{stage.tenant.slug}/{elsewhere}")
    assert page.status_code == 404


async def test_every_answer_has_the_headers(console: Console) -> None:
    for path in ("/", "/nothing", "/static/console.css", "/sign-in", "/deliveries?after=nonsense"):
        headers = (await console.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert headers["x-content-type-options"] == "nosniff"
    assert (await console.get("/")).headers["cache-control"] == "no-store"


async def test_a_tenants_file_that_cannot_be_read_is_told(console: Console, stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "files" / "odd.yaml").write_text("a: 1" + ":00" * 180)
    console.backend.directory.refresh()
    page = await console.get("/tenants")
    assert "odd" in page.text
    assert "is a number that can be read in two ways" in page.text
    assert stage.tenant.name in page.text


async def test_a_file_that_is_bad_is_told_beside_the_tenants(console: Console, tmp_path: Path) -> None:
    (tmp_path / "files" / "broken.yaml").write_text("slug: [", "utf-8")
    console.backend.directory.refresh()

    page = words_of((await console.get("/tenants")).text)
    (problem,) = (each for each in console.backend.directory.problems if each.slug == "broken")
    assert problem.detail in page
    assert "The file of broken can't be used" in words_of((await console.get("/")).text)


async def test_a_page_that_takes_too_long_is_ended_and_says_what_to_do(
    console: Console, stage: Stage, urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it waits for. What it asks of PostgreSQL ends with it."""
    monkeypatch.setattr(limit, "PAGE_LIMIT_S", 0.3)
    async with connected(urls.superuser) as blocking, blocking.transaction():
        await blocking.execute("lock table delivery, tally in access exclusive mode")
        for path in ("/deliveries", "/cost", "/", "/cost.csv"):
            answer = await console.get(path)
            assert answer.status_code == 503, path
            assert "choose a tenant, or a shorter time" in words_of(answer.text)
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        assert await blocking.fetchval(waiting) == 0
    monkeypatch.undo()
    assert (await console.get("/deliveries")).status_code == 200
