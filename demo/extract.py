"""An answer put together from sentences of the gathered sources: what the offline model says.

Invariant: the answer is made of fixed phrases of ours, the ticket's own subject in quotation marks, and whole sentences
of sources, which it cites. Nothing is invented, and nothing in the ticket is obeyed: its words only weigh sentences.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from app.core.enhancement import STATEMENTS_SHARE, Confidence, Draft, Statement, count_words
from demo.phrases import ABBREVIATION, CAUSE, GERMAN_INFINITIVES, IMPERATIVES, PHRASES, STOP_WORDS, Phrases

MAX_FACTS: Final = 4
MAX_HYPOTHESES: Final = 2
MAX_STEPS: Final = 6
_MAX_STEPS_OF_ONE: Final = 4
# What a source must share with the ticket, as part of what the best one shares, to be worth a word.
_WORTH_A_COUNT: Final = 0.35
_WORTH_A_FACT: Final = 0.5
_WORTH_A_STEP: Final = 0.55
# Search put the better ones first, and saw more than we do: each place further down counts this much less, the first
# of its kind is worth a step if it shares anything, and one further down must share two words at least.
_PLACE: Final = 0.93
_MIN_SHARED: Final = 2
# Two sentences that share this much of their words say the same.
_SAME: Final = 0.6
_STEM_CHARS: Final = 6
_MAX_QUOTE_CHARS: Final = 160
_MAX_SENTENCE_WORDS: Final = 45
_MIN_SENTENCE_WORDS: Final = 3
# The weight of the ticket's words that the best source shares, from which the answer is confident.
_HIGH: Final = 0.5
_MEDIUM: Final = 0.25
_ORDER: Final = ("similar_tickets", "knowledge", "assets", "monitoring")

_FENCE = re.compile(r"^<<<DATA (?P<nonce>\S+)[^\S\n]*\n(?P<data>.*?)\n(?P=nonce) DATA>>>", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"[^\W_]+(?:[.:-]{1,2}[^\W_]+)*")
_LINK = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)\S*|\b(?:javascript|data|mailto):\S+", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>?")
_ITEM = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_INLINE_ITEM = re.compile(r"(?<=[.;:!?])\s+(?=\d{1,2}[.)]\s+\S)")
_END = re.compile(r"(?<=[.!?…])[\"”“»')]*\s+(?=[\"„“«¿¡(]?[A-ZÄÖÜÀÂÇÈÉÊÎÔÁÍÓÚÑ0-9])")
_LABEL = re.compile(r"^(?:resolution|solution|lösung|résolution|solución|steps|schritte)\s*:\s*", re.IGNORECASE)
# What may stand before the verb of an instruction: "If the queue is stuck, restart …", "Then restart …".
_CONDITION = re.compile(r"^[^,:]*[,:]\s+")
_ADVERB = re.compile(
    r"^(?:then|next|first|finally|now|otherwise|please|puis|ensuite|luego|después),?\s+", re.IGNORECASE
)
# "Print jobs were stuck", "Restart did not help": begins like an instruction and is none.
_STATEMENT = re.compile(
    r"^(?!(?:check|confirm|ensure|make|see|test|verify)\b)\w+"
    r"(?:\s(?!(?:the|a|an|that|whether|if|your|all|each|every|it|this)\b)\S+)?"
    r"\s(?:was|were|is|are|had|has|have|did|does|failed|could|can|will|got)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(r"^\w+(?:en|ern|eln)\s+Sie\b")
_CLAUSE = re.compile(r"[,;:]\s+")
_PASSIVE = re.compile(r"\b(?:wurde|wurden|wird|werden|worden|musste|mussten|konnte|konnten|haben|hat)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Sentence:
    """A whole sentence of a source."""

    text: str
    is_step: bool
    """Whether it tells somebody to do something."""

    @cached_property
    def terms(self) -> frozenset[str]:
        return terms_of(self.text)

    @property
    def is_cause(self) -> bool:
        return not self.is_step and CAUSE.search(self.text) is not None


@dataclass(frozen=True)
class Source:
    """A gathered source as the prompt gives it."""

    ref: str
    kind: str
    title: str
    text: str

    @cached_property
    def terms(self) -> frozenset[str]:
        return terms_of(f"{self.title} {self.text}")

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        return tuple(split_sentences(self.text))


@dataclass(frozen=True)
class Prompt:
    """What the user message holds between its fences."""

    subject: str = ""
    description: str = ""
    sources: tuple[Source, ...] = ()
    unavailable: tuple[str, ...] = ()
    language: str = "en"
    max_words: int = 500

    @property
    def phrases(self) -> Phrases:
        return PHRASES.get(self.language, PHRASES["en"])


def parse_prompt(message: str) -> Prompt | None:
    """What the last whole fence of *message* holds; None when there is none or it is not as agreed."""
    fences = list(_FENCE.finditer(message))
    try:
        data = json.loads(fences[-1]["data"]) if fences else None
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    ticket = data.get("ticket")
    ticket = ticket if isinstance(ticket, dict) else {}
    max_words = data.get("max_words")
    return Prompt(
        subject=_text(ticket.get("subject")),
        description=_text(ticket.get("description")),
        sources=tuple(_parse_sources(data.get("sources"))),
        unavailable=tuple(_text(kind) for kind in _list(data.get("unavailable"))),
        language=_text(data.get("language")) or "en",
        max_words=max_words if isinstance(max_words, int) and max_words > 0 else Prompt.max_words,
    )


def _parse_sources(values: object) -> Iterator[Source]:
    for value in _list(values):
        if isinstance(value, dict) and (ref := _text(value.get("ref"))):
            yield Source(
                ref=ref,
                kind=_text(value.get("kind")),
                title=_text(value.get("title")),
                text=_text(value.get("text")),
            )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def compose(prompt: Prompt) -> Draft:
    """The extractive answer to *prompt*, within its number of words."""
    return _Composer(prompt).compose()


@dataclass
class _Composer:
    """One answer in the making. A sentence that was used once is not used again."""

    prompt: Prompt
    used: list[frozenset[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phrases = self.prompt.phrases
        self.wanted = terms_of(f"{self.prompt.subject} {self.prompt.description}")
        self.subject = terms_of(self.prompt.subject)
        documents = [source.terms for source in self.prompt.sources]
        counts = Counter(term for terms in documents for term in terms)
        self.idf = {term: math.log(1 + len(documents) / count) for term, count in counts.items()}
        self.fit = self.measure_fit()
        self.bearing = [
            source for source in self.prompt.sources if _is_look_up(source) or self.fit[source.ref] >= _WORTH_A_COUNT
        ]
        self.best_first = sorted(self.bearing, key=lambda source: -self.fit[source.ref])  # stable: then as gathered

    def measure_fit(self) -> dict[str, float]:
        """How well each source fits, as part of the best ticket's or article's fit; by ref."""
        fit: dict[str, float] = {}
        places: Counter[str] = Counter()
        for source in self.prompt.sources:
            place = places[source.kind]
            places[source.kind] += 1
            is_near = place == 0 or len(self.wanted & source.terms) >= _MIN_SHARED
            fit[source.ref] = self.weigh(source.terms) * _PLACE**place if is_near or _is_look_up(source) else 0.0
        best = max((fit[source.ref] for source in self.prompt.sources if not _is_look_up(source)), default=0.0) or 1.0
        firsts = {source.kind: source.ref for source in reversed(self.prompt.sources) if not _is_look_up(source)}
        return {
            ref: max(weight / best, _WORTH_A_STEP if weight and ref in firsts.values() else 0.0)
            for ref, weight in fit.items()
        }

    def compose(self) -> Draft:
        # The order of making decides who gets a sentence: causes, then steps, then what is left to know.
        hypotheses = list(self.hypotheses())
        next_steps = list(self.next_steps())
        facts = list(self.facts())
        if not next_steps:
            next_steps = [Statement(text=self.phrases.ask, citations=[])]
        draft = Draft(
            summary=self.summary(),
            facts=facts,
            hypotheses=hypotheses,
            next_steps=next_steps,
            confidence=self.confidence(),
        )
        return fit_words(draft, int(self.prompt.max_words * STATEMENTS_SHARE))

    def weigh(self, terms: Iterable[str]) -> float:
        """How much of the ticket *terms* share; the subject's words count twice."""
        return sum(self.idf.get(term, 0.0) * (2 if term in self.subject else 1) for term in self.wanted & set(terms))

    def summary(self) -> str:
        phrases, prompt = self.phrases, self.prompt
        subject = quote_of(prompt)
        said = [phrases.about.format(subject=subject) if subject else phrases.about_nothing]
        counts = Counter(source.kind for source in self.bearing)
        things = [
            phrases.names[kind][counts[kind] != 1].format(n=counts[kind])
            for kind in _ORDER
            if counts[kind] and kind in phrases.names
        ]
        said.append(phrases.counts.format(things=_join(things, phrases.conjunction)) if things else phrases.none)
        places = [phrases.places[kind] for kind in prompt.unavailable if kind in phrases.places]
        if places:
            said.append(phrases.missing.format(places=", ".join(places)))
        elif things and self.confidence() is Confidence.LOW:
            said.append(phrases.weak)
        return " ".join(said)

    def hypotheses(self) -> Iterator[Statement]:
        found = 0
        for source in self.best_first:
            if source.kind != "similar_tickets" or self.fit[source.ref] < _WORTH_A_FACT or found == MAX_HYPOTHESES:
                continue
            # A resolution opens with what was wrong, where it doesn't name the cause in so many words.
            opening = [sentence for sentence in source.sentences[:1] if not sentence.is_step]
            sentence = self.take([sentence for sentence in source.sentences if sentence.is_cause] or opening)
            if sentence is not None:
                found += 1
                yield self.state(self.phrases.cause, source, sentence)

    def next_steps(self) -> Iterator[Statement]:
        left = MAX_STEPS
        for source in self.best_first:
            if source.kind not in {"similar_tickets", "knowledge"} or self.fit[source.ref] < _WORTH_A_STEP:
                continue
            steps = [s for s in source.sentences if s.is_step and self.is_new(s)][: min(left, _MAX_STEPS_OF_ONE)]
            for step in steps:
                if self.is_new(step):  # against its neighbours
                    self.used.append(step.terms)
                    left -= 1
                    yield Statement(text=step.text, citations=[source.ref])
            if not steps and left and source.kind == "similar_tickets":
                done = self.take([s for s in source.sentences if not s.is_cause])
                if done is not None:
                    left -= 1
                    yield self.state(self.phrases.helped, source, done)

    def facts(self) -> Iterator[Statement]:
        left = MAX_FACTS
        for source in self.best_first:
            if not left or (self.fit[source.ref] < _WORTH_A_FACT and not _is_look_up(source)):
                continue
            fact = self.fact(source)
            if fact is not None:
                left -= 1
                yield fact

    def fact(self, source: Source) -> Statement | None:
        if _is_look_up(source):
            text = "; ".join(clean(line).rstrip(".;,") for line in source.text.splitlines() if line.strip())
            phrase = self.phrases.asset_fact if source.kind == "assets" else self.phrases.measurement_fact
            if not text or len(text.split()) > _MAX_SENTENCE_WORDS or not self.is_new(Sentence(text, is_step=False)):
                return None
            self.used.append(terms_of(text))
            return Statement(text=phrase.format(title=clean(source.title), text=text), citations=[source.ref])
        sentence = self.take([sentence for sentence in source.sentences if not sentence.is_step])
        phrase = self.phrases.ticket_fact if source.kind == "similar_tickets" else self.phrases.article_fact
        return None if sentence is None else self.state(phrase, source, sentence)

    def take(self, sentences: Iterable[Sentence]) -> Sentence | None:
        """The new one of *sentences* that shares most with the ticket, the earlier of two alike; it is used then."""
        new = [sentence for sentence in sentences if self.is_new(sentence)]
        if not new:
            return None
        best = max(new, key=lambda sentence: self.weigh(sentence.terms) / math.sqrt(1 + len(sentence.terms)))
        self.used.append(best.terms)
        return best

    def is_new(self, sentence: Sentence) -> bool:
        terms = sentence.terms
        return all(len(terms & used) <= _SAME * min(len(terms), len(used)) for used in self.used) and bool(terms)

    def state(self, phrase: str, source: Source, sentence: Sentence) -> Statement:
        title = _shorten(clean(source.title))
        return Statement(
            text=phrase.format(ref=source.ref, title=title, sentence=sentence.text), citations=[source.ref]
        )

    def confidence(self) -> Confidence:
        """By the share of the ticket's words, or of its subject's, that the best ticket or article has too."""
        readable = [source.terms for source in self.bearing if not _is_look_up(source)]
        shares = [
            max(_share(self.subject, terms), _share(self.wanted, terms)) if len(self.wanted & terms) > 1 else 0.0
            for terms in readable
        ]
        best = max(shares, default=0.0)
        if best >= _HIGH:
            return Confidence.HIGH
        return Confidence.MEDIUM if best >= _MEDIUM else Confidence.LOW


