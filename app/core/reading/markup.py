"""The words of HTML as a browser shows them: what stands apart there stands apart here, what is no text is left out.

`justhtml` cuts the text into tags and words. No tree is made of them: parsers that make one (html5ever in `nh3`,
lexbor, libxml2) take quadratic time in the depth of nesting. Here each character is looked at a fixed number of times,
so no mail is too long or too deep.

What a mail program marks as quoted comes out as in a plain text mail: each line begins with `> `; above the mail that
Outlook answers or forwards stands its line of 32 underscores, and above a signature `--`. `reading.mail` reads that.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from justhtml import stream

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
_VOID: Final = frozenset(
    "area base basefont br col embed frame hr img input isindex keygen link meta param source track wbr".split()
)
"""They have no content, and no end tag."""
_NEVER_SHOWN: Final = frozenset("datalist iframe noembed noframes script style template title".split())
"""Their content is not for readers."""
_KNOWN: Final = _LINES | _BLANKS | _INLINE | _NEVER_SHOWN
_APART: Final = {**dict.fromkeys(_LINES, "\n"), **dict.fromkeys(_BLANKS, " "), "q": '"'}

OUTLOOK_LINE: Final = "_" * 32
SIGNATURE_LINE: Final = "--"
# What programs name the parts of a mail: in `class` or `id`, also behind Outlook's `x_`, one for each reply; Spark in a
# division's `name`, Zimbra in `data-marker`.
_QUOTES: Final = frozenset(
    "gmail_quote gmail_quote_container gmail_extra_quote moz-cite-prefix moz-forward-container protonmail_quote "
    "tutanota_quote yahoo_quoted zmail_extra zmail_quote front-blockquote freshdesk_quote missive_quote "
    "messagereplysection __quoted_text__".split()
)
_PREFIXES: Final = re.compile(r"^(?:x_)+")
_REST_IS_QUOTED: Final = frozenset(
    "appendonsend divrplyfwdmsg olk_src_body_section mail-editor-reference-message-container".split()
)
_SIGNATURES: Final = frozenset(
    "gmail_signature moz-signature ms-outlook-mobile-signature protonmail_signature_block signature "
    "applemailsignature zmail_signature_below messagesignaturesection".split()
)

_NAMES: Final = "|".join(sorted(_KNOWN))
# A text's own `<`, which no name follows.
_LESS_THAN: Final = re.compile(r"<(?![A-Za-z?]|/\s*+[A-Za-z]|!(?:--|doctype\b|[\[>]))", re.IGNORECASE)
# One that a name follows that HTML does not know, and no `>`: "if x<y".
_NO_TAG: Final = re.compile(
    rf"</?(?=(?!(?:{_NAMES})[\s/<>])[A-Za-z][^<>]*+(?:<|\Z))",
    re.IGNORECASE,
)
# A writer's own brackets: <servername>, <Error 5>. HTML does not know the name, and no tag ends it.
_OWN_BRACKETS = re.compile(
    rf"<(?!(?:{_NAMES})[\s/>])(?P<name>[A-Za-z][^\s<>=\"'/:@&;]*+)(?P<words>(?: [^<>=\"'/]{{0,60}}+)?)>", re.IGNORECASE
)
_ENDS: Final = re.compile(r"</([A-Za-z][^\s<>/]*+)")
_ANY_TAG: Final = re.compile(rf"</?(?:{_NAMES})[\s/>]", re.IGNORECASE)
# HTML that was escaped as a whole, once too often.
_ESCAPED_TAG: Final = re.compile(rf"&lt;(?:/(?:{_NAMES})|(?:br|div|hr|p)\s?/?)&gt;", re.IGNORECASE)
_DISPLAY: Final = re.compile(
    r"\bdisplay\s*+:\s*+(?:(?P<blank>inline-|table-cell)|block|flex|grid|list-item|table|flow-root)"
    r"|\b(?P<side>float)\s*+:\s*+(?:left|right)"
    r"|\b(?P<place>position\s*+:\s*+(?:absolute|fixed)\b|(?:margin|padding)-(?:left|right)\s*+:\s*+\.?[1-9])",
    re.IGNORECASE,
)
_SIDE_BY_SIDE: Final = re.compile(r"\bdisplay\s*+:\s*+(?:inline-)?(?:flex|grid)\b", re.IGNORECASE)
# How many of the innermost open elements are looked at for the one that an end tag closes.
_NEAR: Final = 20
# What describes no picture: a file's name, a word for any picture, and what programs write of themselves.
_NO_WORDS: Final = re.compile(
    r"[^\s]*\.(?:png|jpe?g|gif|svg|bmp|webp|tiff?|heic|ico|emf|wmf)|cid:.*|(?:(?:inline|embedded|attached)[ -]?)?"
    r"(?:image|picture|screenshot|photo|bild|grafik|icon|logo|spacer|pixel)[ _-]?\d{0,6}"
    r"|.*\b(?:automatically generated|automatisch generiert|générée automatiquement|generada automáticamente"
    r"|AI[- ]generated|logo|icon)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_MAX_TOLD_CHARS: Final = 300
_TYPED: Final = frozenset({"", "text", "search", "email", "tel", "url", "number", "submit", "button", "reset"})
"""Types of a field whose value a browser shows."""
# What a mail's own style hides: a preview line, or words that only a machine should read.
_HIDDEN: Final = re.compile(
    r"(?:^|[;\s])(?:display\s*+:\s*+none|visibility\s*+:\s*+(?:hidden|collapse)|mso-hide\s*+:\s*+all"
    r"|color\s*+:\s*+transparent|opacity\s*+:\s*+0(?:\.0++)?(?![.\d]))\b",
    re.IGNORECASE,
)
# Both together: a box of no height, and nothing beyond it. Mails have it for the line that a list of mails shows.
_NO_HEIGHT: Final = re.compile(r"(?:^|[;\s])(?:max-)?height\s*+:\s*+0(?:px)?\s*+(?:;|!|$)", re.IGNORECASE)
_CLIPPED: Final = re.compile(r"(?:^|[;\s])overflow\s*+:\s*+hidden\b", re.IGNORECASE)
# A value whose own quote was forgotten: it reaches over the end of its tag, to where the next value begins.
_FORGOTTEN_QUOTE: Final = re.compile(r"=\s*+(?:\"(?=[^\"<>]*+>[^\"]*+(?<==)\")|'(?=[^'<>]*+>[^']*+(?<==)'))")
_OPEN_QUOTE: Final = re.compile(r"=\s*+[\"']")
# The message of an RMM system is XML; in other mails Word's `st1:place` and the like are within a word.
_MAX_BEFORE_XML: Final = 200
_EMPTY_COMMENT: Final = "<!>"
_CONDITION: Final = re.compile(r"\[(?:if|endif)[^<>]*+>")
# Stands at the end of what is parsed: what swallows it never ended.
_END: Final = "\ue000"


class Passage(NamedTuple):
    """Some text in its order, its blanks as they stand in the source."""

    text: str
    is_quoted: bool


def shown_passages(markup: str) -> Iterator[Passage]:
    """What a browser shows of *markup*, cut where a quoted mail begins or ends.

    A tag that never ends takes all that follows with it, in a browser too; where its value's quote was forgotten, the
    words are read once more without the quotes. A comment or an element that never ends takes none.
    """
    markup = markup.replace(_END, "")
    if _ESCAPED_TAG.search(markup) and not _ANY_TAG.search(markup):
        markup = html.unescape(markup)
    markup = _without_comments(markup)
    if "<![CDATA[" in markup:  # the text of an XML feed: what is in it counts
        markup = markup.replace("<![CDATA[", " ").replace("]]>", " ")
    # The sign is left out there: before another text it might begin a tag.
    markup = _NO_TAG.sub(" ", _LESS_THAN.sub("&lt;", markup))
    ended = {name.lower() for name in _ENDS.findall(markup)}
    markup = _OWN_BRACKETS.sub(
        lambda found: found[0] if found["name"].lower() in ended else f"&lt;{found[0][1:]}", markup
    )
    markup = _FORGOTTEN_QUOTE.sub("=", markup)
    is_xml = "<?xml version" in markup[:_MAX_BEFORE_XML]
    reader = _Reader(is_xml=is_xml)
    passages = list(reader.read(markup))
    if not reader.is_at_end:
        reader = _Reader(is_xml=is_xml)
        passages = list(reader.read(_OPEN_QUOTE.sub("=", markup)))
    yield from passages
    if reader.left_over:
        yield from _Reader(is_xml=is_xml).read(reader.left_over)


def _without_comments(markup: str) -> str:
    """*markup* with an empty one for each comment: the library looks for the end of each in two ways, far behind it."""
    pieces: list[str] = []
    at = 0
    while (start := markup.find("<!--", at)) >= 0:
        pieces.append(markup[at:start] + _EMPTY_COMMENT)
        begin = start + 4
        if markup.startswith((">", "->"), begin):
            at = markup.index(">", begin) + 1
            continue
        end = markup.find("--", begin)
        while end >= 0 and not markup.startswith((">", "!>", "->"), end + 2):
            end = markup.find("--", end + 1)
        if end < 0:  # never ended: its words count
            condition = _CONDITION.match(markup, begin)
            at = condition.end() if condition else begin
            pieces.append(markup[at:].replace("<!--", " "))
            return "".join(pieces)
        at = markup.index(">", end) + 1
    pieces.append(markup[at:])
    return "".join(pieces)


class _Reader:
    """Reads one text. *is_xml*: what HTML does not know is a field, apart from what stands beside it."""

    def __init__(self, *, is_xml: bool) -> None:
        self._is_xml = is_xml
        self.is_at_end = False
        """Whether all was read. Else a tag had no end."""
        self.left_over = ""
        """What stands in an element that never ended and whose content is not shown."""
        self._lines, self._styles = _Lines(), _Styles()
        self._quotes, self._hidden = _Nesting(), _Nesting()
        self._rest_is_quoted = False

    def read(self, markup: str) -> Iterator[Passage]:
        pieces: list[str] = []
        unseen: list[str] = []
        for event in stream(markup + _END):
            was_quoted = self._is_quoted
            if event[0] == "text":
                text = event[1]
                if text.endswith(_END):
                    self.is_at_end, text = True, text[:-1]
                (unseen if self._hidden else pieces).append(self._lines.text(text))
            elif event[0] == "start":
                name, attributes = event[1]
                if not self._hidden:
                    pieces.append(self._opened(name, attributes))
                self._hidden.open(name, begins=_is_hidden(name, attributes))
            elif event[0] == "end":
                name = event[1]
                self._hidden.close(name)
                if not self._hidden:
                    unseen.clear()
                    pieces.append(self._closed(name))
            if was_quoted != self._is_quoted:
                yield Passage("".join(pieces), was_quoted)
                pieces = []
        yield Passage("".join(pieces), self._is_quoted)
        if self._hidden:
            # Of a style sheet what follows its last rule is text.
            self.left_over = "".join(unseen).rpartition("}")[2]

    @property
    def _is_quoted(self) -> bool:
        return bool(self._quotes)

    def _opened(self, name: str, attributes: dict[str, str | None]) -> str:
        style = attributes.get("style") or ""
        gap = self._styles.opened(name, style)
        self._lines.see(name, is_opened=True)
        named = [attributes.get(key) or "" for key in ("class", "id", "data-marker")]
        if name == "div":
            named.append(attributes.get("name") or "")
        marks = {_PREFIXES.sub("", mark.lower()) for mark in " ".join(named).split()}
        is_quote = bool(marks & _QUOTES) or (name == "blockquote" and not _is_indentation(style))
        self._quotes.open(name, begins=is_quote)
        if marks & _REST_IS_QUOTED and not self._rest_is_quoted:
            self._rest_is_quoted = True
            return f"\n{OUTLOOK_LINE}\n"
        if marks & _SIGNATURES:
            return f"\n{SIGNATURE_LINE}\n"
        if name in {"img", "area", "input"} and (told := _told(name, attributes)):
            return f" {told} "
        return gap or self._apart(name)

    def _closed(self, name: str) -> str:
        self._quotes.close(name)
        self._lines.see(name, is_opened=False)
        return self._styles.closed(name) or self._apart(name)

    def _apart(self, name: str) -> str:
        return " " if self._is_xml and name not in _KNOWN else ""


def _is_hidden(name: str, attributes: dict[str, str | None]) -> bool:
    """Whether a browser does not show the element's content."""
    if name in _NEVER_SHOWN:
        return True
    style = attributes.get("style") or ""
    is_without_room = _NO_HEIGHT.search(style) is not None and _CLIPPED.search(style) is not None
    return name not in _VOID and ("hidden" in attributes or is_without_room or _HIDDEN.search(style) is not None)


