from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.delivery import NEXT, Event, Status, check_wanted, claimed_tenant, compute_job_id, parse_webhook
from app.core.help_desk import AccountRef
from app.errors import Code, MalformedDelivery, NotNeeded
from tests.builders import a_body

TENANT = UUID("0b9d5c3e-0000-4000-8000-000000000001")


def job(body: bytes, *, tenant: UUID = TENANT, signed_id: str | None = None) -> UUID:
    return compute_job_id(tenant, parse_webhook(body), signed_id=signed_id)


def test_the_shortest_body_is_complete() -> None:
    webhook = parse_webhook(b'{"event": "ticket_created", "ticket_id": 100234}')
    assert webhook.ticket_id == "100234"
    assert webhook.ticket is None


def test_a_body_with_words_is_a_ticket_in_plain_text() -> None:
    body = a_body(subject="<b>Mail</b>", description="one<br>two<script>x</script>", requester={"name": "Jane"})
    ticket = parse_webhook(body).ticket
    assert ticket is not None
    assert (ticket.subject, ticket.description, ticket.requester) == ("Mail", "one\ntwo", "Jane")


def test_hints_of_unexpected_shape_refuse_nothing() -> None:
    body = a_body(subject=None, description=["x"], requester=True, priority=3, updated_at={"value": "1700000000000"})
    webhook = parse_webhook(body)
    assert (webhook.subject, webhook.description, webhook.requester) == ("", "", "")
    assert webhook.priority == "3"
    assert webhook.updated_at == "1700000000000"


@pytest.mark.parametrize("event", ["TICKET_CREATED", " Ticket_Created ", "ticket_created\n"])
def test_an_event_is_known_in_capitals_and_with_blanks_beside_it(event: str) -> None:
    assert job(a_body(event=event)) == job(a_body(event="ticket_created"))


@pytest.mark.parametrize("ticket_id", ["#100", "##100##", " 100\n", "\u00a0100\u200b", 100.0])
def test_an_id_is_known_as_people_write_it(ticket_id: object) -> None:
    assert parse_webhook(a_body(ticket_id=ticket_id)).ticket_id == "100"


@pytest.mark.parametrize("tenant_id", ["", "$TenantId", "${tenant}", None])
def test_a_tenant_that_was_not_filled_in_is_none(tenant_id: object) -> None:
    assert parse_webhook(a_body(tenant_id=tenant_id)).tenant_id is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ticket_id": "$RequestId"}, "ticket_id: holds a variable that the help desk did not fill in"),
        ({"ticket_id": "${request.id}"}, "ticket_id: holds a variable that the help desk did not fill in"),
        ({"ticket_id": "$$REQUEST_ID$$"}, "ticket_id: holds a variable that the help desk did not fill in"),
        ({"ticket_id": "%WorkOrderID%"}, "ticket_id: holds a variable that the help desk did not fill in"),
        ({"tenant_id": "acme"}, "tenant_id: must be the tenant's id as in its file, a UUID"),
        ({"ticket_id": "100 - VPN"}, "ticket_id: must be 1 to 64 letters"),
        ({"ticket_id": 9.007199254740993e15}, "ticket_id: is a number that may have been rounded"),
    ],
)
def test_a_field_that_cannot_be_is_told_in_our_words(fields: dict[str, object], says: str) -> None:
    with pytest.raises(MalformedDelivery) as refused:
        parse_webhook(a_body(**fields))
    assert refused.value.detail.startswith(says)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", "body"),
        (b"\xff\xfe", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"{}", "event"),
        (b'{"event": "ticket_created"}', "ticket_id"),
        (b'{"event": "ticket_deleted", "ticket_id": "1"}', "event"),
        (b'{"event": "ticket_created", "ticket_id": null}', "ticket_id"),
        (b'{"event": "ticket_created", "ticket_id": ""}', "ticket_id"),
        (b'{"event": "ticket_created", "ticket_id": 1.5}', "ticket_id"),
        (b'{"event": "ticket_created", "ticket_id": {"id": 1}}', "ticket_id"),
        (b'{"event": "ticket_created", "ticket_id": "../../admin"}', "ticket_id"),
        (b'{"event": "ticket_created", "ticket_id": "' + b"9" * 65 + b'"}', "ticket_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:40]),
)
def test_a_body_that_cannot_be_used_names_its_field(body: bytes, field: str) -> None:
    with pytest.raises(MalformedDelivery) as refused:
        parse_webhook(body)
    assert refused.value.field == field


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_told_as_such(body: bytes) -> None:
    with pytest.raises(MalformedDelivery, match=r"^body: is empty"):
        parse_webhook(body)


def test_an_account_as_a_template_pastes_it_in_is_known() -> None:
    for account in ('{"id": "601", "name": "Acme"}', {"id": "601", "name": "Acme"}):
        assert parse_webhook(a_body(account=account)).account == AccountRef(id="601", name="Acme")
    assert parse_webhook(a_body(account=601.0)).account == parse_webhook(a_body(account=601)).account
    assert parse_webhook(a_body(account="{Acme} Ltd")).account.name == "{Acme} Ltd"


