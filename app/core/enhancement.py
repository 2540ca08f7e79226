"""What is written for a ticket, and the rules that it must keep before it becomes a note.

Invariant: in an `Enhancement` every citation names a gathered source, every fact has at least one, every text is
`harmless`, and the statements stay within their share of the tenant's word limit.
`find_problems` lists the rules that a model's `Draft` breaks; `salvage` removes the parts that break one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

from app.core.harmless import Known, harmless
from app.core.language import sounds_like_another
from app.core.requester import Requester
from app.core.source import Gathered, Source
from app.core.text import one_line
from app.errors import ModelRefused

MAX_STATEMENTS: Final = 6
MAX_STATEMENT_CHARS: Final = 600
MAX_SUMMARY_CHARS: Final = 900
_MAX_RAW_CHARS: Final = 20_000
"""Each text of an answer is cut to this length before it is checked."""
STATEMENTS_SHARE: Final = 0.6
"""Share of a note's words that the model's statements may take; the rest is for the sources."""


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class _Strict(BaseModel):
    # `extra="forbid"` puts `additionalProperties: false` into the JSON schema, which strict structured output requires.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Statement(_Strict):
    """One or two plain sentences and the refs of the sources that they rest on, e.g. `["T1", "K2"]`."""

    text: str = Field(description="One or two plain sentences; no markup, no links.")
    citations: list[str] = Field(description='Refs of the sources that this rests on, e.g. ["T1", "K2"].')


class Draft(_Strict):
    """What the model is asked for, as its JSON schema says; not yet checked against the sources."""

    summary: str = Field(description="What the ticket is about and what is known, in at most three sentences.")
    facts: list[Statement] = Field(
        description="What the sources say that bears on this ticket; each cites at least one."
    )
    hypotheses: list[Statement] = Field(description="What may be the cause and is not certain; cites what suggests it.")
    next_steps: list[Statement] = Field(description="What the technician should do, in order, most useful first.")
    confidence: Confidence = Field(description="How well the sources fit this ticket.")


class Notice(StrEnum):
    """Limits of an enhancement that the note's reader must know."""

    READ_FROM_WEBHOOK = "read_from_webhook"
    """The ticket could not be read from ServiceDesk Plus, so the text in the webhook was used."""
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_DECLINED = "model_declined"
    TICKET_TOO_LONG = "ticket_too_long"
    ANSWER_UNUSABLE = "answer_unusable"
    BUDGET_USED_UP = "budget_used_up"
    NOTHING_FOUND = "nothing_found"
    SOURCES_LEFT_OUT = "sources_left_out"
    """The model was not given all sources: `Enhancement.left_out` names the others."""
    DESCRIPTION_SHORTENED = "description_shortened"
    """The model was not given the end of the ticket's description, or of what of it is given at most."""

    @property
    def words(self) -> str:
        """For operators, in English. The note has its own words, in the tenant's language (`core.labels`)."""
        return _NOTICE_WORDS[self]


_NOTICE_WORDS: Final = {
    Notice.READ_FROM_WEBHOOK: "read from the webhook: the help desk could not be asked",
    Notice.MODEL_UNAVAILABLE: "the model gave no answer",
    Notice.MODEL_DECLINED: "the model declined",
    Notice.TICKET_TOO_LONG: "the ticket is too long for the model",
    Notice.ANSWER_UNUSABLE: "the model's answer was unusable",
    Notice.BUDGET_USED_UP: "the token budget is used up",
    Notice.NOTHING_FOUND: "nothing was found that fits",
    Notice.SOURCES_LEFT_OUT: "sources were left out: the prompt was too long for the model",
    Notice.DESCRIPTION_SHORTENED: "the description was shortened: the prompt was too long for the model",
}


class Enhancement(BaseModel):
    """What is saved for a version of a ticket and rendered as its note."""

    model_config = ConfigDict(frozen=True)

    summary: str = ""
    facts: tuple[Statement, ...] = ()
    hypotheses: tuple[Statement, ...] = ()
    next_steps: tuple[Statement, ...] = ()
    confidence: Confidence = Confidence.LOW
    gathered: tuple[Gathered, ...] = ()
    requester: Requester = Requester()
    notices: tuple[Notice, ...] = ()
    model: str | None = None
    """The model that wrote the statements; None when the note holds only the gathered context."""
    left_out: tuple[str, ...] = ()
    """Refs of gathered sources that the model was not given, because its context does not take them: never cited."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    is_estimated: bool = False
    """Whether some of the tokens are an estimate, because the endpoint did not tell them."""
    asked_without: tuple[str, ...] = ()
    """What the endpoint refuses, as `Option`: the model was asked without."""

    @property
    def is_context_only(self) -> bool:
        return self.model is None

    @property
    def is_degraded(self) -> bool:
        """Whether the note has only context although the model should have written: sources and budget were there."""
        return self.is_context_only and not {Notice.NOTHING_FOUND, Notice.BUDGET_USED_UP} & set(self.notices)


class DraftProblem(str):
    """A sentence that tells the model what must change. It may quote the answer; `reason` is fit for a log."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, told: str, reason: str) -> Self:
        problem = super().__new__(cls, told)
        problem.reason = reason
        return problem


