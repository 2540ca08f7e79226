"""Columns whose values the code enumerates: the database knows the same values, and takes no other."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Final, get_args
from uuid import uuid4

import asyncpg
import pytest

from app.api.bodies import MAX_BODY_BYTES
from app.core.delivery import Event, Status
from app.core.enhancement import Confidence
from app.core.outcome import Ending
from app.core.tenant import EVERY_TENANT
from app.db.knowledge.cursors import CursorKind
from app.db.knowledge.strays import KINDS
from app.db.limits.holds import Cause
from app.errors import Code
from demo.embedded import DatabaseUrls
from tests.connections import connected
from tests.integration.database_rows import find_tables

_DOCUMENTS: Final = {"ticket", "article"}
ENUMERATED: Final = {
    ("delivery", "event"): set(Event),
    ("delivery", "status"): set(Status),
    ("gate", "cause"): set(Cause),
    ("attempt", "outcome"): set(Ending),
    ("enhancement", "confidence"): set(Confidence),
    ("posting", "kind"): _DOCUMENTS,
    ("ticket_link", "kind"): _DOCUMENTS,
    ("ticket_link", "told_by"): {"link", "resolution", "vote"},
    ("term", "kind"): _DOCUMENTS,
    ("corpus", "kind"): _DOCUMENTS,
    ("source_vote", "kind"): _DOCUMENTS,
    ("source_reset", "kind"): _DOCUMENTS,
    ("stray", "kind"): set(KINDS),
    ("sync_cursor", "kind"): set(get_args(CursorKind)),
}
FREE: Final = {
    "arrival": "ticket_id number first_source storm_ticket_id note_id",
    "article": "id title text terms",
    "asset": "id name hostname role location owner owner_key",
    "asset_address": "asset_id",
    "asset_name": "name asset_id",
    "attempt": "error code",
    "audit": "actor act detail",
    "console_session": "id sealed",
    "corpus": "configuration",
    "delivery": "ticket_id trace_context last_error ignored_because code",
    "enhancement": "ticket_id version model note_id note_html",
    "feedback": "comment",
    "gate": "closed_by reason",
    "origin": "account_id account_name",
    "posting": "term",
    "shadow_verdict": "ticket_id actor",
    "source_reset": "source_id actor",
    "source_vote": "source_id",
    "stray": "account",
    "tally": "model",
    "term": "term",
    "ticket": "id display_id subject description requester category status priority resolution terms subcategory group technician",
    "ticket_link": "to_id from_id",
    "ticket_vector": "model",
}
"""Texts of which the code knows no list. `code` has a form alone, `test_each_code_has_the_form_that_the_database_takes`."""
_CHECK: Final = "select pg_get_constraintdef(oid) from pg_constraint where conname = $1"


@pytest.mark.parametrize(("table", "column"), ENUMERATED)
async def test_the_database_takes_what_the_code_knows_and_no_more(
    superuser: asyncpg.Connection, table: str, column: str
) -> None:
    check = await superuser.fetchval(_CHECK, f"{table}_{column}_check")
    assert set(re.findall(r"'([a-z_]+)'::text", check)) == ENUMERATED[table, column]


async def test_each_text_has_a_list_or_is_free(superuser: asyncpg.Connection) -> None:
    """Of a new column it is decided here whether the code enumerates its values; then the database has to as well."""
    found = {
        (table, column.name)
        for table, columns in (await find_tables(superuser)).items()
        for column in columns
        if column.type in {"text", "text[]"} and table != "alembic_version"
    }
    assert found == {*ENUMERATED} | {(table, name) for table, names in FREE.items() for name in names.split()}


async def test_no_other_column_has_such_a_list(superuser: asyncpg.Connection) -> None:
    listed = await superuser.fetch(
        "select conname from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace"
        " and pg_get_constraintdef(oid) ~ '= ANY \\(ARRAY\\[''|= ''[a-z_]+''::text'"
    )
    known = {f"{table}_{column}_check" for table, column in ENUMERATED} | {"gate_every_tenant_check"}
    assert {row["conname"] for row in listed} == known


@pytest.mark.parametrize("table", ["delivery", "attempt"])
async def test_each_code_has_the_form_that_the_database_takes(superuser: asyncpg.Connection, table: str) -> None:
    check = await superuser.fetchval(_CHECK, f"{table}_code_check")
    condition = check.removeprefix("CHECK ").removesuffix(" NOT VALID")
    fits = f"select bool_and({condition}) from unnest($1::text[]) code"
    assert await superuser.fetchval(fits, [code.value for code in Code])
    for wrong in ("", "Help desk failed", "x" * 65, "a\nb"):
        assert not await superuser.fetchval(fits, [wrong])


async def test_what_no_worker_could_digest_the_intake_role_can_not_store(
    urls: DatabaseUrls, superuser: asyncpg.Connection
) -> None:
    """Half a gigabyte, by which each worker that claims it would be killed; an event that the code does not know."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    most = 4 * MAX_BODY_BYTES  # no charset's character takes more bytes of UTF-8 for each of its own
    rows = [
        ("ticket_created", most, trace, None),
        ("ticket_created", most + 1, trace, "23514"),
        ("ticket_resolved", 1, "x" * 200, None),
        ("ticket_resolved", 1, "x" * 201, "23514"),
        ("b", 1, trace, "23514"),
    ]
    tenant = uuid4()
    async with connected(urls.intake) as intake:
        failures = await intake.fetchval(
            "select accept_deliveries($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])",
            [tenant] * len(rows),
            [uuid4() for _ in rows],
            ["1"] * len(rows),
            [event for event, *_ in rows],
            [b"x" * size for _, size, *_ in rows],
            [told for *_, told, _ in rows],
        )
    assert failures == [refused for *_, refused in rows]
    for table in ("due", "delivery"):
        await superuser.execute(f"delete from {table} where tenant_id = $1", tenant)


@pytest.mark.parametrize("cause", Cause)
async def test_under_the_id_of_every_tenant_stands_a_pause_alone(superuser: asyncpg.Connection, cause: Cause) -> None:
    """Any other row under it would hold all tenants back."""
    row = "insert into gate (tenant_id, cause, closed_until) values ($1, $2, 'infinity')"
    refused = nullcontext() if cause is Cause.PAUSED else pytest.raises(asyncpg.CheckViolationError)
    transaction = superuser.transaction()
    await transaction.start()
    with refused:
        await superuser.execute(row, EVERY_TENANT, cause)
    await transaction.rollback()
