"""A rollback brings the old image back and leaves the new schema: no migration may break the release before it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.manifests.migration_safety import MIGRATIONS, findings, revisions, sql_of, unsafe

DENIED: Final = [
    tuple(line.split(" -- "))
    for line in (Path(__file__).parent / "unsafe_migration.sql").read_text(encoding="utf-8").splitlines()
    if not line.startswith("--")
]

REVISION: Final = '''
"""A revision of this test."""

import sqlalchemy as sa
from alembic import op

from app.db.migrations import execute_script

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade() -> None:
    {statement}
'''


def _history(folder: Path, *statements: str) -> Path:
    """A folder of migrations, one revision a statement."""
    (folder / "versions").mkdir()
    for number, statement in enumerate(statements, start=1):
        text = REVISION.format(
            revision=f"r{number}", down_revision=f"r{number - 1}" if number > 1 else None, statement=statement
        )
        (folder / "versions" / f"r{number}.py").write_text(text, encoding="utf-8")
    return folder


def test_our_migrations_leave_the_release_before_them_working() -> None:
    assert unsafe() == {}


def test_every_migration_is_looked_at() -> None:
    files = {path.stem for path in (MIGRATIONS / "versions").glob("2*.py")}

    assert len(revisions()) == len(files)
    assert all("create table" in sql_of(each).lower() for each in revisions()[:2])


@pytest.mark.parametrize(("statement", "rule"), DENIED, ids=[rule for _, rule in DENIED])
def test_denied_example_fails_exactly_its_rule(statement: str, rule: str) -> None:
    expected = {rule, "constraint-missing-not-valid"} if rule == "disallowed-unique-constraint" else {rule}

    assert findings(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "op.drop_column('delivery', 'last_error')",
        "op.alter_column('delivery', 'event', new_column_name='kind')",
        "op.execute('drop table due')",
        "execute_script('create table channel (id bigint primary key); drop table due')",
        "op.create_index('delivery_event_idx', 'delivery', ['event'])",
        "execute_script('create index concurrently delivery_event_idx on delivery (event)')",  # within the transaction
    ],
)
def test_unsafe_revision_is_seen_however_it_is_written(statement: str, tmp_path: Path) -> None:
    history = _history(tmp_path, "execute_script('select 1')", statement)

    assert list(unsafe(history)) == ["r2"]


@pytest.mark.parametrize(
    "statement",
    [
        "op.add_column('delivery', sa.Column('channel', sa.Text()))",
        "op.add_column('delivery', sa.Column('is_test', sa.Boolean(), nullable=False, server_default=sa.false()))",
        "op.create_table('channel', sa.Column('id', sa.BigInteger(), primary_key=True))",
        "execute_script('create table channel (id bigint); create index channel_id_idx on channel (id)')",
        "execute_script('grant insert on delivery to ai_agents_worker')",
        "op.execute('alter table delivery add constraint positive check (attempt >= 0) not valid')",
        "with op.get_context().autocommit_block(): op.create_index('i', 'delivery', ['event'], postgresql_concurrently=True)",
    ],
)
def test_expansion_passes(statement: str, tmp_path: Path) -> None:
    assert unsafe(_history(tmp_path, "execute_script('select 1')", statement)) == {}


def test_contraction_that_is_due_says_so_where_it_stands() -> None:
    due = "-- unread since 0.3\n-- squawk-ignore {}\n{};"

    assert findings(due.format("ban-drop-column", "alter table delivery drop column last_error")) == set()
    assert findings(due.format("ban-revoke", "revoke update on delivery from ai_agents_worker")) == set()
    assert findings(due.format("ban-revoke", "drop table due")) == {"ban-drop-table"}


def test_first_revision_has_no_release_before_it(tmp_path: Path) -> None:
    assert unsafe(_history(tmp_path, "op.execute('drop table due')")) == {}
