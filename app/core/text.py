"""Text from outside, made harmless before anything else sees it.

Invariant: what `plain_text` returns holds no markup, no control character but newline, and no NUL
(PostgreSQL's `text` refuses it), and is at most `MAX_TEXT_CHARS` long.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

from app.core.markup import Passage, shown_passages

MAX_TEXT_CHARS: Final = 64_000

# Measured when all that is no text is gone: attributes (pictures above all), styles, scripts, comments, and the tags.
_MAX_SHOWN_CHARS: Final = 1_000_000

# Python refuses to read a number of thousands of digits; eight tell already that it is no character.
_LONG_NUMBER = re.compile(r"&#(?:([xX])([0-9a-fA-F]{8,}+)|([0-9]{8,}+));?")
_TELLING_DIGITS: Final = 8

_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
# Cc but newline and tab, surrogates, and the characters that hide or reorder text: bidi, zero width, fillers, variation
# selectors, and the tags in which a whole sentence can hide.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

# As mail programs write it in plain text: <jane@acme.example>, which is no tag.
_ADDRESS_IN_BRACKETS = re.compile(r"<(?=(?:[\w.+'-]{1,64}@[\w.-]{1,255}|https?://[^\s<>\"']{1,500})>)")


def plain_text(markup: str, *, max_chars: int = MAX_TEXT_CHARS) -> str:
    """The words of an HTML (or plain) text, a block or a row a line, without scripts, styles and hidden characters."""
    markup = _LONG_NUMBER.sub(_shortened, _ADDRESS_IN_BRACKETS.sub("&lt;", _HIDDEN.sub("", markup)))
    shown = "\n".join(_quoted(passage) if passage.is_quoted else passage.text for passage in shown_passages(markup))
    return tidy(_folded(shown)[:_MAX_SHOWN_CHARS], max_chars=max_chars)


def _quoted(passage: Passage) -> str:
    lines = _folded(passage.text).split("\n")
    return "\n".join(f"> {line}" for line in lines if line)


def unescaped(text: str) -> str:
    """*text* with its entities as the characters that they stand for."""
    return html.unescape(_LONG_NUMBER.sub(_shortened, text))


def _shortened(number: re.Match[str]) -> str:
    digits = (number[2] or number[3]).lstrip("0") or "0"
    return f"&#{number[1] or ''}{digits[:_TELLING_DIGITS]};"


def tidy(text: str, *, max_chars: int = MAX_TEXT_CHARS) -> str:
    """*text* with hidden characters removed, blanks folded, and at most *max_chars* long (an ellipsis marks a cut)."""
    text = unicodedata.normalize("NFC", _HIDDEN.sub("", text))
    text = _folded(text)
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def _folded(text: str) -> str:
    """*text* with a blank for each run of blanks, and a line break for each run with one in it."""
    return _BLANK_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def one_line(text: str, *, max_chars: int) -> str:
    """*text* on one line, at most *max_chars* long."""
    return tidy(text.replace("\n", " "), max_chars=max_chars)