def _is_look_up(source: Source) -> bool:
    """Whether the source was looked up by an address, so that it bears on the ticket whatever its words are."""
    return source.kind in {"assets", "monitoring"}


def _share(wanted: frozenset[str], terms: frozenset[str]) -> float:
    return len(wanted & terms) / len(wanted) if wanted else 0.0


def _join(things: list[str], conjunction: str) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} {conjunction} {things[-1]}"


def quote_of(prompt: Prompt) -> str:
    """What the ticket says it is about: its subject, or the first sentence of its text; empty when neither says it."""
    subject = _shorten(clean(prompt.subject).strip(' .!?"“”„«»'))
    if terms_of(subject):
        return subject
    sentences = [sentence.text for sentence in split_sentences(prompt.description)]
    return next((_shorten(text.rstrip(".!?")) for text in sentences if terms_of(text)), "")


def clean(text: str) -> str:
    """*text* on one line without markup, links and control characters."""
    text = _LINK.sub("", _TAG.sub(" ", text))
    text = "".join(" " if unicodedata.category(char) in {"Cc", "Cf"} else char for char in text)
    return " ".join(text.split())


def _shorten(text: str) -> str:
    """*text*, cut between two words where it is too long for a quotation."""
    return text if len(text) <= _MAX_QUOTE_CHARS else text[:_MAX_QUOTE_CHARS].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"


