"""The clauses of a text as the check whether a record is turned round compares them (`core.check.turned`).

Invariant: what a clause is depends on its text alone, so each text is read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from app.core.check.lexicon import act_words, lexicon
from app.core.check.opposites import Pole, opposites, poles_of
from app.core.check.tokens import is_break, stems
from app.core.kept import MAX_KEPT_WORDS

FEW: Final = 2
"""Up to so many words a clause behind a comma may go on with what is said before: "never delete, move or …"."""
ANDS: Final = frozenset("and or und oder et ou y o".split())
_SAID_OF: Final = frozenset({"on", "off", "up", "down"})
"""How something is, behind a form of "to be"."""
_ANY: Final = frozenset({"one", "ones", "other", "others"})
_ADJECTIVES: Final = frozenset("active actif activo aktiv aktive aktiven".split())
"""How a thing was tells nothing of what to do with it, and their stems are those of "activate"."""
_ELISION: Final = 2
_WITHIN: Final = frozenset("falls since until bis so tant".split())
"""Conjunctions that are something else within a clause: "the load falls", "since Monday"."""
_PAST: Final = frozenset(
    "night week month year time woche monat jahr nacht mois semaine annee nuit mes semana ano noche".split()
)
"""Behind "last" it tells when, and is no opposite of "first"."""


@dataclass(frozen=True, slots=True)
class Clause:
    """What stands between two marks or conjunctions."""

    tokens: tuple[str, ...]
    keys: frozenset[str]
    """The stems of its content words and operands, but for those on a pole."""
    poles: frozenset[Pole]
    done: frozenset[Pole]
    """Those of them that say what is done, not how something is: "turned off", not "was off"."""
    negated: bool | None
    """None: that it has a "not", or none, says nothing."""
    vague: frozenset[str]
    """Words for which it says nothing beside a clause that has not the same."""
    is_conditional: bool
    near: frozenset[Pole] = frozenset()
    """Poles of the clause behind it, if that speaks of the same: "Cached mode was off. Turned it on"."""
    of_thing: frozenset[Pole] = frozenset()
    """Those of the fields of an asset or a measurement that name nothing: "Now: up"."""
    contrast: frozenset[str] = frozenset()
    """The keys of what is denied behind it: "by the owner, not by the service desk"."""
    mark: str = ""
    """The one before it."""
    is_field: bool = False
    is_whole: bool = False
    """Whether it is an asset or a measurement, all of its fields."""


def clauses_of(said: Sequence[str]) -> tuple[Clause, ...]:
    known = opposites()
    made: list[Clause] = []
    told: list[Clause | None] = []
    begins = ""
    for part, mark in _parts(said):
        clause = _clause(part, begins)
        before = made[-1] if made and begins in {"", ","} else None
        if before is not None:
            clause = _joined(clause, before, mark=begins)
            if part[0] in lexicon().undecided or (begins == "," and part[0] in lexicon().negators):
                made[-1] = with_changes(
                    before, negated=None, contrast=clause.keys
                )  # "ask whether …", "… by her, not by him"
            elif part[0] in ANDS and begins == "":
                made[-1] = with_changes(before, vague=before.vague | clause.vague)
        if clause.negated and not clause.keys and not clause.poles and made:
            made[-1] = with_changes(made[-1], negated=None)  # "…, but not yet"
        elif made and clause.poles and not clause.keys and before is not None:
            made[-1] = with_changes(
                made[-1], poles=made[-1].poles | {each for each in clause.poles if each[0] >= known.first_value}
            )
        is_of_before = clause.poles and not clause.is_conditional
        told.append(clause if is_of_before and not (clause.keys and known.pronouns.isdisjoint(part)) else None)
        made.append(clause)
        begins = mark
    _tell_sentences_before(made, told)
    return tuple(made)


def _tell_sentences_before(made: list[Clause], told: Sequence[Clause | None]) -> None:
    """Let each clause of *made* know what of *told* follows it in its sentence, or begins the next.

    "The task was off after the move. Turned it on". How it was is not what was done: "was disabled. Enabled it".
    """
    near = done = frozenset[Pole]()
    changed: set[int] = set()
    for at in reversed(range(len(made) - 1)):
        if made[at + 1].mark not in {"", ","}:
            near, done, changed = frozenset(), frozenset(), set()
        if (after := told[at + 1]) is not None:
            near |= after.poles
            done |= {pole for pole in after.done if pole[0] not in changed}
            changed |= {axis for axis, _ in after.done}
        if near:
            own = {pole for pole in made[at].done if pole[0] not in changed}
            made[at] = with_changes(made[at], near=near, done=done | own)


def _joined(clause: Clause, before: Clause, *, mark: str) -> Clause:
    """*clause* with what it has of the one *before* it in its sentence."""
    known, part = opposites(), clause.tokens
    is_and = part[0] in ANDS
    if is_and and not known.be.isdisjoint(part[1:2]):  # "… and had grown to 900 GB"
        return with_changes(clause, keys=clause.keys | before.keys)
    if is_and and clause.negated and known.be.isdisjoint(part):  # "… and not to the guest network"
        return with_changes(clause, negated=None)
    goes_on = is_and or (mark == "," and len(clause.keys) <= FEW and not clause.is_conditional)
    if is_and and before.negated is None and before.tokens[0] in lexicon().undecided:  # "… or is it Basic"
        return with_changes(clause, negated=None)
    if goes_on and before.negated is not False and clause.negated is False and known.be.isdisjoint(part):
        return with_changes(clause, negated=None)
    return clause


@cache
def _joining() -> frozenset[str]:
    """The words at which a clause ends."""
    return (lexicon().conjunctions - _WITHIN) | ANDS | opposites().before | opposites().after


def _parts(said: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The clauses' words, each with the mark behind it. Behind a word or two a colon ends none: "Now: up"."""
    joining = _joining()
    part: list[str] = []
    for each in said:
        is_end = is_break(each) and not (each == ":" and len(part) <= FEW)
        if (is_end or each in joining) and part and (is_end or len(part) > 1):
            yield tuple(part), each if is_end else ""
            part = []
        if not is_break(each):
            before, _, behind = each.partition("'")
            part.append(behind if len(behind) > 1 and len(before) <= _ELISION else each)
    if part:
        yield tuple(part), ""


