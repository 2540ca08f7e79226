"""The first look at a help desk: the simulator's editions, what may be missing there, and servers that nobody knows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from app.core.access_token import OAuthClient
from app.core.accounts import Accounts
from app.core.help_desk import Edition
from app.core.tenant import Tenant
from app.integrations.servicedesk import ApiKey, Finding, State, inspect
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from tests.builders import a_tenant, an_account, an_instance, write_instance, write_tenant
from tests.integration.test_cli import call_here
from tests.loopback import served

NAMES = {"601": "Acme Corp", "602": "Globex", "603": "Initech"}
KEPT_BACK = ("Hidden subject", "Hidden text", "Jane", "jane@", "Globex", "Initech", "Hidden title", "PC-HIDDEN", "603")
CLIENT = {"client_id": "id", "client_secret": "cs", "refresh_token": "rt"}


def fill(portal: Portal, accounts: tuple[str, ...] = ("601", "602", "603", "601")) -> None:
    for account in accounts:
        person = {"name": "Jane Doe", "email": "jane@client.example"}
        changes = {"priority": "High", "category": "Mail", "requester": person, "account": account}
        portal.add_ticket(subject="Hidden subject", description="Hidden text", **changes)  # type: ignore[arg-type]
        portal.add_article(title="Hidden title", text="Hidden text", accounts=[account] if account else [])
        portal.add_asset(name="PC-HIDDEN", ip="192.0.2.7", account=account)


def a_portal(help_desk: HelpDeskSimulator, edition: Edition, **changes: Any) -> Portal:
    secrets: dict[str, Any] = CLIENT if edition.is_cloud else {"api_key": "key"}
    accounts = dict(NAMES) if edition.is_msp else {}
    return help_desk.add_portal(Portal(slug="desk", edition=edition, accounts=accounts, **secrets, **changes))


def sharing(portal: Portal) -> tuple[Tenant, Accounts[str]]:
    """The instance at *portal*, with the accounts 601 and 602 as clients."""
    options: dict[str, Any] = {"accounts_url": portal.accounts_url} if portal.edition.is_cloud else {}
    instance = an_instance(edition=portal.edition, url=portal.url, **options)
    clients = [
        (account, tenant.slug)
        for tenant in (an_account(instance, "acme", {"id": "601"}), an_account(instance, "globex", {"id": "602"}))
        if (account := tenant.servicedesk.account) is not None
    ]
    return instance.as_tenant(), Accounts(clients)


def own(portal: Portal) -> Tenant:
    options = {"accounts_url": portal.accounts_url} if portal.edition.is_cloud else {}
    return a_tenant(servicedesk={"edition": portal.edition, "url": portal.url, **options})


async def look(tenant: Tenant, **values: Any) -> dict[str, Finding]:
    is_cloud = tenant.servicedesk.edition.is_cloud
    findings = await inspect(tenant, OAuthClient("id", "cs", "rt") if is_cloud else ApiKey("key"), **values)
    told = "\n".join("\n".join((each.part, each.detail, *each.lines)) for each in findings)
    assert [word for word in KEPT_BACK if word in told] == []
    return {each.part: each for each in findings}


def failed(findings: dict[str, Finding]) -> set[str]:
    return {part for part, each in findings.items() if each.state is State.FAILED}


@pytest.mark.parametrize("edition", [Edition.MSP_ON_PREMISES, Edition.MSP_CLOUD])
async def test_of_a_shared_help_desk_it_tells_whose_the_rows_are(
    help_desk: HelpDeskSimulator, edition: Edition
) -> None:
    portal = a_portal(help_desk, edition)
    fill(portal)
    tenant, clients = sharing(portal)

    findings = await look(tenant, clients=clients)

    assert failed(findings) == set()
    for what in ("tickets", "articles", "assets"):
        told = findings[f"accounts of {what}"].detail
        assert told == "rows of acme 2, globex 1, accounts that no tenant's file names (1) 1, without an account 0"
    field = "customer" if edition.is_cloud else "account"
    assert f"{field}: {{id: digits as text, name: text}} in 4 of 4 rows" in findings["accounts of tickets"].lines
    assert findings["one ticket"].detail == "read, each field that we use"
    assert not any(call.startswith(("POST", "PUT", "DELETE", "PATCH")) for call in portal.calls)
    assert len(portal.calls) <= 10


@pytest.mark.parametrize("edition", [Edition.ON_PREMISES, Edition.CLOUD])
async def test_of_an_own_help_desk_there_is_nothing_about_accounts(
    help_desk: HelpDeskSimulator, edition: Edition
) -> None:
    portal = a_portal(help_desk, edition)
    fill(portal)
    findings = await look(own(portal))
    assert failed(findings) == set()
    assert not any("accounts" in part for part in findings)


async def test_an_own_help_desk_whose_rows_name_accounts_is_told(help_desk: HelpDeskSimulator) -> None:
    """The edition in the file is the IT edition's, the help desk is the MSP's: all clients' rows would be one's."""
    portal = a_portal(help_desk, Edition.MSP_ON_PREMISES)
    fill(portal)
    findings = await look(a_tenant(servicedesk={"url": portal.url}))
    assert findings["accounts of one ticket"].state is State.NOTED
    assert "make it an instance" in findings["accounts of one ticket"].detail


async def test_a_field_of_another_name_is_found_by_its_name(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.MSP_CLOUD, account_key="client_org")
    fill(portal)
    tenant, clients = sharing(portal)

    findings = await look(tenant, clients=clients)

    assert {"accounts of tickets", "account of a ticket"} & failed(findings)
    lines = findings["account of a ticket"].lines
    assert "client_org: {id: digits as text, name: text} in 1 of 1 rows" in lines


async def test_an_account_under_another_id_is_found_by_its_name(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.MSP_ON_PREMISES)
    fill(portal)
    instance = an_instance(url=portal.url)
    tenant = an_account(instance, "acme", {"id": "7", "name": "acme  corp"})
    assert tenant.servicedesk.account is not None

    findings = await look(tenant, clients=Accounts([(tenant.servicedesk.account, "acme")]))

    assert findings["id of the account"].detail == (
        "rows of this account's name, or one like it, have the id 601, and don't fit its file: mend servicedesk.account"
        " there"
    )
    assert "name one with --ticket" in findings["one ticket"].detail


async def test_an_account_of_which_there_is_no_row_is_told(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.MSP_ON_PREMISES)
    fill(portal)
    instance = an_instance(edition=portal.edition, url=portal.url)
    tenant = an_account(instance, "umbrella", {"id": "777"})
    clients = Accounts([(account, tenant.slug)] if (account := tenant.servicedesk.account) else [])

    found = await look(tenant, clients=clients)

    assert found["the account"].state is State.NOTED
    assert "check servicedesk.account" in found["the account"].detail


async def test_the_secret_of_an_account_that_is_refused_is_named_by_its_instance(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.MSP_ON_PREMISES)
    instance = an_instance("main", edition=portal.edition, url=portal.url)
    (finding,) = await inspect(an_account(instance, "acme", {"id": "601"}), ApiKey("wrong"))
    assert "check main/api_key" in finding.detail


async def test_rows_that_name_several_accounts_are_told_apart_from_those_that_name_none() -> None:
    rows = [
        {"id": "1", "subject": "s", "description": "d", "account": [{"id": "601"}, {"id": "602"}]},
        {"id": "2", "subject": "s", "description": "d", "account": None},
        {"id": "3", "subject": "s", "description": "d", "account": {"id": "601"}},
    ]
    answer = {"requests": rows, "request": rows[0], "notes": [], "solutions": [], "asset_assets": []}
    async with serving(lambda _: web.json_response(answer)) as tenant:
        shared = an_account(an_instance(url=tenant.servicedesk.url), "acme", {"id": "601"})
        assert shared.servicedesk.account is not None
        findings = await look(shared, clients=Accounts([(shared.servicedesk.account, "acme")]))
    assert findings["accounts of tickets"].detail == (
        "rows of acme 1, naming several accounts or none that can be read 1, without an account 1"
    )
    assert "another ticket than the one" in findings["one ticket"].detail


async def test_missing_rights_are_told_by_their_part(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.ON_PREMISES)
    fill(portal)
    for match in ("GET solutions", "GET asset"):
        fault = {"match": match, "kind": "status", "status": 403, "code": 4002, "times": None}
        portal.faults.add(Fault.model_validate(fault))
    findings = await look(own(portal))
    assert failed(findings) == {"articles", "assets"}
    assert "check the role of the technician" in findings["articles"].detail


async def test_a_missing_scope_is_told_by_its_name(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.CLOUD, scopes=frozenset({"requests"}))
    fill(portal)
    findings = await look(own(portal))
    assert failed(findings) == {"articles", "assets"}
    assert "SDPOnDemand.solutions.READ" in findings["articles"].detail
    assert "SDPOnDemand.assets.READ" in findings["assets"].detail


async def test_a_wrong_key_ends_the_look_at_once(help_desk: HelpDeskSimulator) -> None:
    portal = a_portal(help_desk, Edition.ON_PREMISES)
    (finding,) = await inspect(own(portal), ApiKey("wrong"))
    assert finding.state is State.FAILED
    assert "acme/api_key" in finding.detail


async def test_an_empty_help_desk_fails_nothing(help_desk: HelpDeskSimulator) -> None:
    findings = await look(own(a_portal(help_desk, Edition.ON_PREMISES)))
    assert failed(findings) == set()
    assert "sees the tickets of no site" in findings["list of tickets"].detail


@asynccontextmanager
async def serving(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[Tenant]:
    """The tenant of a server that answers each call with *answer*."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    async with served(web.route("*", "/{path:.*}", handle)) as url:
        yield a_tenant(servicedesk={"url": url})


