"""Gathers the context of a ticket, all kinds side by side, within one time limit.

Invariant: it never raises, and waits for nothing after its limit but the end of its transaction. The result of each
kind is ok, empty or unavailable, and the note says which.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final

import structlog

from app.core.asset import Addresses, find_addresses
from app.core.requester import Requester
from app.core.source import Gathered, GatherState, Source, SourceKind, first_sources
from app.core.steps import StepName
from app.core.storm import Storm, find_storm
from app.core.ticket import Ticket
from app.core.triage import Suggestion, suggest
from app.core.vectors import TicketVectors
from app.enhancement.tools import Tools
from app.enhancement.traced import traced_step
from app.errors import AppError
from app.telemetry.metrics import CONTEXT_OUTCOMES, CONTEXT_SECONDS
from app.telemetry.traces import exemplar

MAX_SOURCES: Final = 5

log = structlog.get_logger(__name__)

Search = Callable[[], Awaitable[list[Source]]]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about a ticket."""

    gathered: Sequence[Gathered]
    """By kind."""
    requester: Requester
    suggestions: tuple[Suggestion, ...]
    storm: Storm | None
    """The storm that the ticket is of."""


async def gather_all(ticket: Ticket, tools: Tools) -> Context:
    """All that is known about *ticket*."""
    named = _named_machines(ticket)
    ends_at = asyncio.get_running_loop().time() + tools.context_timeout.total_seconds()
    stored, *others = await asyncio.gather(
        _gather_stored(ticket, tools, named, ends_at),
        _gather_documents(ticket, tools, ends_at),
        _gather_measured(tools, named, ends_at),
    )
    return replace(stored, gathered=[*stored.gathered, *chain.from_iterable(others)])


async def _gather_stored(ticket: Ticket, tools: Tools, named: Addresses, ends_at: float) -> Context:
    """What the database knows, in one transaction, assets first: tickets are looked for by their names too.

    No other system is asked meanwhile. One after the other, as the transaction takes them: a task for each would wait.
    """
    vectors = await _vectors_of(ticket, tools, ends_at)
    async with tools.reading:
        requester = await _about_requester(ticket, tools, ends_at)
        assets = await _gather(
            SourceKind.ASSET,
            lambda: tools.inventory.assets(named, requester=ticket.requester, limit=MAX_SOURCES),
            ends_at=ends_at,
        )
        searches: dict[SourceKind, Search] = {
            SourceKind.TICKET: lambda: tools.history.similar_tickets(
                ticket, limit=MAX_SOURCES, machines=_further_names(assets, ticket), vectors=vectors
            ),
            SourceKind.ARTICLE: lambda: tools.knowledge.articles(ticket, limit=MAX_SOURCES),
        }
        found = [await _gather(kind, search, ends_at=ends_at) for kind, search in searches.items()]
        suggestions = await _suggest(tools, ends_at)
        storm = await _find_storm(ticket, found, tools, ends_at)
    return Context([assets, *found], requester, suggestions, storm)


def _further_names(assets: Gathered, ticket: Ticket) -> list[str]:
    """Names and addresses of the machines that *ticket* names, other than it names them."""
    said = ticket.text.lower()
    names: dict[str, None] = {}
    for source in assets.sources:
        if not source.is_only_owned:
            also = find_addresses(source.trusted_text)
            names |= dict.fromkeys([source.title, *also.hostnames, *map(str, also.ips)])
    return [name for name in names if name.lower() not in said]


async def _gather_documents(ticket: Ticket, tools: Tools, ends_at: float) -> list[Gathered]:
    source = tools.documentation
    if source is None:
        return []
    search = partial(source.documents, ticket, limit=MAX_SOURCES)
    return [await _gather(SourceKind.DOCUMENT, search, ends_at=ends_at)]


async def _gather_measured(tools: Tools, named: Addresses, ends_at: float) -> list[Gathered]:
    source = tools.monitoring
    if source is None:
        return []
    search = partial(source.measurements, named, limit=MAX_SOURCES)
    return [await _gather(SourceKind.MEASUREMENT, search, ends_at=ends_at)]


