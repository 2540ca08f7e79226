"""Forms of one word have one stem, also where no ending tells it."""

from __future__ import annotations

import pytest

from app.core.check.tokens import chunks, normal, stems, tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("wrote", "written"),
        ("ran", "running"),
        ("rebuilt", "rebuild"),
        ("geschrieben", "schreiben"),
        ("eingezogen", "einziehen"),
        ("einzuziehen", "einziehen"),
        ("unterbrochen", "unterbrechen"),
        ("heruntergeladen", "herunterladen"),
        ("remis", "remettre"),
        ("muestra", "mostrar"),
        ("entered", "enter"),
        ("registering", "register"),
        ("transferred", "transfer"),
        ("shortened", "shorten"),
        ("cleared", "clear"),
        ("repaired", "repair"),
        ("partitioned", "partition"),
        ("applied", "apply"),
        ("submitted", "submit"),
        ("used", "use"),
        ("geändert", "ändern"),
        ("aktualisierte", "aktualisieren"),
        ("geöffnet", "öffnen"),
        ("hinzugefügt", "hinzufügen"),
        ("angelegt", "anlegen"),
        ("wartete", "warten"),
        ("choisissez", "choisir"),
        ("verifique", "verificado"),
    ],
)
def test_irregular_forms_are_of_their_verb(one: str, other: str) -> None:
    assert stems(normal(one)) == stems(normal(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("compared", "company"), ("required", "repaired"), ("internet", "intern"), ("simply", "sim")],
)
def test_what_ends_alike_is_not_one_word(one: str, other: str) -> None:
    assert stems(one) != stems(other)


@pytest.mark.parametrize(
    ("short", "word"), [("pw", "password"), ("creds", "credentials"), ("svc acct", "service account")]
)
def test_short_forms_of_the_trade_are_the_word(short: str, word: str) -> None:
    assert [*map(stems, short.split())] == [*map(stems, word.split())]


@pytest.mark.parametrize("word", ["band", "schloss", "lag", "led", "left", "stand", "part", "sort", "zusammen"])
def test_a_form_that_is_another_word_as_often_is_not_taken_for_it(word: str) -> None:
    assert stems(word)[0].startswith(word[:3])


def test_a_drive_keeps_its_colon_and_ends_no_clause() -> None:
    assert [each.text for each in chunks("Disk E: is full, not C:.") if each.is_operand] == ["e:", "c:"]
    assert tokens(normal("They stay on E: and are not archived.")).count(":") == 0
    assert tokens(normal("Step b: restart it")).count(":") == 1


def test_a_long_word_is_read_once() -> None:
    [word] = chunks("A" * 64_000 + "1")  # from each capital it was read to its end: half a minute
    assert word.is_operand
    assert [chunk.is_operand for chunk in chunks("TEAM-Drive CD-ROM CPU-Last Laufwerk aBc-D X-Y")] == [
        True, True, True, False, True, False
    ]  # fmt: skip
