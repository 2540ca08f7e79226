"""The task: `celery --app bench.peer.worker worker --pool prefork --concurrency 4`, or `--pool threads`."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
from celery import Celery
from openai import OpenAI
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine, func, select, text, update
from sqlalchemy.orm import Session

from bench.peer.settings import DATABASE_URL, DOES_SAME_WORK, HELP_DESK_URL, MODEL_URL, REDIS_URL
from bench.peer.tables import Asset, Delivery, Note, Ticket

log = logging.getLogger(__name__)

app = Celery("peer", broker=REDIS_URL)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
)


class Clients:
    """Made on first use, so after the fork."""

    engine: Engine | None = None
    help_desk: httpx.Client
    model: OpenAI

    def open(self) -> Clients:
        if self.engine is None:
            self.help_desk = httpx.Client(base_url=f"{HELP_DESK_URL}/api/v3", headers={"authtoken": "key"}, timeout=15)
            self.model = OpenAI(base_url=MODEL_URL, api_key="offline", timeout=45)
            self.engine = create_engine(f"postgresql+psycopg{DATABASE_URL}", pool_size=100, max_overflow=0)
        return self


clients = Clients()


class Statement(BaseModel):
    text: str
    citations: list[str]


class Answer(BaseModel):
    summary: str
    facts: list[Statement]
    hypotheses: list[Statement]
    next_steps: list[Statement]


SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": Answer.model_json_schema()},
}
SYSTEM = "Write a note for a technician, as JSON that fits the schema. Cite the sources by their refs."
MASKED = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[email]"),
    (re.compile(r"\+?\d[\d ()/.-]{7,}\d"), "[phone]"),
    (re.compile(r"\b(?:\d[ -]?){13,19}\b"), "[card]"),
    (re.compile(r"\b(?:password|passwd|pwd|token|secret)\s*[:=]\s*\S+", re.IGNORECASE), "[secret]"),
    (re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b"), "[iban]"),
)


def mask(words: str) -> str:
    for pattern, name in MASKED:
        words = pattern.sub(name, words)
    return words


@contextmanager
def as_tenant(engine: Engine, tenant_id: UUID) -> Iterator[Session]:
    with Session(engine) as session, session.begin():
        session.execute(text("select set_config('app.tenant_id', :id, true)"), {"id": str(tenant_id)})
        yield session


def gather(session: Session, subject: str, words: str) -> list[dict[str, str]]:
    """Similar tickets, ranked by the words of the subject (all words take twenty times as long), and named machines."""
    wanted = " | ".join(dict.fromkeys(re.findall(r"[a-z]{3,}", subject.lower()))) or "nothing"
    query = func.to_tsquery("english", wanted)
    tickets = session.execute(
        select(Ticket.subject, Ticket.resolution)
        .where(Ticket.words.op("@@")(query))
        .order_by(func.ts_rank_cd(Ticket.words, query, 1).desc())
        .limit(5)
    ).all()
    names = re.findall(r"\bPC-\d{4}\b", words)
    addresses = re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", words)
    assets = session.execute(
        select(Asset.name, Asset.address).where(Asset.name.in_(names) | Asset.address.in_(addresses)).limit(5)
    ).all()
    return [
        *({"ref": f"T{number}", "title": row[0], "text": row[1]} for number, row in enumerate(tickets, 1)),
        *({"ref": f"A{number}", "title": row[0], "text": row[1]} for number, row in enumerate(assets, 1)),
    ]


@app.task(autoretry_for=(httpx.HTTPError,), retry_backoff=True, max_retries=3)
def enhance(tenant_id: str, job_id: str) -> None:
    tenant, job = UUID(tenant_id), UUID(job_id)
    known = clients.open()
    assert known.engine is not None
    with as_tenant(known.engine, tenant) as session:
        ticket_id, status = session.execute(
            select(Delivery.ticket_id, Delivery.status).where(Delivery.tenant_id == tenant, Delivery.job_id == job)
        ).one()
    if status == "done":
        return
    answer = known.help_desk.get(f"/requests/{ticket_id}")
    ticket = answer.raise_for_status().json()["request"]
    words = f"{ticket['subject']}\n{ticket['description']}"
    sources: list[dict[str, str]] = []
    if DOES_SAME_WORK:
        with as_tenant(known.engine, tenant) as session:
            sources = gather(session, ticket["subject"], words)
        words = mask(words)
        sources = [{name: mask(value) for name, value in source.items()} for source in sources]
    completion = known.model.chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": json.dumps({"ticket": words, "sources": sources})},
        ],
        response_format=SCHEMA,
    )
    said = completion.choices[0].message.content
    if DOES_SAME_WORK:
        read = Answer.model_validate_json(said)
        refs = {source["ref"] for source in sources}
        facts = [fact for fact in read.facts if set(fact.citations) <= refs]
        note = "".join(f"<p>{html.escape(part.text)}</p>" for part in [*facts, *read.hypotheses, *read.next_steps])
        note = f"<p>{html.escape(read.summary)}</p>{note}"
    else:
        note = f"<p>{html.escape(said)}</p>"
    posted = known.help_desk.post(
        f"/requests/{ticket_id}/notes",
        data={"input_data": json.dumps({"note": {"description": note, "show_to_requester": False}})},
    )
    note_id = posted.raise_for_status().json()["note"]["id"]
    with as_tenant(known.engine, tenant) as session:
        session.add(Note(tenant_id=tenant, job_id=job, note_id=note_id, html=note))
        session.execute(
            update(Delivery).where(Delivery.tenant_id == tenant, Delivery.job_id == job).values(status="done")
        )
    log.info("note posted tenant=%s ticket=%s note=%s", tenant_id, ticket_id, note_id)