def terms_of(text: str) -> frozenset[str]:
    """The words of *text* that say something, without their endings."""
    return frozenset(
        word if any(char.isdigit() for char in word) else word[:_STEM_CHARS]
        for word in _TOKEN.findall(unicodedata.normalize("NFC", text).lower())
        if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())
    )


def split_sentences(text: str) -> Iterator[Sentence]:
    """The whole sentences of *text*, a list's items among them; what holds a link or is too long is left out."""
    lines = [part for line in text.splitlines() for part in _INLINE_ITEM.split(line)]
    for line in lines:
        is_item = _ITEM.match(line) is not None
        words = _LABEL.sub("", _ITEM.sub("", line)).strip()
        for number, part in enumerate(_split_line(words)):
            if _LINK.search(part) or _TAG.search(part) or part.endswith(("…", "...", ":", ",", ";", "-")):
                continue
            sentence = part if part.endswith((".", "!", "?", ".”", ".“", ".»", '."', ".)")) else f"{part}."
            if _MIN_SENTENCE_WORDS <= len(sentence.split()) <= _MAX_SENTENCE_WORDS:
                is_step = is_instruction(sentence) or (is_item and number == 0 and not CAUSE.search(sentence))
                yield Sentence(sentence[0].upper() + sentence[1:], is_step=is_step)