def _named_machines(ticket: Ticket) -> Addresses:
    """Those of the requester's own words, those of what they quote, and those chosen in a field of the ticket; none of
    signatures and disclaimers.
    """
    named = find_addresses(f"{ticket.asked}\n{ticket.mail.quoted}", with_links=True)
    return named.model_copy(update={"hostnames": tuple(dict.fromkeys((*named.hostnames, *ticket.assets)))})


async def _gather(kind: SourceKind, search: Search, *, ends_at: float) -> Gathered:
    with traced_step(kind) as note:
        started = time.perf_counter()
        found = await _find(kind, search, ends_at=ends_at)
        CONTEXT_SECONDS.labels(kind).observe(time.perf_counter() - started, exemplar=exemplar())
        CONTEXT_OUTCOMES.labels(kind, found.state).inc()
        note.is_fine = found.state is not GatherState.UNAVAILABLE
        nothing = "nothing fits" if note.is_fine else "unavailable"
        note.result = f"found {len(found.sources)}" if found.sources else found.reason or nothing
    return found


async def _find(kind: SourceKind, search: Search, *, ends_at: float) -> Gathered:
    """The sources that *search* finds until *ends_at*, by the loop's clock."""
    try:
        async with asyncio.timeout_at(ends_at):
            sources = await search()
    except TimeoutError:
        return _unavailable(kind, "no answer in time", cause="timeout")
    except AppError as error:
        return _unavailable(kind, "", cause=error.detail)
    except Exception as error:  # noqa: BLE001 - a note without this kind of context is better than none
        return _unavailable(kind, "", cause=type(error).__name__, error=error)
    return Gathered(
        kind=kind, state=GatherState.OK if sources else GatherState.EMPTY, sources=tuple(sources[:MAX_SOURCES])
    )


def _unavailable(kind: SourceKind, reason: str, *, cause: str, error: Exception | None = None) -> Gathered:
    log.warning("context_unavailable", source=kind, cause=cause, exc_info=error)
    return Gathered(kind=kind, state=GatherState.UNAVAILABLE, reason=reason)


async def _vectors_of(ticket: Ticket, tools: Tools, ends_at: float) -> TicketVectors | None:
    if tools.vectors is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(ends_at):
                return await tools.vectors(ticket)
    return None


async def _about_requester(ticket: Ticket, tools: Tools, ends_at: float) -> Requester:
    """What is known of the requester. Where that can't be looked up, only what the ticket itself says."""
    with traced_step(StepName.ABOUT_REQUESTER):
        try:
            async with asyncio.timeout_at(ends_at):
                return await tools.requesters.about(ticket)
        except Exception as error:  # noqa: BLE001 - a note without this line is better than none
            log.warning("requester_unavailable", cause=getattr(error, "detail", type(error).__name__))
            return Requester(is_vip=ticket.is_vip, site=ticket.site)


async def _suggest(tools: Tools, ends_at: float) -> tuple[Suggestion, ...]:
    """What the nearest resolved tickets suggest for the ticket's fields; nothing where they can't be read."""
    if tools.nearest is None:
        return ()
    try:
        async with asyncio.timeout_at(ends_at):
            return suggest(await tools.nearest.nearest_fields(), wanted=tools.suggested)
    except Exception as error:  # noqa: BLE001 - a note without this line is better than none
        log.warning("fields_not_suggested", cause=getattr(error, "detail", type(error).__name__))
        return ()


async def _find_storm(ticket: Ticket, gathered: list[Gathered], tools: Tools, ends_at: float) -> Storm | None:
    """The storm that the ticket is of; None also where that can't be looked up."""
    if tools.arrivals is None:
        return None
    with traced_step(StepName.STORM) as note:
        try:
            async with asyncio.timeout_at(ends_at):
                arrival = await tools.arrivals.before(ticket.id, sources=first_sources(gathered))
            storm = None if arrival is None else find_storm(arrival, collect_from=tools.collect_from)
        except Exception as error:  # noqa: BLE001 - a note without this line is better than none
            log.warning("storm_unknown", cause=getattr(error, "detail", type(error).__name__))
            note.is_fine, note.result = False, "could not be looked up"
            return None
        nothing = "none" if arrival else "not known: no delivery has told of this ticket"
        note.result = f"like {len(storm.others)} others" if storm else nothing
        return storm
