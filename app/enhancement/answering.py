"""Asks a model about one ticket and checks what it answers: read `answer_ticket` from top to bottom.

Invariant: it ends within the time for the model and `MAX_ANSWERS`. Whatever the model answers, or if it does not, there
is an enhancement; text of what was gathered reaches it through `show_enhancement` alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from app.core.check.checking import Checker
from app.core.check.records import Records
from app.core.completion import Completion, Message
from app.core.enhancement import (
    Draft,
    DraftProblem,
    Enhancement,
    Kept,
    Notice,
    find_problems,
    find_unsupported,
    salvage,
)
from app.core.masking import Mask
from app.core.shown import show_enhancement
from app.core.steps import StepName, StepNote
from app.enhancement.answer import ParsedAnswer, read_answer
from app.enhancement.portion import MAX_DESCRIPTION_CHARS, Portion
from app.enhancement.result import Known, accepted, context_only, why_no_answer, without_model
from app.enhancement.second_opinion import ask_opinion
from app.enhancement.tools import Tools
from app.enhancement.traced import traced_step
from app.enhancement.write import compose_messages, compose_repair, draft_schema
from app.errors import (
    Code,
    ModelAwaited,
    ModelDeclined,
    ModelKeyAwaited,
    ModelRefused,
    ModelUnavailable,
    PromptTooLong,
)

MAX_ANSWERS: Final = 2
"""Answers that are asked of the model: a first one, and a repaired one or, if the first was cut off, a longer one."""
MAX_PORTIONS: Final = 5
"""A prompt that is too long is asked again with less, so often; the last time with the ticket alone."""
_AWAITED: Final = (ModelAwaited, ModelKeyAwaited)

log = structlog.get_logger(__name__)


async def answer_ticket(known: Known, tools: Tools, *, mask: Mask) -> Enhancement:
    """The enhancement of a ticket, as it is shown.

    *mask* is of this enhancement alone, so that `[email-1]` means the same in the prompt and in the note.
    """
    work = _Work(known, tools, mask)
    ended: Enhancement | None = None
    while ended is None:
        with traced_step(StepName.WRITE) as note:
            ended = await _write(work, note)
        if ended is None:
            with traced_step(StepName.CHECK) as note:
                ended = await _check(work, note)
    with traced_step(StepName.SHOW) as note:
        shown = show_enhancement(ended, known.ticket, mask=mask, note=tools.note, records=work.records)
        _tell_end(note, shown, mask)
    return shown


@dataclass(slots=True)
class _Work:
    """What was asked and answered so far."""

    known: Known
    tools: Tools
    mask: Mask
    portion: Portion = field(init=False)
    """What of ticket and sources `messages` hold."""
    messages: tuple[Message, ...] = ()
    """For the next call; empty: they are still to be composed."""
    answers: list[Completion] = field(default_factory=list)
    opinions: list[Completion] = field(default_factory=list)
    """Of a second model."""
    is_judge_silent: bool = False
    """The second model was asked and gave no answer, so it is not asked again."""
    model_seconds: float = 0.0
    """What all models took so far."""
    cut: Completion | None = None
    """The last answer, if it was cut off, so that the next one may be longer."""
    draft: Draft | None = None
    """Of the first answer, if it was sent back."""
    kept: Kept | None = None
    """Of `draft`, if it was sent back for what no source says."""
    records: Records | None = None
    """Of what was gathered, once an answer is checked."""

    def __post_init__(self) -> None:
        self.portion = Portion(self.known.gathered)

    @property
    def paid(self) -> list[Completion]:
        return [*self.opinions, *self.answers]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Refs of the sources that the model was not given."""
        return self.portion.left_out(self.known.gathered)

    @property
    def may_ask(self) -> bool:
        return len(self.answers) < MAX_ANSWERS

    def accept(self, kept: Kept | None) -> Enhancement:
        return accepted(self.known, self.portion, kept, paid=self.paid)


