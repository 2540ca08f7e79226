"""Text from outside, made harmless before anything else sees it.

Invariant: what `plain_text` returns holds no markup, no control character but newline, and no NUL
(PostgreSQL's `text` refuses it), and is at most `MAX_TEXT_CHARS` long. A character that shows nothing stays where its
script needs it, one at a time: between Persian or Hindi letters, within an emoji, behind a Chinese character.
"""

from __future__ import annotations

import html
import quopri
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Final

from app.core.reading.markup import Passage, shown_passages
from app.core.reading.normal import normalized

MAX_TEXT_CHARS: Final = 64_000

# Measured when all that is no text is gone: attributes (pictures above all), styles, scripts, comments, and the tags.
_MAX_SHOWN_CHARS: Final = 1_000_000

# Python refuses to read a number of thousands of digits; eight tell already that it is no character.
_LONG_NUMBER = re.compile(r"&#(?:([xX])([0-9a-fA-F]{8,}+)|([0-9]{8,}+));?")
_TELLING_DIGITS: Final = 8

_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
# Cc but newline and tab, surrogates, and the characters that hide or reorder text: bidi, zero width, fillers, and the
# tags in which a whole sentence can hide.
_ALWAYS_HIDDEN: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
# Joiners and variation selectors: some scripts can't be written without them, elsewhere they hide text too.
_SOMETIMES_HIDDEN: Final = "\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff"
# Letters that a joiner may stand between: Arabic, Syriac, N'Ko and Mandaic; those of India; Burmese, Khmer, Balinese.
_JOINED: Final = (
    "\u0620-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u074f\u0750-\u077f\u07ca-\u07f5\u0840-\u085b\u08a0-\u08ff\ufb50-\ufdff"
    "\ufe70-\ufefc\u0900-\u0963\u0971-\u0dff\u1000-\u103f\u1050-\u109f\u1780-\u17b3\u17b6-\u17d3\u1b00-\u1b4b"
)
_PICTURE: Final = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff]"
)
_KEPT: Final = "|".join(
    (
        rf"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])",
        # An ending behind a number, a Latin name or a closing bracket ("PDF", then the Persian plural).
        rf"(?<=[\u06f0-\u06f90-9A-Za-z)\]»”])\u200c(?=[{_JOINED}])",
        # The letters of Malayalam that end a word: without it another letter.
        "(?<=[\u0d15\u0d23\u0d28\u0d30\u0d32\u0d33]\u0d4d)\u200d",
        # The flags of England, Scotland and Wales are spelled in tags.
        (
            "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)"
            "\U000e007f"
        ),
        # An emoji, its tone of skin, and further ones that it makes one picture with: a family, a profession.
        rf"{_PICTURE}[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?(?:\u200d{_PICTURE}[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?)*",
        r"[0-9#*]\ufe0f\u20e3",
        # The form in which a name is written, of those that fonts have; more would be an alphabet to hide text in.
        "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af][\ufe00-\ufe02\U000e0100-\U000e010f]",
        "[\u1820-\u18aa][\u180b-\u180d\u180f]|(?<=[\u1820-\u18aa])\u180e(?=[\u1820-\u18aa])",
    )
)
# Line breaks besides the newline: of old Macs and Windows, of Word, a new page, and of mainframes.
_LINE_BREAKS: Final = dict.fromkeys(map(ord, "\r\x0b\x0c\x85\u2028\u2029"), "\n")
_HIDDEN = re.compile(f"[{_ALWAYS_HIDDEN}]")
_ANY_HIDDEN = re.compile(f"[{_ALWAYS_HIDDEN}{_SOMETIMES_HIDDEN}]")
_HIDDEN_OR_KEPT = re.compile(f"({_KEPT})|[{_ALWAYS_HIDDEN}{_SOMETIMES_HIDDEN}]")

# ASCII, European letters, dashes, quotation marks and the euro: none of them hides or must be composed.
_USUAL: Final = frozenset(
    map(chr, (10, *range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x250), *range(0x2010, 0x2028), 0x20AC))
)
_BLANKS_IN_A_ROW: Final = ("  ", " \n", "\n ", "\n\n")

# A file that stands in the text: as base64 that is called so, or is told by its letters or its many full lines; as
# hexadecimal digits, as in RTF; in the lines of uuencode.
_ENCODED = re.compile(
    r"(?<![\w+/=-])(?:data:[\w/.+-]{1,80};base64,|(?=[a-z0-9+/_=-]*+[A-Z])(?=[A-Z0-9+/_=-]*+[a-z]))[A-Za-z0-9+/_=-]{1000,}+"
    r"|^(?:[A-Za-z0-9+/]{60,100}\n){40,}+(?:[A-Za-z0-9+/]{0,99}={1,2}$)?"
    r"|^(?:M[ -`]{60}\n){20,}+|(?<!\w)[0-9a-fA-F]{1000,}+",
    re.MULTILINE,
)

