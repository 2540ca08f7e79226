"""The confidence is fitted to the points of all origins, and to none that is kept back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.core.confidence import Evidence
from eval.calibration import describe, errors, fit
from eval.points import Point, read_real_labels
from eval.scores import Estimate


def points(origin: str, *, number: int, right: int, is_kept_back: bool = False) -> Iterator[Point]:
    """*number* points of one origin with the same traits, *right* of them right."""
    traits = dict.fromkeys(Evidence.__dataclass_fields__, 0.0) | {"support": 1.0}
    for each in range(number):
        yield Point(
            Evidence(**traits), each < right, origin, f"{origin} {each}", is_own=True, is_kept_back=is_kept_back
        )


def test_real_points_count_four_times_as_much_as_the_made_up_ones_however_many_there_are() -> None:
    made_up = [*points("cases", number=30, right=30), *points("corpus", number=30, right=30)]
    few, many = (fit([*made_up, *points("real", number=number, right=0)])[0] for number in (10, 90))
    assert (few, many) == pytest.approx((math.log(1 / 4), math.log(1 / 4)))


def test_a_point_counts_for_as_many_as_it_stands_for() -> None:
    right, wrong = points("real", number=1, right=1), points("real", number=1, right=0)
    told = [*right, *(replace(point, counts=3.0) for point in wrong)]
    made_up = [*points("cases", number=4, right=1), *points("corpus", number=4, right=1)]
    assert fit([*made_up, *told])[0] == pytest.approx(math.log(1 / 3), abs=0.01)
    assert errors([Estimate(0.5, is_right=True), Estimate(0.5, is_right=False, counts=3.0)])["right"] == 0.25


def test_what_is_kept_back_is_not_counted() -> None:
    known = [*points("cases", number=30, right=20), *points("real", number=30, right=10)]
    kept_back = points("real", number=30, right=30, is_kept_back=True)
    assert describe([*known, *kept_back]) == describe(known)


def test_all_labels_of_a_query_are_kept_back_or_none_is() -> None:
    labels = read_real_labels()
    assert len(labels) == 515
    assert all(len({(label.is_kept_back, label.counts) for label in own.values()}) == 1 for own in labels.values())
    assert sum(all(label.is_kept_back for label in own.values()) for own in labels.values()) == 125
