"""Whether a sentence turns a record round: its words, with an opposite, another value or a "not" more or less.

Clauses are compared, so that a "not" elsewhere in the record excuses nothing. For each clause of the sentence those of
the records that have most of its words are looked at; it is turned if it contradicts each of them:

    record                                   sentence                               contradicts by
    ──────────────────────────────────────   ────────────────────────────────────   ──────────────────────────────
    "Exclude the folders from the scan"      "Include the folders in the scan"      opposites
    "moved the scan to Sunday"               "moved the scan to Monday"             values
    "Check that it is not in offline mode"   "Check that it is in offline mode"     a "not"
    "disk C: 64 % full"                      "disk C: is 64 % free"                 what a number counts
    "Delete the oldest copies"               "Delete all copies"                    "all" of what is done
    "started by policy"                      "The policy was started by …"          who does it to whom

Two of them, "not off" for "on", say the same. The words are those of opposites.toml.

Invariant: what is found depends on the sentence and the records alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from app.core.clauses import ANDS, FEW, Clause, clauses_of
from app.core.lexicon import act_words, lexicon
from app.core.opposites import Pole, opposites, poles_of
from app.core.records import Record
from app.core.sentences import Words
from app.core.tokens import is_break, normal, stems, tokens

_SHARE: Final = 0.6
"""So many of a clause's words a clause of a record must have to be compared with it."""
_ALL_OF: Final = 3
_AGENT: Final = 4
_THEN: Final = frozenset("then dann danach puis ensuite luego".split())
_MANY: Final = 1_000
_ORDERS_NOT: Final = frozenset("do don't never nicht nie niemals ne nunca jamais".split())
_PLAIN_NOT: Final = frozenset("not isn't aren't wasn't weren't nicht pas".split())
_LONG: Final = 3
_SAYING_SAME: Final = 0.75
_SAYING_ALL: Final = 0.85
_OF_RECORD: Final = 0.6
"""Shares of the words of the sentence's clause and of the record's that the other has, where one has a "not"."""
_NEAR_CLAUSES: Final = 3
_ENGLISH_NOT: Final = frozenset(
    "not no never don't doesn't didn't isn't aren't wasn't weren't won't hasn't haven't hadn't".split()
)
_NUMBER = re.compile(r"(\d+)([a-z]*)")
_PERCENT: Final = frozenset({"percent", "prozent"})


def is_too_certain(words: Words, records: Sequence[Record]) -> bool:
    """Whether it says "certainly", "right now" or the like, and no record does."""
    line = f" {' '.join(token for token in words.tokens if not is_break(token))} "
    return any(
        phrase in line and not any(phrase in record.words for record in records) for phrase in opposites().certain
    )


def is_on_another_day(words: Words, records: Sequence[Record]) -> bool:
    """Whether it names a weekday or a month that no record names."""
    known = opposites()
    named = {pole for token in words.tokens for pole in poles_of(token) if pole[0] in known.dates}
    return bool(named) and not named <= frozenset[Pole]().union(*(_dates_in(record.text) for record in records))


@lru_cache(maxsize=256)
def _dates_in(text: str) -> frozenset[Pole]:
    known = opposites()
    return frozenset(pole for token in tokens(normal(text)) for pole in poles_of(token) if pole[0] in known.dates)


def is_turned(words: Words, records: Sequence[Record]) -> bool:
    """Whether a clause of *words* contradicts each clause of *records* that says most of it."""
    of_records = [record.clauses for record in records]
    there, own = [clause for each in of_records for clause in each], clauses_of(words.tokens)
    return (
        _counts_otherwise(words.line, records)
        or any(_is_turned(clause, there) for clause in own if clause.keys)
        or any(_is_in_other_order(one, two, of_records) for one, two in pairwise(own))
    )


def _is_in_other_order(one: Clause, two: Clause, of_records: Sequence[Sequence[Clause]]) -> bool:
    """Whether one of two clauses is said to be before the other, and each record that has both says it is after it."""
    order = _order(one, two) if one.mark != "," else 0
    if not order:
        return False
    orders = [
        _order(clauses[first], clauses[second]) or _order_of_telling(clauses, first, second)
        for clauses in of_records
        for first in _places(one, clauses)
        for second in _places(two, clauses)
        if first != second and abs(first - second) <= _NEAR_CLAUSES
    ]
    told = [each for each in orders if each]
    return bool(told) and all(each == -order for each in told)


