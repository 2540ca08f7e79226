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
    found none   "No similar ticket was found."             those alone                                   not facts
    repeats      says what fails or works                   the ticket's, two of three in the records     summary

None of them says to change something (`actions` but for `events`), orders or permits, asks for what is secret, or
claims what somebody may. Operands are judged before: they stand in a record as a whole run.

Invariant: `find_act` depends on its arguments alone. What it does not know is no act.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, partial
from itertools import pairwise
from typing import Final

from app.core.language import spoken_language
from app.core.lexicon import act_words, lexicon
from app.core.records import Record, Records
from app.core.tokens import Chunk, is_break, stems

_SWITCHES: Final = frozenset({"turn", "switch", "schal"})
_PARTICLES: Final = frozenset({"on", "off", "ein", "aus", "an", "ab"})
_BEHIND_VERB: Final = {
    "de": frozenset("der die das den dem ein eine er sie es man".split()),
    "fr": frozenset("il elle ils elles".split()),
    "es": frozenset("el la los las un una algun alguna lo".split()),
}
"""In languages in which a verb may begin a question: what stands behind it."""
_THEN: Final = frozenset({",", "then", "dann", "puis", "luego"})
_STEPS: Final = _THEN - {","}
_TO_DO: Final = frozenset({"to", "zu", "de", "que"})
_DO: Final = frozenset({"do", "don't", "never", "not", "have", "be", "let"})
_OF: Final = frozenset({"of", "von", "des", "der", "de", "du", "del"})
"""Behind a noun at the begin."""
_OPEN: Final = frozenset("open offen offener ouvert ouverte abierto abierta".split())
_OPERAND: Final = ""
"""Stands for an operand among the words."""
_PAUSE: Final = ","
_NO_WORDS: Final = frozenset({_OPERAND, _PAUSE, "ticket", "tickets"})


class Act(StrEnum):
    ASKS = "asks"
    LOOKS = "looks"
    PASSES_ON = "passes_on"
    SUPPOSES = "supposes"
    FOUND_NONE = "found_none"
    REPEATS = "repeats"


@dataclass(frozen=True)
class _Said:
    """A sentence by its words, operands as `_OPERAND`."""

    words: list[str]
    operands: list[str]
    is_question: bool
    language: str

    @cached_property
    def stems(self) -> list[str]:
        """Of its content words, each once."""
        empty = lexicon().empty | _NO_WORDS
        content = (stem for word in self.words if word not in empty for stem in stems(word))
        return list(dict.fromkeys(stem for stem in content if len(stem) > 1))

    def has(self, words: frozenset[str]) -> bool:
        return any(word in words for word in self.words)


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
    words = _words(parts)
    while words and words[0] in act_words().adverbs:
        del words[0]
    said = _Said(words, [part.text for part in parts if part.is_operand], is_question, language)
    if not words or _is_spelled(words) or any(map(_is_without, words, [*words[1:], ""])):
        return None
    if not _STEPS.isdisjoint(words[1:]):  # several sentences in one: each is judged by itself
        return None
    acts = (act for act, is_done in _ACTS.items() if is_done(said, records, ticket))
    act = next(acts, None)
    return None if act is Act.REPEATS and not may_repeat else act


def is_pry(parts: Sequence[Chunk], content: Sequence[str]) -> bool:
    """Whether a sentence tells to ask for, or to look at, what is secret: "Check the user's password".

    *content* are the stems of its content words.
    """
    known = act_words()
    if known.secrets.isdisjoint(content):
        return False
    words = _words(parts)
    if not _has_secret(words) or not lexicon().negators.isdisjoint(words):
        return False
    while words and words[0] in known.adverbs:
        del words[0]
    if not words or not _in(words[0], known.look | known.ask):
        return False
    at = next(at for at, word in enumerate(words) if _in(word, known.secrets))
    before = _content(words[1:at])
    return not any(stem in lexicon().actions for stem in before) and set(before) <= known.people | known.of_secrets


def names_secret(parts: Sequence[Chunk]) -> bool:
    """Whether a sentence has a word for what is secret, as password, PIN and key are."""
    return _has_secret(_words(parts))


def is_report(parts: Sequence[Chunk], records: Records) -> bool:
    """Whether it says what fails and nothing that is to be done, as a subject does: "High CPU, drives slow"."""
    words = _words(parts)
    if not words or _is_spelled(words) or _has_secret(words):
        return False
    tells = not act_words().state.isdisjoint(words) or not lexicon().negators.isdisjoint(words)
    return tells and _states(words, records)


