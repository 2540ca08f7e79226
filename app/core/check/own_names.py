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
from collections.abc import Collection, Sequence
from typing import Final

from app.core.check.acts.said import of_any_problem
from app.core.check.lexicon import act_words, lexicon
from app.core.check.records import Record
from app.core.check.sentences import read, split_parts
from app.core.check.tokens import chunks, normal, stems

_LEAST_STEMS: Final = 2
# A device, a model, an error's code, a drive, an account of an initial and a name.
_NAME = re.compile(
    r"(?=[a-z0-9_-]*\d)[a-z]{1,12}(?:[-_]?[a-z0-9]{1,10}){1,3}|[a-z]:|[a-z]\.[a-z]{3,20}|i(?:phone|pad)s?"
)
_NUMBER = re.compile(r"\d{1,4}")
_CAPITAL = re.compile(r"[A-Z][^\W\d_]+")
# Looked for from a word's begin alone: from each capital of a long word it would be read to its end.
_PERSON = re.compile(r"(?<![^\W\d_])[^\W\d_A-Z]*+([A-Z][^\W\d_]++ [A-Z][^\W\d_]+)")
_MAX_NAMES: Final = 4
_LETTERS_OF_THING: Final = 6
"""Shorter names look like words too often: Kern, Anna."""
_TITLE: Final = frozenset("mr mrs ms mme mlle herr herrn frau sr sra".split())
_OUTER: Final = ".,;:!?()[]\"'»«„“”‘’"


def without_own_names(
    sentence: str, named: Sequence[Record], known: Sequence[Record], *, language: str, requester: str = ""
) -> str:
    """*sentence* without the names that *named* have and none of *known* has, where enough of a part stays.

    A name is also that of *requester*, and a person's first or last one at a sentence's begin, in German the former.
    """
    people = _names_of(requester)
    if language != "de":
        pairs = (pair for each in named for pair in _PERSON.findall(each.text))
        people |= set[str]().union(*(_names_of(pair) for pair in pairs if _is_person(pair)))
    parts = split_parts(sentence)
    return "".join(_without(part, named, people, known, language=language, is_part=len(parts) > 1) for part in parts)


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
        elif word.strip(_OUTER) not in record.told and any(map(_is_person, _PERSON.findall(record.text))):
            return True
    return False


def _without(
    part: str,
    named: Sequence[Record],
    people: Collection[str],
    known: Sequence[Record],
    *,
    language: str,
    is_part: bool,
) -> str:
    words = part.split(" ")
    own = [
        _is_own(word, words[at - 1] if at else "", named, people, known, language=language)
        for at, word in enumerate(words)
    ]
    kept = [
        word
        for at, word in enumerate(words)
        if not (own[at] or (own[at + 1 : at + 2] == [True] and normal(word.strip(_OUTER)) in _TITLE))
    ]
    rest = " ".join(kept)
    left = read(rest)
    is_person = not any(chunks(word)[0].is_operand for word in words if word and word not in kept)
    least = 1 if is_person and is_part else _LEAST_STEMS
    return rest if len(kept) < len(words) and len(left.stems) + len(left.operands) >= least else part


def _is_own(
    word: str, before: str, named: Sequence[Record], people: Collection[str], known: Sequence[Record], *, language: str
) -> bool:
    if not word:
        return False
    chunk = chunks(word)[0]
    if chunk.is_operand:
        name = chunk.text
        if any(record.holds(name) for record in known):
            return False
        if _NUMBER.fullmatch(name):
            thing = normal(before.strip(_OUTER))
            is_thing = thing.isalpha() and thing not in lexicon().empty and not _is_done(thing)
            return is_thing and any(f" {thing} {name} " in record.words for record in named)
        return _NAME.fullmatch(name) is not None and any(record.holds(name) for record in named)
    name = word.strip(_OUTER).removesuffix("'s").removesuffix("’s")
    small = normal(name)
    is_begin = not before or before.endswith((".", "!", "?", ":"))
    if not _CAPITAL.fullmatch(name) or ((is_begin or language == "de") and small not in people):
        return False
    if small in people:  # "Dan" is no other word for anything
        is_known = any(stem in record.stems for record in known for stem in stems(small))
    else:
        is_known = any(record.known(stems(small)) for record in known)
    is_known = is_known or small in lexicon().empty or _is_done(small)
    return not is_known and (small in people or any(name in record.text for record in named))


def _names_of(requester: str) -> set[str]:
    """The words of a person's name; none of any other text that stands for one."""
    words = requester.split()
    is_name = len(words) <= _MAX_NAMES and all(map(_CAPITAL.fullmatch, words))
    names = {normal(word) for word in words}
    return names if is_name and lexicon().empty.isdisjoint(names) and not any(map(_is_done, names)) else set()


def _is_person(pair: str) -> bool:
    """Not of "Credential Manager" or "Finance Director", of which a word is known."""
    known = lexicon().same.keys() | lexicon().light | of_any_problem() | act_words().of_people
    return not any(
        stem in known for word in pair.split() if len(word) >= _LETTERS_OF_THING for stem in stems(normal(word))
    )


def _is_done(word: str) -> bool:
    return any(stem in lexicon().actions for stem in stems(word))
