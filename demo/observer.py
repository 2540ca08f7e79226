"""Reads the help desks and the ledger, and records what is new in `Progress`.

Invariant: it only reads: the notes as a technician sees them, and the ledger with the worker's role.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.core.delivery import Status
from app.core.enhancement import Notice
from app.db.reports.browsing import Written, find_story
from app.db.reports.deliveries import DeliveryView, list_deliveries
from app.db.session import Database
from app.errors import DatabaseUnavailable
from demo.progress import Call, Progress
from demo.samples import Samples

_NEWEST: Final = 100


class Observer:
    """Follows the calls of *progress*; `look` also adds calls that were made by others."""

    def __init__(self, progress: Progress, *, database: Database, samples: Samples) -> None:
        self._progress = progress
        self._database = database
        self._samples = samples

    async def look(self) -> list[Call]:
        """The calls that reached another stage since they were last told, new ones included."""
        self._samples.read_again()
        for slug in self._samples.portals:
            tenant_id = self._samples.tenant(slug).tenant.id
            try:
                deliveries = await list_deliveries(self._database, tenant_id, limit=_NEWEST)
            except DatabaseUnavailable:  # if the server has ended, `Servers.check` reports that
                continue
            for delivery in reversed(deliveries):
                await self._follow(slug, tenant_id, delivery)
        for call in self._progress:
            if call.slug in self._samples.portals:  # else its file was removed, and what was seen last stays
                self._count_notes(call)
        return self._progress.news()

    async def _follow(self, slug: str, tenant_id: UUID, delivery: DeliveryView) -> None:
        call = self._call_of(slug, delivery)
        if call.status == delivery.status and call.attempts == delivery.attempts_used:
            return
        if delivery.status == Status.DONE:
            story = await find_story(self._database, tenant_id, delivery.job_id)
            call.verdict = _verdict_of(story.written) if story else ""
        call.status, call.attempts = Status(delivery.status), delivery.attempts_used
        call.trouble = delivery.ignored_because or delivery.last_error or ""
        # At once: who asks for news while the next tenant is read must not hear that it failed, for want of its note.
        self._count_notes(call)

    def _call_of(self, slug: str, delivery: DeliveryView) -> Call:
        for call in self._progress:
            is_its_own = call.job_id is None and call.slug == slug and call.ticket_id == delivery.ticket_id
            if call.job_id == delivery.job_id or is_its_own:
                call.job_id = delivery.job_id
                return call
        ticket = self._samples.portals[slug].tickets.get(delivery.ticket_id)
        subject = ticket.subject if ticket else f"ticket {delivery.ticket_id}"
        call = Call(slug, delivery.ticket_id, subject, accepted_at=delivery.accepted_at, job_id=delivery.job_id)
        self._progress.calls.append(call)
        return call

    def _count_notes(self, call: Call) -> None:
        ticket = self._samples.portals[call.slug].tickets.get(call.ticket_id)
        since = call.sent_at or call.accepted_at or datetime.max.replace(tzinfo=UTC)
        call.notes = sorted(note.created for note in ticket.notes if note.created >= since) if ticket else []


def _verdict_of(written: Written | None) -> str:
    for notice in written.enhancement.notices if written and written.enhancement else ():
        if notice is Notice.NOTHING_FOUND:
            return notice.words
        if notice is not Notice.READ_FROM_WEBHOOK:
            return f"context alone: {notice.words}"
    return f"confidence {written.confidence}" if written and written.confidence else ""
