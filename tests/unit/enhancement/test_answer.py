"""An answer that holds exactly one object of the schema is that answer, whatever stands around it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.enhancement import find_problems
from app.enhancement.answer import read_answer
from app.enhancement.write import parse_draft
from app.errors import ModelRefused
from tests.builders import a_draft

DRAFT = a_draft()
OBJECT = DRAFT.model_dump_json()
OTHER = a_draft(summary="A first thought, SECRETLY given up.").model_dump_json()


def changed(**changes: Any) -> str:
    return json.dumps({**DRAFT.model_dump(mode="json"), **changes})


def without(key: str) -> str:
    return json.dumps({name: value for name, value in DRAFT.model_dump(mode="json").items() if name != key})


AROUND = {
    "a sentence before": "Here is the object you asked for:\n" + OBJECT,
    "a sentence after": OBJECT + "\nTell me if you need more, e.g. {details}.",
    "a fence": f"```json\n{OBJECT}\n```",
    "a fence in capitals, words around": f"Sure.\n\n```JSON\n{OBJECT}\n```\n\nAnything else?",
    "a fence that never ends": f"```\n{OBJECT}",
    "a byte order mark": "\ufeff" + OBJECT,
    "another object": '{"ok": true} ' + OBJECT,
    "the same object twice": f"{OBJECT}\n{json.dumps(json.loads(OBJECT), indent=2)}",
    "a list of one": f"[{OBJECT}]",
    "one level down": f'{{"enhancement": {OBJECT}}}',
    "two levels down": f'{{"result": [{{"draft": {OBJECT}}}]}}',
    "a call's arguments": json.dumps({"name": "enhancement", "arguments": OBJECT}),
    "encoded twice": json.dumps(OBJECT),
    "a line break in a text": OBJECT.replace("no mail. A", "no mail.\nA"),
    "a comma too many": OBJECT.replace('["T1"]', '["T1",]', 1)[:-1] + ",\n}",
    "a comment": OBJECT.replace('"facts"', '// see https://sdp.example\n"facts"'),
    "blanks of another kind": OBJECT.replace(":", ":\u00a0"),
    "a call in marks": f'<tool_call>{{"name": "enhancement", "arguments": {OBJECT}}}</tool_call>',
    "a template's own marks": f"{OBJECT}<|eot_id|><|start_header_id|>assistant<|end_header_id|>",
    "a schema that is repeated": '{"type": "object", "properties": {"summary": {"type": "string"}}}\n' + OBJECT,
    "escaped quotes": OBJECT.replace('"', '\\"'),
    "encoded twice, words before": "Result: " + json.dumps(OBJECT),
    "escapes that JSON does not have": OBJECT.replace("mail.", r"mail\."),
    "a comment of several lines": OBJECT.replace('"facts"', '/* what\n is known **/ "facts"'),
    "without its last brace": OBJECT[:-1],
    "a fence, without its last brace": f"```json\n{OBJECT[:-1]}\n```",
    "an example with names": '{"summary": "<summary>", "facts": [], "hypotheses": [], "next_steps": []}\n' + OBJECT,
    "escaped for HTML": OBJECT.replace('"', "&quot;"),
    "quoted as in a mail": "\n".join(f"> {line}" for line in DRAFT.model_dump_json(indent=1).split("\n")),
    "typographic quotation marks": OBJECT.replace('{"', "{“").replace('"', "”"),
    "keys without quotes": re.sub(r'"(\w+)":', r"\1:", OBJECT),
    "comments of Python": DRAFT.model_dump_json(indent=1).replace('"facts"', '# What is known\n "facts"'),
    "dots for what is left out": OBJECT[:-1] + ", ...}",
    "an example with dots": '{"summary": "...", "facts": [], "confidence": "low|medium|high"}\n' + OBJECT,
}


@pytest.mark.parametrize("answer", AROUND.values(), ids=AROUND)
def test_what_stands_around_the_object_is_left_out(answer: str) -> None:
    read = read_answer(answer)
    # The line break in a text is the draft's own.
    assert read.draft is not None
    assert read.draft.facts == DRAFT.facts
    assert read.draft.summary.replace("\n", " ") == DRAFT.summary


THOUGHTS: dict[str, Callable[[str], str]] = {
    "think": lambda thought: f"<think>\n{thought}\n</think>\n\n{OBJECT}",
    "empty": lambda _: f"<think>\n\n</think>\n\n{OBJECT}",
    "capitals": lambda thought: f"<THINK>{thought}</THINK>{OBJECT}",
    "reasoning": lambda thought: f"<reasoning>{thought}</reasoning><answer>{OBJECT}</answer>",
    "with a prefix": lambda thought: f"<seed:think>{thought}</seed:think>{OBJECT}",
    "an attribute": lambda thought: f'<thought step="1">{thought}</thought>{OBJECT}',
    "nested": lambda thought: f"<think><think>{thought}</think>{thought}</think>{OBJECT}",
    "the closing mark alone": lambda thought: f"{thought}\n</think>\n{OBJECT}",
    "after": lambda thought: f"{OBJECT}\n<think>{thought}",
    "before and after": lambda thought: f"<think>{thought}</think>{OBJECT}<think>{thought}</think>",
    "gpt-oss": lambda thought: (
        f"<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>"
        f"{OBJECT}<|return|>"
    ),
    "gpt-oss, final alone": lambda _: f"<|channel|>final<|message|>{OBJECT}<|end|>",
    "gpt-oss without its marks": lambda thought: f"analysis{thought}assistantfinal{OBJECT}",
    "gemma": lambda thought: f"<|channel>thought\n{thought}<channel|>{OBJECT}",
    "magistral": lambda thought: f"[THINK]{thought}[/THINK]{OBJECT}",
    "kimi": lambda thought: f"◁think▷{thought}◁/think▷{OBJECT}",
    "cohere": lambda thought: f"<|START_THINKING|>{thought}<|END_THINKING|><|START_RESPONSE|>{OBJECT}<|END_RESPONSE|>",
    "open thoughts": lambda thought: (
        f"<|begin_of_thought|>{thought}<|end_of_thought|><|begin_of_solution|>{OBJECT}<|end_of_solution|>"
    ),
    "medgemma": lambda thought: f"<unused94>thought\n{thought}<unused95>{OBJECT}",
    "gpt-oss without its marks, JSON": lambda thought: f"analysis{thought} So answerassistantfinal json{OBJECT}",
    "granite": lambda thought: f"Here is my thought process:\n{thought}\n\nHere is my response:\n{OBJECT}",
    "s1": lambda thought: f"<|im_start|>think\n{thought}\n<|im_start|>answer\n{OBJECT}<|im_end|>",
    "open webui": lambda thought: (
        f'<details type="reasoning" done="true"><summary>Thought for 5 seconds</summary>{thought}</details>\n{OBJECT}'
    ),
    "a key of its own": lambda thought: json.dumps(
        {"thoughts": {"first": json.loads(OTHER), "text": thought}, "final": json.loads(OBJECT)}
    ),
    "apertus": lambda thought: f"<|inner_prefix|>{thought}<|inner_suffix|>{OBJECT}",
    "marks escaped for HTML": lambda thought: f"&lt;think&gt;\n{thought}\n&lt;/think&gt;\n{OBJECT}",
    "opened by the template": lambda _: f"<think>\n{OBJECT}",
    "closed by the template": lambda _: f"{OBJECT}\n</think>",
}


@pytest.mark.parametrize("around", THOUGHTS.values(), ids=THOUGHTS)
@pytest.mark.parametrize(
    "thought",
    ["UDP {500, 4500}, said SECRETLY.", f"SECRETLY: {OTHER}", f"First {OTHER}, then {changed(summary='SECRETLY')}"],
    ids=["braces", "a draft", "drafts"],
)
def test_thoughts_are_never_read_and_never_sent_back(around: Callable[[str], str], thought: str) -> None:
    read = read_answer(around(thought))
    assert read.draft == DRAFT
    assert "SECRETLY" not in read.said


@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```"])
def test_an_answer_at_the_end_of_thoughts_that_were_not_closed_is_read(around: str) -> None:
    read = read_answer("<think>SECRETLY, so:\n" + around.format(OBJECT))
    assert read.draft == DRAFT
    assert "SECRETLY" not in read.said


@pytest.mark.parametrize(
    "answer",
    [
        *("<think>SECRETLY</think>", "<think>SECRETLY, for", f"<think>maybe {OTHER}, but", "SECRETLY</think>\n"),
        *(f"<think>so {OTHER}</think>", f"<think>so {OTHER}, or {OBJECT}", "<think>SECRETLY {500, 4500}"),
    ],
)
def test_thoughts_alone_are_no_answer_and_that_is_said(answer: str) -> None:
    read = read_answer(answer)
    assert (read.draft, read.said) == (None, "")
    assert read.problem is not None
    assert read.problem.reason == "no answer, thoughts alone"


def test_prose_is_sent_back_without_its_thoughts() -> None:
    assert read_answer("<think>SECRETLY</think>Sorry, no.").said == "Sorry, no."


def test_a_thought_within_a_text_is_taken_out_and_a_placeholder_stays() -> None:
    summary = "<think>SECRETLY</think>Set -Reason <reason> in the script."
    read = read_answer(changed(summary=summary))
    assert read.draft is not None
    assert read.draft.summary == "Set -Reason <reason> in the script."


def test_a_mark_within_an_objects_text_is_text() -> None:
    facts = [{"text": "The gateway strips `</think>` and <think>.", "citations": ["T1"]}]
    read = read_answer(changed(facts=facts) + " Done.")
    assert read.draft is not None
    assert read.draft.summary == DRAFT.summary


SAME = {
    "an older schema's order and its confidence": json.dumps(
        {"summary": DRAFT.summary, **json.loads(OBJECT), "confidence": "Medium confidence."}
    ),
    "questions of its own": changed(questions=["Did you try to turn it off?", {"q": 1}]),
    "a summary with its citations": changed(
        summary={"text": DRAFT.summary, "citations": ["T1"]}, summary_citations=None
    ),
    "one key more": changed(language="en"),
    "thoughts as a key": changed(reasoning="SECRETLY"),
    "a citation as text": changed(facts=[{"text": DRAFT.facts[0].text, "citations": "T1"}]),
    "in brackets": changed(facts=[{"text": DRAFT.facts[0].text, "citations": ["[T1]"]}]),
    "as letters in small": changed(facts=[{"text": DRAFT.facts[0].text, "citations": ["t1"]}]),
    "with its title": changed(facts=[{"text": DRAFT.facts[0].text, "citations": ["T1: Outlook stuck"]}]),
    "as an object": changed(facts=[{"text": DRAFT.facts[0].text, "citations": [{"ref": "T1"}]}]),
    "twice": changed(facts=[{"text": DRAFT.facts[0].text, "citations": ["T1", "[T1]", None]}]),
    "a key more in a statement": changed(
        facts=[{"text": DRAFT.facts[0].text, "citations": ["T1"], "confidence": "high"}]
    ),
    "another key for a text": changed(facts=[{"fact": DRAFT.facts[0].text, "citations": ["T1"]}]),
    "another key for citations": changed(facts=[{"text": DRAFT.facts[0].text, "sources": ["T1"]}]),
    "another key for a list": OBJECT.replace('"next_steps"', '"steps"'),
    "citations with titles": changed(facts=[{"text": DRAFT.facts[0].text, "citations": {"T1": "Key F5"}}]),
    "statements by number": changed(facts={"1": {"text": DRAFT.facts[0].text, "citations": ["T1"]}}),
    "a summary with citations": changed(summary={"text": DRAFT.summary, "citations": ["T1"]}),
    "a summary in a list": changed(summary=[DRAFT.summary]),
    "a statement in no list": changed(facts={"text": DRAFT.facts[0].text, "citations": ["T1"]}),
    "a list in a text": changed(facts=json.dumps(json.loads(OBJECT)["facts"])),
    "a text in a list": changed(facts=[{"text": [DRAFT.facts[0].text], "citations": ["T1"]}]),
    "a statement as a pair": changed(facts=[[DRAFT.facts[0].text, ["T1"]]]),
    "a title beside the text": changed(
        facts=[{"title": "Cache", "description": DRAFT.facts[0].text, "citations": ["T1"]}]
    ),
    "other keys": OBJECT.replace('"next_steps"', '"Next steps"').replace('"summary"', '"Summary"'),
}


@pytest.mark.parametrize("answer", SAME.values(), ids=SAME)
def test_a_slightly_other_shape_is_the_same_draft(answer: str) -> None:
    assert read_answer(answer).draft == DRAFT
    assert "SECRETLY" not in read_answer(answer).said


def test_refs_that_stand_in_a_text_alone_are_its_citations() -> None:
    facts = [f"{each.text} [{', '.join(each.citations)}]" for each in DRAFT.facts]
    read = read_answer(changed(facts=facts, summary=f"{DRAFT.summary} (T1)", summary_citations=[])).draft
    assert read == DRAFT.model_copy(update={"summary_citations": ["T1"]})
    port = read_answer(changed(facts=["Use the port (A12) of the switch (T1)."])).draft
    assert port is not None
    assert (port.facts[0].text, port.facts[0].citations) == ("Use the port (A12) of the switch.", ["T1"])
    given = read_answer(changed(facts=[{"text": "As in [K2].", "citations": ["T1"]}])).draft
    assert given is not None
    assert given.facts[0].citations == ["T1"]


@pytest.mark.parametrize("around", ["{}\n```json\n{}\n```", "Schema: {}\nAnswer: {}"])
def test_a_schema_that_is_repeated_before_the_answer_is_none(around: str) -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}, "facts": {"type": "array"}}}
    schema["properties"]["next_steps"] = {"type": "array"}  # type: ignore[index]
    assert read_answer(around.format(json.dumps(schema), OBJECT)).draft == DRAFT
    assert read_answer(json.dumps({"type": "object", "properties": json.loads(OBJECT)})).draft == DRAFT


def test_a_call_of_a_tool_in_a_channel_is_an_answer() -> None:
    analysis = f"<|channel|>analysis<|message|>SECRETLY {OTHER}<|end|><|start|>assistant"
    call = f"<|channel|>commentary to=functions.json <|constrain|>json<|message|>{OBJECT}<|call|>"
    assert read_answer(call).draft == DRAFT
    assert read_answer(analysis + call).draft == DRAFT


def test_what_is_said_in_the_commentary_is_for_the_reader() -> None:
    """https://github.com/NVIDIA/TensorRT-LLM/issues/9256: an answer without any other channel was "thoughts alone"."""
    said = f"<|channel|>commentary<|message|>{OBJECT}<|end|>"
    assert read_answer(said).draft == DRAFT
    assert read_answer(f"<|channel|>analysis<|message|>SECRETLY {OTHER}<|end|><|start|>assistant{said}").draft == DRAFT


