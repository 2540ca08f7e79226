"""Storms: three or more people who report one problem within some minutes.

Invariant: a ticket is compared with those that arrived before it, so of two that are handled at the same moment one
sees the other; right before its note is posted, with those that came meanwhile too, of which the line tells and by
which no note is left out. A person counts once, however many tickets they write.

For example, at a tenant with `window_minutes: 60` and `collect_from: 5` five people report that no mail comes:

    ticket   like it, before it   its note
    ──────   ──────────────────   ───────────────────────────────────────────────────────────────────
    #101                          as usual
    #102     #101                 as usual: two are no storm yet
    #103     #101 #102            as usual, with the line "2 others reported this within 6 min: #101, #102"
    #104     three                as usual, with the line
    #105     four                 the line alone, without the model; #101 gets a note that names all five

How like two tickets must be depends on whether they have a site or a machine in common; where both say that something
fails for all, they need no word in common then. The figures were chosen on the labelled sets of bench/storms.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import BaseModel

LEAST_OTHERS: Final = 2
"""Others that make a ticket one of a storm."""
MAX_SHOWN: Final = 8
"""Tickets that a line names."""
MAX_COMPARED: Final = 100
"""Tickets of a window that a ticket is compared with: the latest."""

LEAST_LIKENESS: Final = 0.12
"""What is less like is not read, unless it is known to be of a storm."""
_SMALL_HISTORY: Final = 200
"""Below so many resolved tickets no word is known to be rare, and any two tickets about Outlook look alike."""
_ENOUGH_TOGETHER: Final = 0.7
_MOST_COMPARED_WITH: Final = 10
_LEAST_SHARE_OF_STORM: Final = 0.5
"""Of the tickets of a storm, a further one must be like so many."""


class Share(StrEnum):
    """What all tickets of a storm have in common beside words."""

    SITE = "site"
    MACHINE = "machine"
    SOURCE = "source"


class StormTicket(BaseModel, frozen=True):
    """A ticket as a line names it."""

    id: str
    number: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A ticket that arrived before another one, compared with it."""

    ticket_id: str
    number: str
    url: str
    reported_at: datetime
    reporter: int | None
    """A hash; None: the help desk names nobody."""
    likeness: float
    """Cosine of the words, the rare ones weighing more: 0 to 1."""
    words: int
    """How many words the two share, stop words and those of each ticket ("please") left out."""
    shares: frozenset[Share]
    storm_ticket_id: str | None
    """The first ticket of the storm that it is known to be of."""
    are_outages: bool = False
    """Both say that something fails for all (`core.outage`)."""
    is_later: bool = False
    """It arrived after the ticket."""
    weights: Mapping[int, float] = field(default_factory=dict)
    """Of its words, by their hashes; the sum of their squares is 1."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ticket, and those before it in its window."""

    reported_at: datetime
    reporter: int | None
    history: int
    """How many resolved tickets tell which words are rare."""
    earlier: Sequence[Earlier]
    """The earliest arrival first."""
    ticket: StormTicket
    """As others name it."""


class _Rule(NamedTuple):
    """What makes two tickets alike: at least so many words that both have, and so much likeness."""

    words: int
    likeness: float

    def holds(self, earlier: Earlier) -> bool:
        return earlier.words >= self.words and earlier.likeness >= self.likeness


# By words alone, and where they share a site or a machine.
_ALIKE: Final = {False: (_Rule(3, 0.3),), True: (_Rule(3, 0.3), _Rule(2, 0.25))}
_ALIKE_IN_SMALL: Final = {False: (_Rule(2, 0.45),), True: (_Rule(2, 0.4), _Rule(1, 0.5))}
_SOMEWHAT_ALIKE: Final = _Rule(3, 0.2)
_NEARER: Final = frozenset({Share.SITE, Share.MACHINE})
"""With one of these less likeness is enough. Not with one best source: different problems of a product have it too."""
_LIKE_ONE: Final = 0.5
_OF_ONE_OUTAGE: Final = timedelta(minutes=30)
"""Reports of an outage that come from one site so soon after one another are of the same one, in whatever words."""


class Storm(BaseModel, frozen=True):
    """The storm of a ticket, as it was when the ticket was handled. It holds no word of a ticket."""

    first: StormTicket
    others: tuple[StormTicket, ...]
    """One of each other reporter, the earliest first."""
    minutes: int
    """Between the first report and the last, at least 1."""
    shares: tuple[Share, ...] = ()
    is_collected: bool = False
    """Whether the ticket gets the line alone, and the first ticket a note about all."""


