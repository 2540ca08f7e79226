"""What KEDA asks to scale the workers, asked of the real servers as KEDA would."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from app.db.gates import EVERY_TENANT, Cause, Gates
from app.db.intake import AcceptedDelivery, open_intake
from app.db.session import Database
from demo.embedded import DatabaseUrls
from tests.manifests.rendering import WORKLOAD, of_kind, render


async def test_the_backlogs_query_counts_what_waits_for_the_workers_role(
    urls: DatabaseUrls, worker_db: Database
) -> None:
    (scaled,) = of_kind(render(WORKLOAD), "ScaledObject")
    (query,) = (
        trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"] if trigger["type"] == "postgresql"
    )

    async def backlog() -> int:
        async with worker_db.across_tenants() as session:
            return int((await session.execute(text(query))).scalar_one())

    assert await backlog() == 0
    async with open_intake(urls.intake) as intake:
        tenants = [uuid4() for _ in range(3)]  # it counts over all of them
        for tenant_id in tenants:
            await intake.accept(AcceptedDelivery(tenant_id, uuid4(), "1", "ticket_created", b"{}", None))

    assert await backlog() == 3
    gates = Gates(worker_db)
    await gates.pause(tenants[0], by="x", reason="x")
    assert await backlog() == 2
    await gates.close(tenants[1], Cause.MODEL, wait=timedelta(minutes=1))  # its notes are written without it
    assert await backlog() == 2
    await gates.pause(EVERY_TENANT, by="x", reason="x")
    assert await backlog() == 0
