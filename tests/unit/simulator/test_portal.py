from __future__ import annotations

from app.core.help_desk import Edition
from app.simulator.portal import Portal


def test_notes_that_were_removed_are_counted() -> None:
    portal = Portal(slug="acme", edition=Edition.ON_PREMISES, api_key="key")
    ticket = portal.add_ticket(subject="Outlook receives no mail")
    first, second = portal.add_note(ticket.id, "<p>One</p>"), portal.add_note(ticket.id, "<p>Two</p>")

    assert portal.delete_note(ticket.id, second.id)
    assert not portal.delete_note(ticket.id, second.id)

    assert [note.id for note in portal.notes(ticket.id)] == [first.id]
    assert (portal.note_count, portal.notes_removed) == (1, 1)
