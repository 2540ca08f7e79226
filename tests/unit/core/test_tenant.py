"""What a tenant's file leaves open is derived from what it says."""

from __future__ import annotations

from itertools import combinations

import pytest
from pydantic import ValidationError

from tests.builders import a_tenant


@pytest.mark.parametrize(("calls_per_minute", "slots"), [(1, 1), (30, 5), (60, 10), (6000, 10)])
def test_a_tenant_has_as_many_slots_as_its_calls_keep_busy(calls_per_minute: int, slots: int) -> None:
    assert a_tenant(servicedesk={"calls_per_minute": calls_per_minute}).slots == slots


def test_its_file_may_say_how_many() -> None:
    assert a_tenant(limits={"concurrency": 40}).slots == 40
    with pytest.raises(ValidationError, match=r"limits\.concurrency"):
        a_tenant(limits={"concurrency": 0})


def test_a_models_url_over_plain_http_needs_a_private_network() -> None:
    model = {"name": "x", "base_url": "http://model.example/v1"}
    assert a_tenant(model=model).model.has_own_key
    with pytest.raises(ValidationError, match=r"model\.base_url must begin with https://"):
        a_tenant(model=model, servicedesk={"url": "https://x.example", "allow_private_address": False})
    assert not a_tenant(model={"name": "x"}).model.has_own_key


@pytest.mark.parametrize(
    ("model", "judge"),
    [
        ({}, "shared"),
        ({"judge": "its-own"}, "its-own"),
        ({"name": "x", "base_url": "https://model.example/v1"}, None),
        ({"name": "x", "base_url": "https://model.example/v1", "judge": "y"}, "y"),
    ],
)
def test_a_client_with_an_endpoint_of_its_own_has_no_second_opinion_from_the_shared_one(
    model: dict[str, str], judge: str | None
) -> None:
    assert a_tenant(model=model).model.judge_beside("shared") == judge


def address(url: str) -> str:
    return a_tenant(servicedesk={"url": url}).servicedesk.address


@pytest.mark.parametrize(
    "urls",
    [
        [
            "https://sdp.acme.example",
            "http://sdp.acme.example",
            "https://SDP.Acme.Example/",
            "https://sdp.acme.example:443",
            "http://sdp.acme.example:80/",
            "https://sdp.acme.example:80",
            "https://sdp.acme.example//",
            "https://sdp.acme.example/./",
            "https://sdp.acme.example/x/..",
            "https://sdp.acme.example/api/v3",
            "https://sdp.acme.example/API/v3/",
            "https://sdp.acme.example/;jsessionid=1",
        ],
        [
            "https://sdpondemand.manageengine.com/app/itdesk",
            "https://sdpondemand.manageengine.com/app/itdesk/",
            "https://sdpondemand.manageengine.com/app//ITDesk",
            "https://sdpondemand.manageengine.com/app/%69tdesk",
            "https://sdpondemand.manageengine.com/app/other/../itdesk",
            "https://sdpondemand.manageengine.com/app;a=1/itdesk;b=2",
        ],
        ["https://sdp.acme.example:8443", "http://sdp.acme.example:8443/", "https://sdp.acme.example:08443"],
        ["http://10.1.2.3", "http://10.1.2.3:80", "http://[::ffff:10.1.2.3]", "http://[::ffff:a01:203]"],
        ["http://[fd00::1]:8080", "http://[FD00:0:0:0:0:0:0:1]:8080", "http://[fd00:0::0:1]:8080/"],
    ],
    ids=["on premises", "cloud", "with a port", "IPv4", "IPv6"],
)
def test_one_help_desk_has_one_address_however_its_url_is_written(urls: list[str]) -> None:
    assert len({address(url) for url in urls}) == 1


def test_help_desks_that_differ_have_addresses_that_differ() -> None:
    urls = [
        "https://sdp.acme.example",
        "https://sdp2.acme.example",
        "https://sdp.acme.example:8443",
        "https://sdp.acme.example/acme",
        "https://sdpondemand.manageengine.com/app/itdesk",
        "https://sdpondemand.manageengine.com/app/itdesk2",
        "https://sdpondemand.manageengine.eu/app/itdesk",
        "http://10.1.2.3",
        "http://[fd00::1]",
        "http://[fd00::1]:8080",
    ]
    for one, other in combinations(urls, 2):
        assert address(one) != address(other)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "127.0.0.01", "10.1.2.3.4", "1.2.3.0x4"]
)
def test_an_ip_address_is_written_as_four_numbers(host: str) -> None:
    with pytest.raises(ValidationError, match="four numbers"):
        address(f"http://{host}/")
