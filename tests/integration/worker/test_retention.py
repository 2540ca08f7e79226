"""A round of retention goes over all tenants, batch after batch."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from app.db.ledger import retention
from app.simulator.helpdesk import HelpDeskSimulator
from app.worker.retention import forget_old
from tests.integration.worker.conftest import Stage, add_tenant


async def test_a_round_forgets_all_that_is_old_however_many_batches_that_takes(
    stage: Stage, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    young = await stage.deliver(stage.ticket())
    await superuser.execute(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, status, accepted_at, settled_at)"
        " select $1, gen_random_uuid(), 'x', 'ticket_created', '', 'done', now() - interval '91 days', now() - interval"
        " '91 days' from generate_series(1, 5)",
        stage.tenant.id,
    )

    await forget_old(stage.database, stage.worker.tenants)

    left = await superuser.fetch("select job_id from delivery where tenant_id = $1", stage.tenant.id)
    assert [row["job_id"] for row in left] == [young]


async def test_a_round_forgets_all_tickets_that_arrived_long_ago_though_no_delivery_is_old(
    stage: Stage, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    ticket_id = stage.ticket()
    await stage.deliver_and_work(ticket_id)
    copied = (
        "insert into arrival select (jsonb_populate_record(a, jsonb_build_object('ticket_id', a.ticket_id || '-' || n,"
        " 'arrived_at', now() - interval '3 days'))).* from arrival a, generate_series(1, 5) n where tenant_id = $1"
    )
    await superuser.execute(copied, stage.tenant.id)

    await forget_old(stage.database, stage.worker.tenants)

    left = await superuser.fetch("select ticket_id from arrival where tenant_id = $1", stage.tenant.id)
    assert [row["ticket_id"] for row in left] == [ticket_id]


async def test_rows_that_can_not_be_deleted_keep_no_other_tenants(
    stage: Stage, help_desk: HelpDeskSimulator, superuser: asyncpg.Connection, tmp_path: Path
) -> None:
    others = [add_tenant(help_desk, tmp_path)[0].id for _ in range(3)]
    assert stage.worker.tenants.refresh() == []
    await superuser.execute(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, status, accepted_at, settled_at)"
        " select unnest($1::uuid[]), gen_random_uuid(), 'x', 'ticket_created', '', 'done', now() - interval '91 days',"
        " now() - interval '91 days'",
        [stage.tenant.id, *others],
    )
    await superuser.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;"
        f"create trigger refuse before delete on delivery for each row when (old.tenant_id = '{stage.tenant.id}')"
        " execute function refuse()"
    )

    await forget_old(stage.database, stage.worker.tenants)

    left = await superuser.fetch("select tenant_id from delivery where tenant_id = any($1)", [stage.tenant.id, *others])
    await superuser.execute("drop function refuse cascade")
    assert [row["tenant_id"] for row in left] == [stage.tenant.id]
