"""What the workflow does with an answer that is no draft yet: sent back, asked for again, told, and never more of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.core.completion import Completion, Message
from app.core.enhancement import Notice
from app.core.note import note_reference, render_note
from app.core.steps import Step, noting_steps
from app.core.tenant import NoteOptions
from app.errors import AppError, ContentFiltered, ModelDeclined, PromptTooLong
from tests.builders import a_draft, a_source, a_tenant, a_ticket
from tests.enhancing import enhanced

TICKET = a_ticket(description="Outlook shows no new mail since noon, says Jane.")
DRAFT = a_draft()
OBJECT = DRAFT.model_dump_json()
THOUGHT = "<think>SECRETLY {500, 4500}</think>"


def cut_off(text: str) -> Completion:
    return Completion(text=text, model="gpt-4o-mini", completion_tokens=4000, cut_at=4000)


class Model:
    """Gives one answer after another, and keeps what it was asked."""

    def __init__(self, *answers: str | Completion) -> None:
        self.answers = list(answers)
        self.asked: list[list[tuple[str, str]]] = []

    def __call__(self, messages: Sequence[Message]) -> str | Completion:
        self.asked.append([(message.role, message.content) for message in messages])
        return self.answers.pop(0)


def of(steps: list[Step], name: str) -> list[tuple[str, bool]]:
    return [(step.result, step.is_fine) for step in steps if step.name == name]


@pytest.mark.parametrize("answer", [THOUGHT + OBJECT, f"Sure:\n```json\n{OBJECT}\n```\nBye.", f"[{OBJECT}]"])
async def test_an_answer_with_something_around_costs_one_call(answer: str) -> None:
    model = Model(answer)
    enhancement = await enhanced(TICKET, [a_source()], model)
    assert enhancement.summary == DRAFT.summary
    assert "SECRETLY" not in enhancement.model_dump_json()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (f"{THOUGHT}Sorry, I can't.", "Sorry, I can't."),
        (THOUGHT + a_draft(summary="").model_dump_json(), '"facts"'),
        ("SECRETLY</think>" + '{"summary": "Only this.", "thoughts": "SECRETLY"}', "Only this."),
    ],
)
async def test_what_is_sent_back_has_no_thoughts(answer: str, kept: str) -> None:
    model = Model(answer, OBJECT)
    await enhanced(TICKET, [a_source()], model)
    [role, content] = model.asked[1][-2]
    assert role == "assistant"
    assert kept in content
    assert "SECRETLY" not in str(model.asked)


@pytest.mark.parametrize("text", ["", OBJECT[: len(OBJECT) // 2], "<think>SECRETLY", '{"summary": "It'])
async def test_an_answer_that_was_cut_off_is_asked_for_once_more_with_room(text: str, logged: list[Any]) -> None:
    model, rooms = Model(cut_off(text), OBJECT), list[bool]()
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, [a_source()], model, rooms=rooms)
    assert enhancement.summary == DRAFT.summary
    assert model.asked[0] == model.asked[1]
    assert rooms == [False, True]
    assert of(steps, "write")[0] == ("gpt-4o-mini answered, cut off at its limit of 4000 tokens", True)
    assert of(steps, "check")[0] == ("asked the model once more: cut off at its limit of 4000 tokens", False)
    [entry] = [entry for entry in logged if entry["event"] == "answer_sent_back"]
    assert entry["why"] == "cut off at its limit of 4000 tokens"


async def test_an_answer_that_stays_cut_off_is_said_to_be(logged: list[Any]) -> None:
    model = Model(cut_off(""), cut_off(OBJECT[:40]).model_copy(update={"cut_at": 16_000}))
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, [a_source()], model)
    assert enhancement.notices == (Notice.ANSWER_UNUSABLE,)
    assert (enhancement.model, enhancement.asked) == (None, "gpt-4o-mini")
    told = "the model's answer was unusable: cut off at its limit of 16000 tokens"
    assert of(steps, "check")[-1] == (told, False)
    assert [entry["cause"] for entry in logged if entry["event"] == "answer_refused"] == [
        "cut off at its limit of 16000 tokens"
    ]


async def test_an_answer_that_is_whole_is_used_although_its_limit_was_reached() -> None:
    model = Model(cut_off(OBJECT))
    assert (await enhanced(TICKET, [a_source()], model)).summary == DRAFT.summary


@pytest.mark.parametrize("text", ["", THOUGHT, "<think>SECRETLY"])
async def test_thoughts_alone_are_no_answer(text: str, logged: list[Any]) -> None:
    model = Model(text, text)
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, [a_source()], model)
    assert enhancement.notices == (Notice.ANSWER_UNUSABLE,)
    assert model.asked[0] == model.asked[1], "there is nothing to send back"
    assert "no answer" in of(steps, "check")[-1][0]
    assert "SECRETLY" not in str(logged) + str(steps)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Ask Jane.", "no JSON object of the schema"),
        (a_draft(summary=" ").model_dump_json(), "an empty summary"),
        ('{"summary": "Jane"}', "facts: Field required"),
        (f"{OBJECT} {a_draft(summary='Jane').model_dump_json()}", "several different objects"),
    ],
)
async def test_why_an_answer_is_sent_back_is_told_without_its_words(answer: str, why: str, logged: list[Any]) -> None:
    with noting_steps() as steps:
        await enhanced(TICKET, [a_source()], Model(answer, OBJECT))
    assert [entry["why"] for entry in logged if entry["event"] == "answer_sent_back"] == [why]
    assert of(steps, "check")[0] == (f"sent back to the model once: {why}", False)
    assert "Jane" not in str(logged) + str(steps)


def raising(error: AppError) -> Callable[[Sequence[Message]], str]:
    def answer(_: Sequence[Message]) -> str:
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "notice", "told", "note"),
    [
        (
            ContentFiltered("the model's content filter refused this ticket"),
            Notice.MODEL_DECLINED,
            "the model declined: the model's content filter refused this ticket",
            "The model declined",
        ),
        (ModelDeclined("it said no"), Notice.MODEL_DECLINED, "the model declined: it said no", "The model declined"),
        (
            PromptTooLong("more than its context"),
            Notice.TICKET_TOO_LONG,
            "the ticket is too long for the model: more than its context",
            "too long for the model",
        ),
    ],
)
async def test_a_refusal_of_this_one_ticket_is_told_as_such(
    error: AppError, notice: Notice, told: str, note: str, logged: list[Any]
) -> None:
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, [a_source()], raising(error))
    assert enhancement.notices == (notice,)
    assert of(steps, "write") == [(told, False)]
    assert [entry["cause"] for entry in logged if entry["event"] == "model_declined"] == [error.detail]
    html = render_note(enhancement, NoteOptions(), reference=note_reference(a_tenant().id, TICKET.id, "1"))
    assert note in html
    assert "could not be reached" not in html


async def test_that_no_source_fits_and_what_it_is_about_is_paid_once_and_nothing_of_it_stands_apart() -> None:
    """As a large model words it (eval/recorded): no source says that it does not fit."""
    says = "No source fits. The earlier ticket was about a hidden printer, not about Outlook, which stays white."
    draft = a_draft(summary=says, facts=[], hypotheses=[], next_steps=[], questions=["since_when"])
    model = Model(draft.model_dump_json())
    enhancement = await enhanced(a_ticket(), [a_source()], model)
    assert len(model.asked) == 1
    assert (enhancement.summary, enhancement.apart) == ("No source fits.", ())
    assert enhancement.questions
