"""Composes the messages for the model, and reads the draft from its answer.

Invariant: text from outside is in a message only masked, as JSON, and between two marks with a random word (nonce). Its
author can't know the nonce, so the text can't pretend to end before it does. Outside the marks are only our own words
and the tenant's house rules, which come from Git.

What all prompts of a tenant have in common comes first, in the system message: providers keep the beginning of a prompt
(prefix cache) and ask less for it. So the nonce and the date are in the user's message.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import resources
from string import ascii_lowercase
from typing import Any, Final

from app.core.check.bans import Bans
from app.core.check.records import Record
from app.core.completion import Message
from app.core.enhancement import Draft
from app.core.masking import Mask, MaskedText
from app.core.requester import Requester
from app.core.source import Gathered, GatherState, Source, SourceKind
from app.core.ticket import Ticket
from app.enhancement.answer import read_answer
from app.enhancement.portion import MAX_SOURCE_CHARS, Portion, whole_sentences
from app.enhancement.schema import strict_schema
from app.errors import ModelRefused

_MIN_QUOTED_SHARE: Final = 4
"""Of what a mail quotes, a quarter, below however long own words. Below short ones (`FYI`) it has their room too."""
_MAX_PROBLEM_CHARS: Final = 400
"""Of a similar ticket's problem: what solved it matters more."""
_NONCE_CHARS: Final = 24
_VERSION_CHARS: Final = 12
_ANY_DAY: Final = date(2026, 1, 1)


@cache
def _prompt(name: str) -> str:
    return resources.files("app.enhancement").joinpath("prompts", name).read_text("utf-8")


@cache
def draft_schema() -> dict[str, Any]:
    """The JSON schema of a `Draft`, as strict structured output wants it."""
    return strict_schema(Draft)


@cache
def prompt_version() -> str:
    """The first 12 hex digits of the SHA-256 of all that is sent of our own: prompts, layout of the data, schema."""
    source = Source(
        kind=SourceKind.TICKET,
        id="1",
        title="t",
        text="Problem: p\nResolution: r",
        outcome="o",
        category="c",
        resolved_on=_ANY_DAY,
        ref="T1",
    )
    article = Source(kind=SourceKind.ARTICLE, id="1", title="t", text="x", updated_on=_ANY_DAY, ref="K1")
    groups = [Gathered(kind=each.kind, state=GatherState.OK, sources=(each,)) for each in (source, article)] + [
        Gathered(kind=SourceKind.MEASUREMENT, state=GatherState.UNAVAILABLE)
    ]
    data = _data(
        Ticket(id="1", description="d"), Portion(tuple(groups)), Requester(is_vip=True), language="en", today=_ANY_DAY
    )
    ours = [
        *map(_prompt, ("system.md", "house_rules.md", "repair.md", "closing.md", "second_opinion.md")),
        json.dumps([data, draft_schema()]),
    ]
    return hashlib.sha256("\x00".join(ours).encode()).hexdigest()[:_VERSION_CHARS]


def compose_messages(
    ticket: Ticket,
    portion: Portion,
    *,
    mask: Mask,
    language: str,
    max_words: int,
    today: date,
    house_rules: str = "",
    requester: Requester | None = None,
    prompt: str = "system.md",
) -> tuple[Message, ...]:
    """The messages that ask for a `Draft` about *ticket*, with *portion* of it and its sources.

    *max_words* is for all texts of the draft together. *today* is UTC. *house_rules* follow our own rules, masked like
    all else. *requester* is beside the sources, and is none. *prompt* is the file of our own rules.
    """
    data = mask.json(_data(ticket, portion, requester or Requester(), language=language, today=today))
    system = _prompt(prompt).format(language=language, max_words=max_words)
    if house_rules:
        system += "\n" + _prompt("house_rules.md").format(rules=house_rules)
    return (
        Message(role="system", content=mask.text(system)),
        Message(role="user", content=_enclose(data, mask)),
    )


def _enclose(data: MaskedText, mask: Mask) -> MaskedText:
    """*data* between two marks with a word that nobody outside can know."""
    nonce = _draw_nonce()
    return mask.join(f"<<<DATA {nonce}\n", data, f"\n{nonce} DATA>>>")


