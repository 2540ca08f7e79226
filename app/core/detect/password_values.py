"""Whether a piece of text is a password, by itself and by how it is told, and where it ends."""

from __future__ import annotations

import re
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_words import LABEL, NO_VALUE, OF_MAKERS
from app.core.detect.scan import Scan

QUOTED: Final = (
    r"\"[^\"\n]{2,80}\"|'[^'\n]{2,80}'|`[^`\n]{2,80}`"
    # Mail programs change straight quotes to those of some language, so any of them may open or close.
    r"|[“”„‟«»″「『][^“”„‟«»″「」『』\n]{2,80}[“”„‟«»″」』]|['‘’‚‛‹›](?:[^'‘’‚‛‹›\n]|(?<=\w)’(?=\w)){2,80}[‘’‛‹›](?!\w)"
)
OPENS: Final = r"(?:<(?:b|i|u|em|strong|code|kbd|tt|pre|span|mark)>\s?|\*{1,2}(?=\S))?"
"""Markup that people put before a value."""
_PLACEHOLDER: Final = re.compile(
    r"[$%@](?![A-Za-z]*[a-z][0-9][A-Za-z])\w+%?|\$?\{(?!ssha|sha|smd5|md5|crypt|SSHA|SHA|SMD5|MD5|CRYPT).*|\$\(.*|%\(\w+\)s|<[^<>]*>?"
    r"|\[[^\]]*\]?|!\w+|[\w.]+\((?:[^)]*\)?\W*|.*[;,].*)|\w+\.environ.*|[*•●._xX…-]+|n/a"
    r"|\d{1,2}\+|\(?using|\w+\[.*|\$\w+(?:->|::|\[|\().*|[\w\\]+(?:->|::)\w.*"
    r"|\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d\S*|(?:[a-z_]+\.){2,}[A-Z]\w+|&[a-z]{2,4};?|&lt;[^&<>]*"
    # Where a program takes it from: var.admin_password, process.env.SMTP_PASS
    r"|(?:var|local|data|module|each|self|this|process|os|secrets?|settings|config|env|args|options|params|request"
    r"|req|form|ctx|props|state|values|credentials|creds|cfg|conf|app|user|input|event|vault|inputs|steps|matrix)"
    r"(?:\.[A-Za-z_]+)+\)?,?|(?:[A-Za-z_]\w*\.)+\w*(?:pass(?:word|wd)?|pwd|secret|key)"
)
NO_PASSWORD: Final = re.compile(
    r"(?:\w+://.*|(?:[\w.*#@&+-]*)@[\w*.-]+\.[\w*.]+|0x[0-9a-f]+"
    r"|(?:kb|inc|cve|id|aadsts|ora|rfc|srv|pc|nb|chg|req|sr|prb|task|evt|win|ver|event|sql|db|sw|fw|vm"
    r"|nas)-?\d[\w.-]*"
    r"|v?\d+(?:[.:,/-]\d+)*|\d{1,2}(?:st|nd|rd|th)|#\d+|\d+(?:x|h|min|s|d|g|mb|gb|kb|days?|tage?n?|jours?"
    r"|d[ií]as?|bit)"
    r"|\d+[.%)].*|[a-z]{2,}\d?(?:[>/|,.]+[a-z]+\d?)+|[a-z]+_[a-z_]+|[a-z>/]+&[a-z]+|(?:ticket|issue|case|bug"
    r"|request|pr|order|inc"
    r"|build|line)?#\d+|id_(?:rsa|dsa|ecdsa|ed25519)\S*|\d+-\w+|#[0-9a-f]{3,8}|[a-z]+\d?(?:\+[a-z]+\d?)+|[a-z]+[-/][a-z]+(?:[-/][a-z]+)*)"
)
_PATH: Final = re.compile(r"(?:/[\w.-]+){2}|/[a-z_-]*/?$|[A-Za-z]:\\|\\\\")
_MIN_WORD: Final = 4
_LONGEST_WORDS: Final = 4
_ALONE = re.compile(
    rf"[{QUOTES}\s.,;:!)\]}}>*]*(?:$|\n)|[{QUOTES}]?[,;/|)]|[{QUOTES}]?\.\s|\s+[\w-]+\s?[:=]|\s+\(|\s+(?:and|und|et|y"
    rf"|but|aber|mais|pero)\s"
)
_PROMPT = re.compile(
    r"pass|kennwort|enter|required|please|your|fail|invalid|error|wrong|cancel|click|messages|update|sender"
)
_SIGNS_OF_PROSE: Final = frozenset("-‐‑–—./:,;()[]\\_…?>*" + QUOTES)
"""Signs that ordinary sentences have between words, so they don't make a value look like a password."""
_NEXT_PAIR = re.compile(
    # A semicolon, but not that of a sign that XML writes so: R&amp;D2025
    r";(?<!&amp;)(?<!&apos;)(?<!&quot;)(?<!&[lg]t;)(?<!&#\d\d;)(?<!&#\d\d\d;)(?<!&#x[0-9A-Fa-f]{2};)|[&,](?=\w+=)"
)
_ENDS_A_QUOTATION = re.compile(r"[“”„‟«»″‘’‛‹›」』](?!\w)")
_CUT_AT = re.compile(
    r"\\n|</|<(?:br|p|div|td|tr|li|span)[\s/>]|&(?:quot|gt);(?!\w)|&lt;(?!\w)|&lt;(?=\w{1,20}(?:&gt;|[\s/]))|[，。；、！？\"]|,(?=[^\W\d_]{3,}(?:\s|$))|['\"](?=[,}\])>;]|/>)"
)
_REMARK = re.compile(r"\([^\W\d_]+(?: [^\W\d_]+){1,6}\)")
"""What a form says instead: (left blank)."""
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PRODUCT = (
    r"(?!(?i:windows|win|printer|drucker|excel|word|powerpoint|office|exchange|outlook|server|sql|sharepoint"
    r"|visio|project|adobe|acrobat|thunderbird|firefox"
    r"|chrome|ios|android"
    r"|o?auth|autocad|oracle|java|python|php|version|build|room|port|error|code|vpn|wlan|vlan|srv|port|tls|ssl|sha"
    r"|hotmail|build|kb|room|step|version|client|user|test|host|node|site)(?![^\W\d_])[\w.-]*\d)"
)
_SIGNS = rf"{_PRODUCT}(?=.{{6,40}}$)(?!.*(?:\*\*|@.*\.))(?=.*[^\W\d_])(?=.*\d)(?=.*[!#$%&*^+?@~])[^\s/\\=<>|:\[\]]+"
HAS_ALL_SIGNS = re.compile(_SIGNS)
LOOKS_LIKE_ONE = re.compile(
    # a letter, a digit and a sign; or a capitalised word and two digits or more; no path, address, pair or hostname
    rf"{_SIGNS}"
    rf"|{_PRODUCT}(?=.{{6,40}}$)(?=.*[A-ZÀ-ÞА-Я])(?=.*[a-zß-ÿа-яćłśźżşğıřšěč])[^\W\d_]{{3,20}}[.!_-]?\d{{2,8}}[!?]?"
)


