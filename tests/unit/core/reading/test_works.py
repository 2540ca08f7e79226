"""What a ticket says is well is no part of what it asks."""

from __future__ import annotations

import pytest

from app.core.reading.works import says_that_it_works, without_what_works


@pytest.mark.parametrize(
    "clause",
    [
        "calls in are fine.",
        "Phones look normal",
        "phone is ok",
        "The display says ready",
        "other printers work fine",
        "on my phone it works",
        "it works in the browser",
        "aber WLAN geht",
        # As people write in a public forum for support.
        "All of my archived email folders are fine.",
        "Sending email from the website works fine,",
        "Others are working fine with the same settings.",
        "They all work fine.",
        "Outlook im Web funktioniert",
        "le scan par mail fonctionne",
        "mais internet marche",
        "El resto funciona bien",
        "de andere printers werken",
    ],
)
def test_it_says_that_something_is_well(clause: str) -> None:
    assert says_that_it_works(clause)


@pytest.mark.parametrize(
    "clause",
    [
        "VPN does not work",
        "it works only sometimes",
        "until it works again",
        "I want that it works",
        "please check that it works",
        "Outlook opens slowly",
        "the printer runs out of paper every day",
        "the backup runs for 9 hours",
        "the screen is green and flickers",
        "it says offline",
        # As people write in a public forum for support.
        "the spell check stopped working",
        "A couple weeks ago my mail just stopped working.",
        "This use to work.",
        "It completes the cycle and is ok for a few days.",
        "they show up in my in box",
        "SMTP refuses to work with it",
        "at first it was working ok",
        "This is greatly hampering my work,",
        "I need this working today",
        "Need it working by Monday",
        "Is it working?",
        "She works from home",
        "CPU usage is up",
        "The link opens in Edge",
        "It prints in black and white",
        "Der Drucker geht auf Störung",
        "Die Anwendung läuft im Kreis",
        "Make sure mail works",
        "nothing works",
        "Le scan ne marche plus",
        "WLAN geht nicht",
        "El correo no funciona",
        "",
    ],
)
def test_it_says_no_such_thing(clause: str) -> None:
    assert not says_that_it_works(clause)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Nobody can dial out, calls in are fine. Phones look normal.", "Nobody can dial out, "),
        ("My laptop can't join the Wi-Fi, phone is ok. It says 'no certificate'.", "My laptop can't join the Wi-Fi, It says 'no certificate'."),
        ("Scan to folder fails but scan to mail works", "Scan to folder fails "),
        ("Mail works.\nThe calendar is empty", "The calendar is empty"),
        ("Everything is fine.", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_rest_stays_as_it_is(text: str, left: str) -> None:
    assert without_what_works(text) == left
