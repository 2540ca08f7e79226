"""The votes on sources, as the search counts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.core.standing import factor
from app.db.session import Transaction
from app.db.sql import load

_STANDING: Final = load(__package__, "standing")


async def find_factors(tx: Transaction, tenant_id: UUID, kind: str, ids: Sequence[str]) -> dict[str, float]:
    """By id, what the votes of technicians make of these sources; those without a vote are left out.

    *kind*: `ticket` or `article`.
    """
    if not ids:
        return {}
    rows = await tx.rows(_STANDING, tenant_id=tenant_id, kind=kind, ids=list(ids))
    return {row["source_id"]: factor(row["up"], row["down"]) for row in rows}
