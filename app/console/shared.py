"""A shared help desk as its page shows it: its accounts, and what it holds of accounts that no tenant's file names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.delivery import Status
from app.core.help_desk import AccountRef
from app.core.tenant import Tenant
from app.db.knowledge.strays import Stray, list_strays
from app.db.reports.choices import Choice
from app.db.reports.deliveries import count_deliveries
from app.db.session import Database
from app.errors import Code
from app.tenants import TenantDirectory

WAITING: Final = Choice(status=Status.PENDING, code=Code.ACCOUNT_UNKNOWN)
"""The deliveries that wait for the file of their ticket's account."""
_MOST_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class StrayAccount:
    """What the syncs of the last day met of one account; the label is empty for rows that name none."""

    label: str
    tickets: int
    articles: int
    assets: int


@dataclass(frozen=True, slots=True)
class SharedDesk:
    """One instance."""

    accounts: Sequence[Tenant]
    """The tenants that are accounts of it, by slug."""
    unknown: Sequence[StrayAccount]
    """Accounts without a tenant's file, those with the most tickets first."""
    unnamed: StrayAccount | None
    """The rows that name no account, if there are any."""
    waiting: int
    """Deliveries that wait for a tenant's file; counted up to 1,000."""


async def load_shared_desk(database: Database, directory: TenantDirectory, instance: Tenant) -> SharedDesk:
    strays = await list_strays(database, instance.id)
    labels = sorted({stray.account for stray in strays})
    found = [
        StrayAccount(
            label,
            tickets=strays.get(Stray("tickets", label), 0),
            articles=strays.get(Stray("articles", label), 0),
            assets=strays.get(Stray("assets", label), 0),
        )
        for label in labels
        # Since it was met, a file may have come.
        if not label or directory.find_account(instance.id, AccountRef.of_label(label)) is None
    ]
    return SharedDesk(
        accounts=[known.tenant for known in directory.accounts_of(instance.id)],
        unknown=sorted((each for each in found if each.label), key=lambda each: -each.tickets),
        unnamed=next((each for each in found if not each.label), None),
        waiting=await count_deliveries(database, instance.id, WAITING, at_most=_MOST_COUNTED),
    )
