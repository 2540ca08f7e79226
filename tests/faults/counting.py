"""What became of everything that was sent, counted from outside: the help desks' notes against the 202s.

Invariant: this is all that decides whether a promise was kept, and it reads facts alone: what was answered, what stands
on the tickets, and what an operator is shown of the ledger.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.faults.tenants import Client

_REFERENCE: Final = re.compile(r"\bref ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")

_REFUSED: Final = 401

TicketKey = tuple[str, str]
"""A tenant's slug and a ticket's id."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A webhook that was answered 202."""

    slug: str
    ticket_id: str
    version: int
    """Of the ticket, when its webhook was sent."""
    job_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Note:
    """A note that stands on a ticket at the end."""

    slug: str
    """Whose help desk it stands in."""
    ticket_id: str
    html: str
    at: float

    @property
    def reference(self) -> str:
        found = _REFERENCE.search(self.html)
        return found[1] if found else "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A delivery as an operator sees it."""

    slug: str
    ticket_id: str
    job_id: str
    status: str
    reason: str


@dataclass(slots=True)
class Count:
    """The promises that were not kept, each with where; and what is allowed but should be known."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong_tenant: list[str] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    """Forgeries that were accepted or led to anything."""
    failed: Counter[str] = field(default_factory=Counter)
    """Reasons of deliveries that an operator sees as failed and can replay."""
    ignored: Counter[str] = field(default_factory=Counter)
    notes: int = 0

    @property
    def is_kept(self) -> bool:
        return not (self.lost or self.doubled or self.wrong_tenant or self.forged)


def count(
    *,
    clients: Iterable[Client],
    promises: Iterable[Promise],
    forged: Iterable[tuple[TicketKey, int]],
    notes: Iterable[Note],
    outcomes: Iterable[Outcome],
    versions: Mapping[TicketKey, int],
) -> Count:
    """Hold the notes against the promises.

    Args:
        clients: The tenants.
        promises: Each 202, a redelivery's too.
        forged: The ticket of each forged call, and the status that it got.
        notes: All that stand in all help desks.
        outcomes: All deliveries.
        versions: How often the words of each ticket were changed.
    """
    result = Count()
    by_slug = {client.slug: client for client in clients}
    notes, outcomes, promises = list(notes), list(outcomes), list(promises)
    result.notes = len(notes)
    _count_notes(result, by_slug, notes, versions)
    _count_promises(result, by_slug, promises, notes, outcomes, versions)
    noted = {(note.slug, note.ticket_id) for note in notes}
    stored = {(outcome.slug, outcome.ticket_id) for outcome in outcomes}
    for (slug, ticket_id), status in forged:
        where = f"{slug} ticket {ticket_id}"
        if status != _REFUSED:
            result.forged.append(f"{where}: answered {status}")
        if (slug, ticket_id) in noted:
            result.forged.append(f"{where}: has a note")
        if (slug, ticket_id) in stored:
            result.forged.append(f"{where}: is in the ledger")
    return result


def _count_notes(
    result: Count, clients: Mapping[str, Client], notes: list[Note], versions: Mapping[TicketKey, int]
) -> None:
    seen = Counter((note.slug, note.ticket_id, note.reference) for note in notes)
    result.doubled += [
        f"{slug} ticket {ticket_id}: {number} notes" for (slug, ticket_id, _), number in seen.items() if number > 1
    ]
    words = {client.slug: client.word for client in clients.values()}
    for note in notes:
        where = f"{note.slug} ticket {note.ticket_id}"
        strange = [slug for slug, word in words.items() if slug != note.slug and word in note.html]
        result.wrong_tenant += [f"{where}: words of {slug}" for slug in strange]
        own = _references(clients[note.slug], note.ticket_id, versions)
        if note.reference not in own:
            result.wrong_tenant.append(f"{where}: a note that is not of this ticket")


def _references(client: Client, ticket_id: str, versions: Mapping[TicketKey, int]) -> list[str]:
    last = versions.get((client.slug, ticket_id))
    return [] if last is None else [str(client.reference(ticket_id, version)) for version in range(last + 1)]


def _count_promises(
    result: Count,
    clients: Mapping[str, Client],
    promises: list[Promise],
    notes: list[Note],
    outcomes: list[Outcome],
    versions: Mapping[TicketKey, int],
) -> None:
    """Each promise is settled for a reason, and each ticket has the note of its last version that was promised one.

    That the ticket read newer by the time it was looked at is as good: then the newer version has the note.
    """
    by_job = {outcome.job_id: outcome for outcome in outcomes}
    last: dict[TicketKey, int] = defaultdict(int)
    for promise in {promise.job_id: promise for promise in promises}.values():
        key = (promise.slug, promise.ticket_id)
        last[key] = max(last[key], promise.version)
        outcome = by_job.get(promise.job_id)
        where = f"{promise.slug} ticket {promise.ticket_id}, delivery {promise.job_id}"
        match outcome:
            case None:
                result.lost.append(f"{where}: not in the ledger")
            case Outcome(status="done"):
                pass
            case Outcome(status="ignored", reason=reason) if reason:
                result.ignored[reason] += 1
            case Outcome(status="failed", reason=reason) if reason:
                result.failed[reason] += 1
            case Outcome(status=status):
                result.lost.append(f"{where}: {status}, and no reason is told")
    has_failed = {(outcome.slug, outcome.ticket_id) for outcome in outcomes if outcome.status == "failed"}
    references: dict[TicketKey, set[str]] = defaultdict(set)
    for note in notes:
        references[note.slug, note.ticket_id].add(note.reference)
    for key, version in last.items():
        wanted = _references(clients[key[0]], key[1], versions)[version:]
        if references[key].isdisjoint(wanted) and key not in has_failed:
            result.lost.append(f"{key[0]} ticket {key[1]}: no note")
