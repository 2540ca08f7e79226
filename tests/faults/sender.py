"""Sends as the help desks of all tenants do: at a steady rate, again when there was no 202, one call beside the other.

Invariant: whatever the answers, each call is begun at its time: a product that is slow does not make the load lighter.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import aiohttp

from app.core.signature import sign_body
from app.core.tenant import Auth
from demo.failure import RunFailed
from tests.faults.system import System
from tests.faults.tenants import Client
from tests.faults.traffic import Call, CallKind, Forgery

_PATH: Final = "/webhook/servicedesk"
_ANSWER_S: Final = 5.0
_PAUSE_S: Final = 1.0
_GIVE_UP_S: Final = 120.0


@dataclass(slots=True)
class Sent:
    """One call and each answer to it, in seconds since the epoch."""

    call: Call
    began_at: float
    answers: list[tuple[float, int | None]] = field(default_factory=list)
    """When, and the status; None: no answer."""
    job_id: str = ""

    @property
    def status(self) -> int | None:
        return self.answers[-1][1] if self.answers else None

    @property
    def answered_at(self) -> float:
        return self.answers[-1][0]

    @property
    def unanswered(self) -> list[float]:
        """When it got a 503 or nothing."""
        return [at for at, status in self.answers if status in {None, 503}]


class Sender:
    """The sender, and all that it sent."""

    def __init__(self, system: System, session: aiohttp.ClientSession) -> None:
        self.sent: list[Sent] = []
        self._system = system
        self._session = session
        self._turns = itertools.count()
        # A ticket is made before it is changed, though both are asked for within a few milliseconds.
        self._tickets: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send_all(self, calls: Iterable[Call], *, until: Callable[[float], bool]) -> None:
        """Begin each call at its time, *until* that is true of the time; return when the last is answered or given up."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for call in calls:
                if until(call.after_s):
                    return
                await asyncio.sleep(max(0.0, began + call.after_s - time.monotonic()))
                group.create_task(self.send(call))

    async def send(self, call: Call) -> Sent:
        """Change the ticket if the call tells of a change, then make the call until it is answered."""
        await self._prepare(call)
        body = json.dumps(call.body).encode()
        headers = {"content-type": "application/json", "x-tenant-id": str(call.client.id), **_proof(call, body)}
        sent = Sent(call, time.time())
        self.sent.append(sent)
        while True:
            status = await self._post(sent, body, headers)
            sent.answers.append((time.time(), status))
            if status not in {None, 503} or time.time() - sent.began_at > _GIVE_UP_S:
                return sent
            await asyncio.sleep(_PAUSE_S)

    async def _post(self, sent: Sent, body: bytes, headers: dict[str, str]) -> int | None:
        urls = self._system.in_service
        url = urls[next(self._turns) % len(urls)]
        try:
            async with self._session.post(
                url + _PATH, data=body, headers=headers, timeout=aiohttp.ClientTimeout(_ANSWER_S)
            ) as answer:
                if answer.status == 202:
                    sent.job_id = str(UUID((await answer.json())["job_id"]))
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def _prepare(self, call: Call) -> None:
        """The ticket reads as the call says by the time it is made."""
        subject, description = call.client.words(call.ticket_id, call.version)
        client = call.client
        values = {"portal": client.portal, "id": call.ticket_id, "subject": subject, "description": description}
        if client.account:
            values["account"] = client.account
        if call.kind in {CallKind.NEW, CallKind.FORGED}:
            await self._control("POST", values, status=201)
        elif call.kind is CallKind.CHANGED:
            await self._control("PATCH", values, status=200)

    async def _control(self, method: str, values: dict[str, str], *, status: int) -> None:
        url = f"{self._system.help_desk_url}/simulator/tickets"
        lock = self._tickets[values["portal"], values["id"]]
        async with lock, self._session.request(method, url, json=values) as answer:
            if answer.status != status:
                raise RunFailed(f"the simulator answered {answer.status} to a ticket")


def _proof(call: Call, body: bytes) -> dict[str, str]:
    """What shows who sent it: right, or wrong in the way that the call's forgery says."""
    secret = call.client.secret
    match call.forgery:
        case Forgery.NOT_SIGNED:
            return {}
        case Forgery.WRONG_SECRET:
            secret = "guessed"
        case Forgery.OTHERS_SECRET:
            secret = Client("delta" if call.client.slug != "delta" else "acme").secret
        case Forgery.OTHER_BODY:
            body = body + b" "
    if call.client.auth is Auth.TOKEN:
        # There is no signature to take from another body: the nearest is a token with something behind it.
        tail = "x" if call.forgery is Forgery.OTHER_BODY else ""
        return {"authorization": f"Bearer {secret}{tail}"}
    return {"x-servicedesk-signature": sign_body(secret.encode(), body)}
