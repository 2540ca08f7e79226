from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from app.cli.moment import Moment


def test_a_time_or_how_long_ago_is_read() -> None:
    assert Moment().convert("2026-11-25T14:00:00Z", None, None) == datetime(2026, 11, 25, 14, tzinfo=UTC)
    ago = datetime.now(UTC) - Moment().convert("90m", None, None)
    assert abs(ago - timedelta(minutes=90)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "value", ["", "d", "9999999999d", "9" * 5_000 + "d", "yesterday", "²d", "10000-01-01T00:00:00Z"]
)
def test_what_is_no_time_is_told(value: str) -> None:
    with pytest.raises(click.BadParameter):
        Moment().convert(value, None, None)