def test_further_fields_are_kept() -> None:
    assert parse_webhook(a_body(site="Leeds")).model_extra == {"site": "Leeds"}


@given(st.binary(max_size=300))
def test_no_bytes_but_a_webhook_or_a_named_fault(body: bytes) -> None:
    try:
        parse_webhook(body)
    except MalformedDelivery as error:
        assert error.field


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=20), st.text())
def test_odd_values_in_any_field_end_in_a_webhook_or_a_named_fault(value: object, ticket_id: str) -> None:
    try:
        parse_webhook(a_body(ticket_id=ticket_id, subject=value, created_at=value, requester={"name": value}))
    except MalformedDelivery as error:
        assert error.field == "ticket_id"


def test_a_redelivery_is_the_same_job() -> None:
    assert job(a_body(subject="a")) == job(a_body(subject="b"))
    update = a_body(event="ticket_updated", updated_at="2026-11-24T09:00:00Z")
    assert job(update) == job(update)
    assert job(update, signed_id="msg_1") == job(a_body(), signed_id="msg_1")


def test_what_differs_is_another_job() -> None:
    jobs = [
        job(a_body()),
        job(a_body(ticket_id="2")),
        job(a_body(), tenant=uuid4()),
        job(a_body(), signed_id="msg_1"),
        job(a_body(), signed_id="msg_2"),
        job(a_body(event="ticket_updated", updated_at="1")),
        job(a_body(event="ticket_updated", updated_at="2")),
        job(a_body(event="ticket_resolved", updated_at="1")),
        job(a_body(event="ticket_updated")),
        job(a_body(event="ticket_updated")),
    ]
    assert len(set(jobs)) == len(jobs)


@pytest.mark.parametrize(
    "updated_at",
    [
        *("$LastUpdatedTime", "${request.last_updated_time}", "{{updated}}", "<updated>", "null", "-"),
        *("2026-11-24", "Aug 9, 2022", "Aug 9, 2022 08:07 AM", "2022-08-09T08:07Z"),
    ],
)
def test_what_no_second_tells_is_no_key(updated_at: str) -> None:
    """A variable that was not filled in is the same in every update, a minute in two: all but the first would be lost."""
    update = a_body(event="ticket_updated", updated_at=updated_at)
    assert job(update) != job(update)


@pytest.mark.parametrize(
    "updated_at",
    [
        *("Aug 9, 2022 08:07:31 AM", "1660057676069", "2022-08-09T08:07:00+02:00", "20220809T080700Z", 1660057676069),
        {"value": "1660057676069", "display_value": "Aug 9, 2022 08:07 AM"},
    ],
    ids=str,
)
def test_an_update_is_known_by_its_time_in_any_form(updated_at: object) -> None:
    update = a_body(event="ticket_updated", updated_at=updated_at)
    assert job(update) == job(update)


@pytest.mark.parametrize(
    "account",
    ["$Account", "${account.name}", "<account>", "{{account}}", "null", {"id": "$account.id", "name": "$account.name"}],
    ids=str,
)
def test_an_account_that_was_not_filled_in_is_none(account: object) -> None:
    assert parse_webhook(a_body(account=account)).account == AccountRef()


def test_an_account_with_an_odd_name_is_one() -> None:
    for name in ("$5 Store", "A <B> C", "Null & Sons"):
        assert parse_webhook(a_body(account=name)).account.name == name
    assert parse_webhook(a_body(account={"id": "601", "name": "$account.name"})).account.id == "601"


def test_a_whole_number_is_an_id_however_it_is_written() -> None:
    assert parse_webhook(b'{"event": "ticket_created", "ticket_id": 100234.0}').ticket_id == "100234"
    large = parse_webhook(b'{"event": "ticket_created", "ticket_id": 9007199254740993}')
    assert large.ticket_id == "9007199254740993"
    with pytest.raises(MalformedDelivery):
        parse_webhook(b'{"event": "ticket_created", "ticket_id": 100234.5}')


def test_a_key_of_one_kind_cannot_pose_as_another() -> None:
    assert job(a_body(ticket_id="7")) != job(a_body(), signed_id="created:7")


def test_our_own_technicians_events_lead_to_no_note() -> None:
    events = frozenset({Event.UPDATED})
    ours = parse_webhook(a_body(event="ticket_updated", updated_by={"email_id": "AI-Agents@acme.example "}))
    theirs = parse_webhook(a_body(event="ticket_updated", updated_by="jane@acme.example"))
    with pytest.raises(NotNeeded) as refused:
        check_wanted(ours, events=events, technician="ai-agents@acme.example")
    assert refused.value.code is Code.OWN_EVENT
    check_wanted(theirs, events=events, technician="ai-agents@acme.example")


def test_only_the_tenants_events_lead_to_a_note() -> None:
    updated = parse_webhook(a_body(event="ticket_updated"))
    with pytest.raises(NotNeeded, match="ticket_updated") as refused:
        check_wanted(updated, events=frozenset({Event.CREATED}), technician="x")
    assert refused.value.code is Code.EVENT_NOT_WANTED


