"""A labelled set of tickets: mails of machines, and people's tickets that look like them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.core.reading.automatic import find_automatic
from app.core.reading.monitors import is_fault_report
from app.errors import Code
from tests.builders import a_ticket

EMPTY: Final = [
    ("", ""),
    ("(no subject)", " \n "),
    ("Kein Betreff", ""),
    ("(sans objet)", "--"),
    ("(sin asunto)", "[cid:image001.png@01D]"),
    ("Re: ", "..."),
    ("FW:", ""),
    ("AW:", ""),
    ("<no subject>", "\u200b"),
]


def read_set() -> Iterator[tuple[Code | None, str, str]]:
    for line in Path(__file__).with_name("automatic.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            label, subject, body = (cell.strip() for cell in line.replace("\\n", "\n").split(" |"))
            yield None if label == "person" else Code(label), subject, body


SET: Final = [*read_set(), *((Code.TICKET_EMPTY, *each) for each in EMPTY)]


def test_a_mail_of_a_machine_is_told_from_a_persons() -> None:
    found = [(label, find_automatic(a_ticket(subject=subject, description=body))) for label, subject, body in SET]

    assert len(SET) > 700
    assert [(*row, told) for row, (label, told) in zip(SET, found, strict=True) if told is not label] == []


def test_a_report_is_known_by_its_sender_too() -> None:
    ticket = a_ticket(subject="Mail delivery failed", description="See below.", requester="MAILER-DAEMON@mx.example")
    assert find_automatic(ticket) is Code.UNDELIVERED_MAIL


def test_a_check_that_is_up_again_is_all_clear() -> None:
    """https://github.com/healthchecks/healthchecks templates/emails: a subject with a bar, which ends a cell above."""
    body = 'The check "backup" has gone {}.\n\nDetails:\n--------\nPeriod: 1 day\n\n--\nRegards, Healthchecks'
    for status, code in (("up", Code.ALL_CLEAR), ("down", None)):
        ticket = a_ticket(subject=f"{status.upper()} | backup", description=body.format(status))
        assert find_automatic(ticket) is code
    assert find_automatic(a_ticket(subject="Up | down buttons", description="They are stuck.")) is None


@pytest.mark.parametrize(
    "text",
    [
        "Azure: Activated Severity: 3 percentage cpu - vm-1",
        "Fired:Sev3 Azure Monitor Alert cpu on vm-1",
        "[intranet] [🔴 Down] connect ECONNREFUSED 10.1.2.3:443",
        "monit alert -- Timeout php-fpm",
        "[VMware vCenter - Alarm alarm.HostConnectionStateAlarm] changed status from Green to Red",
        "***CRITICAL*** - SW-CORE01 Host Status",
        'DOWN | backup\nThe check "backup" has gone down.',
    ],
)
def test_a_program_that_tells_a_fault_can_be_asked_nothing(text: str) -> None:
    assert is_fault_report(text)


@pytest.mark.parametrize("text", ["Azure is down", "[intranet] is down", "Down | the hall\nNo light", "Monit is gone"])
def test_a_person_who_tells_a_fault_can_be_asked(text: str) -> None:
    assert not is_fault_report(text)


def test_a_long_text_costs_little() -> None:
    assert find_automatic(a_ticket(subject="Undeliverable: x", description="i am " * 200_000)) is None
    assert find_automatic(a_ticket(subject="auto " * 10_000, description="out of office message " * 10_000)) is None
    assert find_automatic(a_ticket(subject="#" * 900, description="Printer jams")) is None
    assert find_automatic(a_ticket(subject="####1## " * 100, description="Printer jams")) is None


@pytest.mark.parametrize(
    ("own", "label"),
    [
        ("Thanks, it works now.\n\nMaria Lopez\nAccounting", Code.ONLY_THANKS),
        ("Thanks, Tom! Works now.", Code.ONLY_THANKS),
        ("Many thanks Tom", Code.ONLY_THANKS),
        ("Thanks,\nMaria", Code.ONLY_THANKS),
        ("Super, danke!\nLG Sam", Code.ONLY_THANKS),
        ("Thanks Sam", None),
        ("Thanks, Acme", None),  # of an address its domain is no name
        ("Thanks, Maria Broken", None),
    ],
)
def test_names_are_those_of_requester_and_technician(own: str, label: Code | None) -> None:
    ticket = a_ticket(
        subject="Re: no wifi", description=own, requester="maria.lopez@acme.example", technician="Tom Weber"
    )
    assert find_automatic(ticket) is label
