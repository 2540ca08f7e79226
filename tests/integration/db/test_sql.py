"""Each statement in a file under app/db is one that PostgreSQL understands, and one that a module runs."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from sqlalchemy import TextClause, create_engine

import app.db
from app.db.sql import Statement, load, numbered, read_script
from demo.embedded import DatabaseUrls
from tests.connections import connected
from tests.integration.db.statements_of_each import find_statements

FOLDER = Path(app.db.__file__).parent
DIALECT = create_engine("postgresql+asyncpg://").dialect
FILES = sorted(FOLDER.rglob("*.sql"))


def load_file(file: Path) -> Statement:
    return load(".".join(("app", "db", *file.parent.relative_to(FOLDER).parts)), file.stem)


def as_sent(value: Statement | TextClause) -> str:
    """The statement as the driver gets it; SQLAlchemy adds casts to it."""
    return value.sql if isinstance(value, Statement) else str(value.compile(dialect=DIALECT))


def values_of_modules() -> list[object]:
    modules = [import_module(found.name) for found in walk_packages(app.db.__path__, "app.db.") if is_ours(found.name)]
    return [value for module in modules for value in vars(module).values()]


def loaded() -> list[tuple[str, Statement | TextClause]]:
    """The statements that modules have loaded, each with the text that the driver would get without SQLAlchemy."""
    values = values_of_modules()
    values += [each for value in values if isinstance(value, dict) for each in value.values()]
    return [
        *((numbered(value.text).sql, value) for value in values if isinstance(value, TextClause)),
        *((value.sql, value) for value in values if isinstance(value, Statement)),
    ]


def made_of(file: Path) -> list[Statement | TextClause]:
    """The loaded statements that are *file* or have it as a part, with some SQL where it says `{documents}` or the like."""
    whole = like(load_file(file).sql)
    of_each = like(re.sub(r":tenant_id\b", "tenant.id", script(file)))
    return [
        *(value for text, value in loaded() if whole.search(without_numbers(text))),
        *(value for _, value in find_statements() if of_each.search(without_numbers(value.sql))),
    ]


def like(sql: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\{\w+\}", without_numbers(numbered(sql).sql)))), re.DOTALL)


def without_numbers(sql: str) -> str:
    """*sql* with `$` for each parameter: one in the place of `{distance}` changes the numbers of those behind it."""
    return re.sub(r"\$\d+", "$", sql)


def is_script(file: Path) -> bool:
    """Whether a module loads *file* as several statements for `migrate`, whose tests run them."""
    return script(file) in values_of_modules()


def script(file: Path) -> str:
    return read_script(".".join(("app", "db", *file.parent.relative_to(FOLDER).parts)), file.stem)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
async def test_a_module_loads_it_and_postgresql_can_prepare_it(urls: DatabaseUrls, file: Path) -> None:
    statements = made_of(file)
    assert statements or is_script(file)
    async with connected(urls.worker) as connection:
        for statement in statements:
            await connection.prepare(as_sent(statement))


def test_there_are_files() -> None:
    assert FILES


def is_ours(module: str) -> bool:
    """Migrations are alembic's to import: they run when they are."""
    return not module.startswith("app.db.migrations")
