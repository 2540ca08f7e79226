r"""A user's name and its password side by side, where no word says "password".

The account that a device has from its maker (`root/calvin`), a domain's user (`acme\\jdoe x`), an address
(`jane@acme.example:x`), and lines of files whose fields have fixed places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_values import HAS_ALL_SIGNS, LOOKS_LIKE_ONE, WORDS_AND_NUMBER, is_mixed, may_be
from app.core.detect.password_words import OF_MAKERS
from app.core.detect.scan import Scan

ACCOUNTS: Final = (
    "root|admin|administrator|sa|apc|ubnt|ubiquiti|cisco|manager|pi|oracle|sysadmin|tomcat|nsroot|maint|supervisor|backup|scan|scanner|operator|"
    "hpadmin|vagrant|synology|netadmin|postgres|sysadm|hp|tech|service"
).split("|")
"""Accounts that makers put on their devices, and that stay there."""
_PAIR = re.compile(
    rf"(?<![a-z0-9_/.\\@-])(?P<account>{'|'.join(ACCOUNTS)})(?P<joint>\s?[/:]\s?|\s=\s)(?P<value>[^\s,;()\"'/]{{3,40}})(?![\w/\\@-])"
)
_WORD_AND_NUMBER = re.compile(r"(?!vlan|port|eth|srv|host|node|user|test|build|room)[A-Za-z]{3,}\d{2,8}")
_MIXED_WORD = re.compile(
    r"(?!(?:vlan|port|eth|srv|host|node|user|test|build|room)\d)(?=.*\d)(?=.*[A-Z])[A-Za-z0-9]{7,20}|(?=.*[a-z])[A-Z][A-Za-z]+[#!$%^*][A-Za-z]{3,}"
)
_OF_A_FILE = re.compile(r"chown|chgrp|owner|user[:=] ?$")
_RIGHTS = re.compile(r"\s+(?:0?[0-7]{3,4}\b|/|[rwx-]{9})")

_IN_PGPASS = re.compile(r"(?<=[\w.*-]):(?:\d{4,5}|\*):[\w*-]{1,40}:[\w*.-]{1,40}:(?P<value>[^\s:]{4,80})(?=\s|$)")
_OF_A_RELAY = re.compile(r":\d{2,5}\s+[\w.@-]{2,60}:(?P<value>[^\s:]{4,80})(?=\s|$)")
_IN_QR = re.compile(r"wifi:(?:[a-oq-z]:[^;\n]{0,64};){0,4}p:(?P<value>(?:\\.|[^;\\\n]){1,64});")
_OF_SESSION = re.compile(
    r"\w{1,24}[^\n\d]{0,16}?\d[\d ]{6,12}\d\s?[/,;:–-]\s?(?P<value>(?=\S*[a-z])[^\s,;/.]{5,20})(?=[\s.,;)]|$)"
)
_OF_NETWORK = re.compile(r"[^\n\"“/]{2,40}[\"“][\w. -]{2,32}[\"”]\s?[/,:]\s?[\"“](?P<value>[^\s\"”/]{8,63})[\"”]")
_OF_SSID = re.compile(
    # wifi: Acme / x    new wifi is Acme / x
    r"[\w-]{1,24}(?:\s?:|\s(?:is|ist|est|es|è|é|to)(?: now)?)\s?[\w.-]{2,32}\s/\s"
    r"(?P<value>[^\s/]{7,62}[^\s/.,;])(?=[.,;]?(?:\s|$))"
)
_OF_INITIALS = re.compile(
    # u: jdoe p: x
    r"(?<![^\W_])u\s?[:=]\s?[\w.@\\-]{2,60}[\s,;/|]{1,3}p\s?[:=]\s?(?P<value>[^\s,;]{4,80})"
)
_FIELDS: Final = {"w": _IN_QR, "u": _OF_INITIALS}
_LONGEST_FORM: Final = 32
_WORD_BACK = re.compile(r"[\w.!#$^*-]{1,32}")
_WORD_ON = re.compile(r"[!#^*][\w.!#$^*-]{0,32}(?<![.*-])")
_MIXED = re.compile(r"(?=[!-~]{7,32}$)(?=.*[A-Z])(?=.*[a-z])(?=.*\d)(?!.*\*\*)[A-Za-z0-9]")
_FREE = re.compile(r"[\s.,;:)\]\"'`”“’*]|\\[nrt]|</|$")
_JOINED_TO = re.compile(r"[\w/\\=&?$@%+~*-]$")
_LEET_PAIR = re.compile(r"(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9-]*[A-Za-z]\d[a-z][A-Za-z0-9-]{2,}")
_LEET = re.compile(r"[A-Za-z]\d[A-Za-z]")
_OF_OTHERS = re.compile(
    r"\w+!\$?[A-Z]{1,3}\$?\d{1,7}|[A-Z]+#?\d+!|.*!important|.*\.(?:pdf|docx?|xlsx?|pptx?|csv|txt|zip|png|jpe?g|msg|eml|log)|\d+\*\w+"
)
"""A cell of a sheet and the like."""
_OF_A_SHEET = re.compile(r"(?:sheets?|tabelle|blatt|feuille|hoja|foglio|arkusz|excel|cells?|range|zelle)\W{1,3}$")
NAMES_A_PRODUCT = re.compile(
    rf"(?<![^\W_])(?:called|named|titled|app|application|product|program|tool|game|album|song|show|brand|genannt|namens|heißt"
    rf"|appel[ée]e?|nomm[ée]e?|llamad[ao]|chiamat[ao]|chamad[ao]|genaamd)\s[{QUOTES}]$"
)
_TAGGED = re.compile(r"[A-Za-z]+#\d+[a-z]?|.*-.*|[A-Z0-9]+#.*|[A-Za-z]#.*")
_OF_SIGNING_IN = re.compile(
    r"passw|account|log-?in|log in|sign in|reset|credential|kennwort|konto|mot de passe|contraseña|senha|hasło"
)

ANCHORS: Final = {
    "default account": tuple(f"{each}{joint}" for each in ACCOUNTS for joint in ("/", ":", " /", " :", " = ")),
    "remote": ("teamviewer", "anydesk", "rustdesk", "wi-fi", "wifi", "wlan", "ssid"),
    "sign": ("!", "#", "^", "*"),
    "fields": (":5432:", ":5433:", ":*:*:", "wifi:", ":587 ", ":465 ", ":25 ", "u:", "u :", "u=", "u ="),
}


def password_pairs(scan: Scan) -> Iterator[Finding]:
    yield from _of_makers(scan)
    yield from _of_remote_places(scan)
    for at, sign in scan.hits("sign"):
        if found := _by_form(scan, at, sign):
            yield found


def _of_remote_places(scan: Scan) -> Iterator[Finding]:
    for at, word in scan.hits("remote"):
        forms = (_OF_NETWORK, _OF_SSID) if word[0] in "ws" else (_OF_SESSION,)
        match = next((found for form in forms if (found := form.match(scan.lower, at))), None)
        if match and is_mixed(match["value"]) and any(map(str.isdigit, match["value"])) and may_be(match["value"]):
            yield Finding(*match.span("value"), Secret.PASSWORD)
    for at, word in scan.hits("fields"):
        form = _FIELDS.get(word[0], _OF_A_RELAY if word[-1] == " " else _IN_PGPASS)
        if match := form.match(scan.lower, at):
            yield Finding(*match.span("value"), Secret.PASSWORD)


def _by_form(scan: Scan, at: int, sign: str) -> Finding | None:
    """What can be nothing but a password, whatever is around it: both cases, a digit, and a sign among them."""
    text = scan.text
    has_more = text[at + 1 : at + 2].isalnum()
    if not text[max(at - 1, 0) : at].isalnum() or (not has_more and sign != "!"):
        return None
    before, after = _WORD_BACK.match(text[max(at - _LONGEST_FORM, 0) : at][::-1]), _WORD_ON.match(text, at)
    if before is None or after is None:
        return None
    start, end = at - before.end(), after.end()
    word = text[start:end]
    is_alone = _FREE.match(text, end) and not _JOINED_TO.search(text, max(start - 2, 0), start)
    if _OF_A_SHEET.search(scan.lower, max(start - _LONGEST_FORM, 0), start):
        return None
    is_other = _OF_OTHERS.fullmatch(word) or (sign == "#" and _TAGGED.fullmatch(word))
    if not (is_alone and _MIXED.match(word)) or is_other:
        return None
    if NAMES_A_PRODUCT.search(scan.lower, max(start - _LONGEST_FORM, 0), start):
        return None
    is_one = (
        has_more
        or _LEET.search(word)
        or (LOOKS_LIKE_ONE.fullmatch(word) and _OF_SIGNING_IN.search(scan.lower, max(start - 120, 0), start))
    )
    return Finding(start, end, Secret.PASSWORD) if is_one else None


def _of_makers(scan: Scan) -> Iterator[Finding]:
    for at, _ in scan.hits("default account"):
        if match := _PAIR.match(scan.lower, at):
            start = match.start("value")
            written = scan.text[start : match.end()].rstrip(".:?") or "."
            value = next((each for each in (written, written.rstrip("!?")) if each and _is_password(each, match)), "")
            if value and not (
                _RIGHTS.match(scan.lower, match.end()) or _OF_A_FILE.search(scan.lower, max(at - 16, 0), at)
            ):
                yield Finding(start, start + len(value), Secret.PASSWORD)


def _is_password(value: str, match: re.Match[str]) -> bool:
    if value.lower() in OF_MAKERS:
        return value.lower() == match["account"] or value.lower() not in ACCOUNTS
    # With blanks around the slash people list a user and a password, no alternatives: admin / Bakgard-5
    is_plain = match["joint"] == " / " and (
        _WORD_AND_NUMBER.fullmatch(value) or WORDS_AND_NUMBER.fullmatch(value) or _MIXED_WORD.fullmatch(value)
    )
    return may_be(value) and bool(
        is_plain or _LEET_PAIR.fullmatch(value) or HAS_ALL_SIGNS.fullmatch(value) or LOOKS_LIKE_ONE.fullmatch(value)
    )
