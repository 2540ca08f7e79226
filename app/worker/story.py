"""The story of one delivery, from its claim to its end. Read `write_note` from top to bottom.

Invariant: every claim comes to an end by `bring_to_end`: its note is posted and settled, or `core.outcome` says what
its error makes of it, or it is given back because this process stops. No transaction is open during a network call.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.core.delivery import Event, Status, Webhook, check_still_wanted, check_wanted, parse_webhook
from app.core.enhancement import Enhancement, Notice
from app.core.note import note_reference, render_note
from app.core.outcome import Attempt, Ending, Outcome, decide
from app.core.reading.mail import own_words
from app.core.steps import StepName, noted_steps, step
from app.core.storm import Arrival, find_storm
from app.core.tenant import Tenant
from app.core.ticket import Fate, Ticket
from app.db.ledger.arrivals import ArrivalSearch, Storms, arrival_of
from app.db.ledger.attempts import AttemptRecord
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.enhancements import Enhancements, Reservation
from app.db.limits.circuits import Circuits, Dependency
from app.db.limits.rate import hold_until_next_turn
from app.db.session import Database
from app.enhancement.closing import draft_closing
from app.enhancement.graph import enhance
from app.enhancement.traced import traced_step
from app.errors import (
    AppError,
    CallsExhausted,
    Code,
    DatabaseUnavailable,
    HelpDeskUnavailable,
    LeaseLost,
    NotNeeded,
    TenantFileInvalid,
    TicketNotFound,
)
from app.telemetry.metrics import ENHANCEMENT_SECONDS
from app.telemetry.traces import exemplar
from app.tenants import KnownTenant, TenantDirectory
from app.worker.circuits import Circuit
from app.worker.help_desk_faults import held_unless_others_get_through, told_apart, told_if_gone, without_foreign
from app.worker.lease import held
from app.worker.posting import find_posted, first_posting, keep_oldest, post_once
from app.worker.routing import route
from app.worker.storms import StormKeeper
from app.worker.toolkits import Toolkit, Toolkits
from app.worker.triage import write_fields

_RELEASE_TIMEOUT: Final = timedelta(seconds=3)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Times and counts that one attempt keeps."""

    task: timedelta
    note: timedelta
    lease: timedelta
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What every attempt works with."""

    database: Database
    ledger: Ledger
    circuits: Circuits
    enhancements: Enhancements
    tenants: TenantDirectory
    toolkits: Toolkits
    limits: Limits
    is_restored: bool
    """The database was restored from a backup, and its deliveries are not done yet."""
    feedback_url: Callable[[UUID, UUID], str | None]
    """Where the reader of a delivery's note votes, if anywhere."""


async def write_note(claim: Claim, parts: Parts) -> Ending:
    """From the stored webhook to the note on the ticket; in shadow mode to the note that is kept back."""
    began_at = datetime.now(UTC)
    known = _load_tenant(claim, parts.tenants)
    tenant = known.tenant
    webhook = parse_webhook(claim.body)
    circuit = Circuit.of(parts.circuits, claim, Dependency.HELP_DESK, owner_id=tenant.desk_id)

    async with parts.toolkits.lend(known) as kit, told_apart(kit.help_desk, circuit), without_foreign(kit):
        await _hand_over(claim, webhook, kit, parts, circuit)
        if webhook.event is Event.RESOLVED:
            await kit.learn(claim.ticket_id)
            await circuit.succeeded()
        closes = _check_wanted(webhook, tenant)
        if (waits := kit.waits_for_model(claim)) and not await parts.enhancements.is_written(claim):
            raise waits

        ticket, notices = await _load_ticket(kit, claim.ticket_id, webhook)
        claim = replace(claim, ticket_id=ticket.id)  # a sender may name a ticket by its display id

        with traced_step(StepName.RESERVE):
            reservation = await _reserve(claim, ticket, webhook, kit, parts, closes=closes)
        enhancement = reservation.enhancement
        if enhancement is None:
            enhancement = await (
                _draft(ticket, claim, kit) if closes else enhance(ticket, tools=kit.tools(claim), notices=notices)
            )
            if enhancement.has_nothing and tenant.note.when_nothing == "silent":
                await circuit.succeeded()
                raise NotNeeded("nothing that fits the ticket was found", code=Code.NOTHING_FOUND)
            enhancement = await _save(claim, reservation, enhancement, kit, parts)
        if enhancement.closing is not None and enhancement.closing.nothing is not None:
            await circuit.succeeded()
            raise NotNeeded(enhancement.closing.why_nothing, code=enhancement.closing.nothing)

        reference = note_reference(claim.tenant_id, claim.ticket_id, reservation.version)
        if reservation.note_id is None and (reservation.is_shadowed or tenant.note.is_shadow):
            html = render_note(enhancement, tenant.note, reference=reference)
            record = AttemptRecord(began_at, Ending.SHADOWED, code=None, error=None, steps=noted_steps())
            await parts.enhancements.settle_shadowed(claim, reservation, html=html, record=record)
            return await _end(Ending.SHADOWED, enhancement, circuit)

        await _keep_storm_note(claim, enhancement, kit, parts)
        html = render_note(
            enhancement,
            tenant.note,
            reference=reference,
            feedback_url=_feedback_url(claim, ticket, parts),
        )
        note_id = await _post(claim, reservation, html, kit, parts, reference=reference, webhook=webhook)
        await _write_fields(claim, enhancement, kit, parts)

        ending = _ending(enhancement)
        record = AttemptRecord(began_at, ending, code=None, error=None, steps=noted_steps())
        try:
            await parts.enhancements.settle_posted(claim, reservation, note_id=note_id, record=record)
        except LeaseLost:  # the worker that has it now may have posted too
            since = first_posting(reservation)
            await keep_oldest(kit.help_desk, claim.ticket_id, note_id, reference, since=since)
            raise
        _measure(claim, tenant)
        return await _end(ending, enhancement, circuit, note_id=note_id)
    raise AssertionError


