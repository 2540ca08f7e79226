"""What the records say of one sentence: the words and operands that are found, and what speaks against it.

Invariant: `find_evidence` depends on its arguments alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from app.core.acts import names_secret, orders
from app.core.direction import actions, are_claims_known, denies, is_of_others, is_opposite, is_turned, neutral, undone
from app.core.language import spoken_language
from app.core.lexicon import act_words, lexicon
from app.core.records import Record, Records, language_of
from app.core.sentences import Words
from app.core.strangers import Strangers
from app.core.tokens import is_break, stems
from app.core.weighing import Traits
from app.core.windows import Window, best_windows, loose_in, stands_near, with_kin

_FEW_WORDS: Final = 3
"""Content words."""
_SPOKEN_SHARE: Final = 0.75
"""If less of its words is found, a sentence must be in a language that is known: else they may say anything."""
_TRANSLATED_SHARE: Final = 0.3
_TRANSLATED_WORDS: Final = 2
_AROUND_TOKENS: Final = 8
"""Words and marks around a window that may say what is done: "Cached mode was off. Turned it on"."""
SHORT_NUMBER = re.compile(r"\d{1,3}%?|\d{1,2}:\d{2}|[245]\.\d{1,2}\.\d{1,3}")
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the records say of a sentence."""

    windows: Sequence[Window]
    said: Sequence[str]
    """The tokens of the windows."""
    done: frozenset[int]
    """What the windows, and a little around them, say to be done: lines of `Lexicon.actions`."""
    missing: frozenset[str]
    """Stems of the content words that are not found."""
    share: float
    """Of the content words and operands, how many are found."""
    is_translated: bool
    fault: Fault | None
    """What decides, whatever the traits are."""
    traits: Traits


def find_evidence(words: Words, support: Support) -> Evidence:
    """What speaks for and against that the records of *support* say *words*, which have content words."""
    operands, lexical = words.operands, lexicon()
    windows = [
        with_kin(window, words.stems) for window in best_windows(words.stems, support.records, operands=len(operands))
    ]
    said = [token for window in windows for token in window.tokens()]
    done = done_by([token for window in windows for token in window.tokens(around=_AROUND_TOKENS)])
    if not lexical.numbers.isdisjoint(words.stems):
        holding = (line for digit, line in lexical.digits.items() if any(each.record.holds(digit) for each in windows))
        done |= frozenset(holding)
    there = frozenset().union(*(window.found for window in windows))
    named = frozenset(stem for stem in words.stems if done & lexical.actions.get(stem, frozenset())) - there
    held = [each for each in operands if any(window.record.holds(each) for window in windows)]
    near = [each for each in held if any(stands_near(each, window) for window in windows)]
    loose = loose_in([stem for stem in words.stems if stem in there], windows)
    if len(there) == 1 and (near or named):
        loose = frozenset()
    found = there - loose | named
    found |= {stem for stem in words.stems if not found.isdisjoint(lexical.same.get(stem, ())) and stem not in loose}
    gone = [stem for stem in words.stems if stem not in there | named]
    # What is wrong stands in the problem, which requesters write: "slow" needs no record where two other words do. Nor
    # do words that carry no claim, and to look at something.
    is_carried = len(found) >= _TRANSLATED_WORDS
    skipped = neutral() | (act_words().look - {words.stems[0]}) if is_carried else frozenset[str]()
    asked = [stem for stem in words.stems if stem in found or stem not in skipped]
    missing = [stem not in found for stem in asked]
    share = 1 - sum(missing) / max(len(missing) + len(near), 1)
    lost = frozenset(stem for stem in asked if stem not in found)
    left = undone(words.tokens, done)
    if len(near) < len(held) or not _are_numbers_known(set(operands).difference(held), operands, support.records):
        fault: Fault | None = Fault.FOREIGN
    elif share < _SPOKEN_SHARE and _is_unspoken(words, support, windows):
        fault = Fault.UNSUPPORTED
    else:
        fault = _contradiction(words, said, gone, done, left)
        if fault is None:
            fault = _fault_of_stems(words, said, has_lost=bool(lost), has_left=bool(left))
    return Evidence(
        windows,
        said,
        done,
        lost,
        share,
        _is_translated(words, support),
        fault,
        Traits(
            gap=1 - share,
            row=min(_longest_row(missing), 4) / 4,
            short=1 / len(words.stems),
            loose=min(len(loose), 3) / 3,
            two_places=float(len(windows) > 1),
            operands=min(len(near), 3) / 3,
            elsewhere=float(len(held) < len(operands)),
            in_ticket=_part(lost & support.ticket.stems, 4),
            in_others=_part(lost & support.all_records.stems, 4),
            ordinary=_part(lost & (act_words().ordinary | lexical.light), 3),
            happens=_part(lost & act_words().events, 2),
            people=float(not lost.isdisjoint(act_words().people | act_words().of_people)),
            undone=_part(left, 2),
            undone_there=float(not loose.isdisjoint(lexical.actions)),
            orders=float(orders(words.chunks, frozenset(gone))),
            claims=float(not _are_claims_known(words, said, gone)),
            secret=float(names_secret(words.chunks)),
            turned=float(is_turned(words.tokens, said)),
            negated=float(_has_negator(words.tokens)),
            only=float(not lexical.only.isdisjoint(words.tokens)),
            not_negated=float(_has_negator(said) and not _has_negator(words.tokens)),
        ),
    )


