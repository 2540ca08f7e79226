"""A user's name and its password side by side, where no word says "password".

The account that a device has from its maker (`root/calvin`), a domain's user (`acme\\jdoe x`), an address (`jane@acme.example:x`), a
user after words about signing in, and lines of files whose fields have fixed places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import Finding, Secret
from app.core.detect.password_values import HAS_ALL_SIGNS, LOOKS_LIKE_ONE, may_be, of_word
from app.core.detect.password_words import OF_MAKERS
from app.core.detect.scan import Scan

_ACCOUNTS: Final = (
    "root|admin|administrator|sa|apc|ubnt|ubiquiti|cisco|manager|pi|oracle|sysadmin|tomcat|nsroot|maint|supervisor|"
    "hpadmin|vagrant|synology|netadmin|postgres|sysadm|hp|tech|service"
).split("|")
_PAIR = re.compile(rf"(?<![\w/.\\@-])(?P<account>{'|'.join(_ACCOUNTS)})(?P<joint>\s?[/:]\s?)(?P<value>[^\s,;()\"'/]{{3,40}})(?![\w/\\@-])")
_OF_A_FILE = re.compile(r"chown|chgrp|owner|user[:=] ?$")
_RIGHTS = re.compile(r"\s+(?:0?[0-7]{3,4}\b|/|[rwx-]{9})")

_USER = r"(?=[\w.-]*[A-Za-z])[\w.-]{2,30}"
_AFTER_A_USER = re.compile(rf"[\s(]{_USER}(?:\s?[,/|:]\s?|\s(?:and|und|et|y|e|i|и)\s)$")
_OF_DOMAIN = re.compile(rf"\\(?<=[\w.]\\)(?<![\w:]:\\){_USER}(?:\s?[,/:]\s?|\s)(?P<value>[^\s,;()]{{6,40}})(?=[\s,.;)]|$)(?<!\.\w\w\w\w)(?<!\.\w\w\w)")
_OF_ADDRESS = re.compile(r"@(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}\s?[:;|]\s?(?P<value>[^\s,;|]{6,60})(?=[\s,;|]|$)")
_IN_PGPASS = re.compile(r"(?<=[\w.*-]):(?:\d{4,5}|\*):[\w*-]{1,40}:[\w*.-]{1,40}:(?P<value>[^\s:]{4,80})(?=\s|$)")
_IN_QR = re.compile(r"wifi:(?:[a-oq-z]:[^;\n]{0,64};){0,4}p:(?P<value>(?:\\.|[^;\\\n]){1,64});")
_LONGEST_SENTENCE: Final = 64
_WITH_A_DIGIT = re.compile(r"(?<!\S)[^\s\d]{0,40}[0-9]\S{0,60}")

ANCHORS: Final = {
    "default account": tuple(f"{each}{joint}" for each in _ACCOUNTS for joint in ("/", ":", " /", " :")),
    "domain": ("\\",),
    "address": ("@",),
    "fields": (":5432:", ":5433:", ":*:*:", "wifi:"),
    "sign-in": (
        "login with|login as|log in as|log in with|logs in as|logs in with|logged in as|logged in with|log on as|log on with|"
        "logs on as|logs on with|signed in as|sign in with|sign in as|shared account|local account|account (|account is |"
        "anmeldung mit|angemeldet mit|anmelden mit|konto ist |konto (|compte est |compte (|cuenta es |cuenta ("
    ).split("|"),
}


def password_pairs(scan: Scan) -> Iterator[Finding]:
    yield from _of_makers(scan)
    for at, word in scan.hits("sign-in"):
        yield from _beside_a_user(scan, at, at + len(word.rstrip(" (")))
    for group, pattern in (("domain", _OF_DOMAIN), ("address", _OF_ADDRESS)):
        for at, _ in scan.hits(group):
            if (match := pattern.match(scan.text, at)) and (found := _strong(match, scan)):
                yield found
    for at, word in scan.hits("fields"):
        if match := (_IN_QR if word == "wifi:" else _IN_PGPASS).match(scan.lower, at):
            yield Finding(*match.span("value"), Secret.PASSWORD)


def _strong(match: re.Match[str], scan: Scan) -> Finding | None:
    return of_word(match, HAS_ALL_SIGNS, group="value") or (
        of_word(match, LOOKS_LIKE_ONE, group="value") if match.re is _OF_ADDRESS else None
    )


def _beside_a_user(scan: Scan, start: int, end: int) -> Iterator[Finding]:
    """What can be nothing but a password, after a user's name and the words *start* to *end*: "log in as jdoe, x"."""
    if scan.has_digit(end, end + _LONGEST_SENTENCE) and not scan.lower[max(start - 1, 0) : start].isalpha():
        for match in _WITH_A_DIGIT.finditer(scan.text, end, end + _LONGEST_SENTENCE):
            found = of_word(match, HAS_ALL_SIGNS)
            if found and _AFTER_A_USER.search(scan.text, end, found.start):
                yield found


def _of_makers(scan: Scan) -> Iterator[Finding]:
    for at, _ in scan.hits("default account"):
        if match := _PAIR.match(scan.lower, at):
            start = match.start("value")
            value = scan.text[start : match.end()].rstrip(".:!?") or "."
            if _is_password(value, match) and not (
                _RIGHTS.match(scan.lower, match.end()) or _OF_A_FILE.search(scan.lower, max(at - 16, 0), at)
            ):
                yield Finding(start, start + len(value), Secret.PASSWORD)


def _is_password(value: str, match: re.Match[str]) -> bool:
    if value.lower() in OF_MAKERS:
        return value.lower() == match["account"] or value.lower() not in _ACCOUNTS
    return may_be(value) and bool(HAS_ALL_SIGNS.fullmatch(value) or LOOKS_LIKE_ONE.fullmatch(value))