def _order_of_telling(clauses: Sequence[Clause], first: int, second: int) -> int:
    """As `_order`, where one is told right behind the other: "switched it on and it worked"."""
    later = clauses[max(first, second)]
    is_next = abs(first - second) == 1 and later.mark == "" and later.tokens[0] in ANDS | _THEN
    return (1 if first < second else -1) if is_next else 0


def _order(one: Clause, two: Clause) -> int:
    """1: *one* comes first; -1: *two* does; 0: they do not say."""
    known = opposites()
    if two.mark not in {"", ","} or (two.mark and two.tokens[0] in known.before | known.after):
        return 0
    for clause, sign in ((one, -1), (two, 1)):
        if clause.tokens[0] in known.before:
            return sign
        if clause.tokens[0] in known.after:
            return -sign
    return 0


def _places(own: Clause, clauses: Sequence[Clause]) -> list[int]:
    """Those of the *clauses* that say it."""
    if not own.keys:
        rest = frozenset(own.tokens[1:])
        return [at for at, each in enumerate(clauses) if len(rest.intersection(each.tokens)) > _SAYING_SAME * len(rest)]
    ranked = _ranked(own, clauses) if any(map(str.isalpha, own.keys)) else []
    top = max((rank for rank, _ in ranked), default=0)
    return [at for at, each in enumerate(clauses) if any(rank == top and each is other for rank, other in ranked)]


def _is_turned(own: Clause, there: Sequence[Clause]) -> bool:
    if any(_is_denied(own, other) for other in there if other.is_whole) or _has_not(own, there):
        return True
    if own.negated is not True and any(_is_contrast(own, other) for other in there if other.contrast):
        return True
    ranked = _ranked(own, [other for other in there if not other.is_whole])
    top = max((rank for rank, _ in ranked), default=0)
    best = [other for rank, other in ranked if rank == top]
    agrees = any(_agrees(own, other) for rank, other in ranked if int(rank) == int(top))
    agrees = agrees or any(_was_done(own, other) for other in there)
    if own.negated and best and _is_new_denial(own, best[0], there if _is_order(own) else [each for _, each in ranked]):
        return True
    return bool(best) and all(
        (not agrees and _contradicts(own, other))
        or _is_of_other_time(own, other)
        or _takes_all(own, other)
        or _swaps(own, other)
        for other in best
    )


def _agrees(own: Clause, other: Clause) -> bool:
    """Whether it has the same poles, and as many a "not"."""
    if not own.poles or own.negated != other.negated or own.vague != other.vague:
        return False
    return own.poles <= other.poles and not any(_is_done_otherwise(own, other, pole) for pole in own.poles)


def _was_done(own: Clause, other: Clause) -> bool:
    """Whether *other* tells that just this was done, in fewer words: "Added it to VPN-Users" behind "was not in it"."""
    begin = poles_of(own.tokens[0])
    return (
        bool(begin & own.done & poles_of(other.tokens[0]))
        and _agrees(own, other)
        and 0 < len(other.keys) == _shared(other.keys, own.keys)
    )


def _is_contrast(own: Clause, other: Clause) -> bool:
    """Whether it says of *other* what that says not: "granted by the service desk"."""
    others = own.keys - other.keys
    return (
        bool(others)
        and others <= other.contrast <= own.keys
        and len(own.keys) - len(others) + len(own.poles & other.poles) >= FEW
    )


def _has_not(own: Clause, there: Sequence[Clause]) -> bool:
    """Whether it has, without a "not", all words of a field of something that it names: "not compliant"."""
    wholes = [other for other in there if other.is_whole and own.keys <= other.keys]
    return (
        own.negated is False
        and bool(wholes)
        and any(
            each.negated and each.keys and each.keys <= own.keys and each.keys <= whole.keys and each.poles <= own.poles
            for whole in wholes
            for each in there
            if each.is_field
        )
    )


