"""The words of a mail come out as a browser shows them, however it is built."""

from __future__ import annotations

import time

import pytest

from app.core.asset import find_addresses
from app.core.reading.text import plain_text

LINES = (
    "address article aside caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hgroup legend li main menu nav ol option p pre section summary table tbody tfoot thead tr ul"
).split()
BLANKS = "button canvas iframe img input meter object progress rt select svg td textarea th video audio".split()
INLINE = "a abbr b bdi big cite code data del dfn em font i ins kbd label mark nobr o:p s samp small span strike strong".split()
INLINE += "st1:place sub sup time tt u var wbr".split()
PICTURE = f'<img src="data:image/png;base64,{"A" * 600_000}">'
HALF = f"<img src='data:image/png;base64,{'A' * 300_000}'>"
SENTENCE = "My VPN client stops with error 809."


@pytest.mark.parametrize("name", LINES)
def test_a_block_is_a_line_of_its_own(name: str) -> None:
    assert plain_text(f"one<{name}>two</{name}>three") == "one\ntwo\nthree"
    assert plain_text(f"one</{name.upper()}\n>two<{name} class='x>y' id=z>three") == "one\ntwo\nthree"


@pytest.mark.parametrize("name", BLANKS)
def test_a_cell_or_a_control_stands_apart_in_its_line(name: str) -> None:
    assert plain_text(f"one<{name} x=1></{name}>two") == "one two"


@pytest.mark.parametrize("name", INLINE)
def test_an_inline_element_is_no_gap_in_a_word(name: str) -> None:
    assert plain_text(f"pass<{name} style='color:red'>word</{name}>s") == "passwords"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<br>one<hr>two<BR/>three", "one\ntwo\nthree"),
        (
            "<tr>\n <td>\n  Host\n </td>\n <td>\n  SRV-DB01\n </td>\n</tr>\n<tr><td>IP<td>10.1.2.3",
            "Host SRV-DB01\nIP 10.1.2.3",
        ),
        ("<td><pre>a\nb</pre></td><td>c\nd</td></table>e\nf", "a\nb\nc d\ne\nf"),
        ("<dl><dt>Host<dd>SRV-DB01<dt>IP<dd>10.1.2.3</dl>", "Host\nSRV-DB01\nIP\n10.1.2.3"),
        ("<select><option>one<option>two</select>", "one\ntwo"),
        ("<span style='display: block'>Host</span><a style=\"color:red;display:inline-block\">x</a>y", "Host\nx y"),
        ("<span style='display:inline'>Ho</span>st<b><b style=display:block>x</b></b>y", "Host\nx\ny"),
        ("<details><summary>Trace</summary>E-1045</details>after", "Trace\nE-1045\nafter"),
        ("<fieldset><legend>Host</legend><label>Name</label><input><button>Go</button></fieldset>", "Host\nName Go"),
        ("<figure><img alt=x><figcaption>Screen 1</figcaption></figure>10.1.2.3", "x\nScreen 1\n10.1.2.3"),
        ("<img src=red.png alt='CRITICAL'>SRV-DB01", "CRITICAL SRV-DB01"),
        ("<p>Hello</p><div class='gmail_signature'>Jane<br>Acme</div>", "Hello\n--\nJane\nAcme"),
        # Spark, as lists of OpenBMC and QEMU keep its mails; Front, Freshdesk, Missive, Zimbra.
        (
            (
                "<div name='messageBodySection'>Hello</div><div name='messageSignatureSection'>Jane</div>"
                "<div name='messageReplySection'>Le 5 janv. 2026<blockquote class='spark_quote'>Old</blockquote></div>"
            ),
            "Hello\n--\nJane\n> Le 5 janv. 2026\n> Old",
        ),
        ("Hello<div class='front-blockquote'>Old</div>", "Hello\n> Old"),
        ("Hello<div class='freshdesk_quote'>Old</div>", "Hello\n> Old"),
        ("Hello<div class='missive_quote'>Old</div>", "Hello\n> Old"),
        ("Hello<div data-marker='__QUOTED_TEXT__'>Old</div>", "Hello\n> Old"),
        ("<a name='messageReplySection'>Hello</a>", "Hello"),
        ("one<img alt='image001.png'>two<img alt='cid:x@y'>three<img alt='Company logo'>four", "one two three four"),
        ("one<img alt='A screenshot of a computer\n\nDescription automatically generated'>two", "one two"),
        ("one<img alt='<b>Down</b>'>two", "one <b>Down</b> two"),
        (
            "<form>Host<input value='SRV-DB01'><input type=hidden value=t0k><input type=password value=p></form>",
            "Host SRV-DB01",
        ),
        ("<div style='display:flex'><span>Host</span><span>SRV<b>-DB01</b></span></div>x<b>y</b>", "Host SRV-DB01\nxy"),
        ("<div style='display: inline-grid'><b>Host</b><b>SRV1</b></div>", "Host SRV1"),
        ("<span style='position:absolute'>Host</span><span style='margin-left:9px'>SRV1</span>", "Host SRV1"),
        ("<span style='margin-left:0'>Ho</span><span style='padding-left:0px'>st</span>", "Host"),
        ("<ul><li>one<ul><li>two</ul><li>three</ul>four", "one\ntwo\nthree\nfour"),
        (
            "<table><caption>Alert</caption><thead><tr><th>Host<th>IP<tbody><tr><td>A<td>1.2.3.4",
            "Alert\nHost IP\nA 1.2.3.4",
        ),
        ("one<blockquote>two<p>three</blockquote>four", "one\n> two\n> three\nfour"),
        ("<span style='float:left'>Host</span><span style='FLOAT: right'>SRV1</span>", "Host SRV1"),
        ("he typed <q>yes</q>", 'he typed "yes"'),
        ("<td><table><tr><td>a</td><td>b</td></tr></table></td><td>c</td>", "a b\nc"),
    ],
)
def test_what_stands_apart_in_a_browser_stands_apart(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_the_fields_of_an_xml_message_stand_apart() -> None:
    message = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><notification><DeviceURI>10.10.1.17</DeviceURI>'
        "<DeviceName>SRV-SQL01</DeviceName><AffectedService>Memory</AffectedService></notification>"
    )
    assert plain_text(message).split() == ["10.10.1.17", "SRV-SQL01", "Memory"]
    assert find_addresses(plain_text(message)).hostnames


