"""An item of a tenant's inventory, and the addresses and hostnames in a ticket's text that may name one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from app.core.help_desk import AccountRef
from app.core.ip import IPAddress, read_ip

MAX_ADDRESSES: Final = 20


class Asset(BaseModel, frozen=True):
    """One asset; text is plain."""

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


class Addresses(BaseModel, frozen=True):
    """The addresses and hostnames in a text, each once, in the order in which they first occur."""

    ips: tuple[IPAddress, ...] = ()
    hostnames: tuple[str, ...] = ()


# Letters that stand beside an address without a blank: Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]+"
)
# Full-width characters, and hyphens that word processors write in place of the one that is typed.
_PLAIN: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys(
    (0x2010, 0x2011, 0x2012, 0x2212, 0xFE63), "-"
)
# Written so that nobody opens it by accident: srv01[.]acme[.]example, 10(dot)1(dot)2(dot)3.
_DISARMED = re.compile(r"[\[({](?:\.|dot)[\])}]", re.IGNORECASE)

# Candidates only; `read_ip` decides. A candidate must not be part of a longer number, version or word.
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)")
_MAY_HOLD_IPV6 = re.compile(r":[0-9A-Fa-f]{0,4}:")
# The name of what follows, directly before it: IPv6:2001:db8::7 in mails, addr:2001:db8::7. A word of hexadecimal
# digits may be a part of the address.
_SAID = re.compile(r"(?<![\w:])(?=\w{0,20}[G-Zg-z_])(\w{1,20}):(?=[0-9A-Fa-f]{0,4}:)")
_PADDED = re.compile(r"(?:\d{3}\.){3}\d{3}")
# Windows takes an underscore in a name too.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
# A name with its domain, or a single word with a digit or hyphen as machines often have (srv-mail01, PC-0231), also
# behind the name of an account (root@srv-db01).
_HOSTNAME = re.compile(
    rf"(?<![\w./-])(?:(?<!@){_LABEL}(?:\.{_LABEL})+|(?=[A-Za-z0-9_-]*[0-9-])[A-Za-z]{_LABEL})(?![\w@-]|\.\w)"
)
# Of a URL or a path in a network any name is one: https://intranet/, \\files\share, jdbc:sqlserver://SRV-DB01:1433.
_LINKED = re.compile(rf"(?://|\\\\)(?:[^\s/@\\]{{1,80}}@)?({_LABEL}(?:\.{_LABEL})*)(?![\w@-]|\.\w)")


def find_addresses(text: str, *, with_links: bool = False) -> Addresses:
    """The IPv4 and IPv6 addresses and the hostnames that *text* names, at most `MAX_ADDRESSES` of each.

    A hostname here is any word of that form. Whether such a machine exists, only the inventory knows.

    Args:
        text: Plain.
        with_links: Whether hosts in URLs and in network paths count too, after all others. To look machines up; not to
            compare tickets, since links to the same site stand in many mails.
    """
    text = UNSPACED.sub(" ", _DISARMED.sub(".", text.translate(_PLAIN)))
    ips = [*_valid(_IPV4.findall(text))]
    if _MAY_HOLD_IPV6.search(text):
        ips += _valid(IPV6.findall(_SAID.sub(r"\1 ", text)))
    names = _HOSTNAME.findall(text) + (_LINKED.findall(text) if with_links else [])
    hostnames = [name.lower() for name in names if not _is_number(name)]
    return Addresses(
        ips=tuple(dict.fromkeys(ips))[:MAX_ADDRESSES], hostnames=tuple(dict.fromkeys(hostnames))[:MAX_ADDRESSES]
    )


def _valid(candidates: list[str]) -> Iterator[IPAddress]:
    for candidate in candidates:
        if _PADDED.fullmatch(candidate):  # as printers show it: 010.001.002.003
            candidate = ".".join(str(int(part)) for part in candidate.split("."))  # noqa: PLW2901
        address = read_ip(candidate)
        if address is not None and not address.is_unspecified:
            yield address


def _is_number(name: str) -> bool:
    return all(part.isdigit() for part in name.replace("-", ".").split(".") if part)
