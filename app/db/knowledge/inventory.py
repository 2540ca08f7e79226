"""Search in the tenant's inventory: the machines that a ticket's text names, and those of its requester.

Invariant: an asset is found only by a whole address, a whole hostname or its owner, never by part of a word. A short
name (`srv01`) finds that machine in any domain; a name with a domain finds no machine of another domain. If a requester
could be two different owners, none is chosen: "J. Weber" finds nothing where Jonas and Julia Weber own assets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from app.core.asset import Addresses, Asset
from app.core.reading.text import one_line
from app.core.source import Source, SourceKind
from app.core.tenant import Language, Tenant
from app.db.session import Row, Transactions
from app.db.sql import load

_MAX_TITLE_CHARS: Final = 200
_MAX_TEXT_CHARS: Final = 600
_MAX_ADDRESSES_SHOWN: Final = 8
# One person owns few machines. More than this belong to many persons with the same surname.
_MAX_OF_A_SURNAME: Final = 200

_WORDS: Final[dict[Language, tuple[str, str]]] = {
    "en": ("addresses", "owner"),
    "de": ("Adressen", "Besitzer"),
    "fr": ("adresses", "propriétaire"),
    "es": ("direcciones", "propietario"),
}
_FIND: Final = load(__package__, "assets")
_WORD = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[^\s<>,;\"']+@[^\s<>,;\"']+")


@dataclass(frozen=True, slots=True)
class Name:
    """A name, in lower case, by which an asset is found."""

    text: str
    is_shortened: bool
    """Whether it is only the first label of a name with a domain (`srv01` of `srv01.acme.local`)."""


def names_of(asset: Asset) -> tuple[Name, ...]:
    """The names of *asset*: its hostname, and its name if that has the form of a hostname; each also without domain."""
    whole = dict.fromkeys(name for name in (asset.hostname.lower(), asset.name.lower()) if name and " " not in name)
    short = {name.partition(".")[0]: True for name in whole if "." in name}
    return tuple(Name(name, is_shortened=name not in whole) for name in {**whole, **short} if name)


def owner_key(person: str) -> str:
    """The key for looking up owners: the surname in lower case, or the part of an e-mail address that stands for it."""
    words = _person(person).words
    return words[-1] if words else ""


_OWNED_SCORE: Final = 0.5


class InventorySearch:
    """One tenant's assets, for the port `Inventory`, their fields named in its notes' language.

    *asset_url* is the page of an asset, from its id; empty: it has none.
    """

    def __init__(self, database: Transactions, tenant: Tenant, *, asset_url: Callable[[str], str]) -> None:
        self._database = database
        self._asset_url = asset_url
        self._tenant_id = tenant.id
        self._language: Language = tenant.note.language

    async def assets(self, addresses: Addresses, *, requester: str, limit: int) -> list[Source]:
        """The assets with these addresses or names, then those that the requester owns; empty when there are none.

        Args:
            addresses: What the ticket's text names; assets come in this order.
            requester: A name, an e-mail address, or both. An address is matched with names: j.weber@… is Jonas Weber,
                unless another J. Weber owns an asset too.
            limit: At most this many.
        """
        ips = [str(address) for address in addresses.ips]
        given = list(dict.fromkeys(name.lower() for name in addresses.hostnames))
        # The inventory may have the machine without its domain.
        labels = {name.partition(".")[0]: place for place, name in reversed(list(enumerate(given))) if "." in name}
        person = _person(requester)
        if not (ips or given or person.words):
            return []
        async with self._database.transaction(self._tenant_id) as tx:
            rows = await tx.rows(
                _FIND,
                tenant_id=self._tenant_id,
                addresses=ips,
                names=[*given, *labels],
                owner_key=person.words[-1] if person.words else "",
                most_of_owner=_MAX_OF_A_SURNAME,
            )
        named = [
            *_at_addresses([row for row in rows if row["found_by"] == "address"], ips),
            *_of_names([row for row in rows if row["found_by"] == "name"], given, labels),
        ]
        owned = _of_person([row for row in rows if row["found_by"] == "owner"], person) if len(named) < limit else []
        found: dict[str, Source] = {}
        for is_only_owned, assets in ((False, named), (True, owned)):
            for asset in assets:
                found.setdefault(asset["id"], self._as_source(asset, is_only_owned=is_only_owned))
        return list(found.values())[:limit]

    def _as_source(self, asset: Row, *, is_only_owned: bool) -> Source:
        addresses_word, owner_word = _WORDS[self._language]
        addresses = ", ".join(_host(address) for address in asset["addresses"][:_MAX_ADDRESSES_SHOWN])
        name, hostname, owner = asset["name"], asset["hostname"], asset["owner"]
        parts = [
            asset["role"],
            asset["location"],
            hostname if hostname != name.lower() else "",
            f"{addresses_word}: {addresses}" if addresses else "",
        ]
        staff_text = one_line("; ".join(part for part in parts if part), max_chars=_MAX_TEXT_CHARS)
        said = [staff_text, f"{owner_word}: {owner}" if owner else ""]
        return Source(
            kind=SourceKind.ASSET,
            id=asset["id"],
            title=one_line(name or hostname or asset["id"], max_chars=_MAX_TITLE_CHARS),
            text=one_line("; ".join(part for part in said if part), max_chars=_MAX_TEXT_CHARS),
            staff_text=staff_text,
            url=self._asset_url(asset["id"]),
            is_only_owned=is_only_owned,
            score=_OWNED_SCORE if is_only_owned else 1.0,
        )


def _at_addresses(rows: Sequence[Row], addresses: Sequence[str]) -> list[Row]:
    """*rows* in the order in which the ticket names their *addresses*."""
    return sorted(rows, key=lambda row: addresses.index(_host(row["key"])))


def _of_names(rows: Sequence[Row], given: Sequence[str], labels: Mapping[str, int]) -> list[Row]:
    """*rows* in the order of the *given* names; by a name's first label only what the inventory has without domain."""
    placed = [
        (given.index(row["key"]) if row["key"] in given else labels[row["key"]], row)
        for row in rows
        if row["key"] in given or not row["is_shortened"]
    ]
    return [row for _, row in sorted(placed, key=lambda entry: entry[0])]


