"""How tickets arrive: what a reservation stores of them, which earlier ones are like one, and the note of a storm.

Invariant: a row holds ids, times and hashes, no word of a ticket. A reservation stores it under a lock of the tenant,
until its transaction has ended, with the time at which it has the lock. So of two tickets the later one sees the earlier.

A storm has one note, on its first ticket, and whoever adds a ticket brings it up to date. What the first ticket's row
says of that note, and what an attempt does:

    posting_at   note_id   it means                            the attempt
    ──────────   ───────   ─────────────────────────────────   ──────────────────────────────────────────────────────
    null         null      there is no note                    sets posting_at right before its call, then posts
    null         set       the note names `told` tickets       changes the note, if there are more by now
    set          any       somebody else posts or changes it   leaves it to them: they look again when they are done;
                                                               if their call must have ended, they are gone, and it does
                                                               as they did, after a look for the note

So no ticket is left out: whoever finds that somebody else is at it has stored its ticket before they look again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.core.asset import find_addresses
from app.core.delivery import Event
from app.core.outage import reports_outage
from app.core.reading.text import tidy
from app.core.storm import LEAST_LIKENESS, MAX_COMPARED, Arrival, Earlier, Share, Storm, StormTicket
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.knowledge.reading import CONFIGURATIONS, MAX_TERM_CHARS, read, spoken_languages
from app.db.ledger.claims import Claim, run_fenced
from app.db.session import Database, Row, Transactions
from app.db.sql import load

_MAX_CHARS: Final = 2_000
"""Of the requester's own words: what is wrong is said first."""
_OF_SUBJECT, _OF_BODY = 1.5, 1.0

_EARLIER: Final = load(__package__, "earlier")
_JOIN: Final = load(__package__, "join_storm")
_MEMBERS: Final = load(__package__, "storm_members")
_LOCK: Final = load(__package__, "lock_storm")
_BEGIN: Final = load(__package__, "begin_storm_note")
_END: Final = load(__package__, "end_storm_note")
_COUNT: Final = load(__package__, "count_storm")


def arrival_of(
    ticket: Ticket, tenant: Tenant, *, accepted_at: datetime, event: Event = Event.CREATED
) -> dict[str, Any]:
    """What a reservation takes of *ticket*; without words where nobody looks for storms, or it is resolved."""
    is_looked_for = tenant.storms.find and event is not Event.RESOLVED
    subject, own = ticket.subject, tidy(ticket.mail.own or ticket.mail.quoted, max_chars=_MAX_CHARS)
    if not is_looked_for:
        subject = own = ""
    languages = spoken_languages(f"{subject}\n{own}", language=tenant.note.language)
    heading, body = read(subject), read(own)
    weights = dict.fromkeys((each.term for each in body.terms), _OF_BODY)
    weights |= dict.fromkeys((each.term for each in heading.terms), _OF_SUBJECT)
    named = find_addresses(f"{subject}\n{own}")
    chosen = ticket.assets if is_looked_for else ()
    return {
        "has_arrival": is_looked_for,
        "number": ticket.number,
        "reported_at": ticket.created_at or accepted_at,
        "requester": ticket.requester,
        "site": ticket.site,
        "is_outage": is_looked_for and reports_outage(ticket),
        "machines": [*dict.fromkeys((*named.hostnames, *chosen, *map(str, named.ips)))],
        "subject": heading.words,
        "body": body.words,
        "terms": json.dumps([{"term": term, "weight": weight} for term, weight in weights.items()]),
        "configurations": [CONFIGURATIONS[language] for language in languages],
        "languages": languages,
        "max_term_chars": MAX_TERM_CHARS,
    }


