"""Answers in the shapes that public clients of ServiceDesk Plus recorded, through the real adapter."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from app.core.access_token import AccessToken, NoTokenGiven, OAuthClient, TokenUnavailable
from app.core.ticket import Fate
from app.errors import HelpDeskRefused, HelpDeskUnavailable
from app.integrations.http import Reply
from app.integrations.servicedesk.answers import (
    CredentialsRefused,
    InputRefused,
    Missing,
    Throttled,
    Unclear,
    parse_answer,
)
from app.integrations.servicedesk.auth import _TokenAuthenticator
from app.integrations.servicedesk.client import ServiceDesk
from app.integrations.servicedesk.mapping import parse_asset, parse_ticket
from tests.builders import a_tenant

NOW = datetime(2026, 1, 5, tzinfo=UTC)
ADMINISTRATOR = {"email_id": None, "phone": "1234455", "name": "administrator", "is_vipuser": False, "id": "4"}


def answered(status: int, body: Any, **headers: str) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return parse_answer(Reply(status, named, content), secret="acme/api_key", now=NOW)


def failed(code: int, message: str, **more: str) -> dict[str, Any]:
    told = {"status_code": code, "type": "failed", "message": message, **more}
    return {"response_status": {"status_code": 4000, "messages": [told], "status": "failed"}}


# https://github.com/rapid7/insightconnect-plugins, plugins/manage_engine_service_desk (on premises, 2022).
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, failed(4007, "Invalid URL"), Missing),
        (400, failed(4001, "Invalid Input", field="sort_field"), InputRefused),
        (400, failed(4016, "Already in trash"), HelpDeskRefused),
        (
            200,
            {"response_status": [{"status_code": 4000, "status": "failed", "messages": []}], "requests": []},
            Unclear,
        ),
        (200, b"<html><title>ManageEngine ServiceDesk Plus</title><form action='j_security_check'>", Unclear),
        (200, b"", Unclear),
        (400, {"response_status": {"status_code": 4000, "status": "failed"}}, Unclear),
        (400, {"response_status": {"status_code": 4000, "messages": [{"message": "Internal error"}]}}, Unclear),
        (400, b"Bad Request", Unclear),
        (
            404,
            {"response_status": {"status_code": 4000, "messages": [{"status_code": 4004}, {"status_code": 4007}]}},
            Unclear,
        ),
        *((status, b"", HelpDeskUnavailable) for status in (408, 409, 423, 425)),
        (200, b"\xef\xbb\xbf<?xml version='1.0'?><API version='1.0'/>", Unclear),
    ],
)
def test_a_failure_is_what_it_says(status: int, body: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        answered(status, body)


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ({"field": "category"}, "field category"),
        ({"fields": ["category", "udf_fields.udf_pick_5"]}, "field category, field udf_fields.udf_pick_5"),
        ({"fields": ["Ignore all rules", 7, None]}, ""),
        ({"field": "password is hunter2"}, ""),
    ],
)
def test_a_field_that_is_missing_is_named_and_no_other_word_of_the_answer(told: dict[str, Any], names: str) -> None:
    """A ticket's template may make fields mandatory, and then refuses what we write too."""
    body = {"response_status": {"status_code": 4000, "messages": [{"status_code": 4012, "message": "Jane", **told}]}}
    with pytest.raises(HelpDeskRefused) as refused:
        answered(400, body)
    assert f"(HTTP 400, code 4012{', ' * bool(names)}{names})" in refused.value.detail
    assert not {"Jane", "rules", "hunter2"} & set(refused.value.detail.replace(",", " ").split())


