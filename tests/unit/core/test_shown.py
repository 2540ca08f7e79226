from __future__ import annotations

from app.core.enhancement import Enhancement, Statement
from app.core.masking import Mask
from app.core.shown import show_enhancement
from app.core.source import SourceKind
from app.core.tenant import NoteOptions
from tests.builders import a_source, a_ticket, gathered

SOURCES = gathered(
    a_source(text="Called +49 30 90182012, password: Summer#2026, mail to owner@acme.example"),
    a_source(SourceKind.ARTICLE, text="The terminal took card 4111 1111 1111 1111. Winter#2026 was set."),
)
TICKET = a_ticket(
    description="My password is Winter#2026, call +49 30 555 66 77 or liar@evil.example", requester="jane@acme.example"
)


def shown(text: str, *, show_contacts: bool) -> str:
    """Everything that a note would show, when the model wrote *text*."""
    mask = Mask()
    mask.json([TICKET.description, TICKET.requester, SOURCES[0].sources[0].text])
    enhancement = Enhancement(
        summary=mask.text(text), facts=(Statement(text=mask.text(text), citations=["T1"]),), gathered=SOURCES
    )
    result = show_enhancement(enhancement, TICKET, mask=mask, note=NoteOptions(show_contacts=show_contacts))
    return result.model_dump_json()


def test_nothing_is_put_back_unless_the_tenants_file_says_so() -> None:
    text = shown("Write to owner@acme.example", show_contacts=False)
    assert "owner@acme.example" not in text
    assert "90182012" not in text
    assert "[email-" in text


def test_contacts_of_sources_and_the_requester_are_put_back_where_they_may_be() -> None:
    text = shown("Write to owner@acme.example and jane@acme.example", show_contacts=True)
    assert "Write to owner@acme.example and jane@acme.example" in text
    assert "+49 30 90182012" in text


def test_contacts_that_the_tickets_text_alone_brings_are_not_put_back() -> None:
    text = shown("Call +49 30 555 66 77 or liar@evil.example", show_contacts=True)
    assert "555 66 77" not in text
    assert "liar" not in text


def test_secrets_are_never_shown_whoever_wrote_them() -> None:
    for show_contacts in (False, True):
        text = shown("Nothing", show_contacts=show_contacts)
        for secret in ("Summer#2026", "Winter#2026", "4111"):
            assert secret not in text
