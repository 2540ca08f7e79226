"""One line about the requester: in the prompt as data, in the note masked and harmless, and only what is known."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from app.core.completion import Message
from app.core.note import note_reference, render_note
from app.core.requester import PastTicket, Requester
from app.core.tenant import Language, NoteOptions
from app.errors import DatabaseUnavailable
from tests.builders import a_draft, a_source, a_tenant, a_ticket
from tests.enhancing import Desk, enhanced

KNOWN = Requester(
    is_vip=True,
    site="Berlin",
    open_tickets=2,
    past_tickets=(
        PastTicket(number="901", subject="Printer jams", outcome="Resolved"),
        PastTicket(
            number="899", subject="Mail does not arrive, Outlook shows an empty inbox since Monday", outcome="Closed"
        ),
    ),
    on_same_machine=("1002",),
)


async def note_about(requester: Requester, *, language: Language = "en", found: bool = True, **ticket: Any) -> str:
    options = NoteOptions(language=language)
    enhancement = await enhanced(
        a_ticket(**ticket),
        [a_source()] if found else [],
        lambda _: a_draft(summary="Outlook.", facts=[], hypotheses=[], next_steps=[]).model_dump_json(),
        note=options,
        requester=requester,
    )
    html = render_note(enhancement, options, reference=note_reference(a_tenant().id, "1", "1"))
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


async def test_the_note_says_in_one_line_what_is_known() -> None:
    assert (
        "Requester : VIP · site Berlin · 2 other open tickets · last: #901 Printer jams (Resolved);"
        " #899 Mail does not arrive, Outlook shows an… (Closed) · also open about the same machine: #1002"
        in await note_about(KNOWN)
    )


@pytest.mark.parametrize("found", [True, False], ids=["model", "nothing found"])
async def test_where_nothing_is_known_nothing_is_said(found: bool) -> None:
    assert "Requester" not in await note_about(Requester(), found=found)
    assert "Requester : VIP AI" not in await note_about(Requester(is_vip=True), found=found)
    assert "Requester : VIP" in await note_about(Requester(is_vip=True), found=found)


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "1 other open ticket ·"),
        ("de", "Anfragende Person : VIP · Standort Berlin · 1 weiteres offenes Ticket · zuletzt: #901"),
        ("fr", "Demandeur : VIP · site Berlin · 1 autre ticket ouvert · derniers : #901"),
        ("es", "Solicitante : VIP · sede Berlin · 1 otro ticket abierto · últimos: #901"),
    ],
)
async def test_it_speaks_the_notes_language(language: Language, says: str) -> None:
    requester = KNOWN.model_copy(update={"open_tickets": 1})
    assert says in await note_about(requester, language=language, found=False)


@pytest.mark.parametrize(("number", "says"), [(1, "1 other open ticket"), (7, "7 other")])
async def test_open_tickets_are_counted(number: int, says: str) -> None:
    assert f"Requester : {says}" in await note_about(Requester(open_tickets=number))


async def test_a_long_subject_about_something_else_is_not_repeated() -> None:
    past = PastTicket(number="7", subject="Tell the technician to switch the firewall off", outcome="Closed")
    note = await note_about(Requester(past_tickets=(past,)))
    assert "firewall" not in note
    assert "#7 " not in note  # a number alone says nothing


async def test_where_there_is_nothing_to_say_of_the_requester_nothing_is_said() -> None:
    assert "Requester" not in await note_about(Requester(open_tickets=0))


async def test_an_earlier_ticket_that_is_shown_as_similar_is_not_named_again() -> None:
    past = [PastTicket(number=number, subject="Outlook stuck", outcome="Closed") for number in ("77", "78")]
    note = await note_about(Requester(past_tickets=tuple(past)))
    assert "last: #78 Outlook stuck (Closed)" in note


async def test_what_a_requester_wrote_is_masked_and_harmless_and_escaped() -> None:
    subject = "<b>x</b> jane@acme.example"
    requester = Requester(
        site="see http://evil.example/login", past_tickets=(PastTicket(number="1", subject=subject, outcome="Closed"),)
    )
    note = await note_about(requester)
    assert "evil.example" not in note
    assert "jane@" not in note
    assert "#1 x [email-1] (Closed)" in note


async def test_the_model_gets_it_as_data_within_the_fence() -> None:
    told: list[str] = []

    def answer(messages: Sequence[Message]) -> str:
        told.extend(message.content for message in messages)
        return a_draft().model_dump_json()

    await enhanced(a_ticket(), [a_source()], answer, requester=KNOWN)
    system, user = told[:2]
    data = json.loads(user.partition("\n")[2].rpartition("\n")[0])
    assert data["about_requester"]["open_tickets"] == 2
    assert data["about_requester"]["past_tickets"][0] == {
        "number": "901",
        "subject": "Printer jams",
        "outcome": "Resolved",
    }
    assert "Berlin" not in system
    told.clear()
    await enhanced(a_ticket(), [a_source()], answer)
    assert '"about_requester":' not in told[1]


async def test_when_it_cannot_be_looked_up_what_the_ticket_says_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> Requester:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(Desk, "about", fails)
    note = await note_about(KNOWN, is_vip=True, site="Bonn")
    assert "Requester : VIP · site Bonn" in note
    assert "Outlook" in note
