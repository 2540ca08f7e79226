from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.text import MAX_TEXT_CHARS, one_line, plain_text, tidy


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
        ("a\U000e0041b\ufe0fc\u3164d\u061ce", "abcde"),
        ("", ""),
    ],
)
def test_words_come_through_and_markup_does_not(markup: str, text: str) -> None:
    assert plain_text(markup) == text


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


@pytest.mark.parametrize("part", ["<div>", "<a ", "&lt;", "<!--", "</", "<br>", "x\n\n"])
def test_a_megabyte_of_anything_is_no_burden(part: str) -> None:
    started = time.process_time()
    plain_text(part * (1_000_000 // len(part)))
    assert time.process_time() - started < 3
