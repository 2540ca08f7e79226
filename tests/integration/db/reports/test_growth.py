"""What the console reads of many tenants."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.reports import browsing
from app.db.reports.browsing import Listed, Place, list_page
from app.db.reports.choices import EVERY
from app.db.session import Database
from demo.embedded import DatabaseUrls
from tests.integration.superuser import run_as_superuser

LIMIT = 51
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def deliver(urls: DatabaseUrls, times: dict[UUID, list[datetime]]) -> list[tuple[datetime, UUID]]:
    """Deliveries that were accepted at these times. Returns all, the newest first."""
    rows = [(tenant_id, uuid4(), at) for tenant_id, own in times.items() for at in own]
    await run_as_superuser(
        urls,
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, accepted_at)"
        " select tenant_id, job_id, '1', 'ticket_created', '{}', at"
        " from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) one (tenant_id, job_id, at)",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    return sorted(((at, job_id) for _, job_id, at in rows), reverse=True)


def keys(page: list[Listed]) -> list[tuple[datetime, UUID]]:
    return [(each.place.accepted_at, each.place.job_id) for each in page]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each query asks for at most."""
    limits: list[int] = []
    make = browsing._list

    def listing(*arguments: Any, searched: int, limit: int) -> Any:
        limits.append(limit)
        return make(*arguments, searched=searched, limit=limit)

    monkeypatch.setattr(browsing, "_list", listing)
    return limits


@pytest.mark.parametrize("busy", [0, 1, 7, 200])
async def test_a_page_of_many_tenants_reads_few_of_each_and_misses_none(
    urls: DatabaseUrls, worker_db: Database, asked: list[int], busy: int
) -> None:
    """One of them has *busy* of the newest; at times several have the same time."""
    draw = random.Random(busy)
    tenants = [uuid4() for _ in range(60)]
    times = {
        tenant: [NOW - timedelta(minutes=draw.randrange(600)) for _ in range(draw.randrange(12))] for tenant in tenants
    }
    times[tenants[7]] += [NOW + timedelta(seconds=number // 3) for number in range(busy)]
    newest_first = await deliver(urls, times)
    seen: list[tuple[datetime, UUID]] = []
    after = None
    while page := await list_page(worker_db, tenants, EVERY, after=after, limit=LIMIT):
        seen += keys(page)
        after = Place(*seen[-1])
    assert seen == newest_first
    assert sum(asked[: len(tenants)]) < 4 * LIMIT
