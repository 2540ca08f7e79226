"""What KEDA asks to scale the workers, asked of the real servers as KEDA would."""

from __future__ import annotations

from uuid import uuid4

from app.core.retry import FAILURES_TO_OPEN
from app.core.tenant import EVERY_TENANT
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.limits.circuits import Circuits, Dependency
from app.db.limits.pauses import pause
from app.db.session import Database
from app.db.sql import numbered
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
        async with worker_db.transaction(None) as transaction:
            # As the role may have it for KEDA's sessions.
            await transaction.run(numbered("set local search_path = pg_catalog"))
            return int(await transaction.value(numbered(query)))

    assert await backlog() == 0
    async with open_intake(urls.intake) as intake:
        tenants = [uuid4() for _ in range(3)]  # it counts over all of them
        for tenant_id in tenants:
            await intake.accept(AcceptedDelivery(tenant_id, uuid4(), "1", "ticket_created", b"{}", None))

    assert await backlog() == 3
    await pause(worker_db, tenants[0], by="x", reason="x")
    assert await backlog() == 2
    for _ in range(FAILURES_TO_OPEN):  # its notes are written without it
        await Circuits(worker_db).record_failure(tenants[1], Dependency.MODEL)
    assert await backlog() == 2
    await pause(worker_db, EVERY_TENANT, by="x", reason="x")
    assert await backlog() == 0
