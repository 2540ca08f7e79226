from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.console.words import OUTCOMES, STEP_NAMES, ago, duration, money, number, percent
from app.core.outcome import RULES, Ending
from app.core.source import SourceKind
from app.core.steps import StepName


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.34, "340 ms"), (4.21, "4.2 s"), (59, "59 s"), (110, "110 s"), (240, "4 min"), (9_000, "2 h"), (400_000, "5 d")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_how_long_ago() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    assert ago(now - timedelta(minutes=5), now) == "5 min ago"
    assert ago(None, now) == "never"
    assert ago(now + timedelta(seconds=3), now) == "1.0 s ago"  # clocks differ


@pytest.mark.parametrize(
    ("part", "whole", "words"), [(0, 0, "—"), (9, 10, "90.0 %"), (9_999_999, 10_000_000, "99.9 %"), (5, 5, "100 %")]
)
def test_a_share_is_never_rounded_up_to_all(part: int, whole: int, words: str) -> None:
    assert percent(part, whole) == words


@pytest.mark.parametrize(
    ("amount", "words"), [("0", "$0.00"), ("0.0123", "$0.0123"), ("0.5", "$0.50"), ("1234.5", "$1,234.50")]
)
def test_money(amount: str, words: str) -> None:
    assert money(Decimal(amount)) == words


def test_numbers() -> None:
    assert [number(value) for value in (0, 1234, 56_700, 999_999, 1_200_000)] == ["0", "1,234", "56.7k", "1.0M", "1.2M"]


def test_each_step_has_words() -> None:
    assert set(STEP_NAMES) == {*StepName, *SourceKind}
    assert not set(StepName) & set(SourceKind)


def test_each_end_of_an_attempt_has_words() -> None:
    assert set(OUTCOMES) == set(Ending)


def test_what_has_several_causes_is_told_without_one_of_them() -> None:
    held = [rule for rule in RULES if rule.ending is Ending.HELD]
    assert len(held) > 1
    assert not any(rule.counts for rule in held)
    for cause in ("help desk", "model", "key", "file"):
        assert cause not in OUTCOMES[Ending.HELD]
