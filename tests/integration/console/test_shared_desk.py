"""A shared help desk is shown with its accounts, and with those that no tenant's file names."""

from __future__ import annotations

from pathlib import Path

from app.core.help_desk import Edition
from app.db.knowledge.strays import Stray, keep_strays
from app.db.limits.accounts import keep_accounts
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from tests.builders import an_account, an_instance, write_instance, write_tenant
from tests.integration.console.conftest import Console, words_of
from tests.integration.worker.conftest import Stage

ACCOUNTS = {"601": "Acme Corp", "603": "Initech", "604": "Umbrella"}
STRAYS = {
    Stray("tickets", "603 (Initech)"): 12,
    Stray("assets", "603 (Initech)"): 3,
    Stray("tickets", "604 (Umbrella)"): 40,
    Stray("articles", "605"): 1,
    Stray("tickets", ""): 7,
}


async def test_accounts_without_a_file_are_listed_until_it_comes(
    console: Console, stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path
) -> None:
    portal = help_desk.add_portal(
        Portal(slug="hub", edition=Edition.MSP_ON_PREMISES, accounts=dict(ACCOUNTS), api_key="key")
    )
    instance = an_instance("hub", url=portal.url)
    write_instance(tmp_path, instance, webhook_secret="secret", api_key="key")
    write_tenant(tmp_path, an_account(instance, "acme", {"id": "601", "name": "Acme Corp"}))
    directories = (console.backend.directory, stage.worker.tenants)
    for directory in directories:
        assert directory.refresh() == []
    await keep_accounts(stage.database, stage.worker.tenants.instance_of)
    await keep_strays(stage.database, instance.id, STRAYS)
    ticket = portal.add_ticket(subject="Outlook receives no mail", description="Since noon.", account="603")
    await stage.deliver_and_work(ticket.id, tenant_id=instance.id)

    page = (await console.get("/tenants/hub")).text
    words = words_of(page)
    assert "hub (shared help desk)" in words
    assert "Acme 601 (Acme Corp)" in words
    assert "604 (Umbrella) 40 0 0 603 (Initech) 12 0 3 605 0 1 0 no account named 7 0 0" in words
    assert "1 delivery waits for a tenant's file" in words
    waiting = page.partition("Waiting for a file")[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "Initech" in (await console.get(waiting)).text
    now = words_of((await console.get("/")).text)
    assert "2 accounts send tickets and have no file" in now
    assert "7 tickets of hub name no account" in now
    assert "account 601 (Acme Corp) of hub" in words_of((await console.get("/tenants/acme")).text)
    listed = words_of((await console.get("/tenants")).text)
    assert "Accounts 1 Without a file 3 Waiting for a file 1" in listed
    assert "hub" not in words_of((await console.get("/cost")).text)

    write_tenant(tmp_path, an_account(instance, "initech", {"id": "603"}))
    for directory in directories:
        directory.refresh()
    await keep_accounts(stage.database, stage.worker.tenants.instance_of)
    await stage.work_again()
    console.backend.forget()
    words = words_of((await console.get("/tenants/hub")).text)
    assert "604 (Umbrella) 40 0 0 605 0 1 0 no account named" in words
    assert "Waiting for a file 0" in words
    await keep_accounts(stage.database, {})
