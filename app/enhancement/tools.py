"""What the workflow of one delivery uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

from app.core.tenant import NoteOptions
from app.core.triage import TicketField
from app.enhancement.ports import (
    Arrivals,
    Documentation,
    History,
    Inventory,
    Knowledge,
    Model,
    Monitoring,
    Nearest,
    Requesters,
    Vectors,
)


@dataclass(frozen=True, slots=True)
class Tools:
    """All of one tenant."""

    reading: AbstractAsyncContextManager[object]
    """Around all that the next four read, `arrivals` and `nearest`."""
    history: History
    knowledge: Knowledge
    inventory: Inventory
    requesters: Requesters
    monitoring: Monitoring | None
    """None: the tenant has no monitoring, and its notes no such section."""
    model: Model
    may_use_model: Callable[[], Awaitable[bool]]
    """Returns False when a budget of the tenant is used up."""
    note: NoteOptions
    house_rules: str
    """The tenant's, for the prompt; empty if it has none."""
    context_timeout: timedelta
    model_timeout: timedelta
    """The time for all answers of one delivery together."""
    arrivals: Arrivals | None = None
    """None: the tenant wants no storms to be found."""
    collect_from: int = 0
    """How many reports make a storm of which one note is kept."""
    nearest: Nearest | None = None
    """None: the tenant wants no fields to be suggested."""
    suggested: tuple[TicketField, ...] = ()
    judge: Model | None = None
    """Asked for a second opinion on sentences whose words are in doubt. None: there is none."""
    documentation: Documentation | None = None
    """None: the tenant has no server of documentation, and its notes no such section."""
    vectors: Vectors | None = None
    """None: the history is searched by words alone."""
