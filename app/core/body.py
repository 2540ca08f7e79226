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
from email.message import EmailMessage
from functools import lru_cache
from typing import Any, Final

_CHARSETS: Final = re.compile(r"(?:utf-(?:8|16|32)|iso8859|cp\d|ascii|koi8|mac|shift_jis|euc|iso2022|gb|big5|hz|tis)")
"""Python's names of charsets. Its other codecs (`punycode`, `unicode_escape`) must not be used for a body."""
_BACKSLASH: Final = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?')


_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the charsets that they tell."""


class NotJson(ValueError):
    """The body can't be read; the sentence says where the JSON is wrong."""


def as_utf8(body: bytes, content_type: str) -> bytes:
    """*body* in UTF-8 without a byte order mark, so that it can be read later without its headers.

    Args:
        body: As received.
        content_type: The header, whose charset is used. If it is unknown or missing, it is UTF-8, or the one of a byte
            order mark. Bytes that are not in the charset become U+FFFD.
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
    text = body.decode("utf-8-sig", "replace")
    try:
        try:
            return json.loads(text, strict=False)
        except json.JSONDecodeError:
            return json.loads(_BACKSLASH.sub(_doubled, text), strict=False)
    except json.JSONDecodeError as error:
        raise NotJson(f"is no JSON at line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError):
        raise NotJson("is no JSON: nested too deeply, or a number too long") from None


def _doubled(match: re.Match[str]) -> str:
    """A valid escape unchanged; a backslash that begins none doubled, which is how JSON writes a backslash."""
    return match.group() if match.group(1) else "\\\\"


def _charset(body: bytes, content_type: str) -> str:
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return charset
    return _declared(content_type)


@lru_cache(maxsize=64)
def _declared(content_type: str) -> str:
    header = EmailMessage()
    header["content-type"] = content_type
    try:
        charset = codecs.lookup(str(header.get_content_charset() or "utf-8")).name
    except (LookupError, ValueError):
        return "utf-8"
    return charset if _CHARSETS.match(charset) else "utf-8"
