"""The console as a person uses it: Debian's Chromium on the real process, axe on every page.

`make screenshots` runs this with SCREENSHOTS set, and keeps each page light, dark and as a phone shows it, notes in four
languages too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, async_playwright
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.core.delivery import Status
from app.core.feedback import make_token
from app.db.knowledge.strays import Stray, keep_strays
from app.db.limits.accounts import keep_accounts
from app.queue import GROUP, STREAM
from demo.embedded import DatabaseUrls, ValkeyServer
from eval.cases import load_cases
from eval.writing import OfflineModel, write
from tests.builders import a_tenant, an_account, an_instance, write_instance, write_tenant
from tests.integration.console.conftest import TOKEN
from tests.integration.console.history import fill_history, fill_shadow
from tests.integration.forked import ForkedProcess
from tests.integration.processes import common_variables
from tests.integration.worker.conftest import Stage

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SCREENSHOTS = os.environ.get("SCREENSHOTS")
AXE = Path(__file__).parent / "axe" / "axe-4.14.1.min.js"
FEEDBACK_KEY = "k" * 32
# Headless without what only a person's browser needs; as root there is no sandbox to be had.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}
# Cases whose notes are in English, German, French and Spanish.
NOTES = ("contradicting-usb", "unavailable-inventar", "contradicting-onduleur", "outdated-certificado")
# The words of the steps of an attempt that stand in two lines.
BROKEN_WORDS = """[...document.querySelectorAll(".steps th")].flatMap((heading) => {
    const text = heading.firstChild;
    return [...(text?.data ?? "").matchAll(/\\S+/g)].filter((word) => {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        return range.getClientRects().length > 1;
    }).map((word) => word[0]);
})"""
# What a Chromium of a loaded machine of two cores may take.
PATIENCE_MS = 30_000

ACME = pytest.mark.parametrize("stage", [{"slug": "acme", "name": "Acme Manufacturing"}], indirect=True, ids=["acme"])
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: make test-machine installs it")


@dataclass
class Desk:
    """A browser in front of a console, over deliveries of every kind."""

    browser: Browser
    url: str
    api_url: str
    pages: dict[str, str]
    """Paths by name."""
    stage: Stage
    done: UUID
    failed: list[UUID]
    complaints: list[str] = field(default_factory=list)
    """Of scripts, and of the content security policy."""

    async def open(self, look: str) -> Page:
        """A new browser in one look, in front of the door."""
        context = await self.browser.new_context(**LOOKS[look])
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))
        await page.goto(self.url)
        return page

    async def sign_in(self, page: Page) -> None:
        await page.fill("#token", TOKEN)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#live")

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)


async def _listen(valkey: ValkeyServer) -> None:
    """A worker as Redis knows it; what is due is worked on when the test says so."""
    async with Redis.from_url(valkey.url) as redis:
        with suppress(ResponseError):  # it is there already
            await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        await redis.xreadgroup(GROUP, "a-worker", {STREAM: ">"}, count=1)


@pytest.fixture
async def desk(stage: Stage, urls: DatabaseUrls, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Desk]:
    noted = stage.ticket(description="Outlook on PC-0231 shows no mail since noon. Mail me: ines@acme.example.")
    done = await stage.deliver_and_work(noted, subject="Outlook receives no mail")
    failed = []
    for _ in range(2):
        stage.fault("POST notes", "status", status=403, code=4002)
        ticket_id = stage.ticket()
        failed.append(await stage.deliver(ticket_id, subject="Outlook shows no new mail"))
        await stage.work()
    await stage.deliver_and_work(stage.ticket(), event="ticket_updated", updated_at="2026-11-25T10:00:00Z")
    await stage.deliver("X" * 64, event="ticket_updated", updated_at="2026-11-25T10:00:00Z")  # the longest id
    await stage.work()
    await _listen(valkey)
    slug = stage.tenant.slug
    others = [
        a_tenant(each, name=name, model={"monthly_token_budget": budget})
        for each, name, budget in (
            ("bluebird", "Bluebird Clinics", 8_000_000),
            ("northwind", "Northwind Logistics", None),
        )
    ]
    for tenant in others:
        write_tenant(tmp_path, tenant, webhook_secret="secret", api_key="key")
    await fill_history(urls.superuser, [stage.tenant, *others])
    trial = a_tenant("tailspin", name="Tailspin Toys", note={"mode": "shadow"})
    write_tenant(tmp_path, trial, webhook_secret="secret", api_key="key")
    await fill_shadow(stage.database, urls.superuser, trial)
    instance = an_instance("hub")
    write_instance(tmp_path, instance, webhook_secret="secret", api_key="key")
    account = an_account(instance, "contoso", {"id": "601", "name": "Contoso Ltd"}, name="Contoso")
    write_tenant(tmp_path, account)
    await keep_accounts(stage.database, {account.id: instance.id})
    strays = {Stray("tickets", "602 (Umbrella)"): 40, Stray("assets", "602 (Umbrella)"): 3, Stray("articles", ""): 1}
    await keep_strays(stage.database, instance.id, strays)
    common = common_variables(valkey, tmp_path) | {"FEEDBACK_KEY": FEEDBACK_KEY}
    told = common | {"DATABASE_URL": urls.worker, "CONSOLE_TOKEN": TOKEN}
    console = ForkedProcess("app", "console", variables=told, log=tmp_path / "console.log")
    api = ForkedProcess("app", "api", variables=common | {"DATABASE_URL": urls.intake}, log=tmp_path / "api.log")
    try:
        await console.ready(limit_s=90)
        await api.ready(limit_s=90)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE_MS * 3
            )
            pages = {
                "now": "/",
                "deliveries": "/deliveries",
                "failures": "/deliveries?status=failed",
                "no-failures": f"/deliveries?status=failed&tenant={trial.slug}",
                "replay": f"/deliveries/replay?tenant={slug}",
                "delivery": f"/deliveries/{slug}/{done}",
                "failed-delivery": f"/deliveries/{slug}/{failed[0]}",
                "tenants": "/tenants",
                "tenant": f"/tenants/{slug}",
                "shared": "/tenants/hub",
                "account": "/tenants/contoso",
                "shadow": "/tenants/tailspin/shadow",
                "quality": "/quality",
                "cost": "/cost",
                "acts": "/acts",
                # Beside the console: the note, where technicians read it.
                "note": f"{stage.portal.url}/WorkOrder.do?woMode=viewWO&woID={noted}",
                "asset": f"{stage.portal.url}/ViewWSDetails.do?wsId={stage.portal.add_asset(name='PC-0231').id}",
            }
            if SCREENSHOTS:
                pages |= {f"note-{case}": await _show_note(stage, case) for case in NOTES}
            yield Desk(browser, console.url, api.url, pages, stage, done, failed)
            await browser.close()
    finally:
        await keep_accounts(stage.database, {})
        console.kill()
        api.kill()


async def _show_note(stage: Stage, name: str) -> str:
    """The page of a ticket with the note of a case, as the offline model writes it."""
    [case] = [each for each in load_cases() if each.name == name]
    ticket = stage.portal.add_ticket(subject=case.ticket.subject, description=case.ticket.description)
    stage.portal.add_note(ticket.id, (await write(case, OfflineModel()))[1])
    return f"{stage.portal.url}/WorkOrder.do?woMode=viewWO&woID={ticket.id}"


@ACME
async def test_a_newcomer_finds_what_failed_and_why_and_acts(desk: Desk) -> None:
    page = await desk.open("light")
    await desk.sign_in(page)
    assert "Something needs you" in await page.inner_text("#state")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/deliveries?**")  # loaded: a key that is pressed before is nobody's
    assert "Our technician at the help desk may not do this" in await page.inner_text("table")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#why")
    assert "Give its role the right to read requests and to add notes" in await page.inner_text("main")
    # One is dismissed, the other replayed with the filtered set.
    await page.fill("input[name=because]", "a test ticket")
    await page.click("text=Dismiss")
    await page.wait_for_selector("text=Dismissed by an operator")
    await page.goto(f"{desk.url}/deliveries?status=failed")
    await page.click("a:has-text('Replay…')")
    await page.click("button:has-text('Replay 1')")
    await page.wait_for_selector("text=1 delivery replayed")
    await desk.stage.work()
    statuses = {(await desk.stage.delivery(job)).status for job in desk.failed}
    assert statuses == {Status.IGNORED, Status.DONE}
    # Its note is on the page, in a tree of its own.
    await page.goto(f"{desk.url}{desk.pages['delivery']}")
    await page.locator(".note").get_by_text("context for this ticket").wait_for()
    await page.goto(f"{desk.url}{desk.pages['tenant']}")
    await page.click("text=Check the connection")
    await page.wait_for_selector("text=The connection works")
    await page.fill("input[name=reason]", "they upgrade")
    await page.click("button:text-is('Pause')")
    await page.click("button:text-is('Resume')")
    await page.wait_for_selector("button:text-is('Pause')")
    await page.wait_for_load_state()
    await page.keyboard.press("a")
    await page.wait_for_selector("h1:text-is('Acts')")
    acts = await page.inner_text("table")
    assert all(act in acts for act in ("dismiss", "replay", "check connection", "pause", "resume"))
    # What changes is seen without reloading.
    await page.goto(desk.url)
    # What is left depends on the hour of the history that was made up.
    assert "Something needs you" not in await page.inner_text("#state")
    desk.stage.fault("POST notes", "status", status=403, code=4002)
    await desk.stage.deliver(desk.stage.ticket())
    await desk.stage.work()
    await page.wait_for_selector("text=1 delivery of")
    await _see_what_is_old(desk, page)
    await page.click("text=1 delivery of")
    await _act_on_the_rest(desk, page)
    await page.click("text=Sign out")
    await page.wait_for_selector("#token")
    assert desk.complaints == []


async def _see_what_is_old(desk: Desk, page: Page) -> None:
    """What is shown of the past is told to be so, until it is of now again."""
    assert desk.complaints == []
    await page.route("**/live", lambda route: route.fulfill(status=503))
    await page.wait_for_selector("#stale")
    await page.unroute("**/live")
    await page.wait_for_selector("#stale", state="hidden")
    desk.complaints.clear()


async def _act_on_the_rest(desk: Desk, page: Page) -> None:
    """The acts that are left, on a delivery that failed: one is replayed, all chosen are dismissed, all is paused."""
    await page.click("a.row:has-text('10')")
    await page.click("button:text-is('Replay')")
    await page.wait_for_selector("text=It waits for a worker")
    desk.stage.fault("POST notes", "status", status=403, code=4002)
    await desk.stage.work()
    await page.goto(f"{desk.url}/deliveries?status=failed")
    await page.click("a:has-text('Dismiss…')")
    await page.fill("#because", "a test ticket")
    await page.click("button:has-text('Dismiss 1')")
    await page.wait_for_selector("text=1 delivery dismissed")
    await page.goto(f"{desk.url}/tenants")
    await page.click("summary:has-text('Pause all tenants')")
    await page.fill("input[name=reason]", "the model's account moves")
    await page.click("button:text-is('Pause all tenants')")
    await page.click("button:text-is('Resume all')")
    await page.wait_for_selector("summary:has-text('Pause all tenants')")
    await page.goto(f"{desk.url}/cost")
    async with page.expect_download() as saved:
        await page.click("a:text-is('CSV')")
    assert (await saved.value).suggested_filename.endswith(".csv")


@ACME
async def test_every_page_is_accessible_in_every_look(desk: Desk, tmp_path: Path) -> None:
    if not SCREENSHOTS:
        await _add_odd_ones(desk, tmp_path)
    token = make_token(desk.stage.tenant.id, desk.done, key=FEEDBACK_KEY.encode())
    link = f"{desk.api_url}/feedback/{token}"
    for look in LOOKS:
        page = await desk.open(look)
        await _look(desk, page, "sign-in", look)
        await desk.sign_in(page)
        if look == "light":
            await _vote(page, link)
        for name, path in {**desk.pages, "vote": link}.items():
            await page.goto(path if path.startswith("http") else f"{desk.url}{path}")
            await _look(desk, page, name, look)
        await page.context.close()


async def _add_odd_ones(desk: Desk, folder: Path) -> None:
    """A file that is bad, a name and a subject without a blank: no page is wider for them."""
    odd = a_tenant("odd", name="N" * 200)
    write_tenant(folder, odd, webhook_secret="secret", api_key="key")
    job_id = await desk.stage.deliver("1", tenant_id=odd.id, subject="W" * 1_000)
    (folder / "files" / "broken.yaml").write_text("slug: [", "utf-8")
    desk.pages |= {"odd": "/tenants/odd", "odd-delivery": f"/deliveries/odd/{job_id}"}
    page = await desk.open("light")
    await desk.sign_in(page)
    await page.get_by_text("The file of broken can't be used").wait_for()
    await page.context.close()


async def _look(desk: Desk, page: Page, name: str, look: str) -> None:
    """The page as it is open: keep its picture where they are wanted, and check it."""
    if SCREENSHOTS:
        await page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{look}.png", full_page=True)
    size = LOOKS[look]["viewport"]
    # 320: what is left of 1,280 where somebody reads at 400 %.
    is_narrow = look == "phone" and page.url.startswith(desk.url)
    for width in (320, size["width"]) if is_narrow else (size["width"],):
        await page.set_viewport_size({"width": width, "height": size["height"]})
        found = await page.evaluate("document.documentElement.scrollWidth")
        assert found <= width, f"{name} is {found} pixels wide, {look}"
        assert await page.evaluate(BROKEN_WORDS) == [], f"{name}, {width} pixels wide"
    assert desk.complaints == [], name
    await _check(page, name, look)
    desk.complaints.clear()  # axe tries styles that the policy refuses


async def _vote(page: Page, link: str) -> None:
    """Opening the link votes for nobody; its button does, and may be used again."""
    for button, thanks in (("It did not", "Thank you"), ("It helped", "Thank you")):
        await page.goto(link)
        await page.fill("textarea", "The second step solved it.")
        await page.click(f"button:has-text('{button}')")
        await page.wait_for_selector(f"h1:text-is('{thanks}')")


async def _check(page: Page, name: str, look: str) -> None:
    # By the debugger: the page's own policy lets no foreign script in.
    await page.evaluate(f"(() => {{ {AXE.read_text('utf-8')}\n }})()")
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        f"{each['id']}: {[node['html'][:120] + ' ' + str(node['any'][:1])[:200] for node in each['nodes'][:3]]}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]
    assert not serious, f"{name}, {look}: {serious}"
