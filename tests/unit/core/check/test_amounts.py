"""A number or a time of day may be written otherwise than in the record, and is the same."""

from __future__ import annotations

import pytest

from app.core.check.amounts import other_forms
from app.core.check.records import Record


@pytest.mark.parametrize(
    ("record", "run"),
    [
        ("Die Batterie hatte 3,1 V.", "3.1"),
        ("Der Dienst startet ab 20 Uhr.", "20:00"),
        ("It runs at 10 pm.", "22:00"),
        ("La synchronisation a échoué à 18h04.", "18:04"),
        ("Jobs are removed after four hours.", "4"),
        ("1,148 deletions are pending.", "1148"),
        ("The disk is 97 % full.", "97%"),
        ("It runs until 24:00.", "24.00"),
        ("A licence is 75,50 EUR.", "75.50"),
        ("Extend drive E by 200 GB.", "e:"),
    ],
)
def test_it_stands_there_in_another_writing(record: str, run: str) -> None:
    assert Record("K1", record).holds(run)


@pytest.mark.parametrize(
    ("record", "run"),
    [
        ("Die Batterie hatte 3,1 V.", "31"),
        ("It runs at 10 pm.", "10:00"),
        ("It runs at 12 pm.", "24:00"),
        ("It runs at 3 pm.", "27.00"),
        ("The port is 8080.", "80"),
        ("Orders come in from 05:00 to 22:00.", "5"),
        ("The disk E: is full.", "c:"),
        ("gpupdate /force was run.", "gpupdate /boot"),
    ],
)
def test_another_amount_does_not(record: str, run: str) -> None:
    assert not Record("K1", record).holds(run)


@pytest.mark.parametrize("run", ["srv-fs01", "10.44.3.10", "#4711", "", "-1"])
def test_what_is_no_amount_has_no_other_form(run: str) -> None:
    assert other_forms(run) == ()
