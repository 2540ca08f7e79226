"""Drafts how a resolved ticket was solved, from what its technicians wrote, and an article where none covers it.

Invariant: nothing is published and nothing is changed: the draft is a note. Each sentence of it is supported by what
the technicians wrote (`core.check.support`), as in any note.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from app.core.check.checking import Checker
from app.core.completion import Completion
from app.core.enhancement import Closing, Enhancement, Kept, Statement, salvage
from app.core.fixes import tells_a_fix
from app.core.masking import Mask
from app.core.shown import show_enhancement
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.core.ticket import Ticket
from app.enhancement.portion import Portion
from app.enhancement.result import usage
from app.enhancement.tools import Tools
from app.enhancement.write import compose_messages, draft_schema, parse_draft, prompt_version
from app.errors import Code, ModelRefused, ModelUnavailable, NotNeeded

MAX_LINES: Final = 5
_MAX_ARTICLES: Final = 3
_SECRET = re.compile(r"\[(?:password|key|card)-\d+\]")
_COVERS: Final = 0.28
"""From this fit on an article is about the same problem, as the search has it."""


async def draft_closing(ticket: Ticket, *, told: str, tools: Tools, today: date) -> Enhancement:
    """The draft for *ticket*, which is resolved, from what technicians *told* of it: resolution and notes.

    Raises:
        NotNeeded: Nothing tells how it was solved, no budget is left, or the model gave no answer: there is no draft,
            and nothing was paid. Where it gave one of no use, `Closing.nothing` says so.
    """
    if not tells_a_fix(told):
        raise NotNeeded("nothing tells how the ticket was solved", code=Code.NOTHING_FOUND)
    if not await tools.may_use_model():
        raise NotNeeded("no draft: a budget of the tenant is used up", code=Code.BUDGET_USED_UP)
    # Before the model is paid: what the database can't tell is tried again with the delivery.
    async with tools.reading:
        articles = await tools.knowledge.articles(ticket, limit=_MAX_ARTICLES)
    mask, own = Mask(), _as_source(ticket, told)
    given = number_sources([Gathered(kind=SourceKind.TICKET, state=GatherState.OK, sources=(own,))])
    max_words = tools.note.max_closing_words
    messages = compose_messages(
        ticket, Portion(given), mask=mask, language=tools.note.language, max_words=max_words, today=today,
        house_rules=tools.house_rules, prompt="closing.md",
    )  # fmt: skip
    try:
        async with asyncio.timeout(tools.model_timeout.total_seconds()):
            completion = await tools.model.complete(messages, schema=draft_schema())
    except (ModelUnavailable, ModelRefused, TimeoutError) as error:
        raise NotNeeded("no draft: the model gave no usable answer", code=Code.MODEL_UNAVAILABLE) from error
    checker = Checker.of(given, house_rules=tools.house_rules, mask=mask, language=tools.note.language)
    try:
        kept = salvage(parse_draft(completion.text), checker, max_words=max_words)
    except ModelRefused:
        return _nothing(Code.MODEL_UNAVAILABLE, completion)
    is_covered = any(article.score >= _COVERS for article in articles)
    summary, causes, lines = _parts(kept, is_covered=is_covered)
    if not lines:
        return _nothing(Code.NOTHING_FOUND, completion)
    found = Gathered(
        kind=SourceKind.ARTICLE, state=GatherState.OK if articles else GatherState.EMPTY, sources=tuple(articles)
    )
    enhancement = Enhancement(
        summary=summary,
        facts=tuple(causes),
        next_steps=tuple(lines[:MAX_LINES]),
        gathered=number_sources([*given, found]),
        closing=Closing(is_covered=is_covered),
        model=completion.model,
        prompt=prompt_version(),
        **usage([completion]),
    )
    return show_enhancement(enhancement, ticket, mask=mask, note=tools.note)


def _parts(kept: Kept, *, is_covered: bool) -> tuple[str, list[Statement], list[Statement]]:
    """The draft's summary, causes and lines, without those that hold a secret; no lines: there is no draft."""
    whole = [Statement(text=kept.summary, citations=[])]
    # Where technicians wrote one sentence, the summary is all.
    lines = _without_secrets(kept.next_steps or kept.facts or whole)
    causes = _without_secrets(kept.facts) if kept.next_steps else []
    whole = _without_secrets(whole) if kept.next_steps or kept.facts else []
    if lines and is_covered:  # without an article's draft, which tells the cause, the resolution does
        told_already = {line.text for line in lines}
        lines = [*(each for each in causes or whole if each.text not in told_already), *lines]
    return whole[0].text if whole else "", causes, lines


def _nothing(why: Code, completion: Completion) -> Enhancement:
    """What is stored where the model was paid and there is no draft."""
    return Enhancement(closing=Closing(nothing=why), prompt=prompt_version(), **usage([completion]))


def _without_secrets(statements: Sequence[Statement]) -> list[Statement]:
    """Those with words, and with no password or key: masked, it helps nobody, and the draft is to be copied."""
    return [each for each in statements if each.text and not _SECRET.search(each.text)]


def _as_source(ticket: Ticket, told: str) -> Source:
    return Source(
        kind=SourceKind.TICKET,
        id=ticket.id,
        title=f"#{ticket.number} {ticket.subject}",
        text=f"Problem: {ticket.mail.own or ticket.description}\nResolution: {told}",
        staff_text=told,
        outcome=ticket.status,
    )