def _check_wanted(webhook: Webhook, tenant: Tenant) -> bool:
    """Raise `NotNeeded` if *webhook* needs no note. Returns whether its note drafts how the ticket was solved."""
    closes = webhook.event is Event.RESOLVED and tenant.closing.draft
    events = tenant.events | {Event.RESOLVED} if closes else tenant.events
    check_wanted(webhook, events=events, technician=tenant.servicedesk.technician)
    return closes


async def _reserve(
    claim: Claim, ticket: Ticket, webhook: Webhook, kit: Toolkit, parts: Parts, *, closes: bool
) -> Reservation:
    """The version of *ticket* for this delivery alone; with a `note_id`, if an earlier attempt has posted its note."""
    async with held_unless_others_get_through(claim, parts.enhancements):
        posted = await find_posted(claim, notes=kit.help_desk, enhancements=parts.enhancements, limit=parts.limits.note)
    if posted is not None:
        return posted
    check_still_wanted(ticket, is_closed_wanted=_wants_closed(kit.tenant, webhook))
    return await parts.enhancements.reserve(
        claim,
        version=ticket.closing_version if closes else ticket.version,
        ticket_updated_at=ticket.updated_at or ticket.created_at or claim.accepted_at,
        arrival=arrival_of(ticket, kit.tenant, accepted_at=claim.accepted_at, event=webhook.event),
    )


async def _draft(ticket: Ticket, claim: Claim, kit: Toolkit) -> Enhancement:
    """The draft of how *ticket* was solved, from its resolution and its technicians' notes."""
    if ticket.fate is not Fate.CLOSED:
        raise NotNeeded("the ticket is open again", code=Code.EVENT_NOT_WANTED)
    told = map(own_words, [ticket.resolution, *await kit.help_desk.list_note_texts(ticket.id)])
    return await draft_closing(
        ticket, told="\n".join(filter(None, told)), tools=kit.tools(claim), today=datetime.now(UTC).date()
    )


def _feedback_url(claim: Claim, ticket: Ticket, parts: Parts) -> str | None:
    """Where the reader votes; it names the ticket, so that the page can."""
    url = parts.feedback_url(claim.tenant_id, claim.job_id)
    return f"{url}?ticket={ticket.number}" if url and ticket.number.isascii() and ticket.number.isdecimal() else url


