"""What would be written for one ticket now, with each step. For `ai-agents try`.

Invariant: nothing is sent to the help desk, whose client makes GET calls alone here, and no delivery or enhancement is
stored. What the model took is counted, as it is paid, and that somebody tried is recorded among the acts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import uuid4

from app.core.check.evidence import Fault, Support
from app.core.check.records import Record, Records
from app.core.check.strangers import Strangers
from app.core.check.support import judge
from app.core.completion import Completion, Message
from app.core.delivery import check_still_wanted
from app.core.enhancement import Confidence, Draft, Enhancement
from app.core.note import note_reference, render_note
from app.core.steps import Step, noting_steps
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.reports.acts import record_act
from app.db.reports.costs import count_trial, list_documents
from app.db.session import Database
from app.enhancement.answer import read_answer
from app.enhancement.graph import enhance
from app.enhancement.ports import Model
from app.errors import AppError, NotNeeded
from app.tenants import KnownTenant
from app.worker.toolkits import Toolkits

_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")
_FAULTS: Final = {
    Fault.FOREIGN: "it holds a name, number or command that no source has",
    Fault.UNSUPPORTED: "no source says it",
    Fault.OTHER_ACTION: "no source says to do that",
    Fault.TURNED: "the source says the opposite",
    Fault.OVERRULED: "a newer source says not to do that",
}
_NO_STEPS: Final = "a step, and at low confidence a note has none"
_NO_ROOM: Final = "no room: the note has its most words, or it repeats or cites what it must not"


@dataclass(slots=True)
class Asked:
    """One call of the model."""

    messages: Sequence[Message]
    seconds: float = 0.0
    completion: Completion | None = None
    failure: str = ""
    """Why there is no completion."""

    @property
    def prompt_chars(self) -> int:
        return sum(len(message.content) for message in self.messages)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sentence of the model that is not in the note."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One ticket's."""

    tenant: Tenant
    ticket: Ticket
    unwanted: str
    """Why a webhook about the ticket would lead to no note now; empty: it would."""
    documents: dict[str, int]
    """How many resolved tickets and articles the history holds."""
    steps: Sequence[Step]
    asked: Sequence[Asked]
    enhancement: Enhancement
    left_out: Sequence[LeftOut]
    html: str
    seconds: float


async def try_ticket(
    database: Database, toolkits: Toolkits, known: KnownTenant, ticket_id: str, *, actor: str
) -> Trial:
    """Read the ticket, gather, write and check as for a delivery. A ticket that is closed is tried all the same.

    Raises:
        AppError: The help desk can't be read, or the tenant's file, secret or account is wrong.
    """
    tenant, watched = known.tenant, _Watched()
    reading = tenant.note.model_copy(update={"mode": "shadow"})
    reader = replace(known, tenant=tenant.model_copy(update={"note": reading}))
    started = time.perf_counter()
    with noting_steps() as steps:
        async with toolkits.lend(reader) as kit:
            ticket = await kit.help_desk.load_ticket(ticket_id)
            enhancement = await enhance(ticket, tools=kit.tools_of_trial(watched.around))
    seconds = time.perf_counter() - started
    await record_act(database, tenant.id, actor=actor, act="try", detail=f"ticket {ticket.number}")
    if enhancement.prompt_tokens or enhancement.completion_tokens:
        await count_trial(database, tenant.id, enhancement)
    reference = note_reference(tenant.id, ticket.id, f"a trial {uuid4()}")
    return Trial(
        tenant=tenant,
        ticket=ticket,
        unwanted=_unwanted(ticket, tenant, enhancement),
        documents=await list_documents(database, tenant.id),
        steps=steps,
        asked=watched.asked,
        enhancement=enhancement,
        left_out=list(_left_out(watched.asked, enhancement, ticket, tenant)),
        html=render_note(enhancement, tenant.note, reference=reference),
        seconds=seconds,
    )


def _unwanted(ticket: Ticket, tenant: Tenant, enhancement: Enhancement) -> str:
    try:
        check_still_wanted(ticket, is_closed_wanted=tenant.note.when_closed == "note")
    except NotNeeded as reason:
        return reason.detail
    if tenant.is_suspended:
        return "the tenant is suspended"
    if enhancement.has_nothing and tenant.note.when_nothing == "silent":
        return "nothing that fits the ticket was found, and note.when_nothing is silent"
    return ""


@dataclass(slots=True)
class _Watched:
    """Remembers each call of the model; fits the port `Model` once it is `around` one."""

    asked: list[Asked] = field(default_factory=list)
    _model: Model | None = None

    def around(self, model: Model) -> Model:
        self._model = model
        return self

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], cut: Completion | None = None
    ) -> Completion:
        assert self._model is not None, "`around` comes first"  # noqa: S101
        asked, started = Asked(messages), time.perf_counter()
        self.asked.append(asked)
        try:
            asked.completion = await self._model.complete(messages, schema=schema, cut=cut)
        except AppError as error:
            asked.failure = error.detail
            raise
        except BaseException:
            asked.failure = "no answer in time"
            raise
        finally:
            asked.seconds = time.perf_counter() - started
        return asked.completion


def _left_out(asked: Sequence[Asked], enhancement: Enhancement, ticket: Ticket, tenant: Tenant) -> Iterator[LeftOut]:
    """The sentences of the last draft that the note does not hold, and why."""
    drafts = [read_answer(each.completion.text).draft for each in asked if each.completion is not None]
    draft = next(filter(None, reversed(drafts)), None)
    if draft is None:
        return
    kept = _plain(" ".join([*_texts(enhancement), *enhancement.apart]))
    records = Records(enhancement.gathered, house_rules=tenant.house_rules)
    strangers = Strangers((ticket.text, *records.of_strangers), records)
    support = Support(records.records, records, tenant.note.language, Record("", ticket.text), strangers)
    sentences = (sentence for text in _texts(draft) for sentence in _SENTENCE_END.split(text))
    for sentence in dict.fromkeys(filter(None, sentences)):
        if _plain(sentence) not in kept:
            fault = judge(sentence, support).fault
            is_step = any(_plain(sentence) in _plain(step.text) for step in draft.next_steps)
            without_steps = enhancement.confidence is Confidence.LOW and is_step
            yield LeftOut(sentence, _FAULTS[fault] if fault else _NO_STEPS if without_steps else _NO_ROOM)


def _texts(draft: Draft | Enhancement) -> list[str]:
    return [draft.summary, *(each.text for each in (*draft.facts, *draft.hypotheses, *draft.next_steps))]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
