from __future__ import annotations

from datetime import UTC, datetime

from tests.builders import a_ticket


def test_the_version_follows_the_words_alone() -> None:
    ticket = a_ticket()
    same = [
        a_ticket(priority="High"),
        a_ticket(status="Assigned", updated_at=datetime(2026, 11, 24, tzinfo=UTC)),
        a_ticket(description="Outlook shows  no new\nmail since noon."),
    ]
    assert {other.version for other in same} == {ticket.version}
    assert a_ticket(description="Outlook crashes.").version != ticket.version
    assert a_ticket(subject="Mail").version != ticket.version


def test_words_that_move_between_subject_and_description_are_another_version() -> None:
    assert a_ticket(subject="a b", description="c").version != a_ticket(subject="a", description="b c").version


def test_a_ticket_without_words_has_a_version_too() -> None:
    assert len(a_ticket(subject="", description="").version) == 64
