"""A sentence that no source says is left out; an answer of which too little remains is sent back to the model once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import structlog

from app.core.completion import Message
from app.core.source import SourceKind
from app.core.steps import noting_steps
from tests.builders import a_draft, a_source, a_ticket
from tests.enhancing import Answer, enhanced

TICKET = a_ticket(
    subject="No print", description="Nothing is printed in the hall. My colleague at Contoso has it, too."
)
SOURCES = [
    a_source(
        title="#104 Nothing is printed",
        text="The spooler on srv-print01 hung after the update to 8.4.1. Restarted the spooler on srv-print01.",
    ),
    a_source(
        SourceKind.ARTICLE,
        id="5",
        title="Printing",
        text="Do not delete the print queue. Install driver 8.4.1 from \\\\srv-print01\\drivers. Replace the toner when pages"
        " are empty.",
    ),
    a_source(SourceKind.ASSET, id="9", title="srv-print01", text="print server; 10.20.2.7", url=""),
]
GOOD = {"text": "The spooler on srv-print01 hung.", "citations": ["T1"]}
SUMMARY = "Restart the spooler on srv-print01."


def a_fact(text: str, *cites: str) -> dict[str, Any]:
    return {"facts": [GOOD, {"text": text, "citations": list(cites)}]}


def a_step(text: str, *cites: str) -> dict[str, Any]:
    return {"facts": [GOOD], "next_steps": [{"text": text, "citations": list(cites)}]}


BAD = {
    "an invented fact with a real reference": a_fact("The print server was infected by a worm.", "T1"),
    "a negated source": a_fact("Delete the print queue.", "K1"),
    "a wrong host": a_fact("Restarted the spooler on srv-print02.", "T1"),
    "what destroys, uncited": a_step("Format the system volume."),
    "a version number changed": a_fact("The spooler hung after the update to 8.4.2.", "T1"),
    "an instruction turned round": a_fact("Do not replace the toner when pages are empty.", "K1"),
    "a step that cites no asset there is": a_step("Reboot the storage array.", "A7"),
    "a name of another client": a_fact("At Contoso the spooler on srv-print01 hung after the update to 8.4.1.", "T1"),
    "an address that no source has": a_step("Install driver 8.4.1 from \\\\10.20.2.8\\drivers.", "K1"),
}


def writes(*drafts: dict[str, Any], told: list[str] | None = None) -> Answer:
    """A model that answers with each of *drafts*, and with the last one from then on."""
    texts = [
        a_draft(**{"summary": SUMMARY, "facts": [GOOD], "hypotheses": [], "next_steps": [], **each}).model_dump_json()
        for each in drafts
    ]

    def answer(messages: Sequence[Message]) -> str:
        if told is not None:
            told.append(messages[-1].content)
        return texts.pop(0) if len(texts) > 1 else texts[0]

    return answer


@pytest.mark.parametrize("draft", BAD.values(), ids=BAD)
async def test_a_bad_draft_is_sent_back_once_and_then_left_out(draft: dict[str, Any]) -> None:
    told: list[str] = []
    enhancement = await enhanced(TICKET, SOURCES, writes(draft, told=told))
    assert len(told) == 2
    bad = [*draft["facts"][1:], *draft.get("next_steps", [])][0]["text"]
    said = " ".join(each.text for each in (*enhancement.facts, *enhancement.next_steps))
    assert bad not in said
    assert bad not in enhancement.summary
    assert [fact.text for fact in enhancement.facts] == [GOOD["text"]]


async def test_a_fact_that_only_repeats_the_ticket_is_left_out_and_is_no_loss() -> None:
    told: list[str] = []
    enhancement = await enhanced(
        TICKET, SOURCES, writes(a_fact("Nothing is printed in the hall.", "100234"), told=told)
    )
    assert len(told) == 1
    assert [fact.text for fact in enhancement.facts] == [GOOD["text"]]
    assert enhancement.unsupported == 0


async def test_the_model_is_told_the_sentence_why_and_what_would_do_and_mends_it() -> None:
    told: list[str] = []
    mended = a_fact("The spooler hung after the update to 8.4.1.", "T1")
    with noting_steps() as steps:
        enhancement = await enhanced(TICKET, SOURCES, writes(BAD["a version number changed"], mended, told=told))
    assert '"The spooler hung after the update to 8.4.2."' in told[1]
    assert "that no source has. Write it exactly as a source that it cites does, or leave it out." in told[1]
    assert [fact.text for fact in enhancement.facts][1] == "The spooler hung after the update to 8.4.1."
    assert enhancement.unsupported == 0
    assert ("check", "sent back to the model once: 1 of its sentences unsupported") in [
        (each.name, each.result) for each in steps
    ]


async def test_what_is_logged_of_it_quotes_nothing() -> None:
    with structlog.testing.capture_logs() as logged:
        await enhanced(TICKET, SOURCES, writes(BAD["what destroys, uncited"]))
    assert "Format" not in str(logged)
    assert [entry["why"] for entry in logged if entry["event"] == "answer_sent_back"] == [
        "1 of its sentences unsupported"
    ]


async def test_what_says_less_than_the_first_answer_is_not_used() -> None:
    worse = {"summary": "Format the system volume.", "facts": [], "next_steps": []}
    enhancement = await enhanced(TICKET, SOURCES, writes(BAD["a wrong host"], worse))
    assert enhancement.summary == SUMMARY
    assert [fact.text for fact in enhancement.facts] == [GOOD["text"]]


async def test_only_what_carries_something_is_sent_back() -> None:
    told: list[str] = []
    await enhanced(TICKET, SOURCES, writes({"summary": f"{SUMMARY} OK!"}, told=told))
    assert len(told) == 1


STEPS = ("Restart the spooler on srv-print01.", "Replace the toner when pages are empty.")


@pytest.mark.parametrize(
    ("draft", "calls"),
    [
        ({"next_steps": [*STEPS, "Format the system volume."]}, 1),
        ({"next_steps": ["Format the system volume.", "Reboot the storage array."], "more": [*STEPS, *STEPS]}, 2),
        ({"next_steps": [*STEPS], "summary": "The print server was infected by a worm."}, 1),
        ({"next_steps": [*STEPS], "summary": "The print server was infected by a worm.", "facts": []}, 2),
        ({"next_steps": [*STEPS, "Format the system volume.", "Reboot the storage array."]}, 2),
        ({"next_steps": [*STEPS, *STEPS, "Format the system volume.", "Reboot the storage array."]}, 1),
    ],
    ids=[
        *("one of five lost", "all steps lost", "the summary lost", "the summary lost, and nothing in its place"),
        *("two of six lost", "two of eight lost"),
    ],
)
async def test_only_an_answer_of_which_too_little_remains_is_sent_back(draft: dict[str, Any], calls: int) -> None:
    told: list[str] = []
    statements = {
        "next_steps": [{"text": text, "citations": []} for text in draft["next_steps"]],
        "hypotheses": [{"text": text, "citations": []} for text in draft.get("more", ())],
        **{name: draft[name] for name in ("facts",) if name in draft},
    }
    await enhanced(TICKET, SOURCES, writes({"summary": draft.get("summary", SUMMARY), **statements}, told=told))
    assert len(told) == calls


async def test_a_second_answer_that_does_not_come_leaves_what_the_first_one_said() -> None:
    texts = [a_draft(**{"summary": SUMMARY, "hypotheses": [], **BAD["a wrong host"]}).model_dump_json(), "no JSON"]
    enhancement = await enhanced(TICKET, SOURCES, lambda _: texts.pop(0))
    assert enhancement.summary == SUMMARY
    assert enhancement.unsupported > 0
