from __future__ import annotations

import pytest

from app.db.knowledge.passage import choose_passage, split_pieces

LINES = [f"Line {number} says nothing of interest to anybody at all." for number in range(60)]


def passage(text: str, word: str, *, max_chars: int = 300) -> str:
    pieces = split_pieces(text)
    found = [{word} if word in piece else set() for piece in pieces]
    return choose_passage(pieces, found, {word: 1.0}, max_chars=max_chars)


def test_a_text_that_fits_is_its_own_passage() -> None:
    assert passage("Restart it.\nThen wait.", "wait") == "Restart it.\nThen wait."


def test_a_passage_holds_the_words_that_were_asked_for_not_the_beginning() -> None:
    text = "\n".join([*LINES[:40], "Restart the spooler on srv-print01.", *LINES[40:]])

    found = passage(text, "spooler")

    assert "Restart the spooler" in found
    assert "Line 0 " not in found
    assert found.startswith("… ")
    assert found.endswith(" …")
    assert len(found) <= 300


def test_where_no_word_is_found_the_beginning_is_shown() -> None:
    assert passage("\n".join(LINES), "spooler").startswith("Line 0 ")


def test_of_two_places_the_one_that_says_more_is_chosen() -> None:
    text = "\n".join(["the queue", *LINES[:30], "the queue and the spooler", *LINES[30:]])
    pieces = split_pieces(text)
    found = [{word for word in ("queue", "spooler") if word in piece} for piece in pieces]

    assert "the queue and the spooler" in choose_passage(pieces, found, {"queue": 1.0, "spooler": 2.0}, max_chars=300)


@pytest.mark.parametrize(
    "text",
    ["word " * 40_000, "x" * 200_000, "a. " * 50_000, "\n" * 5_000, ""],
    ids=["one line", "one word", "sentences", "blank", "empty"],
)
def test_a_passage_never_exceeds_its_limit(text: str) -> None:
    assert len(passage(text, "word", max_chars=1_200)) <= 1_200


def test_pieces_joined_are_the_text_but_for_blanks() -> None:
    text = "\n".join(["short", "long sentence. " * 60, "", "y" * 700, "end"])

    assert "".join(split_pieces(text)).replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")
