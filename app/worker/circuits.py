"""Guards the calls of one attempt to help desk, model, monitoring and documentation by their circuits.

Invariant: while a circuit is open, a call fails at once with the error of a dependency that does not answer; the note
is written without it and says so. If a failure or success can't be counted, since PostgreSQL is down, the attempt goes
on.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from app.core.asset import Addresses
from app.core.completion import Completion, Message
from app.core.outcome import MODEL_PATIENCE, TENANT_PATIENCE
from app.core.source import Source
from app.core.ticket import Ticket
from app.db.ledger.claims import Claim
from app.db.limits.circuits import Circuits, Dependency
from app.enhancement.ports import Documentation, Model, Monitoring
from app.errors import (
    DatabaseUnavailable,
    DocumentationUnavailable,
    ModelAwaited,
    ModelBusy,
    ModelKeyAwaited,
    ModelKeyReplaced,
    ModelUnavailable,
    MonitoringUnavailable,
    Unavailable,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Circuit:
    """The circuit of one dependency of one tenant, as it was when the attempt began."""

    circuits: Circuits
    owner_id: UUID
    """The id of a tenant or of a shared instance."""
    dependency: Dependency
    is_open: bool
    is_failing: bool
    """Whether its last call had failed, so that a success must be stored."""

    @classmethod
    def of(cls, circuits: Circuits, claim: Claim, dependency: Dependency, *, owner_id: UUID | None = None) -> Circuit:
        """The circuit as it was at *claim*; of the claim's tenant, or of *owner_id*."""
        return cls(
            circuits, owner_id or claim.tenant_id, dependency, dependency in claim.open, dependency in claim.failing
        )

    @asynccontextmanager
    async def guard(
        self, failure: type[Unavailable], *, unless: type[Unavailable] | tuple[()] = ()
    ) -> AsyncIterator[None]:
        """Run the block, which calls the dependency, and count errors of the type *failure*; *unless* of this one.

        Raises:
            Unavailable: A *failure*; the block was not run, since the circuit is open.
        """
        if self.is_open:
            raise failure("it failed several times in a row and is left alone for a while")
        try:
            yield
        except unless:
            raise  # it tells neither a failure nor a success
        except failure:
            await self.failed()
            raise
        await self.succeeded()

    async def failed(self) -> bool:
        """Count a failure. True when the circuit is open now."""
        with suppress(DatabaseUnavailable):
            is_open = await self.circuits.record_failure(self.owner_id, self.dependency)
            if is_open:
                log.warning("circuit_open", dependency=self.dependency)
            return is_open
        return False

    async def succeeded(self) -> None:
        """Store a success, if the last call had failed, as far as this process knows."""
        if not (self.is_failing or self.circuits.has_failed(self.owner_id, self.dependency)):
            return
        with suppress(DatabaseUnavailable):
            if await self.circuits.record_success(self.owner_id, self.dependency):
                log.info("circuit_closed", dependency=self.dependency)


@dataclass(frozen=True, slots=True)
class GuardedModel:
    """A model behind its circuit; fits the port `Model`."""

    model: Model
    circuit: Circuit
    age: timedelta = timedelta.max
    """Of its delivery, since the webhook."""

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], cut: Completion | None = None
    ) -> Completion:
        try:
            async with self.circuit.guard(ModelUnavailable, unless=ModelBusy):
                return await self.model.complete(messages, schema=schema, cut=cut)
        except ModelKeyReplaced as error:
            if self.age < TENANT_PATIENCE:
                raise ModelKeyAwaited(error.detail) from error
            raise
        except ModelBusy as error:
            if self.age < MODEL_PATIENCE:
                raise awaited(error.detail, error.retry_after or timedelta(0), age=self.age) from error
            raise
        raise AssertionError


def awaited(told: str, wait: timedelta, *, age: timedelta) -> ModelAwaited:
    """That a delivery of this *age* waits for a busy model: as long as that asks, and not beyond its patience.

    Spread, since many wait for the same moment; the longer one has waited the more seldom it looks, or many that wait
    would keep the worker busy.
    """
    wait = min(max(wait, age / 4), MODEL_PATIENCE - age)
    return ModelAwaited(told, retry_after=wait * (1 + random.random() / 2))


@dataclass(frozen=True, slots=True)
class GuardedMonitoring:
    """Monitoring behind its circuit; fits the port `Monitoring`."""

    monitoring: Monitoring
    circuit: Circuit

    async def measurements(self, addresses: Addresses, *, limit: int) -> list[Source]:
        async with self.circuit.guard(MonitoringUnavailable):
            return await self.monitoring.measurements(addresses, limit=limit)
        raise AssertionError


@dataclass(frozen=True, slots=True)
class GuardedDocumentation:
    """A server of documentation behind its circuit; fits the port `Documentation`."""

    documentation: Documentation
    circuit: Circuit

    async def documents(self, ticket: Ticket, *, limit: int) -> list[Source]:
        async with self.circuit.guard(DocumentationUnavailable):
            return await self.documentation.documents(ticket, limit=limit)
        raise AssertionError
