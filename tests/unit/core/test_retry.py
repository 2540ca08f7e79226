from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.retry import FAILURES_TO_OPEN, FIRST, FIRST_OPEN, LONGEST, LONGEST_OPEN, open_for, wait_before


@given(st.integers(min_value=1, max_value=1000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_wait_is_between_half_the_first_and_the_longest(attempt: int, draw: float) -> None:
    assert FIRST / 2 <= wait_before(attempt, asked=None, draw=draw) <= LONGEST


def test_waits_grow_with_each_attempt() -> None:
    waits = [wait_before(attempt, asked=None, draw=0.5) for attempt in range(1, 4)]
    assert waits == sorted(waits)
    assert len(set(waits)) == len(waits)


def test_three_attempts_outlast_a_restart_of_the_other_side() -> None:
    waits = [wait_before(attempt, asked=None, draw=0) for attempt in (1, 2)]
    assert sum(waits, timedelta()) > timedelta(seconds=30)


def test_what_the_other_side_asked_for_is_kept() -> None:
    assert wait_before(1, asked=timedelta(seconds=90), draw=0) >= timedelta(seconds=90)


def test_jitter_spreads_what_failed_together() -> None:
    assert wait_before(3, asked=None, draw=0.1) < wait_before(3, asked=None, draw=0.9)


def test_a_circuit_opens_after_failures_in_a_row_and_for_longer_each_time() -> None:
    assert [open_for(number) for number in range(FAILURES_TO_OPEN)] == [None] * FAILURES_TO_OPEN
    waits = [open_for(FAILURES_TO_OPEN + number) for number in range(30)]
    assert waits[:3] == [FIRST_OPEN, FIRST_OPEN * 2, FIRST_OPEN * 4]
    assert waits[-1] == LONGEST_OPEN
    assert waits == sorted(waits, key=lambda wait: wait or FIRST_OPEN)


def test_one_delivery_that_uses_up_its_attempts_opens_no_circuit() -> None:
    assert open_for(3) is None