SECRET_LIKE = "Jane Doe, jane@client.example"
ODD: list[Any] = [
    None,
    7,
    "Jane",
    [],
    [[["Jane"]]],
    {},
    {"requests": None},
    {"requests": {"id": "1"}},
    {"requests": ["Jane", 7, None]},
    {"requests": [{"id": None}, {"id": {"value": "1"}}, {"id": "../../etc"}, {}]},
    {"requests": [{"id": "1", "account": [[[SECRET_LIKE]]], "subject": {"a": [1]}}], "request": [SECRET_LIKE]},
    {"requests": [{"id": "1", SECRET_LIKE: SECRET_LIKE}], "request": {"id": "1", SECRET_LIKE: {SECRET_LIKE: 1}}},
    {"requests": [{"id": "1", "last_updated_time": {"value": "9" * 30}}], "solutions": [{"id": "1", "title": 7}]},
    {
        "requests": [{"id": "1", "last_updated_time": {"value": "1764000000000"}}],
        "list_info": [],
        "assets": [{"id": True}],
    },
    {"response_status": {"status_code": 2000}, "Requests": [{"id": 1}]},
    {"response_status": [{"status": "failed", "messages": [{"status_code": 9999, "message": SECRET_LIKE}]}]},
    {"requests": [{"id": "1", "site": {"account": {"id": 1.5, "name": [SECRET_LIKE]}}} for _ in range(500)]},
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("is_shared", [False, True])
async def test_whatever_json_comes_each_part_is_told_and_no_value(odd: Any, is_shared: bool) -> None:
    async with serving(lambda _: web.json_response(odd)) as tenant:
        if is_shared:
            account = an_account(an_instance(url=tenant.servicedesk.url), "acme", {"id": "601", "name": "Acme"})
            assert account.servicedesk.account is not None
            findings = await look(account, clients=Accounts([(account.servicedesk.account, "acme")]))
        else:
            findings = await look(tenant)
    assert "list of tickets" in findings
    assert {"articles", "assets"} <= set(findings)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda: web.Response(text="<html>Sign in, Jane</html>", content_type="text/html"), "a web page or XML"),
        (lambda: web.Response(status=404, text="<html>Jane</html>", content_type="text/html"), "HTTP 404"),
        (lambda: web.Response(status=302, headers={"location": "https://jane.example"}), "HTTP 302"),
        (lambda: web.Response(status=500, text="Jane"), "HTTP 500, text/plain, 4 bytes"),
        (
            lambda: web.Response(status=200, body=b"\xff\x00", headers={"content-type": "jane@x"}),
            "no known content type",
        ),
        (lambda: web.Response(status=429), "HTTP 429"),
        (lambda: web.Response(text=json.dumps({"a": "x" * 9_000_000})), "larger than"),
        (lambda: web.Response(text="[" * 100_000), "not ServiceDesk Plus's JSON"),
    ],
    ids=["page", "page of 404", "redirect", "500", "bytes", "throttled", "huge", "deep"],
)
async def test_what_is_no_json_is_described_from_outside(answer: Callable[[], web.Response], says: str) -> None:
    async with serving(lambda _: answer()) as tenant:
        findings = await look(tenant)
    finding = findings["list of tickets"]
    assert finding.state is State.FAILED
    assert says in "\n".join((finding.detail, *finding.lines))


