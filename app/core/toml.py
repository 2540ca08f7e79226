"""Words and weights that are files of TOML, each beside the module that uses it."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any


def read_toml(package: str, name: str) -> dict[str, Any]:
    """The file *name* of *package*."""
    return tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8"))
