"""A time as a person types it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from app.core.delivery import parse_time

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Moment(click.ParamType[datetime]):
    """A time, or how long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        unit = _UNITS.get(value[-1:])
        if unit is not None and value[:-1].isdecimal():
            try:
                return datetime.now(UTC) - int(value[:-1]) * unit
            except (OverflowError, ValueError):
                self.fail("there is no such time", param, ctx)
        time = parse_time(value)
        if time is None:
            self.fail("give how long ago (90m, 2h, 3d) or a time (2026-11-25T14:00:00Z)", param, ctx)
        return time
