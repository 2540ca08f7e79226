"""Checks the path from a webhook to its note on a tenant's real help desk.

Invariant: only the product itself writes there, one note. The report holds no text of the ticket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.core.delivery import Event, Status
from app.core.note import note_reference
from app.db.reports.browsing import Story, find_story
from app.db.reports.choices import Choice
from app.db.reports.deliveries import list_deliveries
from app.db.session import Database
from app.help_desks import open_help_desk
from app.integrations.servicedesk import ServiceDesk
from app.smoke.api import ApiChecks
from app.smoke.report import CheckFailed, NamedCheck
from app.tenants import KnownTenant

_LONGEST_WAIT: Final = timedelta(seconds=30)
"""Longest wait for the limiter of the tenant's calls."""
_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class RealTicket:
    """A ticket of a tenant's real help desk.

    *database* is opened as the worker's role: it holds the limit of calls and the token, and says what became of the
    delivery.
    """

    id: str
    database: Database


@asynccontextmanager
async def open_visit(
    known: KnownTenant, ticket: RealTicket, api: ApiChecks, limit_s: float
) -> AsyncIterator[list[NamedCheck]]:
    """The checks of *ticket*; its help desk is open until the block ends."""
    async with open_help_desk(known, ticket.database, longest_wait=_LONGEST_WAIT) as desk:
        yield _Visit(known, ticket, desk, api, limit_s).checks


class _Visit:
    def __init__(
        self, known: KnownTenant, ticket: RealTicket, desk: ServiceDesk, api: ApiChecks, limit_s: float
    ) -> None:
        self._tenant = known.tenant
        self._ticket = ticket
        self._desk = desk
        self._api = api
        self._limit_s = limit_s
        # With the time of an update it is a new delivery; a creation would be the delivery that there is already.
        self._fields = {"updated_at": datetime.now(UTC).isoformat()}
        self._job_id: UUID | None = None

    @property
    def checks(self) -> list[NamedCheck]:
        return [
            ("ticket read", self._read),
            ("webhook accepted", self._accepted),
            ("replay is the same delivery", self._replayed),
            ("one note arrives", self._note),
        ]

    @property
    def _event(self) -> Event:
        for event in (Event.UPDATED, Event.CREATED):
            if event in self._tenant.events:
                return event
        raise CheckFailed(
            f"{self._tenant.slug} wants no notes for new or changed tickets: add ticket_created to its file's events"
        )

    async def _read(self) -> str:
        ticket = await self._desk.load_ticket(self._ticket.id)
        if await self._notes(ticket.version):
            raise CheckFailed(
                f"ticket {self._ticket.id} has our note already, so it can prove nothing: name one without"
            )
        return "there, without our note"

    async def _accepted(self) -> str:
        earlier = {
            delivery.job_id
            for delivery in await list_deliveries(
                self._ticket.database, self._tenant.id, Choice(ticket_id=self._ticket.id)
            )
        }
        job_id = UUID(await self._api.send(self._event, self._ticket.id, **self._fields))
        if job_id in earlier:
            raise CheckFailed(
                f"an earlier webhook told of ticket {self._ticket.id} already (job {job_id}), so this one is that one"
                " again: name a ticket that none told of"
            )
        self._job_id = job_id
        return f"202, job {job_id}"

    async def _replayed(self) -> str:
        if self._job_id is None:
            raise CheckFailed("nothing to send again: no webhook was accepted")
        if UUID(await self._api.send(self._event, self._ticket.id, **self._fields)) != self._job_id:
            raise CheckFailed("a redelivery became another job: roll back, tickets would get two notes")
        return "same job"

    async def _note(self) -> str:
        if self._job_id is None:
            raise CheckFailed("none can come: no webhook was accepted")
        started = time.monotonic()
        found = await self._settled(self._job_id)
        seconds = time.monotonic() - started
        written = found.written
        count = await self._notes(written.version) if written else 0
        if count != 1:
            raise CheckFailed(f"{count} notes of job {self._job_id} where one is due: look at the workers' logs for it")
        notices = written.enhancement.notices if written and written.enhancement else ()
        return f"after {seconds:.1f} s" + (f", it says: {', '.join(notices)}" if notices else "")

    async def _settled(self, job_id: UUID) -> Story:
        """Wait until the ledger says that the note is posted; returns the delivery."""
        deadline = time.monotonic() + self._limit_s
        found = None
        while time.monotonic() < deadline:
            found = await find_story(self._ticket.database, self._tenant.id, job_id)
            if found is None:
                raise CheckFailed("the ledger doesn't know the job: DATABASE_URL leads to another than the API's")
            status, delivery = found.delivery.status, found.delivery
            if status == Status.DONE:
                return found
            if status == Status.IGNORED:
                raise CheckFailed(f"no note was due: {delivery.ignored_because}")
            if status == Status.FAILED:
                raise CheckFailed(
                    f"failed: {delivery.last_error}. Mend that, then:"
                    f" ai-agents deliveries replay --tenant {self._tenant.slug} {job_id}"
                )
            await asyncio.sleep(_LOOK_EVERY_S)
        cause = found.delivery.last_error if found else None
        raise CheckFailed(
            f"no note within {self._limit_s:.0f} s; "
            + (f"the last try: {cause}" if cause else f"do workers run? Look at their logs for job {job_id}")
        )

    async def _notes(self, version: str) -> int:
        """The number of notes on the ticket with our reference for *version*."""
        reference = note_reference(self._tenant.id, self._ticket.id, version)
        return len(await self._desk.find_notes(self._ticket.id, containing=str(reference)))
