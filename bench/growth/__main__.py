"""What each hot query takes as the tables grow: `make bench-growth`.

Fills an embedded PostgreSQL with ten thousand deliveries of a thousand tenants, then ten million, of which at last a
hundred thousand are due; one tenant has a history of 20,000 tickets, then a million. At each size it asks every hot
query and prints how long it took and how many pages PostgreSQL looked at.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import click
import httpx
import structlog

from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.migrate import migrate
from app.db.session import open_database
from bench.growth.fill import Filler
from bench.growth.hot import PURPOSES, SYNC_BATCH, Meter, System, measure
from bench.growth.page import plans, render, write
from bench.growth.plans import MODULE, PlanLog
from bench.throughput.corpus import load_texts, split
from demo.embedded import open_postgres, open_valkey
from demo.launcher import CHECKOUT, Process
from demo.run_folder import open_run_folder
from tests.builders import a_tenant, write_tenant
from tests.integration.processes import common_variables

_TOKEN = "a-token-of-the-bench"  # noqa: S105
_OPTIONS = {
    "shared_preload_libraries": MODULE,
    "shared_buffers": "1GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "30min",
}


@click.command()
@click.option("--deliveries", default=10_000_000, show_default=True)
@click.option("--tickets", default=1_000_000, show_default=True, help="Of the tenant with the history.")
@click.option("--due", default=100_000, show_default=True, help="Deliveries that are not settled, at last.")
@click.option("--tenants", default=1_000, show_default=True)
@click.option("--times", default=100, show_default=True, help="How often each query is asked.")
@click.option("--page", type=click.Path(path_type=Path), help="Write the tables into this page.")
@click.option("--plans", "plans_file", type=click.Path(path_type=Path), help="Write the plans to this file.")
@click.option("--hold", is_flag=True, help="Keep the database until a key is pressed.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def main(  # noqa: PLR0917 - options
    deliveries: int,
    tickets: int,
    due: int,
    tenants: int,
    times: int,
    page: Path | None,
    plans_file: Path | None,
    hold: bool,
    data: Path | None,
) -> None:
    """What each hot query takes as the tables grow."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    small = {"deliveries": deliveries // 1_000, "tickets": tickets // 50, "due": 110}
    large = {**small, "deliveries": deliveries, "tickets": tickets}
    meters = asyncio.run(
        run(
            {
                f"{small['deliveries']:,} deliveries": small,
                f"{deliveries:,}": large,
                f"and {due:,} of them due": {**large, "due": due},
            },
            data,
            tenants=tenants,
            times=times,
            hold=hold,
        )
    )
    generated = render(meters)
    click.echo(generated)
    if plans_file is not None:
        told = f"{deliveries:,} deliveries, {due:,} of them due, {tickets:,} tickets of one of {tenants:,} tenants"
        plans_file.write_text(plans(list(meters.values())[-1], told), encoding="utf-8")
    if page is not None:
        write(page, generated)


async def run(
    sizes: dict[str, dict[str, int]], data: Path | None, *, tenants: int, times: int, hold: bool
) -> dict[str, Meter]:
    meters: dict[str, Meter] = {}
    async with AsyncExitStack() as stack:
        run_folder = stack.enter_context(open_run_folder(CHECKOUT / ".demo"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=run_folder.path)))
        known = [a_tenant(f"t{number}") for number in range(tenants)]
        for tenant in known:
            write_tenant(folder, tenant, webhook_secret="secret", api_key="key")
        postgres = await stack.enter_async_context(open_postgres(run_folder, options=_OPTIONS))
        valkey = await stack.enter_async_context(open_valkey(run_folder))
        await postgres.create_database("bench")
        urls = await postgres.create_roles("bench")
        await migrate(urls.owner, tell=lambda _: None)
        connection = await asyncpg.connect(urls.superuser)
        stack.push_async_callback(connection.close)
        database = await stack.enter_async_context(open_database(urls.worker))
        intake = await stack.enter_async_context(open_intake(urls.intake))
        history, new = split(load_texts(data))
        filler = Filler(connection, database)
        began = time.monotonic()
        await filler.prepare(history, [tenant.id for tenant in known])
        told = common_variables(valkey, folder) | {"DATABASE_URL": urls.worker, "CONSOLE_TOKEN": _TOKEN}
        console = Process("app", "console", variables=told, log=folder / "console.log", run=run_folder)
        stack.callback(console.kill)
        await console.ready(limit_s=120)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=console.url, timeout=120, follow_redirects=True)
        )
        await client.post("/sign-in", data={"token": _TOKEN})

        async def forget(accepted: Sequence[AcceptedDelivery]) -> None:
            for table in ("due", "delivery"):
                await connection.execute(
                    f"delete from {table} using unnest($1::uuid[], $2::uuid[]) gone (tenant_id, job_id)"  # noqa: S608 - ours
                    f" where {table}.tenant_id = gone.tenant_id and {table}.job_id = gone.job_id",
                    [each.tenant_id for each in accepted],
                    [each.job_id for each in accepted],
                )
            await connection.execute("vacuum analyze due")

        system = System(database, intake, known, new, client, forget)
        plans = PlanLog(connection, next(run_folder.path.glob("postgres*.log")))
        for name, size in sizes.items():
            await filler.grow(**size)
            held = await connection.fetchval("select pg_size_pretty(pg_database_size(current_database()))")
            click.echo(f"{name}: filled after {time.monotonic() - began:.0f} s, {held}")
            meters[name] = meter = Meter(postgres.pid)
            await measure(system, Meter(postgres.pid), times=2)
            await measure(system, meter, times=times)
            await plans.switch(on=True)
            meter.plans = plans
            await measure(system, meter, times=2)
            meter.plans = None
            await plans.switch(on=False)
            for call in PURPOSES:
                if call in meter.times:
                    click.echo(
                        f"  {call:<22} median {meter.median(call):8.1f} ms   p95 {meter.p95(call):8.1f} ms"
                        f"   CPU {meter.cpu_ms(call):8.1f} ms   {meter.pages(call):9,} pages",
                    )
            per_s = SYNC_BATCH / (meter.median("sync, 100 new") / 1000)
            click.echo(f"  {per_s:,.0f} tickets stored and indexed a second")
        if hold:
            click.echo(f"held: {urls.superuser}")
            await asyncio.to_thread(input)
    return meters


if __name__ == "__main__":
    main()