PYTHON = repr(DRAFT.model_dump(mode="json"))


@pytest.mark.parametrize(
    "answer",
    [PYTHON, f"Sure:\n```python\n{PYTHON}\n```\nDone {{really}}."[:-10], f"<think>{{'summary'}}</think>{PYTHON}"],
)
def test_an_object_as_python_writes_it_is_read(answer: str) -> None:
    assert read_answer(answer).draft == DRAFT


@pytest.mark.parametrize(
    "answer",
    ["{'summary': {1, 2}}", "{'summary': b'x'}", "{'summary': open('x')}", "{'a': " * 5_000, "{'" * 20_000, "{'a': 1" + "}" * 40_000],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_what_only_looks_like_python_is_no_answer(answer: str) -> None:
    began = time.process_time()
    assert read_answer(answer).draft is None
    assert time.process_time() - began < 1


def test_a_path_of_windows_whose_backslashes_are_not_doubled_keeps_them() -> None:
    read = read_answer(OBJECT.replace("no mail.", r"no mail in C:\Users\PST, it\'s full."))
    assert read.draft is not None
    assert r"C:\Users\PST, it's full." in read.draft.summary


NOTHING: list[Any] = [None, "", [], {}, "none", "N/A", "None.", "[]", False, [{}], [[]], [None]]


@pytest.mark.parametrize("answer", [without("hypotheses"), *(changed(hypotheses=value) for value in NOTHING)])
def test_a_list_that_is_not_there_is_empty(answer: str) -> None:
    assert parse_draft(answer) == a_draft(hypotheses=[])


def test_refs_in_one_text_are_told_apart() -> None:
    read = read_answer(changed(facts=[{"text": "f", "citations": "T1, k2 and (A3)"}]))
    assert read.draft is not None
    assert read.draft.facts[0].citations == ["T1", "K2", "A3"]


def test_a_citation_of_nothing_stays_for_the_check_to_tell() -> None:
    read = read_answer(changed(facts=[{"text": "f", "citations": ["the handbook", 7]}]))
    assert read.draft is not None
    assert read.draft.facts[0].citations == ["the handbook", "7"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"{OBJECT}\n{OTHER}", "several different objects"),
        (without("summary"), "summary: Field required"),
        ('{"summary": "Jane"}', "facts: Field required"),
        (changed(hypotheses="It may be the profile"), "hypotheses: Input should be a valid list"),
        (changed(facts=[{"citations": ["T1"]}]), "facts.0.text: Input should be a valid string"),
        (OBJECT[: len(OBJECT) // 2], "no JSON object of the schema"),
        ("Jane's mailbox is full.", "no JSON object of the schema"),
        ("", "no answer, its text is empty"),
    ],
)
def test_what_cannot_be_told_for_sure_is_refused_with_a_reason_that_holds_no_word_of_it(
    answer: str, reason: str
) -> None:
    read = read_answer(answer)
    assert read.draft is None
    assert read.problem is not None
    assert read.problem.reason == reason
    with pytest.raises(ModelRefused):
        parse_draft(answer)


@pytest.mark.parametrize(
    "answer",
    [
        *('{"a":' * 20_000, '{"' * 50_000, "<think>" * 14_000, '"' * 100_001 + "{", "<" + " " * 100_000),
        *("{" + " " * 100_000, "assistant " * 10_000, "<|channel|>" * 9_000, "[ think" * 14_000, ", " * 50_000 + "{"),
        changed(summary="<think>" * 14_000 + "</"),
        changed(summary="".join(f"<think{number}>" for number in range(25_000))),
        "{" + '\\"' * 190_000 + "}",
        '{"a' + '\\"' * 190_000 + "\\}",
        '{"a":' + "[" * 900 + "1," * 190_000,
        " ".join(f'{{"summary": "{number}", "confidence": "low"}}' for number in range(1_999)),
        '{"x": [' + ",".join(f'{{"summary": "{number}", "confidence": "low"}}' for number in range(8_000)) + "]}",
        changed(facts=[{}] * 90_000),
        changed(facts=[{"text": "f", "citations": f"T1 K2 {'T3 ' * 120_000}"}]),
        "x" * 1_000_000,
    ],
    ids=lambda answer: str(answer)[:12],
)
def test_an_answer_that_is_made_to_be_slow_is_read_in_no_time(answer: str) -> None:
    started = time.thread_time()
    read = read_answer(answer)
    if read.draft is not None:
        find_problems(read.draft, language="en")
    assert time.thread_time() - started < 5  # of this thread alone, whatever else runs


@pytest.mark.parametrize("depth", [100, 400, 900, 50_000])
@pytest.mark.parametrize("place", ["citations", "facts", "summary"])
def test_an_answer_that_is_nested_too_deeply_is_refused_as_such(depth: int, place: str) -> None:
    nested = "[" * depth + '"T1"' + "]" * depth
    fact = f'{{"text": "f", "citations": {nested if place == "citations" else "[]"}}}'
    facts = nested if place == "facts" else f"[{fact}]"
    summary = nested if place == "summary" else '"s"'
    read = read_answer(f'{{"summary": {summary}, "facts": {facts}, "confidence": "low"}}')
    assert (read.draft is None) == (read.problem is not None)


@given(st.text(), st.text(alphabet='<>/think|channel[]{}" \n'))
def test_the_object_is_found_in_any_prose_without_marks_and_braces(before: str, after: str) -> None:
    prose = before.translate({ord(mark): None for mark in "<>[]{}◁▷"}).replace("final", "")
    assert read_answer(prose + OBJECT + after.replace("{", "").replace("<", "")).draft == DRAFT


@given(st.text(max_size=40))
def test_any_text_of_an_object_can_be_sent_back(text: str) -> None:
    read_answer(json.dumps({"summary": text + "\ud800", "facts": [text], "confidence": text})).said.encode()


def test_a_character_whose_halves_came_in_two_pieces_is_whole_again() -> None:
    summary = "Restart it \ud83d" + "\ude00, then \ud83d wait."  # not one text: Python would write another
    read = read_answer(json.dumps({**json.loads(a_draft().model_dump_json()), "summary": summary}, ensure_ascii=False))
    assert read.draft is not None
    assert read.draft.summary == "Restart it \U0001f600, then \ufffd wait."
