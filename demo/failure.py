"""The error that ends a run early, with a sentence for the person who started it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LINES: Final = 12
_MAX_CHARS: Final = 400


class RunFailed(Exception):
    """A run can't go on.

    Args:
        text: Why, in a sentence.
        log: The log with more details; its last lines are added to the text.
    """

    def __init__(self, text: str, *, log: Path | None = None) -> None:
        super().__init__(text if log is None else f"{text}; its log ends:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LINES * _MAX_CHARS))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(f"    {line[:_MAX_CHARS]}" for line in lines[-_LINES:]) or "    (it is empty)"
