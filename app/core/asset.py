"""An item of a tenant's inventory, and the addresses and hostnames in a ticket's text that may name one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from pydantic import BaseModel, ConfigDict

from app.core.help_desk import AccountRef

MAX_ADDRESSES: Final = 20

IPAddress = IPv4Address | IPv6Address


class Asset(BaseModel):
    """One asset; text is plain."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    hostname: str = ""
    """In lower case; with or without its domain, as the inventory has it."""
    addresses: tuple[IPAddress, ...] = ()
    role: str = ""
    location: str = ""
    owner: str = ""
    updated_at: datetime | None = None
    account: AccountRef = AccountRef()
    """In an MSP's instance: its account; empty if it names none."""
    site_id: str = ""


class Addresses(BaseModel):
    """The addresses and hostnames in a text, each once, in the order in which they first occur."""

    model_config = ConfigDict(frozen=True)

    ips: tuple[IPAddress, ...] = ()
    hostnames: tuple[str, ...] = ()


# Candidates only; `ip_address` decides. A candidate must not be part of a longer number, version or word.
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# A name with its domain, or a single word with a digit or hyphen as machines often have (srv-mail01, PC-0231).
_HOSTNAME = re.compile(
    rf"(?<![\w.@/-])(?:{_LABEL}(?:\.{_LABEL})+|(?=[A-Za-z0-9-]*[0-9-])[A-Za-z]{_LABEL})(?![\w@-]|\.\w)"
)


def find_addresses(text: str) -> Addresses:
    """The IPv4 and IPv6 addresses and the hostnames that *text* names, at most `MAX_ADDRESSES` of each.

    A hostname here is any word of that form. Whether such a machine exists, only the inventory knows.
    """
    ips = [*_valid(_IPV4.findall(text)), *_valid(IPV6.findall(text))]
    hostnames = [name.lower() for name in _HOSTNAME.findall(text) if not _is_number(name)]
    return Addresses(
        ips=tuple(dict.fromkeys(ips))[:MAX_ADDRESSES], hostnames=tuple(dict.fromkeys(hostnames))[:MAX_ADDRESSES]
    )


def _valid(candidates: list[str]) -> Iterator[IPAddress]:
    for candidate in candidates:
        try:
            address = ip_address(candidate)
        except ValueError:
            continue
        if not address.is_unspecified:
            yield address


def _is_number(name: str) -> bool:
    return all(part.isdigit() for part in name.replace("-", ".").split(".") if part)
