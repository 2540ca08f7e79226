"""Terms of a text are the same wherever the database stands, whatever its script."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.knowledge.reading import CODE_MARK, read, spoken_languages


@pytest.mark.parametrize(
    ("text", "words", "terms"),
    [
        ("VPNに接続できない", "VPN", ["接続", "でき", "きな", "ない"]),
        ("ﾌﾟﾘﾝﾀ", "", ["プリ", "リン", "ンタ"]),
        ("接", "", ["接"]),
        ("打印机脱机", "", ["打印", "印机", "机脱", "脱机"]),
        ("พิมพ์ไม่ได้", "", ["พิมพ์", "มพ์ไ", "พ์ไม่", "ไม่ไ", "ม่ได้"]),
        ("프린터", "", ["프린", "린터"]),
        ("می\u200cخواهم كتاب", "", ["میخواهم", "کتاب"]),
        ("प्रिंटर काम", "", ["प्रिंटर", "काम"]),
        ("Grüße über Straße", "Grüße über Straße", []),
        ("Привет мир", "Привет мир", []),
    ],
)
def test_each_script_is_cut_in_its_way(text: str, words: str, terms: list[str]) -> None:
    reading = read(text)
    assert reading.words.split() == words.split()
    assert [own.term for own in reading.terms] == terms


@pytest.mark.parametrize(
    "code",
    [
        "0x80070005",
        "ORA-12541",
        "E-1045",
        "KB5034441",
        "^XA^FO50",
        r"C:\Program\Acme\core.dll",
        "/var/log/syslog",
        r"\\srv01\share\x",
        "ERR_CONNECTION_RESET",
        "NullReferenceException",
        "System.IO.IOException",
        "PC-0231",
    ],
)
def test_a_string_that_means_one_thing_is_a_term(code: str) -> None:
    for text in (code, f"Fehler: {code}.", f"(「{code}」)", f"see {code}, then {code.lower()}x"):
        assert CODE_MARK + code.lower() in [own.term for own in read(text).terms]


@pytest.mark.parametrize(
    "text",
    [
        "Office365 Windows11 win10",
        "10GB 1920x1080 100%",
        "2026-01-15T10:11:12Z 15.01.2026 10:15",
        "10.20.1.15 v2.1.3 10.0.19045.3930",
        "jane@acme.example https://acme.example/a/b",
        "and/or hr/it e-mail follow-up CW2024",
        "+49 30 1234567 4111111111111111",
    ],
)
def test_what_many_texts_say_is_no_string(text: str) -> None:
    assert read(text).terms == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Der Drucker druckt nicht", "de"),
        ("The printer is offline", "en"),
        ("L'imprimante ne fonctionne pas", "fr"),
        ("La impresora no imprime desde hoy", "es"),
        ("De printer werkt niet meer", "nl"),
        ("La stampante non funziona", "it"),
        ("Skrivaren fungerar inte", "sv"),
        ("VPN 809", None),
        ("印刷できない", None),
        ("", None),
    ],
)
def test_a_text_is_read_by_the_tenants_language_and_its_own(text: str, language: str | None) -> None:
    assert spoken_languages(text, language="en") == tuple(dict.fromkeys(filter(None, ("en", language))))


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text)
    assert all(own.term and own.word for own in reading.terms)


@pytest.mark.parametrize(
    "part", ["接続", "ก", "ก็", "a_", "A_", "a/", "/", "\\", "^", "A.", "0x", "あ ", "a-1", "\u200c"]
)
def test_a_long_text_takes_no_time(part: str) -> None:
    started = time.process_time()
    read(part * (32_000 // len(part)))
    assert time.process_time() - started < 1  # measured: 0.1 at most