def _told(name: str, attributes: dict[str, str | None]) -> str:
    """What an element without content says: a picture's description, the value in a form's field."""
    kind = (attributes.get("type") or "").lower() if name == "input" else "image"
    words = attributes.get("alt") if kind == "image" else attributes.get("value") if kind in _TYPED else None
    words = " ".join((words or "")[:_MAX_TOLD_CHARS].split())
    return "" if _NO_WORDS.fullmatch(words) else words


def _is_indentation(style: str) -> bool:
    """Whether its writer moved a block in. Gmail makes a block of quotation of it, without the quotation's line."""
    return "border:none" in style.replace(" ", "").lower()


class _Nesting:
    """Whether the reader is within an element of some kind: in the outermost one, up to its own end tag."""

    def __init__(self) -> None:
        self._name = ""
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    def open(self, name: str, *, begins: bool) -> None:
        if self._depth:
            self._depth += name == self._name
        elif begins:
            self._name, self._depth = name, 1

    def close(self, name: str) -> None:
        if self._depth and name == self._name:
            self._depth -= 1


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
        return text.replace("\n", " ") if self._is_in_row and not self._is_preformatted else text


class _Styles:
    """What a tag puts between the words beside it; a mail's own style makes blocks or cells of inline elements."""

    def __init__(self) -> None:
        self._open: defaultdict[str, list[str]] = defaultdict(list)
        self._around: list[tuple[str, bool]] = []
        """The open elements, and whether each puts its own side by side."""

    def opened(self, name: str, style: str) -> str:
        is_item = bool(self._around) and self._around[-1][1]
        if name not in _VOID:
            self._around.append((name, bool(style) and _SIDE_BY_SIDE.search(style) is not None))
        if name in _APART:
            return _APART[name]
        found = _DISPLAY.search(style) if style else None
        is_beside = found is None or found["blank"] or found["side"] or found["place"]
        gap = "\n" if not is_beside else "" if found is None and not is_item else " "
        self._open[name].append(gap)
        return gap

    def closed(self, name: str) -> str:
        for depth, (each, _) in enumerate(reversed(self._around[-_NEAR:]), 1):
            if each == name:
                del self._around[-depth:]
                break
        if name in _APART:
            return _APART[name]
        opened = self._open[name]
        return opened.pop() if opened else ""
