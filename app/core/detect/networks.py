"""Finds IP addresses, networks, MAC addresses and versions, so that they are not taken for phone numbers.

Such groups of digits fit the numbering plan of some country: 464 of 800 private networks did. So their characters are
replaced by `BLOT` before phone numbers are looked for. A prefix length or port that is left is too short for a number.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, ip_address
from typing import Final

import phonenumbers

from app.core.asset import IPV6, UNSPACED

DOTTED_PHONE = re.compile(r"0\d(?:\.\d\d){4}|(?:1\.)?[2-9]\d\d\.\d{3}\.\d{4}")
"""The only forms with dots alone that count as phone numbers: French and North American ones."""

BLOT: Final = "\0"
"""Replaces each character of an address. It is no part of a number or word, and `plain_text` has removed it before."""

_DOTTED = re.compile(r"(?<![\w.])\d++(?:\.\d++){3,}+(?!\w)")  # also a version, an OID, tcpdump's 10.0.0.1.443
_PART_OF_A_NETWORK = re.compile(r"(?<![\w.+)/-])\d{1,3}(?:\.\d{1,3}){1,2}/\d{1,2}(?![\w/])")  # 10.20/16
_LENGTH_FOLLOWS = re.compile(r"/\d{1,2}(?!\d)")
_DIGIT_FOLLOWS = re.compile(r"[ .-]?\d")
_PRIVATE: Final = frozenset({"10", "172", "192"})
_HYPHENATED = re.compile(r"(?<![\w.+-])\d{1,3}(?:-\d{1,3}){3}(?![\w-])(?P<name>\.[A-Za-z])?")  # 10-20-30-40.example
_HARDWARE = re.compile(
    r"(?<![\w.:/+-])(?:[0-9a-f]{2}(?P<by>[:.-])[0-9a-f]{2}(?:(?P=by)[0-9a-f]{2}){4,6}"
    r"|[0-9a-f]{2}(?: [0-9a-f]{2}){5}(?! \d\d)|[0-9a-f]{4}(?P<of>[.:-])[0-9a-f]{4}(?P=of)[0-9a-f]{4}"
    r"|[0-9a-f]{6}[:-]?[0-9a-f]{6})(?![\w:-]|\.\d)",
    re.IGNORECASE,
)
_IS_HEX = re.compile(r"\d[a-f]|[a-f]\d", re.IGNORECASE)
_FRENCH = re.compile(r"0[1-9](?: \d\d){3}")  # "de 06 12 34 56 78": the first is a word
_HARDWARE_WORD = re.compile(
    r"\b(?:mac|bssid|eth\w*|hw ?addr|wol|wake[- ]on[- ]lan|physi\w+|hardware\w*|station|client[- ]id|nic|arp)"
    r"\b[^\d\n]{0,24}$",
    re.IGNORECASE,
)
_COUNTRY = re.compile(r"(?:(?<!\w)\(?(?:\+|00)\d{1,3}\)?[ .-]?(?:\(0\)[ .-]?)?|\(0\)[ .-]?|(?<!\w)\+)$")
"""A country code before dotted groups, which makes them a phone number: +47 22.33.44.55, (0)4.91.12.34.56."""
_LONGEST_COUNTRY: Final = 16
_LONGEST_WORD: Final = 40
_HIGHEST: Final = 255
_LONGEST_PREFIX: Final = 32


def without_networks(text: str) -> str:
    """*text* with each character of addresses, networks and versions replaced by `BLOT`. Its length stays the same."""
    apart = UNSPACED.sub(lambda found: " " * len(found[0]), text)
    blotted = _blotted(apart)
    return blotted if apart == text else "".join(map(_unless_blot, text, blotted))


def _unless_blot(char: str, blotted: str) -> str:
    return BLOT if blotted == BLOT else char


def _blotted(text: str) -> str:
    text = _HARDWARE.sub(lambda found: _blot(found, _is_hardware(found)), text)
    if ":" in text:
        text = IPV6.sub(lambda found: _blot(found, _is_address(found[0])), text)
    text = _DOTTED.sub(lambda found: _blot(found, not _is_phone(found)), text)
    text = _PART_OF_A_NETWORK.sub(lambda found: _blot(found, _is_part_of_a_network(found)), text)
    return _HYPHENATED.sub(lambda found: _blot(found, _is_hyphenated(found)), text)


def _blot(found: re.Match[str], is_network: bool) -> str:
    return BLOT * len(found[0]) if is_network else found[0]


def _before(found: re.Match[str], chars: int) -> str:
    return found.string[max(found.start() - chars, 0) : found.start()]


def _is_hardware(found: re.Match[str]) -> bool:
    """Whether groups of two or four hexadecimal digits are a MAC address. If all are decimal, form or a word decide."""
    return bool(
        found["by"]
        or found["of"] == "."
        or _IS_HEX.search(found[0])
        or (re.search("[a-f]", found[0], re.IGNORECASE) and not _FRENCH.search(found[0]))
        or _HARDWARE_WORD.search(_before(found, _LONGEST_WORD))
    )


def _is_phone(found: re.Match[str]) -> bool:
    """Whether groups with dots are a phone number: by their form, or by a country code before them."""
    if DOTTED_PHONE.fullmatch(found[0]):
        return True
    country = _COUNTRY.search(_before(found, _LONGEST_COUNTRY))
    if country is None or _LENGTH_FOLLOWS.match(found.string, found.end()):
        return False
    if not _is_address(found[0]):
        return True
    return IPv4Address(found[0]).is_global and country[0].startswith(("+", "(+")) and _is_valid(country[0] + found[0])


def _is_valid(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_part_of_a_network(found: re.Match[str]) -> bool:
    groups, _, length = found[0].partition("/")
    octets = groups.split(".")
    is_network = int(length) <= _LONGEST_PREFIX and all(
        str(int(each)) == each and int(each) <= _HIGHEST for each in octets
    )
    return is_network and (not _DIGIT_FOLLOWS.match(found.string, found.end()) or octets[0] in _PRIVATE)


def _is_hyphenated(found: re.Match[str]) -> bool:
    """Whether groups with hyphens are an IP address within a hostname (10-20-30-40.example), or a private address."""
    text = found[0].removesuffix(found["name"] or "").replace("-", ".")
    return _is_address(text) and (bool(found["name"]) or not IPv4Address(text).is_global)
