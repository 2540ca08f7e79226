"""A compound stands for its parts, and they for it, as far as documents hold them."""

from __future__ import annotations

import time

import pytest

from app.db.knowledge.compounds import asked_for, choose, possible, telling_words


def made_of(text: str, *held: str) -> list[tuple[str, int]]:
    words = telling_words(text, generic={"geht", "nicht"})
    ways = possible(words)
    asked = asked_for(words, ways)
    return [(found.term, found.words) for found in choose(ways, {word: word for word in held if word in asked})]


@pytest.mark.parametrize(
    ("text", "held", "found"),
    [
        ("Druckerwarteschlange", ["drucker", "warteschlange"], [("drucker", 1), ("warteschlange", 1)]),
        ("Urlaubsantrag", ["urlaub", "antrag"], [("antrag", 1), ("urlaub", 1)]),
        ("Drucker Warteschlange", ["druckerwarteschlange"], [("druckerwarteschlange", 2)]),
        ("Warteschlange des Druckers", ["druckerwarteschlange"], [("druckerwarteschlange", 2)]),
        ("Arbeit am Platz geht nicht", ["arbeitsplatz"], [("arbeitsplatz", 2)]),
        ("Netzwerkdrucker", ["drucker"], [("drucker", 1)]),
        ("Passwort", ["ort", "wort"], []),
        ("netwerkprinter", ["netwerk", "printer"], [("netwerk", 1), ("printer", 1)]),
        ("skrivarkö", ["skrivar"], []),
        ("Drucker geht nicht", ["drucker"], []),
    ],
)
def test_parts_and_compounds_stand_for_each_other(text: str, held: list[str], found: list[tuple[str, int]]) -> None:
    assert made_of(text, *held) == found


def test_a_query_asks_for_a_bounded_number() -> None:
    words = telling_words(" ".join("abcdefghij"[n % 10] * 39 + "xyz"[n % 3] for n in range(1_000)), generic=())
    started = time.process_time()
    assert len(asked_for(words, possible(words))) < 6_000
    assert time.process_time() - started < 1
