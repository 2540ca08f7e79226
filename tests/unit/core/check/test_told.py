from __future__ import annotations

import pytest

from app.core.check.told import Told

SCAN = "A full antivirus scan on srv-file01 blocked the share at 09:30. Moved it to 22:00."


@pytest.mark.parametrize(
    "text",
    [
        "Moved it to 22:00.",
        "moved IT to 22:00",
        "The full antivirus scan on srv-file01 blocked the share.",
        "The share is blocked by a full antivirus scan on srv-file01.",
        "",
    ],
)
def test_what_is_said_in_about_these_words_was_told(text: str) -> None:
    assert Told(["Outlook is old.", SCAN]).has(text)


@pytest.mark.parametrize(
    "text",
    [
        "The full antivirus scan on srv-file02 blocked the share.",
        "A full antivirus scan on srv-file01 has not blocked the share.",
        "Moved it to 23:00.",
        "Check the antivirus policy on srv-file01 and its schedule.",
        "Restart it.",
    ],
)
def test_another_host_time_direction_or_thing_was_not(text: str) -> None:
    assert not Told([SCAN]).has(text)


def test_a_text_may_be_covered_by_several_and_nothing_is_covered_always() -> None:
    told = Told(["The antivirus scan on srv-file01 blocked the share.", "Moved the scan to 22:00."])
    assert told.covers("Antivirus scan on srv-file01 blocked the share; moved to 22:00.")
    assert not told.has("Antivirus scan on srv-file01 blocked the share; moved to 22:00.")
    assert not told.covers("The spooler on srv-print01 hung. Restarted it.")
    assert told.covers("")


def test_nothing_was_told_yet() -> None:
    assert not Told().has("Restart the spooler.")
