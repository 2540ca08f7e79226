"""Passwords in commands and in the configuration of network gear, as each program's manual writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_values import may_be
from app.core.detect.password_words import OF_MAKERS
from app.core.detect.prose.words import is_ordinary
from app.core.detect.scan import Scan

VALUE: Final = (
    rf"(?:[{QUOTES}](?P<quoted>[^{QUOTES}\n]{{2,240}})[{QUOTES}]|(?P<value>[^\s\"'`<>$-][^\s\"'`<>]{{1,1024}}))"
)
_ARGUMENTS = r"[^\n|;]{0,160}?"
_BY_NAME: Final[dict[str, str | tuple[str, ...]]] = {
    # A letter's case matters to them: -P is the password of sqlcmd, -p the port of others.
    "sqlcmd": r"\w+…\s-P(?!assword)\s?X",
    **dict.fromkeys(("osql", "isql"), r"\w+…\s-P(?!assword)\s?X"),
    "bcp ": r"\w+…\s-P(?!assword)\s?X",
    "mysql": r"\w+…\s-p(?!assword)(?=\S)X",
    "cqlsh": r"\w+…\s-p\s+X",
    "redis-cli": r"\S+…\s-a\s+X",
    "mongo": r"\w+…\s-p\s+X",
    **dict.fromkeys(("smbclient", "rpcclient", "winexe", "net rpc", "net ads"), r"\w+…\s-U\s?\S{1,40}%X"),
    "wbinfo": r"\w+…\s-a\s?\S{1,40}%X",
    "smbmap": r"\w+…\s-p\s+X",
    "lftp": r"\w+…\s-u\s+[^\s,]{1,40},X",
    "curl": r"\w+…\s(?:-u|--user)\s*['\"]?[\w.@\\-]+:X",
    "ldap": r"\w+…\s-w\s+X",
    **dict.fromkeys(("psexec", "evil-winrm", "certutil", "racadm"), r"\S+…\s-p\s+X"),
    "net user": r"\w+\s+user\s+[\w.-]+\s+(?![/*])X",
    "net use": r"\w+\s+use\s…(?:/user:\S+\s+(?![/*])X|(?<=\s)(?<!use\s)(?P<before>[^\s/*\\]\S{3,40})(?=\s+/user:))",
    "schtasks": r"\w+…\s/rp\s+X",
    "htpasswd": r"\w+\s+-\w*b\w*\s+\S+\s+\S+\s+X",
    "docker login": r"\w+…\s-p\s+X",
    "podman login": r"\w+…\s-p\s+X",
    "oc login": r"\w+…\s-p\s+X",
    "az login": r"\w+…\s-p\s+X",
    "zip ": r"\w+\s…(?<=\s)-P\s+X",
    "7z": r"\w+…\s-p(?!assword)(?=\S)X",
    "unrar": r"\w+…\s-p(?!assword)(?=\S)X",
    "unzip": r"\w+…\s-P\s+X",
    "sshpass": r"\w+\s+-p\s*X",
    "plink": r"\w+…\s-pw\s+X",
    "pscp": r"\w+…\s-pw\s+X",
    "putty": r"\S+…\s-pw\s+X",
    "winrs": r"\w+…\s-p(?:assword)?:X",
    **dict.fromkeys(("mosquitto_sub", "mosquitto_pub"), r"\w+…\s-P\s+X"),
    "ipmitool": r"\w+…\s-P\s+X",
    **dict.fromkeys(
        ("snmpwalk", "snmpbulkwalk", "snmpget", "snmpset", "snmptrap"),
        (r"\w+…\s-c\s+X", r"\w+…\s-A\s+X", r"\w+…\s-X\s+X"),
    ),
    "rabbitmqctl": r"\w+\s+(?:add_user|change_password)\s+\S+\s+X",
    "wpa_passphrase": r"\w+\s+\S+\s+X",
    "radtest": (r"\w+\s+\S+\s+X", r"\w+\s+\S+\s+\S+\s+\S+\s+\d+\s+X"),
    "ssh-keygen": (r"\S+…\s-N\s+X", r"\S+…\s-P\s+X"),
    "check_snmp": r"\S+…\s-C\s+X",
    "check_mysql": r"\S+…\s-p\s+X",
    "check_nt": r"\S+…\s-s\s+X",
    "rdesktop": r"\w+…\s-p\s+X",
    "openssl enc": r"\w+…\s-k\s+X",
    "iwconfig": r"\w+\s+\S+\s…key\s+s:X",
    "networksetup": r"\w+\s+-setairportnetwork\s+\S+\s+(?:\"[^\"\n]{1,32}\"|\S+)\s+X",
    "dscl": r"\w+…\s-passwd\s+\S+\s+X",
    "kinit": r"\w+…<<<\s?\$?['\"]?(?P<value>[^\s'\"\\]{2,80})",
    "rasdial": r"\w+\s+(?:\"[^\"\n]{1,40}\"|\S+)\s+\S+\s+(?!/)X",
    "echo": (
        r"\w+\s+['\"]?[\w.-]{1,32}:(?P<value>[^\s'\"]{2,80})['\"]?\s*\|\s*(?:sudo\s+)?chpasswd",
        r"(?<=<\()\w+\s+X\)",
        r"(?<=-command [\"'])\w+\s+X",
        r"\w+\s+(?:-n\s+)?X\s*\|\s*(?:sudo\s+(?:-S|smbpasswd)|(?:sudo\s+)?passwd\s+--stdin|kinit|cryptsetup)",
    ),
    **dict.fromkeys(("chap-secrets", "pap-secrets"), r"\S+\s+(?:#[^\n]*\n)?\S+\s+\S+\s+X"),
    "passwd": r"\w+…<<<\s?\$?['\"]?(?P<value>[^\s'\"\\]{2,80})",
    "sqlplus": r"\w+\s+(?:-\w\s+)?\w{1,30}/(?P<value>[^\s@/]{2,40})(?=@|\s|$)",
    **dict.fromkeys(
        ("exp ", "imp ", "expdp ", "impdp ", "sqlldr ", "rman "),
        r"\w+\s+(?:target\s+|userid=)?\w{1,30}/(?P<value>[^\s@/]{2,40})@\w",
    ),
    "oracle:thin:": r"[^:]+:thin:\w{1,30}/(?P<value>[^\s@/]{2,40})@",
    "convertto-securestring": r"\S+(?:\s+-(?:asplaintext|force|string))*\s+X",
}
"""By the command's name in lower case: the pattern begins at that name. `…` are arguments, `X` is the value."""


