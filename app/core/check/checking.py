"""Checks the sentences of one draft: each is kept as it was written, shown apart, or left out.

Invariant: a text that `Checker` returns consists of sentences of the text that it was given, unchanged but for hidden
characters, markup, and links that lead to others. So a command that is kept can be copied as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Final, Self

from app.core.check.bans import Bans
from app.core.check.evidence import NO_TICKET, NOBODY, Fault, Support
from app.core.check.lexicon import lexicon
from app.core.check.records import Record, Records
from app.core.check.sentences import read
from app.core.check.strangers import Strangers
from app.core.check.support import Judgement, Verdict, is_doubtful, judge, says
from app.core.check.tokens import chunks, normal
from app.core.check.told import Told
from app.core.links import OwnLinks, without_links
from app.core.masking import Mask
from app.core.reading.text import one_line, plain_text, tidy, unescaped
from app.core.source import REFS, Gathered

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
_ENTITY_ROUNDS: Final = 4
_ELEMENT_BEGINS = re.compile(r"<(?=[/!?]?[a-z])", re.IGNORECASE)
_CITATION = re.compile(rf"\s?\[{REFS}\]")
_MONTH: Final = r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-zä]*\b"
"""Behind "29." it is a date."""
# Not behind a single letter or a short word with a dot before it: "z. B. 10.20", "e.g. this"; but behind "5.2.".
# A bracket or quotation mark behind the dot is its own; before a small letter it goes on: "(of 17.10.) to the share".
_SENTENCE_END = re.compile(
    r"(?:(?<=[^\s.][^\s.][.!?…。！？])|(?<=\.\d[.!?…]))"
    rf"(?:(?<!\d\d\.)\s+|\s+(?!{_MONTH})|(?<=[。！？])(?![)\"'”»]))"
    r"|(?<=[^\s.][^\s.][.!?…。！？][)\"'”»])(?:\s+(?![a-zà-ÿ])|(?<=[。！？].))"
)
_LIMITING_WORDS: Final = 5
_TAKES_BACK: Final = frozenset(
    "otherwise else except it they them this that these sonst ausser er sie es dies sinon sauf il elle ceci".split()
)
_LEAST_WORDS: Final = 3
"""A shorter sentence carries nothing that is worth another answer: "OK!"."""
_REFERENCE = re.compile(r"\bref(?:erence)?\b[\s:#·]*[0-9a-f]{8}-|\bai[ -]?agents\s?[·•∙|:–—-]")


@dataclass(frozen=True, slots=True)
class Lost:
    """A sentence that is not kept, and why."""

    sentence: str
    fault: Fault
    is_fact: bool
    is_doubtful: bool = False
    """Whether a second opinion may keep it."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence that is kept."""

    text: str
    refs: frozenset[str]
    """Of the records that say it."""


