"""The interfaces (ports) that the workflow uses. Adapters fit them by shape (`Protocol`); `worker` passes them in.

A port raises `Unavailable` when the same call may work later, and `Rejected` when it won't. Any other error is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from app.core.asset import Addresses
from app.core.completion import Completion, Message
from app.core.requester import Requester
from app.core.source import Source
from app.core.storm import Arrival
from app.core.ticket import Ticket
from app.core.vectors import TicketVectors


class Vectors(Protocol):
    async def __call__(self, ticket: Ticket) -> TicketVectors | None:
        """The vectors of *ticket*; None: there are none now. It raises nothing."""
        ...


class History(Protocol):
    async def similar_tickets(
        self, ticket: Ticket, *, limit: int, machines: Sequence[str] = (), vectors: TicketVectors | None = None
    ) -> list[Source]:
        """The tenant's resolved tickets like this one, best first; empty when none matches well.

        *machines*: what the machines that it names are called besides. *vectors*: the ticket's own.
        """
        ...


class Nearest(Protocol):
    async def nearest_fields(self) -> list[dict[str, str]]:
        """The fields of the resolved tickets that `similar_tickets` found, and of some more like them, best first."""
        ...


class Knowledge(Protocol):
    async def articles(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """The tenant's approved articles about this, best first; empty when none matches well."""
        ...


class Inventory(Protocol):
    async def assets(self, addresses: Addresses, *, requester: str, limit: int) -> list[Source]:
        """The assets at these addresses, then the requester's own; empty when none is known."""
        ...


class Requesters(Protocol):
    async def about(self, ticket: Ticket) -> Requester:
        """What is known of the ticket's requester, of the tenant's own tickets."""
        ...


class Arrivals(Protocol):
    async def before(self, ticket_id: str, *, sources: Iterable[str]) -> Arrival | None:
        """How the ticket arrived, and those that came shortly before it; None: that is not stored.

        *sources*: those that fit it best, as `core.source.first_sources` names them.
        """
        ...


class Monitoring(Protocol):
    async def measurements(self, addresses: Addresses, *, limit: int) -> list[Source]:
        """Current alerts and readings of the named machines; empty when there is nothing to report."""
        ...


class Documentation(Protocol):
    async def documents(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """What the tenant's server of documentation says about this, best first; empty when nothing fits."""
        ...


class Model(Protocol):
    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, object], cut: Completion | None = None
    ) -> Completion:
        """One answer, asked to be JSON that fits *schema*. Its text is not checked here.

        *cut*: The answer before, where it was cut off, so that this one may be longer or, where blanks filled that one,
        of no form that the endpoint enforces.
        """
        ...