def _split_line(line: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(line):
        part = line[start : end.start()].strip()
        if part and not ABBREVIATION.search(part):
            yield line[start : end.end()].strip()
            start = end.end()
    if rest := line[start:].strip():
        yield rest


def is_instruction(sentence: str) -> bool:
    """Whether *sentence* tells somebody to do something; by its verb, in four languages."""
    if sentence.endswith("?") or _STATEMENT.match(sentence):
        return False
    heads = [sentence, _ADVERB.sub("", sentence), _CONDITION.sub("", sentence, count=1), sentence.rpartition(", ")[2]]
    if any(_first_word(head) in IMPERATIVES or _POLITE.match(head) for head in heads):
        return True
    if _first_word(sentence) in GERMAN_INFINITIVES:  # "Prüfen, ob …"
        return True
    clauses = [clause for clause in _CLAUSE.split(sentence.rstrip(".!)")) if clause]
    return any(_last_word(clause) in GERMAN_INFINITIVES and not _PASSIVE.search(clause) for clause in clauses)


def _first_word(text: str) -> str:
    return text.split(maxsplit=1)[0].strip(".,:;").lower() if text.strip() else ""


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1].lower() if text.strip() else ""


def fit_words(draft: Draft, max_words: int) -> Draft:
    """*draft* with whole statements left out, the least important first, until it has at most *max_words*."""
    while count_words(texts_of(draft)) > max_words and (draft.facts or draft.hypotheses or draft.next_steps):
        longest = max((draft.facts, draft.next_steps, draft.hypotheses), key=len)
        name = next(name for name in ("facts", "next_steps", "hypotheses") if getattr(draft, name) is longest)
        draft = draft.model_copy(update={name: longest[:-1]})
    return draft


def texts_of(draft: Draft) -> list[str]:
    parts = (draft.facts, draft.hypotheses, draft.next_steps)
    return [draft.summary, *(statement.text for part in parts for statement in part)]
