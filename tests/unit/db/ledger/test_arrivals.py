"""What of a ticket tells whether it is of a storm."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.delivery import Event
from app.db.ledger.arrivals import arrival_of
from tests.builders import a_tenant, a_ticket

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_an_asset_that_was_chosen_in_a_ticket_is_a_machine_of_it_as_one_that_is_named() -> None:
    ticket = a_ticket(subject="srv-rds01 is slow", description="").model_copy(
        update={"assets": ("srv-file01", "srv-rds01")}
    )
    assert arrival_of(ticket, a_tenant(), accepted_at=NOW)["machines"] == ["srv-rds01", "srv-file01"]
    assert arrival_of(ticket, a_tenant(), accepted_at=NOW, event=Event.RESOLVED)["machines"] == []
