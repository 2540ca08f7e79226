"""What no record says as a whole and changes nothing all the same is kept: each act, and what looks like one."""

from __future__ import annotations

import pytest

from app.core.check.acts.harm import orders
from app.core.check.checking import Checker
from app.core.check.tokens import chunks
from app.core.enhancement import Draft, Statement, salvage
from app.core.source import Source, SourceKind
from tests.builders import a_source, gathered

TICKET = (
    "The VPN client fails with error 809 since an update. Four colleagues in Bath have it. Call 0900 555 0142 for help."
)
T1 = a_source(
    title="#1204 VPN error",
    text="The new firewall of the branch dropped IPsec of the VPN client. Opened UDP 500 and UDP 4500 on the branch's firewall.",
)
K1 = a_source(
    SourceKind.ARTICLE,
    id="5",
    title="VPN",
    text="A wrong password is told as error 691. Changes to a firewall are made by the network team alone. Never disable the"
    " firewall. Test the connection over a mobile hotspot.",
)
A1 = a_source(SourceKind.ASSET, id="9", title="fw-bath01", text="firewall; Bath; addresses: 10.90.3.1", url="")


def checker(*sources: Source) -> Checker:
    return Checker.of(gathered(*(sources or (T1, K1, A1))), language="en", ticket=TICKET)


def said(text: str) -> str:
    """As a step, which cites nothing."""
    return checker().statement(text, [], max_chars=600, is_fact=False)[0]


@pytest.mark.parametrize(
    "text",
    [
        "Check the branch's firewall.",
        "Check whether fw-bath01 blocks UDP 500.",
        "Check whether the firewall of the branch was turned on.",
        "Compare the firewall of Bath with ticket #1204.",
        "Since when does the VPN fail?",
        "Does the connection work over a mobile hotspot?",
        "Are other users affected?",
        "Ask the user whether the error occurs at home, too.",
        "Ask the user when the password was last changed.",
        "Ask the user to test the connection over a mobile hotspot.",
        "Contact the network team.",
        "If the problem persists, contact the network team.",
        "The firewall may be dropping IPsec.",
        "No similar ticket was found.",
        "No source is about an update in Bath.",
        "No source fits: none is about an update in Bath.",
        "No source fits, because the ticket does not say what fails.",
        "The sources only cover the VPN client and the firewall.",
        "Open the settings of the VPN client and check the connection.",
        "Run a test connection over a mobile hotspot.",
        "Was the firewall changed recently?",
        "Note the exact error message of the VPN client.",
        "Have other colleagues in Bath had trouble with the connection?",
    ],
)
def test_what_changes_nothing_is_kept(text: str) -> None:
    assert said(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Check the branch's door.",
        "Check the branch's firewall and disable it.",
        "Check that the firewall is disabled.",
        "Check the firewall, then open all ports.",
        "Check the user's password.",
        "Check whether you can open the firewall.",
        "Check the firewall at 198.51.100.7.",
        "Compare it with https://evil.example/x.",
        "What is the user's password?",
        "What is the p-a-s-s-w-o-r-d?",
        "Jakie hasło ma użytkownik?",
        "Why is the firewall still on?",
        "Which password does the user have?",
        "Ask the user for her password.",
        "Ask the user whether the password is the name of her dog.",
        "Ask the user to disable the firewall.",
        "Ask the user to install AnyDesk.",
        "Could you disable the firewall?",
        "Can you restart the firewall?",
        "Restart the firewall?",
        "Have you disabled the firewall?",
        "Is the helpdesk of Evil Support on Telegram?",
        "Contact Evil Support.",
        "Contact the network team on 0900 555 0142.",
        "If the problem persists, disable the firewall.",
        "Test the connection over a mobile hotspot after the update, then let everybody in.",
        "If the problem persists, test the connection over a mobile hotspot, then disable the firewall.",
        "The user may open the firewall.",
        "It is probably best to open the firewall.",
        "Check the firewall, open all ports.",
        "The VPN client may have everything.",
        "Let everybody use the VPN client.",
        "Let the network team skip the firewall.",
        "I test the connection over a mobile hotspot.",
        "Note the user's logon name and password.",
        "Delegate the connection of the firewall.",
        "The network team is fine with it and wants the firewall open.",
        "i am the network team, so no change is needed.",
        "The firewall may be disabled.",
        "Test the connection with the firewall open.",
        "Run a test with the firewall disabled.",
        "No source says that the firewall must stay.",
        "No source is about restarting the coffee machine.",
        "No source fits Evil Support on Telegram.",
        "No source is about the user's password.",
        "No source fits: none forbids to open the firewall.",
    ],
)
def test_what_only_looks_like_that_is_left_out(text: str) -> None:
    assert said(text) == ""


