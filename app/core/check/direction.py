"""What a sentence says to be done, by whom, and whether a record says the same or the opposite.

Compared are the tokens of a sentence with those of the windows of records that say most of its words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Final

from app.core.check.acts.said import state_stems
from app.core.check.lexicon import act_words, lexicon
from app.core.check.opposites import does_it
from app.core.check.records import Record
from app.core.check.sentences import Words
from app.core.check.tokens import is_break, stems
from app.core.kept import MAX_KEPT_WORDS

_SIGNED: Final = {"anmeld": -1, "abmeld": -2}
"""Numbers beside those of lines: to sign in, to sign out."""
_WHO_TOKENS: Final = 5
"""Within so many tokens of what is done a record must say who does it, where the sentence says that it is a person."""
_ALREADY: Final = frozenset({"already", "bereits", "schon", "deja", "ya"})
"""Of what may be granted, "it already was" is another matter."""
_NEAR_NEGATOR: Final = 2
"""Words behind an "and" of which one may be a "not" that begins a clause: "and is not"."""
_OPENS: Final = frozenset("open opened opening offnen offne ouvrir ouvrez abrir abra".split())
_VIEW_TOKENS: Final = 5
"""Words behind "open" of which one may be what is only looked at."""
_ENDS: Final = frozenset({"ends", "ending", "end"})
_ENDS_WITH: Final = frozenset({"with", "in", "at"})
_ADMIN: Final = frozenset({"admin", "administration", "administrator"})
_ALLOWED: Final = frozenset({"allowed", "permitted", "erlaubt", "autorise", "permitido"})
"""With a "not" it forbids."""
_TELLS: Final = frozenset({"reveals", "tells", "reads", "says"})
"""As an event or an article does."""
_BY: Final = frozenset({"by", "vom", "von", "par", "por"})
_BY_WORDS: Final = 4
_OUTSIDE: Final = frozenset({"outside", "ausserhalb", "dehors", "fuera"})
_DURING: Final = frozenset({"during", "within", "inside", "wahrend", "innerhalb", "pendant", "durante"})
_STARTS: Final = frozenset({"and", "or", "then", "to"})
_CANNOT_TOKENS: Final = 3
_AND: Final = frozenset({"and", "und", "et", "y"})
_AS: Final = frozenset({"as"})
_CAUSE_TOKENS: Final = 3
"""Words behind an "as" and a noun of which one may tell that it says a cause: "as port 80 was blocked"."""
_FORBIDS_TOKENS: Final = 3
_PREFIXES: Final = ("un", "in", "im", "dis", "des", "de", "non", "mis", "ent")
_LEAST_OF_OPPOSITE: Final = 4
"""More letters than these are left of a word without its prefix."""
_UNLESS: Final = frozenset(
    "without unless before until except ohne bevor bis ausser sans avant sauf sin antes salvo hasta".split()
)
"""Behind a "never", what must be first."""
_INSTEAD: Final = {
    "instead": "of",
    "rather": "than",
    "statt": "",
    "anstatt": "",
    "lieu": "de",
    "lugar": "de",
    "vez": "de",
}
"""What is not to be done follows."""
_NO_STEMS: Final = frozenset[str]()
_LIMITS: Final = frozenset(
    "by via through using with from over uber durch mit vom von par via avec por mediante con".split()
)
"""Behind one of these an "only" tells by whom, or with what; "at night" and "if" are other matters."""
_GOES_ON_CLAUSES: Final = 2
"""So many clauses before may be what "it" stands for."""
_CHANGES: Final = ("replace", "update", "reset", "add", "move", "uberschreiben")
"""Of what a record says to be done so, a sentence may say that it was changed."""


# --- what contradicts a record ---------------------------------------------------------------------------------------


def is_opposite(words: Words, said: Sequence[str], gone: Collection[str]) -> bool:
    """Whether *words* say the opposite of *said*, of which they miss *gone*, by one word.

    "disabled" for "enabled", "without the check" where nothing is said to be without, "outside" for "during".
    """
    known = frozenset(stem for token in said if not is_break(token) for stem in stems(token))
    return (
        any(_opposites(stem) & known or any(stem in _opposites(other) for other in known) for stem in gone)
        or _is_without(words.tokens, said)
        or ("off" in words.tokens and "off" not in said and "on" in said and "on" not in words.tokens)
        or _is_inside_out(words.tokens, said)
    )


def _is_without(line: Sequence[str], said: Sequence[str]) -> bool:
    """Whether *line* goes without what *said* does not: "without a rebuild" is "no rebuild"."""
    without = lexicon().without
    return any(
        token in without and token not in said and not _is_there_none(line[at + 1 : at + 1 + _NEAR_NEGATOR], said)
        for at, token in enumerate(line)
    )


def _is_there_none(named: Sequence[str], said: Sequence[str]) -> bool:
    wanted, negators = {stem for each in named for stem in stems(each)}, lexicon().negators
    return any(
        not wanted.isdisjoint(stems(each)) and not negators.isdisjoint(said[max(at - _FORBIDS_TOKENS, 0) : at])
        for at, each in enumerate(said)
    )


def is_of_others(words: Words, said: Sequence[str], gone: Collection[str]) -> bool:
    """Whether *words* name others who do it than *said* does, or let somebody have or do what *said* does not."""
    return names_others(words.tokens, said) or (bool(gone) and _gives_away(words.tokens, gone))


def names_others(line: Sequence[str], said: Sequence[str]) -> bool:
    """Whether *line* names others who do it than *said* does."""
    return any(not _is_who(who, action, said) for who, action in _who_does(line))


def _is_inside_out(line: Sequence[str], said: Sequence[str]) -> bool:
    """Whether one says "outside business hours" where the other says "during"."""
    return _OUTSIDE.isdisjoint(said) is not _OUTSIDE.isdisjoint(line) and not _DURING.isdisjoint((*said, *line))


def are_claims_known(line: Sequence[str], others: Sequence[str], known: frozenset[str]) -> bool:
    """Whether the record has the claims of a sentence as they stand, and then the *others* of its words, too."""
    known_claims = act_words().claims
    claims = [each for at, each in enumerate(line) if each in known_claims and not _changes_nothing(line, at)]
    if claims and not _ALREADY.isdisjoint(line):
        return False
    rights = act_words().rights
    known |= rights if not rights.isdisjoint(known) else frozenset()
    claimed = frozenset(stem for token in claims for stem in stems(token))
    return not claims or (claimed <= known and known.issuperset(stem for stem in others if stem not in neutral_stems()))


def _gives_away(line: Sequence[str], missing: Collection[str]) -> bool:
    """Whether one of the *missing* is secret, permitted, "let the user …", or does it, "by the user"."""
    if not act_words().secrets.isdisjoint(missing):
        return True
    for at, token in enumerate(line):
        who = line[at + 1 : at + _BY_WORDS] if token in _BY else []
        if who and not who[0].endswith("ing") and any(stem in missing for each in who for stem in stems(each)):
            return True
    first = next((at for at, token in enumerate(line) if token in act_words().permits), len(line))
    return any(stem in missing for token in line[first + 1 :] if not is_break(token) for stem in stems(token))


def _who_does(line: Sequence[str]) -> Iterable[tuple[str, frozenset[int]]]:
    """Each person of *line* right before what is done, "the user approved it": the stem, and lines of `actions`."""
    done, people = lexicon().actions, act_words().people
    for one, other in pairwise(line[:-1]):
        for who in people.intersection(stems(one)):
            yield from ((who, done[stem]) for stem in stems(other) if stem in done)


def _is_who(who: str, lines: frozenset[int], said: Sequence[str]) -> bool:
    words = lexicon()
    same = words.same.get(who, frozenset()) | {who}
    for at, token in enumerate(said):
        if any(lines & words.actions.get(stem, frozenset()) for stem in stems(token)):
            around = [*said[max(at - _WHO_TOKENS, 0) : at + _WHO_TOKENS + 1], *_behind_by(said[at + 1 :])]
            if any(stem in same for each in around for stem in stems(each)):
                return True
    return False


def _behind_by(said: Sequence[str]) -> Sequence[str]:
    """Who does it, in the same clause: "unlocking of accounts is done by the team"."""
    clause = said[: next((at for at, token in enumerate(said) if is_break(token)), len(said))]
    by = next((at for at, token in enumerate(clause) if token in _BY), len(clause))
    return clause[by + 1 : by + 1 + _WHO_TOKENS]


@lru_cache(maxsize=MAX_KEPT_WORDS)
def _opposites(stem: str) -> frozenset[str]:
    """What is left of *stem* without "un", "dis" and the like: what it is the opposite of, if that is a word."""
    return frozenset(
        stem[len(prefix) :]
        for prefix in _PREFIXES
        if stem.startswith(prefix) and len(stem) > len(prefix) + _LEAST_OF_OPPOSITE - 1
    )


# --- what is done, and its direction ----------------------------------------------------------------------------------


def actions(said: Sequence[str], *, of_record: bool = False) -> list[frozenset[int]]:
    """For each word of *said* that says what is done, the lines of `actions` that it stands in.

    "Turn … on" and "sign … out" are such words too; of a record, "put into the group" and "taken out of it".
    """
    words = lexicon()
    found: list[frozenset[int]] = []
    turns: dict[str, frozenset[int]] = {}
    for at, token in enumerate(said):
        if is_break(token):
            turns = {}
        elif token in turns:
            found.append(turns[token])
        elif of_record and token in _puts():
            turns = {**turns, **_puts()[token]}
        elif not of_record and _changes_nothing(said, at):
            continue
        elif token not in words.empty and token not in act_words().things:
            for stem in stems(token):
                found += _done_in(stem, turns)
                if not _are_logs(said, at):
                    turns = {**turns, **_turns().get(stem, {})}
    return found


def _are_logs(said: Sequence[str], at: int) -> bool:
    """Whether it names logs, as in "the logs on srv-web02"; who "logs on" is a person."""
    who = act_words().people | {"he", "she", "it", "who"}
    return said[at] == "logs" and (not at or who.isdisjoint((said[at - 1], *stems(said[at - 1]))))


def _done_in(stem: str, turns: Mapping[str, frozenset[int]]) -> Iterable[frozenset[int]]:
    if stem in _SIGNED:
        yield frozenset({_SIGNED[stem]})
    lines = turns.get(stem) or lexicon().actions.get(stem)
    if lines:
        yield lines


def _changes_nothing(said: Sequence[str], at: int) -> bool:
    """Whether the word at *at*, which looks like what is done, is none: "cannot print", "in Exchange", "ends with"."""
    word, before, following = said[at], said[max(at - _VIEW_TOKENS, 0) : at], said[at + 1 : at + 1 + _VIEW_TOKENS]
    if word in _OPENS:
        views = act_words().views
        return any(stem in views for each in following if not is_break(each) for stem in stems(each))
    if word in _ENDS:
        return bool(following) and following[0] in _ENDS_WITH
    if word == "exchange":
        return bool(before) and not is_break(before[-1]) and before[-1] not in _STARTS
    if word == "confirm":
        return not before or before[-1] in _STARTS
    if word in _ALLOWED:
        return not lexicon().negators.isdisjoint(before[-2:])
    is_place = word in _ADMIN and not act_words().views.isdisjoint(stems((following or [""])[0]))  # "admin centre"
    is_told = word in act_words().stuck or (word in _TELLS and bool(before))
    return is_place or is_told or not act_words().cannot.isdisjoint(before[-_CANNOT_TOKENS:])


def undone(line: Sequence[str], done: frozenset[int]) -> list[frozenset[int]]:
    """Of what *line* says to be done, what is not among *done*, lines of `Lexicon.actions`."""
    if not done.isdisjoint(_lines_of(_CHANGES)):
        done |= _lines_of(("change",))
    return [lines for lines in actions(line) if not lines & done]


@cache
def _lines_of(verbs: tuple[str, ...]) -> frozenset[int]:
    return frozenset(line for verb in verbs for stem in stems(verb) for line in lexicon().actions[stem])


@cache
def neutral_stems() -> frozenset[str]:
    """Stems that carry no claim: words for how something is, and those that tie a sentence together."""
    return (state_stems() | lexicon().light) - lexicon().actions.keys()


@cache
def _turns() -> dict[str, dict[str, frozenset[int]]]:
    """For the stem of a verb, what its particles make of it: a line of `actions`, or a number of its own."""
    actions = lexicon().actions
    [on], [off], [again] = (actions[stem] for word in ("activate", "off", "restart") for stem in stems(word))
    switched = {"on": on, "ein": on, "an": on, "off": off, "aus": off, "ab": off}
    signed = {"in": -1, "on": -1, "out": -2, "off": -2, "an": -1, "ab": -2}
    made = {
        **dict.fromkeys(("turn", "switch", "power", "schalten"), switched),
        **dict.fromkeys(("sign", "log", "melden"), signed),
        "neu": dict.fromkeys(stems("start"), again),
    }
    return {
        stem: {particle: frozenset({line}) for particle, line in particles.items()}
        for word, particles in made.items()
        for stem in stems(word)
    }


@cache
def _puts() -> dict[str, dict[str, frozenset[int]]]:
    """The same of what a record may say without a verb of its own: "put into VLAN 45" says that it was moved there."""
    added, taken = _lines_of(("add", "give", "move")), _lines_of(("remove",))
    return {"put": {"into": added, "in": added, "back": added}, "taken": {"out": taken}, "took": {"out": taken}}


class Direction:
    """Whether the clauses of a sentence have a "not" or an "only" where those of *said* that they repeat have one."""

    def __init__(self, line: Sequence[str], said: Sequence[str]) -> None:
        self._own, self._others = _clauses(line), _clauses(said)

    @cached_property
    def is_turned(self) -> bool:
        """Whether one has none, or more, where the other has one."""
        if not any(clause.negated or clause.limited for clause in (*self._own, *self._others)):
            return False
        look = act_words().look
        return any(
            _is_clause_turned(clause, self._others)
            for clause in self._own
            if clause.negated or (clause.negated is not None and not clause.words <= look)
        )

    @cached_property
    def denies(self) -> bool:
        """Whether it says to do what *said* has only with a "never" or an "only", or not to do what it has without."""
        return any(
            _drops_never(clause, self._others)
            if clause.negated is False
            else clause.negated and _adds_never(clause, self._others)
            for clause in self._own
        )


def _is_clause_turned(own: _Clause, others: Sequence[_Clause]) -> bool:
    shared = [(len(own.words & other.words), other) for other in others]
    enough = min(2, max((number for number, _ in shared), default=0))
    if enough and not any(number >= enough and own.agrees_with(other) for number, other in shared):
        return True
    if own.negated:
        return False
    done_later = [other.words for other in others if not other.negated]
    if any(
        other.negated
        and len(other.words) > 1
        and other.words <= own.words
        and not any(other.words < later for later in done_later)
        for other in others
    ):
        return True
    return _drops_never(own, others)


def is_forbidden(stem: str, record: Record) -> bool:
    """Whether *record* has *stem*, and each time shortly behind a "not" of the same clause: "do not initialise it"."""
    places = record.places.get(stem, ())

    def is_behind_not(at: int) -> bool:
        before = record.tokens[max(at - _FORBIDS_TOKENS, 0) : at]
        clause = before[max((place for place, token in enumerate(before) if is_break(token)), default=-1) + 1 :]
        return not lexicon().negators.isdisjoint(clause)

    return bool(places) and all(map(is_behind_not, places))


def _adds_never(own: _Clause, others: Sequence[_Clause]) -> bool:
    """Each clause of *others* with what *own* says to be done is without a "not", and one has all of its words."""
    for stem in own.words & lexicon().actions.keys():
        saying = [other for other in others if stem in other.words]
        if any(own.words <= other.words for other in saying) and not any(
            other.negated or own.limits_as(other) for other in saying
        ):
            return True
    return False


@cache
def _others_for(stem: str) -> frozenset[str]:
    """*stem*, and all that say the same to be done: a record may forbid it in another word, or language."""
    actions = lexicon().actions
    return frozenset(other for other, lines in actions.items() if lines == actions[stem]) | {stem}


def _drops_never(own: _Clause, others: Sequence[_Clause]) -> bool:
    for stem in own.words & lexicon().actions.keys():
        saying = [other for other in others if not _others_for(stem).isdisjoint(other.words)]
        if saying and all(
            (other.negated and not own.limits_as(other)) or (other.limited and not own.keeps(other)) for other in saying
        ):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Clause:
    words: frozenset[str]
    """The stems of its content words."""
    negated: bool | None
    """Whether it has a "never"; None: it says "whether"."""
    limited: bool
    """Whether it has an "only"."""
    limit: frozenset[str]
    """To what, where that is told: the stems behind "only by", or before "only" at its end."""
    fails: bool
    """Whether it says that something fails: "not at fault" is "fine"."""
    unless: bool
    """Whether it says what must be first: "never … without the lead" is "only with the lead"."""

    without: bool
    """Whether it is without something, as "no sessions" is."""

    def limits_as(self, other: _Clause) -> bool:
        """Whether one says "never … without", and the other "only"."""
        return (self.limited and bool(other.negated) and other.unless) or (
            other.limited and bool(self.negated) and self.unless
        )

    def keeps(self, other: _Clause) -> bool:
        """Whether it says to what the other is limited: "by the team" for "by the team only"."""
        return self.limited or bool(other.limit and other.limit <= self.words)

    def agrees_with(self, other: _Clause) -> bool:
        if other.negated in {self.negated, None} or self.limits_as(other):
            return True
        if self.without is bool(other.negated) and other.without is bool(self.negated):
            return True  # "without sessions" is "no sessions"
        return self.negated is not None and self.fails is not other.fails


def _limit_of(line: Sequence[str]) -> frozenset[str]:
    """What stands behind "only by" in a clause, or between its last such word and an "only" at its end."""
    at = next((at for at, token in enumerate(line) if token in lexicon().only), None)
    if at is None:
        return _NO_STEMS
    if at + 1 < len(line):
        told = line[at + 2 :] if line[at + 1] in _LIMITS else []
    else:
        by = next((place for place in reversed(range(at)) if line[place] in _LIMITS), at)
        told = line[by + 1 : at]
    return frozenset(stem for token in told if token not in lexicon().empty for stem in stems(token))


def _is_in_place_of(said: Sequence[str], at: int) -> bool:
    """Whether "instead of" or the like stands at *at*."""
    return said[at] in _INSTEAD and (_INSTEAD[said[at]] == "" or said[at + 1 : at + 2] == [_INSTEAD[said[at]]])


def _clauses(said: Sequence[str]) -> list[_Clause]:
    words = lexicon()
    faults = act_words().faults
    clauses: list[_Clause] = []
    content: set[str] = set()
    negated: bool | None = False
    limited = fails = goes_on = unless = without = False
    line: list[str] = []

    def end() -> None:
        said_of = content or (clauses[-1].words if clauses else frozenset())  # "…, but not yet"
        if goes_on and not negated:  # "was not in the group. Added it": what was done is said of the account, too
            said_of = said_of.union(*(each.words for each in clauses[-_GOES_ON_CLAUSES:]))
        clauses.append(_Clause(frozenset(said_of), negated, limited, _limit_of(line), fails, unless, without))
        line.clear()

    for at, token in enumerate(said):
        joins = (
            token in words.conjunctions
            or (token in _AND and not words.negators.isdisjoint(said[at + 1 : at + 1 + _NEAR_NEGATOR]))
            or (token in _AS and not act_words().is_so.isdisjoint(said[at + 2 : at + 2 + _CAUSE_TOKENS]))
        )
        unless = unless or (token in _UNLESS and bool(content))
        in_place = _is_in_place_of(said, at)
        if (is_break(token) or joins or in_place) and (content or negated):
            end()
            content, negated, limited, fails, goes_on = set(), in_place, False, False, False
            unless = without = False
        if not is_break(token):
            line.append(token)
            negated = None if token in words.undecided else negated or (token in words.negators and negated is False)
            limited = limited or token in words.only
            fails = fails or token in faults
            without = without or token in words.without
            goes_on = goes_on or (not content and does_it(said, at))
            if token not in words.empty:
                content.update(stems(token))
    if content or negated:
        end()
    return clauses
