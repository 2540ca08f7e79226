"""Each test that docs/security.md names exists, and each promise there names one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from app.api.app import HEADERS_TIMEOUT_MS, MAX_CONNECTIONS, MAX_HEADERS_BYTES
from app.api.bodies import MAX_BODY_BYTES, READ_TIMEOUT_S
from app.api.bodies import MAX_BYTES as MAX_BODIES_BYTES
from app.console.sessions import SESSION_LIFE
from app.core.plain_yaml import MAX_CHARS, MAX_DEPTH, MAX_VALUES
from app.core.signature import TIMESTAMP_TOLERANCE
from app.db.console_sessions import IDLE
from app.db.ledger.intake import MAX_WAITING, MAX_WAITING_BYTES
from app.integrations.http import MAX_BYTES
from app.integrations.openai import MAX_ANSWER_BYTES
from tests.hostile.corpus import read_injections
from tests.integration.test_role_limits import attempts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`\s]+)`", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 50


def test_a_test_that_is_named_exists() -> None:
    def is_there(name: str) -> bool:
        path, _, test = name.partition("::")
        if not test or not (ROOT / path).exists():
            return (ROOT / path).exists()
        return test in re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text("utf-8"), re.MULTILINE)

    assert [name for name in NAMED if not is_there(name)] == []


def test_a_part_of_a_name_is_of_a_test_of_the_file_before_it() -> None:
    parts = [
        (path, part)
        for path, told in re.findall(r"`(tests/[^`\s]+\.py)` \(([^)]*)\)", PAGE)
        for part in re.findall(r"`(\w+)`", told)
    ]
    assert len(parts) > 10
    for path, part in parts:
        names = re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        assert [name for name in names if part in name], (path, part)


def test_each_row_names_its_tests() -> None:
    """Every table ends in a column of tests, and each row of it names one."""
    tables = re.findall(r"^(\| .* \|)\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)

    assert len(tables) > 10
    for header, rows in tables:
        assert header.endswith((" test |", " shown by |")), header
        for row in rows.splitlines():
            last = row.rsplit(" | ", 1)[1]
            assert "`tests/" in last or last.startswith("outside: "), row
            assert "`test_" not in last, f"without its path: {row}"


def test_each_limit_on_the_page_is_the_codes() -> None:
    limits = {
        f"A body is at most {MAX_BODY_BYTES // 1024} KiB, here within {READ_TIMEOUT_S:g} s": "api/bodies.py",
        f"all unfinished ones at most {MAX_BODIES_BYTES // 1024**2} MiB": "api/bodies.py",
        (
            f"headers within {HEADERS_TIMEOUT_MS / 1000:g} s and {MAX_HEADERS_BYTES // 1024} KiB,"
            f" {MAX_CONNECTIONS:,} connections"
        ): "api/app.py",
        f"{MAX_WAITING:,} deliveries and {MAX_WAITING_BYTES // 1024**2} MiB wait at most": "db/ledger/intake.py",
        f"{MAX_BYTES // 1024**2} MiB and its time limit for a help desk": "integrations/http.py",
        f"{MAX_ANSWER_BYTES // 1024**2} MiB for the model": "integrations/openai.py",
        f"A session ends after {SESSION_LIFE / timedelta(hours=1):g} hours": "console/sessions.py",
        f"and after {IDLE / timedelta(minutes=1):g} minutes without a person": "db/console_sessions.py",
        f"Standard Webhooks ({TIMESTAMP_TOLERANCE / timedelta(minutes=1):g} minutes)": "core/signature.py",
        f"at most {MAX_CHARS // 1024} KiB, {MAX_VALUES:,} values and {MAX_DEPTH} levels": "core/plain_yaml.py",
        f"about {round(len(attempts()), -1)} attempts": "tests/integration/test_role_limits.py",
        f"({len(read_injections())} injections": "tests/hostile",
    }
    assert [text for text in limits if text not in PAGE] == []


def test_the_page_names_each_call_that_writes_on_a_help_desk() -> None:
    client = (ROOT / "app/integrations/servicedesk/client.py").read_text("utf-8")
    methods = re.findall(r"^    async def (\w+)(.*?)(?=^    (?:async )?def |\Z)", client, re.MULTILINE | re.DOTALL)
    writing = {name for name, body in methods if re.search(r"self\._api\.(?:post|put|delete|patch)\(", body)}
    (row,) = re.findall(r"^\| The product's client of a help desk has .*$", PAGE, re.MULTILINE)

    assert set(re.findall(r"`(\w+_\w+)`", row.partition(" | ")[0])) == writing
    assert "four" in row
    assert len(writing) == 4
