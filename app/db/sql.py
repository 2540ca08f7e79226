"""Loads the larger SQL statements from files beside their modules: one statement in a file, with a comment for each step.

Comments are on lines of their own. They are removed here, so that a comment may name a parameter (`:tenant_id`) without
being taken for one.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from sqlalchemy import TextClause, text

_COMMENT: Final = re.compile(r"^\s*--.*\n", re.MULTILINE)


def load(package: str, name: str) -> TextClause:
    """The statement of `<name>.sql` in *package*; its parameters are written `:name`.

    A module loads its statements when it is imported, so that a missing file is noticed at the start:

        _RANK: Final = load(__package__, "rank")
    """
    return text(_COMMENT.sub("", files(package).joinpath(f"{name}.sql").read_text("utf-8")))