def count_words(texts: Iterable[str]) -> int:
    """The number of words: runs of characters that are not blanks."""
    return sum(len(text.split()) for text in texts)


def find_problems(draft: Draft, gathered: Sequence[Gathered], *, max_words: int, language: str) -> list[DraftProblem]:
    """The rules that *draft* breaks, each as a sentence that tells the model what to change."""
    refs = {source.ref for source in _sources(gathered)}
    problems: list[DraftProblem] = []
    unknown = sorted({ref for statement in _statements(draft) for ref in statement.citations} - refs)
    if unknown:
        told = f"These citations name no source: {', '.join(unknown[:10])}. Known refs: {_listing(refs)}."
        problems.append(DraftProblem(told, f"{len(unknown)} of its citations name no source"))
    if any(not statement.citations for statement in draft.facts):
        told = "Each fact must cite at least one source. Move what has none to hypotheses, or leave it out."
        problems.append(DraftProblem(told, "a fact without a citation"))
    words = count_words(_texts(draft))
    limit = int(max_words * STATEMENTS_SHARE)
    if words > limit:
        told = f"All texts together have {words} words; at most {limit} are allowed."
        problems.append(DraftProblem(told, f"{words} words, more than {limit}"))
    if not draft.summary.strip():
        problems.append(DraftProblem("The summary is empty.", "an empty summary"))
    if sounds_like_another(" ".join(_texts(draft)), language):
        problems.append(DraftProblem(f"All texts must be written in the language {language!r}.", "another language"))
    return problems


def salvage(
    draft: Draft,
    gathered: Sequence[Gathered],
    *,
    max_words: int,
    language: str,
    ticket_text: str = "",
    house_rules: str = "",
) -> Draft:
    """*draft* without the parts that break a rule.

    Names from *ticket_text* stay, in a form that is no link; names of machines from *house_rules* as they are.

    Raises:
        ModelRefused: What is left is empty, or is written in another language.
    """
    refs = {source.ref for source in _sources(gathered)}
    known = Known.of(gathered, ticket_text=ticket_text, house_rules=house_rules)

    def cleaned(text: str, max_chars: int) -> str:
        return one_line(harmless(text[:_MAX_RAW_CHARS], known), max_chars=max_chars)

    def clean(statement: Statement) -> Statement:
        citations = list(dict.fromkeys(ref for ref in statement.citations if ref in refs))
        return Statement(text=cleaned(statement.text, MAX_STATEMENT_CHARS), citations=citations)

    budget = int(max_words * STATEMENTS_SHARE)
    summary = _cut(cleaned(draft.summary, MAX_SUMMARY_CHARS), budget)
    budget -= count_words([summary])
    facts = [statement for statement in map(clean, draft.facts) if statement.citations]
    kept: dict[str, list[Statement]] = {}
    # In this order the lists get their words: when the limit is reached, hypotheses are dropped first.
    for name, statements in (
        ("facts", facts),
        ("next_steps", list(map(clean, draft.next_steps))),
        ("hypotheses", list(map(clean, draft.hypotheses))),
    ):
        kept[name] = []
        for statement in statements[:MAX_STATEMENTS]:
            words = count_words([statement.text])
            if words and words <= budget:
                kept[name].append(statement)
                budget -= words
    rest = draft.model_copy(update={"summary": summary, **kept})
    if not rest.summary:
        raise ModelRefused("the model's answer has no usable summary")
    if sounds_like_another(" ".join(_texts(rest)), language):
        raise ModelRefused("the model's answer is written in another language")
    return rest


def _sources(gathered: Iterable[Gathered]) -> list[Source]:
    return [source for group in gathered for source in group.sources]


def _statements(draft: Draft) -> list[Statement]:
    return [*draft.facts, *draft.hypotheses, *draft.next_steps]


def _texts(draft: Draft) -> list[str]:
    return [draft.summary, *(statement.text for statement in _statements(draft))]


def _listing(refs: set[str]) -> str:
    return ", ".join(sorted(refs)) or "none"


def _cut(text: str, max_words: int) -> str:
    words = text.split()
    return text if len(words) <= max_words else " ".join(words[:max_words]) + "…"
