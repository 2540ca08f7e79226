"""A webhook's way to its note, on what is deployed.

Invariant: no client's help desk is touched. This hosts a simulated ServiceDesk Plus where the smoke tenant's file says
that its help desk is, with one ticket of its own, drawn anew for each run.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import httpx

from app.db.migrate import known_revisions
from app.sender import PATH, Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.smoke.report import CheckFailed, NamedCheck
from app.tenants import KnownTenant

_LEARN_S: Final = 1.0
"""For a ticket that was read to be stored."""
_SETTLE_S: Final = 3.0
"""Watched on after the note came, for a second one."""
_HEADERS: Final = ("strict-transport-security", "x-content-type-options", "content-security-policy")
_METRICS: Final = ("webhook_deliveries_total", "http_request_duration_seconds", "http_requests_total")
_CITATION = re.compile(r"\[[TKAM]\d+\]")


@asynccontextmanager
async def open_help_desk(known: KnownTenant, host: str, port: int) -> AsyncIterator[Portal]:
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


def judge_schema(found: str) -> str:
    """What to think of the revision that the API sees. One ahead of this image is what a rollback leaves, and is fine.

    Raises:
        CheckFailed: It is older than this image's.
    """
    head, known = known_revisions()
    if found == head:
        return f"{found}, as this release has it"
    if found not in known:
        return f"{found} is ahead of this image ({head}): a release was rolled back, its schema serves both"
    raise CheckFailed(f"{found} where this release has {head}: look at the log of the migrate Job")


class Journey:
    """The checks of one run, over one ticket."""

    def __init__(self, known: KnownTenant, portal: Portal, api: httpx.AsyncClient, limit_s: float) -> None:
        self._known = known
        self._portal = portal
        self._api = api
        self._limit_s = limit_s
        self._sender = Sender(api, known)
        word = f"spool{uuid4().hex[:8]}"
        self._solved = portal.add_ticket(
            id=f"{uuid4().int % 10**15}",
            subject=f"Smoke test: {word} does not empty",
            description=f"The mail queue {word} on srv-smoke01 does not empty.",
            status="Resolved",
            resolved=datetime.now(UTC),
            resolution=f"Restarted the queue runner of {word} and removed the message that blocked it.",
        )
        self._ticket = portal.add_ticket(
            id=f"{uuid4().int % 10**15}",
            subject=f"Smoke test: mail queue {word} grows",
            description=f"The mail queue {word} on srv-smoke01 (192.0.2.10) does not empty since this morning.",
            requester={"name": "Smoke Test", "email": "smoke@ai-agents.example"},
        )
        self._job_id = ""

    @property
    def checks(self) -> list[NamedCheck]:
        return [
            ("health", self._health),
            ("schema", self._schema),
            ("readiness", self._readiness),
            ("security headers", self._security_headers),
            ("forged signature refused", self._forged),
            ("resolved ticket learned", self._learned),
            ("webhook accepted", self._accepted),
            ("replay is the same delivery", self._replayed),
            ("one note arrives", self._note),
            ("metrics", self._metrics),
        ]

    async def _health(self) -> str:
        response = await self._api.get("/health")
        body = response.json()
        if response.status_code != httpx.codes.OK or body["status"] != "healthy":
            raise CheckFailed(f"/health says {body}: look at PostgreSQL and Redis")
        return f"version {body['version']}, schema {body['schema']}"

    async def _schema(self) -> str:
        return judge_schema(str((await self._api.get("/health")).json().get("schema")))

    async def _metrics(self) -> str:
        response = await self._api.get("/metrics")
        missing = [name for name in _METRICS if name not in response.text]
        if missing:
            raise CheckFailed(f"/metrics lacks {', '.join(missing)}: is this the API, or something in front of it?")
        return f"{len(_METRICS)} of ours present"

    async def _readiness(self) -> str:
        response = await self._api.get("/health/ready")
        if response.status_code != httpx.codes.OK:
            raise CheckFailed(f"/health/ready answers {response.status_code}: the API has not reached the ledger yet")
        return "ready"

    async def _security_headers(self) -> str:
        headers = (await self._api.get("/health/live")).headers
        missing = [name for name in _HEADERS if name not in headers]
        if missing:
            raise CheckFailed(f"missing: {', '.join(missing)}; does something in front of the API strip them?")
        return f"{len(_HEADERS)} present"

    async def _forged(self) -> str:
        response = await self._api.post(
            PATH,
            json={"event": "ticket_created", "ticket_id": self._ticket.id},
            headers={
                "x-tenant-id": str(self._known.tenant.id),
                "x-servicedesk-signature": "sha256=" + "0" * 64,
                "authorization": "Bearer forged",
            },
        )
        if response.status_code != httpx.codes.UNAUTHORIZED:
            raise CheckFailed(f"answered {response.status_code} where 401 is due: stop the release")
        return "401"

    async def _learned(self) -> str:
        await self._send(event="ticket_resolved", ticket_id=self._solved.id)
        started = time.monotonic()
        while time.monotonic() - started < self._limit_s:
            if any(self._solved.id in call for call in self._portal.calls):
                await asyncio.sleep(_LEARN_S)
                return f"read after {time.monotonic() - started:.1f} s"
            await asyncio.sleep(0.1)
        raise CheckFailed(f"not read within {self._limit_s:.0f} s: its help desk was never asked: check its url")

    async def _accepted(self) -> str:
        self._job_id = await self._send(event="ticket_created", ticket_id=self._ticket.id)
        return f"202, job {self._job_id}"

    async def _replayed(self) -> str:
        if await self._send(event="ticket_created", ticket_id=self._ticket.id) != self._job_id:
            raise CheckFailed("a redelivery became another job: the idempotency key is broken")
        return "same job"

    async def _send(self, *, event: str, ticket_id: str) -> str:
        response = await self._sender.send({"event": event, "ticket_id": ticket_id})
        if response.status_code != httpx.codes.ACCEPTED:
            raise CheckFailed(
                f"answered {response.status_code}: is {self._known.tenant.slug}'s webhook_secret here the API's own?"
            )
        return str(response.json()["job_id"])

    async def _note(self) -> str:
        started = time.monotonic()
        while not self._notes() and time.monotonic() - started < self._limit_s:  # noqa: ASYNC110 - the simulator's state
            await asyncio.sleep(0.1)
        if not self._notes():
            asked = "its help desk was asked" if self._portal.calls else "its help desk was never asked: check its url"
            raise CheckFailed(f"no note within {self._limit_s:.0f} s; {asked}. Look at the workers' logs for the job")
        arrived_s = time.monotonic() - started
        await asyncio.sleep(_SETTLE_S)
        notes = self._notes()
        if len(notes) != 1:
            raise CheckFailed(f"{len(notes)} notes where one is due: stop the release")
        citations = len(set(_CITATION.findall(notes[0])))
        if not citations:
            raise CheckFailed("the note cites no source, though a solved ticket fits it: look at the workers' logs")
        return f"after {arrived_s:.1f} s, {citations} sources cited"

    def _notes(self) -> list[str]:
        return [note.html for note in self._portal.notes(self._ticket.id)]
