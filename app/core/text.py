"""Text from outside, made harmless before anything else sees it.

Invariant: what `plain_text` returns holds no markup, no control character but newline, and no NUL
(PostgreSQL's `text` refuses it), and is at most `MAX_TEXT_CHARS` long.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

import nh3

MAX_TEXT_CHARS: Final = 64_000

# Looked at before the HTML is parsed: a mail with inline images is megabytes long, its words are at the start.
_MAX_HTML_CHARS: Final = 512_000
# The parser takes quadratic time in the depth of nesting: 0.13 s at this many, 14 s at ten times as many.
_MAX_TAGS: Final = 10_000

_LAYOUT_TAGS: Final = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"}
_BREAK = re.compile(r"<br>|</(?:p|div|li|tr|h[1-6]|blockquote|pre)>")
_TAG = re.compile(r"</?(?:" + "|".join(sorted(_LAYOUT_TAGS)) + r")>")
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
    """The words of an HTML (or plain) text, one block a line, without scripts, styles and hidden characters."""
    safe = nh3.clean(
        _ADDRESS_IN_BRACKETS.sub("&lt;", _HIDDEN.sub("", _bound(markup))),
        tags=_LAYOUT_TAGS,
        attributes={},
        clean_content_tags={"script", "style"},
    )
    words = html.unescape(_TAG.sub("", _BREAK.sub("\n", safe)))
    return tidy(words, max_chars=max_chars)


def _bound(markup: str) -> str:
    """As much of *markup* as may be parsed."""
    return "<".join(markup[:_MAX_HTML_CHARS].split("<", _MAX_TAGS)[:_MAX_TAGS])


def tidy(text: str, *, max_chars: int = MAX_TEXT_CHARS) -> str:
    """*text* with hidden characters removed, blanks folded, and at most *max_chars* long (an ellipsis marks a cut)."""
    text = unicodedata.normalize("NFC", _HIDDEN.sub("", text))
    text = _BLANK_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def one_line(text: str, *, max_chars: int) -> str:
    """*text* on one line, at most *max_chars* long."""
    return tidy(text.replace("\n", " "), max_chars=max_chars)