async def _save(
    claim: Claim, reservation: Reservation, enhancement: Enhancement, kit: Toolkit, parts: Parts
) -> Enhancement:
    """Store *enhancement*, and again if others reported the same while it was written. Returns what is stored."""
    has_note = enhancement.closing is None or enhancement.closing.nothing is None
    is_shadowed = kit.tenant.note.is_shadow and has_note
    save = partial(parts.enhancements.save, claim, reservation, is_shadowed=is_shadowed)
    looks = kit.tenant.storms.find and enhancement.closing is None and not enhancement.is_of_storm_alone
    search = ArrivalSearch(parts.database, kit.tenant, ticket_url=kit.help_desk.ticket_url)
    arrival = await save(enhancement, look=search if looks else None)
    again = _with_later(enhancement, arrival, kit.tenant) if arrival else None
    if again is not None:
        await save(again, is_counted=True)
    return again or enhancement


def _with_later(enhancement: Enhancement, arrival: Arrival, tenant: Tenant) -> Enhancement | None:
    """*enhancement* with those who reported the same while it was written; None: it names all."""
    known, storm = enhancement.storm, find_storm(arrival, collect_from=tenant.storms.collect_from)
    if storm is None or (known is not None and len(storm.others) <= len(known.others)):
        return None
    return enhancement.model_copy(update={"storm": storm.model_copy(update={"is_collected": False}), "questions": ()})


async def _hand_over(claim: Claim, webhook: Webhook, kit: Toolkit, parts: Parts, circuit: Circuit) -> None:
    """Hand a shared instance's own delivery over to the tenant whose account it is of.

    Raises:
        NotNeeded: It was; the instance itself writes no note.
    """
    if not kit.tenant.is_instance:
        return
    routed = await route(
        claim, webhook, kit.tenant, help_desk=kit.help_desk, tenants=parts.tenants, ledger=parts.ledger
    )
    await circuit.succeeded()
    raise routed


async def _post(
    claim: Claim, reservation: Reservation, html: str, kit: Toolkit, parts: Parts, *, reference: UUID, webhook: Webhook
) -> str:
    """Post the note once, whatever an earlier attempt did. Returns its id."""
    with step(StepName.POST_NOTE) as posting:
        async with (
            held_unless_others_get_through(claim, parts.enhancements),
            told_if_gone(kit.help_desk, claim.ticket_id, is_closed_wanted=_wants_closed(kit.tenant, webhook)),
        ):
            note_id = await post_once(
                claim,
                reservation,
                html,
                reference=reference,
                notes=kit.help_desk,
                enhancements=parts.enhancements,
                limit=parts.limits.note,
                is_restored=parts.is_restored,
            )
        posting.result = "posted"
    return note_id


async def _write_fields(claim: Claim, enhancement: Enhancement, kit: Toolkit, parts: Parts) -> None:
    """Write what is suggested for the ticket's fields, as far as the tenant's file allows it."""
    if not kit.tenant.triage.write:
        return
    with step(StepName.WRITE_FIELDS) as writing:
        writing.result = await write_fields(
            enhancement, claim.ticket_id, tenant=kit.tenant, desk=kit.help_desk, database=parts.database
        )


async def _keep_storm_note(claim: Claim, enhancement: Enhancement, kit: Toolkit, parts: Parts) -> None:
    """Let the note of the ticket's storm, on its first ticket, name this ticket too, where such a note is kept."""
    storm = enhancement.storm
    if storm is None or not storm.is_collected:
        return
    keeper = StormKeeper(
        claim=claim,
        storm=storm,
        desk=kit.help_desk,
        storms=Storms(parts.database),
        language=kit.tenant.note.language,
        limit=parts.limits.note,
        is_shared=kit.tenant.servicedesk.account is not None,
    )
    with step(StepName.STORM_NOTE):
        async with held_unless_others_get_through(claim, parts.enhancements):
            await keeper.keep()


async def bring_to_end(claim: Claim, parts: Parts) -> tuple[Ending, Code | None, str | None]:
    """How the attempt ended; where no note came of it, why, as a code and a sentence."""
    limits = parts.limits
    try:
        async with held(claim, parts.ledger, lease=limits.lease, limit=limits.task):
            return await write_note(claim, parts), None, None
    except asyncio.CancelledError:
        await _release(claim, parts.ledger)
        raise
    except Exception as error:  # noqa: BLE001 - a bug must not lose the delivery either
        outcome = await _conclude(claim, error, parts)
        return outcome.ending, outcome.code, outcome.detail


