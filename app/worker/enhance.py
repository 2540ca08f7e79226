"""The story of one delivery: claim, enhance, save, post once, settle.

Invariant: every claim ends in one of four ways, chosen in `_end` alone: settled (done, ignored, failed), given back to
be tried again, or left to its lease when the ledger can't be told. No transaction is open during a network call.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode

from app.core.delivery import Event, parse_webhook, why_no_note
from app.core.enhancement import Enhancement
from app.core.note import note_reference, render_note
from app.core.retry import wait_before
from app.core.steps import Step, noting_steps, step
from app.core.ticket import Ticket
from app.db.attempts import record_attempt
from app.db.enhancements import Enhancements, NotNeeded, Reservation
from app.db.gates import Cause, Gates
from app.db.ledger import Claim, GivenUp, Ledger
from app.db.session import Database
from app.enhancement.graph import enhance
from app.errors import (
    AppError,
    CallsExhausted,
    HelpDeskDown,
    HelpDeskUnavailable,
    LeaseLost,
    LedgerUnavailable,
    Rejected,
    TenantFileInvalid,
    Unavailable,
)
from app.integrations.servicedesk import ServiceDesk
from app.telemetry.logs import delivery_context
from app.telemetry.metrics import (
    ENHANCEMENT_SECONDS,
    ENHANCEMENTS,
    LEASES_LOST,
)
from app.telemetry.traces import context_from, exemplar, span
from app.tenants import KnownTenant, TenantDirectory
from app.worker.breakers import Breaker
from app.worker.lease import run_held
from app.worker.posting import find_posted, post_once
from app.worker.toolkits import Toolkit, Toolkits

_RELEASE_TIMEOUT_S: Final = 3.0
# A tenant's file and its secrets are mounted minutes apart, and not in all pods at once.
_TENANT_PATIENCE: Final = timedelta(minutes=15)
_TENANT_WAIT: Final = timedelta(seconds=30)
# Beyond it a note is no help any more, and somebody should know.
_OUTAGE_PATIENCE: Final = timedelta(hours=6)
# How an attempt may end without its trace being one of an error.
_AS_IT_SHOULD: Final = {"enhanced", "context_only", "ignored", "throttled"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Times and counts that one attempt keeps."""

    task: timedelta
    note: timedelta
    lease: timedelta
    max_attempts: int


