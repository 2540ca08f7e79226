from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.reading.text import MAX_TEXT_CHARS, one_line, plain_text, tidy


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("<script>alert(1)</script>x<style>p{}</style>", "x"),
        ('<img src=x onerror="alert(1)">x', "x"),
        ("<a href='javascript:1'>link</a>", "link"),
        ("a\x00b\u202ec\u200bd", "abcd"),
        ("  a \t b\n\n\n c  ", "a b\nc"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("<<p>x", "<\nx"),
        ("a<p>b</p>c", "a\nb\nc"),
        ("NDR from <jane@acme.example> again", "NDR from <jane@acme.example> again"),
        ("Re: <https://acme.example/a?b=1&c=2>", "Re: <https://acme.example/a?b=1&c=2>"),
        ("<a@b.example onerror=alert(1)>x", "x"),
        (r"C:\Users\<user>\x on <SRV-DB01> says <Error 5>", r"C:\Users\<user>\x on <SRV-DB01> says <Error 5>"),
        ("<p>Get-Item [<CommonParameters>], List<string> x</p>", "Get-Item [<CommonParameters>], List<string> x"),
        ("<o:p>a</o:p><st1:place>b</st1:place><city>c</city><x y=1>d", "abcd"),
        ("&lt;p&gt;Host &amp;amp; IP&lt;/p&gt;&lt;br&gt;&lt;b class=x&gt;down&lt;/b&gt;", "Host & IP\ndown"),
        ("&lt;table&gt;&lt;tr&gt;&lt;td&gt;a&lt;/td&gt;&lt;td&gt;b&lt;/td&gt;&lt;/tr&gt;&lt;/table&gt;", "a b"),
        ("<p>How do I write &lt;p&gt;?</p>", "How do I write <p>?"),
        ("if a &lt; b", "if a < b"),
        (
            "data:image/png;base64," + "iVBORw0KGgo" * 150_000 + " is the picture of error 809",
            "is the picture of error 809",
        ),
        (
            "Hallo J=C3=BCrgen,=0D=0Adie Verbin=\ndung bricht ab=20\nDanke",
            "Hallo Jürgen,\ndie Verbindung bricht ab\nDanke",
        ),
        (("iVBORw0KGgoAAAANSUhEUgAAB9AAAASwCAYAAACjAYaXAAAAAXNSR0IArs4c6QAAAARn\n" * 2000) + "error 809", "error 809"),
        ("begin 644 x.png\n" + ("M" + "A" * 60 + "\n") * 2000 + "end\nerror 809", "begin 644 x.png\nend\nerror 809"),
        (r"{\rtf1{\pict " + "89504e47" * 20_000 + "}error 809}", r"{\rtf1{\pict }error 809}"),
        ('<p class=3D"x">SRV-=\r\nDB01 is=20down</p>', "SRV-DB01 is down"),
        ("Gr=FC=DFe =<br>Jane", "Grüße Jane"),
        ("user=\nserver=\ntimeout=30", "user=\nserver=\ntimeout=30"),
        ("=?utf-8?Q?Dr=C3=BCcker?= =?utf-8?B?IGRlZmVrdA==?=", "Drücker defekt"),
        ("Fwd: =?nonsense?Q?x?= and a =? b", "Fwd: =?nonsense?Q?x?= and a =? b"),
        ("timeout=30 retries=10 x=C3", "timeout=30 retries=10 x=C3"),
        ("a == b\nc=\nd", "a == b\nc=\nd"),
        ('<a href="https://x.example/?q=1">=C3=BC</a>', "=C3=BC"),
        ("=" * 2_000 + "x" * 2_000, "=" * 2_000 + "x" * 2_000),
        ("<p>begin</p>" + "iVBORw0KGgo" * 20_000 + "==<p>My VPN fails</p>", "begin\nMy VPN fails"),
        ("a\U000e0041b\ufe0fc\u3164d\u061ce", "abcde"),
        ("Host: A\rIP: 10.1.2.3\r\nb\x0bc\x0cd\x85e\u2028f\u2029g", "Host: A\nIP: 10.1.2.3\nb\nc\nd\ne\nf\ng"),
        ("", ""),
    ],
)
def test_words_come_through_and_markup_does_not(markup: str, text: str) -> None:
    assert plain_text(markup) == text


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
NEEDED = {
    "persian": "می\u200cخواهم به\u200cروزرسانی",
    "urdu": "علی\u200cگڑھ",
    "pashto": "نه\u200cشي",
    "hindi": "क्\u200dष और क्\u200cष",
    "marathi": "दर\u200d्या",
    "bengali": "র\u200d্যাম",
    "malayalam": "അവന്\u200dറെ",
    "sinhala": "ශ්\u200dරී ලංකා",
    "malayalam-end": "അവന്\u200d വന്നു",
    "persian-ordinal": "۵\u200cام",
    "persian-ending": "PDF\u200cها و 9\u200cام و (کتاب)\u200cها",
    "khmer": "ព្រះ\u200cអង្គ",
    "burmese": "မြန်\u200cမာ",
    "mongolian": "ᠮᠣᠩᠭᠣᠯ\u180eᠤ ᠠ\u180bᠠ",
    "family": FAMILY,
    "profession": "\U0001f469\U0001f3fd\u200d\U0001f4bb",
    "heart": "\u2764\ufe0f\u200d\U0001f525 \u26a0\ufe0f",
    "keycap": "1\ufe0f\u20e3",
    "flag": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "kanji": "葛\U000e0100飾区",
}
HIDING = {
    "latin": ("pass\u200dword ig\u200cnore", "password ignore"),
    "ends": ("\u200cمی\u200c \u200dخ\u200d", "می خ"),
    "run": ("می\u200c\u200cخ می\u200c\u200d\u200cخ", "میخ میخ"),
    "mixed": ("می\u200ca b\u200dक", "میa bक"),
    "digits": ("1\u200c2 ۱\u200c۲", "12 ۱۲"),
    "cyrillic": ("па\u200dроль", "пароль"),
    "han": ("接\u200d続", "接続"),
    "selectors": ("a\ufe0f1\ufe0f b\U000e0100", "a1 b"),
    "bytes-in-an-emoji": ("\U0001f600\ufe0f\ufe0e\U000e0148\U000e0149", "\U0001f600\ufe0f"),
    "bytes-in-han": ("字\U000e0148\U000e0149字\U000e0100\U000e0101", "字字\U000e0100"),
    "emoji-ends": ("\U0001f600\u200d x\u200d\U0001f600", "\U0001f600 x\U0001f600"),
    "tags": ("\U0001f3f4\U000e0069\U000e0067\U000e006e\U000e007f", "\U0001f3f4"),
}