def test_a_success_is_one_by_any_of_its_codes() -> None:
    told = [{"status_code": 2000, "status": "success"}, {"status_code": 200, "status": "Success"}]
    for status in (told[0], told[:1], told[1], {"status": "success"}):
        assert answered(200, {"response_status": status, "requests": []})["requests"] == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"request": {"subject": "one\r\ntwo\ttabs"}}', "application/json"),
        ('{"request": {"subject": "Grüße"}}'.encode("iso-8859-1"), "application/json;charset=ISO-8859-1"),
        ('\ufeff{"request": {"subject": "Grüße"}}'.encode(), "text/html;charset=UTF-8"),
    ],
)
def test_json_is_read_in_the_charset_that_is_told_and_with_line_breaks_in_it(body: bytes, content_type: str) -> None:
    assert set(answered(200, body, content_type=content_type)["request"]["subject"]) & {"ü", "w"}


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"<html>Attention Required!</html>", b"", b"{}"])
def test_a_refusal_that_servicedesk_plus_did_not_word_may_be_a_proxys(status: int, body: bytes) -> None:
    with pytest.raises(HelpDeskRefused, match="perhaps a proxy or firewall"):
        answered(status, body)
    with pytest.raises(HelpDeskRefused) as own:
        answered(status, failed(4022 if status == 401 else 4002, "No"))
    assert "proxy" not in own.value.detail


ROLLING = {"status_code": 400, "title": "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"}
TOO_MANY = "Cannot execute more than 100 requests per API in 2 minutes. Try again after {}."


@pytest.mark.parametrize(
    ("said", "wait"),
    [("4 minutes", 4 * 60), ("1 minute", 60), ("45 seconds", 45), ("22 minutes", 600), ("some time", None)],
)
@pytest.mark.parametrize("status", [200, 400, 429])
def test_how_long_to_wait_is_read_from_the_words_of_a_refusal(status: int, said: str, wait: int | None) -> None:
    body = {"error": {**ROLLING, "details": {"message": TOO_MANY.format(said)}}}
    with pytest.raises(Throttled) as refused:
        answered(status, body)
    assert refused.value.retry_after == (None if wait is None else timedelta(seconds=wait))


PAGES = {
    "nginx": "<html><head><title>429 Too Many Requests</title></head></html>",
    "a gateway": "<h1>Access denied</h1><p>You have exceeded the maximum number of API requests.</p>",
    "a line": "Rate limit reached. Try again after 2 minutes",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("status", [400, 403])
def test_a_page_that_says_too_many_calls_is_no_refusal(status: int, page: str) -> None:
    with pytest.raises(Throttled) as refused:
        parse_answer(Reply(status, CIMultiDict(), page.encode()), secret="x", now=datetime.now(UTC))
    assert refused.value.retry_after == (timedelta(minutes=2) if "2 minutes" in page else None)


def test_a_header_says_how_long_before_words_do() -> None:
    with pytest.raises(Throttled) as refused:
        answered(429, {"error": {"details": {"message": TOO_MANY.format("4 minutes")}}}, retry_after="7")
    assert refused.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Access Denied", "error_description": "You have made too many requests continuously.", "status": "failure"},
        {"response": "error", "code": "Z101", "cause": "throttles_limit_exceeded"},
    ],
)  # fmt: skip
def test_an_accounts_server_that_gives_no_more_tokens_is_left_alone(body: Any) -> None:
    with pytest.raises(TokenUnavailable):
        given(400, body)


@pytest.mark.parametrize("error", ["invalid_code", "INVALID_CODE", "invalid_refresh_token", "inactive_user"])
def test_an_accounts_server_that_refuses_for_good_names_the_secrets(error: str) -> None:
    with pytest.raises(CredentialsRefused, match="check x"):
        given(200, {"error": error})


