"""The places of records that say most of a sentence's words.

A window is so many words and marks of one record as a sentence may need to say the same (`WINDOW_TOKENS`). A longer
sentence may have two, in one record or in two.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.check.opposites import does_it
from app.core.check.records import Record
from app.core.check.tokens import is_break, stems, tokens

WINDOW_TOKENS: Final = 5
WINDOW_TOKENS_A_WORD: Final = 3
"""Words and marks within which a record must say what a sentence says: so many, and so many for each of its words and
operands."""
_SECOND_GIVES: Final = 2
"""Content words that a second record must add to be counted with a first one."""
_TWO_PLACES_FROM: Final = 6
"""A shorter sentence says one thing, and one place must say it."""
_AROUND_OPERAND: Final = 8
"""Words and marks around a window in which an operand of the sentence must stand, if its record has it."""
_NEAR_TOKENS: Final = 11
"""Within so many tokens a record must have two content words that follow each other in a sentence."""
_NEIGHBOURS: Final = 2


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a record that says most of a sentence."""

    record: Record
    found: frozenset[str]
    start: int
    end: int

    def tokens(self, *, around: int = 0) -> list[str]:
        """Its words and marks, and *around* more on both sides."""
        return self.record.tokens[max(self.start - around, 0) : self.end + around]


def best_windows(
    wanted: Sequence[str], records: Sequence[Record], *, least: int = 1, operands: Sequence[str] = ()
) -> list[Window]:
    """The window that says most, and one that says what it does not: two such words, or one in another record."""
    asked = frozenset(wanted)
    first = best_window(asked, records, least=least, operands=operands)
    if first is None or not (rest := asked - first.found) or len(asked) < _TWO_PLACES_FROM:
        return [first] if first else []
    second = best_window(rest, records) if len(rest) >= _SECOND_GIVES else None
    if second is None or len(second.found) < _SECOND_GIVES:
        others = [record for record in records if record is not first.record and not rest.isdisjoint(record.stems)]
        second = best_window(asked, others)
    return [first, second] if second is not None and len(second.found) >= _SECOND_GIVES else [first]


def best_window(
    asked: frozenset[str], records: Sequence[Record], *, least: int = 1, operands: Sequence[str] = ()
) -> Window | None:
    """The window that says most of *asked*; of equal ones that of the record that holds most of the *operands*.

    So "The templates are in SharePoint" is looked for where SharePoint is named, not at another record's templates.
    """
    best: Window | None = None
    most = (0, 0)
    size = WINDOW_TOKENS + WINDOW_TOKENS_A_WORD * (len(asked) + len(operands))
    in_order = sorted(asked)  # the same in each process
    for record, there in sorted(
        ((record, record.known(in_order)) for record in records), key=lambda each: -len(each[1])
    ):
        if len(there) < max(least, most[0]) or not there:
            break
        held = sum(map(record.holds, operands))
        if (len(there), held) <= most:
            continue
        window = _window(record, there, size)
        if window is not None and (len(window.found), held) > most:
            best, most = window, (len(window.found), held)
    return best


def _window(record: Record, there: Sequence[str], size: int) -> Window | None:
    """The *size* tokens of *record* that hold most of the stems *there*."""
    taken = {at: stem for stem in there for at in _others_places(record, stem)}
    taken |= {at: stem for stem in there for at in record.places.get(stem, ())}  # one place speaks for one word
    places = sorted(taken.items())
    far = record.distances
    best: Window | None = None
    counts: dict[str, int] = {}
    first = 0
    for at, stem in places:
        counts[stem] = counts.get(stem, 0) + 1
        while far[at] - far[places[first][0]] > size:
            gone = places[first][1]
            counts[gone] -= 1
            if not counts[gone]:
                del counts[gone]
            first += 1
        if best is None or len(counts) > len(best.found):
            best = Window(record, frozenset(counts), places[first][0], at + 1)
    return best and _widened(best)


def _widened(window: Window) -> Window:
    """*window* to the begin of its first clause and the end of its last, where "never" may stand.

    And to the end of the next, if that goes on about the same: "The account was not in the group. Added it".
    """
    said, start, end = window.record.tokens, window.start, window.end
    while start and not is_break(said[start - 1]):
        start -= 1
    end = _end_of_clause(said, end)
    if does_it(said, end + 1):
        end = _end_of_clause(said, end + 1)
    return Window(window.record, window.found, start, end)


def _end_of_clause(said: Sequence[str], at: int) -> int:
    while at < len(said) and not is_break(said[at]):
        at += 1
    return at


def with_kin(window: Window, asked: Sequence[str]) -> Window:
    """*window* with those of the stems *asked* of which it has a word of the same family."""
    record = window.record
    missing = [stem for stem in asked if stem not in window.found]
    found = [stem for stem in missing if any(_stands_within(window, other) for other in record.kin(stem))]
    return Window(record, window.found | frozenset(found), window.start, window.end) if found else window


def _stands_within(window: Window, stem: str) -> bool:
    return any(window.start <= at < window.end for at in window.record.places[stem])


def _others_places(record: Record, stem: str) -> list[int]:
    return [at for other in record.others(stem) for at in record.places[other]]


def loose_in(there: Sequence[str], windows: Sequence[Window]) -> frozenset[str]:
    """The words that stand in the records, but not near to a word that they stand beside in the sentence.

    So "ask" and "password" of different sentences do not make "ask for the password".
    """
    return frozenset(
        stem
        for at, stem in enumerate(there)
        if not any(
            _is_near(stem, other, window)
            for other in (*there[max(at - _NEIGHBOURS, 0) : at], *there[at + 1 : at + 1 + _NEIGHBOURS])
            for window in windows
        )
    )


def _is_near(one: str, other: str, window: Window) -> bool:
    if window.record.is_list:
        return True
    far = window.record.distances
    others = sorted(far[at] for at in _within(window, other))
    for at in _within(window, one):
        next_one = bisect_left(others, far[at] - _NEAR_TOKENS)
        if next_one < len(others) and others[next_one] <= far[at] + _NEAR_TOKENS:
            return True
    return False


def stands_near(operand: str, window: Window) -> bool:
    """Whether *operand*, which the record holds, stands in or around *window*, or where most of its words are, too."""
    record, wanted = window.record, tokens(operand)
    first = record.places.get(stems(wanted[0])[0], ()) if wanted else ()
    places = [at for at in first if record.tokens[at : at + len(wanted)] == wanted]

    def is_near(at: int) -> bool:
        there = sum(any(abs(each - at) <= _NEAR_TOKENS for each in _places(record, stem)) for stem in window.found)
        is_around = window.start - _AROUND_OPERAND <= at <= window.end + _AROUND_OPERAND
        return is_around or there * 2 > len(window.found)

    return record.is_list or not places or any(map(is_near, places))


def _within(window: Window, stem: str) -> list[int]:
    return [at for at in _places(window.record, stem) if window.start <= at < window.end]


def _places(record: Record, stem: str) -> list[int]:
    kin = [at for other in record.kin(stem) for at in record.places[other]]
    return [*record.places.get(stem, ()), *_others_places(record, stem), *kin]
