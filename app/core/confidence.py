"""How sure an enhancement may be: computed from its sources, never asked of the model.

The share is an estimate of how likely its leading source, the first that a step or the summary cites, tells what solves
this ticket. It is a logistic function of what the sources show; its weights were fitted to labelled tickets
(`confidence.toml`, docs/quality.md), and its levels are ranges of the share.

Invariant: `judge_confidence` depends on its arguments alone. Of what a model says only counts which sources it cites
and how many of its sentences were kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import chain
from typing import Final

from app.core.asset import find_addresses
from app.core.check.lexicon import lexicon
from app.core.check.tokens import chunks, is_break, normal, stems, tokens, words
from app.core.enhancement import Confidence, Kept, Reason
from app.core.kept import kept_if_short
from app.core.logistic import likelihood
from app.core.source import Gathered, Source, SourceKind
from app.core.ticket import Ticket
from app.core.toml import read_toml

_OLD_DAYS: Final = 365
_TOLD_DAYS: Final = 30
_SAME_WORDS: Final = 4
"""So many words in a row of what a ticket puts in quotation marks, in the source too, are the same error text."""
_TELLING_WORDS: Final = 3
"""Of those words so many say something: "it does not work" is no error text."""
_LEAST_WORDS: Final = 2
"""A ticket of fewer telling words names no problem ("Help: Outlook"), and any source about that thing fits."""
_OWN_WORDS: Final = 4
"""Who writes fewer above a mail says no more than "See below, the third time"."""
_NO_PROBLEM = re.compile(
    r"\b(?:\w+n't|(?:please )?(?:call|ring|phone) (?:me|us)(?: back)?|call ?back"
    r"|(?:rufen?|ruft|ruf) (?:sie )?(?:mich|uns)(?: bitte)?(?:(?: \w+)?(?: zuruck| an))?|ruckruf"
    r"|rappele?z?[- ](?:moi|nous)|(?:me|nous) rappeler|llam[ae]\w*me|(?:me|nos) llam\w+)\b"
)
"""That somebody wants to be called, and a negation that is two words when it is cut."""
_CHANCE: Final = 0.15
_NEAR: Final = 0.8
"""Of thousands of tickets some are as like to one as `_CHANCE`, by their cosine; above `_NEAR` few are by chance."""
_MANY_WORDS: Final = 0.35
_FEW_WORDS: Final = 0.22
_RIVAL_FIT: Final = 0.7
_RIVAL_WORDS: Final = 0.5
"""A rival fits so well at least as the leading source, and has so many of its words in common with the ticket."""
_JUST_BELOW: Final = 0.01
_FEW: Final = 2
_MANY: Final = 4
"""Tickets or articles that a tenant has, as powers of ten."""
_MANY_RIVALS: Final = 4
"""All others that a search of one kind gives."""
_SAME_REMEDY: Final = 0.3
_THING_ALONE: Final = 0.8
"""From so much of `same_thing` on it is all that they have in common: of 19 such labelled tickets 7 were right."""
_LEAST_SUPPORT: Final = 0.5
"""A model of whose sentences fewer were kept did not understand its sources. How likely the leading one is right it
hardly tells: of a small model's answers 6 of the 9 with less led with the right source, 23 of the other 29."""
_IS_ERROR = re.compile(
    r"0x[0-9a-f]{4,}|(?:[a-z0-9]+_)+[es](?:_[a-z0-9]+)+|aadsts\d{4,}|kb\d{6,}|ora-?\d{5}|-\d+(?:,\d+){1,3}|[245]\.\d{1,2}\.\d{1,3}"
    r"|(?:[a-z0-9]+_)*(?:err|error|failed|exception|timeout|denied|refused|invalid|expired)(?:_[a-z0-9]+)*"
)
"""An error code by its form alone, and no machine's name."""
_ERROR = re.compile(
    r"0x[0-9a-f]{4,}|-\d+(?:,\d+){1,3}|[a-z]{0,10}[-_]?\d{3,}[a-z]?|[a-z][a-z0-9]*(?:_[a-z0-9]+)+"
    r"|[245]\.\d{1,2}\.\d{1,3}"
)
_MAY_BE_NAME = re.compile(r"[a-z]{0,10}[-_]?\d{3,}[a-z]?")
"""An error code only where something calls it one: it may be a device's model or name, a version, a room."""
_MAY_BE_ERROR = re.compile(r"[\d_]|[^\x00-\x7f]")
"""In what may be an error code; beyond ASCII the normal form tells."""
# Not the apostrophes of "l'imprimante d'Anna": no letter stands before the first sign, and none after the last.
_QUOTED = re.compile(r'(?<![^\W_])["\'“„«‘»]([^"“”„«»‘’]{8,160})["\'”“»’«](?![^\W_])')
_PAGE = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_NUMBER = re.compile(r"^#\S+ ")
"""Before the subject in a ticket's title."""
_NOT_ERROR = re.compile(r"(?:19|20)\d\d|#\d+|\d{6,}|[a-z]*365")
"""Years, numbers of tickets and telephones, and a product."""
_CALLS_ERROR: Final = tuple(
    """
    error erro erreur fehler feil fout blad chyb virhe hata エラー code codi kod status event ereignis bug exception
    fail fault
    """.split()
)
"""How words begin that make a number beside them an error code. Else it may be a version, a port or a room."""
_BESIDE: Final = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the leading source and against it. Each value is 0 to 1."""

    likeness: float
    """How like the ticket is to what the source is about, of a ticket without its resolution: the cosine of their
    telling words, from what chance gives (0) to what it hardly gives (1)."""
    same_thing: float
    """Of the words in common those that both subjects have, where each names something else too: they name the thing,
    and what fails is another. The more there are to choose from, the less it says; beside the same error nothing."""
    same_error: float
    """1: an error code, or some words that the ticket quotes, stand in the ticket and in the source."""
    same_machine: float
    """1: a host or an address that the inventory knows stands in both."""
    same_remedy: float
    """How like what it tells to do is to what another source tells, but for the ticket's own words: the cosine."""
    names_page: float
    """1: of a ticket, its resolution leads to a page: the problem is known there."""
    rivals: float
    """How many others of its kind are rivals, of four: fit nearly as well and are not cited. What is cited agrees. Of
    thousands of tickets several fit by chance."""
    overtaken: float
    """1: a newer rival stands beside it, and is not cited."""
    crowd: float
    """Of how many of its kind the search chose it: 0 of a hundred or fewer, 1 of ten thousand or more. The more there
    are, the better one fits by chance."""
    is_old: float
    """1: what is cited is older than a year, all of it."""
    support: float
    """Of the model's sentences those that were kept."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How sure an enhancement may be, and why."""

    level: Confidence
    share: float
    reasons: tuple[Reason, ...]
    has_problem: bool = True
    """Whether the ticket names a problem at all ("Help: Outlook" does not): else no source answers it."""


