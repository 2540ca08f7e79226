"""Which links a text of the note may have, and what becomes of others.

Invariant: in what `without_links` returns, a URL leads to the page of a gathered source or to a host of the tenant's
own: in the domain of such a page, in an asset or a measurement, or one that no public name can reach. In the maker's
cloud, whose hosts all clients share, it is the tenant's portal. Of another URL the text stays, and no program makes a
link of it: `https://evil.com/a` becomes `evil[.]com/a`.

A name without a scheme stays as it is: `support` has seen that a record names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from ipaddress import ip_address, ip_network
from typing import Final

from publicsuffixlist import PublicSuffixList

from app.core.source import Gathered, Source, SourceKind

LINK_REMOVED: Final = "[link removed]"

_INTERNAL: Final = frozenset("local lan internal intra intranet corp home localdomain ad priv private".split())
"""Last labels of names that are used in private networks and don't exist in public DNS."""
_PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_URL_SIGNS: Final = ("//", ":/", ":\\", "www", "http:", "https:", "ftp:")
_URL = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,20}:[/\\]{2,}|(?<![\w:/\\])//(?=[\w-]+(?:\.[\w-]+)+)|\b(?:https?|ftp):[/\\]?(?=\w)"
    r"|\bwww\d?\.(?=\w))(?P<user>[^\s/@<>\"']*@)?(?P<host>[^\s/\\?#<>\"')\]:,;]*)(?P<rest>[^\s<>\"')\]]*)",
    re.IGNORECASE,
)
# Schemes that do something, or lead somewhere, without two slashes.
_SCHEME = re.compile(
    r"(?:java\s?script|vbscript|livescript)\s?:\s?\S*"
    r"|(?<![^\W_])(?:view-source|mhtml|blob|magnet|facetime|whatsapp|msteams|zoommtg|search-ms|mailto|callto|skype|sips?"
    r"|intent|ms-(?!settings)[a-z]+(?:-[a-z]+)*|tel|sms|file)\s?:(?=\S)[^\s<>\"]+"
    r"|\bdata\s?:\s?(?:[\w.+-]+/[\w.+-]+|,|;)[^\s<>\"]*",
    re.IGNORECASE,
)
_SCHEME_ENDS: Final = tuple(
    "script source html blob magnet facetime whatsapp msteams zoommtg -ms mailto callto skype sip sips intent tel sms"
    " file data".split()
)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz-"
_MAX_SCHEME_CHARS: Final = 40
_ADDRESS_WITH_PATH = re.compile(r"(?<![\w.])(?P<address>(?:\d{1,3}\.){3}\d{1,3})(?=(?::\d{1,5})?/[A-Za-z~%?._-])")
# Windows signs in to whatever host such a path names.
_SHARE = re.compile(r"(?<!\\)\\{2,}+(?P<host>[\w.-]+)(?:@[\w@]+)?(?=\\|\s|$)")
_MARKDOWN = re.compile(r"!?\[(?P<text>[^\[\]\n]{0,200})\]\((?P<target>[^()\s]{1,500})\)?")
_CLIMBS = re.compile(r"\.\.|%2e", re.IGNORECASE)
# The portal of one client, at a host of all.
_PORTAL = re.compile(r"https://[\w-]+\.manageengine(?:\.[a-z]{2,3}){1,2}/app/[\w-]+/", re.IGNORECASE)
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_DOT = re.compile(r"(?<!\[)\.(?!\])")
_MACHINE = re.compile(r"(?!0x)[a-z][a-z0-9-]*", re.IGNORECASE)
"""A name without a domain; a number may stand for an address."""