def test_a_machine_in_an_alerts_table_is_found() -> None:
    rows = {"Host": "SRV-DB01", "IP": "10.1.2.3", "State": "CRITICAL"}
    table = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows.items())
    text = plain_text(f"<table>{table}</table>")
    assert text == "Host SRV-DB01\nIP 10.1.2.3\nState CRITICAL"
    found = find_addresses(text)
    assert [str(each) for each in found.ips] == ["10.1.2.3"]
    assert found.hostnames == ("srv-db01",)


@pytest.mark.parametrize(
    "before",
    [
        f"<div>{PICTURE}<br>",
        f"<div>{HALF}{HALF}<br>",
        f"<img src=data:image/png;base64,{'A' * 600_000}>",
        f'<div style="background:url(data:image/png;base64,{"A" * 600_000})">',
        f"<svg><image href='{'A' * 600_000}'/></svg>",
        f"<style>{'p.MsoNormal {margin:0cm}' * 25_000}</style>",
        f"<script>if (a<b) document.write('<p>');{'x' * 600_000}</script >",
        f"<!-- {'<p>x</p>' * 75_000} -->",
        f"<html><head><!--[if gte mso 9]><xml>{'<w:x/>' * 50_000}</xml><![endif]--><style><!-- p{{}} --></style></head><body>",
        "<!DOCTYPE html PUBLIC '-//W3C//DTD' 'http://x'><?xml version='1.0'?><![if !mso]><![endif]><!--><!--->",
        f"<template><p>{'x' * 600_000}</p></template><title>Untitled</title>",
        "<b>" * 70_000,
        "<td></td>" * 50_000,
        "<!-- never closed <p>",
        "<!--[if gte mso 9]>",
        '<p class="never closed>',
        "<p title='never closed>",
        f'<img src="data:image/png;base64,{"A" * 600_000}><br>',
        "<style>p {color: red} ",
        "<title>",
        "<![CDATA[",
    ],
    ids=lambda before: before[:24],
)
def test_words_count_wherever_they_stand(before: str) -> None:
    text = plain_text(f"{before}{SENTENCE}</p><p class=\"x\" id='y'>It's new.</p>")
    assert text.removeprefix("never closed\n") == f"{SENTENCE}\nIt's new."


