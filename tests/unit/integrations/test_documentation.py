"""The documents of answers as servers give them, and of answers that were made to hurt."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.integrations.documentation.answers import (
    MAX_DOCUMENTS,
    MAX_TEXT_CHARS,
    Document,
    allowed_page,
    read_documents,
    tells_error,
)


def read(*texts: str, structured: Any = None) -> list[tuple[str, str, str]]:
    return [(each.title, each.text, each.url) for each in read_documents(structured, texts, name="search")]


LEARN = {"results": [{"title": "VPN", "content": "# VPN\nReset it.", "contentUrl": "https://learn.microsoft.com/vpn"}]}
HUDU = {"success": True, "data": [{"id": 7, "name": "VPN", "content": "<p>Reset <b>it</b>.</p><script>x</script>"}]}
CONFLUENCE = [
    {"id": "1", "title": "VPN", "url": "https://a.example/1", "space": {"key": "IT", "name": "IT"},
     "content": {"value": "Reset it.", "format": "view"}, "attachments": []}
]  # fmt: skip
CONFLUENCE_REST = {
    "results": [{"content": {"id": "1", "title": "VPN"}, "excerpt": "Reset @@@hl@@@it@@@endhl@@@."}],
    "size": 1,
}
GLUE = {
    "data": [{"id": "1", "type": "documents", "attributes": {"name": "VPN", "resource-url": "https://a.example/1"}}]
}
GITHUB = {
    "total_count": 1,
    "items": [{"title": "VPN", "body": "Reset it.", "html_url": "https://github.com/a/b/issues/1"}],
}


def test_forms_of_servers() -> None:
    assert read(json.dumps(LEARN)) == [("VPN", "# VPN\nReset it.", "https://learn.microsoft.com/vpn")]
    assert read(json.dumps(HUDU)) == [("VPN", "Reset it.", "")]
    assert read(json.dumps(CONFLUENCE)) == [("VPN", "Reset it.", "https://a.example/1")]
    assert read(json.dumps(CONFLUENCE), structured={"result": json.dumps(CONFLUENCE)}) == [
        ("VPN", "Reset it.", "https://a.example/1")
    ]
    assert read(structured={"result": CONFLUENCE}) == [("VPN", "Reset it.", "https://a.example/1")]
    assert read(json.dumps(CONFLUENCE_REST)) == [("VPN", "Reset it.", "")]
    assert read("Note: only documents at the root.", json.dumps(GLUE)) == [("VPN", "", "https://a.example/1")]
    assert read(json.dumps(GITHUB)) == [("VPN", "Reset it.", "https://github.com/a/b/issues/1")]
    assert read(*(json.dumps(each) for each in CONFLUENCE), json.dumps({"title": "Two"})) == [
        ("VPN", "Reset it.", "https://a.example/1"),
        ("Two", "", ""),
    ]
    assert read("## VPN\nReset it.\n## Printer\nTurn it on.") == [
        ("VPN", "Reset it.", ""),
        ("Printer", "Turn it on.", ""),
    ]
    assert read("Reset it.") == [("search", "Reset it.", "")]


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "{}", "[]", '{"results": []}', '{"error": "no such space"}', '{"success": false, "error": "x"}',
     "No documents found:\n[]", 'Found 0 documents:\n{"results": []}', '{"results": [1, null, "x", {}, {"id": 7}]}',
     "[" * 100_000, '{"a":' * 100_000, '{"not json'],
)  # fmt: skip
def test_what_holds_no_document_has_none(text: str) -> None:
    assert read(text) == []


def test_an_answer_is_cut_where_it_is_too_much() -> None:
    many = {"results": [{"title": f"{number}", "content": "x" * 50_000} for number in range(500)]}
    found = read(json.dumps(many))
    assert len(found) == MAX_DOCUMENTS
    assert {len(text) for _, text, _ in found} == {MAX_TEXT_CHARS}
    assert len(read("\n".join(f"# {number}\nx" for number in range(5_000)))) <= MAX_DOCUMENTS


@pytest.mark.parametrize(
    "text",
    [
        "<" * 500_000,
        "# " * 250_000,
        "#\n" * 250_000,
        "<p>" * 160_000,
        "&#1" * 160_000,
        json.dumps([{"title": "<" * 400_000}]),
        json.dumps([[[[{"z": 1}] * 50] * 30] * 30]),
        "x\n" + json.dumps([[[[{"z": 1}] * 50] * 30] * 30]),
    ],
)
def test_no_answer_takes_long(text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 1


def test_an_id_is_a_hash_and_of_the_document() -> None:
    one, other = Document("rm -rf /", "x"), Document("rm -rf /", "y")
    assert one.id != other.id
    assert one.id == Document("rm -rf /", "x").id
    assert set(one.id) <= set("0123456789abcdef")


ALLOWED = ["https://acme.example/wiki", "http://10.0.0.5:8080"]


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://acme.example/wiki/x", True),
        ("https://acme.example/wiki", True),
        ("https://ACME.example:443/wiki/a?b=c#d", True),
        ("http://10.0.0.5:8080/a", True),
        ("https://acme.example/wikix", False),
        ("https://acme.example/wiki/../x", False),
        ("https://acme.example/wiki/%2e%2E/x", False),
        ("https://acme.example.evil/wiki/x", False),
        ("https://evil.example/https://acme.example/wiki", False),
        ("https://acme.example@evil.example/wiki/x", False),
        ("https://u:p@acme.example/wiki/x", False),
        ("https://acme.example\\@evil.example/wiki/x", False),
        ("http://acme.example/wiki/x", False),
        ("https://acme.example:8443/wiki/x", False),
        ("javascript:alert(1)//acme.example/wiki", False),
        ("//acme.example/wiki/x", False),
        ('https://acme.example/wiki/"onclick=x', False),
        ("https://acme.example/wiki/ x", False),
        ("https://acme.example/wiki/\nx", False),
        ("https://acme.example:99999/wiki/x", False),
        ("https://[::1/wiki", False),
        ("https://acme.example/wiki/" + "x" * 600, False),
        ("", False),
    ],
)
def test_a_page_is_a_link_at_an_address_of_the_file_alone(url: str, is_allowed: bool) -> None:
    assert allowed_page(url, ALLOWED) == (url if is_allowed else "")


def test_what_begins_with_a_hash_in_a_block_of_code_is_no_heading() -> None:
    text = "## Lock\nAsk first.\n```powershell\n# Disable-ADAccount anna\nGet-ADUser anna\n```\n## Unlock\nJust do it."
    assert [(title, "# Disable-ADAccount anna" in part) for title, part, _ in read(text)] == [
        ("Lock", True),
        ("Unlock", False),
    ]
    assert [title for title, *_ in read("```\n# rm -rf /\n")] == ["search"]


@pytest.mark.parametrize(
    ("hit", "day"),
    [
        ({"updated": "2026-03-01T10:00:00.000Z"}, date(2026, 3, 1)),  # mcp-atlassian
        ({"version": {"when": "2026-03-01T10:00:00.000Z", "number": 3}}, date(2026, 3, 1)),  # Confluence
        ({"updated_at": "2026-03-01T10:00:00Z"}, date(2026, 3, 1)),  # Hudu, GitHub
        ({"attributes": {"updated-at": "2026-03-01T10:00:00.000Z"}}, date(2026, 3, 1)),  # IT Glue
        ({"lastModifiedDateTime": "2026-03-01T10:00:00Z"}, date(2026, 3, 1)),  # Microsoft Graph
        ({"created_at": "2026-03-01T10:00:00Z"}, None),
        ({"updated": "yesterday"}, None),
        ({"updated": "2999-01-01"}, None),
        ({}, None),
    ],
)
def test_a_document_has_the_day_that_its_server_tells(hit: dict[str, Any], day: date | None) -> None:
    [document] = read_documents([{"title": "VPN", "body": "Reset it.", **hit}], (), name="search")
    assert document.updated_on == day


def test_half_an_emoji_in_an_address_makes_no_page_of_it_and_no_error() -> None:
    [found] = read_documents({"content": "Reset it.", "url": "https://a.example/\ud800"}, (), name="search")
    assert found.id
    assert allowed_page(found.url, ["https://a.example/"]) == ""


RECORDED: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("documentation_servers.json").read_text("utf-8")
)
"""Answers as their makers or public clients show them; each key says who and where."""


@pytest.mark.parametrize("name", RECORDED)
def test_a_document_is_read_in_the_form_that_its_server_is_known_to_answer(name: str) -> None:
    """The text of most was lost, or the whole document, and then the note said that nothing fits."""
    told = RECORDED[name]
    answer = json.dumps(told["answer"])
    as_text = read_documents(None, [answer], name="search")
    assert [(each.title, each.text, each.url, str(each.updated_on or "")) for each in as_text] == [
        (told["title"], told["text"], told["url"], told["day"] or "")
    ]
    assert not tells_error(None, [answer])
    for behind in (
        f"Found 1 documents:\n\n{answer}",
        f"Here is what I found:\n```json\n{answer}\n```",
        f"Found 1 documents:\n{json.dumps(told['answer'], indent=2)}\n",
    ):
        assert read_documents(None, [behind], name="search") == as_text
    assert read_documents({"result": told["answer"]}, [answer], name="search") == as_text


@pytest.mark.parametrize(
    "answer",
    [
        {"user": {"name": "Jane", "url": "https://a.example/jane"}, "id": 7},
        {"results": [{"id": 7, "author": {"name": "Jane"}, "labels": [{"name": "vpn"}]}]},
        {"results": [], "related": [{"title": "VPN", "text": "Reset it."}], "suggestions": ["vpn error"]},
        {"hits": {"total": {"value": 0}, "hits": []}, "suggest": {"text": "vpn errer"}},
        {"searchTerms": ["vpn error"], "count": 0},
        {"error": {"title": "Unauthorized", "description": "No such space"}},
        {"errors": [{"title": "Unauthorized", "detail": "x", "text": "x"}]},
    ],
)
def test_what_stands_beside_documents_is_none(answer: dict[str, Any]) -> None:
    assert read(json.dumps(answer)) == []


def test_a_document_is_not_what_is_within_it() -> None:
    page = {
        "title": "VPN",
        "url": "https://a.example/vpn",
        "author": {"name": "Jane", "url": "https://a.example/jane"},
        "attachments": [{"title": "net.pdf", "content": "binary"}],
    }
    assert read(json.dumps(page)) == [("VPN", "", "https://a.example/vpn")]


@pytest.mark.parametrize("name", ["files", "assets", "matches", "points", "value", "data", "pages"])
@pytest.mark.parametrize("beside", [[], {}, [{"name": "logo.png", "url": "https://a.example/logo.png"}]])
def test_a_document_is_one_whatever_lists_it_has(name: str, beside: Any) -> None:
    page = {"title": "VPN", "content": "Reset it.", name: beside}
    assert read(json.dumps(page)) == [("VPN", "Reset it.", "")]


def test_settings_with_a_name_and_a_value_are_fields_of_what_they_stand_in() -> None:
    """Each passed for a document, and the password of the firewall was one."""
    fields = [{"name": "Admin password", "value": "hunter2"}, {"name": "IP", "value": "10.0.0.1"}]
    assert read(json.dumps({"name": "FW01", "fields": fields})) == [("FW01", "IP: 10.0.0.1", "")]
    assert read(json.dumps({"results": fields})) == [("Admin password", "", ""), ("IP", "10.0.0.1", "")]
    assert read(json.dumps({"name": "FW01", "url": "https://a.example/1", "settings": fields})) == [
        ("FW01", "", "https://a.example/1")
    ]


def test_words_may_end_with_a_sample_of_json() -> None:
    """The whole document was lost, or the sample alone was one."""
    for words in (
        'Put this into settings.json:\n\n```json\n{\n  "proxy": "reset"\n}\n```\n',
        '# Proxy\n\nPut this into settings.json:\n\n```json\n{\n  "name": "reset"\n}\n```\n',
        "Reset it, as follows. " * 20 + '\n{\n  "name": "proxy"\n}\n',
    ):
        [(_, text, _)] = read(words)
        assert "eset" in text


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "VPN", "text": "Reset it."}\n{"title": "Printer", "text": "Turn it on."}\n',
        '{"results": [{"title": "VPN", "text": "Reset it."}, {"title": "Printer", "text": "Turn it on."}]}\n\nAsk again.',
    ],
    ids=["a-line-each", "before-a-remark"],
)
def test_json_may_be_in_lines_or_have_a_remark_behind_it(text: str) -> None:
    assert read(text) == [("VPN", "Reset it.", ""), ("Printer", "Turn it on.", "")]


@pytest.mark.parametrize("key", ["data", "results", "output", "response"])
def test_words_in_an_object_are_words(key: str) -> None:
    assert read(json.dumps({"status": "success", key: "## VPN\nReset it."})) == [("VPN", "Reset it.", "")]
    assert read(json.dumps({"status": "error", "error": "x", key: "## VPN\nReset it."})) == []


def test_words_that_begin_with_a_link_or_hold_one_are_words() -> None:
    for words in (
        "[VPN guide](https://a.example/vpn): reset it.",
        "Found in [the guide](https://a.example): reset it.\n[1] Reset it.",
        "Run this:\n{ $_.Name } | reset",
        "[1] **VPN** fails: reset it.",
        "[Source: VPN.docx]\nReset it.",
        "[!NOTE]\nReset it.",
        "[[VPN]] fails: reset it.",
        "{{Infobox}}\nReset it.",
        "{'title': 'VPN', 'content': 'Reset it.'}",
    ):
        [(title, text, _)] = read(words)
        assert (title, "eset" in text) == ("search", True)


@pytest.mark.parametrize(
    ("structured", "texts"),
    [
        (None, ["Error executing list_documents: 401 Client Error: Unauthorized for url: https://api.itglue.com/x"]),
        (None, ["Error calling tool 'search': no such space"]),
        (None, ["Error: Hudu API request failed with status 401"]),
        (None, ["\u274c Error searching articles: timeout"]),
        (None, ['{"error": "Unauthorized"}']),
        (None, ['{"success": false, "error": "no such company"}']),
        (None, ['{"status": "error", "message": "API key is missing"}']),
        (None, ['{"errors": [{"title": "Unauthorized", "status": 401}]}']),
        ({"error": {"code": 401}}, []),
        ({"result": {"error": "Unauthorized"}}, []),
        ({"result": ["Error executing tool search: 401"]}, ["Error executing tool search: 401"]),
        (None, ['{"error": "invalid_token", "description": "The token is bad."}']),
        (None, ['{"isError": true, "content": [{"type": "text", "text": "The token is bad."}]}']),
    ],
)
def test_an_error_that_is_not_called_one_is_an_error(structured: Any, texts: list[str]) -> None:
    """Many servers catch their errors and answer with their words (https://github.com/jonhill90/vibes), so that the
    client's documentation seemed to hold nothing of a ticket, or the error was a document.
    """
    assert tells_error(structured, texts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No pages found.",
        "[]",
        '{"results": []}',
        '{"results": [], "error": null}',
        '{"success": true, "data": []}',
        '{"errors": [], "data": []}',
        '{"title": "Error 809", "text": "Reset it.", "error": "none"}',
        "Error 809 while the VPN connects: reset it.",
        "# Error: VPN\nReset it.",
        "Error: the VPN client stops.\n" + "Reset it.\n" * 20,
        "Error: 0x80070005, access denied\n\nRun gpupdate.",
        "Error: 0x80070005\n1. Run gpupdate.",
        '{"hostname": "PRN-01", "status": "failed", "location": "Basel"}',
        '{"hostname": "SW-01", "status": "up", "errors": 12}',
    ],
)
def test_what_is_no_error_is_none(text: str) -> None:
    assert not tells_error(None, [text])


def test_one_document_among_others_may_begin_with_an_error() -> None:
    """All of them were lost."""
    texts = ["Error: 0x80070005", "VPN: reset it."]
    assert not tells_error(None, texts)
    assert [text for _, text, _ in read(*texts)] == texts