async def test_a_server_that_takes_no_choice_of_fields_and_no_search_is_told() -> None:
    def answer(request: web.Request) -> web.Response:
        info = json.loads(request.query.get("input_data", "{}")).get("list_info", {})
        if "fields_required" in info:
            return web.json_response(
                {"response_status": {"status": "failed", "messages": [{"status_code": 4001}]}}, status=400
            )
        rows = [
            {
                "id": str(number),
                "subject": "Hidden subject",
                "description": "Hidden text",
                "last_updated_time": {"value": time},
            }
            for number, time in enumerate(("1763000000000", "1764000000000"), 1)
        ]
        if request.path.endswith("/requests"):
            return web.json_response({"requests": rows, "list_info": {"has_more_rows": True}})
        return web.json_response({"request": rows[0], "notes": [], "solutions": [], "asset_assets": []})

    async with serving(answer) as tenant:
        findings = await look(tenant)
    assert failed(findings) == set()
    assert findings["choice of fields"].state is State.NOTED
    assert "more follow" in findings["list of tickets"].detail
    assert "the search is ignored" in findings["tickets since a time"].detail


async def test_the_command_prints_it_and_its_status_tells(help_desk: HelpDeskSimulator, tmp_path: Path) -> None:
    portal = a_portal(help_desk, Edition.MSP_ON_PREMISES)
    fill(portal, ("601", "603"))
    instance = an_instance(url=portal.url)
    write_instance(tmp_path, instance, api_key="key")
    write_tenant(tmp_path, an_account(instance, "acme", {"id": "601"}))
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}

    for command in (("tenants", "try", "acme"), ("instances", "try", "main")):
        shown = await call_here(*command, **folders)
        assert (shown.returncode, shown.stderr) == (0, ""), shown.stdout
        assert "rows of acme 1, accounts that no tenant's file names (1) 1, without an account 0" in shown.stdout
        assert shown.stdout.endswith("nothing is missing\n")
        assert [word for word in KEPT_BACK if word in shown.stdout] == []
    write_tenant(tmp_path, an_account(instance, "new", {"id": "777"}))
    shown = await call_here("tenants", "try", "new", **folders)
    assert (shown.returncode, "no row on the first page is of this tenant's" in shown.stdout) == (0, True)
    assert shown.stdout.endswith("nothing is missing; read what is marked note (2)\n")
    ticket = next(iter(portal.tickets))
    shown = await call_here("tenants", "try", "acme", "--ticket", ticket, **folders)
    assert shown.returncode == 0
    shown = await call_here("tenants", "try", "acme", "--ticket", "no id", **folders)
    assert (shown.returncode, "need mending" in shown.stdout) == (1, True)

    write_instance(tmp_path, instance, api_key="wrong")
    shown = await call_here("tenants", "try", "acme", **folders)
    assert (shown.returncode, "main/api_key" in shown.stdout or "acme/api_key" in shown.stdout) == (1, True)
