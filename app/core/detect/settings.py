"""Passwords in lines of configuration and in logs of sessions, by the place where the line has them.

The last word of a line of configuration, after a word for a password, is one though it be an ordinary name:
` key x`, `wpa-passphrase x`, `username y privilege 15 secret 0 x`. What makes it such a line is how it begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.commands import VALUE, argument
from app.core.detect.finding import Finding
from app.core.detect.password_values import may_be
from app.core.detect.password_words import labels
from app.core.detect.prose.words import is_ordinary
from app.core.detect.scan import Scan

_VALUE_NEXT = re.compile(
    # What follows the word: its value, perhaps after how it is written.
    r"[ \t]+(?:(?:\d|ascii|hex\w{0,7}|text|clear(?:text)?|plain(?:text)?|simple|cipher(?:text)?|encrypted"
    r"|enc|hash|local|remote|authentication|accounting|r[ow]|read|write|client|md5|sha\S{0,6})"
    rf"[ \t]+){{0,2}}{VALUE}"
)
_ENDS_A_LINE = re.compile(r"[ \t]*;?[ \t]*(?=[\r\n]|$)")
_WORDS_TO_THE_END = re.compile(r"(?:[ \t]+[\w./:-]{0,40}\w){1,8}[ \t]*(?=[\r\n]|$)")
_GOES_ON: Final = r"(?: (?!(?:the|a|my|your|his|her|our|for|to|is|of|and|or|with|on|in|not) )\S+){0,9} $"
_BEGINS_A_LINE = re.compile(
    r"\s*(?:set|configure|config|create|add|edit|modify|(?:user(?:name)?|local-user|\S*mgmt-user) \S+|enable|super|ip"
    r"|vpdn|ppp|line|security|authentication|wlan|wpa\S*|neighbor|peer|ntp|database|bind|bgp|ospf|server\S*|ldap\S*|snmp\S*"
    r"|client|isis|digest|logins|access user|encrypted)" + _GOES_ON
)
_OF_A_SERVER = re.compile(r"tacacs|tacplus|radius|aaa-server|server-private|failover")
_LINE_OF_A_SERVER = re.compile(
    rf"\s*(?!(?:the|a|my|your|our|new|this) )(?:\S+ ){{0,4}}?\S*(?:{_OF_A_SERVER.pattern})\S*{_GOES_ON}"
)
_WORD = re.compile(
    r"[\w-]{0,30}(?:pass(?:word|wd|-?phrase)?|pwd?|psk)|requirepass|masterauth"
    r"|(?!(?:public|foreign|primary|partition|sort|host|reg\w*|hot|short)-)(?:[\w-]{0,30}[-_])?"
    r"(?:e?secret|e?key|(?:pre-?)?shared-?(?:key|secret)|community(?:[- _](?:string|name|map))?)"
)
_PROMPT = re.compile(r"[\w.()/@~:-]{1,60}[#>$] ?")
"""What a console shows before a command: `R1(config)# `."""
_BACK_TO_ITS_BEGINNING = re.compile(r"[\w-]{0,30}\Z")
_OF_REDIS: Final = frozenset({"requirepass", "masterauth"})
_IS_NO_VALUE = re.compile(
    r"\d+(?:\.\d+){3}|\w+:/|[\w.-]+:\d|\w+:\S+/\S|[\w.-]+=(?!=?$)|[\w.-]+:$|[\w.-]+\.(?:conf|txt|key|pem|pass|cfg|crt)$"
    r"|(?:aadsts|ora-|kb|cve-|event-?)\d{4}[\d-]*\W*$|0x[\da-f]{3,8}\W*$"
)
"""A path, a server, another setting, a file, the code of an error: what a ticket is found by."""
_APART: Final = frozenset({"  ", "\t", "\t\t", " \t"})
_MIN_NUMBER: Final = 4
_LONGEST_LINE: Final = 160
_LONGEST_NAME: Final = 32
_IS_NO_WORD = re.compile(r"\d|[!#$%&@^]|[a-z][A-Z]")
_LONGEST_REST: Final = 80
_MOST_BLANKS: Final = 8
_BLANKS: Final = frozenset(" \t")
_OF_IPSEC = re.compile(
    # A line of ipsec.secrets: `: PSK "x"`, `anna : EAP "x"`.
    r": (?:psk|xauth|eap|ntlm|rsa|ecdsa|pkcs8|pkcs12)(?: [^\s\"']+)? [\"'](?P<value>[^\"'\n]{2,240})[\"']"
)
_OF_CURL = re.compile(r"user\s?=\s?\"[\w.@\\-]{1,60}:(?P<value>[^\"\n]{2,80})\"")
_OF_RADIUS = re.compile(
    r"login (?:incorrect|ok)[^\n\[]{0,80}: \[[^\]/\n]{1,60}(?:/[^\]/\n]{1,40})?/(?P<value>(?!<)[^\]/\n]{2,80})\]"
)
_OF_A_CLIENT: Final = {
    # What a client says: a1 LOGIN user x (IMAP)   PASS x (FTP, POP)   AUTH PLAIN x (SMTP)
    "login ": re.compile(
        r"(?:(?<=\d )|(?<=\. ))login (?:\"[^\"\n]{1,80}\"|[^\s\"]{1,80}) "
        r"(?:\"(?P<quoted>[^\"\n]{2,80})\"|(?P<value>[^\s\"]{2,80}))(?=\s*(?:[\r\n]|$))"
    ),
    "\npass ": re.compile(r"\npass (?P<value>\S{2,80})(?=\s*(?:[\r\n]|$))"),
    # What a client answers to "Username:" and "Password:", both in base64 (SMTP).
    **dict.fromkeys(
        ("334 vxnlcm5hbwu6", "334 ugfzc3dvcmq6"),
        re.compile(r"334 \w+6\s*\n(?:[^\w\n]{0,4}|c: ?)(?P<value>[\w+/]{4,}={0,2})(?=\s|$)"),
    ),
    "auth plain ": re.compile(r"auth plain (?P<value>[\w+/]{12,}={0,2})(?=\s|$)"),
}
_NAMES_THE_USER = re.compile(r"user \S|331 |\+ok")

ANCHORS: Final = {
    "setting": ("secret ", "key ", "community ", "community-name "),
    "secrets": (": psk ", ": xauth ", ": eap ", ": ntlm ", ": rsa ", ": ecdsa ", ": pkcs", 'user = "', 'user="'),
    "client": (*_OF_A_CLIENT, "login incorrect", "login ok"),
}


def settings(scan: Scan) -> Iterator[Finding]:
    for at, label in labels(scan):
        if label:
            yield from _of_a_setting(scan, at, label.end(), is_label=True)
    for at, word in scan.hits("setting"):
        yield from _of_a_setting(scan, at, at + len(word) - 1, is_label=False)
    for at, _ in scan.hits("secrets"):
        if match := _OF_IPSEC.match(scan.lower, at) or _OF_CURL.match(scan.lower, at):
            yield from argument(match)
    for at, word in scan.hits("client"):
        yield from _of_a_session(scan, at, word)


def _of_a_setting(scan: Scan, at: int, end: int, *, is_label: bool) -> Iterator[Finding]:
    """What follows the word that ends at *end*: the last word of its line, or else what no sentence has there."""
    if (
        scan.lower[end : end + 1] not in _BLANKS
        or scan.lower[end : end + _LONGEST_REST].partition("\n")[0].count(" ") > _MOST_BLANKS
    ):
        return  # a sentence
    match = _VALUE_NEXT.match(scan.lower, end)
    if match is None or not _is_a_value(match[match.lastgroup or 0]):
        return
    begins = _BACK_TO_ITS_BEGINNING.search(scan.lower, max(at - _LONGEST_NAME, 0), at)
    start = begins.start() if begins else at
    before = scan.lower[max(start - _LONGEST_LINE, 0) : start]
    head, word = before[before.rfind("\n") + 1 :], scan.lower[start:end]
    if prompt := _PROMPT.match(head):
        head = head[prompt.end() :]
    is_last = _ENDS_A_LINE.match(scan.lower, match.end())
    is_apart = (not head.strip() and scan.text[end : end + 2] in _APART) or scan.text[end : end + 1] == "\t"
    if is_label and is_apart and is_last:
        yield from argument(match)
    elif (
        _WORD.fullmatch(word)
        and (is_last or _goes_on_as_a_line(match, scan))
        and (word[0] == "c" or scan.text[start:end].islower())
    ):
        is_joined = "-" in word or "_" in word
        is_line = (
            head.isspace()
            or (not head and (word == "key" or is_joined))
            or bool(_BEGINS_A_LINE.fullmatch(head) or _LINE_OF_A_SERVER.fullmatch(head))
        )
        is_named = is_label and (is_joined or (head and not head[-1].isspace()) or word in _OF_REDIS or word[0] == "c")
        is_lower = word[0] == "c" or not any(map(str.isupper, scan.text[start - len(head) : start]))
        is_near = word != "key" or _OF_A_SERVER.search(before) is not None
        if "community" in word and not is_label:
            is_near = "snmp" in before
        is_sentence = scan.text[start - len(head.lstrip())].isupper()
        if (is_line and is_near and not is_sentence) or (is_named and is_last and is_lower):
            yield from argument(match)


def _goes_on_as_a_line(match: re.Match[str], scan: Scan) -> bool:
    """Whether more words of configuration follow a value that is no word of a sentence: `key x7 vrf mgmt`."""
    value = scan.text[slice(*match.span(match.lastgroup or 0))]
    is_next = _WORD.fullmatch(value)  # which tells the value that follows it
    return bool(not is_next and _IS_NO_WORD.search(value) and _WORDS_TO_THE_END.match(scan.lower, match.end()))


def _is_a_value(value: str) -> bool:
    is_other = _IS_NO_VALUE.match(value) or (value.isdecimal() and len(value) < _MIN_NUMBER)
    return may_be(value) and not is_other and not all(map(is_ordinary, value.split("-")))


def _of_a_session(scan: Scan, at: int, word: str) -> Iterator[Finding]:
    match = _OF_A_CLIENT.get(word, _OF_RADIUS).match(scan.lower, at)
    if match is None or (word == "\npass " and not _NAMES_THE_USER.search(scan.lower, max(at - _LONGEST_LINE, 0), at)):
        return
    value = match[match.lastgroup or 0]
    if may_be(value) and not is_ordinary(value):
        yield from argument(match)