def judge_confidence(ticket: Ticket, gathered: Sequence[Gathered], kept: Kept, *, today: date) -> Judged:
    """The confidence in *kept*, which rests on *gathered*."""
    evidence = find_evidence(ticket, gathered, kept, today=today)
    if evidence is None:
        return Judged(Confidence.LOW, weights().nothing, ())
    share = weights().share(evidence)
    if not evidence.same_error and names_other_error(matter(ticket), _text(_cited(gathered, kept)[0])):
        return Judged(Confidence.LOW, min(share, weights().nothing), (Reason.OTHER_ERROR,))
    if len(telling_stems(_NO_PROBLEM.sub(" ", normal(matter(ticket))))) < _LEAST_WORDS and not evidence.same_error:
        return Judged(Confidence.LOW, min(share, weights().nothing), (Reason.FEW_WORDS,), has_problem=False)
    refs = {source.ref for group in gathered for source in group.sources if _tells_a_fix(source)}
    is_agreed = len(refs.intersection(cited_refs(kept))) > 1
    if _has_little_alone(evidence):
        share = min(share, weights().medium - _JUST_BELOW)
    level = weights().level(share)
    if evidence.support < _LEAST_SUPPORT:
        level = min(level, Confidence.MEDIUM, key=list(Confidence).index)
    return Judged(level, share, _reasons(evidence, level, is_agreed=is_agreed))