class OwnLinks:
    """Where a note's links may lead. What that is, is looked up when there is a link."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    @classmethod
    def of(cls, gathered: Iterable[Gathered]) -> OwnLinks:
        return cls([source for group in gathered for source in group.sources])

    @cached_property
    def pages(self) -> frozenset[str]:
        return frozenset(source.url for source in self._sources if source.url)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Of pages, and those that assets and measurements name outside of links."""
        machines = "\n".join(
            f"{source.title}\n{source.trusted_text}"
            for source in self._sources
            if source.kind in {SourceKind.ASSET, SourceKind.MEASUREMENT}
        )
        named = {name.lower() for name in _NAME.findall(_SHARE.sub(" ", _URL.sub(" ", machines))) if "." in name}
        return frozenset(named | self._hosts_of_pages)

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains that the hosts of pages stand in: sdp.acme.example is in acme.example."""
        return frozenset(filter(None, map(_domain, self._hosts_of_pages)))

    @cached_property
    def portals(self) -> tuple[str, ...]:
        """What the URLs of the tenant's pages in the maker's cloud begin with."""
        return tuple({found[0].lower() for page in self._own_pages if (found := _PORTAL.match(page))})

    @cached_property
    def _hosts_of_pages(self) -> set[str]:
        pages = (page for page in self._own_pages if not _PORTAL.match(page))
        return {found["host"].lower() for page in pages for found in _URL.finditer(page)}

    @cached_property
    def _own_pages(self) -> set[str]:
        # Not those of documents: such a page may be one of many clients', at a host that all of them share.
        return {source.url for source in self._sources if source.url and source.kind is not SourceKind.DOCUMENT}

    def has(self, url: str, host: str) -> bool:
        host = host.lower().rstrip(".")
        return (
            url.rstrip(".,;:") in self.pages
            or host in self.hosts
            or host.endswith(tuple(f".{domain}" for domain in self.domains))
            or (url.lower().startswith(self.portals) and not _CLIMBS.search(url))
            or _is_internal(host)
        )


def without_links(text: str, own: OwnLinks) -> str:
    """*text*, its links to others' hosts made unusable."""
    if "](" in text:
        text = _MARKDOWN.sub(lambda link: f"{link['text']} {link['target']}".strip(), text).replace("](", "] (")
    if ":" in text and any(map(_may_be_scheme, text.split(":")[:-1])):
        text = _SCHEME.sub(LINK_REMOVED, text)
    if "/" in text and any(part[-1:].isdigit() for part in text.split("/")[:-1]):
        text = _ADDRESS_WITH_PATH.sub(lambda found: found[0] if _is_internal(found[0]) else _defanged(found[0]), text)
    if "\\\\" in text:
        text = _SHARE.sub(lambda share: share[0] if own.has("", share["host"]) else _defanged(share["host"]), text)
    small = text.lower()
    if any(sign in small for sign in _URL_SIGNS):
        text = _URL.sub(lambda url: url[0] if _may_stay(url, own) else _unlinked(url), text)
    return text


def _may_be_scheme(before: str) -> bool:
    """Whether what stands before a colon may be a scheme of `_SCHEME`."""
    end = before[-_MAX_SCHEME_CHARS:].rstrip().lower()
    word = end[len(end.rstrip(_LETTERS)) :]
    return word.endswith(_SCHEME_ENDS) or word.startswith("ms-") or "-ms-" in word


def _may_stay(url: re.Match[str], own: OwnLinks) -> bool:
    return url[0].lower().startswith(("http://", "https://")) and not url["user"] and own.has(url[0], url["host"])


def _unlinked(url: re.Match[str]) -> str:
    """Its host, defanged, and its path; as it is where it names no host that others can have."""
    return f"{_defanged(url['host'])}{url['rest']}" if url["host"] and not _is_internal(url["host"]) else url[0]


def _defanged(name: str) -> str:
    """*name* with each dot as `[.]`. With one dot left, `evil.com[.]example` would still be read as evil.com."""
    return _DOT.sub("[.]", name)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _domain(host: str) -> str:
    """What follows the first label, if that is what its owner registered: not a suffix that many share (`co.uk`)."""
    domain = host.partition(".")[2]
    is_own = domain and not domain.rpartition(".")[2].isdigit() and _suffixes().privatesuffix(domain) == domain
    return domain if is_own else ""


def _is_internal(host: str) -> bool:
    """Whether nobody outside can have *host*: a private address, or a name that public DNS does not have."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].lower() in _INTERNAL or _MACHINE.fullmatch(host) is not None
    return any(address in network for network in _PRIVATE)
