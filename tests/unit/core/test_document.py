"""What a server of documentation is asked, and which of its documents bear on a ticket."""

from __future__ import annotations

import re

import pytest

from app.core.document import MAX_QUERY_CHARS, compose_query, fit
from tests.builders import a_ticket


@pytest.mark.parametrize(
    ("subject", "description", "asked"),
    [
        ("Outlook receives no mail", "Since noon.", "Outlook receives no mail"),
        ("Help", "VPN error 809 on NB-0042", "Help VPN error 809 on NB-0042"),
        ("", "0x80070005 at srv-file01.acme.local", "0x80070005 at srv-file01.acme.local"),
        ("プリンタが動かない", "", "プリンタが動かない"),
        ("Drucker «HP LaserJet» druckt nicht", "", "Drucker HP LaserJet druckt nicht"),
        ("", "", ""),
        ("???", "!!!", ""),
    ],
)
def test_the_subject_is_asked_for_or_what_says_more(subject: str, description: str, asked: str) -> None:
    assert compose_query(a_ticket(subject=subject, description=description)) == asked


@pytest.mark.parametrize(
    "text",
    [
        "Call +49 30 901820 about the printer",
        "Mail jane@acme.example about the printer",
        "The printer's password: Summer2026!",
        "IBAN DE89 3704 0044 0532 0130 00 and a printer",
        "Printer token sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF",
    ],
)
def test_no_contact_and_no_secret_is_asked_for(text: str) -> None:
    query = compose_query(a_ticket(subject=text, description=text))
    assert "rinter" in query
    for secret in ("901820", "jane", "Summer2026", "3704", "sk-proj"):
        assert secret not in query
    assert not re.search(r"(?:phone|email|password|bank|key)-\d", query)


def test_a_secret_that_its_words_give_away_below_is_not_asked_for_in_the_subject() -> None:
    assert "Xk9-Qwe77" not in compose_query(
        a_ticket(subject="Xk9-Qwe77 at the printer tray", description="password: Xk9-Qwe77")
    )


@pytest.mark.parametrize(
    "subject",
    [
        'space=HR OR text ~ "salary" AND type=page',
        "repo:other/secret is:open -label:x printer",
        'printer") OR ("1"="1',
        "printer && (company:globex || *)",
        "printer NOT x IN y ORDER BY z",
        "printer\nAND space = HR",
    ],
)
def test_a_requester_can_ask_for_nothing_but_words(subject: str) -> None:
    query = compose_query(a_ticket(subject=subject, description=""))
    assert re.fullmatch(r"[\w.'’ -]*", query)
    assert not re.search(r"(?:^|\s)-", query)
    assert not {"AND", "OR", "NOT", "IN", "ORDER", "BY"} & set(query.split())


def test_a_query_is_short_and_ends_with_a_word() -> None:
    query = compose_query(a_ticket(subject="printer " * 1000, description=""))
    assert MAX_QUERY_CHARS - 8 <= len(query) <= MAX_QUERY_CHARS
    assert query.endswith("printer")
    assert compose_query(a_ticket(subject="x" * 10_000, description="")) == ""


def test_a_document_fits_by_the_words_that_say_something() -> None:
    ticket = a_ticket(subject="Outlook receives no mail", description="Since noon.")
    assert fit(ticket, "Outlook does not receive mail: check the profile") > 0.4
    assert fit(ticket, "The coffee machine") == 0
    assert fit(ticket, "Mail") == 0  # one word of several
    assert fit(a_ticket(subject="Outlook", description=""), "How to set up Outlook") > 0


def test_a_repeated_question_fits_nothing() -> None:
    ticket = a_ticket(subject="Outlook receives no mail", description="")
    said = "No pages found for 'Outlook  receives no\nmail'."
    assert fit(ticket, said) > 0
    assert fit(ticket, said, repeated="Outlook receives no mail") == 0


def test_a_document_that_is_called_as_the_question_fits_best() -> None:
    """As a Markdown answer of the official SDK's servers, `# VPN error 809`."""
    ticket = a_ticket(subject="VPN error 809", description="Since this morning.")
    for title in ("VPN error 809", "VPN error 809 after the update"):
        text = f"{title}\nThe certificate ran out."
        assert fit(ticket, text, repeated=compose_query(ticket)) == fit(ticket, text) > 0
