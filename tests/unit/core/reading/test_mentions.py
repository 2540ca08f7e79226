"""Which other tickets a technician's words name."""

from __future__ import annotations

import pytest

from app.core.reading.mentions import MAX_NAMED, Named, named_tickets


@pytest.mark.parametrize(
    ("text", "numbers", "ids"),
    [
        ("Same as #1042.", ("1042",), ()),
        ("Duplicate of #1042, see also (#1043)", ("1042", "1043"), ()),
        ("see ticket 100234: restart the service", ("100234",), ()),
        ("Siehe Anfrage Nr. 4711", ("4711",), ()),
        ("Voir la demande n° 4711.", ("4711",), ()),
        ("ver solicitud 4711", ("4711",), ()),
        ("RE: [Request ID :##10042##] : Mail", ("10042",), ()),
        ("Ticket #1042 and ticket 1042", ("1042",), ()),
        ("https://sdp.acme.example/WorkOrder.do?woMode=viewWO&woID=1042", (), ("1042",)),
        ("https://sdp.example/app/itdesk/ui/requests/100000000000123456/details", (), ("100000000000123456",)),
        ("#1042, https://sdp.example/ui/requests/77/details#top", ("1042",), ("77",)),
        # No ticket is named.
        ("Printer #2 on floor #12", (), ()),
        ("Colour #001122aa, issue owner/repo#1234, &#8217;", (), ()),
        ("The case 10.0.0.1 and request 2026-11-28", (), ()),
        ("KB5034441 and error 0x80070005, phone 555 1234567", (), ()),
        ("incidentally 1042", (), ()),
        ("", (), ()),
    ],
)
def test_what_names_a_ticket(text: str, numbers: tuple[str, ...], ids: tuple[str, ...]) -> None:
    assert named_tickets(text) == Named(numbers, ids)


def test_a_report_of_many_tickets_names_none() -> None:
    assert named_tickets(" ".join(f"#{1000 + number}" for number in range(MAX_NAMED))).numbers
    assert named_tickets(" ".join(f"#{1000 + number}" for number in range(MAX_NAMED + 1))) == Named()
