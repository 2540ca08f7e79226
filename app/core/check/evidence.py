"""What the records say of one sentence: the words and operands that are found, and what speaks against it.

Invariant: what an `Evidence` says depends on the sentence and its `Support` alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Final

from app.core.check.acts.harm import names_secret, orders
from app.core.check.direction import (
    Direction,
    actions,
    are_claims_known,
    is_forbidden,
    is_of_others,
    is_opposite,
    names_others,
    neutral_stems,
    undone,
)
from app.core.check.lexicon import act_words, lexicon
from app.core.check.records import Record, Records, language_of
from app.core.check.sentences import Words
from app.core.check.strangers import Strangers
from app.core.check.tokens import is_break, stems
from app.core.check.weighing import Traits
from app.core.check.windows import Window, best_windows, loose_in, stands_near, with_kin
from app.core.reading.language import spoken_language

_FEW_WORDS: Final = 3
"""Content words."""
_SPOKEN_SHARE: Final = 0.75
"""If less of its words is found, a sentence must be in a language that is known: else they may say anything."""
_TRANSLATED_SHARE: Final = 0.3
_TRANSLATED_WORDS: Final = 2
_CARRYING_WORDS: Final = 2
_ANDS: Final = frozenset("and or und oder et ou y o".split())
_USER: Final = "user user's benutzer benutzers benutzerin utilisateur utilisatrice usuario usuaria".split()
_BEGIN_TOKENS: Final = 3
"""Within so many tokens stands what a sentence says to do, or not: "Do not initialise"."""
_NONE: Final = frozenset[str]()
_AROUND_TOKENS: Final = 8
"""Words and marks around a window that may say what is done: "Cached mode was off. Turned it on"."""
SHORT_NUMBER = re.compile(r"\d{1,3}(?: ?%)?|\d{1,2}(?::\d{2})?(?:[ap]m)?|[245]\.\d{1,2}\.\d{1,3}")
"""How many, when, or a status of mail (RFC 3463): nothing to act on."""


class Fault(StrEnum):
    """Why a sentence is not kept."""

    FOREIGN = "foreign"
    """An operand that is in no record, or not in that run."""
    UNSUPPORTED = "unsupported"
    """Too few of its words."""
    OTHER_ACTION = "other_action"
    """It says to do what the record does not say."""
    TURNED = "turned"
    """It says "do" where the record says "never", or the other way round."""
    OVERRULED = "overruled"
    """It says to do what a newer record says not to do."""


NO_TICKET: Final = Record("", "")
NOBODY: Final = Strangers((), Records(()))


@dataclass(frozen=True, slots=True)
class Support:
    """What may support a sentence, and what it is compared with besides."""

    records: Sequence[Record]
    """Those that may support it: for a fact those that it cites."""
    all_records: Records
    """Of the enhancement, for what does not depend on a citation."""
    language: str
    """The note's, ISO 639-1."""
    ticket: Record = NO_TICKET
    """What the requester wrote. An error code of it may stand in any sentence."""
    strangers: Strangers = NOBODY