def orders(parts: Sequence[Chunk], missing: frozenset[str]) -> bool:
    """Whether a sentence may say what is to be done, other than to look: at its begin, or as "to restart".

    So may one that begins with a word of the *missing*, of which nothing is known: "Delegate …".
    """
    words = _words(parts)
    if not words:
        return False
    known = act_words()
    may_be_verb = known.is_so.isdisjoint(words[1:_WHO_TELLS]) and words[1:2] and words[1] not in _OF
    if may_be_verb and _in(words[0], missing - known.look):
        return True
    if words[0] in _DO or _is_action(words[0]) or _in(words[0], known.imperatives | _SWITCHES):
        return True
    return any(_is_action(word) and _is_verb(words, at, is_clause=True) for at, word in enumerate(words))


def asks_no_more(parts: Sequence[Chunk]) -> bool:
    """Whether what a user is asked to do is to look, or one of the `events`, and nothing about what is secret."""
    words = _words(parts)
    actions, events = lexicon().actions, act_words().events
    done = {stem for word in words if word not in lexicon().empty for stem in stems(word) if stem in actions}
    return done <= events | lexicon().numbers and not _has_secret(words)


# --- the acts --------------------------------------------------------------------------------------------------------


def _asks(said: _Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    rest = _asked(said, records)
    if rest is None:
        return False
    if said.has(known.orders - known.request) or said.has(known.claims):
        return False
    happened = said.is_question and words[0] in known.happened and known.you.isdisjoint(words)
    if not _is_harmless(said, rest, records, is_clause=True, happened=happened):
        return False
    unknown = _unknown(rest, records)
    if unknown and spoken_language(" ".join(words)) not in {said.language, "en"}:
        return False  # in a language that is not known, a word may be anything
    elsewhere = [stem for stem in unknown if not _knows(ticket, stem)]
    return len(unknown) <= max(1, len(_content(rest)) * _ASKED_OF_TICKET) and len(elsewhere) <= _ASKED_OF_NOTHING


def _asked(said: _Said, records: Records) -> list[str] | None:
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
        any(map(_is_action, rest)) or not _TO_DO.isdisjoint(words) or _OPERAND in rest or _unknown(rest, records)
    ):
        return None
    return rest


@cache
def _interrogatives() -> frozenset[str]:
    known = act_words()
    return known.whether | known.which | known.auxiliaries | known.request


def _looks(said: _Said, records: Records, _: Record) -> bool:
    known = act_words()
    verbs = known.look | known.tries if _is_test(said.words) else known.look
    if said.is_question or not _begins(said, verbs):
        return False
    rest = [word for word in said.words if not _in(word, verbs)]
    clause = not (known.whether | known.which).isdisjoint(rest[:3])
    if not clause and not _OPEN.isdisjoint(rest):  # "with the firewall open"
        return False
    if not known.whether.isdisjoint(rest[:3]):
        rest = [word for word in rest if word not in known.may_be_so]
    return (
        known.you.isdisjoint(rest)
        and known.orders.isdisjoint(rest)
        and _is_harmless(said, rest, records, is_clause=clause)
        and _names_something(said, rest, records)
        and len(_unknown(rest, records)) <= (bool(said.operands) + (len(_content(rest)) > _FEW))
    )


def _is_test(words: Sequence[str]) -> bool:
    return any(word.startswith(test) for word in words[:_TEST_WORDS] for test in act_words().test)


_TEST_WORDS: Final = 4


def _passes_on(said: _Said, records: Records, _: Record) -> bool:
    known = act_words()
    hands_over = said.words[0] in known.hand_over and "ticket" in said.words[1:3]
    if said.is_question or not (hands_over or _begins(said, known.pass_on)):
        return False
    rest = said.words[1:] if hands_over else [word for word in said.words if not _in(word, known.pass_on)]
    return (
        not said.has((known.orders | known.you) - {"required"})
        and _is_harmless(said, rest, records, is_clause=False)
        and _names_something(said, rest, records)
        and not _unknown(rest, records)
    )