@lru_cache(maxsize=MAX_KEPT_WORDS)
def _supposes(token: str) -> bool:
    return not act_words().supposes.isdisjoint(stems(token))


def _clause(part: tuple[str, ...], mark: str) -> Clause:
    known, words = opposites(), lexicon()
    keys: set[str] = set()
    poles: set[Pole] = set()
    done: set[Pole] = set()
    for at, token in enumerate(part):
        found = poles_of(token) if token not in _ADJECTIVES else frozenset()
        if token in {"last", "letzte", "letzten", "derniere", "dernier", "ultima"} and not _PAST.isdisjoint(
            part[at + 1 : at + 2]
        ):
            found = frozenset()
        for pole, verbs, needs_verb in known.particles.get(token, ()):
            has_verb = not verbs.isdisjoint(part[max(at - 2, 0) : at] if needs_verb else part[:at])
            before = part[at - 1] if at else ""
            is_last = at == len(part) - 1 or (token in _SAID_OF and before in known.be)
            if has_verb or (is_last and not needs_verb):
                poles.add(pole)
                if has_verb:
                    done.add(pole)
                break
        if found:
            poles |= found
            done |= found if token not in _SAID_OF else frozenset()
        elif token not in words.empty and token not in known.verbs and token not in _ANY:
            keys.update(stem for stem in stems(token) if len(stem) > 1)
    vague = known.vague.intersection(part) | set(filter(_supposes, part))
    return Clause(
        part,
        frozenset(keys),
        frozenset(poles),
        frozenset(done),
        None if part[0] in words.undecided else not words.negators.isdisjoint(part),
        vague,
        not known.conditional.isdisjoint(part[:2]) or part[0] in known.be,
        mark=mark,
    )


def with_changes(clause: Clause, **changes: object) -> Clause:
    values = {name: getattr(clause, name) for name in Clause.__slots__}
    return Clause(**(values | changes))


def fields_of(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """The *clauses* of an asset or a measurement, all of one thing, and one of all of them."""
    of_thing = frozenset[Pole]().union(*(each.poles for each in clauses if not each.keys))
    whole = Clause(
        tuple(token for each in clauses for token in (*each.tokens, ",")),
        frozenset().union(*(each.keys for each in clauses)),
        frozenset().union(*(each.poles for each in clauses)),
        frozenset(),
        any(each.negated for each in clauses),
        frozenset().union(*(each.vague for each in clauses)),
        is_conditional=False,
        is_whole=True,
    )
    return (*(with_changes(each, of_thing=of_thing, is_field=True) for each in clauses), whole)