class Evidence:
    """What the records say of a sentence, or part of one, with content words. Each thing is found when asked for."""

    def __init__(self, words: Words, support: Support) -> None:
        self.words, self.support = words, support

    @cached_property
    def windows(self) -> list[Window]:
        windows = best_windows(self.words.stems, self.support.records, operands=self.words.operands)
        return [with_kin(window, self.words.stems) for window in windows]

    @property
    def refs(self) -> frozenset[str]:
        return frozenset(window.record.ref for window in self.windows)

    @cached_property
    def said(self) -> list[str]:
        """The tokens of the windows."""
        return [token for window in self.windows for token in window.tokens()]

    @cached_property
    def done(self) -> frozenset[int]:
        """What the windows, and a little around them, say to be done: lines of `Lexicon.actions`."""
        done = done_by([token for window in self.windows for token in window.tokens(around=_AROUND_TOKENS)])
        known = lexicon()
        if known.numbers.isdisjoint(self.words.stems):
            return done
        return done | {
            line for digit, line in known.digits.items() if any(each.record.holds(digit) for each in self.windows)
        }

    @cached_property
    def undone(self) -> list[frozenset[int]]:
        """What the sentence says to be done and the windows do not."""
        return undone(self.words.tokens, self.done)

    @cached_property
    def held(self) -> list[str]:
        """The operands that the records of the windows hold."""
        return [each for each in self.words.operands if any(window.record.holds(each) for window in self.windows)]

    @cached_property
    def near(self) -> list[str]:
        """Those of them that stand near to the words."""
        return [each for each in self.held if any(stands_near(each, window) for window in self.windows)]

    @cached_property
    def there(self) -> frozenset[str]:
        """The stems that stand in the windows."""
        return frozenset().union(*(window.found for window in self.windows))

    @cached_property
    def named(self) -> frozenset[str]:
        """The stems of what is done that the windows say in another word."""
        known = lexicon().actions
        return frozenset(stem for stem in self.words.stems if self.done & known.get(stem, _NONE)) - self.there

    @cached_property
    def gone(self) -> list[str]:
        """The stems that the windows do not have in any word."""
        return [stem for stem in self.words.stems if stem not in self.there and stem not in self.named]

    @cached_property
    def loose(self) -> frozenset[str]:
        """The stems in the windows that are not near to those beside which they stand in the sentence."""
        if len(self.there) == 1 and (self.near or self.named):
            return _NONE
        return loose_in([stem for stem in self.words.stems if stem in self.there], self.windows)

    @cached_property
    def forbidden(self) -> frozenset[str]:
        """What the sentence says to do, or not, at its begin, if a record says not to do that, and none to do it."""
        first, said = self.words.stems[0], self.words.tokens
        at = next((at for at, token in enumerate(said[:_BEGIN_TOKENS]) if first in stems(token)), None)
        if at is None or said[at + 1 : at + 2] == [] or said[at + 1] in lexicon().conjunctions | _ANDS:
            return _NONE
        if not lexicon().only.isdisjoint(said) and not self.direction.denies:
            return _NONE  # "only with the lead" is "never without the lead"
        if at == 0 and not orders(self.words.chunks, frozenset({first})):
            return _NONE
        saying = [record for record in self.support.records if first in record.stems]
        return frozenset({first}) if saying and all(is_forbidden(first, record) for record in saying) else _NONE

    @cached_property
    def is_warning(self) -> bool:
        """Whether it says not to do what a record forbids: the words around may stand elsewhere in the record."""
        return bool(self.forbidden) and _has_negator(self.words.tokens)

    @cached_property
    def is_turned(self) -> bool:
        return self.direction.is_turned and not self.is_warning

    @cached_property
    def found(self) -> frozenset[str]:
        """The stems that count as said."""
        same, loose = lexicon().same, self.loose
        found = (self.there - loose) | self.named | (self.forbidden if self.is_warning else _NONE)
        return found | {
            stem for stem in self.words.stems if stem not in loose and not found.isdisjoint(same.get(stem, ()))
        }

    @cached_property
    def asked(self) -> list[str]:
        """The stems that the windows must say.

        What is wrong stands in the problem, which requesters write: "slow" needs no record where two other words do.
        Nor do words that carry no claim, to look at something, what was wrong with the source's own ticket, and the
        user, but where the sentence says what somebody may or must.
        """
        if len(self.found) < _CARRYING_WORDS:
            return self.words.stems
        neutral = neutral_stems() | self._told
        neutral |= _user() if _risky().isdisjoint(self.words.tokens) else _NONE
        look, first = act_words().look, self.words.stems[0]
        return [
            stem
            for stem in self.words.stems
            if stem in self.found or not (stem in neutral or (stem in look and stem != first))
        ]

    @cached_property
    def _told(self) -> frozenset[str]:
        """What requesters wrote of the records' own tickets: nothing that is done, and nothing secret."""
        texts = {window.record.told for window in self.windows}
        told = frozenset().union(*(Record("", text).stems for text in texts))
        return told - lexicon().actions.keys() - act_words().secrets - act_words().imperatives - act_words().protects

    @cached_property
    def lost(self) -> frozenset[str]:
        """Those of them that they do not say."""
        return frozenset(self.asked) - self.found

    @property
    def share(self) -> float:
        """Of the stems that are asked and the operands that are near, how many are found, 0 to 1."""
        return 1 - len(self.lost) / max(len(self.asked) + len(self.near), 1)

    @cached_property
    def is_translated(self) -> bool:
        """Whether a record in another language says the sentence's operands, numbers and names."""
        operands, language = self.words.operands, self.support.language
        if not operands or spoken_language(self.words.text) not in {None, language}:
            return False
        for record in self.support.records:
            if record.language in {None, language} or record.is_list:
                continue
            shared = sum(stem in record.stems for stem in self.words.stems) + sum(map(record.holds, set(operands)))
            if shared >= _TRANSLATED_WORDS and shared >= _TRANSLATED_SHARE * len(self.words.stems):
                return True
        return False

    @cached_property
    def direction(self) -> Direction:
        return Direction(self.words.tokens, self.said)

    @cached_property
    def fault(self) -> Fault | None:
        """What no other words make good; None: it is to be weighed."""
        others = set(self.words.operands).difference(self.held)
        if not _are_numbers_known(others, self.words.operands, self.support.records):
            return Fault.FOREIGN
        if self._is_undone_there or (self.forbidden and not self.is_warning) or self._is_opposite_alone:
            return Fault.TURNED
        is_other = self._is_of_others_alone or self._is_other_number or self._is_weaker_protection
        return Fault.OTHER_ACTION if is_other else None

    @property
    def _is_undone_there(self) -> bool:
        """Whether it says to open what the records close, or the like."""
        opposed = lexicon().opposed
        return any(not self.done.isdisjoint(opposed.get(line, ())) for lines in self.undone for line in lines)

    @property
    def _is_other_number(self) -> bool:
        """Whether it has a number in words, "twice", that the records have not."""
        of_numbers = [lexicon().actions[stem] for stem in self.words.stems if stem in lexicon().numbers]
        return any(lines in of_numbers for lines in self.undone)

    @property
    def _is_of_others_alone(self) -> bool:
        """Whether somebody else does it, and no other word is missing."""
        return self.lost <= act_words().people and names_others(self.words.tokens, self.said)

    @property
    def _is_weaker_protection(self) -> bool:
        """Whether it names what protects, and says of it what the records do not quite say."""
        return self._is_more_than_said and not act_words().protects.isdisjoint(self.words.stems)

    @property
    def _is_opposite_alone(self) -> bool:
        """Whether it says the records' words turned round, and next to no other: with more it may say another thing."""
        return (self.direction.denies and len(self.lost) <= 1) or (self._is_opposite and not self.lost)

    @property
    def _is_opposite(self) -> bool:
        return is_opposite(self.words, self.said, self.gone)

    @property
    def _is_unspoken(self) -> bool:
        """Whether it is in another language than the note and its windows, so that what its words mean is not known."""
        spoken = language_of(self.words.text)
        known = {None, self.support.language, *(window.record.language for window in self.windows)}
        return self.share < _SPOKEN_SHARE and spoken not in known

    @property
    def _is_more_than_said(self) -> bool:
        """Whether it says what is done, or may be, and one word is not found."""
        return bool(self.lost) and bool(self.undone or not _risky().isdisjoint(self.words.tokens))

    @cached_property
    def traits(self) -> Traits:
        words, lost, known = self.words, self.lost, act_words()
        return Traits(
            gap=1 - self.share,
            missing=_part(lost, 6),
            found=_part(self.found, 10),
            long=_part(words.stems, 12),
            short=1 / len(words.stems),
            loose=_part(self.loose, 3),
            two_places=float(len(self.windows) > 1),
            operands=_part(self.near, 3),
            named=_part(words.operands, 4),
            held=_part(self.held, 4),
            elsewhere=float(len(self.near) < len(words.operands)),
            in_ticket=_part(lost & self.support.ticket.stems, 4),
            in_others=_part(lost & self.support.all_records.stems, 4),
            ordinary=_part([stem for stem in lost if stem in known.ordinary or stem in lexicon().light], 3),
            happens=_part(lost & known.events, 2),
            people=float(any(stem in known.people or stem in known.of_people for stem in lost)),
            undone=_part(self.undone, 2),
            undone_there=float(not self.loose.isdisjoint(lexicon().actions)),
            orders=float(orders(words.chunks, frozenset(self.gone))),
            claims=float(not self._are_claims_known),
            secret=float(names_secret(words.chunks)),
            turned=float(self.is_turned),
            negated=float(_has_negator(words.tokens)),
            only=float(not lexicon().only.isdisjoint(words.tokens)),
            not_negated=float(_has_negator(self.said) and not _has_negator(words.tokens)),
            opposite=float(self._is_opposite),
            of_others=float(is_of_others(words, self.said, self.gone)),
            too_many=float(self._is_more_than_said and len(words.stems) <= _FEW_WORDS),
            unspoken=float(self._is_unspoken),
        )

    @property
    def _are_claims_known(self) -> bool:
        known = frozenset(stem for token in self.said if not is_break(token) for stem in stems(token))
        missed = [stem for stem in self.words.stems if stem in self.gone or stem in lexicon().actions]
        return are_claims_known(self.words.tokens, missed, known)


@cache
def _user() -> frozenset[str]:
    return frozenset(stem for word in _USER for stem in stems(word))


@cache
def _risky() -> frozenset[str]:
    known = act_words()
    return known.claims | known.permits | known.orders | known.you


def _part(found: Collection[object], most: int) -> float:
    return min(len(found), most) / most


def done_by(said: Sequence[str]) -> frozenset[int]:
    return frozenset().union(*actions(said, of_record=True))


def _has_negator(said: Sequence[str]) -> bool:
    return not lexicon().negators.isdisjoint(said)


def _are_numbers_known(numbers: Iterable[str], operands: Sequence[str], records: Sequence[Record]) -> bool:
    """Whether each short number of *numbers* stands in a record beside another operand of the sentence."""
    others = [each for each in operands if not SHORT_NUMBER.fullmatch(each)]
    naming = [record for record in records if any(map(record.holds, others))]
    return all(any(record.holds(each) for record in naming) for each in numbers if SHORT_NUMBER.fullmatch(each))
