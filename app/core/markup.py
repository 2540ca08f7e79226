"""The words of HTML as a browser shows them: what stands apart there stands apart here, what is no text is left out.

No tree is made of it. A parser that makes one (html5ever in `nh3`, lexbor) takes quadratic time in the depth of
nesting, so its input has to be cut, and the words behind the cut are lost; that of Python is quadratic in unclosed
tags. Here each character is looked at a fixed number of times: no mail is too long or too deep.

Where a mail is broken, words are kept that a browser would lose: what never ends (a quote, a comment, a style) is taken
to end before them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

_LINES: Final = frozenset(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu "
    "menuitem nav ol optgroup option p plaintext pre search section summary table tbody tfoot thead title tr ul "
    "xmp".split()
)
"""Each stands on a line of its own."""
_BLANKS: Final = frozenset(
    "applet area audio button canvas col colgroup embed iframe img image input isindex keygen marquee meter object "
    "output picture progress rp rt rtc select svg td textarea th video".split()
)
"""A cell, a picture or a control: within the line, but apart from what stands beside it."""
_INLINE: Final = frozenset(
    "a abbr acronym b base basefont bdi bdo big blink cite code data del dfn em font i ins kbd label link map mark "
    "math meta nobr noscript param q rb ruby s samp slot small source span strike strong sub sup time track tt u var "
    "wbr".split()
)
_NEVER_SHOWN: Final = frozenset("datalist iframe noembed noframes script style template title".split())
"""Their content is not for readers."""
_CODE: Final = frozenset({"script", "style"})
_KNOWN: Final = _LINES | _BLANKS | _INLINE | _NEVER_SHOWN
_APART: Final = {**dict.fromkeys(_LINES, "\n"), **dict.fromkeys(_BLANKS, " "), "q": '"'}

_MAX_PIECES: Final = 2_000_000
"""Two or three a tag: a second. Seven times as many as a text of full length has where each letter has its own tag."""

# Behind the quote that ends a value stands another attribute or the end of the tag. Behind one that belongs to the
# text, because the value's own was forgotten, stand words.
_VALUE_ENDS: Final = r"(?=(?:\s++[^\s\"'<>/=]++){0,3}+\s*+(?:=|/?>))"
# Possessive throughout: a long tag that fails is not tried again in another way.
_ITEM = re.compile(
    r"<(?:(?P<comment>!--)(?P<empty>-?>)?"
    r"|[!?][^<>]*+>"  # <!DOCTYPE html>, <![endif]>, <?xml version="1.0"?>
    r"|(?P<close>/\s*+)?(?P<name>[A-Za-z][^\s/<>]*+)"
    rf"(?P<inside>(?>[^<>=]++|=\s*+(?>\"[^\"]*+\"{_VALUE_ENDS}|'[^']*+'{_VALUE_ENDS}|\"[^\"<>]*+\"|'[^'<>]*+'|))*+)"
    r"(?P<end>>?))"
)
_DISPLAY = re.compile(
    r"\bdisplay\s*+:\s*+(?:(?P<blank>inline-|table-cell)|block|flex|grid|list-item|table|flow-root)", re.IGNORECASE
)
_COMMENT_ENDS = re.compile(r"--!?>")
_CONDITION_ENDS = re.compile(r"[^<>]*+>")
_NEXT_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_CONTENT_ENDS: Final = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _NEVER_SHOWN}
_ATTRIBUTES = re.compile(r"(?>\s*+[^\s\"'/=]++\s*+=\s*+(?>\"[^\"]*+\"|'[^']*+'|\S*+))*+")
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{200,}+")


def shown_text(markup: str) -> str:
    """The text of *markup*, still with its entities; a `<` that is left in it begins no tag and is an entity too."""
    return "".join(islice(_pieces(markup), _MAX_PIECES))


def _pieces(markup: str) -> Iterator[str]:
    if "<![CDATA[" in markup:  # the text of an XML feed: what is in it counts
        markup = markup.replace("<![CDATA[", " ").replace("]]>", " ")
    find, styles, lines = _Finder(markup), _Styles(), _Lines()
    at = 0
    while (item := _ITEM.search(markup, at)) is not None:
        yield lines.text(markup[at : item.start()])
        at, name = item.end(), (item["name"] or "").lower()
        if item["comment"]:
            at = at if item["empty"] else find.after_comment(at)
        elif name and not item["end"] and name not in _KNOWN:
            # "if x<y": words. The sign is left out: before another text it might begin a tag.
            yield lines.text(f" {item['name']}{item['inside']}")
        elif name:
            yield _APART[name] if name in _APART else styles.gap(name, item)
            if not item["end"]:
                yield lines.text(_ENCODED.sub("", _ATTRIBUTES.sub("", item["inside"], count=1)))
            lines.see(name, is_opened=not item["close"])
            if name in _NEVER_SHOWN and not item["close"]:
                at = find.after_content(name, at)
    yield lines.text(markup[at:])


class _Lines:
    """Whether the source's own line breaks count. A plain text has no others; in the row of a table they are blanks."""

    def __init__(self) -> None:
        self._is_in_row = self._is_preformatted = False

    def see(self, name: str, *, is_opened: bool) -> None:
        if name in {"tr", "table"}:
            self._is_in_row = is_opened
        elif name in {"td", "th"}:
            self._is_in_row |= is_opened
        elif name in {"pre", "listing", "xmp"}:
            self._is_preformatted = is_opened

    def text(self, text: str) -> str:
        """*text* from between two tags."""
        if self._is_in_row and not self._is_preformatted:
            text = text.replace("\n", " ")
        return text.replace("<", "&lt;")


class _Styles:
    """Which inline elements a mail's own style makes blocks or cells, and their end tags with them."""

    def __init__(self) -> None:
        self._open: defaultdict[str, list[str]] = defaultdict(list)

    def gap(self, name: str, item: re.Match[str]) -> str:
        """What the tag *item* of the element *name* puts between the words beside it."""
        opened = self._open[name]
        if item["close"]:
            return opened.pop() if opened else ""
        found = _DISPLAY.search(item["inside"]) if "display" in item["inside"].lower() else None
        opened.append("" if found is None else " " if found["blank"] else "\n")
        return opened[-1]


class _Finder:
    """Finds ends in a text; what is nowhere from some place on is not looked for again."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[str] = set()

    def after_comment(self, at: int) -> int:
        return self._after("", _COMMENT_ENDS, at, lambda: self._after_condition(at))

    def _after_condition(self, at: int) -> int:
        found = _CONDITION_ENDS.match(self._text, at)
        return at if found is None else found.end()

    def after_content(self, name: str, at: int) -> int:
        """Where the end tag of the element *name* begins; if it has none, where its code ends by all appearance."""
        return self._after(name, _CONTENT_ENDS[name], at, lambda: self._after_code(name, at) if name in _CODE else at)

    def _after_code(self, name: str, at: int) -> int:
        tag = _NEXT_TAG.search(self._text, at)
        end = len(self._text) if tag is None else tag.start()
        return self._text.rfind("}", at, end) + 1 or (at if name == "style" else end)

    def _after(self, key: str, end: re.Pattern[str], at: int, otherwise: Callable[[], int]) -> int:
        found = None if key in self._missing else end.search(self._text, at)
        if found is not None:
            return found.end() if not key else found.start()
        self._missing.add(key)
        return otherwise()
