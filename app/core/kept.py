"""Keeps what is read of a text or word that may come again soon: a source of many tickets, a sentence checked twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

MAX_KEPT_CHARS: Final = 4_000
"""A source has 1,500. Of a ticket of 64,000 the forms take 2.5 MB, and of 256 such tickets more than a pod has."""

MAX_KEPT_WORDS: Final = 2_000
"""In each cache of words. Beyond them are rare words alone, of which a worker would gather more and more for hours."""

_Read = TypeVar("_Read")


def kept_if_short(read: Callable[[str], _Read]) -> Callable[[str], _Read]:
    """*read*, which remembers what it made of the last 256 texts that are no longer than `MAX_KEPT_CHARS`."""
    kept = lru_cache(maxsize=256)(read)
    return lambda text: kept(text) if len(text) <= MAX_KEPT_CHARS else read(text)
