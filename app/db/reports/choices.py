"""The filter by which operators choose deliveries of a tenant, as conditions of a statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, text
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

    def conditions(self, tenant_id: UUID) -> list[ColumnElement[bool] | TextClause]:
        """As `condition`, for a statement of SQLAlchemy, and with the tenant."""
        chosen = (text(_CONDITIONS[name]).bindparams(**{name: value}) for name, value in self.values.items())
        return [col(Delivery.tenant_id) == tenant_id, *chosen]

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
    """The conditions on these fields, for a statement of the driver.

    Only on those that are set: with `is null or` the planner could not use indexes. No index has the code, so it is
    checked on every row that fits the others.
    """
    return " ".join(f"and {sql}" for name, sql in _CONDITIONS.items() if name in names)


EVERY: Final = Choice()
