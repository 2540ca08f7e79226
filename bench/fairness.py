"""How long a tenant waits while another has ten thousand deliveries due: `make bench-fairness`.

Three workers of four slots, a model that takes two seconds. The quiet tenant sends a ticket each few seconds; printed
are its times from acceptance to note, and how many deliveries of the busy tenant were in work.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

from app.core.help_desk import Edition
from app.core.tenant import Tenant
from app.db.knowledge.store import upsert_tickets
from app.db.ledger.intake import AcceptedDelivery, Intake, open_intake
from app.db.migrate import migrate
from app.db.reports.load import load_by_tenant
from app.db.session import open_database
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from demo.embedded import open_postgres, open_valkey
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from demo.run_folder import open_run_folder
from tests.builders import a_body, a_tenant, a_ticket, an_account, an_instance, write_instance, write_tenant
from tests.integration.processes import open_api_process, open_worker_process

BUSY = 10_000
QUIET = 12
MODEL_S = 2.0


async def main() -> None:
    for is_shared in (False, True):
        await measure(is_shared=is_shared)


async def measure(*, is_shared: bool) -> None:
    checkout = Path(__file__).parents[1]
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(open_run_folder(checkout / ".demo"))
        here = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder.path)))
        help_desk, model = HelpDeskSimulator(), ModelSimulator()
        await help_desk.start()
        stack.push_async_callback(help_desk.stop)
        await model.start()
        stack.push_async_callback(model.stop)
        model.behave("slow", times=None, seconds=MODEL_S)
        portals, tenants = (share if is_shared else separate)(help_desk, here)
        for tenant in tenants.values():
            write_tenant(here, tenant, webhook_secret="secret", api_key="key")
        postgres = await stack.enter_async_context(open_postgres(folder))
        valkey = await stack.enter_async_context(open_valkey(folder))
        await postgres.create_database("bench")
        urls = await postgres.create_roles("bench")
        await migrate(urls.owner, tell=lambda _: None)
        intake = await stack.enter_async_context(open_intake(urls.intake))
        database = await stack.enter_async_context(open_database(urls.worker))
        for tenant in tenants.values():  # without a source the model is not asked
            async with database.as_tenant(tenant.id) as session:
                resolved = a_ticket(
                    id="900",
                    subject="Outlook receives no mail",
                    resolution="Repaired the Outlook profile.",
                    status="Resolved",
                    resolved_at="2026-10-01T10:00:00Z",
                )
                await upsert_tickets(session, tenant.id, [resolved], language="en")
        await stack.enter_async_context(open_api_process(urls, valkey, here, here / "api.log", Process))
        for _ in range(0, BUSY, 1_000):
            await asyncio.gather(*(accept(intake, tenants["busy"], portals["busy"]) for _ in range(1_000)))
        for number in range(3):
            worker = await stack.enter_async_context(
                open_worker_process(
                    urls, valkey, here, here / f"worker{number}.log", Process, OPENAI_BASE_URL=model.url
                )
            )
            await worker.ready()
        await asyncio.sleep(5)
        waits, working = [], []
        for _ in range(QUIET):
            started = time.monotonic()
            ticket_id = await accept(intake, tenants["quiet"], portals["quiet"])
            while not portals["quiet"].notes(ticket_id):  # noqa: ASYNC110 - the help desk is polled, as a person would
                await asyncio.sleep(0.02)
            waits.append(time.monotonic() - started)
            working.append((await load_by_tenant(database))[tenants["busy"].id].working)
            await asyncio.sleep(1)
        left = (await load_by_tenant(database))[tenants["busy"].id].waiting
        which = "a shared help desk" if is_shared else "a help desk each"
        print(
            f"{which}: quiet tenant, {QUIET} tickets while another tenant had {BUSY:,} due ({left:,} in the end):\n"
            f"median {statistics.median(waits):.1f} s, worst {max(waits):.1f} s from acceptance to note,"
            f" {MODEL_S:.0f} s of them the model's;\n{min(working)} to {max(working)} of the busy tenant's were in work"
        )


ACCOUNTS = {"busy": "601", "quiet": "602"}


def separate(help_desk: HelpDeskSimulator, here: Path) -> tuple[dict[str, Portal], dict[str, Tenant]]:  # noqa: ARG001
    portals = {
        slug: help_desk.add_portal(Portal(slug=slug, edition=Edition.ON_PREMISES, api_key="key")) for slug in ACCOUNTS
    }
    return portals, {slug: a_tenant(slug, servicedesk={"url": portal.url}) for slug, portal in portals.items()}


def share(help_desk: HelpDeskSimulator, here: Path) -> tuple[dict[str, Portal], dict[str, Tenant]]:
    """One help desk for both tenants."""
    accounts = {account: slug for slug, account in ACCOUNTS.items()}
    portal = Portal(slug="msp", edition=Edition.MSP_ON_PREMISES, api_key="key", accounts=accounts)
    instance = an_instance("msp", url=help_desk.add_portal(portal).url)
    write_instance(here, instance, api_key="key")
    tenants = {slug: an_account(instance, slug, {"id": account}) for slug, account in ACCOUNTS.items()}
    return dict.fromkeys(ACCOUNTS, portal), tenants


async def accept(intake: Intake, tenant: Tenant, portal: Portal) -> str:
    account = ACCOUNTS[tenant.slug] if tenant.servicedesk.account else ""
    ticket_id = portal.add_ticket(
        subject="Outlook receives no mail", description="No mail since noon on PC-0231.", account=account
    ).id
    body = a_body(ticket_id=ticket_id)
    await intake.accept(AcceptedDelivery(tenant.id, uuid4(), ticket_id, "ticket_created", body, None))
    return ticket_id


if __name__ == "__main__":
    asyncio.run(main())
