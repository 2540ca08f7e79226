"""What the terms of a query weigh among the documents of one kind, and which of them find documents. No I/O.

    weight = f · 9 / (f + 8) · ln((documents + 1) / (documents that hold the term + 0.5))

where f is how often the term occurs in the query: as in documents, more counts more but less and less, and a term that
occurs once counts 1. What is rare tells more. That no document holds a term says little where there are few documents:
with up to 100 it counts as if one held it, so that the names in "New starter: Liam O'Brien" outweigh nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, takewhile
from math import log
from typing import Any, Final

from app.db.knowledge.reading import CODE_MARK

_MAX_TERMS: Final = 60
# The most that a document could score is by the 12 terms that weigh most, else no document could fit a long ticket.
_MAX_FITTING: Final = 12
# What is read does not grow with the corpus, nor where all documents hold the same few words: of each term 250 postings,
# as rank.sql has it; a rare term is always read whole.
_MAX_POSTINGS, _MAX_POSTINGS_OF_TERM = 4_000, 250

_FEW_DOCUMENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Corpus:
    """The indexed documents of one kind."""

    documents: int
    """At least one."""
    mean_length: float


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A term of a query."""

    term: str
    variant: str | int
    """Of the terms of one variant the best counts."""
    word: str | int
    """Of terms that overlap, and together say one thing, the same."""
    words: int
    """How many words of the query its word is worth."""
    frequency: float
    """How often it occurs: twice as much in the subject."""
    documents: int = 0
    """How many hold it."""

    def weight(self, corpus: Corpus) -> float:
        documents = self.documents or min(1.0, _FEW_DOCUMENTS / corpus.documents)
        return self.frequency * 9 / (self.frequency + 8) * log((corpus.documents + 1) / (documents + 0.5))

    def is_rare_string(self, corpus: Corpus) -> bool:
        """Whether it is an error code or the like that few documents hold."""
        limit = max(3, corpus.documents // 50)
        return self.term.startswith(CODE_MARK) and self.documents <= limit


@dataclass(frozen=True, slots=True)
class Weighed:
    """The terms of a query by which documents of *corpus* are ranked."""

    corpus: Corpus
    held: Mapping[QueryTerm, float]
    """Those that some document holds, with their weights, the weightiest first."""
    most: float
    """The most that a document could score."""
    asked_words: int
    """How many words the query has."""

    @property
    def values(self) -> dict[str, Any]:
        """As rank.sql takes them."""
        numbers: dict[tuple[str | int, str | int], int] = {}
        read = accumulate(min(term.documents, _MAX_POSTINGS_OF_TERM) for term in self.held)
        variants = [numbers.setdefault((term.variant, term.word), len(numbers)) for term in self.held]
        return {
            "terms": [term.term for term in self.held],
            "weights": list(self.held.values()),
            "variants": variants,
            "has_variants": len(numbers) < len(variants),
            "telling": sum(1 for _ in takewhile(lambda postings: postings <= _MAX_POSTINGS, read)),
            "most": self.most,
            "mean_length": self.corpus.mean_length,
        }

    def at(self, places: int) -> dict[QueryTerm, float]:
        """Those whose bits are set in *places*, the first term's being the lowest; with their weights."""
        return {term: weight for place, (term, weight) in enumerate(self.held.items()) if places >> place & 1}


def weigh(terms: Iterable[QueryTerm], corpus: Corpus) -> Weighed:
    """The 60 of *terms* that weigh most."""
    found = sorted(((term.weight(corpus), term) for term in terms), key=lambda each: (-each[0], each[1].term))
    weights = {term: weight for weight, term in found[:_MAX_TERMS]}
    best: dict[tuple[str | int, str | int], float] = {}
    for term, weight in weights.items():
        best.setdefault((term.variant, term.word), weight)
    return Weighed(
        corpus,
        held={term: weight for term, weight in weights.items() if term.documents},
        # Of a query without a term nothing is found by words.
        most=2.2 * sum(sorted(best.values(), reverse=True)[:_MAX_FITTING]) or 1.0,
        asked_words=len({term.word for term in weights}),
    )


def count_words(terms: Iterable[QueryTerm]) -> int:
    """How many words *terms* are worth together."""
    words: dict[str | int, int] = {}
    for term in terms:
        words[term.word] = max(words.get(term.word, 0), term.words)
    return sum(words.values())
