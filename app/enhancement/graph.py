"""The workflow that makes an enhancement of a ticket.

    START ─▶ gather ─▶ answer (write, check with a second opinion where there is one, show) ─▶ END
                         ↺ once more, if what the model wrote is sent back

Invariant: it changes nothing in the database or the help desk. Gathered text reaches the model only masked, and the
note only through `show`. If a kind of context or the model is not available, the result is still an enhancement, with
the context that was found.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, Final, Literal, TypedDict, cast

import structlog
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from app.core.check.checking import Checker
from app.core.check.records import Records
from app.core.completion import Completion, Message
from app.core.confidence import judge_confidence
from app.core.enhancement import (
    Confidence,
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
from app.core.questions import choose_questions, tells_fault
from app.core.requester import Requester
from app.core.shown import show_enhancement
from app.core.source import Gathered, GatherState, number_sources
from app.core.steps import StepNote, step
from app.core.storm import Storm
from app.core.ticket import Ticket
from app.core.triage import Suggestion
from app.enhancement.answer import ParsedAnswer, read_answer
from app.enhancement.gather import gather_all
from app.enhancement.portion import MAX_DESCRIPTION_CHARS, Portion
from app.enhancement.second_opinion import ask_opinion
from app.enhancement.tools import Tools
from app.enhancement.usage import usage
from app.enhancement.write import compose_messages, compose_repair, draft_schema, prompt_version
from app.errors import (
    Code,
    ModelAwaited,
    ModelDeclined,
    ModelKeyAwaited,
    ModelRefused,
    ModelUnavailable,
    PromptTooLong,
)
from app.telemetry.traces import span

MAX_ANSWERS: Final = 2
"""Answers that are asked of the model: a first one, and a repaired one or, if the first was cut off, a longer one."""
MAX_PORTIONS: Final = 5
"""A prompt that is too long is asked again with less, so often; the last time with the ticket alone."""

_AWAITED: Final = (ModelAwaited, ModelKeyAwaited)

log = structlog.get_logger(__name__)


class State(TypedDict, total=False):
    """The state of the graph. What a node returns replaces what was there."""

    ticket: Ticket
    today: date
    """UTC."""
    notices: tuple[Notice, ...]
    gathered: tuple[Gathered, ...]
    """By kind, with numbered sources."""
    requester: Requester
    suggestions: tuple[Suggestion, ...]
    storm: Storm | None
    messages: tuple[Message, ...]
    portion: Portion
    """What of ticket and sources `messages` hold."""
    mask: Mask
    """The mask of this enhancement, so that `[email-1]` means the same in the prompt and in the note."""
    completions: list[Completion]
    """All answers, the last one last."""
    opinions: list[Completion]
    """Of a second model."""
    is_judge_silent: bool
    """The second model was asked and gave no answer, so it is not asked again."""
    model_seconds: float
    """What all models took so far."""
    more_room: bool
    """Whether the last answer was cut off, so that the next one may be longer."""
    draft: Draft | None
    kept: Kept | None
    """Of `draft`, if it was sent back for what no source says."""
    records: Records
    """Of `gathered`, once an answer was checked."""
    why: str
    """What is wrong with the last answer, without text of the ticket."""
    enhancement: Enhancement


def _tell(note: StepNote, state: State, result: dict[str, Any]) -> None:
    """Record how a node ended, without text of the ticket."""
    if "completions" in result:
        completion: Completion = result["completions"][-1]
        # It may be complete although it was cut off; `check` finds out.
        told = (
            f"{completion.model} answered",
            completion.how_it_ended,
            *_how_asked(completion, result["portion"], state),
        )
        note.result = ", ".join(filter(None, told))
    enhancement, why = result.get("enhancement"), result.get("why")
    if enhancement is not None and enhancement.notices:
        note.is_fine = set(enhancement.notices) <= {Notice.NOTHING_FOUND, Notice.BUDGET_USED_UP}
        accepted = [] if enhancement.is_context_only else [f"accepted, confidence {enhancement.confidence}"]
        told_notices = ", ".join([*accepted, *(notice.words for notice in enhancement.notices)])
        note.result = told_notices + (f": {why}" if why else "")
    elif enhancement is None and why:
        asked = "sent back to the model once" if "messages" in result else "asked the model once more"
        note.is_fine, note.result = False, f"{asked}: {why}"
    elif enhancement is not None and enhancement.model is not None:
        note.result = f"accepted, confidence {enhancement.confidence}"
    if enhancement is not None:
        note.masked = {str(kind): number for kind, number in state["mask"].counts.items()}


def _how_asked(completion: Completion, portion: Portion, state: State) -> Iterator[str]:
    """What was left out of a call, and what of its answer is not known for sure."""
    gathered = state["gathered"]
    if left_out := portion.left_out(gathered):
        number = sum(len(group.sources) for group in gathered)
        yield f"without {len(left_out)} of {number} sources, as the prompt was too long"
    if portion.description_chars < MAX_DESCRIPTION_CHARS:
        yield "with a part of the description"
    if completion.asked_without:
        yield "asked without " + " and ".join(option.words for option in completion.asked_without)
    if completion.is_estimated:
        yield "its tokens are estimated"


def _traced(node: Any) -> Any:
    @wraps(node)
    async def run(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
        with span(f"enhance.{node.__name__}"), step(node.__name__) as note:
            result: dict[str, Any] = await node(state, runtime)
            _tell(note, state, result)
            return result

    return run


async def gather(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    context = await gather_all(state["ticket"], runtime.context)
    return {
        "gathered": number_sources(context.gathered),
        "requester": context.requester,
        "suggestions": context.suggestions,
        "storm": context.storm,
    }


@_traced
async def write(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Ask the model, unless the budget is used up, no source says anything, or the ticket is one more of many."""
    tools = runtime.context
    gathered, storm = state["gathered"], state["storm"]
    if storm is not None and storm.is_collected:
        return {"enhancement": _context_only(state)}
    if all(source.is_only_named for group in gathered if group.is_context for source in group.sources):
        nothing = _context_only(state, *_why_nothing(gathered))
        if nothing.has_nothing and tells_fault(state["ticket"]):
            nothing = nothing.model_copy(update={"questions": choose_questions(state["ticket"], gathered, ())})
        return {"enhancement": nothing}
    if not await tools.may_use_model():
        return {"enhancement": _context_only(state, Notice.BUDGET_USED_UP)}
    used_s = state.get("model_seconds", 0.0)
    left_s = tools.model_timeout.total_seconds() - used_s
    started = time.perf_counter()
    try:
        async with asyncio.timeout(max(left_s, 0)):
            answered = await _ask(state, tools, gathered)
    except (ModelUnavailable, ModelRefused, *_AWAITED, TimeoutError) as error:
        if isinstance(error, _AWAITED) and state.get("draft") is None:
            raise  # the delivery waits; but for a repaired answer it need not
        declined = isinstance(error, ModelDeclined | PromptTooLong)
        cause = getattr(error, "detail", "timeout")
        log.warning(
            "model_declined" if declined else "model_unavailable",
            code=getattr(error, "code", Code.MODEL_UNAVAILABLE),
            cause=cause,
        )
        if first := state.get("draft"):  # the first answer had faults, and no repaired one came
            kept = state.get("kept") or _salvage(state, first, tools)[0]
            return {"enhancement": _accept(state, kept)}
        enhancement = _context_only(state, _why_no_answer(error))
        return {"enhancement": enhancement, "why": cause if declined else ""}
    return {**answered, "model_seconds": used_s + time.perf_counter() - started}


