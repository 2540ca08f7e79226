"""Bodies as templates, mailers and relays write them."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases

import pytest

from app.core.body import as_utf8
from app.core.delivery import Webhook, claimed_tenant, parse_webhook
from app.errors import MalformedDelivery

TENANT = "6f9619ff-8b86-5d01-b42d-00cf4fc964ff"


def read(body: bytes, charset: str = "") -> Webhook:
    return parse_webhook(as_utf8(body, f"application/json{charset}"))


def a_text(description: str) -> str:
    return f'{{"event": "ticket_created", "ticket_id": "100", "description": "{description}"}}'


@pytest.mark.parametrize(
    ("description", "read_as"),
    [
        ("one\r\ntwo\ttabs", "one\r\ntwo\ttabs"),
        ("a vertical\x0btab, a form\x0cfeed, an escape\x1b[0m", "a vertical\x0btab, a form\x0cfeed, an escape\x1b[0m"),
        ("ACME\\jane", "ACME\\jane"),
        ("C:\\Users\\Öffentlich\\", "C:\\Users\\Öffentlich\\"),
        ("\\\\server\\share", "\\server\\share"),
        ("ends in \\x and\nnext", "ends in \\x and\nnext"),
        ("\\u00e9 and \\u12 and \\uZZZZ", "é and \\u12 and \\uZZZZ"),
        ("half \\ud83d of a pair", "half � of a pair"),
        ("a pair \\ud83d\\ude00", "a pair 😀"),
        ("\u2028 line separator", "\u2028 line separator"),
    ],
)
def test_texts_that_a_template_pasted_in_are_read(description: str, read_as: str) -> None:
    if description.endswith("\\"):  # the backslash would escape the quote that ends the text
        description += " "
        read_as += " "
    webhook = read(a_text(description).encode())
    assert (webhook.ticket_id, webhook.description) == ("100", read_as)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_charset(encoding: str) -> None:
    body = a_text("Zürich").encode(encoding)
    assert read(body).description == "Zürich"
    assert read(body, "; charset=utf-8").description == "Zürich"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("windows-1252", "Zürich – 5 €"),
        ("ISO-8859-1", "Zürich"),
        ('"iso-8859-15"', "5 €"),
        ("shift_jis", "印刷できません"),
        ("UTF-16LE", "Zürich"),
        ("koi8-r", "принтер"),
        ("gb18030", "打印机"),
        ("utf8", "Zürich"),
    ],
)
def test_a_declared_charset_is_honoured(charset: str, text: str) -> None:
    body = a_text(text).encode(charset.strip('"'))
    assert read(body, f"; charset={charset}").description == text
    assert read(body, f";boundary=x; CHARSET={charset}").description == text


@pytest.mark.parametrize("charset", ["", "; charset=utf-16", "; charset=utf-8"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_wide_charset_is_told_by_its_zeros_whatever_is_declared(encoding: str, charset: str) -> None:
    assert read(a_text("Zürich").encode(encoding), charset).description == "Zürich"


@pytest.mark.parametrize(
    ("charset", "text", "encoding"),
    [
        ("windows-31j", "①印刷", "cp932"),
        ("x-sjis", "印刷", "cp932"),
        ("Shift_JIS", "①", "cp932"),
        ("windows-874", "พิมพ์", "cp874"),
        ("ks_c_5601-1987", "프린터", "euc-kr"),
        ("gb2312", "镕", "gb18030"),
        ("ISO-8859-1", "„10 €“", "cp1252"),
    ],
)
def test_a_charset_is_known_by_the_name_that_senders_give_it(charset: str, text: str, encoding: str) -> None:
    assert read(a_text(text).encode(encoding), f"; charset={charset}").description == text


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=x-unknown", "; charset=", "; charset=punycode"])
def test_bytes_of_another_charset_cost_their_letters_alone(charset: str) -> None:
    webhook = read(a_text("Zürich").encode("latin-1"), charset)
    assert (webhook.ticket_id, webhook.description) == ("100", "Z�rich")


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "raw_unicode_escape", "idna", "zlib", "rot13", "utf-7", "é", "\x00"]
)
def test_a_codec_that_is_no_charset_is_not_used(charset: str) -> None:
    assert read(a_text("Office").encode(), f"; charset={charset}").description == "Office"


@pytest.mark.parametrize(
    "parameters",
    ["; charset*", "; charset*²=", "; charset*0*=utf-8''x", "; \x85charset=utf-8", '; charset="', "; charset=\r\nx: y"],
)
def test_a_header_that_is_cut_off_or_odd_tells_no_charset(parameters: str) -> None:
    assert read(a_text("Zürich").encode(), parameters).description == "Zürich"


def test_python_is_asked_for_no_charset_that_it_does_not_know() -> None:
    """It keeps the name of each for good, and anybody can send them."""
    asked: list[str] = []

    def look_up(name: str) -> None:
        asked.append(name)

    codecs.register(look_up)
    try:
        for number in range(10):
            read(a_text("Office").encode(), f"; charset=utf-8-{number}")
    finally:
        codecs.unregister(look_up)
    assert asked == []


@pytest.mark.parametrize("name", sorted({*aliases, *aliases.values(), "koi8_u", "cp720", "mac_arabic", "utf_8_sig"}))
def test_every_charset_that_python_has_reads_any_bytes(name: str) -> None:
    for body in (bytes(range(256)), b"~{\xff\x1b$B\x1b(", b"\xff" * 7):
        assert isinstance(as_utf8(b"[" + body, f"application/json; charset={name}"), bytes)


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        (a_text('an "unescaped" quote'), "description"),
        ("{'event': 'ticket_created', 'ticket_id': '100'}", "json.dumps"),
        ('{"event": "ticket_created", "ticket_id": "100",}', "description"),
        ('{"event": "ticket_created", "ticket_id": "100"', "description"),
        ("event=ticket_created&ticket_id=100", "description"),
    ],
)
def test_what_is_no_json_is_told_with_its_place_and_the_remedy(body: str, remedy: str) -> None:
    with pytest.raises(MalformedDelivery) as caught:
        read(body.encode())
    assert caught.value.field == "body"
    assert "line 1, column" in caught.value.detail
    assert remedy in caught.value.detail


@pytest.mark.parametrize(
    ("before", "after"),
    [("\n\ufeff", ""), ("\ufeff\ufeff\r\n ", "\r\n"), ("", "\0\0")],
    ids=["break", "two marks", "buffer"],
)
def test_what_a_sender_leaves_around_the_json_is_no_part_of_it(before: str, after: str) -> None:
    assert read(f"{before}{a_text('Zürich')}{after}".encode()).description == "Zürich"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_tenant_is_found_in_such_a_body_too(mark: str) -> None:
    body = f'{mark}{{"tenant_id": "{TENANT}", "description": "a\nb\\c"}}'.encode()
    assert str(claimed_tenant(as_utf8(body, "application/json"))) == TENANT
    assert claimed_tenant(b"[" * 100_000) is None
    assert claimed_tenant(b'{"tenant_id": "acme"}') is None


def test_a_plain_body_is_stored_as_it_came() -> None:
    body = a_text("Zürich").encode()
    assert as_utf8(body, "application/json; charset=utf-8") is body
