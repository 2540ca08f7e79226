"""What is written for a ticket, and what must hold before it may become a note.

Invariant: in an `Enhancement` every citation names a gathered source, every fact has at least one, every text is
`harmless`, and the statements stay within their share of the tenant's word limit.
`find_problems` says what keeps a model's `Draft` from that; `salvage` keeps what does hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

from app.core.harmless import Known, harmless
from app.core.language import sounds_like_another
from app.core.source import Gathered, Source
from app.core.text import one_line
from app.errors import ModelRefused

MAX_STATEMENTS: Final = 6
MAX_STATEMENT_CHARS: Final = 600
MAX_SUMMARY_CHARS: Final = 900
_MAX_RAW_CHARS: Final = 20_000
"""Of one text of an answer, how much is looked at."""
STATEMENTS_SHARE: Final = 0.6
"""Of a note's words, how many the model's statements may take; the rest shows the sources."""


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class _Strict(BaseModel):
    # Forbidding extras writes `additionalProperties: false`, which strict structured output asks for.
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
    """What a reader must know about how an enhancement came to be."""

    READ_FROM_WEBHOOK = "read_from_webhook"
    """ServiceDesk Plus could not be asked: this rests on the webhook's own text."""
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_DECLINED = "model_declined"
    TICKET_TOO_LONG = "ticket_too_long"
    ANSWER_UNUSABLE = "answer_unusable"
    BUDGET_USED_UP = "budget_used_up"
    NOTHING_FOUND = "nothing_found"

    @property
    def words(self) -> str:
        """For operators; what a note says of it is in the language of its reader."""
        return _NOTICE_WORDS[self]


_NOTICE_WORDS: Final = {
    Notice.READ_FROM_WEBHOOK: "read from the webhook: the help desk could not be asked",
    Notice.MODEL_UNAVAILABLE: "the model gave no answer",
    Notice.MODEL_DECLINED: "the model declined",
    Notice.TICKET_TOO_LONG: "ticket and sources are too long for the model",
    Notice.ANSWER_UNUSABLE: "the model's answer was unusable",
    Notice.BUDGET_USED_UP: "the token budget is used up",
    Notice.NOTHING_FOUND: "nothing was found that fits",
}


class Enhancement(BaseModel):
    """What is saved for a ticket's version and rendered into its note."""

    model_config = ConfigDict(frozen=True)

    summary: str = ""
    facts: tuple[Statement, ...] = ()
    hypotheses: tuple[Statement, ...] = ()
    next_steps: tuple[Statement, ...] = ()
    confidence: Confidence = Confidence.LOW
    gathered: tuple[Gathered, ...] = ()
    notices: tuple[Notice, ...] = ()
    model: str | None = None
    """Who wrote the statements; None when the note holds the gathered context alone."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None

    @property
    def is_context_only(self) -> bool:
        return self.model is None

    @property
    def is_degraded(self) -> bool:
        """Context alone, though there was something to write about and a budget to write it with."""
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
    """Words as a person counts them: runs of non-blanks."""
    return sum(len(text.split()) for text in texts)


def find_problems(draft: Draft, gathered: Sequence[Gathered], *, max_words: int, language: str) -> list[DraftProblem]:
    """What must change before *draft* may be used, each as a sentence that the model can act on."""
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
    draft: Draft, gathered: Sequence[Gathered], *, max_words: int, language: str, ticket_text: str = ""
) -> Draft:
    """*draft* with what breaks a rule taken out. What *ticket_text* names may be named, in a form that is no link.

    Raises:
        ModelRefused: What is left says nothing, or is written in another language.
    """
    refs = {source.ref for source in _sources(gathered)}
    known = Known.of(gathered, ticket_text=ticket_text)

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
    # The most useful first: where words run out, hypotheses go before steps and facts.
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
