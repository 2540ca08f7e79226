"""What is sent, and when: the same for the same seed.

Invariant: a forged call names a ticket that no genuine call is about, so a note on it can only come from the forgery.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from tests.faults.tenants import BUSY, QUIET, Client

_FIRST_TICKET: Final = 100_000
# What is redelivered, or updated, is one of so many latest tickets of its tenant.
_RECENT: Final = 30
# Of so many calls one is the quiet tenant's.
_ONE_OF: Final = 150
_SOME_DAY: Final = datetime(2026, 11, 1, tzinfo=UTC)


class CallKind(StrEnum):
    NEW = "new"
    """A ticket, and the webhook that tells of it."""
    AGAIN = "again"
    """A call that was made before, byte by byte."""
    ANOTHER = "another"
    """Another delivery about a version of a ticket that has one."""
    CHANGED = "changed"
    """A ticket whose words changed, and the webhook that tells of it: it wants a note of its own."""
    FORGED = "forged"


class Forgery(StrEnum):
    """What is wrong with a forged call."""

    NOT_SIGNED = "not_signed"
    WRONG_SECRET = "wrong_secret"
    OTHERS_SECRET = "others_secret"
    """Signed as another tenant would, for this one."""
    OTHER_BODY = "other_body"
    """A signature of this tenant, of other bytes."""


_MIX: Final = {CallKind.NEW: 20, CallKind.AGAIN: 24, CallKind.ANOTHER: 38, CallKind.CHANGED: 4, CallKind.FORGED: 14}


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook, as it is to be sent."""

    after_s: float
    """Since the beginning."""
    kind: CallKind
    client: Client
    ticket_id: str
    version: int
    """How often the ticket's words had been changed by then."""
    event: str
    updated_at: str
    forgery: Forgery | None = None

    @property
    def body(self) -> dict[str, str]:
        return {"event": self.event, "ticket_id": self.ticket_id, "updated_at": self.updated_at}


def plan_traffic(draw: random.Random, *, rate: float) -> Iterator[Call]:
    """The calls of one run without end, in the order in which they are to be made."""
    plan = _Plan(draw)
    for number in itertools.count():
        yield plan.ticket_of_quiet(number / rate) if number % _ONE_OF == 0 else plan.next(number / rate)


class _Plan:
    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._calls: dict[Client, list[Call]] = {client: [] for client in BUSY}
        self._versions: dict[tuple[Client, str], int] = {}
        self._number = 0
        self._tickets: Counter[Client] = Counter()

    def next(self, after_s: float) -> Call:
        self._number += 1
        client = self._draw.choice(BUSY)
        [kind] = self._draw.choices(list(_MIX), list(_MIX.values()))
        known = self._calls[client][-_RECENT:]
        if kind is CallKind.FORGED:
            return self._call(after_s, kind, client, self._new_id(client), forgery=self._draw.choice(list(Forgery)))
        if kind is CallKind.NEW or not known:
            call = self._call(after_s, CallKind.NEW, client, self._new_id(client))
        else:
            call = self._follow(after_s, kind, self._draw.choice(known))
        if kind is not CallKind.AGAIN:
            self._calls[client].append(call)
        return call

    def ticket_of_quiet(self, after_s: float) -> Call:
        self._number += 1
        return self._call(after_s, CallKind.NEW, QUIET, self._new_id(QUIET))

    def _follow(self, after_s: float, kind: CallKind, earlier: Call) -> Call:
        if kind is CallKind.AGAIN:
            return Call(
                after_s,
                kind,
                earlier.client,
                earlier.ticket_id,
                earlier.version,
                earlier.event,
                earlier.updated_at,
            )
        key = (earlier.client, earlier.ticket_id)
        if kind is CallKind.CHANGED:
            self._versions[key] = self._versions.get(key, 0) + 1
        return self._call(after_s, kind, earlier.client, earlier.ticket_id)

    def _call(
        self, after_s: float, kind: CallKind, client: Client, ticket_id: str, *, forgery: Forgery | None = None
    ) -> Call:
        event = "ticket_updated" if kind in {CallKind.ANOTHER, CallKind.CHANGED} else "ticket_created"
        version = self._versions.get((client, ticket_id), 0)
        # One that no other call has: the time of an update is part of its delivery's identity.
        updated_at = (_SOME_DAY + timedelta(seconds=self._number)).isoformat()
        return Call(after_s, kind, client, ticket_id, version, event, updated_at, forgery)

    def _new_id(self, client: Client) -> str:
        """The next of its tenant: tenants with a help desk of their own have tickets of the same ids."""
        self._tickets[client] += 1
        return str(client.first_id + _FIRST_TICKET + self._tickets[client])
