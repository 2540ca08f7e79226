"""A word exchanged for its opposite, or a value for another: "include" for "exclude", "Monday" for "Sunday".

An axis is a line of opposites.toml, a pole one end of it. Two turns make none: "not off" says "on".

    record                         sentence                       contradicts
    ────────────────────────────   ────────────────────────────   ──────────────────────────────────────────────────
    "Delete the oldest copies"     "Delete the newest copies"     yes: the other pole of one axis
    "The service was stopped"      "The service was not running"  no: the other pole, and a "not"
    "moved the scan to Sunday"     "moved the scan to Monday"     yes: a value, which no "not" exchanges
    "the new key, the old lock"    "the old key"                  yes; "the old lock": no, it is of another thing
    "Cached mode was off"          "Turn cached mode on"          no: how it was tells nothing of what to do

What a number counts is another matter (`counts`).
"""

from __future__ import annotations

from app.core.check.clauses import Clause
from app.core.check.lexicon import act_words, lexicon
from app.core.check.opposites import Pole, opposites, poles_of
from app.core.check.tokens import stems
from app.core.check.turned.denial import is_denied
from app.core.check.turned.likeness import shared


def contradicts(own: Clause, other: Clause) -> bool:
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
    return flipped is not (is_of_one_mood and is_denied(own, other))


def agrees(own: Clause, other: Clause) -> bool:
    """Whether it has the same poles, and as many a "not"."""
    if not own.poles or own.negated != other.negated or own.vague != other.vague:
        return False
    return own.poles <= other.poles and not any(_is_done_otherwise(own, other, pole) for pole in own.poles)


def was_done(own: Clause, other: Clause) -> bool:
    """Whether *other* tells that just this was done, in fewer words: "Added it to VPN-Users" behind "was not in it".

    So does "Entered the new password there" behind "The old one was still in its mail app".
    """
    begin, first = poles_of(own.tokens[0]), stems(own.tokens[0])
    is_same = first == stems(other.tokens[0]) and any(stem in lexicon().actions for stem in first)
    return (
        (is_same or bool(begin & own.done & poles_of(other.tokens[0])))
        and agrees(own, other)
        and 0 < len(other.keys) == shared(other.keys, own.keys)
    )


def _is_done_otherwise(own: Clause, other: Clause, pole: Pole) -> bool:
    """Whether *own* begins with what is done, as "Turned it off", where *other* says so only of how it was."""
    first = own.tokens[0]
    begins = first in opposites().switches or pole in poles_of(first)
    return begins and pole in own.done and pole not in other.done and any(axis == pole[0] for axis, _ in other.done)


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
