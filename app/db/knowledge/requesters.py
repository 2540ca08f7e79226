"""What the tenant's stored tickets tell of a requester, in one query: for the port `Requesters`.

Invariant: tickets are compared by the whole requester, an e-mail address or else a name, and by the whole name or address
of a machine that the tenant's inventory knows.
"""

from __future__ import annotations

from typing import Final

from app.core.asset import find_addresses
from app.core.requester import MAX_PAST_TICKETS, PastTicket, Requester
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.session import Transactions
from app.db.sql import load

_FIND: Final = load(__package__, "requester")
# The newest open tickets, among which those that name the machine are looked for.
_MOST_SEARCHED: Final = 300
_MOST_ON_A_MACHINE: Final = 3


class RequesterSearch:
    """The requesters of one tenant."""

    def __init__(self, database: Transactions, tenant: Tenant) -> None:
        self._database = database
        self._tenant_id = tenant.id

    async def about(self, ticket: Ticket) -> Requester:
        """What is known of the requester of *ticket*."""
        named = find_addresses(ticket.text)
        values = {
            "tenant_id": self._tenant_id,
            "ticket_id": ticket.id,
            "requester": ticket.requester,
            "names": list(named.hostnames),
            "addresses": [str(address) for address in named.ips],
            "past": MAX_PAST_TICKETS,
            "searched": _MOST_SEARCHED,
        }
        async with self._database.transaction(self._tenant_id) as tx:
            rows = await tx.rows(_FIND, **values)
        told = {*named.hostnames, *(str(address) for address in named.ips)}
        return Requester(
            is_vip=ticket.is_vip,
            site=ticket.site,
            open_tickets=next((row["number"] for row in rows if row["kind"] == "open"), None),
            past_tickets=tuple(
                PastTicket(number=row["display_id"] or row["id"], subject=row["subject"], outcome=row["text"])
                for row in rows
                if row["kind"] == "past"
            ),
            on_same_machine=tuple(
                row["display_id"] or row["id"]
                for row in rows
                if row["kind"] == "machine" and told & _machines_in(f"{row['subject']}\n{row['text']}")
            )[:_MOST_ON_A_MACHINE],
        )


def _machines_in(text: str) -> set[str]:
    named = find_addresses(text)
    return {*named.hostnames, *(str(address) for address in named.ips)}
