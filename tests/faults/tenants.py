"""Six tenants whose data can't be told apart but by a word of their own.

Invariant: every ticket, article and resolved ticket of a tenant holds its word and no other's; and all tenants use the
same ticket ids, so that a mix-up leads to a ticket that is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import yaml

from app.core.help_desk import Edition
from app.core.note import note_reference
from app.core.tenant import Auth, Tenant
from app.core.ticket import Ticket
from tests.builders import write_tenant

_NAMESPACE: Final = UUID("3c1f6a52-74d1-4c6e-8f0d-5b1f2a9c7e10")
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
    Client("delta"),
    Client("ember"),
)
QUIET: Final = Client("flint")
"""One that sends a ticket each second or two: what it waits is the product's doing, and not the others' queue's."""
CLIENTS: Final = (*BUSY, QUIET)


def write_portal(folder: Path, client: Client) -> None:
    """What the simulator serves for *client*: its history and articles, and no ticket that is open."""
    own = folder / client.slug
    own.mkdir(parents=True)
    access: dict[str, Any] = (
        {"client_id": "client", "client_secret": "client-secret", "refresh_token": f"refresh-{client.slug}"}
        if client.edition.is_cloud
        else {"api_key": f"key-{client.slug}"}
    )
    portal = {"slug": client.slug, "edition": str(client.edition), "technician": _TECHNICIAN, **access}
    tickets = [
        {
            "id": str(900 + number),
            "subject": f"{subject} at {client.word}",
            "description": f"{description} Seen before at {client.word}.",
            "status": "Closed",
            "created": "2026-10-01T08:00:00Z",
            "resolved": "2026-10-01T10:00:00Z",
            "resolution": f"Restarted the service of {client.word} and repaired the profile.",
        }
        for number, (subject, description) in enumerate(_TOPICS)
    ]
    articles = [
        {"id": str(800 + number), "title": f"{subject}: what to check at {client.word}", "text": description}
        for number, (subject, description) in enumerate(_TOPICS)
    ]
    for name, content in (("portal", portal), ("tickets", tickets), ("articles", articles)):
        (own / f"{name}.yaml").write_text(yaml.safe_dump(content))


def write_client(folder: Path, client: Client, *, help_desk: str) -> None:
    """The tenant's file and secrets, as they are mounted."""
    is_cloud = client.edition.is_cloud
    tenant = Tenant.model_validate(
        {
            "id": client.id,
            "slug": client.slug,
            "name": client.slug.title(),
            "servicedesk": {
                "edition": client.edition,
                "url": f"{help_desk}/{'app' if is_cloud else 'at'}/{client.slug}",
                "accounts_url": help_desk if is_cloud else None,
                "technician": _TECHNICIAN,
                "calls_per_minute": 6000,
                "allow_private_address": True,
            },
            "webhook": {"auth": client.auth},
            "events": ["ticket_created", "ticket_updated"],
        }
    )
    access = (
        {
            "oauth_client_id": "client",
            "oauth_client_secret": "client-secret",
            "oauth_refresh_token": f"refresh-{client.slug}",
        }
        if is_cloud
        else {"api_key": f"key-{client.slug}"}
    )
    write_tenant(folder, tenant, webhook_secret=client.secret, **access)
