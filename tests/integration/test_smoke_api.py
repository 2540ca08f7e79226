"""What the smoke test says of an API and of a journey: each check is seen to hold and to fail, over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx
import pytest
from aiohttp import web

from app.api.edge import SECURITY_HEADERS
from app.core.labels import labels
from app.core.signature import sign_body
from app.db.migrate import known_revisions
from app.simulator.portal import Portal
from app.smoke import Hosted, run_smoke
from app.smoke.api import ApiChecks
from app.smoke.journey import Journey, open_simulator
from app.smoke.report import Check, CheckFailed, SmokeReport, run_checks
from demo.embedded import find_free_port
from tests.builders import a_known_tenant, a_tenant
from tests.loopback import served

HEALTH = {
    "status": "healthy",
    "database": "connected",
    "redis": "connected",
    "version": "0.1.0",
    "schema": known_revisions()[0],
}
TYPES = "# TYPE http_requests_total counter\n# TYPE http_request_duration_seconds histogram\n"


@dataclass
class StubApi:
    """An API with its worker, sound by default: the worker posts a note as soon as a webhook is accepted."""

    health: dict[str, str] = field(default_factory=lambda: dict(HEALTH))
    health_status: int = 200
    page: str = ""
    """What a proxy answers in the API's place."""
    is_ready: bool = True
    metrics: str = TYPES + "# TYPE webhook_deliveries_total counter\n"
    headers: dict[str, str] = field(default_factory=lambda: {k.decode(): v.decode() for k, v in SECURITY_HEADERS})
    lets_anybody_in: bool = False
    refuses: int = 0
    forgets: bool = False
    """Each redelivery becomes a job of its own."""
    notes: list[str] = field(default_factory=lambda: ["<p>Restart the runner [T1]</p>"])
    learns: bool = True
    stores_late: bool = False
    """The first ticket's note comes before the solved ticket is stored."""
    portal: Portal | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if self.page:
            return web.Response(status=502, text=self.page)
        if request.method == "POST":
            return await self._receive(request)
        match request.path:
            case "/health":
                return web.json_response(self.health, status=self.health_status, headers=self.headers)
            case "/health/ready":
                told = "ready" if self.is_ready else "not ready"
                return web.json_response({"status": told}, status=200 if self.is_ready else 503)
            case _:
                return web.Response(text=self.metrics)

    async def _receive(self, request: web.Request) -> web.Response:
        content = await request.read()
        is_signed = request.headers.get("x-servicedesk-signature") == sign_body(b"secret", content)
        if not (is_signed or self.lets_anybody_in):
            return web.Response(status=401)
        if self.refuses:
            return web.Response(status=self.refuses)
        body = json.loads(content)
        self._work(**body)
        job_id = uuid4() if self.forgets else uuid5(NAMESPACE_URL, content.decode())
        return web.json_response({"job_id": str(job_id)}, status=202)

    def _work(self, *, event: str, ticket_id: str) -> None:
        if self.portal is None or ticket_id not in self.portal.tickets:
            return
        if event == "ticket_resolved" and self.learns:
            self.portal.calls.append(f"GET /requests/{ticket_id}")
        if event == "ticket_created" and not self.portal.notes(ticket_id):
            notes, self.stores_late = (["nothing found"] if self.stores_late else self.notes), False
            for note in notes:
                self.portal.add_note(ticket_id, note)


async def look(stub: StubApi) -> dict[str, Check]:
    known, report = a_known_tenant(a_tenant("smoke")), SmokeReport()
    async with (
        served(web.route("*", "/{path:.*}", stub.answer)) as url,
        httpx.AsyncClient(base_url=url) as client,
        open_simulator(known, "127.0.0.1", find_free_port()) as portal,
    ):
        stub.portal = portal
        api = ApiChecks(known, client)
        await run_checks(
            [*api.published, *Journey(portal, api, 0.5, learn_s=0, settle_s=0.1).checks, *api.inner], report
        )
    return {check.name: check for check in report.checks}


async def test_a_sound_api_passes() -> None:
    found = await look(StubApi())

    assert {name: check.detail for name, check in found.items() if not check.is_passed} == {}
    assert "1 sources cited" in found["one note arrives"].detail


async def test_a_solved_ticket_that_a_busy_worker_stores_late_fails_no_release() -> None:
    found = await look(StubApi(stores_late=True))

    assert found["one note arrives"].is_passed, found["one note arrives"].detail
    assert "1 sources cited" in found["one note arrives"].detail