def _has_little_alone(evidence: Evidence) -> bool:
    """Whether few words, or the thing's name, are all it has in common, however few others fit. Of 11 such real tickets
    with few words none was right.
    """
    is_more = (
        evidence.same_error or evidence.same_machine or evidence.names_page or evidence.same_remedy >= _SAME_REMEDY
    )
    has_little = evidence.likeness <= _above_chance(_FEW_WORDS) or evidence.same_thing >= _THING_ALONE
    return not is_more and has_little


def find_evidence(ticket: Ticket, gathered: Sequence[Gathered], kept: Kept, *, today: date) -> Evidence | None:
    """What speaks for the leading source; None: no ticket or article is cited."""
    sources = [source for group in gathered for source in group.sources]
    cited = _cited(gathered, kept)
    if not cited:
        return None
    leading, asked = cited[0], telling_stems(matter(ticket))
    common = len(asked & telling_stems(_text(leading)))
    rivals = [
        source
        for source in sources
        if _tells_a_fix(source)
        and source not in cited
        and source.score >= leading.score * _RIVAL_FIT
        and len(asked & telling_stems(_text(source))) >= common * _RIVAL_WORDS
    ]
    crowd = min(max(math.log10(max(leading.among, 1)) - _FEW, 0) / (_MANY - _FEW), 1)
    same_error = shares_error_text(matter(ticket), _text(leading))
    remedy = _remedy(leading) - asked
    others = [source for source in sources if _tells_a_fix(source) and source is not leading]
    sentences = 1 + len(kept.facts) + len(kept.hypotheses) + len(kept.next_steps)
    return Evidence(
        likeness=_above_chance(likeness(matter(ticket), _about(leading))),
        same_thing=0.0 if same_error else (1 - crowd) * _share_of_thing(ticket, leading),
        same_error=float(same_error),
        same_machine=float(_shares_machine(ticket, leading, sources)),
        same_remedy=max((_cosine(remedy, _remedy(other) - asked) for other in others), default=0.0),
        names_page=float(leading.kind is SourceKind.TICKET and bool(_PAGE.search(leading.trusted_text))),
        rivals=min(sum(rival.kind is leading.kind for rival in rivals) / _MANY_RIVALS, 1),
        overtaken=float(any(_overtakes(rival, leading) for rival in rivals)),
        crowd=crowd,
        is_old=float(all(_is_old(source, today) for source in cited)),
        support=sentences / (sentences + len(kept.apart) + kept.unsupported),
    )


def _share_of_thing(ticket: Ticket, source: Source) -> float:
    """Of the telling words that a ticket and a resolved one have in common, those that both subjects have; 0 where one
    of the subjects names nothing that the other text does not have.

    "Receipt printer at till 3 prints blank slips" and "Receipt printer till 3 cuts halfway through" have in common what
    is broken, and each says in other words what is wrong with it.
    """
    if source.kind is not SourceKind.TICKET:
        return 0.0
    asked, about = telling_stems(matter(ticket)), telling_stems(_about(source))
    subject, other = telling_stems(ticket.subject), telling_stems(_NUMBER.sub("", source.title))
    common = asked & about
    return len(common & subject & other) / len(common) if common and subject - about and other - asked else 0.0


