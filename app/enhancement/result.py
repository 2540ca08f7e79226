"""What becomes an enhancement: what was gathered, and what is kept of a model's answer, if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core.completion import Completion
from app.core.confidence import judge_confidence
from app.core.enhancement import Confidence, Enhancement, Kept, Notice
from app.core.questions import choose_questions, tells_fault
from app.core.requester import Requester
from app.core.source import Gathered, GatherState
from app.core.storm import Storm
from app.core.ticket import Ticket
from app.core.triage import Suggestion
from app.enhancement.portion import MAX_DESCRIPTION_CHARS, Portion
from app.enhancement.write import prompt_version
from app.errors import ModelDeclined, PromptTooLong


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket, and what was gathered about it."""

    ticket: Ticket
    today: date
    """UTC."""
    gathered: tuple[Gathered, ...]
    """By kind, with numbered sources."""
    requester: Requester
    suggestions: tuple[Suggestion, ...]
    storm: Storm | None
    notices: tuple[Notice, ...]
    """What its reader must know already."""


def without_model(known: Known) -> Enhancement | None:
    """The enhancement, where there is nothing to ask a model; None: there is."""
    if known.storm is not None and known.storm.is_collected:
        return context_only(known)
    gathered = known.gathered
    if not all(source.is_only_named for group in gathered if group.is_context for source in group.sources):
        return None
    nothing = context_only(known, *_why_nothing(gathered))
    if nothing.has_nothing and tells_fault(known.ticket):
        return nothing.model_copy(update={"questions": choose_questions(known.ticket, gathered, ())})
    return nothing


def _why_nothing(gathered: tuple[Gathered, ...]) -> tuple[Notice, ...]:
    """The notice "nothing found", unless there are documents to name, or all kinds were unavailable: a note says it."""
    if any(group.is_context for group in gathered):
        return ()
    return () if all(group.state is GatherState.UNAVAILABLE for group in gathered) else (Notice.NOTHING_FOUND,)


def why_no_answer(error: Exception) -> Notice:
    if isinstance(error, ModelDeclined):
        return Notice.MODEL_DECLINED
    return Notice.TICKET_TOO_LONG if isinstance(error, PromptTooLong) else Notice.MODEL_UNAVAILABLE


def context_only(known: Known, *why: Notice, paid: Sequence[Completion] = ()) -> Enhancement:
    """The context without a word of a model. *paid*: what was asked of models all the same."""
    return Enhancement(
        gathered=known.gathered,
        requester=known.requester,
        suggestions=known.suggestions,
        storm=known.storm,
        notices=(*known.notices, *why),
        **usage(paid),
    )


def accepted(known: Known, portion: Portion, kept: Kept | None, *, paid: Sequence[Completion]) -> Enhancement:
    """The enhancement from what is kept of a draft; if that is nothing, from the context only.

    *portion* is what the model was given, *paid* all answers, the one that was used last.
    """
    if kept is None:
        return context_only(known, Notice.ANSWER_UNUSABLE, paid=paid)
    gathered = known.gathered
    left_out = portion.left_out(gathered)
    shortened = [Notice.SOURCES_LEFT_OUT] if left_out else []
    if portion.description_chars < MAX_DESCRIPTION_CHARS:
        shortened.append(Notice.DESCRIPTION_SHORTENED)
    judged = judge_confidence(known.ticket, gathered, kept, today=known.today)
    asks = judged.level is Confidence.LOW
    is_storm = known.storm is not None  # then the others' tickets tell
    if not judged.has_problem:
        kept = Kept(facts=[], hypotheses=[], next_steps=[], questions=kept.questions, summary="")
    return Enhancement(
        summary=kept.summary,
        summary_citations=tuple(kept.summary_citations),
        facts=tuple(kept.facts),
        hypotheses=tuple(kept.hypotheses),
        next_steps=() if asks else tuple(kept.next_steps),
        questions=choose_questions(known.ticket, gathered, kept.questions) if asks and not is_storm else (),
        apart=tuple(kept.apart),
        unsupported=kept.unsupported,
        confidence=judged.level,
        confidence_share=round(judged.share, 3),
        reasons=judged.reasons,
        gathered=gathered,
        requester=known.requester,
        suggestions=known.suggestions,
        storm=known.storm,
        notices=(*known.notices, *shortened),
        left_out=left_out,
        model=paid[-1].model,
        prompt=prompt_version(),
        **usage(paid),
    )


def usage(paid: Sequence[Completion]) -> dict[str, Any]:
    """What all *paid* answers took, the writer's last answer last. The cost is of those whose price is known."""
    costs = [completion.cost_usd for completion in paid if completion.cost_usd is not None]
    return {
        "prompt_tokens": sum(completion.prompt_tokens for completion in paid),
        "completion_tokens": sum(completion.completion_tokens for completion in paid),
        "cost_usd": sum(costs) if costs else None,
        "unpriced": tuple(dict.fromkeys(each.model for each in paid if each.is_unpriced)),
        "is_estimated": any(completion.is_estimated for completion in paid),
        "asked": paid[-1].model if paid else None,
        "asked_without": paid[-1].asked_without if paid else (),
    }