async def test_a_model_that_does_not_answer_fails_no_release_and_is_told() -> None:
    """A first installation with a wrong key passed without a word of it."""
    found = await look(StubApi(notes=[f"[T1] {labels('en')['notice_model_unavailable']}"]))

    assert found["one note arrives"].is_passed
    assert "the model gave no answer: check its endpoint and key" in found["one note arrives"].detail


@pytest.mark.parametrize(
    ("stub", "check", "said"),
    [
        (
            StubApi(health=HEALTH | {"status": "degraded", "redis": "disconnected"}),
            "health",
            "redis disconnected): look at",
        ),
        (StubApi(health_status=503), "health", "/health answers 503"),
        (StubApi(health=HEALTH | {"schema": "2026_11_24_0900"}), "schema", "look at the log of the migrate Job"),
        (StubApi(health=HEALTH | {"schema": "unknown"}), "schema", "tells no schema"),
        (StubApi(is_ready=False), "readiness", "answers 503"),
        (StubApi(headers={}), "security headers", "strict-transport-security"),
        (StubApi(lets_anybody_in=True), "forged signature refused", "answered 202 where 401 is due: roll back"),
        (StubApi(learns=False), "resolved ticket learned", "never asked: check its url"),
        (StubApi(forgets=True), "replay is the same delivery", "became another job"),
        (StubApi(notes=[]), "one note arrives", "no note within 0 s; its help desk was asked"),
        (StubApi(notes=["[T1]", "[T1]"]), "one note arrives", "2 notes where one is due: roll back"),
        (StubApi(notes=["nothing found"]), "one note arrives", "cites no source"),
        (StubApi(metrics=TYPES), "metrics", "lacks webhook_deliveries_total"),
        (StubApi(metrics="<html>webhook_deliveries_total</html>"), "metrics", "is this the API"),
    ],
    ids=[
        "degraded",
        "unhealthy",
        "old schema",
        "no schema",
        "not ready",
        "no headers",
        "no authentication",
        "not learned",
        "replay is another job",
        "no note",
        "two notes",
        "no citation",
        "no metrics",
        "a page in place of metrics",
    ],
)
async def test_a_fault_is_told_by_its_check_alone(stub: StubApi, check: str, said: str) -> None:
    found = await look(stub)

    assert said in found[check].detail
    assert [name for name, each in found.items() if not each.is_passed] == [check]


@pytest.mark.parametrize(
    ("status", "said"), [(401, "the API's own?"), (403, "smoke is suspended"), (503, "PostgreSQL"), (500, "API's log")]
)
async def test_a_webhook_that_is_refused_says_what_to_do(status: int, said: str) -> None:
    found = await look(StubApi(refuses=status))

    assert f"answered {status} where 202 is due" in found["webhook accepted"].detail
    assert said in found["webhook accepted"].detail
    assert not found["one note arrives"].is_passed


async def test_something_else_at_the_address_fails_each_check_and_breaks_none() -> None:
    found = await look(StubApi(page="<html>Bad gateway</html>"))

    assert not any(check.is_passed for check in found.values())
    assert "/health answers 502 (not ours)" in found["health"].detail


async def test_nobody_at_the_address_fails_each_check_and_skips_what_was_not_asked() -> None:
    port, dead = find_free_port(), find_free_port()
    known = a_known_tenant(a_tenant("smoke"))

    report = await run_smoke(known, Hosted("127.0.0.1", port), url=f"http://127.0.0.1:{dead}", limit_s=0.2)

    assert not report.is_passed
    outcomes = {check.name: check.outcome.value for check in report.checks}
    assert {name for name, outcome in outcomes.items() if outcome == "skipped"} == {
        "public door",
        "pods of the release",
    }
    assert "passed" not in outcomes.values()


async def test_a_help_desk_that_cannot_be_hosted_is_told() -> None:
    known = a_known_tenant(a_tenant("smoke"))
    async with open_simulator(known, "127.0.0.1", port := find_free_port()):
        with pytest.raises(CheckFailed, match="choose another --listen"):
            await run_smoke(known, Hosted("127.0.0.1", port), url="http://127.0.0.1:1", limit_s=0.2)


def test_the_headers_that_are_asked_for_are_the_applications() -> None:
    from app.smoke.api import SECURITY_HEADERS as ASKED_FOR

    sent = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    assert all(value in sent[name] for name, value in ASKED_FOR.items())
