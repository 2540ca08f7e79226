"""The adapter against the simulated ServiceDesk Plus, over HTTP, both editions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.access_token import AccessToken, OAuthClient
from app.core.help_desk import Edition
from app.core.ticket import Fate
from app.errors import AddressForbidden, AppError, Code, HelpDeskRefused, HelpDeskUnavailable, TicketNotFound
from app.integrations.servicedesk import ApiKey, ServiceDesk, open_servicedesk
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import HeldTicket, Portal
from app.simulator.tokens import Tokens
from tests.builders import a_tenant

SECRET = "secret-7f3a"


@dataclass
class EveryTurn:
    """A limiter that lets each call go and remembers what it was told."""

    waits: list[timedelta] = field(default_factory=list)

    async def acquire(self) -> None:
        return

    async def back_off(self, wait: timedelta) -> None:
        self.waits.append(wait)


class OneToken:
    """A cache of one process."""

    def __init__(self) -> None:
        self.refreshes = 0
        self._token: str | None = None
        self._is_young = False

    async def access_token(self, refresh: Callable[[], Awaitable[AccessToken]], *, rejected: str | None = None) -> str:
        is_rejected = self._token == rejected and not self._is_young
        if self._token is None or is_rejected:
            self.refreshes += 1
            self._token, self._is_young = (await refresh()).value, True
        return self._token

    def spoil(self) -> None:
        self._token, self._is_young = "expired", False

    def age(self) -> None:
        self._is_young = False


@dataclass
class Desk:
    portal: Portal
    adapter: ServiceDesk
    limiter: EveryTurn
    tokens: OneToken

    def fault(self, match: str, kind: str, **values: Any) -> None:
        self.portal.faults.add(Fault.model_validate({"match": match, "kind": kind, **values}))


@asynccontextmanager
async def open_desk(edition: Edition, *, call_limit: timedelta) -> AsyncIterator[Desk]:
    is_cloud = edition is Edition.CLOUD
    simulator = HelpDeskSimulator()
    await simulator.start()
    portal = simulator.add_portal(
        Portal(
            slug="acme",
            edition=edition,
            client_id="id",
            client_secret=SECRET,
            refresh_token=SECRET,
            api_key=SECRET,
        )
    )
    options: dict[str, Any] = {"edition": edition, "url": portal.url}
    if is_cloud:
        options["accounts_url"] = portal.accounts_url
    tenant = a_tenant("acme", servicedesk=options)
    limiter, tokens = EveryTurn(), OneToken()
    credentials = OAuthClient("id", SECRET, SECRET) if is_cloud else ApiKey(SECRET)
    async with AsyncExitStack() as stack:
        adapter = await stack.enter_async_context(
            open_servicedesk(tenant, credentials, limiter=limiter, tokens=tokens, timeout=call_limit)
        )
        yield Desk(portal, adapter, limiter, tokens)
    await simulator.stop()


@pytest.fixture(params=[Edition.ON_PREMISES, Edition.CLOUD])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with open_desk(request.param, call_limit=timedelta(seconds=1)) as opened:
        yield opened


@pytest.fixture
async def cloud() -> AsyncIterator[Desk]:
    async with open_desk(Edition.CLOUD, call_limit=timedelta(seconds=1)) as opened:
        yield opened


@pytest.fixture(params=[Edition.ON_PREMISES, Edition.CLOUD])
async def patient_desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """For answers of many megabytes, which take a busy machine a while."""
    async with open_desk(request.param, call_limit=timedelta(seconds=30)) as opened:
        yield opened


async def test_a_ticket_is_read_as_plain_text(desk: Desk) -> None:
    held = desk.portal.add_ticket(
        subject="Mail",
        description="<p>one</p><script>x</script><p>two</p>",
        requester={"name": "Jane", "email": "j@a.example"},
    )
    ticket = await desk.adapter.load_ticket(held.id)
    assert (ticket.id, ticket.subject, ticket.description) == (held.id, "Mail", "one\ntwo")
    assert ticket.updated_at is not None
    assert ticket.updated_at.tzinfo is not None


async def test_the_words_below_a_large_picture_are_read(patient_desk: Desk) -> None:
    picture = f'<img src="data:image/png;base64,{"A" * 600_000}">'
    html = f"<div>{picture}<br>My VPN client stops with error 809.</div>"
    tickets = [patient_desk.portal.add_ticket(subject=f"s{n}", description=html) for n in range(15)]
    assert (await patient_desk.adapter.load_ticket(tickets[0].id)).description == "My VPN client stops with error 809."
    # Together they are larger than an answer may be.
    listed = [ticket async for ticket in patient_desk.adapter.list_tickets(updated_since=None)]
    assert [ticket.description for ticket in listed] == ["My VPN client stops with error 809."] * 15
    patient_desk.portal.add_article(title="VPN", text=html)
    [article] = [article async for article in patient_desk.adapter.list_articles(updated_since=None)]
    assert article.text == "My VPN client stops with error 809."


async def test_notes_with_large_pictures_are_searched_for_ours(patient_desk: Desk) -> None:
    patient_desk.portal.max_note_chars = 1_000_000
    held = patient_desk.portal.add_ticket(subject="Mail")
    for n in range(15):  # together they are larger than an answer may be
        patient_desk.portal.add_note(held.id, f'<img src="data:image/png;base64,{"A" * 600_000}">note {n}')
    assert len(await patient_desk.adapter.find_notes(held.id, containing="note 14")) == 1


async def test_more_than_a_page_of_tickets_is_listed_oldest_update_first(desk: Desk) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(230):
        at = start + timedelta(minutes=n)
        desk.portal.add_ticket(subject=f"s{n}", created=at, updated=at)
    listed = [ticket.subject async for ticket in desk.adapter.list_tickets(updated_since=None)]
    assert listed == [f"s{n}" for n in range(230)]
    since = start + timedelta(minutes=200)
    assert {t.subject async for t in desk.adapter.list_tickets(updated_since=since)} >= {
        f"s{n}" for n in range(201, 230)
    }


async def test_only_approved_articles_and_all_assets_are_listed(desk: Desk) -> None:
    desk.portal.add_article(title="Good", text="<b>x</b>")
    desk.portal.add_article(title="Draft", approved=False)
    desk.portal.add_asset(name="PC-1", hostname="pc-1", ip=["10.0.0.1", "fd00::1"])
    assert [a.title async for a in desk.adapter.list_articles(updated_since=None)] == ["Good"]
    [asset] = [a async for a in desk.adapter.list_assets(updated_since=None)]
    assert {str(address) for address in asset.addresses} == {"10.0.0.1", "fd00::1"}


async def test_a_note_is_posted_found_and_deleted(desk: Desk) -> None:
    ticket_id = desk.portal.add_ticket(subject="Mail").id
    notes_before: list[int] = []

    async def begin() -> None:
        notes_before.append(len(desk.portal.notes(ticket_id)))

    note_id = await desk.adapter.post_note(ticket_id, "<p>ref 1234</p>", begin=begin)
    assert notes_before == [0]
    [note] = desk.portal.notes(ticket_id)
    assert (note.id, note.html, note.show_to_requester) == (note_id, "<p>ref 1234</p>", False)
    assert [found.id for found in await desk.adapter.find_notes(ticket_id, containing="ref 1234")] == [note_id]
    assert await desk.adapter.find_notes(ticket_id, containing="ref 9") == []
    await desk.adapter.delete_note(ticket_id, note_id)
    await desk.adapter.delete_note(ticket_id, note_id)
    assert desk.portal.notes(ticket_id) == []


@pytest.mark.parametrize("ticket_id", ["404404", "../admin", "a/b", "1?x=1", "%2e%2e"])
async def test_a_ticket_that_cannot_be_is_not_found(desk: Desk, ticket_id: str) -> None:
    with pytest.raises(TicketNotFound):
        await desk.adapter.load_ticket(ticket_id)
    assert not any("admin" in call for call in desk.portal.calls)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after": "7"},
        {"kind": "status", "status": 200, "body": "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"},
        {"kind": "status", "status": 400, "body": "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"},
        {"kind": "status", "status": 400, "code": 4015},
        {"kind": "status", "status": 200, "code": 4004},
        {"kind": "status", "status": 400, "code": 4004},
        {"kind": "status", "status": 403, "code": 4004},
        {"kind": "status", "status": 404, "code": 4004},
        {"kind": "status", "status": 400, "code": 4099},
        {"kind": "status", "status": 200, "code": 5001},
        {"kind": "status", "status": 404, "body": "<html><body>Starting…</body></html>"},
        {"kind": "status", "status": 404, "body": ""},
        {"kind": "status", "status": 404, "body": '{"message": "no Route matched with those values"}'},
        {"kind": "status", "status": 200, "code": 4000},
        {"kind": "status", "status": 400, "code": 4000},
        {"kind": "status", "status": 200, "body": '{"response_status": {"status": "FAILED"}}'},
        {"kind": "status", "status": 400, "body": '{"response_status": {"messages": {"status_code": "4004"}}}'},
        {"kind": "status", "status": 400, "body": '{"response_status": [{"messages": [{"status_code": 4004.0}]}]}'},
        {"kind": "garbage"},
        {"kind": "reset", "times": 2},
        {"kind": "silence"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_what_may_pass_is_unavailable_and_throttling_is_told_to_the_limiter(
    desk: Desk, fault: dict[str, Any]
) -> None:
    ticket_id = desk.portal.add_ticket(subject="confidential words").id
    desk.fault("GET requests", **fault)
    with pytest.raises(HelpDeskUnavailable) as caught:
        await desk.adapter.load_ticket(ticket_id)
    assert_tells_nothing(caught.value)
    is_throttled = "429" in str(fault) or "THROTTLES" in str(fault) or "4015" in str(fault)
    assert bool(desk.limiter.waits) is is_throttled
    if fault.get("retry_after"):
        assert caught.value.retry_after is not None
        assert caught.value.retry_after >= timedelta(seconds=7)


async def test_a_connection_that_breaks_once_is_made_again_for_what_is_read(desk: Desk) -> None:
    ticket_id = desk.portal.add_ticket(subject="confidential words").id
    desk.fault("GET requests", "reset")
    assert (await desk.adapter.load_ticket(ticket_id)).id == ticket_id


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403},
        {"status": 403, "code": 4099},
        {"status": 400, "code": 4012},
        {"status": 200, "code": 4012},
        {"status": 200, "code": 4014},
        {"status": 400, "code": 4009},
        {"status": 400, "code": 4021},
        {"status": 200, "code": 7001},
        {"status": 400, "body": '{"response_status": {"messages": [{"status_code": 4008}, {"status_code": 4099}]}}'},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_what_will_not_pass_is_refused(desk: Desk, fault: dict[str, Any]) -> None:
    desk.fault("GET requests", "status", **fault)
    with pytest.raises(HelpDeskRefused) as caught:
        await desk.adapter.load_ticket("1")
    assert not isinstance(caught.value, TicketNotFound)
    assert_tells_nothing(caught.value)


async def test_a_redirect_is_not_followed(desk: Desk) -> None:
    desk.fault("GET requests", "status", status=302, location="https://evil.example/")
    with pytest.raises(AppError) as caught:
        await desk.adapter.load_ticket("1")
    assert_tells_nothing(caught.value)


async def test_an_expired_token_is_renewed_once(desk: Desk) -> None:
    ticket_id = desk.portal.add_ticket(subject="Mail").id
    await desk.adapter.load_ticket(ticket_id)
    desk.tokens.spoil()
    await desk.adapter.load_ticket(ticket_id)
    assert desk.tokens.refreshes == (2 if desk.portal.edition is Edition.CLOUD else 0)


async def test_a_missing_scope_costs_no_token_and_is_named(cloud: Desk) -> None:
    cloud.portal.scopes = frozenset({"requests"})
    ticket_id = cloud.portal.add_ticket(subject="Mail").id
    await cloud.adapter.load_ticket(ticket_id)
    cloud.tokens.age()  # the cache would give another token
    for _ in range(3):
        with pytest.raises(HelpDeskRefused) as caught:
            [article async for article in cloud.adapter.list_articles(updated_since=None)]
        with pytest.raises(HelpDeskRefused):
            [asset async for asset in cloud.adapter.list_assets(updated_since=None)]
    assert cloud.tokens.refreshes == 1
    assert caught.value.code is Code.HELP_DESK_SCOPE_MISSING
    assert "SDPOnDemand.solutions.READ" in caught.value.detail
    assert "acme/oauth_refresh_token" in caught.value.detail
    assert_tells_nothing(caught.value)


async def test_a_scope_that_reads_but_does_not_write_costs_no_token(cloud: Desk) -> None:
    cloud.portal.scopes = frozenset({"requests"})
    ticket_id = cloud.portal.add_ticket(subject="Mail").id
    await cloud.adapter.load_ticket(ticket_id)
    cloud.tokens.age()
    cloud.fault("POST notes", "status", status=401)

    async def begin() -> None:
        return

    with pytest.raises(HelpDeskRefused) as caught:
        await cloud.adapter.post_note(ticket_id, "<p>x</p>", begin=begin)
    assert "SDPOnDemand.requests.ALL" in caught.value.detail
    assert cloud.tokens.refreshes == 1


async def test_a_token_that_was_fetched_a_moment_ago_is_not_replaced(cloud: Desk) -> None:
    cloud.portal.scopes = frozenset()  # no scope at all
    for _ in range(3):
        with pytest.raises(HelpDeskRefused) as caught:
            await cloud.adapter.load_ticket("1")
    assert cloud.tokens.refreshes == 1
    assert caught.value.code is Code.HELP_DESK_SCOPE_MISSING


async def test_a_token_that_worked_and_was_revoked_since_is_renewed(cloud: Desk) -> None:
    cloud.portal.scopes = frozenset({"requests", "solutions"})
    await cloud.adapter.load_ticket(cloud.portal.add_ticket(subject="Mail").id)
    cloud.tokens.age()
    cloud.portal.tokens = Tokens()  # none that was given is good any more
    assert [article async for article in cloud.adapter.list_articles(updated_since=None)] == []
    assert cloud.tokens.refreshes == 2


async def test_a_ticket_is_found_by_its_display_id(cloud: Desk) -> None:
    cloud.portal.scopes = frozenset({"requests"})
    for _ in range(3):
        cloud.portal.add_ticket(subject="Other")
    held = cloud.portal.add_ticket(subject="Mail")
    assert held.display_id != held.id
    ticket = await cloud.adapter.load_ticket(held.display_id)
    assert (ticket.id, ticket.subject) == (held.id, "Mail")


async def test_a_build_that_ignores_the_search_gives_no_other_ticket(desk: Desk) -> None:
    other = desk.portal.add_ticket(subject="Other")
    listing = {"response_status": [{"status_code": 2000}], "requests": [{"id": other.id, "subject": "Other"}]}
    desk.fault("GET requests/77", "status", status=404)
    desk.fault("GET requests", "status", status=200, body=json.dumps(listing))
    with pytest.raises(TicketNotFound):
        await desk.adapter.load_ticket("77")


async def test_a_ticket_in_the_trash_is_listed_as_such(cloud: Desk) -> None:
    held = cloud.portal.add_ticket(subject="Spam")
    cloud.portal.update_ticket(held.id, trashed=True)
    assert (await cloud.adapter.load_ticket(held.id)).fate is Fate.TRASHED
    [listed] = [ticket async for ticket in cloud.adapter.list_tickets(updated_since=None)]
    assert listed.fate is Fate.TRASHED


async def test_a_build_that_refuses_to_choose_fields_by_a_code_of_its_own_is_read_all_the_same(desk: Desk) -> None:
    desk.portal.add_ticket(subject="Mail")
    desk.fault("GET requests", "status", status=400, code=4098)
    assert [t.subject async for t in desk.adapter.list_tickets(updated_since=None)] == ["Mail"]


async def test_a_wrong_key_names_the_secret_to_check(desk: Desk) -> None:
    desk.portal.api_key = desk.portal.refresh_token = "another"
    desk.tokens.spoil()
    with pytest.raises(HelpDeskRefused) as caught:
        await desk.adapter.load_ticket(desk.portal.add_ticket(subject="Mail").id)
    assert "acme" in caught.value.detail
    assert_tells_nothing(caught.value)


def assert_tells_nothing(error: AppError) -> None:
    assert SECRET not in error.detail
    assert "confidential" not in error.detail
    assert "evil" not in error.detail


async def test_a_private_address_is_refused_unless_the_file_allows_it() -> None:
    tenant = a_tenant("acme", servicedesk={"url": "https://127.0.0.1:9", "allow_private_address": False})
    async with open_servicedesk(tenant, ApiKey("k"), limiter=EveryTurn(), tokens=OneToken()) as adapter:
        with pytest.raises(AddressForbidden):
            await adapter.load_ticket("1")


async def test_a_name_that_is_rebound_to_a_private_address_is_refused() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def resolve(_host: str, _port: int) -> list[str]:
        return next(answers)

    tenant = a_tenant("acme", servicedesk={"url": "https://sdp.acme.example", "allow_private_address": False})
    async with open_servicedesk(
        tenant, ApiKey("k"), limiter=EveryTurn(), tokens=OneToken(), resolve=resolve
    ) as adapter:
        for _ in range(2):
            with pytest.raises(AddressForbidden):
                await adapter.load_ticket("1")


@pytest.mark.parametrize(
    ("options", "page"),
    [
        ({}, "https://sdp.acme.example/ViewWSDetails.do?wsId=8%2F1"),
        (
            {"asset_page": "/AssetDetails.cc?assetId={id}&tab=1"},
            "https://sdp.acme.example/AssetDetails.cc?assetId=8%2F1&tab=1",
        ),
        ({"asset_page": ""}, ""),
    ],
    ids=["usual", "named", "none"],
)
async def test_an_assets_page_is_where_the_file_says(options: dict[str, str], page: str) -> None:
    tenant = a_tenant("acme", servicedesk={"url": "https://sdp.acme.example", **options})
    async with open_servicedesk(tenant, ApiKey("k"), limiter=EveryTurn(), tokens=OneToken()) as adapter:
        assert adapter.asset_url("8/1") == page


@pytest.mark.parametrize(
    "page", ["ViewWSDetails.do?wsId={id}", "/assets", "/a b/{id}", "/x{id}\n", "https://evil.example/{id}"]
)
def test_an_assets_page_that_cannot_be_is_refused(page: str) -> None:
    with pytest.raises(ValidationError):
        a_tenant("acme", servicedesk={"asset_page": page})


def resolved_without_a_word(desk: Desk, *, days_ago: int = 1) -> HeldTicket:
    resolved = datetime.now(UTC) - timedelta(days=days_ago)
    return desk.portal.add_ticket(subject="Mail", status="Resolved", created=resolved, resolved=resolved)


async def resolutions(desk: Desk) -> list[str]:
    listed = [ticket.resolution async for ticket in desk.adapter.list_tickets(updated_since=None)]
    loaded = [(await desk.adapter.load_ticket(id_)).resolution for id_ in desk.portal.tickets]
    assert listed == loaded  # else the sync and the worker would write it in turns
    return listed


async def test_a_ticket_without_a_resolution_has_what_its_work_logs_say(desk: Desk) -> None:
    held = resolved_without_a_word(desk)
    held.work_logs = ["<p>Looked at the queue.</p>", "", "Restarted the <b>transport</b> service."]
    assert await resolutions(desk) == ["Looked at the queue.\nRestarted the transport service."]


async def test_a_resolution_comes_before_work_logs(desk: Desk) -> None:
    held = resolved_without_a_word(desk)
    held.resolution, held.work_logs = "Mounted the store.", ["20 minutes"]
    assert await resolutions(desk) == ["Mounted the store."]


async def test_what_was_written_while_closing_is_read_without_a_further_call(desk: Desk) -> None:
    held = resolved_without_a_word(desk, days_ago=400)
    held.resolution, held.closing_comment, held.technician = "Done.", "Reset the password", "Ada"
    assert await resolutions(desk) == ["Reset the password"]
    assert not [call for call in desk.portal.calls if call.endswith("/worklogs")]


async def test_of_old_and_open_tickets_no_work_log_is_read(desk: Desk) -> None:
    resolved_without_a_word(desk, days_ago=400).work_logs = ["Done."]
    desk.portal.add_ticket(subject="Open").work_logs = ["Looked at it."]
    assert set(await resolutions(desk)) == {""}
    assert not [call for call in desk.portal.calls if call.endswith("/worklogs")]


@pytest.mark.parametrize(("status", "code"), [(403, 4002), (404, 4007), (400, 4001)])
async def test_a_build_that_refuses_work_logs_is_asked_for_them_once(desk: Desk, status: int, code: int) -> None:
    for _ in range(3):
        resolved_without_a_word(desk).work_logs = ["Done."]
    desk.fault("GET worklogs", "status", status=status, code=code, times=99)
    assert await resolutions(desk) == ["", "", ""]
    assert len([call for call in desk.portal.calls if call.endswith("/worklogs")]) == 1


async def test_what_a_ticket_is_linked_to_is_listed_and_read(desk: Desk) -> None:
    first = desk.portal.add_ticket(subject="Mail")
    desk.portal.add_ticket(subject="Mail again").linked_to = first.id
    listed = [ticket.linked_to async for ticket in desk.adapter.list_tickets(updated_since=None)]
    assert listed == [(), (first.id,)]