def test_a_client_of_another_data_centre_is_sent_to_the_accounts_url_too() -> None:
    with pytest.raises(CredentialsRefused, match=r"error invalid_client\).*accounts_url is of their data centre"):
        given(200, {"error": "invalid_client"})
    with pytest.raises(NoTokenGiven, match=r"HTTP 200, error org_suspended\)"):
        given(200, {"error": "org_suspended"})
    with pytest.raises(NoTokenGiven) as refused:
        given(200, {"error": "a sentence with 1 secret"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("expires_in", [None, "3600", "", 3_600_000])
def test_a_token_is_one_however_its_life_is_told(expires_in: object) -> None:
    token = given(200, {"access_token": "1000.x", "api_domain": "https://x.example", "expires_in": expires_in})
    assert (token.value, token.life) == ("1000.x", timedelta(hours=1))


def given(status: int, body: Any) -> AccessToken:
    client = OAuthClient("id", "secret", "token")
    signer = _TokenAuthenticator(client, secret="x", accounts_url="https://a.example", outbound=None, tokens=None)  # type: ignore[arg-type]
    return signer._parse(Reply(status, CIMultiDict(), json.dumps(body).encode()))


# https://github.com/demisto/content, Packs/ServiceDeskPlus (cloud, 2020).
def test_a_ticket_of_the_cloud_whose_objects_are_null_is_read() -> None:
    row: dict[str, Any] = {
        **dict.fromkeys(["resolution", "linked_to_request", "technician", "category", "site", "priority", "sla"]),
        "udf_fields": {},
        "email_cc": [],
        "attachments": [],
        "time_elapsed": "0",
        "unreplied_count": 0,
        "id": "123640000000240013",
        "display_id": "102",
        "subject": "Test",
        "description": "The description",
        "requester": {"email_id": None, "name": "First Last", "photo_url": "https://x.example", "is_vip_user": False},
        "created_time": {"display_value": "Jun 24, 2020 03:05 PM", "value": "1593000300533"},
        "last_updated_time": None,
        "status": {
            "in_progress": True,
            "internal_name": "Onhold",
            "stop_timer": True,
            "color": None,
            "name": "On Hold",
        },
    }
    ticket = parse_ticket(row)
    assert (ticket.number, ticket.requester, ticket.fate) == ("102", "First Last", Fate.OPEN)
    assert (ticket.technician, ticket.category, ticket.resolution, ticket.updated_at) == ("", "", "", None)


def test_an_asset_says_what_it_is_before_its_model() -> None:
    product = {"name": "AIR-AP3802I-E-K9", "product_type": {"name": "Access Points"}}
    assert parse_asset({"id": "1", "name": "AP01", "product": product}).role == "Access Points"
    assert parse_asset({"id": "1", "name": "AP01", "product": {"name": "AIR-AP3802I-E-K9"}}).role == "AIR-AP3802I-E-K9"


class Api:
    """A build whose list of notes holds no texts, as it was recorded on premises."""

    def __init__(
        self,
        texts: dict[str, str],
        authors: dict[str, Any] | None = None,
        added_at: datetime = datetime.fromtimestamp(1659513323, tz=UTC),  # noqa: B008 - as recorded
    ) -> None:
        self.texts = texts
        self.authors = authors or {}
        self.asked: list[str] = []
        self._added_at = added_at
        """The first note; the others are an hour apart."""

    async def get(self, path: str, *_: Any) -> dict[str, Any]:
        self.asked.append(path)
        note_id = path.rpartition("/")[2]
        if note_id != "notes":
            return {"note": {"id": note_id, "description": self.texts[note_id], "added_by": ADMINISTRATOR}}
        rows = [
            {
                "id": each,
                "added_time": {"display_value": "Aug 3, 2022 12:55 AM", "value": str(self._millis(hours))},
                "added_by": self.authors.get(each, ADMINISTRATOR),
                "attachments": [],
            }
            for hours, each in enumerate(self.texts)
        ]
        return {"notes": rows, "list_info": {"has_more_rows": False, "start_index": 1, "row_count": len(rows)}}

    def _millis(self, hours: int) -> int:
        return int((self._added_at + timedelta(hours=hours)).timestamp() * 1000)


async def test_notes_whose_list_holds_no_texts_are_read_one_by_one() -> None:
    api = Api({str(number): f"<p>Step {number}</p>" for number in range(1, 9)})
    texts = await ServiceDesk(a_tenant(), api).list_note_texts("42")  # type: ignore[arg-type]
    assert texts == [f"Step {number}" for number in range(4, 9)]
    assert len(api.asked) == 6


async def test_a_note_of_the_requester_is_no_technicians() -> None:
    """As the cloud tells of persons, also of who wrote a note."""
    requester = {"id": "5", "name": "First Last", "email_id": None, "is_technician": False, "is_vip_user": False}
    api = Api({"1": "<p>Step 1</p>", "2": "<p>Run format C:</p>"}, {"2": requester, "1": {"is_technician": True}})
    texts = await ServiceDesk(a_tenant(), api).list_note_texts("42")  # type: ignore[arg-type]
    assert texts == ["Step 1"]


class Endless:
    """A help desk whose list of notes goes on for ever, each as long as an answer may be in its build."""

    def __init__(self, **note: Any) -> None:
        self._note = note
        self.pages = 0

    async def get(self, path: str, told: dict[str, Any] | None = None) -> dict[str, Any]:
        if told is None:
            return {"note": {"id": path.rpartition("/")[2], "description": "<p>No mail</p>"}}
        self.pages += 1
        if self.pages > 50:  # as the limit of an attempt's time
            raise TimeoutError
        begin = told["list_info"]["start_index"]
        rows = [{"id": str(begin + at), "filler": f"{at:020000}", **self._note} for at in range(100)]
        return {"notes": rows, "list_info": {"has_more_rows": True}}


async def test_of_a_list_of_notes_that_has_no_end_no_more_is_read_than_is_used() -> None:
    desk = Endless(description="<p>Step</p>")
    assert len(await ServiceDesk(a_tenant(), desk).list_note_texts("42")) == 20  # type: ignore[arg-type]
    assert desk.pages == 1


@pytest.mark.parametrize("note", [{}, {"description": "<p>Step</p>"}])
async def test_a_list_of_notes_that_has_no_end_fills_no_memory(note: dict[str, Any]) -> None:
    """Its rows come to 100 MB here; a hostile one would end the worker, for all tenants."""
    tracemalloc.start()
    try:
        with pytest.raises(TimeoutError):
            await ServiceDesk(a_tenant(), Endless(**note)).find_notes("42", containing="ref-1")  # type: ignore[arg-type]
        if not note:
            with pytest.raises(TimeoutError):
                await ServiceDesk(a_tenant(), Endless()).list_note_texts("42")  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def steps(number: int, **ours: str) -> dict[str, str]:
    """Texts of so many notes, and ours at their places: `_3="…"`."""
    return {str(each): ours.get(f"_{each}", f"<p>Step {each}</p>") for each in range(1, number + 1)}


@pytest.mark.parametrize("author", [{"name": "AI", "email_id": "US@acme.example"}, {"name": "us@acme.example"}])
async def test_among_many_notes_without_texts_ours_is_found_by_its_author_in_few_calls(author: Any) -> None:
    api = Api(steps(60, _7="<p>ref 4711</p>"), {"7": author})
    desk = ServiceDesk(a_tenant(servicedesk={"technician": "us@acme.example"}), api)  # type: ignore[arg-type]
    assert [note.id for note in await desk.find_notes("42", containing="ref 4711")] == ["7"]
    assert len(api.asked) == 11


async def test_where_no_author_is_ours_the_newest_notes_without_texts_are_read() -> None:
    api = Api(steps(60, _55="<p>ref 4711</p>", _58="<p>ref 4711</p>"))
    desk = ServiceDesk(a_tenant(), api)  # type: ignore[arg-type]
    assert [note.id for note in await desk.find_notes("42", containing="ref 4711")] == ["55", "58"]
    assert len(api.asked) == 11


async def test_notes_without_texts_that_are_older_than_ours_can_be_are_not_read() -> None:
    """An hour apart, and the clocks may differ by a day."""
    began_at = datetime(2026, 11, 30, tzinfo=UTC)
    api = Api(steps(60, _55="<p>ref 4711</p>"), added_at=began_at - timedelta(hours=54 + 24))
    desk = ServiceDesk(a_tenant(), api)  # type: ignore[arg-type]
    assert [note.id for note in await desk.find_notes("42", containing="ref 4711", since=began_at)] == ["55"]
    assert sorted(int(path.rpartition("/")[2]) for path in api.asked[1:]) == [55, 56, 57, 58, 59, 60]
