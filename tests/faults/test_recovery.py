from __future__ import annotations

from tests.faults.recovery import Passage, Passages, Recovery


def steady(*, until: int, stuck: range = range(0), free_at: float = 0.0) -> Passages:
    """A ticket each second, noted half a second later; those of *stuck* not before *free_at*."""
    return Passages([Passage(at, max(at + 0.5, free_at) if at in stuck else at + 0.5) for at in range(until)])


def test_how_many_wait_at_a_time() -> None:
    passages = steady(until=10)

    assert passages.waiting(3.2) == 1
    assert passages.waiting(3.7) == 0


def test_a_fault_that_stopped_nothing_was_over_at_once() -> None:
    recovery = steady(until=60).recovery(start=20.0, end=25.0, until=40.0)

    assert recovery == Recovery(first_note_s=1.5, backlog_s=0.0)


def test_what_was_stuck_is_waited_for() -> None:
    passages = steady(until=60, stuck=range(20, 33), free_at=33.4)

    recovery = passages.recovery(start=20.0, end=26.2, until=40.0)

    # The first that was accepted after the end came at 27 and had its note at 33.4, as all others had.
    assert recovery.first_note_s == 7.2
    assert recovery.backlog_s is not None
    assert abs(recovery.backlog_s - 7.2) < 0.15


def test_a_backlog_that_lasts_into_the_next_fault_is_no_figure_and_the_first_note_is() -> None:
    passages = steady(until=60, stuck=range(20, 50), free_at=50.0)

    assert passages.recovery(start=20.0, end=26.0, until=40.0) == Recovery(first_note_s=24.0, backlog_s=None)


def test_what_no_note_followed_is_no_figure() -> None:
    assert steady(until=20).recovery(start=20.0, end=26.0, until=40.0) == Recovery(first_note_s=None, backlog_s=0.0)
