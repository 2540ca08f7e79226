"""Which deliveries of a tenant: what operators filter by, as the condition of a statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.delivery import Status
from app.errors import Code


@dataclass(frozen=True, slots=True)
class Choice:
    """Which deliveries of a tenant; what is None chooses all."""

    status: Status | None = None
    ticket_id: str | None = None
    since: datetime | None = None
    """Accepted at or after this."""
    until: datetime | None = None
    """Accepted before this."""
    code: Code | None = None
    """Of why it is where it is."""

    @property
    def indexed(self) -> str:
        """The condition but for the code. Only what is asked for: `is null or` would hide indexes from the planner."""
        parts = ["tenant_id = :tenant_id"]
        if self.status is not None:
            parts.append("status = :status")
        if self.ticket_id is not None:
            parts.append("ticket_id = :ticket_id")
        if self.since is not None:
            parts.append("accepted_at >= :since")
        if self.until is not None:
            parts.append("accepted_at < :until")
        return " and ".join(parts)

    @property
    def by_code(self) -> str:
        """The condition of the code, which reads every row that the others let through."""
        return "true" if self.code is None else "code = :chosen_code"

    @property
    def condition(self) -> str:
        """All of it, on the columns of `delivery`."""
        return f"{self.indexed} and {self.by_code}"

    def values(self, tenant_id: UUID) -> dict[str, Any]:
        """What the condition names."""
        values = {
            "tenant_id": tenant_id,
            "status": self.status,
            "ticket_id": self.ticket_id,
            "since": self.since,
            "until": self.until,
            "chosen_code": self.code,
        }
        return {name: value for name, value in values.items() if value is not None}


EVERY: Final = Choice()
