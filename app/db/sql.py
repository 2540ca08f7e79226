"""Loads the larger SQL statements from files beside their modules: one statement in a file, with a comment for each step.

Comments are on lines of their own. They are removed here, so that a comment may name a parameter (`:tenant_id`) without
being taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

_COMMENT: Final = re.compile(r"^\s*--.*\n", re.MULTILINE)
# As SQLAlchemy finds them: `::` is a cast.
_PARAMETER: Final = re.compile(r"(?<![:\w]):(\w+)(?!:)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the driver takes it.

    For example `where id = :id or old_id = :id` is `where id = $1 or old_id = $1`, with the names `("id",)`.
    """

    sql: str
    names: tuple[str, ...]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order; *values* may hold others too."""
        return [values[name] for name in self.names]


def load(package: str, name: str, **parts: str) -> Statement:
    """The statement of `<name>.sql` in *package*, for `Database.transaction`; its parameters are written `:name`.

    A module loads its statements when it is imported, so that a missing file is noticed at the start:

        _RANK: Final = load(__package__, "rank", documents="ticket")

    *parts* are SQL, put in where the file says `{documents}`: so PostgreSQL plans for one table alone, once.
    """
    return numbered(read_script(package, name, **parts))


def read_script(package: str, name: str, **parts: str) -> str:
    """The text of `<name>.sql`, with its parameters' names: for SQLAlchemy, and for `migrations.execute_on`."""
    sql = _COMMENT.sub("", files(package).joinpath(f"{name}.sql").read_text("utf-8"))
    for part, of_sql in parts.items():
        sql = sql.replace(f"{{{part}}}", of_sql)
    return sql


def numbered(sql: str) -> Statement:
    """*sql* with numbers in place of its parameters' names."""
    names: dict[str, int] = {}
    sql = _PARAMETER.sub(lambda found: f"${names.setdefault(found[1], len(names) + 1)}", sql)
    return Statement(sql, tuple(names))
