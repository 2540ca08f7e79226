"""The note's fixed words, in the languages that a tenant's file may name."""

from __future__ import annotations

from functools import cache

from app.core.toml import read_toml


def labels(language: str) -> dict[str, str]:
    """The note's fixed words in *language*."""
    return all_labels()[language]


@cache
def all_labels() -> dict[str, dict[str, str]]:
    """The note's fixed words of every language, by language code."""
    return read_toml(__package__, "note_labels.toml")
