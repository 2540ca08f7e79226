"""What comes out of the product as HTML, read by an HTML parser, whatever went in."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.check.checking import Checker, without_markup
from app.core.enhancement import Enhancement, Statement
from app.core.links import OwnLinks, without_links
from app.core.note import ALLOWED_TAGS, render_note
from app.core.reading.text import plain_text
from app.core.source import Gathered, GatherState, SourceKind, number_sources
from app.core.tenant import NoteOptions
from tests.builders import a_source
from tests.html_reader import HtmlReader

REFERENCE = UUID("6f9619ff-8b86-5d01-b42d-00cf4fc964ff")

FRAGMENTS = (
    "<script>alert(1)</script>|<script|</script>|<style>*{}</style>|<img src=x onerror=alert(1)>|<img src=//evil.example/p.gif>|<svg/onload=alert(1)>"
    "|<form action=//evil.example>|<input name=password>|<iframe srcdoc='x'>|<a href='javascript:alert(1)'>x</a>|<a href=data:text/html,x>|<base href=//e>"
    "|<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>|<!--|-->|<![CDATA[|]]>|<?xml|<!DOCTYPE html>"
    "|</p>|</li>|</ul>|</div>|<div|<p style=x|\"|'|`|>|<|&|&lt;|&#60;|&#x3c;|&amp;lt;|&NewLine;|\x00|\u2028|<noscript><p title='</noscript><img src=x onerror=alert(1)>'>"
    "|onclick=alert(1)|href=|javascript:|x|<b|<plaintext>|<textarea>|<title>|<xmp>|<template>|<object data=x>|<embed src=x>|<meta http-equiv=refresh>"
    "|<link rel=stylesheet href=x>|<video><source onerror=alert(1)>|<details ontoggle=alert(1) open>|<marquee onstart=alert(1)>|<body onload=alert(1)>"
).split("|")
EVIL = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=8).map("".join)


def rendered(text: str, url: str) -> str:
    """A note of which every text is *text*, and every source's page *url*."""
    groups = [
        Gathered(kind=kind, state=GatherState.OK, sources=(a_source(kind, title=text, text=text, url=url),))
        for kind in (SourceKind.TICKET, SourceKind.ARTICLE)
    ]
    groups.append(Gathered(kind=SourceKind.ASSET, state=GatherState.UNAVAILABLE, reason=text))
    said: Any = (Statement(text=text, citations=["T1", text]),)
    enhancement = Enhancement(
        summary=text, facts=said, hypotheses=said, next_steps=said, gathered=number_sources(groups), model=text or "m"
    )
    return render_note(enhancement, NoteOptions(), reference=REFERENCE)


@settings(max_examples=300, deadline=None)
@given(EVIL, EVIL | EVIL.map("https://".__add__))
def test_a_note_has_only_its_own_tags_and_links_whatever_its_texts_hold(text: str, url: str) -> None:
    html = rendered(text, url)
    reader = HtmlReader(html)
    assert reader.tags <= ALLOWED_TAGS
    for tag, name, value in reader.attributes:
        assert (tag, name) == ("a", "href")
        assert str(value).startswith(("http://", "https://"))
    assert not reader.others
    # A second reader, of another make: it finds nothing to take out.
    known = {
        "tags": set(ALLOWED_TAGS),
        "attributes": {"a": {"href"}},
        "url_schemes": {"http", "https"},
        "link_rel": None,
    }
    everything = {
        "tags": nh3.ALLOWED_TAGS | {"div", "small", "form", "input"},
        "attributes": {"*": {"href", "style", "src"}},
        "link_rel": None,
    }
    assert nh3.clean(html, **known) == nh3.clean(html, **everything)  # type: ignore[arg-type]


def checked(text: str) -> str:
    """What is kept of *text* where a source says the same."""
    source = a_source(SourceKind.ARTICLE, title="", text=plain_text(text), ref="K1")
    gathered = (Gathered(kind=SourceKind.ARTICLE, state=GatherState.OK, sources=(source,)),)
    return Checker.of(gathered, language="en").passage(text, max_chars=20_000)


@settings(max_examples=300, deadline=None)
@given(EVIL)
def test_plain_text_and_what_is_made_of_it_hold_no_script_nor_hidden_part(text: str) -> None:
    for result in (checked(text), without_links(without_markup(text), OwnLinks.of([]))):
        assert not HtmlReader(result).tags & {"script", "style", "img", "svg", "iframe", "form", "a", "object"}
    assert "\x00" not in plain_text(text)


@given(EVIL.filter(lambda text: "<" not in text), EVIL)
def test_the_words_of_a_script_are_no_words(script: str, after: str) -> None:
    marker = "ScriptBody7"
    assert marker not in plain_text(f"<script>{marker}{script}</script>{after}")
    assert marker not in plain_text(f"<style>{marker}{script}</style>{after}")


PARTS = [
    "<div>",
    "<b><i>",
    "<svg><math>",
    "&lt;",
    "&amp;",
    "<a href=x ",
    "<!--",
    "[x](",
    "](",
    "a.",
    "a@",
    "http://",
    "\\\\a",
    "<x@y.example>",
    "h t t p :",
]
PARTS += [
    "1.1.1.1/a",
    "your password enter ",
    "curl a ",
    "dot ",
    "a dot com ",
    "&#x",
    "A1b2",
    "[.]",
    "Ｗ",
    "<<DATA ",
    "{",
    "ref ",
    "send the ",
]


@pytest.mark.parametrize("part", PARTS)
def test_a_long_text_of_anything_is_no_burden(part: str) -> None:
    text = part * (12_000 // len(part))
    started = time.process_time()
    checked(text)
    without_links(text, OwnLinks.of([]))
    rendered(text[:2_000], "https://sdp.acme.example/x")
    assert time.process_time() - started < 2
