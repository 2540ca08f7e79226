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


@pytest.mark.parametrize(
    ("page", "sibling"),
    [
        ("https://acme.co.uk/kb", "evil.co.uk"),
        ("https://acme.duckdns.org/kb", "evil.duckdns.org"),
        ("https://acme.github.io/kb", "evil.github.io"),
        ("https://acme.westeurope.cloudapp.azure.com/kb", "evil.westeurope.cloudapp.azure.com"),
        ("https://203.0.113.7/kb", "198.0.113.7"),
        ("https://acme.example/kb", "evil.example"),
        ("https://sdpondemand.manageengine.eu/app/acme/ui/requests/9/details", "evil.manageengine.eu"),
    ],
)
def test_a_host_beside_the_tenants_under_a_name_that_many_share_is_not_the_tenants(page: str, sibling: str) -> None:
    own = OwnLinks.of(gathered(a_source(url=page)))
    assert without_links(f"https://{sibling}/x", own) == f"{sibling.replace('.', '[.]')}/x"


@pytest.mark.parametrize("host", ["portal.acme.co.uk", "portal.abb.com", "portal.acme.example"])
def test_a_host_beside_the_tenants_in_a_domain_of_its_own_is_the_tenants(host: str) -> None:
    own = OwnLinks.of(gathered(a_source(url=f"https://sdp.{host.partition('.')[2]}/kb")))
    assert without_links(f"https://{host}/x", own) == f"https://{host}/x"


@pytest.mark.parametrize("host", ["sdpondemand.manageengine.com", "sdpondemand.manageengine.com.au"])
def test_in_the_makers_cloud_the_portal_is_the_tenants_and_not_the_host(host: str) -> None:
    own = OwnLinks.of(gathered(a_source(url=f"https://{host}/app/itdesk/ui/requests/9/details")))
    ours = f"See https://{host}/app/itdesk/ui/solutions/4/details."
    assert without_links(ours, own) == ours
    for path in (
        "/app/evil/HomePage.do",
        "/app/itdesk-evil/x",
        "/app/itdesk/../evil/x",
        "/app/itdesk/%2e%2e/evil",
        "/x",
    ):
        assert "https://" not in without_links(f"See https://{host}{path}", own)
