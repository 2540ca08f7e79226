"""An IP address in a text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

IPAddress = IPv4Address | IPv6Address


def read_ip(text: str) -> IPAddress | None:
    """The address that *text* is; of an IPv4 address in IPv6 (::ffff:10.0.0.1), as servers for both write it, that."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
