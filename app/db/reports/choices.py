"""The filter by which operators choose deliveries of a tenant, as conditions of a statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from app.core.delivery import Status
from app.db.tables import Delivery
from app.errors import Code


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter for the deliveries of a tenant. A field that is None does not restrict."""

    status: Status | None = None
    ticket_id: str | None = None
    since: datetime | None = None
    """Accepted at or after this."""
    until: datetime | None = None
    """Accepted before this."""
    code: Code | None = None
    """The code stored with the delivery."""

    def indexed(self, tenant_id: UUID) -> list[ColumnElement[bool]]:
        """The conditions without the code. Only fields that are set: with `is null or` the planner could not use indexes."""
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
        """The condition on the code. No index has it, so it is checked on every row that fits the others."""
        return [] if self.code is None else [col(Delivery.code) == self.code]

    def conditions(self, tenant_id: UUID) -> list[ColumnElement[bool]]:
        """All conditions."""
        return [*self.indexed(tenant_id), *self.by_code]

    @property
    def values(self) -> dict[str, Any]:
        """What is chosen: the parameters of `condition`."""
        return {name: value for name in _CONDITIONS if (value := getattr(self, name)) is not None}


_CONDITIONS: Final = {
    "status": "status = :status",
    "ticket_id": "ticket_id = :ticket_id",
    "since": "accepted_at >= :since",
    "until": "accepted_at < :until",
    "code": "code = :code",
}


def condition(names: Collection[str]) -> str:
    """`Choice.conditions` without the tenant, for a statement of the driver: of these fields."""
    return " ".join(f"and {sql}" for name, sql in _CONDITIONS.items() if name in names)


EVERY: Final = Choice()
