"""A prompt that is too long is asked again with its least valuable sources left out, and everybody is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.core.completion import Message
from app.core.enhancement import Enhancement, Notice
from app.core.labels import all_labels
from app.core.note import note_reference, render_note
from app.core.source import Source, SourceKind
from app.core.steps import Step, noting_steps
from app.core.tenant import NoteOptions
from app.enhancement.answering import MAX_PORTIONS
from app.enhancement.portion import Portion, whole_sentences
from app.errors import PromptTooLong
from tests.builders import a_draft, a_source, a_tenant, a_ticket, gathered
from tests.enhancing import enhanced

TICKET = a_ticket(description="Outlook shows no new mail since noon. " * 100)
SOURCES = [
    a_source(kind, id=f"{kind}-{number}", text=f"Source {number}. " + "Words of a source. " * 50)
    for kind in SourceKind
    if kind is not SourceKind.DOCUMENT
    for number in range(1, 4)
]
ALL = gathered(*SOURCES)
BEST_FIRST = ["T1", "K1", "A1", "M1", "T2", "K2", "A2", "M2", "T3", "K3", "A3", "M3"]
Tokens = Callable[[int, int], float | None]
"""The share of a prompt that would do, of its length and the longest that is taken."""


def exact(length: int, longest: int) -> float | None:
    return longest / length


def not_told(*_: int) -> float | None:
    return None


def wrong(*_: int) -> float | None:
    return 0.99


class Model:
    """Takes prompts up to a length, in characters."""

    def __init__(self, longest: int, share: Tokens = exact, answers: Sequence[str] = ()) -> None:
        self.longest, self.share, self.answers = longest, share, list(answers)
        self.prompts: list[str] = []

    def __call__(self, messages: Sequence[Message]) -> str:
        prompt = "".join(message.content for message in messages)
        self.prompts.append(prompt)
        if len(prompt) > self.longest:
            raise PromptTooLong("more than its context", share=self.share(len(prompt), self.longest))
        if self.answers:
            return self.answers.pop(0)
        [first, *_] = [*refs(prompt), ""]
        citing = [{"text": "Words of a source.", "citations": [first]}] if first else []
        return a_draft(summary="Words of a source.", facts=citing, next_steps=[], hypotheses=[]).model_dump_json()


def refs(prompt: str) -> list[str]:
    """Those of the sources that the model reads."""
    start = prompt.index("<<<DATA ", prompt.index("Rules:"))
    data = prompt[prompt.index("\n", start) : prompt.index("DATA>>>", start)].strip().rpartition("\n")[0]
    return [source["ref"] for source in json.loads(data)["sources"]]


def description(prompt: str) -> str:
    start = prompt.index("<<<DATA ", prompt.index("Rules:"))
    data = prompt[prompt.index("\n", start) : prompt.index("DATA>>>", start)].strip().rpartition("\n")[0]
    return str(json.loads(data)["ticket"]["description"])


def note_of(enhancement: Enhancement, **options: Any) -> str:
    reference = note_reference(a_tenant().id, TICKET.id, "1")
    return render_note(enhancement, NoteOptions(**options), reference=reference)


def of(steps: list[Step], name: str) -> list[str]:
    return [step.result for step in steps if step.name == name]


@pytest.mark.parametrize(("longest", "left"), [(16_400, 8), (14_300, 6), (12_400, 4), (10_000, 2), (8_800, 1)])
async def test_one_more_call_is_enough_where_the_endpoint_tells_its_size(
    longest: int, left: int, logged: list[Any]
) -> None:
    model = Model(longest)
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, SOURCES, model)
    assert len(model.prompts) == 2
    assert sorted(refs(model.prompts[1])) == sorted(BEST_FIRST[: len(refs(model.prompts[1]))])
    assert abs(len(refs(model.prompts[1])) - left) <= 1
    assert enhancement.notices == (Notice.SOURCES_LEFT_OUT,)
    assert set(enhancement.left_out) == set(BEST_FIRST) - set(refs(model.prompts[1]))
    out = len(enhancement.left_out)
    assert f"without {out} of 12 sources, as the prompt was too long" in of(steps, "write")[0]
    assert "sources were left out" in of(steps, "check")[0]
    assert of(steps, "check")[0].startswith("accepted, confidence")
    [entry] = [entry for entry in logged if entry["event"] == "prompt_shortened"]
    assert (entry["told"], entry["sources_left_out"]) == (True, out)


@pytest.mark.parametrize("share", [not_told, wrong])
async def test_where_the_endpoint_tells_nothing_of_use_a_few_calls_are(share: Tokens) -> None:
    model = Model(8_000, share)
    enhancement = await enhanced(TICKET, SOURCES, model)
    assert enhancement.summary
    assert len(model.prompts) <= MAX_PORTIONS
    lengths = [len(prompt) for prompt in model.prompts]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(model.prompts)) == len(model.prompts), "never sent again as it is"


async def test_all_that_was_found_stays_in_the_note_which_names_what_the_model_did_not_read() -> None:
    enhancement = await enhanced(TICKET, SOURCES, Model(8_000))
    assert [len(group.sources) for group in enhancement.gathered] == [3, 3, 3, 3]
    for language in all_labels():
        html = note_of(enhancement, language=language, max_words=500)
        assert ", ".join(enhancement.left_out) in html
        assert "{" not in html


async def test_a_source_that_the_model_was_not_given_cannot_be_cited() -> None:
    cites = a_draft(
        facts=[{"text": "Words of a source.", "citations": ["M3", "T1"]}, {"text": "Source 3.", "citations": ["M3"]}]
    ).model_dump_json()
    model = Model(12_000, answers=[cites, cites])
    enhancement = await enhanced(TICKET, SOURCES, model)
    assert "M3" in enhancement.left_out
    assert {ref for fact in enhancement.facts for ref in fact.citations}.isdisjoint(enhancement.left_out)
    assert enhancement.facts[0].citations == ["T1"]


async def test_then_the_end_of_the_description_is_left_out_too() -> None:
    model = Model(5_500)
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, SOURCES, model)
    assert enhancement.notices == (Notice.SOURCES_LEFT_OUT, Notice.DESCRIPTION_SHORTENED)
    assert refs(model.prompts[-1]) == []
    assert 500 <= len(description(model.prompts[-1])) < len(TICKET.description)
    assert "with a part of the description" in of(steps, "write")[0]
    assert "did not read the end of the description" in note_of(enhancement)


@pytest.mark.parametrize("share", [exact, not_told, wrong])
async def test_a_ticket_that_is_too_long_by_itself_is_told_as_such(share: Tokens, logged: list[Any]) -> None:
    model = Model(100, share)
    enhancement = await enhanced(TICKET, SOURCES, model)
    assert enhancement.notices == (Notice.TICKET_TOO_LONG,)
    assert enhancement.is_context_only
    assert enhancement.left_out == ()
    assert len(model.prompts) <= MAX_PORTIONS
    assert refs(model.prompts[-1]) == []
    told = description(model.prompts[-1])
    assert 450 < len(told) <= 500
    assert told.endswith("."), "no sentence is cut off"
    assert [entry["code"] for entry in logged if entry["event"] == "model_declined"] == ["prompt_too_long"]


async def test_a_short_ticket_without_much_to_leave_out_is_not_asked_again_as_it_is() -> None:
    model = Model(100)
    await enhanced(a_ticket(), [a_source()], model)
    assert len(model.prompts) == 2


async def test_a_repair_that_is_too_long_asks_the_question_again_with_less() -> None:
    model = Model(10_000_000, answers=["Sorry, no.", a_draft(summary="Words of a source.").model_dump_json()])

    def answer(messages: Sequence[Message]) -> str:
        if len(messages) > 2:
            model.longest = 12_000
        return model(messages)

    enhancement = await enhanced(TICKET, SOURCES, answer)
    assert len(model.prompts) == 3
    assert "Sorry, no." not in model.prompts[-1]
    assert enhancement.notices == (Notice.SOURCES_LEFT_OUT,)


async def test_a_repair_that_is_too_long_leaves_the_first_answer_as_it_is() -> None:
    blemished = a_draft(
        facts=[{"text": "Words of a source.", "citations": ["T1"]}],
        next_steps=[{"text": "Format the system volume.", "citations": ["T1"]}],
    ).model_dump_json()
    model = Model(10_000_000, answers=[blemished])

    def answer(messages: Sequence[Message]) -> str:
        if len(messages) > 2:
            model.longest = 12_000
        return model(messages)

    enhancement = await enhanced(TICKET, SOURCES, answer)
    assert len(model.prompts) == 2
    assert [fact.citations for fact in enhancement.facts] == [["T1"]]
    assert enhancement.notices == ()


@pytest.mark.parametrize("kinds", [[SourceKind.TICKET], [SourceKind.MEASUREMENT], list(SourceKind)])
def test_the_last_of_each_kind_goes_first_then_the_last_kinds(kinds: list[SourceKind]) -> None:
    portion: Portion | None = Portion(gathered(*[source for source in SOURCES if source.kind in kinds]))
    order: list[str] = []
    while portion is not None and any(group.sources for group in portion.gathered):
        before = portion
        portion = portion.shortened(TICKET, prompt_chars=10, share=None)
        assert portion is not None
        order = [*portion.left_out(before.gathered), *order]
    assert order == [ref for ref in BEST_FIRST if ref in {source.ref for source in sources(kinds)}]


def test_of_the_others_what_is_worth_least_for_its_length_goes_first_and_the_best_of_each_kind_last() -> None:
    ticket = [a_source(id=str(number), score=score, text="w " * 300) for number, score in enumerate((0.8, 0.7, 0.1))]
    article = [a_source(SourceKind.ARTICLE, id=str(number), score=0.5, text="w " * 60) for number in range(3)]
    portion: Portion | None = Portion(gathered(*ticket, *article))
    order: list[str] = []
    while portion is not None and any(group.sources for group in portion.gathered):
        before, portion = portion, portion.shortened(TICKET, prompt_chars=10, share=None)
        assert portion is not None
        order += portion.left_out(before.gathered)
    assert order == ["T3", "T2", "K3", "K2", "K1", "T1"]


@pytest.mark.parametrize(
    ("text", "max_chars", "whole"),
    [
        ("One is here. Two is there. Three", 30, "One is here. Two is there."),
        ("One is here. Two is the…", 100, "One is here."),
        ("First line\nsecond li…", 100, "First line"),
        ("Use drive C: or D: e.g. this one, please", 30, "Use drive C: or D: e.g. this…"),
        ("Whole as it is", 100, "Whole as it is"),
        ("接続できない。再起動した。まだ", 13, "接続できない。再起動した。"),
        ("x" * 50, 20, "x" * 20),
    ],
)
def test_no_text_ends_within_a_sentence(text: str, max_chars: int, whole: str) -> None:
    assert whole_sentences(text, max_chars=max_chars) == whole


def sources(kinds: list[SourceKind]) -> list[Source]:
    return [source for group in gathered(*SOURCES) if group.kind in kinds for source in group.sources]
