"""The proxy that leads out of a network, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.

No standard says how these are read. What curl and Go read is read here: names in either case, of which the small one
counts first; a proxy without a scheme; in NO_PROXY names with their subdomains, addresses, networks, ports and `*`.
This host itself is never reached by a proxy.

Source: curl(1), "ENVIRONMENT"; Go's x/net/http/httpproxy.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final
from urllib.parse import unquote, urlsplit

from app.core.ip import IPAddress, read_ip

_EXAMPLE: Final = "http://proxy.example:3128"
VARIABLES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*(?!\d+$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
"""Of a host or a domain. One whose last part is a number would be an address (URL Standard, "host parsing")."""


@dataclass(frozen=True, slots=True)
class Proxy:
    variable: str
    """That names it, for the remedy in an error."""
    url: str
    """Without user and password."""
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Direct:
    """What an entry of NO_PROXY names: a network, or a name with its subdomains; and one port, or all."""

    network: IPv4Network | IPv6Network | None
    name: str
    port: int | None

    def holds(self, address: IPAddress | None, name: str, port: int) -> bool:
        if self.port not in {None, port}:
            return False
        if self.network is not None:
            return address is not None and address in self.network
        return self.name in {"*", name} or name.endswith(f".{self.name}")


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of one environment."""

    of_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    direct: tuple[_Direct, ...] = ()
    unread: tuple[str, ...] = ()
    """What NO_PROXY has beside names and networks, and which holds for nothing."""

    def find(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy that leads to *host*, a name or an address; None: it is reached directly."""
        proxy = self.of_scheme.get(scheme)
        if proxy is None:
            return None
        name, address = _in_ascii(host.lower().rstrip(".")), read_ip(host.strip("[]"))
        if name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback):
            return None
        return None if any(each.holds(address, name, port) for each in self.direct) else proxy


def read_proxies(environment: Mapping[str, str]) -> Proxies:
    """The proxies that *environment* names.

    Raises:
        ValueError: A variable can't be used; the sentence names it and does not quote it.
    """
    found = {}
    for scheme in _PORTS:
        for variable in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
            if value := environment.get(variable, "").strip():
                found[scheme] = _proxy(variable, value)
                break
    named = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    entries = {entry: _direct(entry) for entry in re.split(r"[\s,]+", named.lower()) if entry.strip(".")}
    return Proxies(
        found,
        direct=tuple(each for each in entries.values() if each),
        unread=tuple(entry for entry, each in entries.items() if each is None),
    )


def _proxy(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        is_fine = parts.scheme in _PORTS and bool(parts.hostname) and parts.netloc.count("@") < 2  # noqa: PLR2004
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        is_fine = False
    if not is_fine:
        raise ValueError(
            f"{variable}: must be the URL of an HTTP proxy that begins with http:// or https:// (SOCKS is not spoken);"
            f" in a password write @ as %40, : as %3A, / as %2F, e.g. {_EXAMPLE}"
        )
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    headers = {}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(variable, f"{parts.scheme}://{host}:{port}", headers)


def _direct(entry: str) -> _Direct | None:
    """What *entry* of NO_PROXY names; None: nothing that could be reached."""
    name, port = entry, None
    if found := re.fullmatch(r"(\[[^\]]+\]|[^:]+):(\d{1,5})", entry):
        name, port = found[1], int(found[2])
    with suppress(ValueError):
        return _Direct(ip_network(name.strip("[]"), strict=False), "", port)
    name = _in_ascii(name.removeprefix("*.").strip("."))
    return _Direct(None, name, port) if name == "*" or _NAME.fullmatch(name) else None


def _in_ascii(name: str) -> str:
    with suppress(UnicodeError):
        return name.encode("idna").decode()
    return name
