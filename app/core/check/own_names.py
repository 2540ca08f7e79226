"""What a ticket is about, named in a sentence that the records support: its device, its account, its user.

A resolution seldom names them; subject and problem do, which requesters write. And what helped for one device a model
says of the ticket's:

    record      "The disk of nas-bak02 had crashed; replaced it while running, started the repair of the volume."
    ticket      "nas-arc01: disk 3 is amber"
    sentence    "Replace disk 3 of nas-arc01 while running, start the repair of the volume."
    judged is   "Replace disk of while running, start the repair of the volume."

Only names are taken out that can't be opened, called or run, and enough words have to stay that the records must say. A
record that names a thing of its own is held to it: "restarted the spooler on srv-print01" says nothing of PC-0231.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from app.core.check.lexicon import lexicon
from app.core.check.records import Record, Records
from app.core.check.sentences import read, split_parts
from app.core.check.tokens import chunks, normal, stems

_LEAST_STEMS: Final = 2
# A device, a model, an error's code, a drive, an account of an initial and a name.
_NAME = re.compile(
    r"(?=[a-z0-9_-]*\d)[a-z]{1,12}(?:[-_]?[a-z0-9]{1,10}){1,3}|[a-z]:|[a-z]\.[a-z]{3,20}|i(?:phone|pad)s?"
)
_NUMBER = re.compile(r"\d{1,4}")
_CAPITAL = re.compile(r"[A-Z][^\W\d_]+")
_PERSON = re.compile(r"[A-Z][^\W\d_]+ [A-Z][^\W\d_]+")
_OUTER: Final = ".,;:!?()[]\"'»«„“”‘’"


def without_own_names(sentence: str, named: Sequence[Record], records: Records, *, language: str) -> str:
    """*sentence* without the names that *named* have and no record has, but where too little of a part would stay."""
    return "".join(_without(part, named, records, language=language) for part in split_parts(sentence))


def names_its_own(record: Record, sentence: str, rest: str) -> bool:
    """Whether *record* names a thing like those that *rest* of *sentence* is without."""
    if record.is_list:
        return False
    left = rest.split()
    words = sentence.split()
    taken = [(words[at - 1] if at else "", word) for at, word in enumerate(words) if word not in left]
    operands = [chunk.text for chunk in chunks(record.text) if chunk.is_operand]
    for before, word in taken:
        name = chunks(word)[0].text
        if _NUMBER.fullmatch(name):
            thing = normal(before.strip(_OUTER))
            if re.search(rf" {re.escape(thing)} \d", record.words):
                return True
        elif chunks(word)[0].is_operand:
            if any(map(_NAME.fullmatch, operands)):
                return True
        elif _PERSON.search(record.text):
            return True
    return False


def _without(part: str, named: Sequence[Record], records: Records, *, language: str) -> str:
    words = part.split(" ")
    kept = [
        word
        for at, word in enumerate(words)
        if not _is_own(word, words[at - 1] if at else "", named, records, language=language)
    ]
    rest = " ".join(kept)
    left = read(rest)
    return rest if len(kept) < len(words) and len(left.stems) + len(left.operands) >= _LEAST_STEMS else part


def _is_own(word: str, before: str, named: Sequence[Record], records: Records, *, language: str) -> bool:
    if not word:
        return False
    chunk = chunks(word)[0]
    if chunk.is_operand:
        name = chunk.text
        if any(record.holds(name) for record in records.records):
            return False
        if _NUMBER.fullmatch(name):
            thing = normal(before.strip(_OUTER))
            is_thing = thing.isalpha() and thing not in lexicon().empty and not _is_done(thing)
            return is_thing and any(f" {thing} {name} " in record.words for record in named)
        return _NAME.fullmatch(name) is not None and any(record.holds(name) for record in named)
    name = word.strip(_OUTER).removesuffix("'s").removesuffix("’s")
    if not before or before.endswith((".", "!", "?", ":")) or language == "de" or not _CAPITAL.fullmatch(name):
        return False
    small = normal(name)
    is_known = small in lexicon().empty or any(record.known(stems(small)) for record in records.records)
    return not is_known and not _is_done(small) and any(name in record.text for record in named)


def _is_done(word: str) -> bool:
    return any(stem in lexicon().actions for stem in stems(word))