class ArrivalSearch:
    """The tickets that arrived before one, for the port `Arrivals`."""

    def __init__(self, database: Transactions, tenant: Tenant, *, ticket_url: Callable[[str], str]) -> None:
        self._database = database
        self._tenant_id = tenant.id
        self._window = tenant.storms.window
        self._ticket_url = ticket_url

    async def before(self, ticket_id: str, *, sources: Iterable[str]) -> Arrival | None:
        """The arrival of a ticket that was reserved; None: nothing of it is stored.

        *sources*: ids of the sources that fit it best, as `Enhancements.save` stores them of others.
        """
        values = {"tenant_id": self._tenant_id, "ticket_id": ticket_id, **self.asked(sources)}
        async with self._database.transaction(self._tenant_id) as tx:
            rows = await tx.rows(_EARLIER, **values)
        return self.read(ticket_id, rows)

    def asked(self, sources: Iterable[str]) -> dict[str, Any]:
        """How like others have to be, as a statement takes it."""
        return {"window": self._window, "most": MAX_COMPARED, "least": LEAST_LIKENESS, "sources": list(sources)}

    def read(self, ticket_id: str, rows: Sequence[Row]) -> Arrival | None:
        """The arrival of a ticket, of what PostgreSQL's function `like_arrivals` returned."""
        mine = next((row for row in rows if row["ticket_id"] is None), None)
        if mine is None:
            return None
        earlier = tuple(self._earlier(row) for row in rows if row["ticket_id"] is not None)
        ticket = StormTicket(id=ticket_id, number=mine["number"], url=self._ticket_url(ticket_id))
        return Arrival(mine["reported_at"], mine["reporter"], mine["history"], earlier, ticket)

    def _earlier(self, row: Row) -> Earlier:
        shares = (Share.SITE, row["has_site"]), (Share.MACHINE, row["has_machine"]), (Share.SOURCE, row["has_source"])
        return Earlier(
            ticket_id=row["ticket_id"],
            number=row["number"],
            url=self._ticket_url(row["ticket_id"]),
            reported_at=row["reported_at"],
            reporter=row["reporter"],
            likeness=row["likeness"],
            words=row["words"],
            are_outages=row["are_outages"],
            shares=frozenset(share for share, is_shared in shares if is_shared),
            storm_ticket_id=row["storm_ticket_id"],
            is_later=row["is_later"],
            weights=dict(zip(row["terms"], row["weights"], strict=True)),
        )


class SomebodyElsePosts(Exception):
    """Another attempt posts or changes the storm's note now, and looks again when it is done."""


class StormNoteChanged(Exception):
    """Another attempt has posted the storm's note since its state was read: it is to be read again."""


@dataclass(frozen=True, slots=True)
class StormNote:
    """A storm's note, as its first ticket's row says."""

    note_id: str | None
    posting_age: timedelta | None
    """Time since a call began of which the end is not known. None: none is under way."""
    told: int
    """How many tickets the note names."""
    tickets: tuple[StormTicket, ...]
    """All that are of the storm by now, the first arrival first."""
    began_at: datetime
    latest_at: datetime


class Storms:
    """The notes of storms. Each call is for the tenant of a claim."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, claim: Claim, storm: Storm, *, ticket_url: Callable[[str], str]) -> StormNote | None:
        """Count the claim's ticket and those of *storm* as of the storm, and read what of it is known.

        None: its first ticket is not stored any more.
        """
        ids = [claim.ticket_id, *(each.id for each in storm.others)]
        key = {"tenant_id": claim.tenant_id, "first_id": storm.first.id}
        async with self._database.transaction(claim.tenant_id) as tx:
            await tx.run(_JOIN, **key, ticket_ids=ids)
            rows = await tx.rows(_MEMBERS, **key)
        first = next((row for row in rows if row["ticket_id"] == storm.first.id), None)
        if first is None:
            return None
        return StormNote(
            note_id=first["note_id"],
            posting_age=first["posting_age"],
            told=first["told"],
            tickets=tuple(
                StormTicket(id=row["ticket_id"], number=row["number"], url=ticket_url(row["ticket_id"])) for row in rows
            ),
            began_at=min(row["reported_at"] for row in rows),
            latest_at=max(row["reported_at"] for row in rows),
        )

    async def begin(self, claim: Claim, state: StormNote, first_id: str, *, straggles: timedelta) -> None:
        """Store that a call begins which makes the storm's note name the tickets of *state*.

        Raises:
            StormNoteChanged: Meanwhile another attempt has posted it, or made it name as many.
            SomebodyElsePosts: A call of another attempt began less than *straggles* ago.
            LeaseLost: Another worker has the claim's delivery.
        """
        key = {"tenant_id": claim.tenant_id, "first_id": first_id}
        async with self._database.transaction(claim.tenant_id) as tx:
            first = await tx.row(_LOCK, **key)
            if first is not None and first["posting_age"] is not None and first["posting_age"] < straggles:
                raise SomebodyElsePosts
            is_posted = first is not None and first["note_id"] not in {None, state.note_id}
            if is_posted or (first is not None and first["told"] >= len(state.tickets)):
                raise StormNoteChanged
            await run_fenced(tx, _BEGIN, claim, first_id=first_id)

    async def end(self, tenant_id: UUID, first_id: str, *, note_id: str | None, told: int) -> int:
        """Store the note and how many tickets it names. Returns how many there are by now.

        *note_id*: None where the ticket takes no note; then none is tried until there are more tickets.
        """
        key = {"tenant_id": tenant_id, "first_id": first_id}
        async with self._database.transaction(tenant_id) as tx:
            await tx.run(_END, **key, note_id=note_id, told=told)
            return int(await tx.value(_COUNT, **key))