async def _write(work: _Work, note: StepNote) -> Enhancement | None:
    """Ask the model, unless the budget is used up, no source says anything, or the ticket is one more of many.

    Returns the enhancement where it ends with this, None where there is an answer to check.
    """
    known, tools = work.known, work.tools
    ended, why = without_model(known), ""
    if ended is None and not await tools.may_use_model():
        ended = context_only(known, Notice.BUDGET_USED_UP, paid=work.paid)
    if ended is None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(max(tools.model_timeout.total_seconds() - work.model_seconds, 0)):
                answer = await _ask(work)
        except (ModelUnavailable, ModelRefused, *_AWAITED, TimeoutError) as error:
            if isinstance(error, _AWAITED) and not work.answers:
                raise  # the delivery waits; but what was paid is not asked for again
            ended, why = _without_answer(work, error)
        else:
            work.model_seconds += time.perf_counter() - started
            # It may be complete although it was cut off; `_check` finds out.
            told = (f"{answer.model} answered", answer.how_it_ended, *_how_asked(answer, work))
            note.result = ", ".join(filter(None, told))
    if ended is not None:
        _tell_end(note, ended, work.mask, why)
    return ended


def _without_answer(work: _Work, error: Exception) -> tuple[Enhancement, str]:
    """The enhancement where no answer came, and why, as far as the reader of the steps is to know."""
    declined = isinstance(error, ModelDeclined | PromptTooLong)
    cause = getattr(error, "detail", "timeout")
    log.warning(
        "model_declined" if declined else "model_unavailable",
        code=getattr(error, "code", Code.MODEL_UNAVAILABLE),
        cause=cause,
    )
    if work.draft is not None:  # the first answer had faults, and no repaired one came
        return work.accept(work.kept or _salvage(work, work.draft)[0]), ""
    return context_only(work.known, why_no_answer(error), paid=work.paid), cause if declined else ""


async def _ask(work: _Work) -> Completion:
    """The model's answer; a prompt that is too long is asked again with less of the ticket and its sources.

    Raises:
        PromptTooLong: The ticket alone is too long, or this is about a draft that is there.
    """
    tools = work.tools
    work.messages = work.messages or _composed(work)
    for left in reversed(range(MAX_PORTIONS)):
        try:
            answer = await tools.model.complete(work.messages, schema=draft_schema(), cut=work.cut)
        except PromptTooLong as error:
            if work.draft is not None or not left or not _shorten(work, error.share, to_least=left == 1):
                raise
        else:
            work.answers.append(answer)
            return answer
    raise AssertionError


def _shorten(work: _Work, share: float | None, *, to_least: bool = False) -> bool:
    """Compose the messages anew with *share* of them, None: not known. Returns whether they could be shorter."""
    ticket, portion = work.known.ticket, work.portion
    chars = sum(len(message.content) for message in work.messages)
    less = portion.least(ticket) if to_least else portion.shortened(ticket, prompt_chars=chars, share=share)
    if less is None:
        return False
    work.portion = less
    work.messages = _composed(work)
    log.info("prompt_shortened", told=share is not None, sources_left_out=len(work.left_out))
    return True


def _composed(work: _Work) -> tuple[Message, ...]:
    known, tools = work.known, work.tools
    return compose_messages(
        known.ticket,
        work.portion,
        mask=work.mask,
        language=tools.note.language,
        max_words=tools.note.max_text_words,
        today=known.today,
        house_rules=tools.house_rules,
        requester=known.requester,
    )


async def _check(work: _Work, note: StepNote) -> Enhancement | None:
    """Accept the answer, or go on without the model.

    Returns None where it is to be asked once more, to repair it or for a longer one.
    """
    answer = work.answers[-1]
    if work.records is None:
        known, rules = work.known, work.tools.house_rules
        work.records = Records(known.gathered, house_rules=rules, mask=work.mask, today=known.today)
    read, is_cut = read_answer(answer.text), answer.cut_at is not None
    found = await _examine(work, read)
    # If it was cut off, other faults in it can't be repaired, so only that is told.
    is_told_cut = is_cut and read.draft is None
    why = answer.how_it_ended if is_told_cut else "; ".join(problem.reason for problem in found.problems)
    if found.problems and work.may_ask:
        log.info("answer_sent_back", problems=len(found.problems), why=why)
        work.draft, work.kept, work.cut = read.draft, found.kept, answer if is_cut else None
        repairs = bool(read.said) and not is_told_cut
        if repairs:
            work.messages = compose_repair(work.messages, read.said, found.problems, mask=work.mask)
        elif answer.share is not None:
            _shorten(work, answer.share)
        asked = "sent back to the model once" if repairs else "asked the model once more"
        note.is_fine, note.result = False, f"{asked}: {why}"
        return None
    kept = _better(work, found.kept)
    if kept is None:
        log.warning("answer_refused", cause=found.refused or why)
    ended = work.accept(kept)
    _tell_end(note, ended, work.mask, why if ended.is_context_only else "")
    return ended


