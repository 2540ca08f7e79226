"""When several tickets are one storm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.storm import Arrival, Earlier, Share, StormTicket, find_storm

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
WORDS = {1: 0.8, 2: 0.6}


def an_earlier(number: int, **changes: Any) -> Earlier:
    values: dict[str, Any] = {
        "ticket_id": str(number),
        "number": str(number),
        "url": "",
        "reported_at": NOW - timedelta(minutes=20 - number),
        "reporter": number,
        "likeness": 0.5,
        "words": 4,
        "shares": frozenset(),
        "storm_ticket_id": None,
        "weights": WORDS,
    }
    return Earlier(**{**values, **changes})


def an_arrival(*earlier: Earlier, history: int = 1000, reporter: int | None = 0) -> Arrival:
    return Arrival(NOW, reporter, history, earlier, StormTicket(id="90", number="90"))


def found(*earlier: Earlier, **changes: Any) -> list[str]:
    storm = find_storm(an_arrival(*earlier, **changes), collect_from=5)
    return [each.id for each in storm.others] if storm else []


def test_two_reports_are_no_storm_and_three_are() -> None:
    assert found(an_earlier(1)) == []
    assert found(an_earlier(1), an_earlier(2)) == ["1", "2"]


def test_a_person_counts_once_and_who_reports_now_not_at_all() -> None:
    assert found(an_earlier(1), an_earlier(2, reporter=1)) == []
    assert found(an_earlier(1), an_earlier(2, reporter=0)) == []
    assert found(an_earlier(1, reporter=None), an_earlier(2, reporter=None)) == []


def test_how_like_they_must_be_depends_on_what_they_share_and_on_the_history() -> None:
    weak = {"likeness": 0.26, "words": 2}
    assert found(an_earlier(1, **weak), an_earlier(2, **weak)) == []
    shared = {**weak, "shares": frozenset({Share.SITE})}
    assert found(an_earlier(1, **shared), an_earlier(2, **shared)) == ["1", "2"]
    assert found(an_earlier(1, **shared), an_earlier(2, **shared), history=10) == []


def test_what_is_like_the_ticket_but_unlike_one_another_is_no_storm() -> None:
    assert found(an_earlier(1, weights={1: 1.0}), an_earlier(2, weights={2: 1.0})) == []


def test_at_a_small_help_desk_who_tells_another_part_of_it_is_of_it_by_those_between() -> None:
    """A ticket is like the second one, which is like the first: three reports of one outage."""
    first = an_earlier(1, likeness=0.13, words=1, weights={1: 0.6, 3: 0.8})
    second = an_earlier(2, weights={1: 0.8, 2: 0.6, 3: 0.1})
    assert found(first, second, history=10) == ["1", "2"]
    assert found(first, second) == [], "where words are known to be rare, likeness says more"
    assert found(an_earlier(1, likeness=0.13, words=1, weights={3: 1.0}), second, history=10) == []


def test_no_note_is_left_out_for_what_is_like_the_ticket_by_others_alone() -> None:
    second = an_earlier(2, weights={1: 0.8, 3: 0.6})
    others = [an_earlier(n, likeness=0.13, words=1, weights={3: 1.0}) for n in range(3, 7)]
    storm = find_storm(an_arrival(second, *others, history=10), collect_from=5)
    assert storm is not None
    assert (len(storm.others), storm.is_collected) == (5, False)


def test_who_is_like_few_of_a_storm_is_not_of_it() -> None:
    of_storm = [an_earlier(n, storm_ticket_id="1", likeness=0.5 if n < 3 else 0.0) for n in range(1, 7)]
    assert found(*of_storm) == []
    assert found(*of_storm[:4]) == ["1", "2"]


def test_the_first_is_that_of_the_storm_which_is_known() -> None:
    known = [an_earlier(1, likeness=0.15), an_earlier(2, storm_ticket_id="1"), an_earlier(3, storm_ticket_id="1")]
    storm = find_storm(an_arrival(*known), collect_from=3)
    assert storm is not None
    assert (storm.first.id, storm.is_collected) == ("1", True)


def test_it_says_what_all_share_and_how_long_it_lasts() -> None:
    both = frozenset({Share.SITE, Share.MACHINE})
    storm = find_storm(an_arrival(an_earlier(1, shares=both), an_earlier(2, shares={Share.SITE})), collect_from=5)
    assert storm is not None
    assert (storm.shares, storm.minutes, storm.is_collected) == ((Share.SITE,), 19, False)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.one_of(st.none(), st.integers(0, 5))), max_size=30))
def test_whatever_came_before_a_storm_has_two_others_each_by_somebody_else(rows: list[tuple[float, int, Any]]) -> None:
    earlier = [
        an_earlier(n + 1, likeness=likeness, words=words, reporter=reporter)
        for n, (likeness, words, reporter) in enumerate(rows)
    ]
    storm = find_storm(an_arrival(*earlier), collect_from=5)
    if storm is not None:
        who = [each.reporter for each in earlier if each.ticket_id in {other.id for other in storm.others}]
        assert len(storm.others) >= 2
        assert len(who) == len(set(who))
        assert 0 not in who


def test_one_site_and_one_best_source_alone_do_not_make_reports_alike() -> None:
    """Five problems of one product on a Monday morning have both, and "Outlook" in common."""
    both = {"likeness": 0.15, "words": 1, "shares": frozenset({Share.SITE, Share.SOURCE})}
    monday = [an_earlier(n, **both) for n in range(1, 5)]
    assert found(*monday) == found(*monday, history=10) == []
    source = {"likeness": 0.26, "words": 2, "shares": frozenset({Share.SOURCE})}
    assert found(an_earlier(1, **source), an_earlier(2, **source)) == []


def test_by_what_came_after_it_a_ticket_knows_of_a_storm_and_loses_no_note() -> None:
    storm = find_storm(an_arrival(*(an_earlier(n, is_later=True) for n in range(1, 7))), collect_from=5)
    assert storm is not None
    assert (storm.first.id, len(storm.others), storm.is_collected) == ("90", 6, False)


def test_all_that_a_line_names_count_where_most_of_them_are_like_the_ticket() -> None:
    far = {"likeness": 0.13, "words": 1, "weights": WORDS}
    earlier = [an_earlier(1), an_earlier(2), an_earlier(3), an_earlier(4, **far)]
    storm = find_storm(an_arrival(*earlier, history=10), collect_from=5)
    assert storm is not None
    assert (len(storm.others), storm.is_collected) == (4, True)


def test_outages_of_one_site_soon_after_one_another_are_one_storm_in_whatever_words() -> None:
    told = {"likeness": 0.0, "words": 0, "are_outages": True, "shares": frozenset({Share.SITE}), "weights": {}}
    assert found(an_earlier(1, **told), an_earlier(2, **told)) == ["1", "2"]
    assert found(an_earlier(1, **told), an_earlier(2, **{**told, "are_outages": False})) == []
    assert found(an_earlier(1, **told), an_earlier(2, **{**told, "shares": frozenset()})) == []
    long_ago = {**told, "reported_at": NOW - timedelta(minutes=31)}
    assert found(an_earlier(1, **long_ago), an_earlier(2, **told)) == []
    storm = find_storm(an_arrival(*(an_earlier(number, **told) for number in range(1, 7))), collect_from=5)
    assert storm is not None
    assert not storm.is_collected, "no note is left out for what shares no words"
