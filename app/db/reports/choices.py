"""Which deliveries of a tenant: what operators filter by, as the conditions of a statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from app.core.delivery import Status
from app.db.tables import Delivery
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

    def indexed(self, tenant_id: UUID) -> list[ColumnElement[bool]]:
        """The conditions but for the code. Only what is asked for: `is null or` would hide indexes from the planner."""
        conditions = [col(Delivery.tenant_id) == tenant_id]
        if self.status is not None:
            conditions.append(col(Delivery.status) == self.status)
        if self.ticket_id is not None:
            conditions.append(col(Delivery.ticket_id) == self.ticket_id)
        if self.since is not None:
            conditions.append(col(Delivery.accepted_at) >= self.since)
        if self.until is not None:
            conditions.append(col(Delivery.accepted_at) < self.until)
        return conditions

    @property
    def by_code(self) -> list[ColumnElement[bool]]:
        """The condition of the code, which reads every row that the others let through."""
        return [] if self.code is None else [col(Delivery.code) == self.code]

    def conditions(self, tenant_id: UUID) -> list[ColumnElement[bool]]:
        """All of them."""
        return [*self.indexed(tenant_id), *self.by_code]


EVERY: Final = Choice()