@dataclass
class Checker:
    """The sentences of one draft, and what became of them so far."""

    records: Records
    links: OwnLinks
    language: str
    ticket: Record = NO_TICKET
    """What the requester wrote: a summary may repeat what is wrong."""
    strangers: Strangers = NOBODY
    """What the requester and others wrote."""
    apart: list[str] = field(default_factory=list)
    bans: Bans = field(default_factory=lambda: Bans((), {}, {}))
    found: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Sentences that a second opinion found in records, with the refs of these."""
    left_out: int = 0
    judged: int = 0
    """How many sentences carry something, kept or not."""
    lost: list[Lost] = field(default_factory=list)
    """Those of them that are not kept, in the draft's order."""
    _seen: set[str] = field(default_factory=set)
    _said: dict[str, Sequence[_Said]] = field(default_factory=dict)
    """The sentences of each text that was kept."""
    _repeating: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        gathered: Sequence[Gathered],
        *,
        house_rules: str = "",
        mask: Mask | None = None,
        language: str,
        ticket: str = "",
        requester: str = "",
        told: Iterable[str] = (),
        records: Records | None = None,
        found: Mapping[str, frozenset[str]] | None = None,
    ) -> Self:
        """A checker of what a model wrote about *gathered*.

        *ticket* is what the *requester* wrote, *told* what else the model read that strangers choose; *records* are
        those of *gathered*, if they are made.
        """
        if records is None:
            records = Records(gathered, house_rules=house_rules, mask=mask)
        masked = mask.text if mask else str
        ticket, requester = masked(ticket), masked(requester)
        strangers = Strangers((ticket, requester, *map(masked, told), *records.of_strangers), records)
        return cls(
            records,
            OwnLinks.of(gathered),
            language,
            Record("", ticket, told=requester),
            strangers,
            bans=Bans.of(gathered),
            found=found or {},
        )

    def passage(self, text: str, *, max_chars: int, max_words: int | None = None) -> str:
        """The sentences of *text*, which cites nothing, that are supported; else those that repeat what is wrong.

        So many of the first that have *max_words* together; of the first, its begin.
        """
        said = _once(self._checked(text, self.records.records, max_chars=max_chars, may_repeat=True))
        told = [each for each in said if each.refs or not self._only_repeats(each.text)]
        kept = told or said
        passage = self._joined(kept if max_words is None else _first(kept, max_words))
        if not told:
            self._repeating.add(passage)
        return passage

    def quotes(self, passage: str) -> bool:
        """Whether a record has it word for word."""
        line = read(passage).line
        return any(record.quotes(line) for record in self.records.records)

    def only_repeats(self, passage: str) -> bool:
        """Whether what was kept of a passage only repeats the ticket."""
        return passage in self._repeating

    def statement(self, text: str, citations: Iterable[str], *, max_chars: int, is_fact: bool) -> tuple[str, list[str]]:
        """The supported sentences of a statement, and those of its *citations* that say something of them.

        A fact needs the support of what it cites; if that is nothing that was gathered, and for another statement, that
        of any record. What is no fact may also be one of `acts`. Empty: nothing is supported.
        """
        given = {record.ref: record for record in self.records.records if record.ref}
        cited = [given[ref] for ref in dict.fromkeys(citations) if ref in given]
        # The cited ones first: of records that say the same, the first one counts.
        others = [each for each in self.records.records if each not in cited]
        records = cited if is_fact and cited else [*cited, *others]
        said = self._checked(text, records, max_chars=max_chars, may_act=not is_fact)
        kept, refs = self._joined(said), frozenset().union(*(each.refs for each in said))
        supporting = [record.ref for record in cited if record.ref in refs]
        # It only looks or asks: a source of it says something of it, and knows all that it names.
        if kept and not refs:
            supporting = [record.ref for record in cited if says(kept, record) and self._knows(record, said)]
        if is_fact and kept and cited and not supporting:
            self.lost.append(Lost(kept, Fault.UNSUPPORTED, is_fact=True))
            return "", []
        return kept, supporting

    def shortened(self, kept: str, *, max_words: int) -> str:
        """The first sentences of *kept*, a statement that was kept, that have *max_words* together; empty: none."""
        return self._joined(_fitting(self._said[kept], max_words)) if kept else ""

    def _knows(self, record: Record, said: Sequence[_Said]) -> bool:
        judged = (self._judge(each.text, [record], may_act=True, may_repeat=False) for each in said)
        return all(judgement.verdict is Verdict.KEPT for judgement in judged)

    def refs_of(self, kept: str) -> frozenset[str]:
        """The refs of all records that say *kept*, which is what was kept of a passage or a statement."""
        return frozenset().union(*self.refs_of_each(kept))

    def refs_of_each(self, kept: str) -> list[frozenset[str]]:
        """The same for each sentence of it."""
        return [sentence.refs for sentence in self._said.get(kept, ())]

    def cleaned(self, text: str) -> str:
        """*text* without markup, hidden characters and citations."""
        if "&" in text:
            for _ in range(_ENTITY_ROUNDS):
                if not _ENTITY.search(text):
                    break
                text = unescaped(text)
        text = plain_text(text) if "<" in text else tidy(text)
        return _CITATION.sub("", text) if "[" in text else text

    def _checked(
        self,
        text: str,
        records: Sequence[Record],
        *,
        max_chars: int,
        may_act: bool = True,
        may_repeat: bool = False,
    ) -> list[_Said]:
        said: list[_Said] = []
        sentences = list(filter(None, _SENTENCE_END.split(one_line(self.cleaned(text), max_chars=max_chars))))
        for at, sentence in enumerate(sentences):
            judgement = self._judge(sentence, records, may_act=may_act, may_repeat=may_repeat)
            parts = _parts(sentence) if may_repeat and judgement.verdict is not Verdict.KEPT else []
            if any(self._judge(each, records, may_act=True, may_repeat=True).verdict is Verdict.KEPT for each in parts):
                sentences[at + 1 : at + 1] = parts
                continue
            if judgement.fault is Fault.UNSUPPORTED and self._only_repeats(sentence):
                continue  # Its reader has read the ticket, so nothing is lost.
            if len(sentence.split()) >= _LEAST_WORDS:
                self.judged += 1
                if judgement.fault:
                    self.lost.append(Lost(sentence, judgement.fault, not may_act, is_doubtful(sentence, judgement)))
            if judgement.verdict is Verdict.KEPT:
                said.append(_Said(self._shown(sentence), judgement.refs))
            elif judgement.verdict is Verdict.APART:
                self._set_apart(sentence)
            else:
                self.left_out += 1
        return said

    def _joined(self, said: Sequence[_Said]) -> str:
        text = " ".join(each.text for each in said)
        self._said[text] = said
        return text

    def _judge(self, sentence: str, records: Sequence[Record], *, may_act: bool, may_repeat: bool) -> Judgement:
        if imitates(sentence):
            return Judgement(Verdict.LEFT_OUT, share=0.0)
        support = Support(records, self.records, self.language, self.ticket, self.strangers)
        judgement = judge(sentence, support, may_act=may_act, may_repeat=may_repeat)
        found = self.found.get(sentence, frozenset()).intersection(record.ref for record in records)
        if found and is_doubtful(sentence, judgement):
            judgement = Judgement(Verdict.KEPT, refs=found)
        if judgement.verdict is Verdict.KEPT and self.bans.against(sentence, judgement.refs):
            return Judgement(Verdict.LEFT_OUT, Fault.OVERRULED, share=0.0)
        return judgement

    def _only_repeats(self, sentence: str) -> bool:
        return self.strangers.said(read(sentence).tokens)

    def _shown(self, sentence: str) -> str:
        return without_links(_ELEMENT_BEGINS.sub("< ", sentence), self.links)

    def _set_apart(self, sentence: str) -> None:
        """Once, though a draft may say it in several places."""
        if sentence not in self._seen:
            self._seen.add(sentence)
            self.apart.append(self._shown(sentence))