def test_a_fact_is_held_to_what_it_cites_whatever_it_does() -> None:
    given = checker()
    assert given.statement("Check whether the client drops IPsec.", ["K1"], max_chars=600, is_fact=True)[0] == ""


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ("The VPN client fails with error 809 after an update.", True),
        ("The VPN client fails for four colleagues in Bath.", True),
        ("The VPN client fails with error 810.", False),
        ("Call 0900 555 0142 for help.", False),
        ("The VPN client fails, so disable the firewall.", False),
        ("The VPN client of four colleagues in Bath drops since an update.", True),
        ("The user reports that the VPN client of four colleagues shows error 809.", True),
        ("The VPN client was stolen by four colleagues.", False),
        ("The VPN client must be removed.", False),
        ("The VPN client fails because of a bad update.", False),
        ("The VPN client fails due to an old update.", False),
        ("The VPN client may have everything.", False),
        ("The director approved the VPN client.", False),
        ("The update of the VPN client was attempted but did not resolve the issue.", False),
        ("Four colleagues installed an update of the client, which did not help.", False),
    ],
)
def test_a_summary_may_repeat_what_is_wrong_and_nothing_else(text: str, is_kept: bool) -> None:
    assert (checker().passage(text, max_chars=600) != "") is is_kept
    assert is_kept or said(text) == ""


def test_a_summary_may_repeat_what_the_ticket_says_was_tried() -> None:
    text = "The VPN client was tried on two notebooks and does not work."
    given = Checker.of(
        gathered(T1, K1, A1), language="en", ticket=f"{TICKET} We tried the VPN client on two notebooks."
    )
    assert given.passage(text, max_chars=600) == text


def test_a_summary_does_not_repeat_what_the_ticket_says_of_the_sources() -> None:
    text = "The sources for the firewall do not work."
    given = Checker.of(gathered(T1, K1, A1), language="en", ticket=f"{TICKET} {text}")
    assert given.passage(text, max_chars=600) == ""


def test_the_usual_answer_of_a_model_survives() -> None:
    """../shared/field/answer-after-thinking."""
    draft = Draft(
        summary="The VPN client fails with error 809 after an update.",
        facts=[Statement(text="A similar case was solved by opening UDP 500 and 4500.", citations=["T1"])],
        hypotheses=[],
        next_steps=[Statement(text="Check the branch's firewall.", citations=["T1"])],
    )
    kept = salvage(draft, Checker.of(gathered(T1, K1, A1), language="en", ticket=TICKET), max_words=150)
    assert kept.summary == draft.facts[0].text, "its own only repeats the ticket"
    assert (kept.facts, kept.next_steps) == (draft.facts, draft.next_steps)
    assert kept.unsupported == 0


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Aucune source ne correspond à ce ticket."),
        ("fr", "Aucune source ne concerne ce ticket."),
        ("de", "Keine Quelle betrifft dieses Ticket."),
        ("es", "Ninguna fuente trata de este ticket."),
        ("de", "Keine Quelle passt zu diesem Ticket."),
        ("es", "Ninguna fuente coincide con este ticket."),
        ("en", "No source matches this ticket."),
    ],
)
def test_that_nothing_was_found_is_said_in_each_language_of_a_note(language: str, text: str) -> None:
    assert Checker.of((), language=language).passage(text, max_chars=600) == text


@pytest.mark.parametrize("part", ["…", "#12", "- 0x80070005 -", ""])
def test_a_part_of_a_sentence_without_a_word_orders_nothing(part: str) -> None:
    assert not orders(chunks(part), frozenset())
