"""From when on a found document is shown, and as what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.source import Closeness
from app.db.knowledge.search import Match

MATCH = Match(
    id="1", fit=0.2, linked_fit=0.0, times_linked=0, is_same_category=False, relevance=0.2, boost=1.0, terms={},
    words=3, asked_words=9, searched=40, has_rare_string=False, row={},
)  # fmt: skip
SAME, RELATED = Closeness.SAME, Closeness.RELATED


@pytest.mark.parametrize(
    ("searched", "relevance", "closeness"),
    [
        (1, 0.13, None),
        (40, 0.14, RELATED),
        (40, 0.24, SAME),
        (400, 0.14, None),
        (400, 0.18, RELATED),
        (20_000, 0.20, None),
        (20_000, 0.25, RELATED),
        (20_000, 0.31, RELATED),
        (20_000, 0.32, SAME),
        (1_000_000, 0.26, None),
        (1_000_000, 0.37, SAME),
    ],
)
def test_the_more_documents_the_better_one_must_fit(
    searched: int, relevance: float, closeness: Closeness | None
) -> None:
    assert replace(MATCH, searched=searched, relevance=relevance).closeness is closeness


@pytest.mark.parametrize(
    ("words", "asked_words", "linked_fit", "closeness"),
    [
        (3, 9, 0.0, SAME),
        (2, 9, 0.0, RELATED),
        (1, 9, 0.0, None),
        (2, 2, 0.0, SAME),
        (1, 1, 0.0, RELATED),  # a ticket of one word names no problem
        (0, 9, 0.3, SAME),  # tickets like this one were linked to it, in whatever words it is written
    ],
)
def test_one_word_alone_is_not_enough(
    words: int, asked_words: int, linked_fit: float, closeness: Closeness | None
) -> None:
    match = replace(MATCH, relevance=0.5, words=words, asked_words=asked_words, linked_fit=linked_fit)
    assert match.closeness is closeness


def test_the_same_error_code_is_the_same_problem() -> None:
    assert replace(MATCH, relevance=0.01, words=0, has_rare_string=True).closeness is SAME


@pytest.mark.parametrize(
    ("searched", "is_rivalled", "about", "closeness"),
    [
        (40, False, "VPN fails with error 809 at home", SAME),
        (40, False, "VPN drops on the train, the token was lost", RELATED),
        (40, False, "VPN token lost", SAME),
        (40, True, "VPN token lost", RELATED),
        (20_000, False, "VPN token lost at home", RELATED),
        (20_000, True, "VPN fails with error 809 at home", SAME),
    ],
)
def test_a_ticket_is_very_similar_only_if_it_is_about_the_same_too(
    searched: int, is_rivalled: bool, about: str, closeness: Closeness
) -> None:
    match = replace(MATCH, searched=searched, relevance=0.6)
    asked = "The VPN fails with error 809 whenever I work at home, my router is new"
    assert match.closeness_of(asked, about, is_rivalled=is_rivalled) is closeness