WORDS_AND_NUMBER = re.compile(
    # Sofa-Lamp-6
    r"(?!(?i:form|version|room|build|page|step|line|error|server|printer|part|level|port)[^A-Za-z])"
    r"(?:[A-ZÀ-ÞА-Я][^\W\d_]{2,}[._!-]){1,4}\w{0,12}\d{1,8}[!?]?"
)
_SIGN_INSIDE = re.compile(r"[^\W_][!#$%^*~][^\W_]")
_WITH_SIGN_INSIDE = re.compile(r"(?=.{6,40}$)\w+[!#$%^*~]\w[\w.!#$%^*~-]*")
_SETTING = re.compile(r"[A-Za-z_][\w.-]*=")


def is_said(match: re.Match[str], scan: Scan, finding: Finding) -> bool:
    """Whether *finding*, which follows a user's name, is a password and not an ordinary word."""
    value = scan.text[finding.start : finding.end]
    core = value.rstrip("?!.,:;")
    if len(core) < _MIN_WORD or core.isalpha() or not may_be(core) or _SETTING.match(core):
        return False
    digits, is_quoted = sum(map(str.isdigit, core)), _is_quoted(match["value"])
    is_number = is_quoted and core.isdecimal() and digits >= _MIN_WORD
    if NO_PASSWORD.fullmatch(core.lower()) and not (is_number or WORDS_AND_NUMBER.fullmatch(core)):
        return False
    if is_quoted:
        return bool(digits) and not (" " in value and _is_prompt(value))
    has_letter = any(map(str.isalpha, core))
    has_sign = any(not each.isalnum() and each not in _SIGNS_OF_PROSE and not each.isspace() for each in core)
    return bool((digits and has_letter) or (has_sign and (digits or (has_letter and _SIGN_INSIDE.search(core)))))


