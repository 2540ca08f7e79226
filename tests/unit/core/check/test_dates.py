from __future__ import annotations

from datetime import date

import pytest

from app.core.check.checking import Checker
from app.core.check.dates import without_dates
from app.core.check.records import Records
from tests.builders import a_source, gathered

TODAY = date(2026, 11, 28)
DAY = date(2026, 10, 26)


@pytest.mark.parametrize(
    ("sentence", "rest"),
    [
        ("In October the key had been rotated.", "the key had been rotated."),
        ("A rotated key is the likely cause, as 33 days ago.", "A rotated key is the likely cause."),
        ("The key had been rotated five weeks ago; rotate it.", "The key had been rotated; rotate it."),
        ("The source is 33 days old and may be outdated; rotate the key.", "rotate the key."),
        ("The key was rotated in October 2026.", "The key was rotated."),
        ("The key was rotated on 26 October 2026.", "The key was rotated."),
        ("In a similar case the key had been rotated.", "the key had been rotated."),
        ("In October old .bak files had filled the disk.", "old .bak files had filled the disk."),
        ("Last time the key had been rotated.", "the key had been rotated."),
        ("En un caso idéntico la clave estaba rotada.", "la clave estaba rotada."),
        ("La clé a sans doute été changée.", "La clé a été changée."),
        ("Ein neuer Schlüssel half im Oktober.", "Ein neuer Schlüssel half."),
        ("Die Aktualisierung half vor 33 Tagen sofort.", "Die Aktualisierung half sofort."),
        (
            "Der Fall ist 33 Tage alt und möglicherweise veraltet.",
            "Der Fall ist 33 Tage alt und möglicherweise veraltet.",
        ),
        ("Den Schlüssel tauschen; der Fall ist 33 Tage alt.", "Den Schlüssel tauschen"),
        ("Comme en octobre 2026, la clé a été changée.", "la clé a été changée."),
        ("Il y a 33 jours la clé a été changée.", "la clé a été changée."),
        ("Hace 33 días se cambió la clave.", "se cambió la clave."),
        ("La fuente tiene 33 días y puede estar obsoleta; cambie la clave.", "cambie la clave."),
    ],
)
def test_what_it_says_rightly_of_its_sources_days_is_taken_out(sentence: str, rest: str) -> None:
    assert without_dates(sentence, [DAY], TODAY) == rest


@pytest.mark.parametrize(
    "sentence",
    [
        "In May the key had been rotated.",
        "The key was rotated in October 2025.",
        "The key was rotated on 3 October 2026.",
        "The key was rotated 60 days ago.",
        "The key was rotated two days ago.",
        "A device may still have the old key.",
        "Keep 26 copies.",
        "In October.",
    ],
)
def test_another_day_and_what_is_no_day_stay(sentence: str) -> None:
    assert without_dates(sentence, [DAY], TODAY) == sentence


def test_without_today_no_age_is_known_and_without_sources_no_month() -> None:
    assert without_dates("It failed 33 days ago.", [DAY], None) == "It failed 33 days ago."
    assert without_dates("It failed in October.", [], TODAY) == "It failed in October."


def test_a_fact_may_say_when_the_source_was_that_it_cites() -> None:
    old = a_source(id="1", text="The access key had been rotated.", resolved_on=DAY)
    new = a_source(id="2", text="The licence had ended.", resolved_on=date(2026, 11, 2))
    groups = gathered(old, new)
    checker = Checker.of(groups, language="en", records=Records(groups, today=TODAY))

    def said(text: str, ref: str) -> str:
        return checker.statement(text, [ref], max_chars=200, is_fact=True)[0]

    assert said("In October the access key had been rotated.", "T1") == "In October the access key had been rotated."
    assert said("33 days ago the access key had been rotated.", "T1") == "33 days ago the access key had been rotated."
    assert said("In November the access key had been rotated.", "T1") == ""
    assert said("In October the licence had ended.", "T2") == ""


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("Delete the mails of 2019 in the archive.", "Delete the mails of 2026 in the archive."),
        ("Restart the cluster in March alone.", "Restart the cluster in October alone."),
        ("Archivmails von 2019 löschen.", "Archivmails von 2026 löschen."),
        ("Redémarrer le serveur en mars.", "Redémarrer le serveur en octobre."),
        ("Reinicie el servidor en marzo.", "Reinicie el servidor en octubre."),
    ],
)
def test_a_record_that_names_a_date_is_held_to_it_whenever_its_ticket_was_resolved(record: str, said: str) -> None:
    groups = gathered(a_source(id="1", text=record, resolved_on=DAY))
    for language in ("en", "de", "fr", "es"):
        checker = Checker.of(groups, language=language, records=Records(groups, today=TODAY))
        for is_fact in (True, False):
            assert checker.statement(said, ["T1"], max_chars=200, is_fact=is_fact)[0] == ""
            assert checker.statement(record, ["T1"], max_chars=200, is_fact=is_fact)[0] == record