def _cited(gathered: Sequence[Gathered], kept: Kept) -> list[Source]:
    """The tickets and articles that it cites, the leading one first."""
    sources = [source for group in gathered for source in group.sources]
    return [source for ref in cited_refs(kept) for source in sources if source.ref == ref and _tells_a_fix(source)]


def cited_refs(kept: Kept) -> list[str]:
    """The refs that it cites, each once, the leading one first: of the steps, of the summary, of the rest."""
    texts = (*kept.next_steps, *kept.facts, *kept.hypotheses)
    steps = [ref for step in kept.next_steps for ref in step.citations]
    return list(dict.fromkeys([*steps, *kept.summary_citations, *(ref for each in texts for ref in each.citations)]))


def _tells_a_fix(source: Source) -> bool:
    return source.kind in {SourceKind.TICKET, SourceKind.ARTICLE}


def _text(source: Source) -> str:
    return f"{source.title}\n{source.text}"


def _about(source: Source) -> str:
    """What it is about: of a ticket its subject and problem."""
    if source.kind is not SourceKind.TICKET:
        return _text(source)
    return f"{_NUMBER.sub('', source.title)}\n{source.problem}"


def _remedy(source: Source) -> frozenset[str]:
    """The stems of what it tells to do. Where a page is called is no remedy."""
    return telling_stems(_PAGE.sub(" ", source.trusted_text))


def likeness(asked: str, about: str) -> float:
    """The cosine of the telling words of a ticket and of what a source is about, 0 to 1."""
    return _cosine(telling_stems(asked), telling_stems(about))


def _above_chance(cosine: float) -> float:
    return min(max((cosine - _CHANCE) / (_NEAR - _CHANCE), 0.0), 1.0)


def _day(source: Source) -> date:
    return source.resolved_on or source.updated_on or date.min


def _overtakes(rival: Source, leading: Source) -> bool:
    """Whether *rival* may overrule *leading*. An article that was written soon after a ticket tells what solved it."""
    told = timedelta(days=_TOLD_DAYS if rival.kind is not leading.kind else 0)
    return _day(rival) - _day(leading) > told


def _is_old(source: Source, today: date) -> bool:
    return _day(source) != date.min and (today - _day(source)).days > _OLD_DAYS