class Enhancer:
    """What every attempt works with, and the attempts that run now."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        gates: Gates,
        enhancements: Enhancements,
        tenants: TenantDirectory,
        toolkits: Toolkits,
        limits: Limits,
        feedback_url: Callable[[UUID, UUID], str | None] = lambda _tenant_id, _job_id: None,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._gates = gates
        self._enhancements = enhancements
        self._tenants = tenants
        self._toolkits = toolkits
        self._limits = limits
        self._feedback_url = feedback_url
        self._running: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    @property
    def running(self) -> int:
        """Attempts under way."""
        return len(self._running)

    async def work(self) -> None:
        """Work as one ring asks for: one delivery, and more as long as others of a tenant waited for a free slot."""
        while True:
            claim = await self.work_once()
            if claim is None or not claim.is_crowded or self._is_stopping:
                return

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_stopping = True

    async def work_once(self) -> Claim | None:
        """Claim the delivery whose turn it is and bring it to an end. None when nothing could be claimed."""
        try:
            claim = await self._ledger.claim_next()
        except LedgerUnavailable as error:
            log.warning("claim_failed", cause=error.detail)
            return None
        if claim is None:
            return None
        attempt = asyncio.create_task(self._attempt(claim))
        self._running.add(attempt)
        attempt.add_done_callback(self._running.discard)
        with suppress(asyncio.CancelledError):
            await asyncio.shield(attempt)
        return claim

    async def wait(self, *, limit_s: float) -> None:
        """Let what runs come to its end, for so long."""
        if self._running:
            await asyncio.wait(self._running, timeout=max(limit_s, 0))

    async def release_all(self) -> None:
        """Cut short what runs and give it back at once, its attempt forgiven."""
        for attempt in self._running:
            attempt.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_RELEASE_TIMEOUT_S + 1)

    async def _attempt(self, claim: Claim) -> None:
        known = self._tenants.find(claim.tenant_id)
        slug = known.tenant.slug if known else "unknown"
        attributes: dict[str, str | int | float] = {
            "ai_agents.tenant": slug,
            "ai_agents.job_id": str(claim.job_id),
            "ai_agents.attempt": claim.attempt,
        }
        with (
            delivery_context(tenant=slug, ticket_id=claim.ticket_id, job_id=claim.job_id),
            span(
                "enhance_delivery",
                kind=SpanKind.CONSUMER,
                parent=context_from(claim.trace_context),
                attributes=attributes,
            ) as current,
        ):
            log.info("attempt_began", attempt=claim.attempts_used)
            started, began_at = time.monotonic(), datetime.now(UTC)
            with noting_steps() as steps:
                outcome = await self._end(claim, self._story(claim, known))
            await self._note(claim, began_at=began_at, outcome=outcome, steps=steps)
            ENHANCEMENTS.labels(slug, outcome).inc(exemplar=exemplar())
            current.set_attribute("ai_agents.outcome", outcome)
            if outcome not in _AS_IT_SHOULD:
                current.set_status(Status(StatusCode.ERROR, outcome))
            log.info("attempt_ended", outcome=outcome, seconds=round(time.monotonic() - started, 3))

    async def _note(self, claim: Claim, *, began_at: datetime, outcome: str, steps: list[Step]) -> None:
        """Keep how the attempt went, for whoever asks; it is settled or given back by now, so no error matters."""
        try:
            await record_attempt(self._database, claim, began_at=began_at, outcome=outcome, steps=steps)
        except LedgerUnavailable as error:
            log.warning("attempt_not_recorded", cause=error.detail)

    async def _end(self, claim: Claim, story: Coroutine[Any, Any, str]) -> str:
        """The outcome of *story*, settled or given back as its error's family says."""
        try:
            return await self._settle(claim, story)
        except LedgerUnavailable as error:
            # Not settled and not given back: the lease runs out, and whoever takes over looks for the note first.
            log.warning("outcome_not_stored", cause=error.detail)
            return "left_to_lease"
        except LeaseLost:
            LEASES_LOST.inc()
            log.warning("lease_lost")
            return "lease_lost"

    async def _settle(self, claim: Claim, story: Coroutine[Any, Any, str]) -> str:  # noqa: C901, PLR0911 - a way to end each
        limits = self._limits
        try:
            return await run_held(
                story,
                ledger=self._ledger,
                claim=claim,
                lease=limits.lease,
                limit=limits.task,
            )
        except NotNeeded as reason:
            await self._ledger.ignore(claim, reason.detail)
            log.info("delivery_ignored", because=reason.detail)
            return "ignored"
        except (LeaseLost, LedgerUnavailable):
            raise
        except CallsExhausted as error:
            wait = error.retry_after or timedelta(seconds=30)
            await self._ledger.try_later(claim, wait=wait, error=error.detail, is_forgiven=True)
            await self._gates.close(claim.tenant_id, Cause.CALLS, wait=wait)
            return "throttled"
        except TenantFileInvalid as error:
            return await self._wait_for_tenant(claim, error.detail)
        except Rejected as error:
            await self._ledger.fail(claim, error.detail)
            log.error("delivery_failed", cause=error.detail)
            return "failed"
        except HelpDeskUnavailable as error:
            return await self._outlast(claim, error)
        except Unavailable as error:
            return await self._try_again(claim, error.detail, asked=error.retry_after)
        except TimeoutError:
            return await self._try_again(claim, f"took longer than {limits.task.total_seconds():.0f} s", asked=None)
        except asyncio.CancelledError:
            await self._release(claim)
            raise
        except Exception as error:  # a bug must not lose the delivery; its text stays in the log
            log.exception("attempt_crashed")
            return await self._try_again(claim, f"internal error ({type(error).__name__})", asked=None)

    async def _wait_for_tenant(self, claim: Claim, cause: str) -> str:
        if datetime.now(UTC) - claim.accepted_at > _TENANT_PATIENCE:
            await self._ledger.fail(claim, cause)
            log.error("delivery_failed", cause=cause)
            return "failed"
        await self._ledger.try_later(claim, wait=_TENANT_WAIT, error=cause, is_forgiven=True)
        log.warning("tenant_not_ready", cause=cause)
        return "retried"

    async def _outlast(self, claim: Claim, error: HelpDeskUnavailable) -> str:
        """Try again; an attempt counts only while the help desk answers others, or once the outage is too long."""
        is_closed = await Breaker.of(self._gates, claim, Cause.HELP_DESK).count()
        is_outage = is_closed or isinstance(error, HelpDeskDown)
        if not is_outage or datetime.now(UTC) - claim.accepted_at > _OUTAGE_PATIENCE:
            return await self._try_again(claim, error.detail, asked=error.retry_after)
        await self._ledger.try_later(
            claim,
            wait=wait_before(1, asked=error.retry_after, draw=random.random()),
            error=error.detail,
            is_forgiven=True,
        )
        return "held"

    async def _try_again(self, claim: Claim, cause: str, *, asked: timedelta | None) -> str:
        if claim.attempts_used >= self._limits.max_attempts:
            await self._ledger.fail(claim, f"attempts used up ({claim.attempts_used}); the last: {cause}")
            log.error("delivery_failed", cause=cause, attempts=claim.attempts_used)
            return "failed"
        wait = wait_before(claim.attempts_used, asked=asked, draw=random.random())
        await self._ledger.try_later(claim, wait=wait, error=cause, is_forgiven=False)
        log.warning("attempt_failed", cause=cause, wait_s=round(wait.total_seconds(), 1))
        return "retried"

    async def _release(self, claim: Claim) -> None:
        with suppress(AppError, TimeoutError):
            async with asyncio.timeout(_RELEASE_TIMEOUT_S):
                await self._ledger.try_later(claim, wait=timedelta(0), error=None, is_forgiven=True)
                log.info("delivery_released")

    async def _story(self, claim: Claim, known: KnownTenant | None) -> str:
        """From the stored body to the note on the ticket."""
        if known is None:
            raise TenantFileInvalid(f"no tenant's file has the id {claim.tenant_id}; add it, then replay this delivery")
        tenant = known.tenant
        if tenant.is_suspended:
            raise NotNeeded("the tenant is suspended")
        webhook = parse_webhook(claim.body)
        async with self._toolkits.lend(known) as kit, _told_apart(kit.help_desk):
            if webhook.event is Event.RESOLVED:
                await kit.learn(claim.ticket_id)
                await Breaker.of(self._gates, claim, Cause.HELP_DESK).recover()
            reason = why_no_note(webhook, events=tenant.events, technician=tenant.servicedesk.technician)
            if reason is not None:
                raise NotNeeded(reason)
            return await self._write_and_post(claim, kit, hint=webhook.ticket)

    async def _write_and_post(self, claim: Claim, kit: Toolkit, *, hint: Ticket | None) -> str:
        reservation: Reservation | None = None

        async def reserve(ticket: Ticket) -> Enhancement | None:
            nonlocal reservation
            reservation = await find_posted(
                claim,
                version=ticket.version,
                notes=kit.help_desk,
                enhancements=self._enhancements,
                limit=self._limits.note,
            ) or await self._enhancements.reserve(
                claim,
                version=ticket.version,
                ticket_updated_at=ticket.updated_at or ticket.created_at or claim.accepted_at,
            )
            return reservation.enhancement

        tools = kit.tools(claim, reserve=reserve)
        enhancement = await enhance(claim.ticket_id, hint=hint, tools=tools)
        assert reservation is not None, "the workflow reserves before it writes"  # noqa: S101
        if reservation.enhancement is None:
            await self._enhancements.save(claim, reservation, enhancement)
        reference = note_reference(claim.tenant_id, claim.ticket_id, reservation.version)
        with step("post_note") as note:
            await post_once(
                claim,
                reservation,
                render_note(
                    enhancement,
                    kit.tenant.note,
                    reference=reference,
                    feedback_url=self._feedback_url(claim.tenant_id, claim.job_id),
                ),
                reference=reference,
                notes=kit.help_desk,
                enhancements=self._enhancements,
                limit=self._limits.note,
            )
            note.result = "posted"
        await Breaker.of(self._gates, claim, Cause.HELP_DESK).recover()
        ENHANCEMENT_SECONDS.labels(kit.tenant.slug).observe(
            max((datetime.now(UTC) - claim.accepted_at).total_seconds(), 0), exemplar=exemplar()
        )
        outcome = (
            "degraded" if enhancement.is_degraded else "context_only" if enhancement.is_context_only else "enhanced"
        )
        # For a log that is kept elsewhere; the whole record is in the ledger.
        log.info(
            "enhancement_recorded",
            outcome=outcome,
            sources={group.kind.value: len(group.sources) for group in enhancement.gathered},
            model=enhancement.model,
            prompt_tokens=enhancement.prompt_tokens,
            completion_tokens=enhancement.completion_tokens,
            cost_usd=enhancement.cost_usd,
        )
        return outcome