@cache
def _of_command(name: str) -> tuple[re.Pattern[str], ...]:
    """Compiled when a text first holds the name: few of them ever occur.

    A word is read as a whole (two plus signs): read in parts, a word of 20,000 letters that holds names took a minute.
    """
    forms = _BY_NAME[name]
    return tuple(
        re.compile(re.sub(r"(?<!-)X", lambda _: VALUE, re.sub(r"(?<=\\[wS])\+", "++", form).replace("…", _ARGUMENTS)))
        for form in ((forms,) if isinstance(forms, str) else forms)
    )


_OPTION = re.compile(
    # --password x   --http-password=x   /p:x   /pass:x   -storepass x   -passin pass:x   IDENTIFIED BY x
    r"(?:(?<!\S)--?(?:[\w-]{0,12}-)?(?:password|passwd|passphrase|storepass|keypass|admin-pass|pass|pwd|psk"
    r"|requirepass|masterauth)[ =:]+(?!is\b"
    r"|and\b|or\b)"
    rf"|(?<=\s)/(?:pw?|pass(?:word)?[dof]?)[:=](?!\w+=)|pass:|identified by\s+){VALUE}"
)
_LOCAL_USER = re.compile(
    # Cisco: enable secret x, username y password 0 x. People write the same words about it.
    r"(?<![^\W_])(?:enable|username \S{1,40}(?: (?:privilege|view|role|group) \S{1,40})?) (?:password|secret)"
    rf"(?: level \d+)? (?:0 )?(?!\d\s){VALUE}"
)
_GEAR = re.compile(
    # Cisco, HP, Juniper, Fortinet, Huawei: snmp-server community x, tacacs-server key x, ntp authentication-key 1 md5 x
    r"(?<![^\W_])(?:(?:ppp (?:chap|pap sent-username \S+) )?password 0 "
    r"|(?:snmp-server|(?:set|create|add|config) snmp) community "
    r"|snmp-agent community (?:read|write) (?:cipher |simple )?"
    r"|snmp-server host (?:[a-z]\S* (?=[0-9]))?\S+ (?:vrf \S+ )?(?:(?:traps?|informs?) )?(?:version v?(?:1|2c) )?"
    r"(?:community )?|isakmp key |username \S{1,40} privilege \d{1,2} (?=\S*\d)"
    r"|mgmt-user \S+ (?:(?:root|guest-provisioning|network-operations|read-only|location-api-mgmt) )?"
    r"|(?:tacacs|radius)-server key |radius-server host \S+[^\n]{0,60}? key "
    r"|set (?:psksecret|passwd|password|passphrase|auth-pwd|priv-pwd|secret) (?:enc )?"
    r"|neighbor \S+ password |message-digest-key \d{1,3} md5 "
    r"|authentication-key (?:\d{1,5} (?:md5|hmac-sha\d+|sha\d+) )?|key-string "
    r"|option (?:key|password|sae_password|auth_secret|acct_secret|preshared_key) (?=['\"])"
    r"|(?:standby|vrrp|glbp)(?: \d{1,4})? authentication (?:md5 key-string |text )?(?!md5|text|mode)"
    r"|nhrp authentication |pre-?share |r[ow]community6? |com2sec6? \S+ \S+ |stats auth \S+?:|system user \S+ "
    r"|ikev[12] (?:(?:local|remote)-authentication )?pre-shared-key "
    r"|(?:password|shared-key) (?:cipher|simple|irreversible-cipher) "
    r"|(?:(?<=pass )|(?<=password )|(?<=passphrase )|(?<=key ))(?:plain|cipher|clear)text "
    r"|wireless\.[\w@\[\]-]{1,40}\.key\d?="
    r"|password manager (?:user-name \S+ )?plaintext )"
    r"(?:\d |r[ow] )?"  # how it is written: 0 in clear, 7 so that it can be read again
    rf"(?!(?:string|mismatch|version|traps?|informs?|(?:use-|filter-)?vrf|udp-port|source-interface)\b|\d\s){VALUE}"
)
_PRIVACY: Final = (
    # snmp-server user x group v3 auth sha y priv aes 128 z    createUser x SHA "y" AES "z"
    re.compile(
        r"snmp-server user [^\n]{1,80}? auth (?:md5|sha)\S* (?:\d )?(?P<value>\S{2,80})"
        r"(?: priv (?:des|3des|aes)(?: \d{3})? (?P<second>\S{2,80}))?"
    ),
    re.compile(
        r"(?:v3 |snmpv3 (?:user )?\S{1,40} )?auth(?:entication)?(?:-mode)?:? "
        r"(?:(?:md5|sha[\d-]*)[ :/]{1,8})?(?P<value>[^\s,;]{4,80})[ ,;/]{1,8}priv\w*(?:-mode)?:? "
        r"(?:(?:3?des|aes[\d-]*)[ :/]{1,8})?(?P<second>[^\s,;]{4,80})"
    ),
    re.compile(
        r"createuser \S+ (?:md5|sha\S*) [\"']?(?P<value>[^\s\"']{2,80})[\"']?"
        r"(?: (?:des|aes\S*) [\"']?(?P<second>[^\s\"']{2,80})[\"']?)?"
    ),
)
_COMMUNITY = re.compile(
    # snmp:⏎ community: x   /snmp community set [ find default=yes ] name=x   … snmp community⏎ edit 1⏎ set name x
    r"community(?: set [^\n]{0,40}?name=|\n?add [^\n]{0,240}? name=| (?=\S+ \{)|[\"']?\s?[:=]\s?"
    rf"|\s+edit \d+\s+set name ){VALUE}"
)
_LONGEST_BLOCK: Final = 160