@dataclass(slots=True)
class _Examined:
    """What was found of one answer."""

    problems: list[DraftProblem]
    kept: Kept | None = None
    refused: str = ""
    """Why nothing is kept of its draft."""


async def _examine(work: _Work, read: ParsedAnswer) -> _Examined:
    """Check the form of the last answer; if that is right, or no other one can be asked for, its sentences."""
    draft, tools = read.draft, work.tools
    if draft is None:
        return _Examined([read.problem] if read.problem else [])
    found = _Examined(find_problems(draft, language=tools.note.language))
    if found.problems and work.may_ask:
        return found
    # A second answer takes about as long as the first.
    has_time = work.model_seconds * MAX_ANSWERS < tools.model_timeout.total_seconds()
    found.kept, found.refused, checker = _salvage(work, draft)
    if tools.judge is not None and not (draft.abstains or work.is_judge_silent):
        opinion = await ask_opinion(
            tools.judge,
            checker,
            mask=work.mask,
            unread=work.left_out,
            left_s=tools.model_timeout.total_seconds() - work.model_seconds,
        )
        work.opinions += opinion.completions
        work.model_seconds += opinion.seconds
        work.is_judge_silent = opinion.is_silent
        if opinion.found:
            found.kept, found.refused, checker = _salvage(work, draft, opinion.found)
    if work.may_ask and has_time and not draft.abstains:
        found.problems = find_unsupported(draft, found.kept, checker)
    return found


def _better(work: _Work, kept: Kept | None) -> Kept | None:
    """What is *kept* of the last answer; of the first one, without its faults, if that says more or is all there is."""
    first, of_first = work.draft, work.kept
    if first is None or (kept is not None and kept.statements >= (of_first.statements if of_first else 0)):
        return kept
    return of_first or _salvage(work, first)[0]


def _salvage(
    work: _Work, draft: Draft, found: Mapping[str, frozenset[str]] | None = None
) -> tuple[Kept | None, str, Checker]:
    """What is kept of *draft*; None if that is nothing, and why; and the checker, which knows what is not kept.

    *found*: sentences that a second opinion found in records.
    """
    known, note = work.known, work.tools.note
    checker = Checker.of(
        known.gathered,
        mask=work.mask,
        language=note.language,
        ticket=known.ticket.text,
        requester=known.ticket.requester,
        told=known.requester.words,
        records=work.records,
        found=found,
    )
    try:
        kept = salvage(draft, checker, max_words=note.max_text_words, left_out=work.left_out)
    except ModelRefused as error:
        return None, error.detail, checker
    return kept, "", checker


def _tell_end(note: StepNote, enhancement: Enhancement, mask: Mask, why: str = "") -> None:
    """Record what a step ended with, without text of the ticket."""
    level = [] if enhancement.is_context_only else [f"accepted, confidence {enhancement.confidence}"]
    if enhancement.notices:
        note.is_fine = set(enhancement.notices) <= {Notice.NOTHING_FOUND, Notice.BUDGET_USED_UP}
        told = ", ".join([*level, *(notice.words for notice in enhancement.notices)])
        note.result = told + (f": {why}" if why else "")
    elif level:
        note.result = level[0]
    note.masked = {str(kind): number for kind, number in mask.counts.items()}


def _how_asked(answer: Completion, work: _Work) -> Iterator[str]:
    """What was left out of a call, and what of its answer is not known for sure."""
    if work.left_out:
        number = sum(len(group.sources) for group in work.known.gathered)
        yield f"without {len(work.left_out)} of {number} sources, as the prompt was too long"
    if work.portion.description_chars < MAX_DESCRIPTION_CHARS:
        yield "with a part of the description"
    if answer.asked_without:
        yield "asked without " + " and ".join(option.words for option in answer.asked_without)
    if answer.is_estimated:
        yield "its tokens are estimated"
