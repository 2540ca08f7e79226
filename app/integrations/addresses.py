"""Which IP addresses a tenant's URL may lead to.

Invariant: only global unicast addresses are allowed, and private ones if the tenant's file says
`allow_private_address: true`. Link-local and cloud metadata addresses never are, in no notation: an IPv6 address that
contains an IPv4 address (mapped, 6to4, NAT64) is judged by that IPv4 address.

Source: IANA's special-purpose address registries; RFC 4291, 3056, 6052, 6598, 9637.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from app.errors import AddressForbidden

_NEVER: Final = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; the metadata services of AWS, Azure, Google Cloud and others
        "fe80::/10",
        "fd00:ec2::/32",  # AWS: metadata and pod identity over IPv6
        "fd20:ce::/32",  # Google Cloud: metadata over IPv6
        "fd00:42::42/128",  # Scaleway: metadata over IPv6
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud: metadata over IPv6
        "fd00:a9fe:a9fe::1/128",  # Akamai: metadata over IPv6
        "fd00:100::100:200/128",  # Alibaba Cloud: metadata over IPv6
        "100.100.100.200/32",  # Alibaba Cloud: metadata
        "168.63.129.16/32",  # Azure: the host's own services, on an address that looks public
    )
)
_PRIVATE: Final = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "::1/128",
        "fc00::/7",
    )
)
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_IPV4_SPECIAL: Final = (
    # `is_global` of some Python version that we support is True for these.
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
)
_IPV6_SPECIAL: Final = (
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)


def check_address(text: str, *, allow_private: bool, allow_public: bool = True) -> None:
    """Check that a connection may go to the address *text*.

    *allow_private* is as the tenant's file says; plain http goes to no public address.

    Raises:
        AddressForbidden: It is not an IP address, or the tenant's file does not allow it.
    """
    try:
        address = _carried(ip_address(text))
    except ValueError:
        raise AddressForbidden("The tenant's URL leads to something that is no IP address.") from None
    if any(address in network for network in _NEVER):
        raise AddressForbidden("The tenant's URL leads to a link-local or metadata address, which is never allowed.")
    if _is_global(address):
        if not allow_public:
            raise AddressForbidden(
                "The tenant's URL leads over plain http to a public address, where credentials and tickets would"
                " travel readable: it must begin with https://."
            )
        return
    if not any(address in network for network in _PRIVATE):
        raise AddressForbidden("The tenant's URL leads to a reserved address, which is never allowed.")
    if not allow_private:
        raise AddressForbidden(
            "The tenant's URL leads to a private address: set servicedesk.allow_private_address to true in the"
            " tenant's file if that is meant.",
            field="servicedesk.allow_private_address",
        )


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address contains, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_IPV6 and not any(address in network for network in _IPV6_SPECIAL)
    return not any(address in network for network in _IPV4_SPECIAL)
