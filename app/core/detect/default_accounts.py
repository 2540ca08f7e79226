"""The account that a device has from its maker, beside its password: `root/calvin`, `admin:1234`, without any other word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import Finding, Secret
from app.core.detect.password_values import HAS_ALL_SIGNS, LOOKS_LIKE_ONE, may_be
from app.core.detect.password_words import OF_MAKERS
from app.core.detect.scan import Scan

_ACCOUNTS: Final = (
    "root|admin|administrator|sa|apc|ubnt|ubiquiti|cisco|manager|pi|oracle|sysadmin|tomcat|nsroot|maint|supervisor|"
    "hpadmin|vagrant|synology|netadmin|postgres|sysadm|hp|tech|service"
).split("|")
_PAIR = re.compile(rf"(?<![\w/.\\@-])(?P<account>{'|'.join(_ACCOUNTS)})(?P<joint>\s?[/:]\s?)(?P<value>[^\s,;()\"'/]{{3,40}})(?![\w/\\@-])")
_OF_A_FILE = re.compile(r"chown|chgrp|owner|user[:=] ?$")
_RIGHTS = re.compile(r"\s+(?:0?[0-7]{3,4}\b|/|[rwx-]{9})")

ANCHORS: Final = {"default account": tuple(f"{each}{joint}" for each in _ACCOUNTS for joint in ("/", ":", " /", " :"))}


def default_accounts(scan: Scan) -> Iterator[Finding]:
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
