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
        (
            "EHLO [IPv6:2001:db8::7] addr:2001:db8::9 src=[2001:db8::5]:443",
            ["2001:db8::7", "2001:db8::9", "2001:db8::5"],
        ),
        ("client ::ffff:10.1.2.3 and ::ffff:a01:204 refused", ["10.1.2.3", "10.1.2.4"]),
        ("beef:2001:db8::7", ["beef:2001:db8::7"]),
        ("from 2001:db8::1 to fe80::1%eth0", ["2001:db8::1", "fe80::1"]),
        ("[fd00:12::34]:8080", ["fd00:12::34"]),
        ("::ffff:10.0.0.1", ["10.0.0.1"]),
        ("version 1.2.3.4.5 and 999.1.1.1", []),
        ("at 12:30:45 on 10:15", []),
        ("0.0.0.0", []),
        ("10.0.0.1 10.0.0.1", ["10.0.0.1"]),
        ("サーバー10.1.2.3に接続できません", ["10.1.2.3"]),
        ("地址１０.１.２.３不通", ["10.1.2.3"]),
        ("서버 10.1.2.3에서 오류", ["10.1.2.3"]),
        ("เซิร์ฟเวอร์10.1.2.3ล่ม", ["10.1.2.3"]),
        ("10[.]1[.]2[.]3 and 10(dot)1(dot)2(dot)4", ["10.1.2.3", "10.1.2.4"]),
        ("IP 010.001.002.003 on the printer's page", ["10.1.2.3"]),
        ("ssh admin@10.1.2.3", ["10.1.2.3"]),
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
        ("服务器SRV-DB01宕机", ["srv-db01"]),
        ("srv-db01を再起動", ["srv-db01"]),
        ("SRV\u2011DB05 and SRV\u2010DB06", ["srv-db05", "srv-db06"]),
        ("SRV_DB01 is down", ["srv_db01"]),
        ("some_variable = other_variable", []),
        ("srv01[.]acme[.]example", ["srv01.acme.example"]),
        ("ssh root@srv-db01", ["srv-db01"]),
        ("write to jane@acme-corp.example", []),
        ("WS-MÜLLER", []),
    ],
)
def test_hostnames_are_candidates_of_the_right_form(text: str, found: list[str]) -> None:
    assert list(find_addresses(text).hostnames) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open https://portal.acme.example:8443/login", ["portal.acme.example"]),
        ("http://intranet/ does not open", ["intranet"]),
        (r"the share \\files\scans", ["files"]),
        ("smb://srv-file01/scans", ["srv-file01"]),
        ("https://jane:secret@srv01.acme.example/", ["srv01.acme.example"]),
        ("jdbc:sqlserver://SRV-DB01:1433;databaseName=x", ["srv-db01"]),
        ("see https://portal.acme.example on SRV-1", ["srv-1", "portal.acme.example"]),
        ("https://10.1.2.3/ and /var/log/srv-1", []),
    ],
)
def test_hosts_of_links_come_last_and_only_when_asked_for(text: str, found: list[str]) -> None:
    assert list(find_addresses(text, with_links=True).hostnames) == found
    assert not {"portal.acme.example", "intranet", "files"} & {*find_addresses(text).hostnames}


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