_MADE_SECURE = re.compile(r"convertto-securestring(?:\s+-(?:asplaintext|force|string))*\s+\$(?P<name>\w+)")
_ASSIGNED = re.compile(r"\$(?P<name>\w+)\s*=\s*[\"'](?P<value>[^\"'\n]{2,80})[\"']")
_LONGEST_SCRIPT: Final = 400
_LONGEST_COMMAND: Final = 2_000
_HASHED = re.compile(
    r"(?<![^\W_])(?:enable|username \S{1,40}(?: privilege \d+)?) (?:password|secret) [4-9] (?P<value>[^\s<*]\S{5,})"
)
_PATH = re.compile(r"(?:/[\w.-]+){2}")
_IS_NO_WORD = re.compile(r"[\d!#$%&@_^-]|[a-z][A-Z]")
_HAS_DIGIT_OR_SIGN = re.compile(r"\d|[!#$%&@_^]")

ANCHORS: Final = {
    "option": "-pass|--|-storepass|-keypass|/p:|/pw:|/pass|pass:|identified by ".split("|"),
    "gear": (
        "enable |username |password 0|ppp |nhrp auth|snmp-server |snmp-agent c|set snmp|isakmp key|tacacs-server key"
        "|radius-server |set psk|set pass|set auth-pwd|set priv-pwd|set secret|neighbor |"
        "message-digest-key|authentication-key|key-string|ikev1 |ikev2 |password cipher|password simple|"
        "password irrev|shared-key |plaintext |ciphertext |cleartext |password manager|"
        "option key |option password |option sae_|option auth_s|option acct_s|"
        "option preshared|standby |vrrp |glbp |preshare |pre-share |"
        "rocommunity|rwcommunity|com2sec|stats auth |system user |create snmp|add snmp|config snmp|community|"
        "createuser |v3 auth |auth sha|auth md5|auth: |authentication sha|"
        "authentication md5|authentication-mode sha|authentication-mode md5|mgmt-user |snmpv3 |wireless."
    ).split("|"),
    "command": tuple(_BY_NAME),
}


