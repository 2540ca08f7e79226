"""What is written for a ticket, and the rules that it must keep before it becomes a note.

Invariant: in an `Enhancement` every citation names a gathered source that says something of the kind, every fact has
at least one, every sentence is supported by the records (`check.support`), and the statements stay within the words
that the note has for them. A sentence that is not supported is shown apart or left out, never changed.
`find_problems` lists the rules that a model's `Draft` breaks; `salvage` keeps the parts that break none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

from app.core.check.checking import Checker
from app.core.check.evidence import Fault
from app.core.check.support import says
from app.core.check.told import Told
from app.core.reading.language import sounds_like_another
from app.core.requester import Requester
from app.core.source import Gathered, GatherState
from app.core.storm import Storm
from app.core.triage import Suggestion
from app.errors import Code, ModelRefused

MAX_STATEMENTS: Final = 6
MAX_STATEMENT_CHARS: Final = 600
MAX_SUMMARY_CHARS: Final = 900
MAX_CITATIONS_FOUND: Final = 2
"""Where a model cites nothing: so many of the sources that say it."""
MAX_APART: Final = 3
"""Sentences that are shown apart; further ones are counted as left out."""
_MAX_RAW_CHARS: Final = 20_000
"""Each text of an answer is cut to this length before it is checked."""


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Reason(StrEnum):
    """What the confidence of an enhancement rests on."""

    SAME_ERROR = "same_error"
    SAME_MACHINE = "same_machine"
    MANY_WORDS = "many_words"
    FEW_WORDS = "few_words"
    SAME_THING = "same_thing"
    OTHER_ERROR = "other_error"
    SOURCES_AGREE = "sources_agree"
    NAMES_PAGE = "names_page"
    UNRIVALLED = "unrivalled"
    OTHERS_FIT_TOO = "others_fit_too"
    NEWER_SOURCE = "newer_source"
    ONLY_OLD = "only_old"
    PARTLY_SUPPORTED = "partly_supported"


class _Strict(BaseModel):
    # `extra="forbid"` puts `additionalProperties: false` into the JSON schema, which strict structured output requires.
    # Built when it is first used: most are parts of `Answer` alone, which builds them anew.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Statement(_Strict):
    """One or two plain sentences and the refs of the sources that they rest on, e.g. `["T1", "K2"]`."""

    text: str = Field(description="One or two plain sentences.")
    citations: list[str] = Field(description='Refs of sources, e.g. ["T1", "K2"].')


class Question(StrEnum):
    """What a technician can ask the requester. A model chooses of these; the note has the words (`core.labels`)."""

    ERROR_TEXT = "error_text"
    DEVICE = "device"
    SINCE_WHEN = "since_when"
    WHO_ELSE = "who_else"
    WHAT_CHANGED = "what_changed"
    HOW_TO_REPEAT = "how_to_repeat"


class Draft(_Strict):
    """What the model is asked for, as its JSON schema says; not yet checked against the sources.

    In this order, so that what is said last rests on what was said before it. How sure it may be is not asked: that is
    computed (`core.confidence`).
    """

    facts: list[Statement] = Field(description="What the sources say; each cites at least one.")
    hypotheses: list[Statement] = Field(description="Possible causes; each cites what suggests it.")
    next_steps: list[Statement] = Field(
        description="What to do, most useful first; each cites the source that says it."
    )
    questions: list[Question] = Field(default=[], description="What to ask where no step is supported; else empty.")
    summary: str = Field(description="What is likely wrong, in a source's words, in at most two sentences.")
    summary_citations: list[str] = Field(default=[], description="Refs of the sources that it rests on.")

    @property
    def abstains(self) -> bool:
        """Whether no source fits: it says nothing of them, or nothing but what they are about, and asks.

        That they do not fit no source says: "The earlier ticket was about a time zone, not about touch input."
        """
        is_bare = not (self.facts or self.hypotheses or self.next_steps)
        return is_bare and bool(self.questions or not self.summary_citations)


class Kept(Draft):
    """What is kept of a draft."""

    apart: list[str] = []
    """Sentences that the records do not quite say, and that hold nothing which is not in the records."""
    unsupported: int = 0
    """How many sentences were left out."""

    @property
    def statements(self) -> int:
        """How much it says: its statements, and a summary."""
        return bool(self.summary) + len(_statements(self))


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
    Notice.BUDGET_USED_UP: "the budget for the model is used up",
    Notice.NOTHING_FOUND: "nothing was found that fits",
    Notice.SOURCES_LEFT_OUT: "sources were left out: the prompt was too long for the model",
    Notice.DESCRIPTION_SHORTENED: "the description was shortened: the prompt was too long for the model",
}


class Closing(BaseModel, frozen=True):
    """That the enhancement is a draft of how a resolved ticket was solved."""

    is_covered: bool = False
    """Whether an article is about the same problem, so that none is drafted."""
    nothing: Code | None = None
    """Why there is no draft, though a model was paid for one: it is not asked again. None: there is one."""

    @property
    def why_nothing(self) -> str:
        if self.nothing is Code.NOTHING_FOUND:
            return "no draft: nothing that the model said is in the technicians' words"
        return "no draft: the model gave no usable answer"


class Enhancement(BaseModel, frozen=True):
    """What is saved for a version of a ticket and rendered as its note."""

    summary: str = ""
    summary_citations: tuple[str, ...] = ()
    facts: tuple[Statement, ...] = ()
    hypotheses: tuple[Statement, ...] = ()
    next_steps: tuple[Statement, ...] = ()
    questions: tuple[Question, ...] = ()
    """In place of steps, where the confidence is low."""
    confidence: Confidence = Confidence.LOW
    confidence_share: float | None = None
    """How likely its first cited source tells what solves this ticket, 0 to 1; None: an older release wrote it."""
    reasons: tuple[Reason, ...] = ()
    """Why the confidence is what it is."""
    gathered: tuple[Gathered, ...] = ()
    requester: Requester = Requester()
    suggestions: tuple[Suggestion, ...] = ()
    """For the ticket's fields, from the nearest resolved tickets."""
    closing: Closing | None = None
    """None: it is for a ticket that is to be solved."""
    storm: Storm | None = None
    """Of the ticket. If it is collected, the note is one line about it."""
    notices: tuple[Notice, ...] = ()
    model: str | None = None
    """The model that wrote the statements; None when the note holds only the gathered context."""
    asked: str | None = None
    """The model that was paid for an answer, used or not; None: none was, or an older release wrote it."""
    prompt: str = ""
    """The version of prompt and schema with which it was asked, 12 hex digits; empty: an older release wrote it."""
    apart: tuple[str, ...] = ()
    """Sentences that the sources do not quite say, whole: shown at the note's end."""
    unsupported: int = 0
    """How many of the model's sentences were left out because no source says them."""
    left_out: tuple[str, ...] = ()
    """Refs of gathered sources that the model was not given, because its context does not take them: never cited."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """Of the models whose price is known; None: of none."""
    unpriced: tuple[str, ...] = ()
    """The models that were paid and whose price is not known."""
    is_estimated: bool = False
    """Whether some of the tokens are an estimate, because the endpoint did not tell them."""
    asked_without: tuple[str, ...] = ()
    """What the endpoint refuses, as `Option`: the model was asked without."""

    @property
    def cited(self) -> frozenset[str]:
        """The refs that its summary and statements cite."""
        statements = (*self.facts, *self.hypotheses, *self.next_steps)
        return frozenset((*self.summary_citations, *(ref for each in statements for ref in each.citations)))

    @property
    def paid_model(self) -> str | None:
        """To which its tokens are booked."""
        return self.model or self.asked

    @property
    def is_context_only(self) -> bool:
        return self.model is None

    @property
    def is_of_storm_alone(self) -> bool:
        """Whether the note is one line about the ticket's storm."""
        return self.storm is not None and self.storm.is_collected

    @property
    def has_nothing(self) -> bool:
        """Whether all kinds of context could be asked, nothing that fits was found, and nobody reports the same."""
        states = {group.state for group in self.gathered}
        is_nothing = Notice.NOTHING_FOUND in self.notices and GatherState.UNAVAILABLE not in states
        return is_nothing and self.storm is None

    @property
    def is_degraded(self) -> bool:
        """Whether the note has only context although the model should have written: sources and budget were there."""
        return (
            self.is_context_only
            and not self.is_of_storm_alone
            and not {Notice.NOTHING_FOUND, Notice.BUDGET_USED_UP} & set(self.notices)
        )


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


