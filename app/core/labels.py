"""The note's fixed words, in the languages that a tenant's file may name."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


def labels(language: str) -> dict[str, str]:
    """The note's fixed words in *language*."""
    return all_labels()[language]


@cache
def all_labels() -> dict[str, dict[str, str]]:
    """The note's fixed words of every language, by language code."""
    return tomllib.loads(resources.files("app.core").joinpath("note_labels.toml").read_text("utf-8"))
