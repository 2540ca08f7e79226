r"""Reads the JSON of a webhook's body, also with some faults. That is safe: the body is authenticated first.

Invariant: valid JSON is read as it is. Only three faults are mended, which arise when a help desk puts texts into a
template without escaping them: raw control characters in a string (a line break), a backslash that begins no escape
(`ACME\jane`), and bytes that are not in the charset. Any other fault, e.g. an unescaped quote, is an error that says
where it is.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from typing import Any, Final

_CHARSETS: Final = re.compile(r"(?:utf-(?:8|16|32)|iso8859|cp\d|ascii|koi8|mac|shift_jis|euc|iso2022|gb|big5|hz|tis)")
"""Python's names of charsets. Its other codecs (`punycode`, `unicode_escape`) must not be used for a body."""
# Names that Python does not know, and those whose bytes are in practice of the larger charset of Windows.
_ALIASES: Final = {
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "tis-620": "cp874",
    "x-windows-949": "cp949",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030",
    "iso-8859-1": "cp1252",
    "x-mac-roman": "mac_roman",
}
# Python keeps each other name for good that it was ever asked for, and this header comes from anybody.
_NAMES: Final = frozenset(aliases) | frozenset(aliases.values()) | {
    *("cp720", "cp737", "cp856", "cp874", "cp875", "cp1006", "koi8_t", "koi8_u", "utf_8_sig"),
    *("mac_arabic", "mac_croatian", "mac_farsi", "mac_romanian"),
}  # fmt: skip
_DECLARED: Final = re.compile(r';\s*charset\s*=\s*"?([a-z0-9._:+-]{1,40})', re.ASCII | re.IGNORECASE)
_BACKSLASH: Final = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?')


_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the charsets that they tell."""


_DEEPEST: Final = 200
"""Lists and objects within another. Python's own limit is of each version another: 3.14 reads 40,000."""
_AROUND: Final = "\ufeff\0 \t\r\n"
"""A template's blanks, also before a byte order mark, and the rest of a buffer behind the JSON."""


class NotJson(ValueError):
    """The body can't be read; the sentence says where the JSON is wrong."""


def as_utf8(body: bytes, content_type: str) -> bytes:
    """*body* in UTF-8 without a byte order mark, so that it can be read later without its headers.

    The charset is that of *content_type*; if it is unknown or missing, it is UTF-8, or the one that a byte order mark
    or zeros in the body tell. Bytes that are not in the charset become U+FFFD.
    """
    charset = _charset(body, content_type)
    if charset == "utf-8":
        return body
    return body.decode(charset, "replace").removeprefix("\ufeff").encode("utf-8", "replace")


def read_json(body: bytes) -> Any:
    """The value that *body*, in UTF-8, holds.

    Raises:
        NotJson: It is not JSON.
    """
    text = body.decode("utf-8", "replace").strip(_AROUND)
    if not text:
        raise NotJson("is empty")
    try:
        try:
            value = json.loads(text, strict=False)
        except json.JSONDecodeError:
            value = json.loads(_BACKSLASH.sub(_doubled, text), strict=False)
    except json.JSONDecodeError as error:
        raise NotJson(f"is no JSON at line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError):
        raise NotJson("is no JSON: nested too deeply, or a number too long") from None
    level = [value]
    for _ in range(_DEEPEST):
        level = [each for item in level for each in _held(item)]
        if not level:
            return value
    raise NotJson("is nested too deeply")


def _held(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _doubled(match: re.Match[str]) -> str:
    """A valid escape unchanged; a backslash that begins none doubled, which is how JSON writes a backslash."""
    return match.group() if match.group(1) else "\\\\"


def _charset(body: bytes, content_type: str) -> str:
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return charset
    # JSON begins with an ASCII character: zeros beside it tell a wide charset without a mark (RFC 4627, section 3).
    for zeros, charset in ((b"\0\0\0", "utf-32-be"), (b"\0", "utf-16-be")):
        if body.startswith(zeros):
            return charset
    if body[1:2] == b"\0":
        return "utf-32-le" if body[2:4] == b"\0\0" else "utf-16-le"
    return _declared(content_type)


@lru_cache(maxsize=64)
def _declared(content_type: str) -> str:
    # Not by Python's parser of mail, which raises errors of its own for a header that is cut off.
    found = _DECLARED.search(content_type)
    told = found[1].lower() if found else ""
    name = normalize_encoding(_ALIASES.get(told, told))
    if name not in _NAMES:
        return "utf-8"
    try:
        charset = codecs.lookup(name).name
    except LookupError:  # of another system
        return "utf-8"
    is_wide = charset.startswith(("utf-16", "utf-32"))  # said, but there would be zeros
    return charset if _CHARSETS.match(charset) and not is_wide else "utf-8"