def _is_new_denial(own: Clause, best: Clause, others: Sequence[Clause]) -> bool:
    """Whether it denies what *best* says, and none of the *others* has a "not" or the like."""
    if any(_forbids(other, own) for other in others) or _tells_to(best, own):
        return False
    if _is_order(own):
        return True
    prose = frozenset(key for key in own.keys if key.isalpha()) or own.keys
    is_plain = (
        len(own.keys) >= FEW
        and not own.vague
        and not _PLAIN_NOT.isdisjoint(own.tokens)
        and act_words().faults.isdisjoint(own.tokens)
    )
    return is_plain and _shared(prose, best.keys) >= _SAYING_ALL * len(prose)


def _forbids(other: Clause, own: Clause) -> bool:
    """Whether it may be what *own* says not to do: it has a "not", or the like, and a word of it."""
    is_other = other.negated is not False or bool(other.vague)
    return is_other and not (own.keys | {axis for axis, _ in own.poles}).isdisjoint(
        other.keys | {axis for axis, _ in other.poles}
    )


def _ranked(own: Clause, there: Sequence[Clause]) -> list[tuple[float, Clause]]:
    """The clauses that have most of its words, or one less, ranked by these, by its axes, and by all of its tokens."""
    shared = [(_shared(own.keys, other.keys), other) for other in there if not own.keys.isdisjoint(other.keys)]
    prose = [key for key in own.keys if key.isalpha()] or own.keys  # where it is may stand elsewhere in the record
    least = max(_SHARE * len(prose), min(2, len(own.keys)), max((number for number, _ in shared), default=0) - 1)
    axes, all_tokens = {axis for axis, _ in own.poles}, frozenset(own.tokens)
    return [
        (
            number
            + len(axes & {axis for axis, _ in other.poles | other.near | other.of_thing})
            + len(all_tokens.intersection(other.tokens)) / _MANY,
            other,
        )
        for number, other in shared
        if number >= least
    ]


def _shared(keys: frozenset[str], there: frozenset[str]) -> int:
    same = lexicon().same
    return sum(key in there or (key in same and not same[key].isdisjoint(there)) for key in keys)


def _contradicts(own: Clause, other: Clause) -> bool:
    first_value = opposites().first_value
    looks = own.tokens[0] in act_words().look or not act_words().look.isdisjoint(stems(own.tokens[0]))
    looks = looks and "that" not in own.tokens[:3]
    is_of_one_mood = own.is_conditional == other.is_conditional
    flipped = False
    for axis, pole in own.poles:
        of_axis = {each for each in other.poles | other.of_thing if each[0] == axis}
        if not of_axis or any(each[0] == axis and each[1] != pole for each in own.poles):
            continue
        if (axis, pole) in of_axis | other.near and not _is_done_otherwise(own, other, (axis, pole)):
            continue
        if axis >= first_value:
            return True
        if _is_of_other_thing(own, other, axis):
            continue
        flipped = flipped or (is_of_one_mood and not (looks and axis in opposites().states))
    is_denied = is_of_one_mood and _is_denied(own, other)
    return flipped is not is_denied


def _is_of_other_thing(own: Clause, other: Clause, axis: int) -> bool:
    """Whether the words of *axis*, "new" and "old", are of other things; or tell how much, and the numbers differ."""
    known = opposites()
    numbers = [{token for token in each.tokens if token.isdecimal()} for each in (own, other)]
    if all(numbers) and numbers[0].isdisjoint(numbers[1]) and known.amount == axis:
        return True
    things = [
        {
            stem
            for at, token in enumerate(each.tokens)
            if any(pole[0] == axis for pole in poles_of(token))
            for following in each.tokens[at + 1 : at + 3]
            for stem in stems(following)
        }
        for each in (own, other)
    ]
    return axis in known.of_things and all(things) and things[0].isdisjoint(things[1])


def _is_of_other_time(own: Clause, other: Clause) -> bool:
    """Whether one says "before" and the other "after", and both tell the same of it."""
    if _shared(own.keys, other.keys) < _SAYING_SAME * len(own.keys):
        return False
    (mine, at), (theirs, place) = _time(own), _time(other)
    if mine * theirs != -1:
        return False
    return len(own.keys) > _LONG or (at > 0 and own.tokens[at + 1 : at + 2] == other.tokens[place + 1 : place + 2])


