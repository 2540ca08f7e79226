"""Hands a delivery of a shared instance over to the tenant whose account its ticket has.

A webhook that names no known account is stored as a delivery of the instance. Its attempt reads the ticket with the
instance's key and hands the delivery over to the tenant. If no tenant's file names the account yet, it waits.

Invariant: the delivery is stored for the tenant before it is settled for the instance. Handing it over twice stores it
once, since its job id there is computed from the one here. The tenant's own attempt compares the account again.
"""

from __future__ import annotations

from uuid import uuid5

from app.core.delivery import Webhook
from app.core.tenant import Tenant
from app.db.ledger.claims import Claim, Ledger
from app.errors import AccountUnknown, Code, NotNeeded
from app.integrations.servicedesk import ServiceDesk
from app.tenants import TenantDirectory


async def route(
    claim: Claim,
    webhook: Webhook,
    instance: Tenant,
    *,
    help_desk: ServiceDesk,
    tenants: TenantDirectory,
    ledger: Ledger,
) -> NotNeeded:
    """Hand the delivery over. Returns why the instance itself writes no note.

    *claim* is a delivery of *instance*, and *help_desk* is opened with the instance's own key.

    Raises:
        AccountUnknown: No tenant's file names the account.
        TicketNotFound: There is no such ticket.
        HelpDeskUnavailable: The ticket can't be read now.
    """
    ticket = await help_desk.load_ticket(claim.ticket_id)
    known = tenants.find_account(instance.id, ticket.account)
    if known is None:
        told = f"the account {ticket.account.label}" if ticket.account.label else "a ticket without an account"
        raise AccountUnknown(f"no tenant's file names {told} of {instance.slug}")
    job_id = uuid5(known.tenant.id, f"routed:{claim.job_id}")
    await ledger.hand_over(claim, tenant_id=known.tenant.id, job_id=job_id, ticket_id=ticket.id, event=webhook.event)
    return NotNeeded(f"went to {known.tenant.slug}, as job {job_id}", code=Code.ROUTED)
