from __future__ import annotations

import pytest

from app.errors import AddressForbidden
from app.integrations.addresses import check_address

PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "::1",
    "fd12::1",
    "100.64.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:0a00:0001::1",
]
NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:42::42",
    "fd00:c1::a9fe:a9fe",
    "fd00:a9fe:a9fe::1",
    "fd00:100::100:200",
    "100.100.100.200",
    "168.63.129.16",
]
RESERVED = [
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.192",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "64:ff9b:1::a00:1",
    "fec0::1",
    "ff02::1",
    "localhost",
    "127.1",
    "",
]


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    check_address(address, allow_private=False)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, *RESERVED])
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressForbidden):
        check_address(address, allow_private=False)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd12::1"])
def test_a_private_address_is_allowed_where_the_tenants_file_says_so(address: str) -> None:
    check_address(address, allow_private=True)


@pytest.mark.parametrize("address", [*NEVER, *RESERVED])
def test_link_local_metadata_and_reserved_addresses_are_refused_even_then(address: str) -> None:
    with pytest.raises(AddressForbidden):
        check_address(address, allow_private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_plain_http_may_go_to_private_addresses_alone(address: str) -> None:
    with pytest.raises(AddressForbidden, match="plain http"):
        check_address(address, allow_private=True, allow_public=False)
    check_address("10.0.0.1", allow_private=True, allow_public=False)
