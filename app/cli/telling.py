"""How `ai-agents try` tells a trial: step by step for a person, or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from app.core.note import count_note_words
from app.core.reading.text import plain_text
from app.core.source import Gathered, GatherState
from app.core.steps import StepName
from app.integrations.tokens import estimate_tokens

if TYPE_CHECKING:
    from app.worker.trial import Asked, Trial

_WIDTH: Final = 110
_INDENT: Final = " " * 12


def lines_of(trial: Trial) -> Iterator[str]:
    yield from _about_ticket(trial)
    for group in trial.enhancement.gathered:
        yield from _found(trial, group)
    if not trial.asked:
        yield _line("model", "not asked")
    for number, asked in enumerate(trial.asked, start=1):
        yield from _call(number, asked)
    yield from _checked(trial)
    yield from _note(trial)


def _about_ticket(trial: Trial) -> Iterator[str]:
    ticket = trial.ticket
    yield _line("ticket", f"#{ticket.number} {ticket.subject}")
    words = len(ticket.text.split())
    yield _line("", f"{words} words, {ticket.status or 'no status'}, priority {ticket.priority or 'none'}")
    why = trial.unwanted
    yield _line("", f"no note by itself: {why}" if why else "a webhook about it would lead to a note")


def _found(trial: Trial, group: Gathered) -> Iterator[str]:
    """What was found of one kind, and what became of each source."""
    told = f"found {len(group.sources)}" if group.sources else group.reason or "nothing fits"
    if group.state is GatherState.UNAVAILABLE:
        told = f"unavailable: {group.reason or 'see the log'}"
    took = next((step.ms / 1000 for step in trial.steps if step.name == group.kind), 0)
    yield _line(_KINDS[group.kind], f"{told}, {took:.2f} s{_empty_history(trial, group.kind)}")
    enhancement = trial.enhancement
    for source in group.sources:
        fit = f"fit {source.score:.0%}, " if source.score else ""
        use = "cited" if source.ref in enhancement.cited else "not cited"
        if source.ref in enhancement.left_out:
            use = "not read by the model: its prompt was too long"
        yield _line("", f"[{source.ref}] {source.title}: {fit}{use}")
        if source.url:
            yield _line("", f"     {source.url}")


def _checked(trial: Trial) -> Iterator[str]:
    """What became of the answer."""
    for step in trial.steps:
        if step.name in {StepName.WRITE, StepName.CHECK} and step.result:
            yield _line(step.name, step.result)
    for step in trial.steps:
        if step.name == StepName.STORM and step.result:
            yield _line("storm", step.result)
    if masked := [step.masked for step in trial.steps if step.masked]:
        found = ", ".join(f"{count} {kind}" for kind, count in masked[-1].items())
        yield _line("masked", f"{found}, before the model read it")
    for each in trial.left_out:
        yield _line("left out", f"“{each.text}”: {each.why}")
    for notice in trial.enhancement.notices:
        yield _line("notice", notice.words)


def _note(trial: Trial) -> Iterator[str]:
    enhancement = trial.enhancement
    confidence = "" if enhancement.is_context_only else f", confidence {enhancement.confidence}"
    most = trial.tenant.note.max_words
    yield _line("note", f"{count_note_words(trial.html)} of at most {most} words{confidence}")
    for line in as_text(trial.html).splitlines():
        yield from _wrapped(line)
    cost = "" if enhancement.cost_usd is None and enhancement.unpriced else f"${enhancement.cost_usd or 0:.4f}"
    if enhancement.unpriced:
        cost = ", ".join([*filter(None, [cost]), f"no price is known for {' and '.join(enhancement.unpriced)}"])
    tokens = enhancement.prompt_tokens + enhancement.completion_tokens
    yield _line("total", f"{trial.seconds:.1f} s, {tokens} tokens, {cost}; counted for the tenant, posted nowhere")


_KINDS: Final = {
    "similar_tickets": "similar",
    "knowledge": "knowledge",
    "assets": "assets",
    "documentation": "documents",
    "monitoring": "monitoring",
}
_DOCUMENTS: Final = {"similar_tickets": ("ticket", "resolved tickets"), "knowledge": ("article", "articles")}


def _empty_history(trial: Trial, kind: str) -> str:
    """Where nothing could be found: what to do."""
    document, words = _DOCUMENTS.get(kind, ("", ""))
    if not document or trial.documents.get(document):
        return ""
    return f"; the history holds no {words}: run `ai-agents sync --tenant {trial.tenant.slug}`"


def _call(number: int, asked: Asked) -> Iterator[str]:
    texts = [str(message.content) for message in asked.messages]
    size = f"{len(texts)} messages, {asked.prompt_chars:,} characters, about {estimate_tokens(texts):,} tokens"
    yield _line(f"prompt {number}", size)
    completion = asked.completion
    if completion is None:
        yield _line(f"answer {number}", f"none after {asked.seconds:.1f} s: {asked.failure}")
        return
    cost = "no price known" if completion.cost_usd is None else f"${completion.cost_usd:.4f}"
    about = "about " if completion.is_estimated else ""
    tokens = f"{about}{completion.prompt_tokens} + {completion.completion_tokens} tokens"
    without = "".join(f"; asked without {option.words}" for option in completion.asked_without)
    yield _line(f"answer {number}", f"{completion.model}, {asked.seconds:.1f} s, {tokens}, {cost}{without}")
    for line in completion.text.splitlines():
        yield from _wrapped(line)


def _line(name: str, told: str) -> str:
    return f"{name:<12}{told}"


def _wrapped(line: str) -> Iterator[str]:
    yield from textwrap.wrap(line, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT) or [""]


def as_text(html: str) -> str:
    """A rendered note as plain text, a line for each paragraph and item."""
    return plain_text(html.replace("<li>", "<li>- "))


def json_of(trial: Trial) -> dict[str, Any]:
    """The trial for a program."""
    enhancement = trial.enhancement
    return {
        "tenant": trial.tenant.slug,
        "ticket": {"id": trial.ticket.id, "number": trial.ticket.number, "subject": trial.ticket.subject},
        "unwanted": trial.unwanted or None,
        "documents": trial.documents,
        "steps": [step.model_dump(mode="json") for step in trial.steps],
        "calls": [
            {
                "prompt": [message.model_dump(mode="json") for message in asked.messages],
                "answer": asked.completion.model_dump(mode="json") if asked.completion else None,
                "failure": asked.failure or None,
                "seconds": round(asked.seconds, 3),
            }
            for asked in trial.asked
        ],
        "enhancement": enhancement.model_dump(mode="json"),
        "left_out": [{"text": each.text, "why": each.why} for each in trial.left_out],
        "note": {"words": count_note_words(trial.html), "html": trial.html, "text": as_text(trial.html)},
        "seconds": round(trial.seconds, 3),
        "posted": False,
    }
