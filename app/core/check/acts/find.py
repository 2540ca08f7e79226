"""What a sentence does that no record says as a whole, where that changes nothing: it asks, looks at something, tells
whose work it is, supposes a cause, says that nothing was found, or repeats what is wrong.

    act          form                                       its words                                     where
    ──────────   ────────────────────────────────────────   ───────────────────────────────────────────   ──────────
    asks         "…?", "Ask the user whether …"             the records', the ticket's, those of any      not facts
                                                            problem (`ordinary`)
    looks        "Check …", "Compare …", "Prüfen, ob …"     names something of a record; the records'     not facts
                                                            and ordinary ones
    passes on    "Contact …", "Escalate to …"               the same, without one that is not             not facts
    supposes     "… may be …", "probably …"                 most in one record, none of an order          not facts
    found none   "No source is about the lift."             those, and of the ticket                      not facts
    repeats      says what fails or works                   the ticket's, two of three in the records     summary

None of them says to change something (`actions` but for `events`), orders or permits, asks for what is secret, or
claims what somebody may. Operands are judged before: they stand in a record as a whole run.

Invariant: `find_act` depends on its arguments alone. What it does not know is no act.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Final

from app.core.check.acts.harm import THEN, WHO_TELLS, changes_nothing, has_secret, is_harmless, is_spelled, states
from app.core.check.acts.said import (
    OPERAND,
    PAUSE,
    Said,
    begins,
    content_of,
    is_action,
    is_one_of,
    knows,
    names_something,
    state_stems,
    topic_of,
    unknown_to,
    words_of,
)
from app.core.check.lexicon import act_words, lexicon
from app.core.check.records import Record, Records
from app.core.check.tokens import Chunk, stems
from app.core.reading.language import spoken_language

_BEHIND_VERB: Final = {
    "de": frozenset("der die das den dem ein eine er sie es man".split()),
    "fr": frozenset("il elle ils elles".split()),
    "es": frozenset("el la los las un una algun alguna lo".split()),
}
"""In languages in which a verb may begin a question: what stands behind it."""
_BEFORE_ANOTHER: Final = {"due": {"to"}, "hay": {"que"}}
"""What gives a cause or an order before another word alone: "payroll is due at noon" gives none."""
_STEPS: Final = THEN - {","}
_TO_DO: Final = frozenset({"to", "zu", "de", "que"})
_OPEN: Final = frozenset("open offen offener ouvert ouverte abierto abierta".split())
_TEST_WORDS: Final = 4
_FEW: Final = 2
"""Content words up to which each has to be known."""
_LEAST_OF_ONE_RECORD: Final = 2
_SHARE_OF_ONE_RECORD: Final = 0.5
_NOT_IN_RECORDS: Final = 1 / 3
_NEW_THINGS: Final = 1
"""Of what neither the ticket nor a record names, a summary may bring one: "the RAID controller's battery" is more."""
_ASKED_OF_TICKET: Final = 0.45
_ASKED_OF_NOTHING: Final = 2


class Act(StrEnum):
    ASKS = "asks"
    LOOKS = "looks"
    PASSES_ON = "passes_on"
    SUPPOSES = "supposes"
    FOUND_NONE = "found_none"
    REPEATS = "repeats"


def find_act(
    parts: Sequence[Chunk], records: Records, *, language: str, ticket: Record, may_repeat: bool, is_question: bool
) -> Act | None:
    """The act of a sentence, or None.

    Args:
        parts: Its chunks; all operands are known.
        records: All of the enhancement.
        language: The note's, ISO 639-1.
        ticket: What the requester wrote.
        may_repeat: Whether the sentence may repeat it.
        is_question: Whether it ends with a question mark.
    """
    words = words_of(parts)
    while words and words[0] in act_words().adverbs:
        del words[0]
    said = Said(words, [part.text for part in parts if part.is_operand], is_question, language)
    if not words or is_spelled(words) or any(map(_is_without, words, [*words[1:], ""])):
        return None
    if not _STEPS.isdisjoint(words[1:]):  # several sentences in one: each is judged by itself
        return None
    acts = (act for act, is_done in _ACTS.items() if is_done(said, records, ticket))
    act = next(acts, None)
    return None if act is Act.REPEATS and not may_repeat else act


def _asks(said: Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    rest = _asked(said, records)
    if rest is None:
        return False
    if said.has(known.orders - known.request) or said.has(known.claims):
        return False
    happened = said.is_question and words[0] in known.happened and known.you.isdisjoint(words)
    if not is_harmless(said, rest, records, is_clause=True, happened=happened):
        return False
    unknown = unknown_to(rest, records)
    if unknown and spoken_language(" ".join(words)) not in {said.language, "en"}:
        return False  # in a language that is not known, a word may be anything
    elsewhere = [stem for stem in unknown if not knows(ticket, stem)]
    return len(unknown) <= max(1, len(content_of(rest)) * _ASKED_OF_TICKET) and len(elsewhere) <= _ASKED_OF_NOTHING


def _asked(said: Said, records: Records) -> list[str] | None:
    """The words of *said* that say what is asked; None: it asks for something to be done, or not at all."""
    known, words = act_words(), said.words
    if said.is_question:
        is_request = words[0] in known.request and not known.reader.isdisjoint(words[1:3])
        behind_verb = _BEHIND_VERB.get(said.language, frozenset())
        begins = not (_interrogatives().isdisjoint(words[:2]) and behind_verb.isdisjoint(words[1:]))
        return words if begins and not is_request and words[0] not in known.why else None
    at = _asking(said)
    rest = _without_people(words[at + 1 :]) if at is not None else []
    if not rest:
        return None
    if rest[0] not in known.whether | known.which and (  # "Ask for the exact message" alone
        any(map(is_action, rest)) or not _TO_DO.isdisjoint(words) or OPERAND in rest or unknown_to(rest, records)
    ):
        return None
    return rest


@cache
def _interrogatives() -> frozenset[str]:
    known = act_words()
    return known.whether | known.which | known.auxiliaries | known.request


def _looks(said: Said, records: Records, _: Record) -> bool:
    known = act_words()
    verbs = known.look | known.tries if _is_test(said.words) else known.look
    if said.is_question or not begins(said, verbs):
        return False
    rest = [word for word in said.words if not is_one_of(word, verbs)]
    clause = not (known.whether | known.which).isdisjoint(rest[:3])
    if not clause and not _OPEN.isdisjoint(rest):  # "with the firewall open"
        return False
    if not known.whether.isdisjoint(rest[:3]):
        rest = [word for word in rest if word not in known.may_be_so]
    return (
        known.you.isdisjoint(rest)
        and known.orders.isdisjoint(rest)
        and is_harmless(said, rest, records, is_clause=clause)
        and names_something(said, rest, records)
        and len(unknown_to(rest, records)) <= (bool(said.operands) + (len(content_of(rest)) > _FEW))
    )


def _is_test(words: Sequence[str]) -> bool:
    return any(word.startswith(test) for word in words[:_TEST_WORDS] for test in act_words().test)


def _passes_on(said: Said, records: Records, _: Record) -> bool:
    known = act_words()
    hands_over = said.words[0] in known.hand_over and "ticket" in said.words[1:3]
    if said.is_question or not (hands_over or begins(said, known.pass_on)):
        return False
    rest = said.words[1:] if hands_over else [word for word in said.words if not is_one_of(word, known.pass_on)]
    return (
        not said.has((known.orders | known.you) - {"required"})
        and is_harmless(said, rest, records, is_clause=False)
        and names_something(said, rest, records)
        and not unknown_to(rest, records)
    )


def _supposes(said: Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    is_guess = any(
        is_one_of(word, known.supposes) or (word in known.may and _may_be(words[at + 1 : at + 3]))
        for at, word in enumerate(words)
    )
    if said.is_question or not is_guess or said.has(known.orders - known.may):
        return False
    rest = [word for word in words if not is_one_of(word, known.supposes)]
    content, unknown = topic_of(rest), unknown_to(rest, records)

    def is_of(record: Record) -> bool:
        there = sum(knows(record, stem) for stem in content_of(rest)) + sum(map(record.holds, said.operands))
        about = sum(knows(record, stem) for stem in content)
        return there >= _LEAST_OF_ONE_RECORD and about >= _SHARE_OF_ONE_RECORD * len(content)

    return (
        states(rest, records)
        and any(map(is_of, records.records))
        and sum(not knows(ticket, stem) for stem in unknown) <= (1 if len(content) > _FEW else 0)
        and len(unknown) <= 1 + (len(content) > _FEW)
    )


def _may_be(following: Sequence[str]) -> bool:
    known = act_words()
    if any(is_action(word) and not is_one_of(word, known.events) for word in following):  # "may be deleted"
        return False
    if following[:1] == ["have"]:
        return any(word in known.may_have or word.endswith("ed") for word in following[1:])
    return not known.may_be.isdisjoint(following)


def _found_none(said: Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    if said.operands or said.has(known.orders | known.claims | known.you) or not said.has(known.found):
        return False
    if words[0] in known.none and all(stem in _found_stems() for stem in said.stems):
        return True
    is_of_sources = not known.source.isdisjoint(words[:3])
    return (
        is_of_sources
        and not (lexicon().negators | lexicon().only).isdisjoint(words)
        and not has_secret(words)
        and changes_nothing(words, None, is_clause=True)
        and all(knows(ticket, stem) for stem in unknown_to(words, records))
    )


@cache
def _found_stems() -> frozenset[str]:
    return frozenset(stem for word in act_words().found for stem in stems(word))


def _repeats(said: Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    if said.is_question or said.has((known.orders | known.note | known.causes) - _BEFORE_ANOTHER.keys()):
        return False
    if any(following in _BEFORE_ANOTHER.get(word, ()) for word, following in pairwise(words)):
        return False
    if (known.state - known.adverbs).isdisjoint(words[1:]) and not _is_not_so(words) and not _is_told(words):
        return False
    missing = unknown_to(words, records)
    behind_pauses = [word for at, word in enumerate(words) if at and words[at - 1] == PAUSE]
    return (
        not unknown_to(behind_pauses, records)
        and states(words, records)
        and names_something(said, words, records)
        and len(missing) <= max(1, len(content_of(words)) * _NOT_IN_RECORDS)
        and sum(not knows(ticket, stem) for stem in missing) <= 1
        and all(ticket.holds(word) for word in words if is_one_of(word, known.outcomes))
        and sum(not (knows(ticket, stem) or knows(records, stem)) for stem in _things_in(words)) <= _NEW_THINGS
    )


def _things_in(words: Sequence[str]) -> list[str]:
    """What of *words* is the name of a thing, or of nothing that is known."""
    known = act_words()
    passing = known.ordinary | known.events | state_stems() | lexicon().light
    return [stem for stem in content_of(words) if stem not in passing]


def _is_not_so(words: Sequence[str]) -> bool:
    """Whether it says that something does not work: "doesn't open", "does not open", "geht nicht"."""
    known = act_words()
    does_not = any(one in known.does and other == "not" for one, other in pairwise(words))
    return does_not or not (known.cannot | known.does_not).isdisjoint(words[1:])


def _is_told(words: Sequence[str]) -> bool:
    """Whether it begins with who reports it: "The user sees …", "Several colleagues report that …"."""
    known = act_words()
    who = known.people | known.ordinary
    return any(is_one_of(one, who) and is_one_of(other, known.tells) for one, other in pairwise(words[:WHO_TELLS]))


def _is_without(word: str, following: str) -> bool:
    """Whether it goes without something: "without the firewall", but not "without trouble"."""
    return word in lexicon().without and not is_one_of(following, state_stems())


def _asking(said: Said) -> int | None:
    """The place of the verb that asks: the first, in German behind those who are asked, too."""
    known = act_words()
    for at, word in enumerate(said.words):
        if is_one_of(word, known.ask):
            return at
        if said.language != "de" or not (word in lexicon().empty or is_one_of(word, known.people)):
            return None
    return None


def _without_people(words: Sequence[str]) -> list[str]:
    """*words* without those at the begin that say who is asked."""
    known, rest = act_words(), list(words)
    interrogative = known.whether | known.which
    who = lexicon().empty | {PAUSE}
    while rest and rest[0] not in interrogative and (rest[0] in who or is_one_of(rest[0], known.ordinary)):
        del rest[0]
    return rest or list(words)


_ACTS: Final[dict[Act, Callable[[Said, Records, Record], bool]]] = {
    Act.FOUND_NONE: _found_none,
    Act.ASKS: _asks,
    Act.LOOKS: _looks,
    Act.PASSES_ON: _passes_on,
    Act.SUPPOSES: _supposes,
    Act.REPEATS: _repeats,
}
