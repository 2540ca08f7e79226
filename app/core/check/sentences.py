"""A sentence as the check of support compares it: its words, operands and parts.

Invariant: what is read depends on the sentence alone, so each is read once (`read`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

from app.core.check.lexicon import lexicon
from app.core.check.tokens import Chunk, chunks, normal, stems, tokens

_SPELLED: Final = 3
"""So many letters in a row, each a word of its own, spell a word."""
_TICKETS: Final = frozenset({"ticket", "tickets"})
"""Of "a similar ticket" it speaks of a record; of "the ticket" of this one."""
SWITCHES: Final = frozenset({"turn", "switch", "schal"})
"""Stems of verbs that say something with a particle alone: `direction.actions` reads them."""
# Where one thing to say or do ends and another begins.
_PART = re.compile(
    r";|\s[–—-]\s|,?\s(?:(?:and|und|et|y)\s)?(?:then|dann|danach|puis|ensuite|luego)\b|,\s(?:and|und|et|y)\s"
)
_TICKET_NUMBER = re.compile(r"#\d+")
_NUMBERED_THINGS: Final = frozenset(
    "ticket tickets request requests case cases incident incidents article articles kb solution solutions artikel"
    " anfrage anfragen vorfall losung demande demandes cas solicitud solicitudes caso casos articulo articulos".split()
)
"""Behind one of these stands a number of the help desk."""
_NUMBER_WORDS: Final = frozenset("no nr n° number nummer numero id".split())
_CURRENCIES: Final = frozenset(
    "eur euro euros usd dollar dollars dolares gbp pound pounds pfund libras livres chf franken francs francos"
    " sek nok dkk pln zl czk".split()
)
"""Behind a number it is an amount: "600 euros" is not said by "600 cycles"."""
_LISTING: Final = frozenset("and or und oder et ou y o".split())
_LIST: Final = 2
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+")


@dataclass(frozen=True)
class Words:
    """A sentence, or a part of one."""

    text: str
    """As it was written."""
    chunks: list[Chunk]
    stems: list[str]
    """Of its content words, in their order, each once."""

    @cached_property
    def line(self) -> str:
        """Its normal form on one line, without the mark at its end."""
        return " ".join(normal(self.text).split()).rstrip(".!?… ")

    @cached_property
    def tokens(self) -> list[str]:
        return tokens(self.line)

    @property
    def operands(self) -> list[str]:
        return [chunk.text for chunk in self.chunks if chunk.is_operand]


@lru_cache(maxsize=256)
def read(sentence: str) -> Words:
    sentence = _NUMBERED.sub("", sentence)
    parts = chunks(sentence)
    empty, of_records = lexicon().empty, lexicon().records
    content: list[str] = []
    letters = before = ""
    for at, chunk in enumerate(parts):
        is_numbered = at + 1 < len(parts) and parts[at + 1].is_operand
        for token in chunk.words:
            before, previous = token, before
            if token in _TICKETS and (is_numbered or previous in of_records):
                continue
            letters = letters + token if len(token) == 1 else ""
            if len(letters) >= _SPELLED:
                content.append(letters)
            elif token not in empty:
                content += [stem for stem in stems(token) if stem not in SWITCHES]
    return Words(sentence, parts, list(dict.fromkeys(stem for stem in content if len(stem) > 1)))


def split_parts(sentence: str) -> list[str]:
    """*sentence* cut where one thing to say or do ends, each cut a part of its own: joined they are *sentence*."""
    ends = [0, *(at for found in _PART.finditer(sentence) for at in found.span()), len(sentence)]
    return [sentence[one:other] for one, other in pairwise(ends)]


def parts_of(sentence: str) -> list[Words]:
    """Its parts that say something; "delete it" says it of what stands last in the part before."""
    parts: list[Words] = []
    for part in map(read, _PART.split(sentence)):
        if len(part.stems) == 1 and part.stems[0] in lexicon().actions and parts and parts[-1].stems:
            stems_with_object = [parts[-1].stems[-1], *part.stems]
            parts.append(Words(part.text, part.chunks, stems_with_object))
        elif len(part.stems) > 1:
            parts.append(part)
    return parts


def is_question(sentence: str) -> bool:
    return sentence.rstrip("\"'”»)] ").endswith(("?", "？"))


def runs(parts: Sequence[Chunk]) -> Iterable[str]:
    """The runs of operands in normal form. A flag takes the word before it along, a sign that joins what is around."""
    run: list[str] = []
    joins = False
    for at, chunk in enumerate(parts):
        before = parts[at - 1] if at else None
        breaks = chunk.opens or (before is not None and (before.closes or _TICKET_NUMBER.fullmatch(before.text)))
        if run and (breaks or not (chunk.is_operand or joins)):
            yield " ".join(run)
            run = []
        if chunk.is_operand or (joins and not breaks):
            if not run and _is_of_ticket(parts, at):
                yield f"#{chunk.text.lstrip('#')}"
                joins = False
                continue
            if not run and before is not None and not breaks and (chunk.is_glue or _is_flag_of(before, chunk)):
                run = [before.text]
            run.append(chunk.text)
        is_flag = chunk.is_flag and chunk.text.startswith("-") and _follows(parts, at)
        joins = chunk.is_glue or is_flag or _is_amount(parts, at)
    if run:
        yield " ".join(run)


def _is_of_ticket(parts: Sequence[Chunk], at: int) -> bool:
    """Whether it is the number of a ticket or an article, behind such a word, or behind another number of one."""
    while at >= _LIST and parts[at - 1].text in _LISTING and parts[at - _LIST].is_operand:
        at -= _LIST
    before = next((each.text for each in reversed(parts[:at]) if each.text not in _NUMBER_WORDS), "")
    return parts[at].text.lstrip("#").isdecimal() and before in _NUMBERED_THINGS


def _is_flag_of(before: Chunk, chunk: Chunk) -> bool:
    """Whether *chunk* is a flag of the word *before* it; behind "of" and "brought" it is a path, /var."""
    words = lexicon()
    is_prose = before.text in words.empty or any(stem in words.light for stem in stems(before.text))
    return chunk.is_flag and not (chunk.text.startswith("/") and is_prose)


def _is_amount(parts: Sequence[Chunk], at: int) -> bool:
    is_money = at + 1 < len(parts) and not _CURRENCIES.isdisjoint(parts[at + 1].words)
    return is_money and parts[at].text[-1:].isdigit() and not parts[at].closes


def _follows(parts: Sequence[Chunk], at: int) -> bool:
    """Whether what follows the flag at *at* may be its value."""
    return at + 1 < len(parts) and parts[at + 1].text not in lexicon().function
