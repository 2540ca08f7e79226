"""NO_PROXY as people write it, for curl and for Go."""

from __future__ import annotations

import pytest

from app.integrations.proxies import read_proxies

PROXY = {"HTTPS_PROXY": "http://proxy.corp.example:3128", "http_proxy": "proxy.corp.example:3128"}


@pytest.mark.parametrize(
    ("direct", "url", "is_direct"),
    [
        ("", ("https", "api.openai.com", 443), False),
        ("corp.example", ("https", "sdp.corp.example", 443), True),
        (".corp.example", ("https", "corp.example", 443), True),
        ("*.corp.example", ("https", "SDP.corp.example.", 443), True),
        ("corp.example", ("https", "notcorp.example", 443), False),
        ("localhost .svc,.cluster.local", ("http", "vllm.models.svc", 8000), True),
        ("10.0.0.0/8", ("https", "10.20.30.40", 443), True),
        ("10.0.0.0/8", ("https", "11.20.30.40", 443), False),
        ("10.20.30.40", ("https", "10.20.30.40", 443), True),
        ("10.0.0.0/8", ("https", "::ffff:10.1.2.3", 443), True),
        ("fd00::/8", ("https", "fd12::1", 443), True),
        ("[fd12::1]:8443", ("https", "fd12:0::1", 8443), True),
        ("[fd12::1]:8443", ("https", "fd12::1", 443), False),
        ("sdp.corp.example:8443", ("https", "sdp.corp.example", 8443), True),
        ("sdp.corp.example:8443", ("https", "sdp.corp.example", 443), False),
        ("*", ("https", "api.openai.com", 443), True),
        ("*:443", ("https", "api.openai.com", 443), True),
        ("10.0.0.0/255.0.0.0", ("https", "10.20.30.40", 443), True),
        ("münchen.example", ("https", "xn--mnchen-3ya.example", 443), True),
        ("xn--mnchen-3ya.example", ("https", "sdp.münchen.example", 443), True),
        ("_sip.corp.example", ("https", "_sip.corp.example", 443), True),
        ("172.16.*", ("https", "172.16.1.1", 443), False),
        (",, ,.", ("https", "api.openai.com", 443), False),
        ("", ("https", "localhost", 443), True),
        ("", ("http", "127.9.9.9", 4318), True),
        ("", ("https", "::1", 443), True),
    ],
)
def test_what_is_reached_directly(direct: str, url: tuple[str, str, int], is_direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert (read_proxies({**PROXY, name: direct}).find(*url) is None) == is_direct


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"HTTPS_PROXY": "proxy.example"}, "http://proxy.example:80"),
        ({"HTTPS_PROXY": "http://proxy.example:3128/"}, "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "https://proxy.example"}, "https://proxy.example:443"),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ({"ALL_PROXY": "http://all.example:1"}, "http://all.example:1"),
        ({"ALL_PROXY": "http://all.example:1", "https_proxy": "http://one.example:2"}, "http://one.example:2"),
        ({"HTTPS_PROXY": "http://one.example:1", "https_proxy": "http://two.example:2"}, "http://two.example:2"),
        ({"HTTPS_PROXY": " ", "https_proxy": ""}, None),
        ({"HTTP_PROXY": "http://other.example:1"}, None),
    ],
)
def test_the_variables_as_people_set_them(given: dict[str, str], url: str | None) -> None:
    proxy = read_proxies(given).find("https", "api.openai.com", 443)
    assert (proxy and proxy.url) == url


def test_a_password_of_any_characters_is_sent_as_it_is_and_in_no_repr() -> None:
    proxy = read_proxies({"HTTPS_PROXY": "http://CORP%5Csvc:p%40ss%3A%C3%BC@proxy.example:8080"}).find(
        "https", "x.org", 1
    )
    assert proxy is not None
    assert proxy.headers == {"Proxy-Authorization": "Basic Q09SUFxzdmM6cEBzczrDvA=="}
    assert proxy.url == "http://proxy.example:8080"
    assert "Basic" not in repr(proxy)


@pytest.mark.parametrize(
    "value", ["socks5://proxy.example:1080", "http://", "http://u:p@ss@proxy:1", "http://proxy:port", "http://[::1"]
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_value(value: str) -> None:
    with pytest.raises(
        ValueError, match=r"^HTTPS_PROXY: must be the URL of an HTTP proxy.*, e\.g\. http://"
    ) as refused:
        read_proxies({"HTTPS_PROXY": value})
    assert "p@ss" not in str(refused.value)


@pytest.mark.parametrize(
    ("direct", "unread"),
    [
        ("corp.example, *.corp.example .svc,10.0.0.0/8,[fd12::1]:8443,*,3com.example,host:8443,,.", ()),
        ("172.16.*,corp.example", ("172.16.*",)),
        ("a.example;b.example", ("a.example;b.example",)),
        ("a.example|b.example", ("a.example|b.example",)),
        ('"10.0.0.0/8"', ('"10.0.0.0/8"',)),
        ("10.0.0.0/33", ("10.0.0.0/33",)),
        ("10.1.2.1-10.1.2.9", ("10.1.2.1-10.1.2.9",)),
        ("172.16.", ("172.16.",)),
        ("300.1.2.3", ("300.1.2.3",)),
        ("https://sdp.corp.example/", ("https://sdp.corp.example/",)),
        ("<local>", ("<local>",)),
        ("*corp.example", ("*corp.example",)),
        ("sdp.*.example", ("sdp.*.example",)),
        ("sdp.corp.example:https", ("sdp.corp.example:https",)),
    ],
)
def test_what_of_no_proxy_holds_for_nothing_is_known(direct: str, unread: tuple[str, ...]) -> None:
    assert read_proxies({"NO_PROXY": direct}).unread == unread