async def _conclude(claim: Claim, error: Exception, parts: Parts) -> Outcome:
    """Store what *error* makes of the attempt."""
    attempt = Attempt(
        age=datetime.now(UTC) - claim.accepted_at,
        used=claim.attempts_used,
        allowed=parts.limits.max_attempts,
        limit=parts.limits.task,
    )
    outcome = decide(error, attempt, draw=random.random())
    if outcome.code is Code.INTERNAL_ERROR:
        log.error("attempt_crashed", exc_info=error)
    if outcome.status is None:
        return outcome
    try:
        is_last = outcome.status is Status.FAILED and attempt.used == attempt.allowed
        if is_last and await parts.ledger.may_be_posted(claim):  # one more looks for the note
            outcome = decide(error, replace(attempt, allowed=attempt.allowed + 1), draw=random.random())
        await parts.ledger.conclude(claim, outcome)
        if outcome.ending is Ending.THROTTLED:
            known = parts.tenants.find(claim.tenant_id)
            owner_id = known.tenant.desk_id if known else claim.tenant_id
            await hold_until_next_turn(parts.database, owner_id, wait=outcome.wait)
    except (LeaseLost, DatabaseUnavailable) as failure:
        # Not stored: the lease runs out, and the next attempt looks for the note first.
        return decide(failure, attempt, draw=0)
    return outcome


async def _release(claim: Claim, ledger: Ledger) -> None:
    """Make the delivery due again at once, since this process stops."""
    with suppress(AppError, TimeoutError):
        async with asyncio.timeout(_RELEASE_TIMEOUT.total_seconds()):
            await ledger.release(claim)
            log.info("delivery_released")


def _load_tenant(claim: Claim, tenants: TenantDirectory) -> KnownTenant:
    known = tenants.find(claim.tenant_id)
    if known is None:
        raise TenantFileInvalid(
            f"no tenant's file has the id {claim.tenant_id}; add it, then replay this delivery",
            code=Code.TENANT_UNKNOWN,
        )
    if known.tenant.is_suspended:
        raise NotNeeded("the tenant is suspended", code=Code.TENANT_SUSPENDED)
    return known


def _wants_closed(tenant: Tenant, webhook: Webhook) -> bool:
    """Whether a closed ticket gets a note: by its tenant's choice, or since its closing is what leads to one."""
    return tenant.note.when_closed == "note" or webhook.event is Event.RESOLVED


async def _load_ticket(kit: Toolkit, ticket_id: str, webhook: Webhook) -> tuple[Ticket, tuple[Notice, ...]]:
    """The ticket as it is now; as *webhook* tells it, if that has words, where the help desk can't be asked.

    A ticket that is gone is taken out of the history.
    """
    with traced_step(StepName.LOAD):
        try:
            ticket = await kit.help_desk.load_ticket(ticket_id)
        except CallsExhausted:
            raise
        except HelpDeskUnavailable as error:
            # Of a shared instance the account has to be seen: a webhook's word is not enough.
            told = webhook.ticket if kit.tenant.servicedesk.account is None else None
            if told is None:
                raise
            log.warning("ticket_read_from_webhook", code=error.code, cause=error.detail)
            return told, (Notice.READ_FROM_WEBHOOK,)
        except TicketNotFound:
            await kit.forget(ticket_id)
            raise
        if ticket.fate.is_gone:
            await kit.forget(ticket.id)
        return ticket, ()


def _ending(enhancement: Enhancement) -> Ending:
    if enhancement.is_degraded:
        return Ending.DEGRADED
    return Ending.CONTEXT_ONLY if enhancement.is_context_only else Ending.ENHANCED


def _measure(claim: Claim, tenant: Tenant) -> None:
    seconds = max((datetime.now(UTC) - claim.accepted_at).total_seconds(), 0)
    ENHANCEMENT_SECONDS.labels(tenant.slug).observe(seconds, exemplar=exemplar())


async def _end(ending: Ending, enhancement: Enhancement, circuit: Circuit, *, note_id: str | None = None) -> Ending:
    """The end of an attempt whose delivery is settled with its note: tell what was written, and return *ending*."""
    await circuit.succeeded()
    log.info(
        "note_posted" if note_id else "note_shadowed",
        note_id=note_id,
        outcome=ending,
        sources={group.kind.value: len(group.sources) for group in enhancement.gathered},
        model=enhancement.model,
        prompt_tokens=enhancement.prompt_tokens,
        completion_tokens=enhancement.completion_tokens,
        cost_usd=enhancement.cost_usd,
    )
    return ending