def _time(clause: Clause) -> tuple[int, int]:
    """-1: it says "before", 1: "after", and where; 0: neither."""
    known = opposites()
    for at, token in enumerate(clause.tokens):
        if token in known.before or token in known.after:
            return (-1 if token in known.before else 1), at
    return 0, 0


def _is_denied(own: Clause, other: Clause) -> bool:
    """Whether one has a "not" before what the other says without, and they say the same for the rest."""
    if own.vague != other.vague or None in {own.negated, other.negated} or own.negated == other.negated:
        return False
    if len(own.keys) < FEW and own.keys != other.keys:
        return False
    shared = _shared(own.keys, other.keys)
    if other.is_whole:
        is_plain = bool(own.negated) and not _PLAIN_NOT.isdisjoint(own.tokens)
        return is_plain and shared == len(own.keys) and own.poles <= other.poles
    prose = frozenset(key for key in own.keys if key.isalpha()) or own.keys
    is_all = _shared(prose, other.keys) == len(prose)
    if not is_all and (shared < _SAYING_SAME * len(own.keys) or shared < _OF_RECORD * len(other.keys)):
        return False
    denying, saying = (own, other) if own.negated else (other, own)
    if denying is own and (_tells_to(other, own) or not _axes(own) <= _axes(other)):
        return False
    heads = _denied(denying)
    return bool(heads) and any(_says(saying, head) for head in heads)


def _axes(clause: Clause) -> set[int]:
    return {axis for axis, _ in clause.poles}


def _tells_to(other: Clause, own: Clause) -> bool:
    """Whether *other* begins with what *own* says not to have been: "did not start", where it was started then.

    So does what had not been done before: "had not approved yet".
    """
    first = next((token for token in other.tokens if token not in ANDS and token not in lexicon().conjunctions), "")
    is_done = any(stem in lexicon().actions for stem in stems(first)) if first else False
    was_before = "had" in own.tokens and "had" not in other.tokens
    return was_before or (is_done and not _is_order(own) and any(_are_alike(first, head) for head in _denied(own)))


def _are_alike(one: str, other: str) -> bool:
    axes = [{axis for axis, _ in poles_of(token)} for token in (one, other)]
    return bool(axes[0] & axes[1]) or stems(one) == stems(other)


def _is_order(own: Clause) -> bool:
    return own.tokens[0] in _ORDERS_NOT


def _denied(clause: Clause) -> list[str]:
    """What stands next to its "not": behind it, in other languages than English also before it."""
    negators = lexicon().negators
    at = next(at for at, token in enumerate(clause.tokens) if token in negators)
    behind = next((token for token in clause.tokens[at + 1 :] if _carries(token)), None)
    before = next((token for token in reversed(clause.tokens[:at]) if _carries(token)), None)
    heads = (behind,) if clause.tokens[at] in _ENGLISH_NOT else (behind, before)
    return [head for head in heads if head is not None]


def _carries(token: str) -> bool:
    return token.isalpha() and token not in lexicon().function and token not in lexicon().negators


def _says(clause: Clause, token: str) -> bool:
    """Whether it has *token*, or one on an axis with it."""
    if poles := poles_of(token):
        return not _axes(clause).isdisjoint({axis for axis, _ in poles})
    return bool(_shared(frozenset(stems(token)), frozenset(stem for each in clause.tokens for stem in stems(each))))


def _is_done_otherwise(own: Clause, other: Clause, pole: Pole) -> bool:
    """Whether *own* begins with what is done, as "Turned it off", where *other* says so only of how it was."""
    first = own.tokens[0]
    begins = first in opposites().switches or pole in poles_of(first)
    return begins and pole in own.done and pole not in other.done and any(axis == pole[0] for axis, _ in other.done)


def _takes_all(own: Clause, other: Clause) -> bool:
    """Whether what is done is done to all, and *other* does not say so."""
    everything, words = opposites().everything, lexicon()
    at = next((at for at, token in enumerate(own.tokens) if token in everything), None)
    if at is None or not everything.isdisjoint(other.tokens):
        return False
    following = {stem for token in own.tokens[at + 1 : at + 1 + _ALL_OF] for stem in stems(token)}
    begins = any(stem in words.actions for stem in stems(own.tokens[0])) or own.tokens[0] in opposites().switches
    return begins and not following.isdisjoint(other.keys)


