"""What no act may do: change something, order or permit, ask for what is secret, claim what somebody may."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from app.core.check.acts.said import (
    NO_WORDS,
    Said,
    content_of,
    is_action,
    is_one_of,
    knows,
    of_any_problem,
    state_stems,
    topic_of,
    unknown_to,
    words_of,
)
from app.core.check.lexicon import act_words, lexicon
from app.core.check.records import Record, Records
from app.core.check.tokens import Chunk, is_break, stems

_SWITCHES: Final = frozenset({"turn", "switch", "schal"})
_PARTICLES: Final = frozenset({"on", "off", "ein", "aus", "an", "ab"})
THEN: Final = frozenset({",", "then", "dann", "puis", "luego"})
_DO: Final = frozenset({"do", "don't", "never", "not", "have", "be", "let"})
_OF: Final = frozenset({"of", "von", "des", "der", "de", "du", "del"})
"""Behind a noun at the begin."""
WHO_TELLS: Final = 5
_LETTERS_OF_A_WORD: Final = 3
_VAIN_WORDS: Final = 3
_SHORTLY: Final = 4
_FOR_ALL: Final = frozenset({"everyone", "everybody", "please", "jeder", "jeden", "bitte", "tous", "todos"})


def is_pry(parts: Sequence[Chunk], content: Sequence[str]) -> bool:
    """Whether a sentence tells to ask for, or to look at, what is secret: "Check the user's password".

    *content* are the stems of its content words.
    """
    known = act_words()
    if known.secrets.isdisjoint(content):
        return False
    words = words_of(parts)
    if not has_secret(words) or not lexicon().negators.isdisjoint(words):
        return False
    while words and words[0] in known.adverbs:
        del words[0]
    if not words or not is_one_of(words[0], known.look | known.ask):
        return False
    at = next(at for at, word in enumerate(words) if is_one_of(word, known.secrets))
    before = content_of(words[1:at])
    return not any(stem in lexicon().actions for stem in before) and set(before) <= known.people | known.of_secrets


def names_secret(parts: Sequence[Chunk]) -> bool:
    """Whether a sentence has a word for what is secret, as password, PIN and key are."""
    return has_secret(words_of(parts))


def is_report(parts: Sequence[Chunk], records: Records) -> bool:
    """Whether it says what fails and nothing that is to be done, as a subject does: "High CPU, drives slow"."""
    words = words_of(parts)
    if not words or is_spelled(words):
        return False
    if has_secret(words):
        return _is_trouble_with_secret(words)
    tells = not act_words().state.isdisjoint(words) or not lexicon().negators.isdisjoint(words)
    return tells and states(words, records)


def _is_trouble_with_secret(words: Sequence[str]) -> bool:
    """Whether it is known trouble that nobody tells or asks: "Password expired", "Outlook asks for the password"."""
    known, negators = act_words(), lexicon().negators
    people = known.people | known.you | known.claims | known.orders | known.permits | known.hand_over | known.which
    people |= _FOR_ALL
    verbs = known.look | known.ask | known.imperatives | known.tries | known.pass_on | _SWITCHES
    if any(is_one_of(word, people) or word in people or word.endswith("'s") for word in words):
        return False
    if words[0] in _DO or is_action(words[0]) or is_one_of(words[0], verbs):
        return False
    at = next(at for at, word in enumerate(words) if is_one_of(word, known.secrets))
    behind = words[at + 1 : at + 1 + _SHORTLY]
    if not known.stale_secret.isdisjoint(behind):
        return True
    if not negators.isdisjoint(behind):
        return not known.state.isdisjoint(behind)
    asks = [each for each in range(1, at) if words[each] in known.program_asks]
    return any(words[each - 1] in known.things | known.trade for each in asks)


def orders(parts: Sequence[Chunk], missing: frozenset[str]) -> bool:
    """Whether a sentence may say what is to be done, other than to look: at its begin, or as "to restart".

    So may one that begins with a word of the *missing*, of which nothing is known: "Delegate …".
    """
    words, known = words_of(parts), act_words()
    if not words:
        return False
    may_be_verb = known.is_so.isdisjoint(words[1:WHO_TELLS]) and words[1:2] and words[1] not in _OF
    if may_be_verb and is_one_of(words[0], missing - known.look):
        return True
    if words[0] in _DO or is_action(words[0]) or is_one_of(words[0], known.imperatives | _SWITCHES):
        return True
    return any(is_action(word) and _is_verb(words, at, is_clause=True) for at, word in enumerate(words))


def asks_no_more(parts: Sequence[Chunk]) -> bool:
    """Whether what a user is asked to do is to look, or one of the `events`, and nothing about what is secret."""
    words = words_of(parts)
    actions, events = lexicon().actions, act_words().events
    done = {stem for word in words if word not in lexicon().empty for stem in stems(word) if stem in actions}
    return done <= events | lexicon().numbers and not has_secret(words)


def is_spelled(words: Sequence[str]) -> bool:
    """Whether letters stand one by one, as in "P I N"; "y a-t-il" has three, too."""
    row = 0
    for word in words:
        row = row + 1 if len(word) == 1 and word.isalpha() and word not in {"a", "t", "y"} else 0
        if row == _LETTERS_OF_A_WORD:
            return True
    return False


def is_harmless(said: Said, rest: Sequence[str], records: Records, *, is_clause: bool, happened: bool = False) -> bool:
    """Whether nothing is to be changed by it, and nothing secret asked for.

    In a clause of "whether" and the like, and in a question, what is done is what happened. *happened*: whatever
    is done in it is.
    """
    known = act_words()
    if has_secret(rest):
        is_neutral = said.has(_neutral(said)) and not said.has(_asks_what(said))
        others = [stem for stem in content_of(rest) if stem not in known.secrets | known.people]
        if not (is_neutral and is_clause) or known.of_secrets.isdisjoint(others) or unknown_to(rest, records):
            return False
    return happened or changes_nothing(rest, records if is_clause else None, is_clause=is_clause)


def states(rest: Sequence[str], records: Records) -> bool:
    """Whether it says what is, and neither claims what somebody may nor begins with what is to be done."""
    known = act_words()
    if not known.claims.isdisjoint(rest) or _is_order(rest, records):
        return False
    if has_secret(rest):
        others = [stem for stem in topic_of(rest) if stem not in known.secrets]
        is_asked = any(is_one_of(word, known.ask) for word in rest) and any(
            is_one_of(word, known.people) for word in rest
        )
        if is_asked or any(stem in unknown_to(rest, records) for stem in others):
            return False
        rest = [word for word in rest if not is_one_of(word, known.ask)]  # a program may ask for it
        records = Records(())
    return changes_nothing(rest, records, is_clause=True)


def _is_order(words: Sequence[str], records: Records) -> bool:
    """Whether it may begin with what is to be done: with a verb, or with a word of which nothing is known."""
    known = act_words()
    first = words[0]
    if first in _DO:
        return True
    if not first or first in lexicon().function | known.things or first.endswith("'s"):
        return False
    if is_one_of(first, lexicon().numbers) and not any(map(is_action, words[1:])):
        return False
    if not known.is_so.isdisjoint(words[1:WHO_TELLS]):
        return is_action(first)
    verbs = known.look | known.ask | known.imperatives | _SWITCHES
    return is_action(first) or is_one_of(first, verbs) or bool(unknown_to([first], records))


def changes_nothing(rest: Sequence[str], records: Records | None, *, is_clause: bool) -> bool:
    known, actions = act_words(), lexicon().actions
    for at, word in enumerate(rest):
        if word in NO_WORDS or word in lexicon().empty:
            continue
        for stem in stems(word):
            if stem in _SWITCHES and not _PARTICLES.isdisjoint(rest[at:]):
                if not (records and any(all(map(partial(knows, each), topic_of(rest))) for each in records.records)):
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


def _is_verb(words: Sequence[str], at: int, *, is_clause: bool) -> bool:
    """Whether the word at *at* stands where a verb is an order: "check and restart", "it is best to restart"."""
    known = act_words()
    before = at - 1
    while before >= 0 and words[before] in known.adverbs and words[before] not in THEN:
        before -= 1
    if before < 0:
        return not is_clause
    if words[before] in {"to", "zu"}:
        return not (before and words[before - 1] in known.before_to)
    return words[before] in (THEN if is_clause else known.before_verb)


def _is_done(stem: str, rest: Sequence[str], records: Records) -> bool:
    """Whether a record that has the other words says this to be done."""
    lines = lexicon().actions[stem]
    content = [each for each in content_of(rest) if each in act_words().trade or each not in of_any_problem()]
    return any(
        all(knows(record, each) for each in content if each != stem)
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


def has_secret(words: Sequence[str]) -> bool:
    known = act_words()
    return any(
        is_one_of(word, known.secrets) and (not at or words[at - 1] not in known.no_secrets)
        for at, word in enumerate(words)
    )


def _neutral(said: Said) -> frozenset[str]:
    """Words that ask whether or when; German "was" is "what"."""
    neutral = act_words().whether | (act_words().auxiliaries if said.is_question else frozenset())
    return neutral - {"was"} if said.language == "de" else neutral


def _asks_what(said: Said) -> frozenset[str]:
    return act_words().which if said.language == "de" else act_words().which - {"was"}


def is_aside(parts: Sequence[Chunk], records: Records) -> bool:
    """Whether a condition or an aim, "if the problem persists", says nothing to do and nothing that is not known."""
    words = words_of(parts)
    return (
        not has_secret(words)
        and (act_words().orders | act_words().you).isdisjoint(words)
        and (not act_words().whether.isdisjoint(words[:1]) or changes_nothing(words, None, is_clause=True))
        and len(unknown_to(words, records)) <= 1
    )