def _cosine(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0


def matter(ticket: Ticket) -> str:
    """What *ticket* is about: subject and requester's own words, and where these only pass a mail on, that too."""
    if len(telling_stems(ticket.mail.own)) < _OWN_WORDS:
        return f"{ticket.asked}\n{ticket.mail.quoted}"
    return ticket.asked


@kept_if_short
def telling_stems(text: str) -> frozenset[str]:
    """The stems of the words of *text* that say something of a matter."""
    telling = set(words(normal(text))) - lexicon().empty
    return frozenset(chain.from_iterable(map(stems, telling)))


def names_error(text: str) -> bool:
    """Whether *text* has an error code, or puts some words in a row in quotation marks."""
    return bool(_errors(text)[0] or any(map(_runs, _QUOTED.findall(text))))


def shares_error_text(one: str, other: str) -> bool:
    """Whether both have an error code, or *other* some words in a row that *one* puts in quotation marks."""
    (codes, numbers), (others, other_numbers) = _errors(one), _errors(other)
    if codes & (others | other_numbers) or others & numbers:
        return True
    if codes and others:
        return False
    quoted = {run for found in _QUOTED.findall(one) for run in _runs(found)}
    return bool(quoted and quoted & _runs(other))


def names_other_error(one: str, other: str) -> bool:
    """Whether both have an error code, and none of them is the other's too."""
    mine, others = (
        {code for code in _errors(text)[0] if code.isdecimal() or _IS_ERROR.fullmatch(code)} for text in (one, other)
    )
    return bool(mine and others) and not shares_error_text(one, other)


@kept_if_short
def _errors(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The error codes, and what is one where another text calls it so."""
    found = {
        each.text
        for each in chunks(" ".join(filter(_MAY_BE_ERROR.search, text.split())))
        if each.is_operand and _ERROR.fullmatch(each.text) and not _NOT_ERROR.fullmatch(each.text)
    }
    numbers = {each for each in found if _MAY_BE_NAME.fullmatch(each) and not _IS_ERROR.fullmatch(each)}
    row = words(normal(text)) if numbers else []
    called = {
        word
        for at, word in enumerate(row)
        if word in numbers
        and any(beside.startswith(_CALLS_ERROR) for beside in row[max(at - _BESIDE, 0) : at + _BESIDE + 1])
    }
    return frozenset(found - numbers | called), frozenset(numbers - called)


def _runs(text: str) -> set[tuple[str, ...]]:
    """The runs of words within a sentence of *text* that are long enough to be an error's text."""
    runs: set[tuple[str, ...]] = set()
    row: list[str] = []
    for token in tokens(normal(text)):
        row = [] if is_break(token) else [*row, token][-_SAME_WORDS:]
        if len(row) == _SAME_WORDS and sum(word not in lexicon().empty for word in row) >= _TELLING_WORDS:
            runs.add(tuple(stem for word in row for stem in stems(word)))
    return runs


def _shares_machine(ticket: Ticket, source: Source, sources: Iterable[Source]) -> bool:
    known = " ".join(_text(each) for each in sources if each.kind in {SourceKind.ASSET, SourceKind.MEASUREMENT})
    machines = _machines(known)
    return bool(machines and machines & _machines(_text(source)) & _machines(matter(ticket)))


def _machines(text: str) -> set[str]:
    found = find_addresses(text)
    return {*map(str, found.ips), *(name.partition(".")[0] for name in found.hostnames)}


def _reasons(evidence: Evidence, level: Confidence, *, is_agreed: bool) -> tuple[Reason, ...]:
    """Why it is of this level, the most telling first: of high what speaks for it, of low what against it."""
    speaks_for = {
        Reason.SAME_ERROR: evidence.same_error,
        Reason.SAME_MACHINE: evidence.same_machine,
        Reason.SOURCES_AGREE: is_agreed or evidence.same_remedy >= _SAME_REMEDY,
        Reason.NAMES_PAGE: evidence.names_page,
        Reason.MANY_WORDS: evidence.likeness >= _above_chance(_MANY_WORDS) and evidence.same_thing < _THING_ALONE,
        Reason.UNRIVALLED: not evidence.rivals,
    }
    against = {
        Reason.PARTLY_SUPPORTED: evidence.support < _LEAST_SUPPORT,
        Reason.ONLY_OLD: evidence.is_old,
        Reason.NEWER_SOURCE: evidence.overtaken,
        Reason.OTHERS_FIT_TOO: evidence.rivals and not evidence.overtaken,
        Reason.SAME_THING: evidence.same_thing >= _THING_ALONE,
        Reason.FEW_WORDS: evidence.likeness <= _above_chance(_FEW_WORDS),
    }
    pro, con = ([reason for reason, holds in each.items() if holds] for each in (speaks_for, against))
    if level is Confidence.HIGH:
        return tuple(pro)
    return tuple(con) if level is Confidence.LOW else (*pro[:1], *con, *pro[1:])


@dataclass(frozen=True, slots=True)
class Weights:
    """Those of confidence.toml."""

    bias: float
    weight: dict[str, float]
    medium: float
    high: float
    nothing: float
    """The share where no ticket or article is cited."""

    def share(self, evidence: Evidence) -> float:
        return likelihood(evidence, self.bias, self.weight)

    def level(self, share: float) -> Confidence:
        if share >= self.high:
            return Confidence.HIGH
        return Confidence.MEDIUM if share >= self.medium else Confidence.LOW


@cache
def weights() -> Weights:
    told = read_toml(__package__, "confidence.toml")
    return Weights(
        told["bias"], told["weight"], told["level"]["medium"], told["level"]["high"], told["level"]["nothing"]
    )
