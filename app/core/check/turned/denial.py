"""A "not" more or less.

    record                                   sentence                                  turned round since
    ──────────────────────────────────────   ───────────────────────────────────────   ─────────────────────────────────
    "Check that it is not in offline mode"   "Check that it is in offline mode"        what stands next to the "not" is
                                                                                       said without (`is_denied`)
    "Repair the profile"                     "Do not repair the profile"               nothing there has a "not"
                                                                                       (`is_new_denial`)
    "Restart the service, not the PC"        "Restart the PC, not the service"         each denies what the other says
                                                                                       (`is_contrast`)
    "compliance: not compliant"              "The PC is compliant"                     a field has it (`has_not`)
    "mode was off; it must not be on"        "The mode must not be on"                 said with the same "not": no

In a clause that only looks, or says "whether", a "not" says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.core.check.clauses import ANDS, FEW, Clause
from app.core.check.lexicon import act_words, lexicon
from app.core.check.opposites import poles_of
from app.core.check.tokens import stems
from app.core.check.turned.likeness import axes, shared

_ORDERS_NOT: Final = frozenset("do don't never nicht nie niemals ne nunca jamais".split())
_PLAIN_NOT: Final = frozenset("not isn't aren't wasn't weren't nicht pas".split())
_ENGLISH_NOT: Final = frozenset(
    "not no never don't doesn't didn't isn't aren't wasn't weren't won't hasn't haven't hadn't".split()
)
_SAYING_SAME: Final = 0.75
_SAYING_ALL: Final = 0.85
_OF_RECORD: Final = 0.6
"""Shares of the words of the sentence's clause and of the record's that the other has, where one has a "not"."""


def has_not(own: Clause, there: Sequence[Clause]) -> bool:
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


def is_contrast(own: Clause, other: Clause) -> bool:
    """Whether it says of *other* what that denies: "granted by the service desk"; or they deny each other."""
    if own.contrast & (other.keys - other.contrast) and other.contrast & (own.keys - own.contrast):
        return True
    others = own.keys - other.keys
    return (
        bool(others)
        and others <= other.contrast <= own.keys
        and len(own.keys) - len(others) + len(own.poles & other.poles) >= FEW
    )


def is_new_denial(own: Clause, best: Clause, others: Sequence[Clause]) -> bool:
    """Whether it denies what *best* says, and none of the *others* has a "not" or the like."""
    if is_order(own) and _was_done(own, others):
        return True
    if any(_forbids(other, own) for other in others) or _tells_to(best, own):
        return False
    if is_order(own):
        return True
    prose = frozenset(key for key in own.keys if key.isalpha()) or own.keys
    is_plain = (
        len(own.keys) >= FEW
        and not own.vague
        and not _PLAIN_NOT.isdisjoint(own.tokens)
        and act_words().faults.isdisjoint(own.tokens)
    )
    return is_plain and shared(prose, best.keys) >= _SAYING_ALL * len(prose)


def _was_done(own: Clause, others: Sequence[Clause]) -> bool:
    """Whether a clause begins with what *own* says not to do, "Added it to VPN-Users", and none has it with a "not"."""
    verbs = _denied(own)
    return any(
        not other.negated and _are_alike(other.tokens[0], verb) for verb in verbs for other in others
    ) and not any(
        other.negated is not False and any(_are_alike(token, verb) for token in other.tokens)
        for verb in verbs
        for other in others
    )


def _forbids(other: Clause, own: Clause) -> bool:
    """Whether it may be what *own* says not to do: it has a "not", or the like, and a word of it."""
    is_other = other.negated is not False or bool(other.vague)
    return is_other and not (own.keys | {axis for axis, _ in own.poles}).isdisjoint(
        other.keys | {axis for axis, _ in other.poles}
    )


def is_denied(own: Clause, other: Clause) -> bool:
    """Whether one has a "not" before what the other says without, and they say the same for the rest."""
    if own.vague != other.vague or None in {own.negated, other.negated} or own.negated == other.negated:
        return False
    if len(own.keys) < FEW and own.keys != other.keys:
        return False
    common = shared(own.keys, other.keys)
    if other.is_whole:
        is_plain = bool(own.negated) and not _PLAIN_NOT.isdisjoint(own.tokens)
        return is_plain and common == len(own.keys) and own.poles <= other.poles
    prose = frozenset(key for key in own.keys if key.isalpha()) or own.keys
    is_all = shared(prose, other.keys) == len(prose)
    if not is_all and (common < _SAYING_SAME * len(own.keys) or common < _OF_RECORD * len(other.keys)):
        return False
    denying, saying = (own, other) if own.negated else (other, own)
    if denying is own and (_tells_to(other, own) or not axes(own) <= axes(other)):
        return False
    heads = _denied(denying)
    return bool(heads) and any(_says(saying, head) for head in heads)


def _tells_to(other: Clause, own: Clause) -> bool:
    """Whether *other* begins with what *own* says not to have been: "did not start", where it was started then.

    So does what had not been done before: "had not approved yet".
    """
    first = next((token for token in other.tokens if token not in ANDS and token not in lexicon().conjunctions), "")
    is_done = any(stem in lexicon().actions for stem in stems(first)) if first else False
    was_before = "had" in own.tokens and "had" not in other.tokens
    return was_before or (is_done and not is_order(own) and any(_are_alike(first, head) for head in _denied(own)))


def _are_alike(one: str, other: str) -> bool:
    axes = [{axis for axis, _ in poles_of(token)} for token in (one, other)]
    return bool(axes[0] & axes[1]) or stems(one) == stems(other)


def is_order(own: Clause) -> bool:
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
        return not axes(clause).isdisjoint({axis for axis, _ in poles})
    return bool(shared(frozenset(stems(token)), frozenset(stem for each in clause.tokens for stem in stems(each))))
