"""Who may see some tenants alone meets no word, number or sum of another, on no page, and acts on no other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.console.access import Role
from app.core.delivery import Status
from app.core.tenant import EVERY_TENANT, Tenant
from app.db.limits.accounts import keep_accounts
from app.db.limits.holds import list_holds
from app.db.limits.pauses import pause, resume
from app.db.reports.audit import witness
from app.db.reports.choices import Choice
from app.db.reports.deliveries import count_deliveries
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from demo.embedded import DatabaseUrls
from tests.builders import an_account, an_instance, write_instance, write_tenant
from tests.integration.console.conftest import Console, words_of
from tests.integration.console.history import fill_history
from tests.integration.console.test_door import all_routes
from tests.integration.worker.conftest import Stage, add_tenant

NAME = "Qualmwurz Gruppe"
REASON = "Qualmwurz moves its help desk"
LATE = re.compile(
    r"<time\b.*?</time>|\d+(?:\.\d)? (?:ms|s|min|h|d)\b(?: ago)?|\d\d \w{3} \d\d:\d\d:\d\d"
    r"|<h2>Forecast for the month</h2>.*?</div>|data-label=\"Forecast\">[^<]*|; \d+ % forecast|points=\"[^\"]*\"|value=\"2[0-9-]{9}T[^\"]*\"",
    re.DOTALL,
)


@dataclass
class Two:
    """A console with two clients: one that the user may see, and another one with more of everything."""

    console: Console
    stage: Stage
    other: Tenant
    own_job: str
    other_job: str

    @property
    def own(self) -> str:
        return self.stage.tenant.slug

    @property
    def markers(self) -> list[str]:
        """Expressions of what only the other one and the shared help desk have: tickets, and no delivery whose id begins so."""
        return ["qualmwurz", str(self.other.id), self.other_job, r">4200\d*\b", r">9042\d\b", r"77\.0k", "hubbub"]

    def come_in(self, group: str) -> None:
        self.console.leave()
        self.console.come_in(None, "tom@acme.example", groups=[group])

    def find_foreign(self, page: str) -> list[str]:
        return [marker for marker in self.markers if re.search(marker, page.lower())]

    async def failed(self, tenant: Tenant) -> int:
        choice = Choice(status=Status.FAILED)
        return await count_deliveries(self.stage.database, tenant.id, choice, at_most=100)


@pytest.fixture
async def two(
    make_console: Any, stage: Stage, help_desk: HelpDeskSimulator, urls: DatabaseUrls, tmp_path: Path
) -> AsyncIterator[Two]:
    other, portal = add_tenant(help_desk, tmp_path, slug="qualmwurz", name=NAME, model={"monthly_token_budget": 77_000})
    console: Console = make_console(
        named={"own-it": {stage.tenant.slug: Role.VIEWER}, "own-ops": {stage.tenant.slug: Role.OPERATOR}}
    )
    for directory in (console.backend.directory, stage.worker.tenants):
        directory.refresh()
    await fill_history(urls.superuser, [stage.tenant, other])
    jobs = {}
    for tenant, desk, number in ((stage.tenant, stage.portal, 1), (other, portal, 2)):
        desk.faults.add(
            Fault.model_validate({"match": "GET requests/", "kind": "status", "status": 403, "times": None})
        )
        for ticket in range(number):
            job_id = await stage.deliver(f"904{number}{ticket}", tenant_id=tenant.id, subject=f"Fails at {tenant.name}")
            jobs[tenant.id] = str(job_id)
    await stage.work()
    told = witness("jo@qualmwurz.example", "pause", REASON)
    for tenant_id in (other.id, EVERY_TENANT):
        await pause(stage.database, tenant_id, by="jo@qualmwurz.example", reason=REASON, witness=told)
    (tmp_path / "files" / "qualmwurz-2.yaml").write_text("{}")
    write_instance(tmp_path, an_instance("hubbub"), api_key="key")
    console.backend.directory.refresh()
    yield Two(console, stage, other, jobs[stage.tenant.id], jobs[other.id])
    await resume(stage.database, EVERY_TENANT)


def pages(slug: str, job_id: str) -> list[str]:
    own = [path for method, path in all_routes(slug, job_id, act_on_tenant="pause") if method == "GET"]
    more = ["/cost?month=2026-01", "/deliveries?status=failed", f"/deliveries?tenant={slug}", f"/quality?tenant={slug}"]
    return [*own, *more, "/deliveries?reason=help_desk_forbidden", "/deliveries?ticket=90420", "/no-such-page"]


@pytest.mark.parametrize("group", ["own-it", "own-ops"])
async def test_no_page_holds_a_word_or_a_number_of_another_client(two: Two, group: str, tmp_path: Path) -> None:
    """Each page is as it would be if there were no other client."""
    two.come_in(group)
    paths = pages(two.own, two.own_job)
    beside = {path: (await two.console.get(path)).text for path in paths}
    for path, page in beside.items():
        assert two.find_foreign(page) == [], path
    for slug in ("qualmwurz", "qualmwurz-2", "instances/hubbub"):
        (tmp_path / "files" / f"{slug}.yaml").unlink()
    two.console.backend.directory.refresh()
    two.console.backend.forget()
    alone = {path: (await two.console.get(path)).text for path in paths}
    for path in paths:
        assert LATE.sub("", beside[path]) == LATE.sub("", alone[path]), path
    assert two.own in alone["/live"]


async def test_who_sees_all_meets_them_all(two: Two) -> None:
    two.console.come_in(Role.VIEWER)
    read = "".join([(await two.console.get(path)).text for path in pages("qualmwurz", two.other_job)])
    assert two.find_foreign(read) == two.markers


@pytest.mark.parametrize("group", ["own-it", "own-ops"])
async def test_what_names_another_client_is_answered_as_if_it_named_nobody(two: Two, group: str) -> None:
    two.come_in(group)
    for slug in ("qualmwurz", "hubbub"):
        routes = all_routes(slug, two.other_job, act_on_tenant="pause")
        assert sum(slug in path for _, path in routes) >= 5
        for method, path in (route for route in routes if slug in route[1]):
            unknown = path.replace(slug, "nobody")
            answers = []
            for each in (path, unknown):
                ask = two.console.get(each) if method == "GET" else two.console.post(each, reason="x", because="x")
                answers.append(await ask)
            is_redirect = path.endswith("/check") and method == "GET"
            assert answers[0].status_code == answers[1].status_code == (303 if is_redirect else 404), path
            assert answers[0].text == answers[1].text, path
    for path in ("/deliveries?tenant=qualmwurz", "/quality?tenant=qualmwurz", "/deliveries?tenant=hubbub"):
        assert (await two.console.get(path)).status_code == 404, path


async def test_an_operator_of_one_client_acts_on_that_one_alone(two: Two) -> None:
    two.come_in("own-ops")
    tenant = two.stage.tenant
    assert (await two.failed(tenant), await two.failed(two.other)) == (1, 2)

    for path in (f"/deliveries/{two.own}/{two.other_job}/replay", f"/deliveries/qualmwurz/{two.own_job}/replay"):
        await two.console.post(path)
    assert (await two.failed(tenant), await two.failed(two.other)) == (1, 2)
    asked = await two.console.get("/deliveries/dismiss")
    assert "Dismiss 1 failed delivery?" in words_of(asked.text)
    until = datetime.now(UTC).isoformat()
    fields = {f"number-{two.own}": "5", "number-qualmwurz": "5", "until": until, "because": "test"}
    done = await two.console.post("/deliveries/dismiss", **fields)
    assert "1 delivery dismissed" in words_of(done.text)
    assert (await two.failed(tenant), await two.failed(two.other)) == (0, 2)
    assert (await two.console.post("/deliveries/dismiss", tenant="qualmwurz", **fields)).status_code == 404

    assert (await two.console.post(f"/tenants/{two.own}/pause", reason="a move")).status_code == 303
    assert (await two.console.post("/tenants/pause", reason="a move")).status_code == 403
    assert (await two.console.post("/tenants/resume")).status_code == 403
    holds = await list_holds(two.stage.database, [tenant.id, two.other.id])
    assert {(hold.tenant_id, hold.reason) for hold in holds} == {
        (tenant.id, "a move"),
        (two.other.id, REASON),
        (EVERY_TENANT, REASON),
    }
    page = words_of((await two.console.get(f"/tenants/{two.own}")).text)
    assert "By tom@acme.example: a move." in page


async def test_a_viewer_of_one_client_may_act_on_none(two: Two) -> None:
    two.come_in("own-it")
    for path in (f"/tenants/{two.own}/pause", f"/tenants/{two.own}/check", "/tenants/pause", "/deliveries/replay"):
        assert (await two.console.post(path, reason="x")).status_code == 403, path
    assert (await two.console.post(f"/deliveries/{two.own}/{two.own_job}/replay")).status_code == 403
    assert await two.failed(two.stage.tenant) == 1
    page = await two.console.get(f"/deliveries/{two.own}/{two.own_job}")
    assert "/replay" not in page.text


async def test_a_viewer_of_all_may_be_operator_of_one(two: Two) -> None:
    two.console.leave()
    two.console.come_in(Role.VIEWER, "tom@acme.example", groups=["own-ops"])
    assert "Qualmwurz" in (await two.console.get("/tenants")).text
    assert "Dismiss 1 failed delivery?" in words_of((await two.console.get("/deliveries/dismiss")).text)
    assert (await two.console.post(f"/deliveries/qualmwurz/{two.other_job}/replay")).status_code == 403
    assert (await two.console.post("/tenants/qualmwurz/pause", reason="x")).status_code == 403
    assert (await two.console.post("/tenants/pause", reason="x")).status_code == 403
    assert (await two.console.post(f"/deliveries/{two.own}/{two.own_job}/replay")).status_code == 303


async def test_a_pause_of_the_shared_help_desk_is_told_without_its_reason(two: Two, tmp_path: Path) -> None:
    instance = an_instance("hubbub", id=two.console.backend.directory.find_slug("hubbub").tenant.id)  # type: ignore[union-attr]
    account = an_account(instance, "rhubarb", {"id": "601"})
    write_tenant(tmp_path, account)
    assert two.console.backend.directory.refresh() == []
    await keep_accounts(two.stage.database, two.console.backend.directory.instance_of)
    await pause(two.stage.database, instance.id, by="jo@qualmwurz.example", reason=REASON)
    two.console.named["rhubarb-it"] = {"rhubarb": Role.VIEWER}  # type: ignore[index]
    two.come_in("rhubarb-it")
    for path in ("/", "/tenants", "/tenants/rhubarb"):
        page = await two.console.get(path)
        assert "is paused" in page.text or "Paused" in page.text
        assert REASON not in page.text
        assert "qualmwurz" not in page.text
    two.console.come_in(Role.VIEWER)
    assert REASON in (await two.console.get("/tenants/rhubarb")).text