def _fault_of_stems(words: Words, said: Sequence[str], *, has_lost: bool, has_left: bool) -> Fault | None:
    """What one word more or less makes of a sentence of few words, or of one that names what protects."""
    is_short = len(words.stems) <= _FEW_WORDS
    if is_short and is_turned(words.tokens, said):
        return Fault.TURNED
    protects = not act_words().protects.isdisjoint(words.stems)
    is_risky = has_left or not _risky().isdisjoint(words.tokens)
    return Fault.OTHER_ACTION if has_lost and is_risky and (is_short or protects) else None


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


def _are_claims_known(words: Words, said: Sequence[str], gone: Sequence[str]) -> bool:
    known = frozenset(stem for token in said if not is_break(token) for stem in stems(token))
    missed = [stem for stem in words.stems if stem in gone or stem in lexicon().actions]
    return are_claims_known(words.tokens, missed, known)


def _is_unspoken(words: Words, support: Support, windows: Sequence[Window]) -> bool:
    """Whether it is in another language than the note and its windows, so that what its words mean is not known."""
    spoken = language_of(words.text)
    return spoken not in {None, support.language} and all(window.record.language != spoken for window in windows)


def _contradiction(
    words: Words, said: Sequence[str], gone: Sequence[str], done: frozenset[int], left: Sequence[frozenset[int]]
) -> Fault | None:
    """What no other words make good. *left* is what it says to be done and the records do not."""
    opposed = lexicon().opposed
    if (
        denies(words.tokens, said)
        or is_opposite(words, said, gone)
        or any(not done.isdisjoint(opposed.get(line, ())) for lines in left for line in lines)
    ):
        return Fault.TURNED
    of_numbers = [lexicon().actions[stem] for stem in words.stems if stem in lexicon().numbers]
    is_other = is_of_others(words, said, gone) or any(lines in of_numbers for lines in left)
    return Fault.OTHER_ACTION if is_other else None


def _longest_row(missing: Sequence[bool]) -> int:
    row = longest = 0
    for is_missing in missing:
        row = row + 1 if is_missing else 0
        longest = max(longest, row)
    return longest


def _is_translated(words: Words, support: Support) -> bool:
    """Whether a record in another language says the sentence's operands, numbers and names."""
    operands, language = words.operands, support.language
    if not operands or spoken_language(words.text) not in {None, language}:
        return False
    for record in support.records:
        if record.language in {None, language} or record.is_list:
            continue
        shared = sum(stem in record.stems for stem in words.stems) + sum(record.holds(each) for each in set(operands))
        if shared >= _TRANSLATED_WORDS and shared >= _TRANSLATED_SHARE * len(words.stems):
            return True
    return False


def _are_numbers_known(numbers: Iterable[str], operands: Sequence[str], records: Sequence[Record]) -> bool:
    """Whether each short number of *numbers* stands in a record beside another operand of the sentence."""
    others = [each for each in operands if not SHORT_NUMBER.fullmatch(each)]
    naming = [record for record in records if any(map(record.holds, others))]
    return all(any(record.holds(each) for record in naming) for each in numbers if SHORT_NUMBER.fullmatch(each))
