"""What of a migration would break the release before it, which still runs while it is applied and after a rollback.

Each revision but the first is judged alone, on the schema that the revision before it left: whatever was there may be
in use. Squawk knows most of it; what it does not know is a list of statements below. A contraction that is due says so
where it stands: `-- squawk-ignore <rule>` above the statement, with the reason.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

SQUAWK: Final = Path(sysconfig.get_path("scripts")) / "squawk"
MIGRATIONS: Final = Path(__file__).parents[2] / "app" / "db" / "migrations"

# Matters of taste, and what `ai-agents migrate` does by itself: timeouts, and one transaction round all revisions.
TASTE: Final = (
    *("prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity", "prefer-robust-stmts"),
    *("prefer-text-field", "prefer-timestamp-tz", "require-lock-timeout", "require-statement-timeout"),
    *("ban-char-field", "identifier-too-long"),
)

# Squawk says nothing about rights and policies, reads no block of PL/pgSQL, and a table emptied is data lost. What names a
# table that the revision itself makes is no matter of the release before.
OURS: Final = {
    "ban-revoke": r"revoke\b(?!\s+all\s+on\s+function\b[^;]*\bfrom\s+public\b)",
    "ban-drop-policy": r"(drop|alter)\s+policy\b",
    "ban-truncate": r"truncate\b",
    "ban-trigger": r"(drop\s+trigger|alter\s+table\b[^;]*\bdisable\s+trigger|create\s+(or\s+replace\s+)?rule)\b",
    "ban-enable-rls": r"alter\s+table\s+(?P<table>\w+)\s+enable\s+row\s+level\b",
    "ban-restrictive-policy": r"create\s+policy\s+\w+\s+on\s+(?P<table>\w+)\s+as\s+restrictive\b",
    "ban-role-change": r"((alter|drop)\s+role|(drop|reassign)\s+owned|alter\b[^;]*\bowner\s+to)\b",
    "ban-do": r"do\s+(?P<quote>\$\w*\$)(?:(?!(?P=quote)).)*?\b(drop|truncate|revoke|rename)\b",
    "ban-drop-type": r"drop\s+(type|domain|sequence|view|materialized\s+view)\b",
}


def sql_of(revision: Script) -> str:
    """What *revision* would send to PostgreSQL, without one."""
    sql = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": sql, "literal_binds": True}
    )
    context.impl.connection = _Recorder(sql)  # type: ignore[assignment]
    with Operations.context(context), context.begin_transaction():
        revision.module.upgrade()
    return sql.getvalue()


class _Recorder:
    """The connection that `execute_script` asks for: it writes down what the driver would be given."""

    def __init__(self, sql: io.StringIO) -> None:
        driver = SimpleNamespace(execute=lambda script: sql.write(script.rstrip().rstrip(";") + ";\n\n"))
        self.connection = SimpleNamespace(dbapi_connection=SimpleNamespace(run_async=lambda work: work(driver)))
        self._sql = sql

    def execute(self, statement: object) -> None:
        self._sql.write(f"{str(statement).rstrip(';')};\n\n")


def revisions(folder: Path = MIGRATIONS) -> list[Script]:
    """Oldest first."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return list(reversed(list(ScriptDirectory.from_config(config).walk_revisions())))


def unsafe(folder: Path = MIGRATIONS) -> dict[str, set[str]]:
    """By revision, the rules that it breaks. The first has no release before it."""
    found = {each.revision: findings(sql_of(each)) for each in revisions(folder) if each.down_revision}
    return {revision: rules for revision, rules in found.items() if rules}


def findings(sql: str) -> set[str]:
    """The rules that *sql* breaks."""
    return _squawk(sql) | _ours(sql)


def _squawk(sql: str) -> set[str]:
    result = subprocess.run(
        [SQUAWK, "--reporter=json", "--pg-version=16", *(f"--exclude={rule}" for rule in TASTE)],
        input=sql,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode not in {0, 1} or not result.stdout:
        raise RuntimeError(result.stderr)
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return {each["rule_name"] for each in found}


def _ours(sql: str) -> set[str]:
    made = {
        each.lower() for each in re.findall(r"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?(\w+)", sql, re.IGNORECASE)
    }
    broken = set()
    for rule, pattern in OURS.items():
        for each in re.finditer(rf"(?:^|;)[ \t]*(?:{pattern})", sql, re.MULTILINE | re.IGNORECASE | re.DOTALL):
            is_new = (each.groupdict().get("table") or "").lower() in made
            if not is_new and not _is_excused(rule, sql[: each.start()]):
                broken.add(rule)
    return broken


def _is_excused(rule: str, before: str) -> bool:
    line_above = before.rstrip().rpartition("\n")[2]
    return rule in line_above.partition("-- squawk-ignore ")[2].split()