def _supposes(said: _Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    is_guess = any(
        _in(word, known.supposes) or (word in known.may and _may_be(words[at + 1 : at + 3]))
        for at, word in enumerate(words)
    )
    if said.is_question or not is_guess or said.has(known.orders - known.may):
        return False
    rest = [word for word in words if not _in(word, known.supposes)]
    content, unknown = _topic(rest), _unknown(rest, records)

    def is_of(record: Record) -> bool:
        there = sum(_knows(record, stem) for stem in _content(rest)) + sum(map(record.holds, said.operands))
        about = sum(_knows(record, stem) for stem in content)
        return there >= _LEAST_OF_ONE_RECORD and about >= _SHARE_OF_ONE_RECORD * len(content)

    return (
        _states(rest, records)
        and any(map(is_of, records.records))
        and sum(not _knows(ticket, stem) for stem in unknown) <= (1 if len(content) > _FEW else 0)
        and len(unknown) <= 1 + (len(content) > _FEW)
    )


def _may_be(following: Sequence[str]) -> bool:
    known = act_words()
    if any(_is_action(word) and not _in(word, known.events) for word in following):  # "may be deleted"
        return False
    if following[:1] == ["have"]:
        return any(word in known.may_have or word.endswith("ed") for word in following[1:])
    return not known.may_be.isdisjoint(following)


def _found_none(said: _Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    if said.operands or said.has(known.orders | known.claims | known.you) or not said.has(known.found):
        return False
    if words[0] in known.none:
        return not [stem for stem in said.stems if stem not in _found_stems()]
    is_of_sources = not known.source.isdisjoint(words[:3])
    return (
        is_of_sources
        and not (lexicon().negators | lexicon().only).isdisjoint(words)
        and not _has_secret(words)
        and _changes_nothing(words, None, is_clause=True)
        and all(_knows(ticket, stem) for stem in _unknown(words, records))
    )


@cache
def _found_stems() -> frozenset[str]:
    return frozenset(stem for word in act_words().found for stem in stems(word))


def _repeats(said: _Said, records: Records, ticket: Record) -> bool:
    known, words = act_words(), said.words
    if said.is_question or said.has(known.orders | known.note | known.causes):
        return False
    if (known.state - known.adverbs).isdisjoint(words[1:]) and not _is_not_so(words) and not _is_told(words):
        return False
    missing = _unknown(words, records)
    behind_pauses = [word for at, word in enumerate(words) if at and words[at - 1] == _PAUSE]
    return (
        not _unknown(behind_pauses, records)
        and _states(words, records)
        and _names_something(said, words, records)
        and len(missing) <= max(1, len(_content(words)) * _NOT_IN_RECORDS)
        and sum(not _knows(ticket, stem) for stem in missing) <= 1
    )


def _is_not_so(words: Sequence[str]) -> bool:
    """Whether it says that something does not work: "doesn't open", "does not open", "geht nicht"."""
    known = act_words()
    does_not = any(one in known.does and other == "not" for one, other in pairwise(words))
    return does_not or not (known.cannot | known.does_not).isdisjoint(words[1:])


def _is_told(words: Sequence[str]) -> bool:
    """Whether it begins with who reports it: "The user sees …", "Several colleagues report that …"."""
    known = act_words()
    who = known.people | known.ordinary
    return any(_in(one, who) and _in(other, known.tells) for one, other in pairwise(words[:_WHO_TELLS]))


_WHO_TELLS: Final = 5


_ACTS: Final[dict[Act, Callable[[_Said, Records, Record], bool]]] = {
    Act.FOUND_NONE: _found_none,
    Act.ASKS: _asks,
    Act.LOOKS: _looks,
    Act.PASSES_ON: _passes_on,
    Act.SUPPOSES: _supposes,
    Act.REPEATS: _repeats,
}
_FEW: Final = 2
"""Content words up to which each has to be known."""
_LEAST_OF_ONE_RECORD: Final = 2
_SHARE_OF_ONE_RECORD: Final = 0.5
_NOT_IN_RECORDS: Final = 1 / 3
_ASKED_OF_TICKET: Final = 0.45
_ASKED_OF_NOTHING: Final = 2


def _is_without(word: str, following: str) -> bool:
    """Whether it goes without something: "without the firewall", but not "without trouble"."""
    return word in lexicon().without and not _in(following, state_stems())


def _is_spelled(words: Sequence[str]) -> bool:
    """Whether letters stand one by one, as in "P I N"; "y a-t-il" has three, too."""
    row = 0
    for word in words:
        row = row + 1 if len(word) == 1 and word.isalpha() and word not in {"a", "t", "y"} else 0
        if row == _LETTERS_OF_A_WORD:
            return True
    return False


_LETTERS_OF_A_WORD: Final = 3


# --- what no act may do ----------------------------------------------------------------------------------------------


def _is_harmless(
    said: _Said, rest: Sequence[str], records: Records, *, is_clause: bool, happened: bool = False
) -> bool:
    """Whether nothing is to be changed by it, and nothing secret asked for.

    In a clause of "whether" and the like, and in a question, what is done is what happened. *happened*: whatever
    is done in it is.
    """
    known = act_words()
    if _has_secret(rest):
        is_neutral = said.has(_neutral(said)) and not said.has(_asks_what(said))
        others = [stem for stem in _content(rest) if stem not in known.secrets | known.people]
        if not (is_neutral and is_clause) or known.of_secrets.isdisjoint(others) or _unknown(rest, records):
            return False
    return happened or _changes_nothing(rest, records if is_clause else None, is_clause=is_clause)


def _states(rest: Sequence[str], records: Records) -> bool:
    """Whether it says what is, and neither claims what somebody may nor begins with what is to be done."""
    known = act_words()
    if not known.claims.isdisjoint(rest) or _is_order(rest, records):
        return False
    if _has_secret(rest):
        others = [stem for stem in _topic(rest) if stem not in known.secrets]
        is_asked = any(_in(word, known.ask) for word in rest) and any(_in(word, known.people) for word in rest)
        if is_asked or any(stem in _unknown(rest, records) for stem in others):
            return False
        rest = [word for word in rest if not _in(word, known.ask)]  # a program may ask for it
        records = Records(())
    return _changes_nothing(rest, records, is_clause=True)


def _is_order(words: Sequence[str], records: Records) -> bool:
    """Whether it may begin with what is to be done: with a verb, or with a word of which nothing is known."""
    known = act_words()
    first = words[0]
    if first in _DO:
        return True
    if not first or first in lexicon().function:
        return False
    if not known.is_so.isdisjoint(words[1:_WHO_TELLS]):
        return _is_action(first)
    verbs = known.look | known.ask | known.imperatives | _SWITCHES
    return _is_action(first) or _in(first, verbs) or bool(_unknown([first], records))


def _changes_nothing(rest: Sequence[str], records: Records | None, *, is_clause: bool) -> bool:
    known, actions = act_words(), lexicon().actions
    for at, word in enumerate(rest):
        if word in _NO_WORDS or word in lexicon().empty:
            continue
        for stem in stems(word):
            if stem in _SWITCHES and not _PARTICLES.isdisjoint(rest[at:]):
                if not (records and any(all(map(partial(_knows, each), _topic(rest))) for each in records.records)):
                    return False
                continue
            is_thing = stem in lexicon().numbers or word in known.state | known.things
            if stem not in actions or is_thing or _is_vain(rest, at):
                continue
            if word == "off" and at and not state_stems().isdisjoint(stems(rest[at - 1] or "-")):  # "cuts off"
                continue
            if stem not in known.events and not (records and _is_done(stem, rest, records)):
                return False
            if _is_verb(rest, at, is_clause=is_clause):
                return False
    return True


def _is_vain(words: Sequence[str], at: int) -> bool:
    """Whether what the word at *at* says cannot be done: "cannot send", "fails to download"."""
    known, before = act_words(), words[max(at - _VAIN_WORDS, 0) : at]
    return not known.cannot.isdisjoint(before) or (
        before[-1:] == ["to"] and before[-2:-1] != [] and before[-2] in known.before_to
    )


_VAIN_WORDS: Final = 3


def _is_verb(words: Sequence[str], at: int, *, is_clause: bool) -> bool:
    """Whether the word at *at* stands where a verb is an order: "check and restart", "it is best to restart"."""
    known = act_words()
    before = at - 1
    while before >= 0 and words[before] in known.adverbs and words[before] not in _THEN:
        before -= 1
    if before < 0:
        return not is_clause
    if words[before] in {"to", "zu"}:
        return not (before and words[before - 1] in known.before_to)
    return words[before] in (_THEN if is_clause else known.before_verb)


def _is_done(stem: str, rest: Sequence[str], records: Records) -> bool:
    """Whether a record that has the other words says this to be done."""
    lines = lexicon().actions[stem]
    content = [each for each in _content(rest) if each in act_words().trade or each not in _of_any_problem()]
    return any(
        all(_knows(record, each) for each in content if each != stem)
        and any(
            lines & lexicon().actions.get(each, frozenset()) and not _is_negated(record, at)
            for each, places in record.places.items()
            for at in places
        )
        for record in records.records
    )


def _is_negated(record: Record, at: int) -> bool:
    start = at
    while start and not is_break(record.tokens[start - 1]):
        start -= 1
    return not lexicon().negators.isdisjoint(record.tokens[start:at])


def _has_secret(words: Sequence[str]) -> bool:
    known = act_words()
    return any(
        _in(word, known.secrets) and (not at or words[at - 1] not in known.no_secrets) for at, word in enumerate(words)
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _words(parts: Sequence[Chunk]) -> list[str]:
    """The words of a sentence, `_OPERAND` for each operand, and `_PAUSE` behind one that has a mark behind it."""
    words: list[str] = []
    for part in parts:
        words += [_OPERAND] if part.is_operand else part.words
        if part.closes and part is not parts[-1]:
            words.append(_PAUSE)
    return words


def _begins(said: _Said, verbs: frozenset[str]) -> bool:
    """German tells what to do with the last word, too."""
    return _in(said.words[0], verbs) or (said.language == "de" and _in(said.words[-1], verbs))


def _asking(said: _Said) -> int | None:
    """The place of the verb that asks: the first, in German behind those who are asked, too."""
    known = act_words()
    for at, word in enumerate(said.words):
        if _in(word, known.ask):
            return at
        if said.language != "de" or not (word in lexicon().empty or _in(word, known.people)):
            return None
    return None


def _neutral(said: _Said) -> frozenset[str]:
    """Words that ask whether or when; German "was" is "what"."""
    neutral = act_words().whether | (act_words().auxiliaries if said.is_question else frozenset())
    return neutral - {"was"} if said.language == "de" else neutral


def _asks_what(said: _Said) -> frozenset[str]:
    return act_words().which if said.language == "de" else act_words().which - {"was"}


def _without_people(words: Sequence[str]) -> list[str]:
    """*words* without those at the begin that say who is asked."""
    known, rest = act_words(), list(words)
    interrogative = known.whether | known.which
    who = lexicon().empty | {_PAUSE}
    while rest and rest[0] not in interrogative and (rest[0] in who or _in(rest[0], known.ordinary)):
        del rest[0]
    return rest or list(words)


def _names_something(said: _Said, rest: Sequence[str], records: Records) -> bool:
    return bool(said.operands) or any(_knows(records, stem) for stem in _content(rest))


def is_aside(parts: Sequence[Chunk], records: Records) -> bool:
    """Whether a condition or an aim, "if the problem persists", says nothing to do and nothing that is not known."""
    words = _words(parts)
    return (
        not _has_secret(words)
        and (act_words().orders | act_words().you).isdisjoint(words)
        and (not act_words().whether.isdisjoint(words[:1]) or _changes_nothing(words, None, is_clause=True))
        and len(_unknown(words, records)) <= 1
    )


def _content(words: Sequence[str]) -> list[str]:
    empty = _empty()
    content = (stem for word in words if word not in empty for stem in stems(word))
    return list(dict.fromkeys(stem for stem in content if len(stem) > 1))


def _topic(words: Sequence[str]) -> list[str]:
    """The content words that any problem does not have."""
    problem = _of_any_problem()
    return [stem for stem in _content(words) if stem not in problem]


@cache
def state_stems() -> frozenset[str]:
    """Of the words that say that something works, or what is wrong."""
    return frozenset(stem for word in act_words().state for stem in stems(word))


@cache
def _empty() -> frozenset[str]:
    known = act_words()
    return lexicon().empty | known.whether | known.which | known.auxiliaries | _NO_WORDS


@cache
def _of_any_problem() -> frozenset[str]:
    known = act_words()
    return known.ordinary | known.trade | known.events | state_stems() | lexicon().light


def _unknown(words: Sequence[str], records: Records) -> list[str]:
    return [stem for stem in _topic(words) if not _knows(records, stem)]


def _knows(record: Record | Records, stem: str) -> bool:
    return stem in record.stems or not lexicon().same.get(stem, frozenset()).isdisjoint(record.stems)


def _is_action(word: str) -> bool:
    return any(stem in lexicon().actions for stem in (stems(word) if word else ()))


def _in(word: str, of: frozenset[str]) -> bool:
    return bool(word) and any(stem in of for stem in stems(word))
