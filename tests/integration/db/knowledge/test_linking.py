"""Links between tickets, and what they change in the order of what is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text

from app.core.enhancement import Confidence, Enhancement, Statement
from app.core.source import SourceKind
from app.core.tenant import Tenant
from app.core.ticket import Fate, Ticket
from app.db.knowledge.linking import keep_votes
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_tickets
from app.db.session import Database
from tests.builders import a_source, a_tenant, a_ticket, gathered

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
OTHER_THINGS = (
    "Label printer prints strange characters",
    "VPN error 809 from home",
    "Backup job failed on the repository",
    "Scanner does not read barcodes",
    "Account locked every morning",
    "Guest wireless shows no login page",
)
_RESET = """
insert into source_reset (tenant_id, kind, source_id, reset_at, actor)
select tenant_id, 'ticket', '500', now() + interval '1 s', 'jane' from feedback where job_id = $1
"""


@pytest.fixture
def tenant() -> Tenant:
    return a_tenant()


def resolved(id_: str, subject: str, **changes: Any) -> Ticket:
    times = {name: NOW - timedelta(days=99) for name in ("created_at", "updated_at", "resolved_at")}
    values = {"resolution": "Restarted it.", "description": "", "fate": Fate.CLOSED, **times, **changes}
    return a_ticket(id=id_, subject=subject, **values)


OUTAGE = resolved("500", "Exchange store is dismounted", resolution="Mount the store, free disk space on drive E.")


async def store(database: Database, tenant: Tenant, *tickets: Ticket) -> None:
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language="en")


async def links(database: Database, tenant: Tenant) -> set[tuple[str, str, str]]:
    async with database.as_tenant(tenant.id) as session:
        rows = await session.execute(text("select from_id, to_id, told_by from ticket_link"))
        return {(row.from_id, row.to_id, row.told_by) for row in rows}


async def found(database: Database, tenant: Tenant, ticket: Ticket) -> list[str]:
    search = Search(database, tenant, ticket_url=str, article_url=str)
    return [source.id for source in await search.similar_tickets(ticket, limit=5)]


def others() -> list[Ticket]:
    return [resolved(str(600 + number), subject) for number, subject in enumerate(OTHER_THINGS)]


async def test_what_a_similar_ticket_was_linked_to_is_found_too(worker_db: Database, tenant: Tenant) -> None:
    asks = a_ticket(id="900", subject="Outlook shows no new mail", description="Nothing arrives since noon.")
    similar = resolved("501", "Outlook shows no new mail", description="No mail arrives.")
    await store(worker_db, tenant, *others(), OUTAGE, similar)
    assert await found(worker_db, tenant, asks) == ["501"]
    later = {"linked_to": ("500",), "updated_at": NOW}
    await store(worker_db, tenant, similar.model_copy(update=later))
    assert await found(worker_db, tenant, asks) == ["501", "500"]


async def test_what_many_were_linked_to_comes_before_its_equal(worker_db: Database, tenant: Tenant) -> None:
    twins = [resolved(id_, "Outlook shows no new mail") for id_ in ("501", "502")]
    reports = [resolved(str(700 + number), f"Report {number}", linked_to=("501",)) for number in range(4)]
    asks = a_ticket(id="900", subject="Outlook shows no mail", description="")
    await store(worker_db, tenant, *others(), *twins)
    assert await found(worker_db, tenant, asks) == ["502", "501"]
    await store(worker_db, tenant, *reports)
    assert (await found(worker_db, tenant, asks))[:2] == ["501", "502"]


async def test_a_ticket_does_not_vote_for_its_own_answer(worker_db: Database, tenant: Tenant) -> None:
    twins = [resolved(id_, "Outlook shows no new mail") for id_ in ("501", "502")]
    asks = resolved("900", "Outlook shows no mail", linked_to=("501",))
    await store(worker_db, tenant, *others(), *twins, asks)
    assert await found(worker_db, tenant, asks) == ["502", "501"]


async def test_a_resolution_that_names_a_ticket_links_it(worker_db: Database, tenant: Tenant) -> None:
    cloud = resolved("100000000000123456", "Store is dismounted", display_id="1042")
    await store(
        worker_db,
        tenant,
        cloud,
        OUTAGE,
        resolved("501", "No mail", resolution="Same as #1042."),
        resolved("502", "No mail", resolution="See ticket 500 and #777 and #502."),
        resolved("503", "No mail", resolution="https://sdp/app/it/ui/requests/100000000000123456/details"),
        resolved("504", "Again #500", description="As in #500!"),  # a requester's words link nothing
    )
    assert await links(worker_db, tenant) == {
        ("501", cloud.id, "resolution"),
        ("502", "500", "resolution"),
        ("503", cloud.id, "resolution"),
    }


async def test_links_follow_the_ticket(worker_db: Database, tenant: Tenant) -> None:
    linked = resolved("501", "No mail", linked_to=("500", "999"), resolution="As in #500")
    await store(worker_db, tenant, OUTAGE, linked)
    assert await links(worker_db, tenant) == {
        ("501", "500", "link"),
        ("501", "999", "link"),
        ("501", "500", "resolution"),
    }
    await store(worker_db, tenant, linked.model_copy(update={"linked_to": ("999",), "updated_at": NOW}))
    assert await links(worker_db, tenant) == {("501", "999", "link"), ("501", "500", "resolution")}
    await store(worker_db, tenant, OUTAGE.model_copy(update={"fate": Fate.TRASHED, "updated_at": NOW}))
    assert await links(worker_db, tenant) == {("501", "999", "link")}
    await store(worker_db, tenant, linked.model_copy(update={"fate": Fate.MERGED, "updated_at": NOW}))
    assert await links(worker_db, tenant) == set()


async def test_nobody_is_linked_to_another_tenants_ticket(worker_db: Database, tenant: Tenant) -> None:
    other = a_tenant()
    similar = resolved("501", "Outlook shows no new mail", linked_to=("500",), resolution="As in #500")
    await store(worker_db, other, OUTAGE)
    await store(worker_db, tenant, *others(), similar)
    assert await links(worker_db, tenant) == {("501", "500", "link")}
    assert await links(worker_db, other) == set()
    assert await found(worker_db, tenant, a_ticket(id="900", subject="Outlook shows no new mail")) == ["501"]


async def test_a_vote_links_what_the_note_cited_and_can_be_taken_back(
    worker_db: Database, superuser: asyncpg.Connection, tenant: Tenant
) -> None:
    cited = a_source(SourceKind.TICKET, id="500", ref="T1")
    unused = a_source(SourceKind.TICKET, id="501", ref="T2")
    article = a_source(SourceKind.ARTICLE, id="9", ref="K1")
    job_id = await _note(superuser, tenant.id, "900", Enhancement(
        summary="The store is dismounted.",
        facts=(Statement(text="The store was dismounted.", citations=["T1", "K1"]),),
        confidence=Confidence.HIGH,
        gathered=gathered(cited, unused, article),
        model="m",
    ))  # fmt: skip
    both = {("900", "500", "vote"), ("900", "9", "vote")}
    for change, expected in (
        ("update feedback set is_helpful = true where job_id = $1", both),
        ("update feedback set is_helpful = false where job_id = $1", set()),
        ("update feedback set is_helpful = true where job_id = $1", both),
        (
            _RESET,
            {("900", "9", "vote")},
        ),
        ("delete from feedback where job_id = $1", set()),  # after 90 days
    ):
        await superuser.execute(change, job_id)
        async with worker_db.as_tenant(tenant.id) as session:
            await keep_votes(session, tenant.id)
        assert await links(worker_db, tenant) == expected


async def _note(connection: Any, tenant_id: UUID, ticket_id: str, enhancement: Enhancement) -> UUID:
    job_id = uuid4()
    await connection.execute(
        "insert into enhancement (tenant_id, ticket_id, version, job_id, content)"
        " values ($1, $2, 'v', $3, cast($4 as jsonb))",
        tenant_id, ticket_id, job_id, enhancement.model_dump_json(),
    )  # fmt: skip
    await connection.execute(
        "insert into feedback (tenant_id, job_id, is_helpful) values ($1, $2, true)", tenant_id, job_id
    )
    return job_id


async def test_postings_of_the_release_before_are_found(worker_db: Database, tenant: Tenant) -> None:
    await store(worker_db, tenant, *others(), OUTAGE)
    async with worker_db.as_tenant(tenant.id) as session:
        await session.execute(text("update posting set frequency = null"))
    assert await found(worker_db, tenant, a_ticket(id="900", subject="Exchange store dismounted")) == ["500"]
