"""No text keeps a process longer than its length deserves, whoever wrote it: a worker does nothing else meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date

from hypothesis import strategies as st

from app.core import masking
from app.core.check.checking import Checker
from app.core.check.records import Records
from app.core.confidence import judge_confidence
from app.core.delivery import claimed_tenant, parse_webhook
from app.core.document import compose_query
from app.core.enhancement import Draft, Enhancement, Kept, Statement, salvage
from app.core.masking import Mask, find_secrets
from app.core.outage import reports_outage
from app.core.questions import choose_questions
from app.core.reading.automatic import find_automatic
from app.core.shown import show_enhancement
from app.core.source import Gathered
from app.core.tenant import NoteOptions
from app.db.knowledge.reading import read
from app.enhancement.portion import Portion
from app.enhancement.write import compose_messages
from app.errors import AppError
from app.integrations.servicedesk.mapping import parse_ticket
from tests.builders import a_source, gathered
from tests.fuzz.properties import fuzzed
from tests.fuzz.pumps import pumps

CHARS = 12_000
MOST_SECONDS = 2.0
"""Of CPU; on a slow host the slowest of these steps takes 0.3."""
TODAY = date(2026, 11, 30)
FILLERS = [*"/:-,;=.'\"a1*()\\_#@A[<|+$% ", "a ", "1 ", "a1", "x,", "é ", "a/", "a=", "a:"]


@contextmanager
def in_time(step: str) -> Iterator[None]:
    began = time.thread_time()
    with suppress(AppError):
        yield
    assert time.thread_time() - began < MOST_SECONDS, step


@fuzzed(st.sampled_from(pumps()))
def test_no_text_keeps_a_delivery_longer_than_it_deserves(tried: Callable[[], None], pump: tuple[str, str]) -> None:
    tried()
    before, repeated = pump
    text = before + repeated * (CHARS // len(repeated)) + "\x01!"
    fields = {"tenant_id": text, "ticket_id": text, "event": text, "account": text, "updated_at": text}
    body = json.dumps(fields).encode()
    with in_time("webhook"):
        claimed_tenant(body)
        parse_webhook(body)
    with in_time("ticket"):
        named = {key: {"name": text} for key in ("requester", "status", "account", "site")}
        row = {"id": "1", "subject": text, "description": text, "resolution": {"content": text}, **named}
        ticket = parse_ticket(row)
    with in_time("mask"):
        Mask().text(text)
    with in_time("whether a note is wanted"):
        find_automatic(ticket)
        reports_outage(ticket)
    with in_time("search"):
        read(ticket.text)
        compose_query(ticket)
    mask, known = Mask(), gathered(a_source(id="9", text="Restarted the spooler, then turned cached mode off."))
    with in_time("prompt"):
        compose_messages(ticket, Portion(known), mask=mask, language="en", max_words=300, today=TODAY)
    with in_time("check of an answer to it"):
        _check("Restart the spooler.", ticket.text, known, mask)
    with in_time("what it is known by, and shown"):
        kept = Kept(facts=[], hypotheses=[], next_steps=[], summary="x", summary_citations=["T1"])
        judge_confidence(ticket, known, kept, today=TODAY)
        choose_questions(ticket, known, ())
        show_enhancement(Enhancement(summary="x", gathered=known), ticket, mask=mask, note=NoteOptions())
    with in_time("check by a source that holds it"):
        _check("Restart the spooler.", ticket.text, gathered(a_source(id="9", text=text[: CHARS // 2])), mask)
    with in_time("check of an answer that holds it"):
        _check(text[:1_500], "The printer is offline.", known, mask)


def _check(said: str, ticket: str, known: tuple[Gathered, ...], mask: Mask) -> None:
    records = Records(known, mask=mask, today=TODAY)
    checker = Checker.of(known, mask=mask, language="en", ticket=ticket, requester="", records=records)
    statement = [Statement(text=said, citations=["T1"])]
    draft = Draft(summary=said, summary_citations=["T1"], facts=statement, hypotheses=statement, next_steps=statement)
    salvage(draft, checker, max_words=300)


@fuzzed(
    st.sampled_from(sorted(set().union(*masking._GROUPS.values()))),
    st.sampled_from(FILLERS),
    st.sampled_from(["", " "]),
)
def test_whatever_follows_a_word_that_the_mask_looks_for_is_read_in_no_time(
    tried: Callable[[], None], word: str, filler: str, blank: str
) -> None:
    tried()
    with in_time(f"{word}{blank}{filler}"):
        find_secrets(f"{word}{blank}{filler * (CHARS // len(filler))}!")
