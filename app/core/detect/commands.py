"""Passwords in commands and in the configuration of network gear, as each program's manual writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.scan import Scan

_VALUE = rf"(?:[{QUOTES}](?P<quoted>[^{QUOTES}\n]{{2,80}})[{QUOTES}]|(?P<value>[^\s\"'`<>$-][^\s\"'`<>]{{1,80}}))"
_ARGUMENTS = r"[^\n|;]{0,160}?"
_BY_NAME: Final = {
    # A letter's case matters to them: -P is the password of sqlcmd, -p the port of others.
    "sqlcmd": r"\w+…\s-P\s?X",
    "osql": r"\w+…\s-P\s?X",
    "bcp ": r"\w+…\s-P\s?X",
    "mysql": r"\w+…\s-p(?=\S)X",
    "redis-cli": r"\S+…\s-a\s+X",
    "mongo": r"\w+…\s-p\s+X",
    "smbclient": r"\w+…\s-U\s?\S{1,40}%X",
    "curl": r"\w+…\s(?:-u|--user)\s*['\"]?[\w.@\\-]+:X",
    "ldap": r"\w+…\s-w\s+X",
    "psexec": r"\S+…\s-p\s+X",
    "net user": r"\w+\s+user\s+[\w.-]+\s+(?![/*])X",
    "net use": r"\w+\s+use\s…(?:/user:\S+\s+(?![/*])X|(?<=\s)(?<!use\s)(?P<before>[^\s/*\\]\S{3,40})(?=\s+/user:))",
    "schtasks": r"\w+…\s/rp\s+X",
    "htpasswd": r"\w+\s+-\w*b\w*\s+\S+\s+\S+\s+X",
    "docker login": r"\w+…\s-p\s+X",
    "podman login": r"\w+…\s-p\s+X",
    "oc login": r"\w+…\s-p\s+X",
    "az login": r"\w+…\s-p\s+X",
    "7z": r"\w+…\s-p(?=\S)X",
    "unrar": r"\w+…\s-p(?=\S)X",
    "unzip": r"\w+…\s-P\s+X",
    "sshpass": r"\w+\s+-p\s*X",
    "plink": r"\w+…\s-pw\s+X",
    "pscp": r"\w+…\s-pw\s+X",
    "putty": r"\S+…\s-pw\s+X",
    "winrs": r"\w+…\s-p(?:assword)?:X",
    "ipmitool": r"\w+…\s-P\s+X",
    "snmpwalk": r"\w+…\s-c\s+X",
    "snmpget": r"\w+…\s-c\s+X",
    "sqlplus": r"\w+\s+(?:-\w\s+)?\w{1,30}/(?P<value>[^\s@/]{2,40})(?=@|\s|$)",
    "oracle:thin:": r"[^:]+:thin:\w{1,30}/(?P<value>[^\s@/]{2,40})@",
    "convertto-securestring": r"\S+(?:\s+-(?:asplaintext|force|string))*\s+X",
}
"""By the command's name in lower case: the pattern begins at that name. `…` are arguments, `X` is the value."""


@cache
def _of_command(name: str) -> re.Pattern[str]:
    """Compiled when a text first holds the name: few of them ever occur."""
    return re.compile(_BY_NAME[name].replace("…", _ARGUMENTS).replace("X", _VALUE))


_OPTION = re.compile(
    # --password x   --http-password=x   /p:x   /pass:x   -storepass x   -passin pass:x   IDENTIFIED BY x
    r"(?:(?<=\s)--?(?:[\w-]{0,12}-)?(?:password|passwd|passphrase|storepass|keypass|admin-pass|pass)[ =:]+(?!is\b"
    r"|and\b|or\b)"
    rf"|(?<=\s)/p(?:ass(?:word)?)?:|pass:|identified by\s+){_VALUE}"
)
_GEAR = re.compile(
    # Cisco, HP, Juniper, Fortinet: username x password 0 y, snmp-server community y, tacacs-server key y
    r"(?<![^\W_])(?:(?:enable|username \S{1,40}(?: privilege \d+)?) (?:password|secret)(?: level \d+)? (?:0 )?"
    r"|(?:ppp (?:chap|pap sent-username \S+) )?password 0 "
    r"|ppp chap password (?:0 )?|(?:snmp-server|set snmp) community |isakmp key (?:0 )?|(?:tacacs"
    r"|radius)-server key (?:0 )?"
    r"|radius-server host \S+[^\n]{0,60}? key (?:0 )?|set (?:psksecret|passwd|password) |wpa-psk ascii \d "
    r"|plain-text-password |neighbor \S+ password )"
    rf"(?!string\b|mismatch\b|\d\s){_VALUE}"
)

_HASHED = re.compile(
    r"(?<![^\W_])(?:enable|username \S{1,40}(?: privilege \d+)?) (?:password|secret) [4-9] (?P<value>\S{6,})"
)
_HAS_DIGIT_OR_SIGN = re.compile(r"\d|[!#$%&@_^]")

ANCHORS: Final = {
    "option": "-pass|--|-storepass|-keypass|/p:|/pass|pass:|identified by ".split("|"),
    "gear": (
        "enable |username |password 0|ppp |snmp-server c|set snmp|isakmp key|tacacs-server key|wpa-psk ascii|"
        "plain-text-password |radius-server |set psk|set pass|neighbor "
    ).split("|"),
    "command": tuple(_BY_NAME),
}


def commands(scan: Scan) -> Iterator[Finding]:
    for at, name in scan.hits("command"):
        if match := _of_command(name).match(scan.lower if name.startswith("convert") else scan.text, at):
            yield from _found(match)
    for at, word in scan.hits("option"):
        match = _OPTION.match(scan.lower, at)
        if match and (not word.startswith("ident") or _HAS_DIGIT_OR_SIGN.search(match[match.lastgroup or 0])):
            yield from _found(match)
    for at, word in scan.hits("gear"):
        if match := _HASHED.match(scan.lower, at):
            yield Finding(*match.span("value"), Secret.KEY)
        elif (match := _GEAR.match(scan.lower, at)) and (
            word.startswith("snmp") or _HAS_DIGIT_OR_SIGN.search(match[match.lastgroup or 0])
        ):
            yield from _found(match)


def _found(match: re.Match[str]) -> Iterator[Finding]:
    start, end = match.span(match.lastgroup or 0)
    value = match.string[start:end].rstrip(".,;:)")
    if len(value) > 1 and not value.startswith(("$", "%", "*", "{", "<", "(", "\\")):
        yield Finding(start, start + len(value), Secret.PASSWORD)
