"""Whether a note tells the fix: labelled pairs, some of which no threshold was chosen by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from app.core.enhancement import Confidence, Enhancement, Notice, Statement
from app.core.fixes import Match, compare, tells_a_fix
from app.core.source import Gathered, GatherState, Source, SourceKind

FOLDER = Path(__file__).parent / "fixes"
LABELS = {True: Match.SAME, False: Match.OTHER, None: Match.UNTOLD}


def pairs(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")))


def a_note(*steps: str, **changes: Any) -> Enhancement:
    statements = tuple(Statement(text=text, citations=["T1"]) for text in steps)
    return Enhancement(next_steps=statements, confidence=Confidence.MEDIUM, model="m", **changes)


def agreement(name: str) -> tuple[int, list[dict[str, Any]]]:
    wrong = []
    for each in pairs(name):
        found = compare(a_note(*each["note"]), ticket=each["ticket"], resolution=each["resolution"])
        if found is not LABELS[each["same"]]:
            wrong.append({**each, "found": found})
    return len(pairs(name)), wrong


@pytest.mark.parametrize(("name", "at_least"), [("tuned", 0.9), ("held_out", 0.8)])
def test_it_agrees_with_a_technician(name: str, at_least: float) -> None:
    number, wrong = agreement(name)
    assert 1 - len(wrong) / number >= at_least, wrong


@pytest.mark.parametrize("resolution", ["", " ", "...", "4711", "Done", "Erledigt.\n\nDanke!", "<p></p>"])
def test_a_resolution_without_words_is_untold(resolution: str) -> None:
    assert compare(a_note("Restart the spooler."), ticket="It hangs", resolution=resolution) is Match.UNTOLD


@pytest.mark.parametrize(
    ("said", "tells"),
    [
        ("Request closed by checkmk.", False),
        ("Closed via AI Agent", False),
        ("Request auto-closed by the system", False),
        ("Closed automatically after 3 days", False),
        ("Automatisch geschlossen", False),
        ("Fermé automatiquement par le système", False),
        ("Success", False),
        ("Closed by restarting the spooler", True),
        ("Restarted the system", True),
        ("Reset the password solved the issue", True),
        ("Closed the port", True),
    ],
)
def test_what_a_help_desk_writes_when_it_closes_by_itself_is_no_fix(said: str, tells: bool) -> None:
    assert tells_a_fix(said) is tells


def test_a_note_that_found_nothing_is_no_wrong_fix() -> None:
    nothing = Enhancement(notices=(Notice.NOTHING_FOUND,))
    assert compare(nothing, ticket="It hangs", resolution="Replaced the cable.") is Match.NOTHING


def test_to_repeat_the_problem_is_no_fix() -> None:
    note = a_note("The printer on the second floor prints blank pages.")
    done = "Printer on the second floor printed blank pages: replaced the drum unit."
    assert compare(note, ticket="Printer on the second floor prints blank pages", resolution=done) is Match.OTHER


def test_of_a_note_without_a_model_its_sources_are_compared() -> None:
    source = Source(
        kind=SourceKind.TICKET, id="1", title="#1", text="Problem: it jams\nResolution: Replaced the roller."
    )
    note = Enhancement(gathered=(Gathered(kind=SourceKind.TICKET, state=GatherState.OK, sources=(source,)),))
    assert compare(note, ticket="It jams", resolution="Roller replaced.") is Match.SAME


def test_a_long_resolution_takes_no_long_time() -> None:
    resolution = "Called the user and looked at the event log of the machine. " * 2000 + "Replaced the roller."
    assert compare(a_note("Replace the roller."), ticket="It jams", resolution=resolution) is Match.SAME
