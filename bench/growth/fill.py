"""Fills a database to a size: deliveries of many tenants, and one tenant's history.

Rows are made in SQL, so it takes minutes. The history's words and their index are the product's own: sentences of real
tickets are stored and indexed by it one by one, and each further ticket is put together of some of them, with the terms
that they have.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from app.core.ticket import Ticket
from app.db.knowledge.store import upsert_tickets
from app.db.ledger.retention import add_up_hours
from app.db.session import Database
from bench.throughput.corpus import Text

_SUBJECTS, _SENTENCES = 4_000, 10_000
_SENTENCE_CHARS: Final = range(30, 160)
_BATCH: Final = 200
_CHUNK: Final = 25_000
_WHEN: Final = datetime(2026, 1, 1, tzinfo=UTC)

_PIECES: Final = """
create table bench_piece as select id::int as number, description as content, terms, frequencies from ticket;
create unique index on bench_piece (number); analyze bench_piece;
truncate ticket, posting, term, corpus;
set session_replication_role = replica; set synchronous_commit = off; set jit = off;
set work_mem = '256MB'; set maintenance_work_mem = '768MB'
"""
# As many as there are hours, whatever the number of deliveries; in the order in which they would come.
_TALLIES: Final = """
insert into tally (tenant_id, hour, model, notes, failed, ignored, prompt_tokens, completion_tokens, cost_usd)
select id, date_trunc('hour', at), 'offline', 5, 1, 1, 9000, 2000, 0.05
from bench_tenant, generate_series(now() - interval '90 days', now(), interval '1 hour') at
order by at
"""
_KEYS: Final = (
    "select conrelid::regclass::text as name, conname, pg_get_constraintdef(oid) as definition from pg_constraint"
    " where contype in ('p', 'u') and conrelid::regclass::text = any($1)"
)
_INDEXES: Final = "select indexname, indexdef from pg_indexes where tablename = any($1)"


class Filler:
    """Makes rows as the superuser of *connection*, and sentences by *database*, as the worker's role."""

    def __init__(self, connection: asyncpg.Connection[Any], database: Database) -> None:
        self._connection = connection
        self._database = database
        self._deliveries = self._due = self._tickets = 0

    async def prepare(self, texts: Sequence[Text], tenants: Sequence[UUID]) -> None:
        """Store the sentences of *texts* with their terms, and what does not grow."""
        scratch, pieces = uuid4(), _pieces(texts)
        for first in range(0, _SUBJECTS + _SENTENCES, _BATCH):
            tickets = [
                Ticket(id=str(number), description=piece, resolution="-", resolved_at=_WHEN)
                for number, piece in enumerate(pieces[first : first + _BATCH], first)
            ]
            async with self._database.as_tenant(scratch) as session:
                await upsert_tickets(session, scratch, tickets, language="en")
        await self._connection.execute(_PIECES)
        await self._connection.execute(_read("prepare"))
        await self._connection.executemany("insert into bench_tenant values ($1, $2)", list(enumerate(tenants)))
        await self._connection.execute(_TALLIES)
        for tenant_id in tenants:  # as a worker does each hour
            await add_up_hours(self._database, tenant_id)

    async def grow(self, *, deliveries: int, due: int, tickets: int) -> None:
        """Add rows until there are as many."""
        if tickets > self._tickets:
            async with self._without_indexes(("posting", "ticket", "article")):
                for first in range(self._tickets + 1, tickets + 1, _CHUNK):
                    await self._run("history", first, min(first + _CHUNK - 1, tickets))
                await self._run("index")
            self._tickets = tickets
        if deliveries > self._deliveries:
            async with self._without_indexes(("delivery", "enhancement", "attempt", "feedback", "dead", "arrival")):
                await self._run("deliveries", self._deliveries + 1, deliveries)
            self._deliveries = deliveries
        missing = due - await self._connection.fetchval("select count(*) from due")
        if missing > 0:  # those that were there may be settled
            await self._run("due", self._due + 1, self._due + missing)
            self._due += missing
        await self._connection.execute("vacuum analyze")

    async def _run(self, name: str, *arguments: int) -> None:
        for statement in _read(name).split(";\n"):
            used = [value for number, value in enumerate(arguments, 1) if f"${number}" in statement]
            await self._connection.execute(statement, *used)

    @asynccontextmanager
    async def _without_indexes(self, tables: Sequence[str]) -> AsyncIterator[None]:
        """To make an index of rows that are there is much faster than to keep it while they come."""
        keys = await self._connection.fetch(_KEYS, tables)
        for key in keys:
            await self._connection.execute(f'alter table {key["name"]} drop constraint "{key["conname"]}"')
        indexes = await self._connection.fetch(_INDEXES, tables)
        for index in indexes:
            await self._connection.execute(f'drop index "{index["indexname"]}"')
        yield
        for key in keys:
            add = f'alter table {key["name"]} add constraint "{key["conname"]}" {key["definition"]}'
            await self._connection.execute(add)
        for index in indexes:
            await self._connection.execute(index["indexdef"])


def _read(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text("utf-8")


def _pieces(texts: Sequence[Text]) -> list[str]:
    """Subjects, then sentences."""
    draw = random.Random(14)
    subjects = sorted({text.subject for text in texts if text.subject.strip()})
    said = (re.split(r"(?<=[.!?])\s+|\n", f"{text.description}\n{text.resolution}") for text in texts)
    sentences = sorted({each.strip() for pieces in said for each in pieces if len(each.strip()) in _SENTENCE_CHARS})
    return [*draw.choices(subjects, k=_SUBJECTS), *draw.choices(sentences, k=_SENTENCES)]
