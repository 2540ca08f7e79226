"""Vectors of tickets: of one that asks, and of those that are stored.

Invariant: nothing here fails a note or a sync. A ticket without vectors is searched and found by its words alone. A
tenant that has a model of its own keeps its texts from an endpoint that serves all.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from app.core.masking import Mask
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.core.vectors import Embedder, TicketVectors, texts_of
from app.db.knowledge.vectors import NO_TABLE, Unembedded, has_table, keep_vectors, next_without
from app.db.session import Database
from app.errors import AppError, ModelUnavailable, Rejected, TextRefused
from app.telemetry.metrics import EMBEDDING_CALLS, EMBEDDING_SECONDS

# Two texts each: Text Embeddings Inference takes 32 at once, unless told otherwise.
_BATCH: Final = 16
_PROBE: Final = "The printer is offline."

log = structlog.get_logger(__name__)


def may_embed(tenant: Tenant, embedder: Embedder) -> bool:
    """Whether texts of *tenant* may go to *embedder*."""
    return not (embedder.is_shared_endpoint and tenant.model.has_own_key)


async def embed_ticket(ticket: Ticket, embedder: Embedder, tenant: Tenant, *, limit: timedelta) -> TicketVectors | None:
    """The vectors of *ticket*; None: there are none, or not within *limit*."""
    try:
        async with asyncio.timeout(limit.total_seconds()):
            return (await _embed([(ticket.subject, ticket.description)], embedder, tenant))[0]
    except TimeoutError:
        cause = "no answer in time"
    except AppError as error:
        cause = error.detail
    except Exception as error:
        log.exception("embedding_crashed")
        cause = type(error).__name__
    log.warning("ticket_not_embedded", cause=cause)
    return None


@dataclass(slots=True)
class Filling:
    """What one run did for one tenant."""

    tenant: Tenant
    embedded: int = 0
    problem: str = ""
    """Why it ended early."""
    is_done: bool = False
    _before: int | None = None

    async def next_batch(self, database: Database, embedder: Embedder) -> None:
        """Embed the next tickets that have no vectors of this embedder.

        Raises:
            AppError: Why it can't.
        """
        if self._before is None and not await has_table(database):
            raise Rejected(NO_TABLE)
        batch = await next_without(database, self.tenant.id, model=embedder.model, before=self._before, limit=_BATCH)
        if not batch:
            self.is_done = True
            return
        self._before = batch[-1].document
        made = await self._make(batch, embedder)
        await keep_vectors(database, self.tenant.id, made, model=embedder.model)
        self.embedded += sum(vectors is not None for _, vectors in made)

    async def _make(
        self, batch: Sequence[Unembedded], embedder: Embedder
    ) -> list[tuple[Unembedded, TicketVectors | None]]:
        """Vectors of *batch*. One text that the embedder can't take keeps no other from having its own."""
        texts = [(each.subject, each.description) for each in batch]
        try:
            return list(zip(batch, await _embed(texts, embedder, self.tenant), strict=True))
        except (TextRefused, ModelUnavailable):
            await embedder.embed([Mask().text(_PROBE)])  # raises if it is not these texts
        made: list[tuple[Unembedded, TicketVectors | None]] = []
        for each, text in zip(batch, texts, strict=True):
            try:
                made.append((each, (await _embed([text], embedder, self.tenant))[0]))
            except TextRefused:
                made.append((each, None))
            except ModelUnavailable as error:  # perhaps for this text: the next run asks again
                log.warning("ticket_not_embedded", cause=error.detail)
        return made


async def fill_vectors(
    database: Database, tenants: Iterable[Tenant], embedder: Embedder, *, within: timedelta
) -> list[Filling]:
    """Embed stored tickets that have no vectors, those of all *tenants* in turns, and end soon after *within*.

    What is left is for the next run: each begins with another tenant, so that none is always left. A tenant that fails
    is left out of the rest of this one.
    """
    ends_at = time.monotonic() + within.total_seconds()
    fillings = [Filling(tenant) for tenant in tenants if may_embed(tenant, embedder)]
    turns = random.sample(fillings, len(fillings))
    while turns:
        for filling in turns:
            if time.monotonic() >= ends_at:
                return fillings
            try:
                await filling.next_batch(database, embedder)
            except AppError as error:
                filling.problem = error.detail
            except Exception as error:  # a bug of ours, or the model's library's
                log.exception("vectors_crashed", tenant=filling.tenant.slug)
                filling.problem = f"a fault of ours ({type(error).__name__}), see the log"
        turns = [filling for filling in turns if not (filling.is_done or filling.problem)]
    return fillings


async def _embed(tickets: Sequence[tuple[str, str]], embedder: Embedder, tenant: Tenant) -> list[TicketVectors | None]:
    """The vectors of each ticket, of its subject and description; None: it has no text for this embedder."""
    asked = [
        texts_of(subject, description, language=tenant.note.language, is_english_only=embedder.is_english_only)
        for subject, description in tickets
    ]
    texts = [text for pair in asked if pair is not None for text in pair]
    if not texts:
        return [None for _ in tickets]
    outcome = "answered"
    try:
        with EMBEDDING_SECONDS.labels(embedder.model).time():
            vectors = iter(await embedder.embed(texts))
    except BaseException as error:
        outcome = (
            "refused" if isinstance(error, AppError) and not isinstance(error, ModelUnavailable) else "unavailable"
        )
        raise
    finally:
        EMBEDDING_CALLS.labels(embedder.model, outcome).inc()
    return [
        None if pair is None else TicketVectors(embedder.model, title=next(vectors), text=next(vectors))
        for pair in asked
    ]
