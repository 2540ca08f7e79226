"""`make eval` fails when the search finds less than in the last release, or the confidence is further off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.confidence import Evidence
from app.core.ticket import Ticket
from eval.__main__ import ERROR, PUBLIC, SEARCH, bounds, find_falls
from eval.corpus import Known
from eval.points import Point
from eval.report import Found
from eval.retrieval import Asked
from eval.scores import Interval


def asked(*, found: int, number: int = 40) -> Iterator[Asked]:
    """*number* tickets with one like each; of *found* of them the search finds it first."""
    for each in range(number):
        known = Known(Ticket(id=f"q{each}", subject="s"), "group", "dev")
        yield Asked(known, "en", frozenset({"like"}), ("like",) if each < found else ("other",), ())


def points(*, right: int, number: int = 100) -> Iterator[Point]:
    """*number* points of one estimate, *right* of them right."""
    evidence = Evidence(**dict.fromkeys(Evidence.__dataclass_fields__, 0.0))
    for each in range(number):
        yield Point(evidence, each < right, "cases", f"t{each}", is_own=True)


def a_run(*, found: int = 30, right: int = 40, public: float = 0.5) -> Found:
    told = {"MAP": Interval(public, public - 0.05, public + 0.05, 100)}
    return Found([], [*asked(found=found)], [*points(right=right)], {}, {}, told)


RELEASED = bounds(a_run())


def test_the_same_again_and_better_does_not_fail() -> None:
    assert find_falls(a_run(), RELEASED) == []
    assert find_falls(a_run(found=40, public=0.6), RELEASED) == []


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (a_run(found=15), f"{SEARCH}: MAP is 37.5 %, below"),
        (a_run(public=0.4), f"{PUBLIC}: MAP is 40.0 %, below 45.0 %"),
        (a_run(right=36), f"{ERROR}: cases is"),
    ],
)
def test_a_fall_fails(run: Found, told: str) -> None:
    assert told in find_falls(run, RELEASED)[0]


def test_what_was_not_measured_does_not_fail_but_nothing_at_all_does() -> None:
    without_public = Found([], [*asked(found=30)], [*points(right=40)], {}, {})
    assert find_falls(without_public, RELEASED) == []
    assert "nothing was asked" in find_falls(Found([], [], [], {}, {}), RELEASED)[0]
