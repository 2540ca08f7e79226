"""What contradicts a record, in the languages of notes, and what only looks like it."""

from __future__ import annotations

import pytest

from app.core.check.records import Record
from app.core.check.sentences import read
from app.core.check.turned.find import is_on_another_day, is_turned


@pytest.mark.parametrize(
    ("record", "turned", "honest"),
    [
        ("Das Profil musste nicht neu angelegt werden.", "Das Profil musste neu angelegt werden.", "Das Profil musste man nicht neu anlegen."),
        ("Die Rufumleitung war am Telefon eingeschaltet.", "Die Rufumleitung war am Telefon ausgeschaltet.", "Am Telefon war die Rufumleitung eingeschaltet."),
        ("Le câble de la station était débranché.", "Le câble de la station n'était pas débranché.", "Le câble était débranché."),
        ("La cola de impresión estaba llena.", "La cola de impresión estaba vacía.", "La cola estaba llena."),
        ("Make a test call before you exchange the device.", "Make a test call after you exchange the device.", "Exchange the device after you make a test call."),
        ("Access is granted by the owner, not by the service desk.", "Access is granted by the service desk.", "The owner grants access."),
        ("Logs are kept for ten days.", "Logs are kept for ten weeks.", "Keep logs for 10 days."),
        ("The disk of SRV1 is 92 % full.", "The disk of SRV1 is 92 % free.", "The disk of SRV1 has 8 % free."),
        ("The port is not open.", "The port is open.", "The port is closed."),
        ("Restart the service, not the PC.", "Restart the PC, not the service.", "Restart the service and not the PC."),
        ("ERR 53 means that the share is missing, ERR 112 that the disk of the server is full.", "ERR 53 means that the disk of the server is full.", "ERR 112 means that the disk of the server is full."),
        ("Studies of children stay on E: and are not archived.", "Studies of children are archived.", "Studies of children are not archived."),
    ],
)  # fmt: skip
def test_one_clause_is_enough(record: str, turned: str, honest: str) -> None:
    records = [Record("T1", record)]
    assert is_turned(read(turned), records)
    assert not is_turned(read(honest), records)


def test_a_day_that_no_record_names_is_another_one_in_any_language() -> None:
    records = [Record("T1", "The scan runs on Sunday.")]
    assert is_on_another_day(read("Der Scan läuft am Montag."), records)
    assert not is_on_another_day(read("Der Scan läuft am Sonntag."), records)


# The first sentence is of the answer of a small model (Qwen2.5-Coder 1.5B) to a case, 29 November 2026.
@pytest.mark.parametrize(
    ("record", "step", "turned"),
    [
        ("The account was not in the group VPN-Users after the move. Added it to VPN-Users.", "Add the account to the VPN-Users group.", "Remove the account from the VPN-Users group."),
        ("The list took internal senders only. Allowed external senders.", "Allow external senders for the list.", "Block external senders for the list."),
        ("Cached mode was off. Turned it on.", "Turn cached mode on.", "Turn cached mode off."),
        ("The task 'renew' on web03 was disabled after the move. Enabled it.", "Enable the task 'renew' on web03.", "Disable the task 'renew' on web03."),
        ("Bluetooth was turned off in the settings since the upgrade. Turned it on.", "Turn on Bluetooth in the settings.", "Turn off Bluetooth in the settings."),
        ("L'option de synchronisation était désactivée depuis la mise à jour. Activée de nouveau.", "Activez de nouveau l'option de synchronisation.", "Désactivez l'option de synchronisation."),
    ],
)  # fmt: skip
def test_a_step_that_was_done_is_not_contradicted_by_how_it_was_before(record: str, step: str, turned: str) -> None:
    records = [Record("T1", record)]
    assert not is_turned(read(step), records)
    assert is_turned(read(turned), records)


# Sentences of a large model's answers to the cases, 30 November 2026.
@pytest.mark.parametrize(
    ("record", "honest", "turned"),
    [
        ("Connected the spare supply from the rack, the firewall started after four minutes.", "The firewall started four minutes after the spare supply was connected.", "The spare supply was connected four minutes after the firewall started."),
        ("Activar Lectura de QR; después repetir el escaneo.", "Repetir el escaneo después de activar Lectura de QR.", "Repetir el escaneo antes de activar Lectura de QR."),
        ("The old password was still stored in its mail app. Entered the new password there.", "Enter the new password in the phone's mail app.", "Enter the old password there."),
    ],
)  # fmt: skip
def test_the_same_order_and_act_in_other_words_are_not_turned_round(record: str, honest: str, turned: str) -> None:
    records = [Record("T1", record)]
    assert not is_turned(read(honest), records)
    assert is_turned(read(turned), records)


def test_a_long_sentence_is_read_once() -> None:
    """A ticket may be so long. Where each clause is told to all before it, that takes a minute."""
    assert len(Record("", "turn it off, " * 5_000).clauses) == 5_000