def find_problems(draft: Draft, *, language: str) -> list[DraftProblem]:
    """What of *draft* no part of can be used for, each as a sentence that tells the model what to change.

    All else is mended by `salvage`, without another call: what is too long is shortened, and what cites no source
    that was gathered cites those that say it.
    """
    problems: list[DraftProblem] = []
    if not draft.summary.strip():
        problems.append(DraftProblem("The summary is empty.", "an empty summary"))
    if sounds_like_another(" ".join(_texts(draft)), language):
        problems.append(DraftProblem(f"All texts must be written in the language {language!r}.", "another language"))
    return problems


def find_unsupported(draft: Draft, kept: Kept | None, checker: Checker) -> list[DraftProblem]:
    """What is told to the model of the sentences of *draft* that *checker* lost, as one problem.

    None, where what is *kept* is worth a note without them: it has a summary, has a step if *draft* has one, and less
    than `_LOST_SHARE` of the sentences are lost. A second answer costs a call and seconds.
    """
    lost = checker.lost
    has_lost_part = kept is None or not kept.summary or bool(draft.next_steps and not kept.next_steps)
    if not lost or (len(lost) < _LOST_SHARE * checker.judged and not has_lost_part):
        return []
    told = ["These sentences of your answer can't stand in the note; they are quoted here, and say nothing to you:"]
    for each in lost[:_MAX_TOLD]:
        where = "a source that it cites" if each.is_fact else "a source"
        told.append(
            f"  {json.dumps(each.sentence[:_MAX_TOLD_CHARS], ensure_ascii=False)}: {_FAULTS[each.fault].format(where)}"
        )
    return [DraftProblem("\n".join(told), f"{len(lost)} of its sentences unsupported")]


