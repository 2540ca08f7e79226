"""What was gathered reaches the model through the mask, and the note through `show`, on every way through the graph."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.core.completion import Message
from app.core.enhancement import Notice
from app.core.note import note_reference, render_note
from app.core.source import SourceKind
from app.core.steps import noting_steps
from app.core.tenant import NoteOptions
from app.errors import ModelRefused
from tests.builders import a_draft, a_source, a_tenant, a_ticket
from tests.enhancing import Answer, enhanced

TICKET = a_ticket(
    description="Outlook asks again and again. My password is Winter#2026.", requester="jane@acme.example"
)
SOURCE = a_source(text="The user jane@acme.example had Winter#2026 saved twice. Called 030 90182012.")


def declines(_: Sequence[Message]) -> str:
    raise ModelRefused("no")


def writes(text: str) -> Answer:
    return lambda _: a_draft(summary=text).model_dump_json()


@pytest.mark.parametrize(
    ("answer", "has_budget"),
    [
        (writes("Jane asks."), True),
        (writes(""), True),  # sent back, then refused
        (lambda _: "not JSON", True),
        (declines, True),
        (writes("not asked"), False),
    ],
)
async def test_no_way_to_a_note_shows_a_secret(answer: Answer, has_budget: bool) -> None:
    enhancement = await enhanced(TICKET, [SOURCE], answer, has_budget=has_budget)
    note = render_note(enhancement, NoteOptions(), reference=note_reference(a_tenant().id, TICKET.id, "1"))
    assert "saved twice" in note
    for value in ("Winter#2026", "jane@acme.example", "90182012"):
        assert value not in note
        assert value not in enhancement.model_dump_json()


async def test_the_model_gets_placeholders_and_the_note_the_contacts_that_it_may_show() -> None:
    told: list[str] = []

    def answer(messages: Sequence[Message]) -> str:
        told.extend(message.content for message in messages)
        summary = "The user [email-1] had [password-1] saved twice. Ask eve@evil.example."
        return a_draft(summary=summary).model_dump_json()

    enhancement = await enhanced(TICKET, [SOURCE], answer, note=NoteOptions(show_contacts=True))
    assert "jane@" not in "".join(told)
    assert "Winter#2026" not in "".join(told)
    assert enhancement.summary == "The user jane@acme.example had [password-1] saved twice."
    assert enhancement.unsupported > 0


async def test_an_answer_that_is_sent_back_is_masked() -> None:
    told: list[str] = []

    def answer(messages: Sequence[Message]) -> str:
        told.extend(message.content for message in messages)
        return '{"summary": "Ask eve@evil.example"}'

    await enhanced(TICKET, [SOURCE], answer)
    assert any("The answer does not fit" in content for content in told)
    assert not any("eve@evil.example" in content for content in told)


async def test_what_happened_is_told_in_words_and_what_is_as_it_should_be_is_no_fault() -> None:
    with noting_steps() as found_nothing:
        await enhanced(TICKET, [], writes("Nothing."))
    with noting_steps() as declined:
        await enhanced(TICKET, [SOURCE], declines)

    told = {step.name: (step.result, step.is_fine) for step in found_nothing}
    assert told["similar_tickets"] == ("nothing fits", True)
    assert told["write"] == ("nothing was found that fits", True)
    assert {step.name: (step.result, step.is_fine) for step in declined}["write"] == (
        "the model gave no answer",
        False,
    )


@pytest.mark.parametrize(
    ("subject", "description", "asks"),
    [
        ("Outlook shows an empty calendar", "Since yesterday it is not filled.", True),
        ("Kaffeemaschine kaputt", "Sie brüht nicht.", True),
        ("Panne de l'imprimante", "Elle est lente.", True),
        ("El escáner no funciona", "", True),
        ("New starter on Monday", "Jane Hart joins accounting. Please set up her account.", False),
        ("Visio licence", "I need a licence for Visio.", False),
        ("Order a Business Plus licence", "For Jane Hart.", False),
        ("Zugriff auf das Laufwerk", "Bitte Zugriff auf M: für Frau Weber.", False),
        ("I clicked on a link in a mail", "It was about a parcel.", False),
    ],
)
async def test_where_nothing_fits_only_a_fault_is_asked_about(subject: str, description: str, asks: bool) -> None:
    enhancement = await enhanced(a_ticket(subject=subject, description=description), [], _unasked)
    assert enhancement.notices == (Notice.NOTHING_FOUND,)
    assert bool(enhancement.questions) is asks


async def test_the_requesters_own_machine_alone_is_no_context() -> None:
    machine = a_source(SourceKind.ASSET, title="PC-0231", is_only_owned=True)
    alone = await enhanced(a_ticket(), [machine], _unasked)
    assert alone.notices == (Notice.NOTHING_FOUND,)
    assert alone.has_nothing
    for source in (a_source(), machine.model_copy(update={"is_only_owned": False})):
        assert not (await enhanced(a_ticket(), [source, machine], lambda _: a_draft().model_dump_json())).has_nothing


def _unasked(_: object) -> str:
    raise AssertionError("the model was asked")


async def test_a_ticket_that_names_no_problem_gets_questions_and_sources_but_no_answer() -> None:
    source = a_source(text="Removed the stored password in Outlook.")
    draft = a_draft(summary="Removed the stored password in Outlook.", facts=[], hypotheses=[], next_steps=[])
    for subject, said in (("Help: Outlook", ""), ("Outlook asks for the password", draft.summary)):
        ticket = a_ticket(subject=subject, description="")
        enhancement = await enhanced(ticket, [source], lambda _: draft.model_dump_json())
        assert enhancement.summary == said
        assert enhancement.questions or said
        assert enhancement.gathered[0].sources