def _data(ticket: Ticket, portion: Portion, requester: Requester, *, language: str, today: date) -> dict[str, Any]:
    sources = [source for group in portion.gathered for source in group.sources]
    overruled = dict(Bans.of(portion.gathered).overruled(sources))
    return {
        "today": today.isoformat(),
        "ticket": {
            "id": ticket.number,
            "subject": ticket.subject,
            **_words(ticket, max_chars=portion.description_chars),
            "requester": ticket.requester,
            "priority": ticket.priority,
        },
        **({"about_requester": requester.model_dump(exclude_defaults=True)} if requester.is_known else {}),
        "sources": [
            _source(source, today) | ({"overruled_by": overruled[source.ref]} if source.ref in overruled else {})
            for source in sources
        ],
        "unavailable": [group.kind for group in portion.gathered if group.state is GatherState.UNAVAILABLE],
        "language": language,
    }


def _source(source: Source, today: date) -> dict[str, Any]:
    """What the model is told of *source*: what solved a ticket before what it was about."""
    told: dict[str, Any] = {"ref": source.ref, "kind": source.kind, "title": source.title}
    if source.kind is SourceKind.TICKET:
        told["resolution"] = whole_sentences(source.trusted_text, max_chars=MAX_SOURCE_CHARS)
        told["problem"] = whole_sentences(source.problem, max_chars=_MAX_PROBLEM_CHARS)
    else:
        # Of a document that is not trusted nothing could stand in the note, so it has no word in the prompt.
        text = source.trusted_text if source.kind is SourceKind.DOCUMENT else source.text
        told["text"] = whole_sentences(text, max_chars=MAX_SOURCE_CHARS)
    told |= {"outcome": source.outcome, "category": source.category}
    if source.resolved_on:
        told |= {"resolved": source.resolved_on.isoformat(), "age_days": max((today - source.resolved_on).days, 0)}
    if source.updated_on:
        told |= {"updated": source.updated_on.isoformat(), "age_days": max((today - source.updated_on).days, 0)}
    if source.score:
        told["fit"] = round(source.score, 2)
    if source.closeness:
        told["closeness"] = source.closeness
    return {key: value for key, value in told.items() if value != ""}


def _words(ticket: Ticket, *, max_chars: int) -> dict[str, str]:
    """The requester's own words, and below them what they quote and sign with. Nothing of its own: the quotation."""
    own, quoted, closing = ticket.mail
    rest = f"{quoted}\n{closing}".strip()
    if not own:
        return {"description": whole_sentences(rest, max_chars=max_chars)}
    description = {"description": whole_sentences(own, max_chars=max_chars)}
    room = max(max_chars - len(own), max_chars // _MIN_QUOTED_SHARE)
    return {**description, "quoted": whole_sentences(rest, max_chars=room)} if rest else description


def _draw_nonce() -> str:
    """A random word of letters. With digits it could look like an account number and be masked."""
    return "".join(secrets.choice(ascii_lowercase) for _ in range(_NONCE_CHARS))


def compose_repair(
    messages: Sequence[Message], answer: str, problems: Sequence[str], *, mask: Mask
) -> tuple[Message, ...]:
    """*messages*, followed by the answer to them and what must be changed in it."""
    listing = "\n".join(f"- {problem}" for problem in problems)
    return (
        *messages,
        Message(role="assistant", content=mask.text(answer)),
        Message(role="user", content=mask.text(_prompt("repair.md").format(problems=listing))),
    )


def compose_question(sentences: Sequence[str], records: Sequence[Record], *, mask: Mask) -> tuple[Message, ...]:
    """The messages that ask a second model which of *records* say which of *sentences*, which are numbered from 1."""
    data = {
        "records": [
            {"ref": record.ref, "text": whole_sentences(record.text, max_chars=MAX_SOURCE_CHARS)} for record in records
        ],
        "sentences": [{"sentence": number, "text": text} for number, text in enumerate(sentences, 1)],
    }
    return (
        Message(role="system", content=mask.text(_prompt("second_opinion.md"))),
        Message(role="user", content=_enclose(mask.json(data), mask)),
    )


def parse_draft(answer: str) -> Draft:
    """The draft that *answer* holds.

    Raises:
        ModelRefused: It has none. The sentence can be passed to `compose_repair`.
    """
    reading = read_answer(answer)
    if reading.draft is None:
        raise ModelRefused(reading.problem or "")
    return reading.draft
