"""Checks the path from a webhook to its note on a deployment, with a simulated help desk.

Invariant: no client's help desk is called. A simulated ServiceDesk Plus listens at the address in the smoke tenant's
file, with one ticket, which is new in each run.
"""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from app.core.delivery import Event
from app.core.labels import all_labels
from app.core.source import REF
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.smoke.api import ApiChecks
from app.smoke.report import CheckFailed, NamedCheck
from app.tenants import KnownTenant

_CITATION = re.compile(rf"\[{REF}\]")


@asynccontextmanager
async def open_simulator(known: KnownTenant, host: str, port: int) -> AsyncIterator[Portal]:
    """Host a simulated help desk for *known*.

    Raises:
        CheckFailed: The address is in use.
    """
    tenant, secrets = known.tenant, known.secrets
    oauth = secrets.oauth
    portal = Portal(
        slug=tenant.slug,
        edition=tenant.servicedesk.edition,
        api_key=secrets.api_key or "",
        client_id=oauth.client_id if oauth else "",
        client_secret=oauth.client_secret if oauth else "",
        refresh_token=oauth.refresh_token if oauth else "",
        note_key=tenant.servicedesk.note_key,
    )
    simulator = HelpDeskSimulator()
    simulator.add_portal(portal)
    try:
        await simulator.start(host, port)
    except OSError as error:
        raise CheckFailed(f"can't listen on {host}:{port} ({error.strerror}); choose another --listen") from error
    try:
        yield portal
    finally:
        await simulator.stop()


class Journey:
    """The checks of one run, over one ticket, and more of its kind while its note knows nothing of the solved one.

    Args:
        portal: The hosted help desk.
        api: The API that gets the webhooks.
        limit_s: How long to wait for the note.
        learn_s: How long a worker has to store what it read; if it takes longer, that costs another ticket.
        settle_s: How long to watch for a second note after the first.
    """

    def __init__(
        self, portal: Portal, api: ApiChecks, limit_s: float, *, learn_s: float = 1.0, settle_s: float = 3.0
    ) -> None:
        self._portal = portal
        self._api = api
        self._limit_s = limit_s
        self._learn_s = learn_s
        self._settle_s = settle_s
        self._word = word = f"spool{uuid4().hex[:8]}"
        self._solved = portal.add_ticket(
            id=f"{uuid4().int % 10**15}",
            subject=f"Smoke test: {word} does not empty",
            description=f"The mail queue {word} on srv-smoke01 does not empty.",
            status="Resolved",
            resolved=datetime.now(UTC),
            resolution=f"Restarted the queue runner of {word} and removed the message that blocked it.",
        )
        self._ticket_id = self._add_ticket()
        self._job_id = ""

    def _add_ticket(self) -> str:
        added = self._portal.add_ticket(
            id=f"{uuid4().int % 10**15}",
            subject=f"Smoke test: mail queue {self._word} grows",
            description=f"The mail queue {self._word} on srv-smoke01 (192.0.2.10) does not empty since this morning.",
            requester={"name": "Smoke Test", "email": "smoke@ai-agents.example"},
        )
        return added.id

    @property
    def checks(self) -> list[NamedCheck]:
        return [
            ("resolved ticket learned", self._learned),
            ("webhook accepted", self._accepted),
            ("replay is the same delivery", self._replayed),
            ("one note arrives", self._note),
        ]

    async def _learned(self) -> str:
        await self._api.send(Event.RESOLVED, self._solved.id)
        started = time.monotonic()
        while time.monotonic() - started < self._limit_s:
            if any(self._solved.id in call for call in self._portal.calls):
                await asyncio.sleep(self._learn_s)
                return f"read after {time.monotonic() - started:.1f} s"
            await asyncio.sleep(0.1)
        raise CheckFailed(f"not read within {self._limit_s:.0f} s; {self._whether_asked()}")

    async def _accepted(self) -> str:
        self._job_id = await self._api.send(Event.CREATED, self._ticket_id)
        return f"202, job {self._job_id}"

    async def _replayed(self) -> str:
        if await self._api.send(Event.CREATED, self._ticket_id) != self._job_id:
            raise CheckFailed("a redelivery became another job: roll back, tickets would get two notes")
        return "same job"

    async def _note(self) -> str:
        started = time.monotonic()
        deadline = started + self._limit_s
        note = await self._note_on(self._ticket_id, deadline)
        arrived_s = time.monotonic() - started
        # A worker that has read the solved ticket stores it in its own time, which nothing tells outside.
        while not (citations := len(set(_CITATION.findall(note)))):
            if time.monotonic() > deadline:
                raise CheckFailed("the note cites no source, though a solved ticket fits it: look at the workers' logs")
            another = self._add_ticket()
            self._job_id = await self._api.send(Event.CREATED, another)
            note = await self._note_on(another, deadline)
        told = f"after {arrived_s:.1f} s, {citations} sources cited"
        # No fault of the release, and nothing that a rollback mends.
        if any(each["notice_model_unavailable"] in html.unescape(note) for each in all_labels().values()):
            told += "; the model gave no answer: check its endpoint and key, `OPENAI_BASE_URL` and `OPENAI_API_KEY`"
        return told

    async def _note_on(self, ticket_id: str, deadline: float) -> str:
        while not self._notes(ticket_id) and time.monotonic() < deadline:  # noqa: ASYNC110 - the simulator's state
            await asyncio.sleep(0.1)
        if not self._notes(ticket_id):
            job = f"for job {self._job_id}" if self._job_id else ": no webhook was accepted"
            raise CheckFailed(
                f"no note within {self._limit_s:.0f} s; {self._whether_asked()}. Look at the workers' logs {job}"
            )
        await asyncio.sleep(self._settle_s)
        notes = self._notes(ticket_id)
        if len(notes) != 1:
            raise CheckFailed(f"{len(notes)} notes where one is due: roll back")
        return notes[0]

    def _whether_asked(self) -> str:
        if self._portal.calls:
            return "its help desk was asked"
        return "its help desk was never asked: check its url, and that workers run and may reach it"

    def _notes(self, ticket_id: str) -> list[str]:
        return [note.html for note in self._portal.notes(ticket_id)]