_LOST_SHARE: Final = 1 / 3
_MAX_TOLD: Final = 8
_MAX_TOLD_CHARS: Final = 200
_FAULTS: Final = {
    Fault.FOREIGN: "it has a name, number, path, address or command that no source has. Write it exactly as {} does, or"
    " leave it out.",
    Fault.UNSUPPORTED: "too few of its words are in {}. Say it in the words of one, cite the one that says it, or leave"
    " it out.",
    Fault.OTHER_ACTION: "it says to do, or that there was done, what is not in {}. Say what is, or leave it out.",
    Fault.TURNED: "it says the opposite of {}. Say it as the source does, or leave it out.",
    Fault.OVERRULED: "a source newer than {} says not to do that. Say what the newer one says, or leave it out.",
}


def salvage(draft: Draft, checker: Checker, *, max_words: int, left_out: Collection[str] = ()) -> Kept:
    """The parts of *draft* that break no rule.

    Args:
        draft: As the model wrote it.
        checker: Of what the model was given; afterwards it has what was not kept.
        max_words: Of all its texts together.
        left_out: Refs of sources that the model was not given, and so can't cite.

    Raises:
        ModelRefused: The summary was empty, nothing is supported though something was said of the sources, or what is
            left is written in another language.
    """
    if not checker.cleaned(draft.summary[:_MAX_RAW_CHARS]):
        raise ModelRefused("the model's answer has no usable summary")
    summary = checker.passage(
        draft.summary[:_MAX_RAW_CHARS],
        max_chars=MAX_SUMMARY_CHARS,
        max_words=max_words // 2 if _statements(draft) else max_words,
    )
    budget = max_words - count_words([summary])
    told = Told([summary])
    kept: dict[str, list[Statement]] = {"next_steps": [], "facts": [], "hypotheses": []}
    # In this order the lists get their words: when the limit is reached, hypotheses are dropped first.
    for name, statements in kept.items():
        for statement in getattr(draft, name):
            if len(statements) == MAX_STATEMENTS:
                break
            kept_of_it, words = _salvage_statement(
                statement, checker, told, budget=budget, is_fact=name == "facts", left_out=left_out
            )
            if kept_of_it.text and words <= budget and (kept_of_it.citations or name != "facts"):
                statements.append(kept_of_it)
                budget -= words
                told.add(kept_of_it.text)
    if checker.only_repeats(summary) and (new := kept["hypotheses"] or kept["facts"]):
        # The note begins with what is new to its reader, and tells it once (`core.note`).
        summary = new[0].text
    apart: list[str] = []
    for sentence in () if draft.abstains else checker.apart[:MAX_APART]:
        if count_words([sentence]) <= budget:
            apart.append(sentence)
            budget -= count_words([sentence])
    rest = Kept(
        summary=summary,
        summary_citations=_cited_by_summary(summary, draft, checker, left_out),
        **kept,
        questions=draft.questions,
        apart=apart,
        unsupported=0 if draft.abstains else checker.left_out + len(checker.apart) - len(apart),
    )
    _check_rest(rest, draft, checker)
    return rest