def find_storm(arrival: Arrival, *, collect_from: int) -> Storm | None:
    """The storm that the ticket is of; None: it is of none.

    *collect_from*: how many reports make a storm of which one note is kept.
    """
    near = _alike(arrival)
    outage = [each for each in arrival.earlier if _is_of_one_outage(each, arrival)]
    alike = _with_their_like([each for each in arrival.earlier if each in near or each in outage], arrival)
    strange = {storm_id for storm_id in _storms_of(alike) if not _belongs(storm_id, alike, arrival.earlier)}
    alike = list(_of_one_problem([each for each in alike if each.storm_ticket_id not in strange]))
    others = list(_one_of_each(alike, but=arrival.reporter))
    if len(others) < LEAST_OTHERS:
        return None
    known = next((each.storm_ticket_id for each in alike if each.storm_ticket_id), None)
    first = next((_named(each) for each in arrival.earlier if each.ticket_id == known), None)
    if first is None:
        first = arrival.ticket if others[0].is_later or known == arrival.ticket.id else _named(others[0])
    times = [arrival.reported_at, *(each.reported_at for each in others)]
    return Storm(
        first=first,
        others=tuple(map(_named, others)),
        minutes=max(1, round((max(times) - min(times)).total_seconds() / 60)),
        shares=tuple(share for share in Share if all(share in each.shares for each in others)),
        is_collected=_is_collected(others, near, collect_from=collect_from),
    )


def _is_collected(others: Sequence[Earlier], near: Sequence[Earlier], *, collect_from: int) -> bool:
    """Whether there are so many before the ticket, and it is itself like most of them."""
    before = [each for each in others if not each.is_later]
    return len(before) + 1 >= collect_from and 2 * sum(each in near for each in before) > len(before)


def _alike(arrival: Arrival) -> list[Earlier]:
    """The tickets before it that are like it; where several are somewhat like it, these too."""
    is_small = arrival.history < _SMALL_HISTORY
    alike = [each for each in arrival.earlier if _is_alike(each, is_small=is_small)]
    if is_small:
        return alike
    somewhat = [each for each in arrival.earlier if each in alike or _SOMEWHAT_ALIKE.holds(each)]
    is_enough = len(somewhat) > LEAST_OTHERS and sum(each.likeness for each in somewhat) >= _ENOUGH_TOGETHER
    return somewhat if is_enough else alike


def _is_of_one_outage(earlier: Earlier, arrival: Arrival) -> bool:
    is_soon = abs(arrival.reported_at - earlier.reported_at) <= _OF_ONE_OUTAGE
    return earlier.are_outages and is_soon and bool(earlier.shares & _NEARER)


def _with_their_like(alike: Sequence[Earlier], arrival: Arrival) -> list[Earlier]:
    """*alike*, and with a small history what is like one of them: each tells another part of an outage."""
    if arrival.history >= _SMALL_HISTORY:
        return list(alike)
    return [each for each in arrival.earlier if each in alike or _is_like_one_of(alike, each)]


def _is_like_one_of(alike: Sequence[Earlier], earlier: Earlier) -> bool:
    return any(_likeness(each, earlier) >= _LIKE_ONE for each in alike[:_MOST_COMPARED_WITH])


def _is_alike(earlier: Earlier, *, is_small: bool) -> bool:
    rules = (_ALIKE_IN_SMALL if is_small else _ALIKE)[bool(earlier.shares & _NEARER)]
    return any(rule.holds(earlier) for rule in rules)


def _of_one_problem(alike: Sequence[Earlier]) -> Iterable[Earlier]:
    """Those that are somewhat like another of them, or share a site or a machine with the ticket."""
    for each in alike:
        others = (other for other in alike[:_MOST_COMPARED_WITH] if other is not each)
        if each.shares & _NEARER or any(_likeness(each, other) >= _SOMEWHAT_ALIKE.likeness for other in others):
            yield each


def _likeness(one: Earlier, other: Earlier) -> float:
    return sum(weight * other.weights.get(word, 0.0) for word, weight in one.weights.items())


def _storms_of(tickets: Iterable[Earlier]) -> set[str]:
    return {each.storm_ticket_id for each in tickets if each.storm_ticket_id is not None}


def _belongs(storm_id: str, alike: Iterable[Earlier], earlier: Iterable[Earlier]) -> bool:
    """Whether a ticket that is like the tickets *alike* is like enough of those of a storm."""
    of_storm = sum(each.storm_ticket_id == storm_id for each in earlier)
    return sum(each.storm_ticket_id == storm_id for each in alike) >= of_storm * _LEAST_SHARE_OF_STORM


def _one_of_each(alike: Iterable[Earlier], *, but: int | None) -> Iterable[Earlier]:
    """The first ticket of each reporter but one. All of whom nothing is known count as one."""
    seen = {but}
    for each in alike:
        if each.reporter not in seen:
            seen.add(each.reporter)
            yield each


def _named(earlier: Earlier) -> StormTicket:
    return StormTicket(id=earlier.ticket_id, number=earlier.number, url=earlier.url)
