"""The sample tenants: their help desks, files, secrets and tickets."""

from __future__ import annotations

import base64
import secrets
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Final

import httpx

from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import HeldTicket, Portal
from app.simulator.samples import load_portals
from app.tenants import KnownTenant, TenantDirectory
from app.tenants.secrets import API_KEY_FILE, OAUTH_FILES, WEBHOOK_SECRET_FILES
from demo.failure import RunFailed

_DATA: Final = Path(__file__).parent / "data"

_SPARE_SLUG: Final = "acme"
# The history has a similar ticket, so that the note has something to cite.
_SPARE: Final[dict[str, Any]] = {
    "id": "100000000000299",
    "subject": "locked out again",
    "description": (
        "Since I changed my password on Friday my account is locked every morning when I start the PC. "
        "The hotline unlocks it, next day the same."
    ),
    "requester": {"name": "Ines Barros", "email": "i.barros@acme.example"},
    "priority": "Medium",
}


class Samples:
    """The sample tenants: their ServiceDesk Plus, and the files and secrets that the product reads."""

    def __init__(self, help_desk: HelpDeskSimulator, tenants: TenantDirectory, folder: Path) -> None:
        self.help_desk = help_desk
        self.folder = folder
        self.environment = {"TENANTS_DIR": str(folder / "tenants"), "TENANT_SECRETS_DIR": str(folder / "secrets")}
        """The environment variables with which a process finds the tenants."""
        self._tenants = tenants
        self.portals: dict[str, Portal] = {}
        """The help desk of each tenant, also of those that the user has added."""
        self.read_again()
        in_turns = chain.from_iterable(zip_longest(*(self._waiting_of(slug) for slug in self.portals)))
        self.waiting = [pair for pair in in_turns if pair is not None]
        """The open tickets with their tenants' slugs, one of each tenant after another."""
        self.spare = (_SPARE_SLUG, self.portals[_SPARE_SLUG].add_ticket(**_SPARE))
        """A ticket whose webhook the user of the demo may send."""

    def read_again(self) -> None:
        """Read tenants' files that were added since."""
        self._tenants.refresh()
        by_url = {portal.url: portal for portal in self.help_desk.portals.values()}
        self.portals = {
            known.tenant.slug: by_url[known.tenant.servicedesk.url]
            for known in self._tenants
            if not known.tenant.is_instance and known.tenant.servicedesk.url in by_url
        }

    def _waiting_of(self, slug: str) -> list[tuple[str, HeldTicket]]:
        account = self.tenant(slug).tenant.servicedesk.account
        of_account = (account.id or "") if account else ""
        tickets = self.portals[slug].tickets.values()
        return [(slug, ticket) for ticket in tickets if not ticket.resolved and ticket.account == of_account]

    def tenant(self, slug: str) -> KnownTenant:
        known = self._tenants.find_slug(slug)
        assert known is not None, "a tenant that was read"  # noqa: S101
        return known

    def sender(self, slug: str, client: httpx.AsyncClient) -> Sender:
        """Sends the tenant's webhooks; those in the cloud sign as Standard Webhooks."""
        is_cloud = self.portals[slug].edition.is_cloud
        return Sender(client, self.tenant(slug), is_standard=is_cloud)

    def body(self, slug: str, ticket_id: str) -> dict[str, Any]:
        """The webhook that ServiceDesk Plus sends about a new ticket."""
        ticket = self.portals[slug].tickets[ticket_id]
        return {
            "event": "ticket_created",
            "ticket_id": ticket.id,
            "subject": ticket.subject,
            "description": ticket.description,
            "priority": ticket.priority,
            "requester": {"name": ticket.requester.name, "email_id": ticket.requester.email},
            "created_at": ticket.created.isoformat(),
        }


async def open_samples(help_desk: HelpDeskSimulator, folder: Path, *, port: int) -> Samples:
    """Start *help_desk* with the sample portals, and write their files and secrets below *folder*."""
    for portal in load_portals(_DATA):
        help_desk.add_portal(portal)
    await help_desk.start(port=port)
    for path in sorted(_DATA.glob("*/tenant.yaml")):
        slug = path.parent.name
        _write_file(path, folder / "tenants" / f"{slug}.yaml", help_desk.portals.get(slug))
    for path in sorted(_DATA.glob("*/instance.yaml")):
        slug = path.parent.name
        _write_file(path, folder / "tenants" / "instances" / f"{slug}.yaml", help_desk.portals[slug])
    for path in sorted(_DATA.glob("*/portal.yaml")):
        slug = path.parent.name
        if path.with_name("tenant.yaml").exists() or path.with_name("instance.yaml").exists():
            _write_secrets(help_desk.portals[slug], folder)
    tenants = TenantDirectory(folder / "tenants", folder / "secrets")
    for problem in tenants.refresh():
        raise RunFailed(f"the sample tenant {problem.slug} can't be used: {problem.detail}")
    return Samples(help_desk, tenants, folder)


def ticket_url(portal: Portal, ticket_id: str) -> str:
    """The page on which a technician sees the ticket."""
    if portal.edition.is_cloud:
        return f"{portal.url}/ui/requests/{ticket_id}/details"
    return f"{portal.url}/WorkOrder.do?woMode=viewWO&woID={ticket_id}"


def _write_file(path: Path, target: Path, portal: Portal | None) -> None:
    """A tenant's or instance's file; of one with a help desk of its own, that one's addresses."""
    text = path.read_text("utf-8")
    if portal is not None:
        text = text.replace("{url}", portal.url).replace("{accounts_url}", portal.accounts_url)
    _write(target, text)


def _write_secrets(portal: Portal, folder: Path) -> None:
    mounted = {WEBHOOK_SECRET_FILES[0]: _draw_secret(portal)}
    if portal.edition.is_cloud:
        values = (portal.client_id, portal.client_secret, portal.refresh_token)
        mounted |= dict(zip(OAUTH_FILES, values, strict=True))
    else:
        mounted[API_KEY_FILE] = portal.api_key
    for name, value in mounted.items():
        _write(folder / "secrets" / portal.slug / name, value)


def _draw_secret(portal: Portal) -> str:
    """A new webhook secret: as Standard Webhooks writes them for the cloud, plain for those on premises."""
    drawn = secrets.token_bytes(32)
    return f"whsec_{base64.b64encode(drawn).decode()}" if portal.edition.is_cloud else drawn.hex()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
