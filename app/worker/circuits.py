"""A tenant's help desk, model and monitoring behind their circuits, during one attempt.

Invariant: while a circuit is open the answer is the error of a dependency that does not answer, at once; the note is
written without it and says so. Keeping count never costs the note: a ledger that can't be told is told next time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from app.core.asset import Addresses
from app.core.completion import Completion, Message
from app.core.source import Source
from app.db.ledger.claims import Claim
from app.db.limits.circuits import Circuits, Dependency
from app.enhancement.ports import Model, Monitoring
from app.errors import DatabaseUnavailable, ModelUnavailable, MonitoringUnavailable, Unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Circuit:
    """One dependency's, of one tenant, as it was when the attempt began."""

    circuits: Circuits
    owner_id: UUID
    """A tenant, or the shared instance."""
    dependency: Dependency
    is_open: bool
    is_failing: bool
    """Its last call failed, so that a success is worth writing down."""

    @classmethod
    def of(cls, circuits: Circuits, claim: Claim, dependency: Dependency, *, owner_id: UUID | None = None) -> Circuit:
        """The circuit as *claim* found it; the claim's tenant's unless it is another's."""
        return cls(
            circuits, owner_id or claim.tenant_id, dependency, dependency in claim.open, dependency in claim.failing
        )

    @asynccontextmanager
    async def guard(self, failure: type[Unavailable]) -> AsyncIterator[None]:
        """Let the block call the dependency, and keep count of *failure*.

        Raises:
            Unavailable: As *failure*, without the block being run, while the circuit is open.
        """
        if self.is_open:
            raise failure("it failed several times in a row and is left alone for a while")
        try:
            yield
        except failure:
            await self.failed()
            raise
        await self.succeeded()

    async def failed(self) -> bool:
        """Write down a failure. True when the circuit is open now."""
        with suppress(DatabaseUnavailable):
            is_open = await self.circuits.record_failure(self.owner_id, self.dependency)
            if is_open:
                log.warning("circuit_open", dependency=self.dependency)
            return is_open
        return False

    async def succeeded(self) -> None:
        """Write down a success."""
        if not self.is_failing:
            return
        with suppress(DatabaseUnavailable):
            if await self.circuits.record_success(self.owner_id, self.dependency):
                log.info("circuit_closed", dependency=self.dependency)


@dataclass(frozen=True, slots=True)
class GuardedModel:
    """Fits the workflow's `Model`."""

    model: Model
    circuit: Circuit

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], more_room: bool = False
    ) -> Completion:
        async with self.circuit.guard(ModelUnavailable):
            return await self.model.complete(messages, schema=schema, more_room=more_room)
        raise AssertionError


@dataclass(frozen=True, slots=True)
class GuardedMonitoring:
    """Fits the workflow's `Monitoring`."""

    monitoring: Monitoring
    circuit: Circuit

    async def measurements(self, addresses: Addresses, *, limit: int) -> list[Source]:
        async with self.circuit.guard(MonitoringUnavailable):
            return await self.monitoring.measurements(addresses, limit=limit)
        raise AssertionError