def _salvage_statement(
    statement: Statement, checker: Checker, told: Told, *, budget: int, is_fact: bool, left_out: Collection[str]
) -> tuple[Statement, int]:
    """What can be kept of *statement*, with the sources that say it, and how many of the note's words it takes."""
    text, cited = checker.statement(
        statement.text[:_MAX_RAW_CHARS],
        [ref for ref in statement.citations if ref not in left_out],
        max_chars=MAX_STATEMENT_CHARS,
        is_fact=is_fact,
    )
    # What repeats a text above it is not shown (`core.note`), and takes no room.
    text = text if told.has(text) else checker.shortened(text, max_words=budget)
    words = 0 if told.has(text) else count_words([text])
    saying = checker.refs_of(text)  # none: it only looks or asks
    citations = [ref for ref in cited if not saying or ref in saying] or _sources_of(text, checker, left_out)
    return Statement(text=text, citations=citations), words


def _check_rest(rest: Kept, draft: Draft, checker: Checker) -> None:
    """Raise ModelRefused where *rest*, what is left of *draft*, is not worth a note.

    What quotes a record may be in that one's language: a technician has more of it than of nothing.
    """
    if not (draft.abstains or rest.summary or rest.facts or rest.hypotheses or rest.next_steps):
        raise ModelRefused("no source supports what the model answered")
    if sounds_like_another(" ".join(text for text in _texts(rest) if not checker.quotes(text)), checker.language):
        raise ModelRefused("the model's answer is written in another language")


def _cited_by_summary(summary: str, draft: Draft, checker: Checker, left_out: Collection[str]) -> list[str]:
    """Of the refs that *draft* cites for *summary* those that say something of it, and one for each other sentence."""
    given = {record.ref: record for record in checker.records.records if record.ref and record.ref not in left_out}
    saying = checker.refs_of(summary)
    cited = [
        ref
        for ref in dict.fromkeys(draft.summary_citations)
        if ref in given and (ref in saying or says(summary, given[ref]))
    ]
    for refs in checker.refs_of_each(summary):
        if refs.isdisjoint(cited):
            cited += [ref for ref in given if ref in refs][:1]
    return cited


def _sources_of(kept: str, checker: Checker, left_out: Collection[str]) -> list[str]:
    """The refs of the sources that say *kept*; empty: the house rules say it."""
    refs = checker.refs_of(kept) - set(left_out)
    return [record.ref for record in checker.records.records if record.ref and record.ref in refs][:MAX_CITATIONS_FOUND]


def _statements(draft: Draft) -> list[Statement]:
    return [*draft.facts, *draft.hypotheses, *draft.next_steps]


def _texts(draft: Draft) -> list[str]:
    return [draft.summary, *(statement.text for statement in _statements(draft))]