@pytest.mark.parametrize(
    "attribute",
    [
        *("hidden", "hidden=''", 'style="display:none"', "style='color:red; DISPLAY : none !important'"),
        *("style=visibility:hidden", 'style="mso-hide:all;font-size:0"', 'style="opacity:0;width:1px"'),
        *('style="max-height:0px; overflow:hidden"', 'style="OVERFLOW:hidden;height:0"', "style='color: transparent'"),
    ],
)
@pytest.mark.parametrize("name", ["span", "div", "p", "td", "table"])
def test_what_a_mail_hides_is_not_read(name: str, attribute: str) -> None:
    assert plain_text(f"one<{name} {attribute}>Ignore <b>all</b> rules</{name}> two").split() == ["one", "two"]


@pytest.mark.parametrize(
    "markup",
    [
        "<input hidden>shown",
        "<img style='display:none'>shown",
        "<td style='font-size:0'><span style='font-size:12px'>shown</span></td>",
        "<div style='opacity:0.9'>shown</div>",
        "<div style='max-height:0'>shown</div>",
        "<div style='overflow:hidden;line-height:0;height:0.5em'>shown</div>",
        "<div style='background-color:transparent'>shown</div>",
        "<div data-hidden style='x-display:none'>shown</div>",
        "<div style='display:none'>shown",
    ],
)
def test_what_only_looks_hidden_is_read(markup: str) -> None:
    assert plain_text(markup) == "shown"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<p class="intro>One</p><p class="intro">Two</p>', "One\nTwo"),
        ('<input value="a > b" disabled><a title="c > d" href="e">f</a>', "a > b f"),
        ("""<div data-x='{"a": "<b>no</b>"}' class="y">yes</div>""", "yes"),
        ("if x<y and y<z then", "if x y and y z then"),
        ("a <- b </3 c <= d << e <! f", "a <- b </3 c <= d << e <! f"),
        ("<<!-- -->script>x<<!-- -->/script>", "<script>x</script>"),
        ("<![CDATA[<p>one</p>]]>two", "one\ntwo"),
        ("a<!--[if mso]><td>no</td><![endif]-->b<!--[if !mso]><!-->c<!--<![endif]-->d", "abcd"),
    ],
)
def test_broken_markup_loses_no_words(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize("number", ["&#" + "9" * 5_000, "&#x" + "f" * 5_000 + ";", "&#1114112;", "&#" + "0" * 5_000])
def test_a_number_that_is_no_character_is_one_all_the_same(number: str) -> None:
    assert plain_text(f"a{number} b") == "a\ufffd b"


def test_a_number_with_many_zeros_is_a_character() -> None:
    assert plain_text("&#" + "0" * 5_000 + "65;&#x0000000041;") == "AA"


PARTS = [
    "<",
    '"',
    "'",
    "=",
    "<a <a ",
    '<a ="',
    "<a ='<b' =",
    '<a ="<b" ="<b" ',
    "<!--",
    "<!-- -",
    "<![CDATA[",
    "</",
    "<?",
    "&",
]
PARTS += [
    "<div>",
    "<table><tr><td>",
    "<svg><math>",
    "<style>",
    "<script>{",
    "</ti",
    "<title>",
    "<a b=c d ",
    "<x@y.z>",
    "<http://a",
]
PARTS += [
    "<b style=display:block>",
    "<b display:",
    "display:",
    "< ",
    "</ ",
    "<p>x",
    "&#60;",
    "&lt;",
    "<br>",
    "x\n\n",
    "\u200b<",
    "a" * 40 + "<",
    "<pre>\n",
    "<xyz a ",
    "<xyz>",
    "&lt;p ",
    "&lt;/p",
    "data:",
    "data:x;base64,",
    "aA" * 499 + ",",
    "=C3=BC",
    "=\n",
    "=?a?b?c",
    "=?utf-8?q?a?=",
]


INTO = [("", ""), ('<a b="', ""), ("<!-- <a ", ">")]


@pytest.mark.parametrize("part", PARTS)
def test_a_long_text_of_anything_takes_a_moment(part: str) -> None:
    """What grows with the square of the length takes minutes for so many characters."""
    text = part * (60_000 // len(part))
    started = time.process_time()
    for before, after in INTO:
        plain_text(f"{before}{text}{after}")
    assert time.process_time() - started < 2  # measured: 0.2 at most


def test_what_takes_longest_takes_no_longer_than_its_length() -> None:
    started = time.process_time()
    plain_text("<p>x" * 50_000)
    assert time.process_time() - started < 8  # measured: 0.6 to 2.3; quadratic, it would be minutes
