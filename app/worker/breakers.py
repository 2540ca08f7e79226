"""A tenant's model and monitoring behind their gates: what failed several times in a row is not asked for a while.

Invariant: behind a closed gate the answer is the error of a dependency that does not answer, at once; the note is
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
from app.db.gates import Cause, Gates
from app.db.ledger import Claim
from app.enhancement.ports import Model, Monitoring
from app.errors import LedgerUnavailable, ModelUnavailable, MonitoringUnavailable, Unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Breaker:
    """One dependency of one tenant, during one attempt."""

    gates: Gates
    tenant_id: UUID
    cause: Cause
    is_closed: bool
    is_failing: bool
    """Its last call failed, so that a success is worth writing down."""

    @classmethod
    def of(cls, gates: Gates, claim: Claim, cause: Cause) -> Breaker:
        return cls(gates, claim.tenant_id, cause, cause in claim.closed, cause in claim.failing)

    @asynccontextmanager
    async def guard(self, failure: type[Unavailable]) -> AsyncIterator[None]:
        """Let the block call the dependency, and keep count of *failure*.

        Raises:
            Unavailable: As *failure*, without the block being run, while the gate is closed.
        """
        if self.is_closed:
            raise failure("it failed several times in a row and is left alone for a while")
        try:
            yield
        except failure:
            await self.count()
            raise
        await self.recover()

    async def count(self) -> bool:
        """Write down a failure. True when the gate is closed now."""
        with suppress(LedgerUnavailable):
            is_closed = await self.gates.count_failure(self.tenant_id, self.cause)
            if is_closed:
                log.warning("gate_closed", dependency=self.cause)
            return is_closed
        return False

    async def recover(self) -> None:
        """Write down a success."""
        if not self.is_failing:
            return
        with suppress(LedgerUnavailable):
            if await self.gates.open(self.tenant_id, self.cause):
                log.info("gate_opened", dependency=self.cause)


@dataclass(frozen=True, slots=True)
class GuardedModel:
    """Fits the workflow's `Model`."""

    model: Model
    breaker: Breaker

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], more_room: bool = False
    ) -> Completion:
        async with self.breaker.guard(ModelUnavailable):
            return await self.model.complete(messages, schema=schema, more_room=more_room)
        raise AssertionError


@dataclass(frozen=True, slots=True)
class GuardedMonitoring:
    """Fits the workflow's `Monitoring`."""

    monitoring: Monitoring
    breaker: Breaker

    async def measurements(self, addresses: Addresses, *, limit: int) -> list[Source]:
        async with self.breaker.guard(MonitoringUnavailable):
            return await self.monitoring.measurements(addresses, limit=limit)
        raise AssertionError