def _swaps(own: Clause, other: Clause) -> bool:
    """Whether who does it and to what, or from where and to where, have changed places."""
    known, actions = opposites(), lexicon().actions
    mine, theirs = _sides(own, known.by), _sides(other, known.by)
    if mine and theirs:
        return _are_swapped(mine, theirs)
    done = {token for token in own.tokens if token.endswith("ed") and any(stem in actions for stem in stems(token))}
    if shared := done.intersection(other.tokens):
        one, two = _sides(own, shared), _sides(other, shared)
        if one and two and all((*one, *two)):
            return _are_swapped(one, two[::-1] if mine or theirs else two)
    from_to = [(_behind(each, known.source), _behind(each, known.target)) for each in (own, other)]
    return all(start and end for start, end in from_to) and _are_swapped(*from_to)


def _are_swapped(mine: tuple[frozenset[str], frozenset[str]], theirs: tuple[frozenset[str], frozenset[str]]) -> bool:
    one, two = mine
    return bool(one & theirs[1] and two & theirs[0]) and not two & theirs[1]


def _sides(clause: Clause, words: AbstractSet[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    """The keys before and shortly behind the first of *words* that stands in it."""
    at = next((at for at, token in enumerate(clause.tokens) if at and token in words), None)
    if at is None or clause.tokens[at + 1 : at + 2] == () or clause.tokens[at + 1].endswith("ing"):
        return None
    return _keys(clause, clause.tokens[:at]), _keys(clause, clause.tokens[at + 1 : at + 1 + _AGENT])


def _behind(clause: Clause, words: frozenset[str]) -> frozenset[str]:
    at = next((at for at, token in enumerate(clause.tokens) if token in words), None)
    return frozenset() if at is None else _keys(clause, clause.tokens[at + 1 : at + 3])


def _keys(clause: Clause, part: Sequence[str]) -> frozenset[str]:
    return frozenset(stem for token in part for stem in stems(token) if stem in clause.keys)


def _counts_otherwise(line: str, records: Sequence[Record]) -> bool:
    """Whether a number counts something else than in the records: "50 MB" for "50 GB", "64 % free" for "64 % full"."""
    counted = _counted(line)
    if not counted:
        return False
    there = frozenset[tuple[str, Pole]]().union(*(_counted_in(record.text) for record in records))
    return any(
        each not in there and any(number == each[0] and unit[0] == each[1][0] for number, unit in there)
        for each in counted
    )


@lru_cache(maxsize=256)
def _counted_in(text: str) -> frozenset[tuple[str, Pole]]:
    return _counted(normal(text))


@lru_cache(maxsize=512)
def _counted(text: str) -> frozenset[tuple[str, Pole]]:
    units, said = opposites().units, tokens(text)
    found: set[tuple[str, Pole]] = set()
    for at, token in enumerate(said):
        if number := _number(token):
            following = said[at + 1 : at + 3]
            behind = following[1:] if following[:1] and following[0] in _PERCENT else following
            unit = number[1] or (behind[0] if behind else "")
            if unit in units:
                found.add((number[0], units[unit]))
            else:
                of_share = next((units[each] for each in said[at + 1 : at + 6] if each in units), None)
                if of_share is not None and of_share[0] == units["free"][0]:
                    found.add((number[0], of_share))
    return frozenset(found)


@lru_cache(maxsize=20_000)
def _number(token: str) -> tuple[str, str] | None:
    """The number that *token* is, also in words, and a unit right behind it: "50gb"."""
    if found := _NUMBER.fullmatch(token):
        return found[1], found[2]
    return next(((_digits()[stem], "") for stem in stems(token) if stem in _digits()), None)


@cache
def _digits() -> dict[str, str]:
    """For the stem of a number in words its digits."""
    words = lexicon()
    digits = {line: digit for digit, line in words.digits.items()}
    return {stem: digits[line] for stem in words.numbers for line in words.actions[stem] if line in digits}