def commands(scan: Scan) -> Iterator[Finding]:
    for at, name in scan.hits("command"):
        yield from _of_variable(scan, at)
        for form in _of_command(name):
            text = scan.lower if name.startswith("convert") else scan.text
            match = form.match(text, at, at + _LONGEST_COMMAND)
            if match and not _goes_on(match, scan):
                yield from argument(match)
    for at, word in scan.hits("option"):
        match = _OPTION.match(scan.lower, at)
        if match and (word[0] != "i" or _is_of_sql(match)):
            yield from argument(match)
    for at, word in scan.hits("gear"):
        if match := _HASHED.match(scan.lower, at):
            yield Finding(*match.span("value"), Secret.KEY)
        elif match := next((found for form in _PRIVACY if (found := form.match(scan.lower, at))), None):
            names = (name for name in ("value", "second") if match[name] and may_be(match[name]))
            yield from (Finding(*match.span(name), Secret.PASSWORD) for name in names)
        elif match := _of_gear(scan, at, word):
            yield from argument(match)


def _goes_on(match: re.Match[str], scan: Scan) -> bool:
    """Whether what follows an option is a word of a sentence: "certutil -p asks for it"."""
    return match.end() < len(scan.text) and scan.text[match.end()] == " " and is_ordinary(match[match.lastgroup or 0])


def _is_of_sql(match: re.Match[str]) -> bool:
    """Whether what follows "identified by" is no word of a sentence."""
    value = match["quoted"] or match["value"]
    return bool(_HAS_DIGIT_OR_SIGN.search(value) or (match["quoted"] and value.isalnum()))


def _of_variable(scan: Scan, at: int) -> Iterator[Finding]:
    """What the variable holds of which a secure string is made: `$x = "…"; ConvertTo-SecureString $x`."""
    if used := _MADE_SECURE.match(scan.lower, at):
        for match in _ASSIGNED.finditer(scan.lower, max(at - _LONGEST_SCRIPT, 0), at):
            if match["name"] == used["name"]:
                yield from argument(match)


def _of_gear(scan: Scan, at: int, word: str) -> re.Match[str] | None:
    """A line of the configuration of network gear, if what follows *word* is no ordinary word."""
    if word == "community":
        return _COMMUNITY.match(scan.text, at) if "snmp" in scan.lower[max(at - _LONGEST_BLOCK, 0) : at] else None
    if match := _LOCAL_USER.match(scan.lower, at):
        value = match[match.lastgroup or 0]
        return match if _HAS_DIGIT_OR_SIGN.search(value) or value in OF_MAKERS else None
    match = _GEAR.match(scan.lower, at)
    if match is None or not may_be(match[match.lastgroup or 0]):
        return None
    if is_ordinary(value := match[match.lastgroup or 0]) and scan.lower[match.end() : match.end() + 1] == " ":
        return None if value not in OF_MAKERS else match
    is_clear = not word.startswith(("set pass", "set sec", "password 0", "password c", "password s"))
    return match if is_clear or _IS_NO_WORD.search(scan.text, *match.span(match.lastgroup or 0)) else None


def argument(match: re.Match[str]) -> Iterator[Finding]:
    """The last group of *match*, unless a variable stands there."""
    start, end = match.span(match.lastgroup or 0)
    value = match.string[start:end].rstrip(".,;:)")
    if len(value) > 1 and not value.startswith(("$", "%", "*", "{", "<", "(", "\\")) and not _PATH.match(value):
        yield Finding(start, start + len(value), Secret.PASSWORD)
