"""The attempts of this process: what runs now, and the trace, log, metrics and record of each."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode

from app.core.delivery import is_of_sync
from app.core.outcome import Ending
from app.core.steps import noting_steps
from app.db.ledger.attempts import AttemptRecord, record_attempt
from app.db.ledger.claims import Claim, GivenUp
from app.errors import Code, DatabaseUnavailable
from app.telemetry.logs import delivery_context
from app.telemetry.metrics import ATTEMPTS_WITHOUT_NOTE, ENHANCEMENTS, LEASES_LOST, SETTLED, WEBHOOKS_MISSED
from app.telemetry.traces import context_from, exemplar, span
from app.tenants import TenantDirectory
from app.worker.story import Parts, bring_to_end

_RELEASE_S: Final = 4.0

log = structlog.get_logger(__name__)


class Attempts:
    """Claims deliveries and brings them to an end. Each call of `work` runs one attempt at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._running: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._is_stopping = False

    @property
    def running(self) -> int:
        """Number of attempts that run."""
        return len(self._running)

    @property
    def busy(self) -> int:
        """Number of calls of `work` that have not ended: attempts, and claims, which are slow while PostgreSQL is."""
        return self._busy

    async def work(self) -> None:
        """Handle one ring: one delivery, and more while the tenant has due ones that had waited for a free slot."""
        self._busy += 1
        try:
            while True:
                claim = await self.work_once()
                if claim is None or not claim.is_crowded or self._is_stopping:
                    return
        finally:
            self._busy -= 1

    def stop(self) -> None:
        """Start no more attempts."""
        self._is_stopping = True

    async def work_once(self) -> Claim | None:
        """Claim the delivery that is next and bring it to an end. None when nothing could be claimed."""
        try:
            claim = await self._parts.ledger.claim_next()
        except DatabaseUnavailable as error:
            log.warning("claim_failed", code=error.code, cause=error.detail)
            return None
        if claim is None:
            return None
        attempt = asyncio.create_task(self._attempt(claim))
        self._running.add(attempt)
        attempt.add_done_callback(self._running.discard)
        try:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(attempt)
        except Exception as error:  # its lease runs out, and the next attempt is told the same; others are claimed
            log.error("attempt_crashed", code=Code.INTERNAL_ERROR, job_id=str(claim.job_id), exc_info=error)
        return claim

    async def wait(self, *, limit_s: float) -> None:
        """Wait for the running attempts, at most *limit_s*."""
        if self._running:
            await asyncio.wait(self._running, timeout=max(limit_s, 0))

    async def release_all(self) -> None:
        """Cancel the running attempts and release their deliveries; these attempts do not count."""
        for attempt in self._running:
            attempt.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_RELEASE_S)

    async def _attempt(self, claim: Claim) -> None:
        slug = slug_of(self._parts.tenants, claim)
        attributes: dict[str, str | int | float] = {
            "ai_agents.tenant": slug,
            "ai_agents.job_id": str(claim.job_id),
            "ai_agents.attempt": claim.attempt,
        }
        parent = context_from(claim.trace_context)
        with (
            delivery_context(tenant=slug, ticket_id=claim.ticket_id, job_id=claim.job_id),
            span("enhance_delivery", kind=SpanKind.CONSUMER, parent=parent, attributes=attributes) as current,
        ):
            log.info("attempt_began", attempt=claim.attempts_used)
            started, began_at = time.monotonic(), datetime.now(UTC)
            with noting_steps() as steps:
                ending, code, detail = await bring_to_end(claim, self._parts)
            if not ending.has_note:  # else it was recorded together with the note
                await self._record(claim, AttemptRecord(began_at, ending, code, detail, tuple(steps)))
            ENHANCEMENTS.labels(slug, ending).inc(exemplar=exemplar())
            if ending in SETTLED and is_of_sync(claim.body):
                WEBHOOKS_MISSED.labels(slug).inc()
            if code is not None:
                ATTEMPTS_WITHOUT_NOTE.labels(slug, code).inc(exemplar=exemplar())
            if ending is Ending.LEASE_LOST:
                LEASES_LOST.inc()
            current.set_attribute("ai_agents.outcome", ending)
            if not ending.is_as_it_should_be:
                current.set_status(Status(StatusCode.ERROR, code or ending))
            tell = log.error if ending is Ending.FAILED else log.info if ending.is_as_it_should_be else log.warning
            tell("attempt_ended", outcome=ending, code=code, cause=detail, seconds=round(time.monotonic() - started, 3))

    async def _record(self, claim: Claim, record: AttemptRecord) -> None:
        """Store how the attempt went, for the console. The outcome is stored already, so an error is only logged."""
        try:
            await record_attempt(self._parts.database, claim, record)
        except DatabaseUnavailable as error:
            log.warning("attempt_not_recorded", code=error.code, cause=error.detail)


def tell_given_up(given_up: GivenUp, tenants: TenantDirectory) -> None:
    """Count and log a delivery that was settled as failed without an attempt, in its own trace."""
    slug = slug_of(tenants, given_up)
    attributes: dict[str, str | int | float] = {"ai_agents.tenant": slug, "ai_agents.job_id": str(given_up.job_id)}
    with (
        delivery_context(tenant=slug, ticket_id=given_up.ticket_id or "unknown", job_id=given_up.job_id),
        span("give_up_delivery", parent=context_from(given_up.trace_context), attributes=attributes) as current,
    ):
        current.set_status(Status(StatusCode.ERROR, given_up.code))
        ENHANCEMENTS.labels(slug, Ending.FAILED).inc(exemplar=exemplar())
        ATTEMPTS_WITHOUT_NOTE.labels(slug, given_up.code).inc(exemplar=exemplar())
        log.error("delivery_given_up", code=given_up.code, cause=given_up.detail)


def slug_of(tenants: TenantDirectory, owned: Claim | GivenUp) -> str:
    """The tenant's slug for metrics and logs; `unknown` if it has no file."""
    known = tenants.find(owned.tenant_id)
    return known.tenant.slug if known else "unknown"
