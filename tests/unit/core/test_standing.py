import pytest

from app.core.standing import factor


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [(0, 0, 1), (9, 0, 1), (0, 1, 0.8), (0, 2, 2 / 3), (0, 4, 0.5), (0, 900, 0.5), (2, 1, 1)],
)
def test_votes_against_push_a_source_down_by_half_at_most(up: int, down: int, expected: float) -> None:
    assert factor(up, down) == pytest.approx(expected)


def test_more_votes_never_do_the_opposite() -> None:
    for up in range(12):
        for down in range(12):
            assert factor(up, down + 1) <= factor(up, down) <= factor(up + 1, down) <= 1
