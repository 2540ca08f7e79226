"""The error that ends a run early, with a sentence for the person who started it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

_LINES: Final = 12
_MAX_CHARS: Final = 400
_FULL: Final = 1_000_000
"""With fewer bytes free a disk is full."""


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
    if not lines:
        # Now, since the space that the run took is free again when its reader looks.
        return (
            "    (it is empty: the disk is full)" if shutil.disk_usage(log.parent).free < _FULL else "    (it is empty)"
        )
    return "\n".join(f"    {line[:_MAX_CHARS]}" for line in lines[-_LINES:])
