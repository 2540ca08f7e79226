"""Six tenants whose data can't be told apart but by a word of their own. Two of them share a help desk.

Invariant: every ticket, article and resolved ticket of a tenant holds its word and no other's; and tenants with a help
desk of their own use the same ticket ids, so that a mix-up leads to a ticket that is there. In the shared one a mix-up
finds the other's tickets in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import yaml

from app.core.help_desk import Edition
from app.core.note import note_reference
from app.core.tenant import Auth, Instance, Tenant
from app.core.ticket import Ticket
from tests.builders import write_instance, write_tenant

_NAMESPACE: Final = UUID("3c1f6a52-74d1-4c6e-8f0d-5b1f2a9c7e10")
_SHARED: Final = "msp"
_IDS: Final = 1_000_000
_TECHNICIAN: Final = "ai-agents@msp.example"
_TOPICS: Final = (
    ("Outlook receives no mail", "Outlook shows no new mail since this morning; webmail does."),
    ("Printer prints blank pages", "The printer on the second floor prints blank pages after the toner was changed."),
    ("VPN error 809", "The VPN client says error 809 from home since the router was replaced."),
    ("Account locked again", "The account is locked every morning though the password was changed."),
    ("File server is slow", "Opening a document from the file server takes minutes since noon."),
)


@dataclass(frozen=True, slots=True)
class Client:
    """One tenant, and what its help desk signs and is entered with."""

    slug: str
    edition: Edition = Edition.ON_PREMISES
    auth: Auth = Auth.HMAC
    account: str = ""
    """Its account of the shared help desk; empty: it has a help desk of its own."""
    first_id: int = 0
    """Its tickets' ids begin here, in a help desk that it shares."""

    @property
    def portal(self) -> str:
        """The name of its help desk."""
        return _SHARED if self.account else self.slug

    def owns(self, ticket_id: str) -> bool:
        """Whether the ticket, of its help desk, is its own."""
        return not self.account or self.first_id <= int(ticket_id) < self.first_id + _IDS

    @property
    def id(self) -> UUID:
        return uuid5(_NAMESPACE, self.slug)

    @property
    def word(self) -> str:
        """What its texts hold and no other tenant's."""
        return f"{self.slug}zone"

    @property
    def secret(self) -> str:
        return f"webhook-secret-of-{self.slug}"

    def words(self, ticket_id: str, version: int) -> tuple[str, str]:
        """Subject and description of a ticket, in the version that it has after so many changes."""
        subject, description = _TOPICS[int(ticket_id) % len(_TOPICS)]
        changed = f" Changed {version} times." if version else ""
        return f"{subject} at {self.word}", f"{description} Ticket {ticket_id} of {self.word}.{changed}"

    def reference(self, ticket_id: str, version: int) -> UUID:
        """What the one note of this version carries."""
        subject, description = self.words(ticket_id, version)
        return note_reference(
            self.id, ticket_id, Ticket(id=ticket_id, subject=subject, description=description).version
        )


BUSY: Final = (
    Client("acme"),
    Client("bolt", auth=Auth.TOKEN),
    Client("cedar", edition=Edition.CLOUD),
    Client("delta", edition=Edition.MSP_ON_PREMISES, account="601"),
    Client("ember", edition=Edition.MSP_ON_PREMISES, account="602", first_id=_IDS),
)
QUIET: Final = Client("flint")
"""One that sends a ticket each second or two: what it waits is the product's doing, and not the others' queue's."""
CLIENTS: Final = (*BUSY, QUIET)


def write_portals(folder: Path) -> None:
    """What the simulator serves: each tenant's history and articles, and no ticket that is open."""
    for name in dict.fromkeys(client.portal for client in CLIENTS):
        _write_portal(folder / name, [client for client in CLIENTS if client.portal == name])


def _write_portal(own: Path, clients: Sequence[Client]) -> None:
    own.mkdir(parents=True)
    edition, name = clients[0].edition, clients[0].portal
    access: dict[str, Any] = (
        {"client_id": "client", "client_secret": "client-secret", "refresh_token": f"refresh-{name}"}
        if edition.is_cloud
        else {"api_key": f"key-{name}"}
    )
    accounts = {client.account: client.slug.title() for client in clients if client.account}
    portal = {"slug": name, "edition": str(edition), "technician": _TECHNICIAN, "accounts": accounts, **access}
    tickets = [
        {
            "id": str(client.first_id + 900 + number),
            "subject": f"{subject} at {client.word}",
            "description": f"{description} Seen before at {client.word}.",
            "status": "Closed",
            "created": "2026-10-01T08:00:00Z",
            "resolved": "2026-10-01T10:00:00Z",
            "resolution": f"Restarted the service of {client.word} and repaired the profile.",
            "account": client.account,
        }
        for client in clients
        for number, (subject, description) in enumerate(_TOPICS)
    ]
    articles = [
        {
            "id": str(client.first_id + 800 + number),
            "title": f"{subject}: what to check at {client.word}",
            "text": description,
            "accounts": [client.account] if client.account else [],
        }
        for client in clients
        for number, (subject, description) in enumerate(_TOPICS)
    ]
    for file, content in (("portal", portal), ("tickets", tickets), ("articles", articles)):
        (own / f"{file}.yaml").write_text(yaml.safe_dump(content))


def write_clients(folder: Path, *, help_desk: str) -> None:
    """The tenants' and the instance's files and secrets, as they are mounted."""
    instance = Instance.model_validate(
        {**_help_desk(BUSY[-1], help_desk), "id": uuid5(_NAMESPACE, _SHARED), "name": _SHARED}
    )
    write_instance(folder, instance, api_key=f"key-{_SHARED}", webhook_secret=f"webhook-secret-of-{_SHARED}")
    for client in CLIENTS:
        options = (
            {**instance.options, "account": {"id": client.account}} if client.account else _help_desk(client, help_desk)
        )
        tenant = Tenant.model_validate(
            {
                "id": client.id,
                "slug": client.slug,
                "name": client.slug.title(),
                "servicedesk": options,
                "webhook": {"auth": client.auth},
                "events": ["ticket_created", "ticket_updated"],
            }
        )
        write_tenant(folder, tenant, webhook_secret=client.secret, **_access(client))


def _help_desk(client: Client, help_desk: str) -> dict[str, Any]:
    is_cloud = client.edition.is_cloud
    return {
        "edition": client.edition,
        "url": f"{help_desk}/{'app' if is_cloud else 'at'}/{client.portal}",
        "accounts_url": help_desk if is_cloud else None,
        "technician": _TECHNICIAN,
        "calls_per_minute": 6000,
        "allow_private_address": True,
    }


def _access(client: Client) -> dict[str, str]:
    if client.account:
        return {}
    if not client.edition.is_cloud:
        return {"api_key": f"key-{client.portal}"}
    return {
        "oauth_client_id": "client",
        "oauth_client_secret": "client-secret",
        "oauth_refresh_token": f"refresh-{client.portal}",
    }