def test_what_is_done_or_ignored_never_changes_again() -> None:
    assert NEXT[Status.DONE] == NEXT[Status.IGNORED] == frozenset()
    assert set(NEXT) == set(Status)


@pytest.mark.parametrize(
    "rest",
    [
        '"x": ' + "[" * 130_000 + "]" * 130_000,
        '"x": ' + '{"a":' * 40_000 + "1" + "}" * 40_000,
        '"x": ' + '{"a":' * 600 + "1" + "}" * 600,  # as deep as Python 3.11 reads; 3.14 reads all of the above
        '"subject": ' + "9" * 200_000,
        '"tenant_id": 7',
    ],
    ids=["deep lists", "deep objects", "less deep objects", "a huge number", "a number for a uuid"],
)
def test_a_body_that_is_hostile_to_a_parser_is_malformed(rest: str) -> None:
    with pytest.raises(MalformedDelivery):
        parse_webhook(f'{{"event": "ticket_created", "ticket_id": "1", {rest}}}'.encode())


VARIABLES = [
    "$a{}!",
    "${{a{}!",
    "${{a}}{}!",
    "{{{{a{}!",
    "{{{{a}}}}{}!",
    "%a{}!",
    "%a%{}!",
    "<a{}!",
    "<a>{}!",
    "null{}!",
    "{}!",
]


@pytest.mark.parametrize("field", ["tenant_id", "ticket_id", "account"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_no_text_in_a_field_takes_longer_than_its_length_deserves(variable: str, field: str) -> None:
    """Anybody can send it: the tenant is looked for before the call is authenticated."""
    started = time.thread_time()
    for part in (" ", "a ", ". ", "\u00a0", "$", "}", "\u0300\u0327"):
        body = a_body(**{field: variable.format(part * (20_000 // len(part)))})
        claimed_tenant(body)
        with suppress(MalformedDelivery):
            parse_webhook(body)
    assert time.thread_time() - started < 1.5


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    """As in every JSON library that the sender may use; what is stored is the body as it came."""
    body = b'{"event": "ticket_created", "ticket_id": "1", "ticket_id": "2"}'
    assert parse_webhook(body).ticket_id == "2"


@pytest.mark.parametrize(
    "body",
    [
        "{'event': 'ticket_created', 'ticket_id': '8'}",
        "[{'event': 'ticket_created'}]",
        '{event: "ticket_created", ticket_id: 8}',
        "{“event”: “ticket_created”, “ticket_id”: “8”}",
        "{&quot;event&quot;:&quot;ticket_created&quot;,&quot;ticket_id&quot;:8}",
        "\n{\n  'event': None}",
        "\ufeff{'event': 'ticket_created'}",
    ],
)
def test_a_body_without_plain_double_quotes_is_told_what_writes_them(body: str) -> None:
    """The maker's page on custom scripts prints a dictionary as it is, and so many post one.

    https://manageengine.com/products/service-desk-msp/help/adminguide/configurations/helpdesk/writingacustomscript.html

    They were told to leave the description out, which is not in it.
    """
    with pytest.raises(MalformedDelivery, match=r"json\.dumps") as refused:
        parse_webhook(body.encode())
    assert "description" not in refused.value.detail


@pytest.mark.parametrize(
    "body", ['{"event": "ticket_created", "description": "<a href="x">"}', '{"event": 1,}', "x", '"a']
)
def test_a_body_that_is_broken_further_on_is_not_told_so(body: str) -> None:
    with pytest.raises(MalformedDelivery, match="leave the description out"):
        parse_webhook(body.encode())


def test_what_the_makers_scripts_and_functions_hand_over_is_read() -> None:
    """Of scripts and custom functions, by the maker's pages.

    https://help.servicedeskplus.com/apiv1-v3 (all in text, -1 for no time) and
    https://help.sdpondemand.com/deluge-scripting-summary (`requestObj`, `context.userInfo`).
    """
    first = {"event": "ticket_created", "ticket_id": "8", "subject": "VPN", "requester": "administrator"}
    of_script = parse_webhook(json.dumps({**first, "created_at": "1478758440000", "updated_at": "-1"}).encode())
    assert of_script.ticket is not None
    assert (of_script.ticket.created_at, of_script.ticket.updated_at) == (
        datetime(2016, 11, 10, 6, 14, tzinfo=UTC),
        None,
    )
    of_function = {
        "event": "ticket_updated",
        "ticket_id": 123640000000240013,
        "requester": {"email_id": None, "name": "First Last", "id": "1"},
        "priority": None,
        "created_at": {"display_value": "Jun 24, 2020 03:05 PM", "value": "1593000300533"},
        "updated_by": {"email_id": "AI@acme.example", "type": "technician", "id": "5"},
    }
    webhook = parse_webhook(json.dumps(of_function).encode())
    assert (webhook.ticket_id, webhook.requester, webhook.priority) == ("123640000000240013", "First Last", "")
    assert webhook.created_at == "1593000300533"
    assert webhook.is_caused_by("ai@acme.example")