async def _ask(state: State, tools: Tools, gathered: tuple[Gathered, ...]) -> dict[str, Any]:
    """The model's answer; a prompt that is too long is asked again with less of the ticket and its sources.

    Raises:
        PromptTooLong: The ticket alone is too long, or this is about a draft that is there.
    """
    ticket, note = state["ticket"], tools.note

    def composed(portion: Portion) -> tuple[Message, ...]:
        return compose_messages(
            ticket,
            portion,
            mask=state["mask"],
            language=note.language,
            max_words=note.max_text_words,
            today=state["today"],
            house_rules=tools.house_rules,
            requester=state["requester"],
        )

    portion = state.get("portion") or Portion(gathered)
    messages = state.get("messages") or composed(portion)
    for left in reversed(range(MAX_PORTIONS)):
        try:
            completion = await tools.model.complete(
                messages, schema=draft_schema(), more_room=state.get("more_room", False)
            )
        except PromptTooLong as error:
            if state.get("draft") or not left:
                raise
            chars = sum(len(message.content) for message in messages)
            less = (
                portion.shortened(ticket, prompt_chars=chars, share=error.share) if left > 1 else portion.least(ticket)
            )
            if less is None:
                raise
            portion, messages = less, composed(less)
            log.info("prompt_shortened", told=error.share is not None, sources_left_out=len(portion.left_out(gathered)))
        else:
            completions = [*state.get("completions", []), completion]
            return {"messages": messages, "portion": portion, "completions": completions}
    raise AssertionError


