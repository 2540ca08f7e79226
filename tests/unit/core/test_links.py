from __future__ import annotations

import time

import pytest

from app.core.links import OwnLinks, without_links
from app.core.source import SourceKind
from tests.builders import a_source, gathered

PAGE = "https://sdp.acme.example/kb/5"
OWN = OwnLinks.of(
    gathered(
        a_source(SourceKind.ARTICLE, url=PAGE, text="Read https://vendor.example/start."),
        a_source(SourceKind.ASSET, title="wiki.acme-it.example", text="web server; 10.20.1.9", url=""),
    )
)


@pytest.mark.parametrize(
    "text",
    [
        f"See {PAGE}.",
        "Change it at https://portal.acme.example/password or https://wiki.acme-it.example/x?y=1.",
        "Open http://srv-print01/status, https://fs.corp.local:8443/a and http://10.20.1.9/admin.",
        r"Map \\srv-file01\home$ and \\fs.acme.local\projects.",
        "Write imap://account or chrome://settings/content; at 10:30, C:\\Temp and TCP/IP; ssh root@10.20.1.9.",
        "Reach gw.vendor.example on port 443.",
    ],
)
def test_what_leads_to_the_tenants_own_stays_as_it_is(text: str) -> None:
    assert without_links(text, OWN) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See https://vendor.example/start.", "See vendor[.]example/start."),
        ("See HTTPS://user@vendor.example/a", "See vendor[.]example/a"),
        ("https://sdp.acme.example.evil.example/kb/5", "sdp[.]acme[.]example[.]evil[.]example/kb/5"),
        ("https://sdp.acme.example@evil.example/", "evil[.]example/"),
        ("https://evilacme.example/", "evilacme[.]example/"),
        ("Open www.evil.example now", "Open evil[.]example now"),
        (
            "ftp://198.51.100.7/setup.exe or 198.51.100.7/setup.exe",
            "198[.]51[.]100[.]7/setup.exe or 198[.]51[.]100[.]7/setup.exe",
        ),
        ("http://3325256711/a", "3325256711/a"),
        (
            "Copy \\\\evil.example\\share\\x and \\\\evil.example@SSL\\x",
            "Copy evil[.]example\\share\\x and evil[.]example\\x",
        ),
        ("[Sign in](https://evil.example/x)", "Sign in evil[.]example/x"),
        ("javascript:alert(1) mailto:x@evil.example tel:0900", "[link removed] [link removed] [link removed]"),
        ("data:text/html,x ms-msdt:/id search-ms:query=x", "[link removed] [link removed] [link removed]"),
    ],
)
def test_a_link_to_others_is_text_that_leads_nowhere(text: str, shown: str) -> None:
    assert without_links(text, OWN) == shown


@pytest.mark.parametrize(
    "scheme",
    "javascript vbscript livescript view-source mhtml blob magnet facetime whatsapp msteams zoommtg search-ms mailto callto"
    " skype sip sips intent ms-msdt ms-word tel sms file data".split(),
)
@pytest.mark.parametrize("before", ["", "Open ", "(", "1.", "PleaseOpen,"])
def test_each_scheme_that_does_something_goes(scheme: str, before: str) -> None:
    rest = "text/html,x" if scheme == "data" else "/id"
    for written in (scheme, scheme.upper()):
        assert without_links(f"Now: {before}{written}:{rest}", OWN) == f"Now: {before}[link removed]"


@pytest.mark.parametrize(
    "part", ["\\", "/", ":/", "a:", "www.", "http:", "](", "[a](", "1.1.1.1/", "-ms-:", "\\\\a", "data :", "x@"]
)
def test_no_text_takes_longer_than_its_length_deserves(part: str) -> None:
    started = time.thread_time()
    for before in ("", "http://", "\\\\a ", "www."):
        without_links(before + part * (16_000 // len(part)) + "!", OWN)
    assert time.thread_time() - started < 1.5


def test_a_domain_that_may_be_a_public_suffix_is_not_the_tenants() -> None:
    own = OwnLinks.of(gathered(a_source(url="https://acme.co.uk/kb")))
    assert without_links("https://acme.co.uk/x https://evil.co.uk/x", own) == "https://acme.co.uk/x evil[.]co[.]uk/x"
