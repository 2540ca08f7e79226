r"""The JSON of a webhook's body, read forgivingly: the body is authenticated, and of its texts none decides anything.

Invariant: what is valid JSON is read as such; what is not is mended in three ways alone, all of which come from
templates into which a help desk pastes its texts as they are: raw control characters in a text (a line break), a
backslash that escapes nothing (`ACME\jane`), and bytes that the charset does not know. What can't be read then, e.g.
after an unescaped quote, is an error that says where.
"""

from __future__ import annotations

import codecs
import json
import re
from email.message import Message
from typing import Any, Final

_CHARSETS: Final = re.compile(r"(?:utf-(?:8|16|32)|iso8859|cp\d|ascii|koi8|mac|shift_jis|euc|iso2022|gb|big5|hz|tis)")
"""Python's names of charsets. Its further codecs (`punycode`, `unicode_escape`) are no charsets of texts."""
_BACKSLASH: Final = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?')


class NotJson(ValueError):
    """The body can't be read; the sentence says where it stops being JSON."""


def as_utf8(body: bytes, content_type: str) -> bytes:
    """*body* in UTF-8 without a byte order mark, so that it can be read later without its headers.

    Args:
        body: As received.
        content_type: The header, whose charset is honoured; one that is unknown or missing stands for UTF-8, or what a
            byte order mark tells. Bytes that the charset does not know become U+FFFD.
    """
    charset = _charset(body, content_type)
    if charset == "utf-8":
        return body
    return body.decode(charset, "replace").removeprefix("\ufeff").encode("utf-8", "replace")


def read_json(body: bytes) -> Any:
    """The value that *body*, in UTF-8, holds.

    Raises:
        NotJson: It holds none.
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
    """An escape as it is; a backslash that begins none is doubled, as JSON writes one."""
    return match.group() if match.group(1) else "\\\\"


def _charset(body: bytes, content_type: str) -> str:
    for mark, charset in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return charset
    header = Message()
    header["content-type"] = content_type
    try:
        charset = codecs.lookup(str(header.get_content_charset() or "utf-8")).name
    except (LookupError, ValueError):
        return "utf-8"
    return charset if _CHARSETS.match(charset) else "utf-8"
