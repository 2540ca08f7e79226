"""A sentence by its words, and which of them the records know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from app.core.check.lexicon import act_words, lexicon
from app.core.check.records import Record, Records
from app.core.check.tokens import Chunk, stems

OPERAND: Final = ""
"""Stands for an operand among the words."""
PAUSE: Final = ","
NO_WORDS: Final = frozenset({OPERAND, PAUSE, "ticket", "tickets"})


@dataclass(frozen=True)
class Said:
    """A sentence by its words, operands as `OPERAND`."""

    words: list[str]
    operands: list[str]
    is_question: bool
    language: str

    @cached_property
    def stems(self) -> list[str]:
        """Of its content words, each once."""
        empty = lexicon().empty | NO_WORDS
        content = (stem for word in self.words if word not in empty for stem in stems(word))
        return list(dict.fromkeys(stem for stem in content if len(stem) > 1))

    def has(self, words: frozenset[str]) -> bool:
        return any(word in words for word in self.words)


def words_of(parts: Sequence[Chunk]) -> list[str]:
    """The words of a sentence, `OPERAND` for each operand, and `PAUSE` behind one that has a mark behind it."""
    words: list[str] = []
    for part in parts:
        words += [OPERAND] if part.is_operand else part.words
        if part.closes and part is not parts[-1]:
            words.append(PAUSE)
    return words


def begins(said: Said, verbs: frozenset[str]) -> bool:
    """German tells what to do with the last word, too."""
    return is_one_of(said.words[0], verbs) or (said.language == "de" and is_one_of(said.words[-1], verbs))


def names_something(said: Said, rest: Sequence[str], records: Records) -> bool:
    return bool(said.operands) or any(knows(records, stem) for stem in content_of(rest))


def content_of(words: Sequence[str]) -> list[str]:
    empty = _empty()
    content = (stem for word in words if word not in empty for stem in stems(word))
    return list(dict.fromkeys(stem for stem in content if len(stem) > 1))


def topic_of(words: Sequence[str]) -> list[str]:
    """The content words that any problem does not have."""
    problem = of_any_problem()
    return [stem for stem in content_of(words) if stem not in problem]


@cache
def state_stems() -> frozenset[str]:
    """Of the words that say that something works, or what is wrong."""
    return frozenset(stem for word in act_words().state for stem in stems(word))


@cache
def _empty() -> frozenset[str]:
    known = act_words()
    return lexicon().empty | known.whether | known.which | known.auxiliaries | NO_WORDS


@cache
def of_any_problem() -> frozenset[str]:
    known = act_words()
    return known.ordinary | known.trade | known.events | state_stems() | lexicon().light


def unknown_to(words: Sequence[str], records: Records) -> list[str]:
    return [stem for stem in topic_of(words) if not knows(records, stem)]


def knows(record: Record | Records, stem: str) -> bool:
    return stem in record.stems or not lexicon().same.get(stem, frozenset()).isdisjoint(record.stems)


def is_action(word: str) -> bool:
    return any(stem in lexicon().actions for stem in (stems(word) if word else ()))


def is_one_of(word: str, of: frozenset[str]) -> bool:
    return bool(word) and any(stem in of for stem in stems(word))