# As mail programs write it in plain text: <jane@acme.example>, which is no tag.
_ADDRESS_IN_BRACKETS = re.compile(r"<(?=(?:[\w.+'-]{1,64}@[\w.-]{1,255}|https?://[^\s<>\"']{1,500})>)")


# Of a mail whose transfer encoding nobody took off (RFC 2045, 6.7; RFC 2047). In such a text each `=` begins a code.
_CODED_LETTER = re.compile(r"=(?:[CDcd][0-9A-Fa-f]|[Ee][0-9A-Fa-f]=[89ABab][0-9A-Fa-f])=[89ABab][0-9A-Fa-f]")
_CODE = re.compile(r"=(?:3D|0[9AD]|[89A-F][0-9A-F]|20(?=[ \t]*(?:\r?\n|=)))")  # not "timeout=30"
_SOFT_BREAK = re.compile(r"=[ \t]*(?:\r?\n|<br ?/?>)")
_NO_CODE = re.compile(r"=(?![0-9A-Fa-f]{2}|[ \t]*(?:\r?\n|<br ?/?>))")
_CODED_WORD = re.compile(r"=\?[\w-]{1,40}\?[BbQq]\?[^?\s]{1,2000}\?=(?:\s+(?==\?[\w-]{1,40}\?[BbQq]\?))?")
_WORD = re.compile(r"\w+")


def _without_transfer_encoding(text: str) -> str:
    """*text* with what a mail's transfer encoding left in it as the characters that it stands for."""
    if "=?" in text:
        text = _CODED_WORD.sub(_decoded_word, text)
    is_broken = _SOFT_BREAK.search(text) and _CODE.search(text)
    if text.isascii() and (_CODED_LETTER.search(text) or is_broken) and not _NO_CODE.search(text):
        body = quopri.decodestring(_SOFT_BREAK.sub("", text).encode())
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body.decode("cp1252", "replace")
    return text


def _decoded_word(found: re.Match[str]) -> str:
    try:
        return str(make_header(decode_header(found[0].strip())))
    except (LookupError, ValueError, HeaderParseError):
        return found[0]


def plain_text(markup: str, *, max_chars: int = MAX_TEXT_CHARS) -> str:
    """The words of an HTML (or plain) text, a block or a row a line, without scripts, styles and hidden characters."""
    if "=" in markup:
        markup = _without_transfer_encoding(markup)
    markup = _HIDDEN.sub("", markup.translate(_LINE_BREAKS))
    markup = _LONG_NUMBER.sub(_shortened, _ADDRESS_IN_BRACKETS.sub("&lt;", markup))
    shown = "\n".join(_quoted(passage) if passage.is_quoted else passage.text for passage in shown_passages(markup))
    return tidy(_ENCODED.sub(" ", _folded(shown))[:_MAX_SHOWN_CHARS], max_chars=max_chars)


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
    if not _is_tidy(text):
        text = _HIDDEN.sub("", text.translate(_LINE_BREAKS))
        text = normalized("NFC", _HIDDEN_OR_KEPT.sub(r"\1", text))
        text = _folded(text)
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def without_hidden(text: str) -> str:
    """*text* without any character that shows nothing, also where its script needs it: to compare, not to show."""
    return _ANY_HIDDEN.sub("", text)


def _folded(text: str) -> str:
    """*text* with a blank for each run of blanks, and a line break for each run with one in it."""
    return _BLANK_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def _is_tidy(text: str) -> bool:
    """Whether *text* surely needs no tidying, as most, which were tidied before."""
    if any(blanks in text for blanks in _BLANKS_IN_A_ROW) or text[:1].isspace() or text[-1:].isspace():
        return False
    return text.replace("\n", "").isprintable() if text.isascii() else _USUAL.issuperset(text)


def one_line(text: str, *, max_chars: int) -> str:
    """*text* on one line, at most *max_chars* long."""
    return tidy(text.translate(_LINE_BREAKS).replace("\n", " "), max_chars=max_chars)


def plain_words(text: str) -> str:
    """The words of *text* in small letters, with a blank around each: so one text's are found within another's."""
    return " ".join(["", *_WORD.findall(text.lower()), ""])