@asynccontextmanager
async def _told_apart(help_desk: ServiceDesk) -> AsyncIterator[None]:
    """Tell a help desk that is down from one that fails for this ticket alone, by asking it for something else.

    A tenant with one delivery due has nothing else to tell it by: its breaker needs more failures than the delivery has
    attempts.

    Raises:
        HelpDeskDown: In place of a `HelpDeskUnavailable` of the block.
    """
    try:
        yield
    except CallsExhausted:
        raise
    except HelpDeskUnavailable as error:
        try:
            await help_desk.peek()
        except CallsExhausted:
            raise
        except HelpDeskUnavailable as silence:
            raise HelpDeskDown(silence.detail, retry_after=silence.retry_after or error.retry_after) from error
        except Rejected:  # an answer
            pass
        raise


def tell_given_up(given_up: GivenUp, tenants: TenantDirectory) -> None:
    """Count and log a delivery that was settled as failed without an attempt, in its own trace."""
    known = tenants.find(given_up.tenant_id)
    slug = known.tenant.slug if known else "unknown"
    attributes: dict[str, str | int | float] = {"ai_agents.tenant": slug, "ai_agents.job_id": str(given_up.job_id)}
    with (
        delivery_context(tenant=slug, ticket_id=given_up.ticket_id or "unknown", job_id=given_up.job_id),
        span("give_up_delivery", parent=context_from(given_up.trace_context), attributes=attributes) as current,
    ):
        current.set_status(Status(StatusCode.ERROR, "failed"))
        ENHANCEMENTS.labels(slug, "failed").inc(exemplar=exemplar())
        log.error("delivery_failed", cause=given_up.error)
