"""A valid row in every table that has tenants, found in the catalog: a new table is covered from its migration on."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

REFERRED = "referred-to"

_COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, null) as type, a.attnotnull and not a.atthasdef as required,
    exists (select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any(f.conkey))
        as reference
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attidentity = '' and a.attgenerated = ''
order by c.relname, a.attnum
"""


@dataclass
class Column:
    """One column, as far as a valid value needs it."""

    name: str
    type: str
    is_required: bool
    is_reference: bool


async def find_tables(connection: asyncpg.Connection) -> dict[str, list[Column]]:
    """Every table with its columns; those that others refer to come first."""
    found: dict[str, list[Column]] = {}
    for row in await connection.fetch(_COLUMNS):
        found.setdefault(row["relname"], []).append(
            Column(row["attname"], row["type"], row["required"], row["reference"])
        )
    return dict(sorted(found.items(), key=lambda item: sum(column.is_reference for column in item[1])))


async def fill_every_table(connection: asyncpg.Connection, *tenants: UUID) -> list[str]:
    """One row of each of *tenants* in every table with tenants, as a superuser; the tables' names."""
    tables = {name: columns for name, columns in (await find_tables(connection)).items() if name != "alembic_version"}
    for name, columns in tables.items():
        for tenant in tenants:
            await connection.execute(insert_into(name, columns, tenant, text=REFERRED))
    return list(tables)


def insert_into(table: str, columns: list[Column], tenant: UUID, *, text: str | None = None) -> str:
    """SQL that inserts a valid row of *tenant*; of everything else a value of the column's type."""
    values = {column.name: _a_value(column, text or uuid4().hex) for column in columns if column.is_required}
    if table in {"stray", "sync_cursor"}:
        values["kind"] = "'tickets'"
    if table == "ticket_vector":
        has_one = "exists (select from ticket_vector v where (v.tenant_id, v.document) = (t.tenant_id, t.document))"
        values["document"] = f"(select document from ticket t where tenant_id = '{tenant}' order by {has_one} limit 1)"
    values["tenant_id"] = f"'{tenant}'"
    return f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})"


def _a_value(column: Column, text: str) -> str:
    if column.is_reference:
        text = REFERRED
    if column.type.endswith("[]"):
        return "'{}'"
    return {
        "uuid": f"'{uuid4()}'",
        "text": {
            "kind": "'ticket'",
            "cause": "'calls'",
            "event": "'ticket_created'",
            "outcome": "'failed'",
            "told_by": "'link'",
        }.get(column.name, f"'{text}'"),
        "bytea": "'\\x00'",
        "date": "current_date",
        "integer": "1",
        "bigint": str(uuid4().int % 10**9),
        "smallint": "1",
        "double precision": "1",
        "real": "1",
        "numeric": "1",
        "boolean": "false",
        "timestamp with time zone": "now()",
        "inet": f"'10.0.{uuid4().int % 250}.{uuid4().int % 250}'",
        "jsonb": "'{}'",
    }[column.type]
