"""SQL that is the point of a module stands in a file beside it: one statement a file, with a comment for each step.

A comment stands on lines of its own. It stays here: PostgreSQL gets the statement alone, and a comment may name a
parameter (`:tenant_id`) without being taken for one.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from sqlalchemy import TextClause, text

_COMMENT: Final = re.compile(r"^\s*--.*\n", re.MULTILINE)


def load(package: str, name: str) -> TextClause:
    """The statement of `<name>.sql` in *package*; its parameters are written `:name`.

    A module loads what it runs when it is imported, so that a file that is missing is noticed at the start:

        _RANK: Final = load(__package__, "rank")
    """
    return text(_COMMENT.sub("", files(package).joinpath(f"{name}.sql").read_text("utf-8")))
