"""`python -m drill.load`: webhooks at production's public door, from its first 202 until this is told to end (SIGTERM).

Each must be answered 202 and become one note. The client is `acme`, whose help desk is the simulator of cluster.py.
"""

from __future__ import annotations

import asyncio
import collections
import json
import os
import signal
import sys
import time
from pathlib import Path

import httpx

from app.core.signature import sign_body

TENANT, SECRET, KEY = (
    "5d0c2f6e-8a3b-4c57-9d41-0f6f2b7a1c01",
    "drill-acme-webhook-secret",
    "SAMPLE-ACME-0000-0000-TECHNICIAN-KEY",
)
HELP_DESK, EACH_S, NOTES_S = "http://127.0.0.1:8090", 1, 300


async def main() -> None:
    authority = str(Path(os.environ["DRILL_FOLDER"]) / "run/pki/trust.crt")
    door = httpx.AsyncClient(base_url="https://10.0.0.12", verify=authority, timeout=30, trust_env=False)
    help_desk = httpx.AsyncClient(base_url=HELP_DESK, timeout=30, trust_env=False)
    answers: collections.Counter[int | str] = collections.Counter()
    took: list[float] = []
    tickets = []
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    while not ended.is_set():
        ticket = f"{time.time_ns() // 1_000_000}"
        made = {"portal": "acme", "id": ticket, "subject": "VPN error 809", "description": "Since today."}
        body = json.dumps({"event": "ticket_created", "ticket_id": ticket}).encode()
        headers = {"host": "ai-agents.example.com", "content-type": "application/json", "x-tenant-id": TENANT,
                   "x-servicedesk-signature": sign_body(SECRET.encode(), body)}  # fmt: skip
        began = time.monotonic()
        try:
            (await help_desk.post("/simulator/tickets", json=made)).raise_for_status()
            answer = await door.post("/webhook/servicedesk", content=body, headers=headers,
                                     extensions={"sni_hostname": "ai-agents.example.com"})  # fmt: skip
            seen: int | str = answer.status_code
        except httpx.HTTPError as error:
            seen = type(error).__name__
        if answers or seen == httpx.codes.ACCEPTED:
            answers[seen] += 1
            took.append(time.monotonic() - began)
            tickets.append(ticket)
        await asyncio.sleep(EACH_S)
    notes: collections.Counter[str] = collections.Counter()
    deadline = time.monotonic() + NOTES_S
    while time.monotonic() < deadline and len(notes) < len(tickets):
        found = (await help_desk.get("/simulator/notes", params={"portal": "acme"})).json()
        notes = collections.Counter(note["ticket_id"] for note in found if note["ticket_id"] in set(tickets))
        await asyncio.sleep(2)
    if not tickets:
        sys.exit("the door never answered 202")
    numbers = collections.Counter(notes[ticket] for ticket in tickets)
    took.sort()
    print(f"{len(tickets)} webhooks, answers {dict(answers)}, median {took[len(took) // 2]:.2f} s, slowest {took[-1]:.2f} s; "
          f"notes a ticket {dict(numbers)}")  # fmt: skip
    sys.exit(0 if set(answers) == {202} and set(numbers) == {1} else 1)


if __name__ == "__main__":
    asyncio.run(main())
