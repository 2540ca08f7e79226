"""Nobody sees or does anything without the right to."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.console.access import Role
from app.console.app import create_console
from app.console.sessions import Seals
from app.console.sign_in import Doors
from app.core.tenant import EVERY_TENANT
from app.db.session import open_database
from tests.integration.console.conftest import TOKEN, URL, Console
from tests.integration.worker.conftest import Stage

OPEN = {"/static/{name:str}", "/health/live", "/health/ready", "/sign-in", "/sign-in/callback", "/sign-in/oidc"}


def all_routes(
    slug: str = "acme", job_id: str = "6f9619ff-8b86-5d01-b42d-00cf4fc964ff", *, act_on_tenant: str = "replay"
) -> list[tuple[str, str]]:
    """Every path and method but those that anybody may use. The default values exist nowhere."""
    nothing: Any = SimpleNamespace(database=None)
    app = create_console(backend=nothing, doors=Doors(TOKEN, None, url=None), seals=Seals())
    found = []
    for path, handlers in app.route_handler_method_map.items():
        if path not in OPEN:
            filled = path.replace("{job_id:uuid}", job_id).replace("{slug:str}", slug)
            filled = filled.replace("{act:str}", act_on_tenant if path.startswith("/tenants") else "replay")
            found += [(method, filled) for method in handlers if method in {"GET", "POST"}]
    return sorted(found)


def test_there_are_pages_and_acts_to_try() -> None:
    methods = [method for method, _ in all_routes()]
    assert methods.count("GET") >= 10
    assert methods.count("POST") >= 6


@pytest.mark.parametrize(("method", "path"), all_routes())
async def test_without_a_session_every_page_and_act_leads_to_the_door(console: Console, method: str, path: str) -> None:
    console.leave()
    answer = await console.client.request(method, path, headers={"origin": URL})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", [path for method, path in all_routes() if method == "POST"])
async def test_a_form_without_the_sessions_word_changes_nothing(console: Console, path: str) -> None:
    assert (await console.post(path, word="another", reason="x", because="x")).status_code == 403
    assert "reload" in (await console.post(path, word="")).text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://console.test.evil.example"])
async def test_a_form_from_elsewhere_changes_nothing(console: Console, origin: str) -> None:
    data = {"csrf": console.word(), "reason": "x"}
    answer = await console.client.post("/tenants/pause", data=data, headers={"origin": origin})
    assert answer.status_code == 403


PUBLIC = "https://console.example"


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [
        # A proxy that passes its upstream's name, as the browser behind it sends the form.
        (None, {"host": "console.internal:8000", "origin": PUBLIC, "sec-fetch-site": "same-origin"}, 303),
        (None, {"host": "console.internal:8000", "origin": "null", "sec-fetch-site": "same-origin"}, 303),
        (None, {"host": "console.example:443", "origin": PUBLIC}, 303),
        (None, {"host": "CONSOLE.example", "origin": PUBLIC}, 303),
        (None, {"host": "console.example:80", "origin": "http://console.example"}, 303),
        (None, {"host": "console.example"}, 303),
        (PUBLIC, {"host": "10.0.0.7:8000", "origin": PUBLIC}, 303),
        (PUBLIC, {"host": "console.internal", "origin": "https://console.example:443"}, 303),
        ("https://münchen.example", {"host": "10.0.0.7", "origin": "https://xn--mnchen-3ya.example"}, 303),
        (PUBLIC, {"host": "console.example", "origin": PUBLIC, "sec-fetch-site": "none"}, 303),
        (None, {"host": "console.internal:8000", "origin": PUBLIC}, 403),
        (None, {"host": "console.internal", "origin": PUBLIC, "x-forwarded-host": "console.example"}, 403),
        (None, {"host": "console.example", "origin": PUBLIC, "sec-fetch-site": "cross-site"}, 403),
        (None, {"host": "console.example", "origin": PUBLIC, "sec-fetch-site": "same-site"}, 403),
        (None, {"host": "console.example:8000", "origin": "https://console.example:8001"}, 403),
        (None, {"host": "console.example", "origin": "https://console.example@evil.example"}, 403),
        (None, {"host": "evil.example", "origin": "javascript:alert(1)"}, 403),
        (None, {"host": "console.example", "origin": "https://console.example:99999"}, 403),
        (PUBLIC, {"host": "evil.example", "origin": "https://evil.example"}, 403),
        (PUBLIC, {"host": "console.example", "origin": "http://console.example"}, 403),
    ],
)
async def test_a_form_is_ours_behind_any_proxy_and_from_no_other_site(
    make_console: Any, url: str | None, headers: dict[str, str], status: int
) -> None:
    console: Console = make_console(url=url)
    answer = await console.client.post("/sign-in", data={"token": TOKEN, "next": "/"}, headers=headers)
    assert answer.status_code == status
    console.leave()
    console.come_in()
    act = await console.client.post("/sign-out", data={"csrf": console.word()}, headers=headers)
    assert act.status_code == status


async def test_a_viewer_sees_all_and_may_do_nothing(make_console: Any, stage: Stage) -> None:
    console: Console = make_console()
    console.come_in(Role.VIEWER)
    slug = stage.tenant.slug
    for path in ("/", "/deliveries?status=failed", f"/tenants/{slug}", "/acts", "/cost", "/quality"):
        page = await console.get(path)
        assert page.status_code == 200, path
        assert 'method="post"' not in page.text.replace('<form class="who" method="post" action="/sign-out">', ""), path
    for path in (f"/tenants/{slug}/pause", f"/tenants/{slug}/check", "/tenants/pause", "/deliveries/replay"):
        assert (await console.post(path, reason="x")).status_code == 403, path
    assert (await console.get("/deliveries/replay")).status_code == 403


async def test_the_token_opens_and_a_wrong_one_does_not(make_console: Any) -> None:
    console: Console = make_console()
    wrong = await console.client.post("/sign-in", data={"token": TOKEN[:-1] + "x"}, headers={"origin": URL})
    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers
    right = await console.client.post("/sign-in", data={"token": TOKEN, "next": "/acts"}, headers={"origin": URL})
    assert (right.status_code, right.headers["location"]) == (303, "/acts")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await console.get("/")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "evil"),
        *("/\t/evil.example", "/\n/evil.example", "/\r\nset-cookie: a=b"),  # browsers leave these out of an address
        "/" + "a" * 4_000,  # no cookie and no header of a proxy holds it
    ],
    ids=lambda path: path[:20],
)
async def test_sign_in_leads_nowhere_else(make_console: Any, path: str) -> None:
    console: Console = make_console()
    answer = await console.client.post("/sign-in", data={"token": TOKEN, "next": path}, headers={"origin": URL})
    assert answer.headers["location"] == "/"


async def test_an_open_page_is_sent_to_the_door_when_its_session_is_over(console: Console) -> None:
    console.leave()
    answer = await console.get("/live", headers={"hx-request": "true"})
    assert answer.headers["hx-redirect"] == "/sign-in"
    assert answer.text in {"", "null"}


@pytest.mark.parametrize(
    ("form", "leads_to"),
    [
        (f"{URL}/tenants/acme/shadow?since=90d", "/sign-in?next=/tenants/acme/shadow%3Fsince%3D90d"),
        (None, "/sign-in?next=/"),
        ("http://[::1", "/sign-in?next=/"),
    ],
)
async def test_a_form_that_is_sent_too_late_leads_back_to_its_page(
    console: Console, form: str | None, leads_to: str
) -> None:
    console.leave()
    headers = {"origin": URL} | ({"referer": form} if form else {})
    answer = await console.client.post("/tenants/acme/shadow/same", headers=headers)
    assert answer.headers["location"] == leads_to


async def test_signing_out_ends_the_session_of_this_browser(make_console: Any) -> None:
    console: Console = make_console()
    await console.client.post("/sign-in", data={"token": TOKEN}, headers={"origin": URL})
    assert (await console.get("/")).status_code == 200
    cookie = console.client.cookies["ai_agents_console"]
    await console.post("/sign-out")
    assert (await console.get("/")).status_code == 303
    console.client.cookies.set("ai_agents_console", cookie)  # a copy of it
    assert (await console.get("/")).status_code == 303


async def test_a_session_that_nobody_uses_for_half_an_hour_is_over(console: Console, stage: Stage) -> None:
    assert (await console.get("/")).status_code == 200
    for minutes, status in ((29, 200), (29, 200), (31, 303), (0, 303)):
        await _let_pass(stage, minutes)
        assert (await console.get("/acts")).status_code == status


async def test_a_page_that_refreshes_itself_keeps_no_session_open(console: Console, stage: Stage) -> None:
    await console.get("/")
    live = {"hx-request": "true"}
    for minutes in (10, 10):
        await _let_pass(stage, minutes)
        assert (await console.get("/live", headers=live)).status_code == 200
    await _let_pass(stage, 11)
    assert (await console.get("/live", headers=live)).headers["hx-redirect"] == "/sign-in"


async def test_a_time_that_no_clock_gives_keeps_no_session_open(console: Console, stage: Stage) -> None:
    """The database's clock was set back, or a hand wrote it."""
    await console.get("/")
    async with stage.database.as_tenant(EVERY_TENANT) as session:
        await session.execute(text("update console_session set seen_at = 'infinity'"))
    assert (await console.get("/live", headers={"hx-request": "true"})).headers["hx-redirect"] == "/sign-in"


