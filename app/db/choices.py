"""Which deliveries of a tenant: what operators filter by, as the condition of a statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.delivery import Status

# As `DeliveryView.reason`: what was ignored or done in the end keeps the error that it had before.
_REASON: Final = """
strpos(lower(case status when 'ignored' then ignored_because when 'done' then null else last_error end), lower(:reason)) > 0
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which deliveries of a tenant; what is None chooses all."""

    status: Status | None = None
    ticket_id: str | None = None
    since: datetime | None = None
    """Accepted at or after this."""
    until: datetime | None = None
    """Accepted before this."""
    reason: str | None = None
    """Part of the error, or of why it was ignored; upper and lower case are the same."""

    @property
    def indexed(self) -> str:
        """The condition but for the reason. Only what is asked for: `is null or` would hide indexes from the planner."""
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
    def by_reason(self) -> str:
        """The condition of the reason, which reads every row that the others let through."""
        return "true" if self.reason is None else _REASON

    @property
    def condition(self) -> str:
        """All of it, on the columns of `delivery`."""
        return f"{self.indexed} and {self.by_reason}"

    def values(self, tenant_id: UUID) -> dict[str, Any]:
        """What the condition names."""
        values = {
            "tenant_id": tenant_id,
            "status": self.status,
            "ticket_id": self.ticket_id,
            "since": self.since,
            "until": self.until,
            "reason": self.reason,
        }
        return {name: value for name, value in values.items() if value is not None}


EVERY: Final = Choice()