@pytest.mark.parametrize("text", NEEDED.values(), ids=NEEDED)
def test_what_a_script_needs_stays(text: str) -> None:
    assert tidy(text) == text
    assert plain_text(f"<p>{text}</p>") == text
    assert plain_text("".join(f"&#{ord(character)};" for character in text)) == text


@pytest.mark.parametrize(("text", "shown"), HIDING.values(), ids=HIDING)
def test_what_hides_text_goes(text: str, shown: str) -> None:
    assert tidy(text) == plain_text(text) == shown


@given(st.text(st.sampled_from("aм字می\u200c\u200d\u200b\ufe0f\u180b\U000e0100\U000e0041\U0001f600\U0001f3fb1\u20e3 ")))
def test_no_two_hidden_characters_stand_together(text: str) -> None:
    result = tidy(text)
    assert tidy(result) == result
    assert not re.search(
        "[\u200c\u200d\ufe0f\u180b\U000e0000-\U000e0fff]{3}|[\u200c\u200d]{2}|^[\u200c\u200d]|[\u200c\u200d]$", result
    )


@given(st.text())
def test_no_hidden_character_survives(text: str) -> None:
    result = plain_text(text)
    assert len(result) <= MAX_TEXT_CHARS
    assert not any(ord(character) < 32 and character != "\n" for character in result)
    result.encode()


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_cut_text_keeps_its_limit(text: str, limit: int) -> None:
    assert len(tidy(text, max_chars=limit)) <= limit
    assert "\n" not in one_line(text, max_chars=limit)