async def _let_pass(stage: Stage, minutes: int) -> None:
    async with stage.database.as_tenant(EVERY_TENANT) as session:
        older = text("update console_session set seen_at = seen_at - make_interval(mins => :minutes)")
        await session.execute(older, {"minutes": minutes})


async def test_while_the_database_is_out_pages_say_so(make_console: Any) -> None:
    console: Console = make_console()
    console.come_in()
    async with open_database("postgresql://nobody@127.0.0.1:1/none") as nothing:
        seals, doors = console.seals, Doors(TOKEN, None, url=None)
        app: Any = create_console(backend=replace(console.backend, database=nothing), doors=doors, seals=seals)
        cookies = {"ai_agents_console": console.client.cookies["ai_agents_console"]}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL, cookies=cookies) as client:
            for path in ("/", "/deliveries"):
                answer = await client.get(path)
                assert answer.status_code == 503
                assert "The database can" in answer.text
                assert "data-again" in answer.text  # as it says, it tries again
            sent = await client.post("/tenants/acme/resume", headers={"origin": URL})
            assert (sent.status_code, "data-again" in sent.text, "tries again" in sent.text) == (503, False, False)
            assert (await client.get("/health/ready")).status_code == 200
            assert (await client.get("/static/console.css")).status_code == 200
