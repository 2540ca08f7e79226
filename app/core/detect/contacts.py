"""E-mail addresses, also as people disguise them ("jane (at) acme (dot) example").

What a shell takes as user and machine (`ssh admin@10.0.0.5`, `git@github.com:acme`) is no mail address and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import Finding, Secret
from app.core.detect.scan import Scan

_LONGEST_LOCAL: Final = 66
_LONGEST_COMMAND: Final = 64
_LOCAL_BACK = re.compile(
    # Read from the sign to the left: the last character first, so a coded plus (%2B) as B2%.
    r"(?:\"[^\"\n@]{1,60}\"|(?:#TXE#)?[\w.+'’&\u0900-\u0d7f-]{0,63}(?:(?<=[BbDdEe]2|[Ff]5)%[\w.+-]{1,40}){0,3}(?<=\w))(?![\w@]|//)"
)
_DOMAIN = re.compile(
    r"(?:[\w\u0900-\u0d7f](?:[\w\u0900-\u0d7f-]{0,61}[\w\u0900-\u0d7f])?\.){1,6}(?!\d)[^\W\d_][\w\u0900-\u0d7f-]{0,22}[\w\u0900-\u0d7f]"
    r"(?![\w@]|-\w|:[/~])"
)
_NO_DOMAIN = re.compile(
    # A unit of systemd, an annotation of OData, a machine: cxi@eth0.service, Type@Redfish.AllowableValues
    r"(?:service|socket|timer|target|mount|slice|scope|(?!xn--)[\w-]*\d[\w-]*|[\w-]*[a-z][A-Z]\w*)$"
)
_AFTER_A_HOST = re.compile(r":(?:\d{1,5}(?!\w)|[\w~.-]*(?:[/\\]|\.\w{1,5}(?:\s|$)))")
_DOMAIN_IN_URL = re.compile(r"(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w-])")
_NUMERIC_DOMAIN = re.compile(r"\[?(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)\]?(?!:?[/~\\])")
_SHELL = re.compile(
    r"(?:(?<![\w-])(?:(?:ssh|sftp|ssh-copy-id|plink|mosh|telnet|ping|sshfs|git clone"
    r"|putty)(?:\s+-\S+(?:\s+[^\s-]\S*)?){0,4}"
    r"|(?:scp|rsync|git|svn|psexec|xfreerdp)(?:\s+\S+){0,4}|publickey for|log[- ]?(?:in|on) as|connect(?:ed|ion)? as"
    r"|rdp (?:to|as))\s+|://)$"
)
_ACCOUNTS: Final = frozenset(
    "root admin administrator deploy git ubuntu ec2-user centos debian pi oracle postgres backup ansible jenkins user "
    "sa sysadmin service svc nagios monitor cisco netadmin vagrant core azureuser operator support guest test".split()
)
_MESSAGE_ID = re.compile(r"(?:message-?id|msgid|in-reply-to|references|content-id|call-id|cid)\W{0,4}$")
_MAIL_WORD = re.compile(
    r"(?:mail|courriel|correo|posta|почт|邮|write to|written? to|send[^.\n]{0,12} to|reach|contact|reply[- ]to|cc|bcc"
    r"|(?<!\w)(?:from|to)(?!\w)|adres|schreib"
    r"|bitte an|écrire|escrib|scriv|napis|napiš|yaz|напиш|address|mailto|rcpt|sender|recipient)[\w-]{0,6}[^\n@]{0,16}$"
)
_TO_SOMEBODY = re.compile(
    r"(?<!\w)(?:(?:write|mail|send|reply|forward)(?: \w+){0,2} to|ask|answer|inform|notify|mail|e-?mail(?: is| me at)?"
    r"|an|à|cc|bcc|contact"
    r"|correo|courriel|почта|на)[:\s]{1,3}$"
)
_BY_SOMEBODY = re.compile(
    r"\s(?:just |already |has |hat |have |can be |could be |is |was )?"
    r"(?:wrote|written|writes|replie[sd]|answer(?:s|ed)|asks|asked|(?:e-?)?mail(?:s|ed)|complain(?:s|ed)"
    r"|schrieb|schreibt|geschrieben|fragt|fragte|gefragt|antwortet|a écrit|écrit|demande"
    r"|escribe|escribió|pregunta|scrive|ha scritto"
    r"|napisała?|pyta|schreef|schrijft|vraagt|escreveu|skrev|skriver|yazdı|написала?|пишет)(?!\w)"
)
_BEGINS = re.compile(r"(?:^|[.!?:;,\n(]|(?<!\w)(?:and|that|und|dass|et|que|y|e|i|en))\s*$")
_NO_NAMES: Final = frozenset("from to at of on in is and before after the with by for my".split())
_NOBODY: Final = _NO_NAMES | frozenset(
    "settings versions server support help login page account look hosted site app service mail".split()
)
_SPACED_LOCAL = re.compile(r"(?<![\w.+@/\\-])[\w][\w.+-]{0,63}\s?$")
_SPACED_DOMAIN = re.compile(r"\s?(?P<domain>(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24})(?![\w@-])")
_WORD = re.compile(r"[^\W\d_][\w-]{1,40}(?![\w@.-]|\.\w|:[\w/~])")
_WORD_ALONE = re.compile(r"\s(?P<domain>[^\W\d_][\w-]{1,40})(?![\w@.-]|\.\w)")
_AT = (
    r"(?:\s?[\[({<](?:at|@|ät|arobase|arroba|chiocciola|małpa|zavináč|собака|snabel-?a|kukac)[\])}>]\s?|\(a\)"
    r"|\s(?:chiocciola|arobase|arroba|małpa|zavináč|собака)\s)"
)
_DOT_WORDS: Final = "dot|punkt|point|punto|ponto|kropka|tečka|bodka|nokta|точка|крапка|piste|prikk|prik|pont"
_DOT = rf"(?:\.|\s(?:{_DOT_WORDS})\s|\s?[\[({{<](?:\.|{_DOT_WORDS})[\])}}>]\s?)"
_DISGUISED_LOCAL = re.compile(rf"(?<![\w.+@/\\-])\w[\w+-]{{0,40}}(?:{_DOT}[\w+-]{{1,40}}){{1,3}}\s?$", re.IGNORECASE)
_DISGUISED = re.compile(rf"{_AT}(?:[\w-]{{1,63}}{_DOT}){{1,5}}[^\W\d_]{{2,24}}(?![\w-])")
_JOINT: Final = r"(?:dot|punkt|underscore|hyphen|dash|unterstrich|bindestrich)"
_SPELLED = re.compile(
    rf"(?<![\w.@-])[\w.+-]{{1,64}}(?: [(\[]?{_JOINT}[)\]]? \w{{1,40}}){{0,3}} (?:at|ät) [\w-]{{1,40}}"
    r"(?: (?:dot|punkt) [\w-]{1,40}){1,4}(?![\w-])"
)
_CODED_LOCAL = re.compile(r"[\w.-]{1,40}(?:%(?:2[BbDdEe]|5[Ff])[\w.-]{1,40}){1,3}$")
"""The name of an address, its dot, plus, hyphen or underscore coded."""
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ENDS_A_BOUNCE = re.compile(r"[\w.+'=-]{1,64}=$")

ANCHORS: Final = {
    "at": ("@", "＠"),
    "coded at": ("%40",),
    "disguised": (
        "(at)|[at]|{at}|<at>|(@)|[@]|(ät)|[ät]|(a)|arobase|arroba|chiocciola|małpa|zavináč|собака|snabel|kukac"
    ).split("|"),
    "spelled": " dot | punkt ".split("|"),
}


def emails(scan: Scan) -> Iterator[Finding]:
    for group, find in _KINDS.items():
        for at, _ in scan.hits(group):
            if found := find(scan, at):
                yield found


def _with_sign(scan: Scan, at: int) -> Finding | None:
    has_blank = scan.text[max(at - 1, 0) : at].isspace() or scan.text[at + 1 : at + 2].isspace()
    return _spaced(scan, at) if has_blank else _plain(scan, at)


def _coded(scan: Scan, at: int) -> Finding | None:
    """Such as jane%40acme.example in a URL."""
    local = _LOCAL_BACK.match(scan.text[max(at - _LONGEST_LOCAL, 0) : at][::-1])
    domain = _DOMAIN_IN_URL.match(scan.text, at + 3)
    if local is None or domain is None:
        return None
    coded = _CODED_LOCAL.search(scan.text, max(at - _LONGEST_LOCAL, 0), at)
    return Finding(coded.start() if coded else at - local.end(), domain.end(), Secret.EMAIL)


def _disguised(scan: Scan, at: int) -> Finding | None:
    """Such as jane (at) acme.example."""
    start = at - 1 if at and scan.text[at - 1] in " ([{<" else at
    start = start - 1 if start and scan.text[start - 1] == " " else start
    sign = _DISGUISED.match(scan.lower, start) or _DISGUISED.match(scan.lower, at)
    if sign is None:
        return None
    begin = max(sign.start() - _LONGEST_LOCAL, 0)
    local = _DISGUISED_LOCAL.search(scan.text, begin, sign.start()) or _SPACED_LOCAL.search(
        scan.text, begin, sign.start()
    )
    if local is None or local[0].strip().lower() in _NO_NAMES:
        return None
    return Finding(local.start(), sign.end(), Secret.EMAIL)


_DOTS: Final = (" dot ", "(dot)", "[dot]", " underscore ", " hyphen ", " unterstrich ", " bindestrich ")


def _spelled(scan: Scan, at: int) -> Finding | None:
    """Such as jane dot doe at acme dot example."""
    for match in _SPELLED.finditer(scan.lower, max(at - 90, 0), min(at + 90, len(scan.lower))):
        local = match[0].partition(" at ")[0]
        if any(each in local for each in _DOTS) or (
            local not in _NOBODY
            and (_is_about_mail(scan, match.start()) or " AT " in scan.text[match.start() : match.end()])
        ):
            return Finding(match.start(), match.end(), Secret.EMAIL)
    return None


def _plain(scan: Scan, at: int) -> Finding | None:
    local = _LOCAL_BACK.match(scan.text[max(at - _LONGEST_LOCAL, 0) : at][::-1])
    if local is None:
        return None
    start = at - _without_prose(local[0][::-1], scan.text[at + 1 : at + 2])
    domain = _DOMAIN.match(scan.text, at + 1) or _NUMERIC_DOMAIN.match(scan.text, at + 1)
    if domain is None:
        return _without_a_dot(scan, start, at)
    return (
        None if _is_no_mail(scan, start, at, domain) else Finding(_with_bounce(scan, start), domain.end(), Secret.EMAIL)
    )


def _is_no_mail(scan: Scan, start: int, at: int, domain: re.Match[str]) -> bool:
    """Whether it is a user at a machine, the id of a message, or a phone in a SIP address."""
    words = scan.lower[max(start - _LONGEST_COMMAND, 0) : start]
    name = scan.lower[start:at]
    is_somebody = _is_about_mail(scan, start) or _BY_SOMEBODY.match(scan.lower, domain.end())
    is_login = domain.re is _NUMERIC_DOMAIN and name in _ACCOUNTS and not is_somebody
    is_phone = words.endswith(("sip:+", "tel:+")) or (words.endswith("sip:") and name.isdecimal())
    last = scan.text.rfind(".", at, domain.end()) + 1
    if domain.re is _DOMAIN and (
        _NO_DOMAIN.match(scan.text[last : domain.end()]) or scan.lower.startswith("odata.", at + 1)
    ):
        return True
    after = scan.lower[domain.end() : domain.end() + 1]
    is_host = after == "#" or (
        after == ":" and (name in _ACCOUNTS or bool(_AFTER_A_HOST.match(scan.lower, domain.end())))
    )
    return is_login or is_phone or is_host or bool(_SHELL.search(words) or _MESSAGE_ID.search(words))


def _with_bounce(scan: Scan, start: int) -> int:
    """Where an address begins that a mail system made: bounces+1234-jane=acme.example@mailer.example."""
    bounce = _ENDS_A_BOUNCE.search(scan.text, max(start - _LONGEST_LOCAL, 0), start)
    is_one = bounce and ("+" in bounce[0] or bounce[0].lower().startswith(("prvs", "srs", "bounce", "return")))
    return bounce.start() if bounce and is_one else start


def _without_prose(local: str, domain: str) -> int:
    """How many characters of *local* are of the address: Chinese has no blank before it."""
    if word := re.search(r".*(?:邮箱|邮件|地址|发送到|请|メール|宛)", local):
        return len(local) - word.end() or len(local)
    own = re.search(r"[\x21-\x7e]*$", local)
    return len(own[0]) if own and own[0] and domain.isascii() and _CJK.search(local) else len(local)


def _without_a_dot(scan: Scan, start: int, at: int) -> Finding | None:
    """Such as jane@acme, where the words before speak of mail."""
    domain = _WORD.match(scan.text, at + 1)
    name = scan.lower[start:at]
    if domain is None or name in _ACCOUNTS or name.isdecimal() or not _is_about_mail(scan, start):
        return None
    if _MESSAGE_ID.search(scan.lower, max(start - _LONGEST_COMMAND, 0), start):
        return None
    return Finding(start, domain.end(), Secret.EMAIL)


def _spaced(scan: Scan, at: int) -> Finding | None:
    """Such as jane.doe @ acme.example; "jane @ acme" only where somebody is meant: places are written so."""
    local = _SPACED_LOCAL.search(scan.text, max(at - _LONGEST_LOCAL, 0), at)
    if local is None or local[0].strip().lower() in _NOBODY or local[0].strip().endswith("."):
        return None
    is_about_mail = _is_about_mail(scan, local.start())
    has_sign = any(each in local[0].strip() for each in "._+") or any(map(str.isdigit, local[0]))
    domain = _SPACED_DOMAIN.match(scan.text, at + 1)
    has_blanks = local[0].endswith(" ") and scan.text[at + 1 : at + 2] == " "
    if domain and ((is_about_mail and has_blanks) or (has_sign and local[0].strip("0123456789 .,-"))):
        return Finding(local.start(), domain.end("domain"), Secret.EMAIL)
    alone = _WORD_ALONE.match(scan.text, at + 1)
    if alone is None or not has_blanks:
        return None
    is_somebody = _TO_SOMEBODY.search(scan.lower, max(local.start() - 24, 0), local.start())
    # "The printer @ reception asked for paper" has a word before it.
    begins = _BEGINS.search(scan.lower, max(local.start() - 24, 0), local.start())
    if is_somebody or (begins and _BY_SOMEBODY.match(scan.lower, alone.end())):
        return Finding(local.start(), alone.end("domain"), Secret.EMAIL)
    return None


def _is_about_mail(scan: Scan, place: int) -> bool:
    return bool(_MAIL_WORD.search(scan.lower, max(place - 44, 0), place))


_KINDS: Final = {"coded at": _coded, "at": _with_sign, "disguised": _disguised, "spelled": _spelled}