def _of_person(rows: Sequence[Row], person: _Person) -> list[Row]:
    """Those of *rows*, owned by somebody of the same surname, that *person* owns.

    First the same address or the whole name. Else a first name that an initial may stand for (`J. Doe`), but only if all
    assets that fit belong to one person.
    """
    for is_same in (_is_exactly, _may_be):
        own = [row for row in rows if is_same(person, _person(row["owner"]))]
        if own:
            return own if is_same is _is_exactly or len({_person(row["owner"]).words for row in own}) == 1 else []
    return []


@dataclass(frozen=True, slots=True)
class _Person:
    email: str
    words: tuple[str, ...]
    """The name's words in lower case, surname last."""


def _person(text: str) -> _Person:
    found = _EMAIL.search(text)
    email = found[0].lower() if found else ""
    name = _EMAIL.sub(" ", text).strip(" <>\"'") or email.partition("@")[0]
    surname, comma, first = name.partition(",")  # "Weber, Jonas"
    ordered = f"{first} {surname}" if comma and first.strip() else name
    return _Person(email, tuple(word.casefold() for word in _WORD.findall(ordered)))


def _is_exactly(one: _Person, other: _Person) -> bool:
    if one.email and other.email:
        return one.email == other.email
    return len(one.words) > 1 and one.words == other.words


def _may_be(one: _Person, other: _Person) -> bool:
    """Whether these may be one person, where either may have only the initial of the first name (`J. Doe`)."""
    if (one.email and other.email) or min(len(one.words), len(other.words)) < 2:  # noqa: PLR2004 - first name and surname
        return False
    first, second = sorted((one.words[0], other.words[0]), key=len)
    return one.words[-1] == other.words[-1] and first in {second, second[0]}


def _host(address: Any) -> str:
    """An address of PostgreSQL's type `inet` as text, without its network mask."""
    return str(ip_address(str(address).partition("/")[0]))