def is_stated(value: str, scan: Scan, finding: Finding, *, equals: bool, dashes: bool = False) -> bool:
    """Whether *value* after `password:` is one. A word of letters must stand alone, else it begins a sentence."""
    if not may_be(value) or "://" in value:
        return False
    if " " in value:
        return not (_is_prompt(value) or is_label(value))
    core = value.strip(".,;:!?…" + QUOTES)
    if _NUMBER.fullmatch(core):
        return core.isdecimal() and len(core) >= _MIN_WORD - equals
    if all(each.isalpha() or each in "'’-/.>" for each in core) and not equals:
        is_question = "?" in value + scan.text[finding.end : finding.end + 1]
        return not (is_question or dashes or _HOSTNAME.fullmatch(core)) and bool(_ALONE.match(scan.text, finding.end))
    return not (_HOSTNAME.fullmatch(core) or _EMAIL_ADDRESS.fullmatch(core) or _LIST_ITEM.match(core)) and (
        not dashes or (is_mixed(core) and not is_of_another(core))
    )


def is_label(value: str) -> bool:
    """Whether *value* is itself a word for a password, or words with one: "New password" of a form."""
    lower = value.strip().lower()
    match = LABEL.search(lower)
    return match is not None and (" " in lower or match[0] == lower) and lower not in OF_MAKERS


def is_of_another(value: str) -> bool:
    """Whether *value* has the form of a machine's name, an event, a version: what a title or a log has in its place."""
    return bool(NO_PASSWORD.fullmatch(value.lower())) and not WORDS_AND_NUMBER.fullmatch(value)


def is_strong(value: str) -> bool:
    """Whether *value* looks like a password and like nothing else."""
    return any(form.fullmatch(value) for form in (HAS_ALL_SIGNS, LOOKS_LIKE_ONE, WORDS_AND_NUMBER, _WITH_SIGN_INSIDE))


def _is_quoted(value: str) -> bool:
    return len(value) > 2 and value[0] in QUOTES and value[-1] in QUOTES  # noqa: PLR2004 - two quotes and a character between


def _is_prompt(value: str) -> bool:
    """Whether words in quotes are what a window says, and not a passphrase."""
    return bool(_PROMPT.search(value.lower())) or (
        len(value.split()) > _LONGEST_WORDS and not any(map(str.isdigit, value))
    )


def value_of(match: re.Match[str], scan: Scan, *, ends_at_semicolon: bool = False, group: str = "value") -> Finding:
    """The password that *group* of *match* is, without quotes around it and the sentence's punctuation."""
    start, end = match.span(group)
    value = scan.text[start:end]
    if _is_quoted(value):
        inner = value[1:-1]
        return Finding(end - 1 - len(inner.lstrip()), start + 1 + len(inner.rstrip()), Secret.PASSWORD)
    for ends in (_CUT_AT, _ENDS_A_QUOTATION):  # “Forgot password”-link
        if cut := ends.search(value, 1):
            value = value[: cut.start()]
    if ends_at_semicolon and (cut := _NEXT_PAIR.search(value)):
        value = value[: cut.start()]
    if (cut := _CJK.search(value, 1)) and value.isascii() is False and value[0].isascii():
        value = value[: cut.start()]
    if value.startswith("(") and value.endswith(")"):
        start, value = start + 1, value[1:-1]
    elif value.startswith("(") and _REMARK.match(scan.text, start):
        return Finding(start, start, Secret.PASSWORD)
    kept = value.lstrip(QUOTES)
    start += len(value) - len(kept)
    if scan.text[start - 1 : start] == "*":
        kept = kept.rstrip("*.,;")
    while (shorter := _without_an_end(kept)) != kept:
        kept = shorter
    return Finding(start, start + len(kept), Secret.PASSWORD)


def _without_an_end(value: str) -> str:
    value = value.rstrip(".,;:" + QUOTES)
    return value[:-1] if value.endswith((")", "]", "}")) and not any(each in value for each in "([{") else value


def may_be(value: str) -> bool:
    """Whether *value* may be a password at all: anything but a word that describes one, or what stands in for one."""
    core = value.strip("()[]{}<>*_!?….,;:" + QUOTES)
    return (
        len(core) > 1
        and core.lower() not in NO_VALUE
        and any(map(str.isalnum, core))
        and not _PLACEHOLDER.fullmatch(value)
        and not _CJK.match(core)
        and not _PATH.match(value)
    )


_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_EMAIL_ADDRESS = re.compile(r"[\w.*#+\[\]-]+@[\w*-]+(?:\.[\w*-]+)*\.[A-Za-z]{2,}")
_LIST_ITEM = re.compile(r"\d\)")
_HOSTNAME = re.compile(r"(?:[A-Za-z-]+\d{0,3}\.)+[A-Za-z]{2,3}")


def is_mixed(value: str) -> bool:
    """Whether *value* has a letter and a digit or another sign than those of prose."""
    return any(map(str.isalpha, value)) and any(
        each.isdigit() or each not in _SIGNS_OF_PROSE for each in value if not each.isalpha()
    )
