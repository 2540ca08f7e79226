from __future__ import annotations

import time
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.asset import MAX_ADDRESSES, find_addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ping 10.20.30.40 fails", ["10.20.30.40"]),
        ("(192.168.1.1), 192.168.1.2.", ["192.168.1.1", "192.168.1.2"]),
        ("from 2001:db8::1 to fe80::1%eth0", ["2001:db8::1", "fe80::1"]),
        ("[fd00:12::34]:8080", ["fd00:12::34"]),
        ("::ffff:10.0.0.1", ["10.0.0.1", "::ffff:10.0.0.1"]),
        ("version 1.2.3.4.5 and 999.1.1.1", []),
        ("at 12:30:45 on 10:15", []),
        ("0.0.0.0", []),
        ("10.0.0.1 10.0.0.1", ["10.0.0.1"]),
        ("", []),
    ],
)
def test_addresses_are_found_once_each(text: str, found: list[str]) -> None:
    assert list(find_addresses(text).ips) == [ip_address(address) for address in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SRV-MAIL01 is down", ["srv-mail01"]),
        ("open https://portal.acme.example/login", []),
        ("open portal.acme.example now", ["portal.acme.example"]),
        ("write to jane@acme.example", []),
        ("PC0231 and the printer", ["pc0231"]),
        ("just ordinary words", []),
    ],
)
def test_hostnames_are_candidates_of_the_right_form(text: str, found: list[str]) -> None:
    assert list(find_addresses(text).hostnames) == found


@given(st.text())
def test_no_text_is_an_accident(text: str) -> None:
    addresses = find_addresses(text)
    assert len(addresses.ips) <= MAX_ADDRESSES
    assert len(addresses.hostnames) <= MAX_ADDRESSES


@pytest.mark.parametrize("part", ["1.", "a.", "a-", ":", "1:", "0a:", "x1-", "aaaaaaaa", "10.0.0."])
def test_a_long_text_of_near_misses_is_no_burden(part: str) -> None:
    started = time.process_time()
    find_addresses(part * (64_000 // len(part)))
    assert time.process_time() - started < 3
