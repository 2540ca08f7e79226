"""The confidence is fitted to the points of all origins, and to none that is kept back."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.confidence import Evidence
from eval.calibration import describe, fit
from eval.points import Point, read_real_labels


def points(origin: str, *, number: int, right: int, is_kept_back: bool = False) -> Iterator[Point]:
    """*number* points of one origin with the same traits, *right* of them right."""
    traits = dict.fromkeys(Evidence.__dataclass_fields__, 0.0) | {"support": 1.0}
    for each in range(number):
        yield Point(
            Evidence(**traits), each < right, origin, f"{origin} {each}", is_own=True, is_kept_back=is_kept_back
        )


def test_real_points_count_as_much_as_the_made_up_ones_however_many_there_are() -> None:
    made_up = [*points("cases", number=30, right=30), *points("corpus", number=30, right=30)]
    few, many = (fit([*made_up, *points("real", number=number, right=0)])[0] for number in (10, 90))
    assert abs(few) < 0.01, "half of all is right"
    assert abs(many) < 0.01


def test_what_is_kept_back_is_not_counted() -> None:
    known = [*points("cases", number=30, right=20), *points("real", number=30, right=10)]
    kept_back = points("real", number=30, right=30, is_kept_back=True)
    assert describe([*known, *kept_back]) == describe(known)


def test_all_labels_of_a_query_are_kept_back_or_none_is() -> None:
    labels = read_real_labels()
    assert len(labels) == 265
    assert all(len({"kept" in label for label in own.values()}) == 1 for own in labels.values())
    assert all(
        label[0] in {"same", "other"} and label[1:] in ([], ["kept"])
        for own in labels.values()
        for label in own.values()
    )
