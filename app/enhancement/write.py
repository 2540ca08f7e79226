"""Composes the messages for the model, and reads the draft from its answer.

Invariant: text from outside is in a message only masked, as JSON, and between two marks with a random word (nonce). Its
author can't know the nonce, so the text can't pretend to end before it does. Outside the marks are only our own words
and the tenant's house rules, which come from Git.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import ascii_lowercase
from typing import Any, Final

from app.core.completion import Message
from app.core.enhancement import Draft
from app.core.masking import Mask
from app.core.requester import Requester
from app.core.source import GatherState
from app.core.text import tidy
from app.core.ticket import Ticket
from app.enhancement.answer import read_answer
from app.enhancement.portion import MAX_SOURCE_CHARS, Portion
from app.enhancement.schema import strict_schema
from app.errors import ModelRefused

_MIN_QUOTED_SHARE: Final = 4
"""Of what a mail quotes, a quarter, below however long own words. Below short ones (`FYI`) it has their room too."""
_NONCE_CHARS: Final = 24


@cache
def _prompt(name: str) -> str:
    return resources.files("app.enhancement").joinpath("prompts", name).read_text("utf-8")


@cache
def draft_schema() -> dict[str, Any]:
    """The JSON schema of a `Draft`, as strict structured output wants it."""
    return strict_schema(Draft)


def compose_messages(
    ticket: Ticket,
    portion: Portion,
    *,
    mask: Mask,
    language: str,
    max_words: int,
    house_rules: str = "",
    requester: Requester | None = None,
) -> tuple[Message, ...]:
    """The messages that ask for a `Draft` about *ticket*, with *portion* of it and its sources.

    *max_words* is for all texts of the draft together. *house_rules* follow our own rules, masked like all else.
    *requester* is beside the sources, and is none.
    """
    known = requester if requester is not None and requester.is_known else None
    data = mask.json(
        {
            "ticket": {
                "id": ticket.number,
                "subject": ticket.subject,
                **_words(ticket, max_chars=portion.description_chars),
                "requester": ticket.requester,
                "priority": ticket.priority,
            },
            **({"about_requester": known.model_dump(exclude_defaults=True)} if known else {}),
            "sources": [
                {
                    "ref": source.ref,
                    "kind": group.kind,
                    "title": source.title,
                    "text": tidy(source.text, max_chars=MAX_SOURCE_CHARS),
                }
                for group in portion.gathered
                for source in group.sources
            ],
            "unavailable": [group.kind for group in portion.gathered if group.state is GatherState.UNAVAILABLE],
            "language": language,
        }
    )
    nonce = _draw_nonce()
    system = _prompt("system.md").format(nonce=nonce, language=language, max_words=max_words)
    if known:
        system += "\n" + _prompt("requester.md")
    if house_rules:
        system += "\n" + _prompt("house_rules.md").format(rules=house_rules)
    return (
        Message(role="system", content=mask.text(system)),
        Message(role="user", content=mask.join(f"<<<DATA {nonce}\n", data, f"\n{nonce} DATA>>>")),
    )


def _words(ticket: Ticket, *, max_chars: int) -> dict[str, str]:
    """The requester's own words, and below them what they quote and sign with. Nothing of its own: the quotation."""
    own, quoted, closing = ticket.mail
    rest = f"{quoted}\n{closing}".strip()
    if not own:
        return {"description": tidy(rest, max_chars=max_chars)}
    description = {"description": tidy(own, max_chars=max_chars)}
    room = max(max_chars - len(own), max_chars // _MIN_QUOTED_SHARE)
    return {**description, "quoted": tidy(rest, max_chars=room)} if rest else description


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


def parse_draft(answer: str) -> Draft:
    """The draft that *answer* holds.

    Raises:
        ModelRefused: It has none. The sentence can be passed to `compose_repair`.
    """
    reading = read_answer(answer)
    if reading.draft is None:
        raise ModelRefused(reading.problem or "")
    return reading.draft
