"""What technicians' votes make of a source's place in the search.

Votes against push a source down, by at most half; votes for hold against them, and never push it up: that a source
helped is told by links (`db.knowledge`).

    for   against   factor
    0     0         1
    0     1         0.8
    0     2         0.67
    0     4         0.5      the least
    2     1         1
"""

from __future__ import annotations

from typing import Final

LEAST: Final = 0.5
_PRIOR: Final = 2
"""Votes for and against, each, that every source has from the beginning: one vote alone does not decide."""


def factor(up: int, down: int) -> float:
    """By how much a source counts, 0.5 to 1, after *up* votes on notes that cite it for, and *down* against."""
    return max(LEAST, min(1.0, 2 * (up + _PRIOR) / (up + down + 2 * _PRIOR)))