def _parts(sentence: str) -> list[str]:
    """The two sentences that a semicolon joins in *sentence*, so that one may be kept without the other; else none.

    Not where the second takes back, or limits, what the first says: "…; but not on srv-fs01", "…; only with the lead".
    """
    first, _, second = sentence.partition("; ")
    words = lexicon()
    limits = words.conjunctions | words.negators | words.only | words.without | _TAKES_BACK
    begin = second.split()[:_LIMITING_WORDS]
    if min(len(first.split()), len(begin)) < _LEAST_WORDS or not limits.isdisjoint(map(normal, begin)):
        return []
    return [f"{first}.", second if chunks(begin[0])[0].is_operand else second[0].upper() + second[1:]]


def _once(said: Iterable[_Said]) -> list[_Said]:
    """*said* without what was said before; small models repeat themselves."""
    told, once = Told(), []
    for each in said:
        if not told.has(each.text):
            told.add(each.text)
            once.append(each)
    return once


def _fitting(said: Sequence[_Said], max_words: int) -> Sequence[_Said]:
    ends = accumulate(len(each.text.split()) for each in said)
    return said[: sum(end <= max_words for end in ends)]


def _first(said: Sequence[_Said], max_words: int) -> Sequence[_Said]:
    fitting = _fitting(said, max_words)
    if fitting or not said:
        return fitting
    return [replace(said[0], text=" ".join(said[0].text.split()[:max_words]) + "…")]


def without_markup(text: str) -> str:
    """*text* without HTML elements and hidden characters; what still looks like the begin of one is none."""
    if "<" not in text:
        return tidy(text)
    return _ELEMENT_BEGINS.sub("< ", plain_text(text))


def imitates(text: str) -> bool:
    """Whether *text* has what tells the product, or a reader, a note: its heading or a reference."""
    small = text.lower()
    return ("agents" in small or "ref" in small) and _REFERENCE.search(small) is not None