def _why_no_answer(error: Exception) -> Notice:
    if isinstance(error, ModelDeclined):
        return Notice.MODEL_DECLINED
    return Notice.TICKET_TOO_LONG if isinstance(error, PromptTooLong) else Notice.MODEL_UNAVAILABLE


@_traced
async def check(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Accept the answer, or ask once more (to repair it, or for a longer one), or go on without the model."""
    tools, answer = runtime.context, state["completions"][-1]
    records = state.get("records") or Records(state["gathered"], house_rules=tools.house_rules, mask=state["mask"])
    state = {**state, "records": records}
    read, is_cut = read_answer(answer.text), answer.cut_at is not None
    found = await _examine(state, tools, read)
    # If it was cut off, other faults in it can't be repaired, so only that is told.
    is_told_cut = is_cut and read.draft is None
    why = answer.how_it_ended if is_told_cut else "; ".join(problem.reason for problem in found.problems)
    update: dict[str, Any] = {"records": records, **found.heard}
    if found.problems and _may_ask(state):
        log.info("answer_sent_back", problems=len(found.problems), why=why)
        update |= {"draft": read.draft, "kept": found.kept, "why": why, "more_room": is_cut}
        if read.said and not is_told_cut:
            update["messages"] = compose_repair(state["messages"], read.said, found.problems, mask=state["mask"])
        return update
    kept = _better(state, tools, found.kept)
    if kept is None:
        log.warning("answer_refused", cause=found.refused or why)
    enhancement = _accept(cast("State", {**state, **found.heard}), kept)
    return {**update, "enhancement": enhancement, "why": why if enhancement.is_context_only else ""}


def _may_ask(state: State) -> bool:
    return len(state["completions"]) < MAX_ANSWERS


@dataclass(slots=True)
class _Examined:
    """What was found of one answer."""

    problems: list[DraftProblem]
    kept: Kept | None = None
    refused: str = ""
    """Why nothing is kept of its draft."""
    heard: dict[str, Any] = field(default_factory=dict)
    """What a second opinion changes of the state."""


async def _examine(state: State, tools: Tools, read: ParsedAnswer) -> _Examined:
    """Check the form of the last answer; if that is right, or no other one can be asked for, its sentences."""
    draft, note = read.draft, tools.note
    if draft is None:
        return _Examined([read.problem] if read.problem else [])
    found = _Examined(find_problems(draft, language=note.language))
    if found.problems and _may_ask(state):
        return found
    found.kept, found.refused, checker = _salvage(state, draft, tools)
    if tools.judge is not None and not (draft.abstains or state.get("is_judge_silent")):
        opinion = await ask_opinion(
            tools.judge,
            checker,
            mask=state["mask"],
            unread=state["portion"].left_out(state["gathered"]),
            left_s=tools.model_timeout.total_seconds() - state["model_seconds"],
        )
        found.heard = {
            "opinions": [*state.get("opinions", []), *opinion.completions],
            "model_seconds": state["model_seconds"] + opinion.seconds,
            "is_judge_silent": opinion.is_silent,
        }
        if opinion.found:
            found.kept, found.refused, checker = _salvage(state, draft, tools, opinion.found)
    # A second answer takes about as long as the first.
    has_time = state["model_seconds"] * MAX_ANSWERS < tools.model_timeout.total_seconds()
    if _may_ask(state) and has_time and not draft.abstains:
        found.problems = find_unsupported(draft, found.kept, checker)
    return found


def _better(state: State, tools: Tools, kept: Kept | None) -> Kept | None:
    """What is *kept* of the last answer; of the first one, without its faults, if that says more or is all there is."""
    first, of_first = state.get("draft"), state.get("kept")
    if first is None or (kept is not None and kept.statements >= (of_first.statements if of_first else 0)):
        return kept
    return of_first or _salvage(state, first, tools)[0]


def _salvage(
    state: State, draft: Draft, tools: Tools, found: Mapping[str, frozenset[str]] | None = None
) -> tuple[Kept | None, str, Checker]:
    """What is kept of *draft*; None if that is nothing, and why; and the checker, which knows what is not kept.

    *found*: sentences that a second opinion found in records.
    """
    note, gathered = tools.note, state["gathered"]
    checker = Checker.of(
        gathered,
        mask=state["mask"],
        language=note.language,
        ticket=state["ticket"].text,
        told=(state["ticket"].requester, *state["requester"].words),
        records=state["records"],
        found=found,
    )
    left_out = state["portion"].left_out(gathered)
    try:
        kept = salvage(
            draft,
            gathered,
            max_words=note.max_text_words,
            language=note.language,
            left_out=left_out,
            checker=checker,
        )
    except ModelRefused as error:
        return None, error.detail, checker
    return kept, "", checker


def _accept(state: State, kept: Kept | None) -> Enhancement:
    """The enhancement from what is kept of a draft; if that is nothing, from the context only."""
    portion, gathered = state["portion"], state["gathered"]
    left_out = portion.left_out(gathered)
    if kept is None:
        return _context_only(state, Notice.ANSWER_UNUSABLE)
    shortened = [Notice.SOURCES_LEFT_OUT] if left_out else []
    if portion.description_chars < MAX_DESCRIPTION_CHARS:
        shortened.append(Notice.DESCRIPTION_SHORTENED)
    judged = judge_confidence(state["ticket"], gathered, kept, today=state["today"])
    asks = judged.level is Confidence.LOW
    is_storm = state["storm"] is not None  # then the others' tickets tell
    if not judged.has_problem:
        kept = Kept(facts=[], hypotheses=[], next_steps=[], questions=kept.questions, summary="")
    return Enhancement(
        summary=kept.summary,
        summary_citations=tuple(kept.summary_citations),
        facts=tuple(kept.facts),
        hypotheses=tuple(kept.hypotheses),
        next_steps=() if asks else tuple(kept.next_steps),
        questions=choose_questions(state["ticket"], gathered, kept.questions) if asks and not is_storm else (),
        apart=tuple(kept.apart),
        unsupported=kept.unsupported,
        confidence=judged.level,
        confidence_share=round(judged.share, 3),
        reasons=judged.reasons,
        gathered=gathered,
        requester=state["requester"],
        suggestions=state["suggestions"],
        storm=state["storm"],
        notices=(*state.get("notices", ()), *shortened),
        left_out=left_out,
        model=state["completions"][-1].model,
        prompt=prompt_version(),
        **usage(_paid(state)),
    )


def _why_nothing(gathered: tuple[Gathered, ...]) -> tuple[Notice, ...]:
    """The notice "nothing found", unless there are documents to name, or all kinds were unavailable: a note says it."""
    if any(group.is_context for group in gathered):
        return ()
    return () if all(group.state is GatherState.UNAVAILABLE for group in gathered) else (Notice.NOTHING_FOUND,)


def _context_only(state: State, *why: Notice) -> Enhancement:
    return Enhancement(
        gathered=state["gathered"],
        requester=state["requester"],
        suggestions=state["suggestions"],
        storm=state["storm"],
        notices=(*state.get("notices", ()), *why),
        **usage(_paid(state)),
    )


def _paid(state: State) -> list[Completion]:
    return [*state.get("opinions", []), *state.get("completions", [])]


@_traced
async def show(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    shown = show_enhancement(
        state["enhancement"],
        state["ticket"],
        mask=state["mask"],
        note=runtime.context.note,
        records=state.get("records"),
    )
    return {"enhancement": shown}


async def answer(state: State, runtime: Runtime[Tools]) -> dict[str, Any] | Command[Literal["answer"]]:
    """Ask the model, check its answer, if it gave one, and show the enhancement, unless it is to be asked once more.

    One node for all three, which says itself what is next: LangGraph takes 0.3 ms of CPU for a node.
    """
    changed = await write(state, runtime)
    if "enhancement" not in changed:
        changed |= await check(cast("State", {**state, **changed}), runtime)
    if "enhancement" not in changed:
        return Command(update=changed, goto="answer")
    shown: dict[str, Any] = await show(cast("State", {**state, **changed}), runtime)
    return shown


def _compile() -> Any:
    graph = StateGraph(State, context_schema=Tools)
    for node in (gather, answer):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "gather")
    graph.add_edge("gather", "answer")
    return graph.compile()


_graph: Final = _compile()


async def enhance(
    ticket: Ticket, *, tools: Tools, notices: Sequence[Notice] = (), today: date | None = None
) -> Enhancement:
    """The enhancement of *ticket*.

    Args:
        ticket: Of the tenant that *tools* belong to.
        tools: The tenant's.
        notices: Limits that the reader must know, e.g. that the ticket was read from the webhook.
        today: By which sources are old or new; None: today, UTC.
    """
    begin = {"ticket": ticket, "today": today or datetime.now(UTC).date(), "notices": tuple(notices), "mask": Mask()}
    enhancement: Enhancement = await _graph.ainvoke(begin, context=tools, output_keys="enhancement")
    return enhancement
