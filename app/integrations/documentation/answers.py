"""Reads the documents of a tool's answer. Each server has its own form.

Invariant: whatever an answer holds, this ends in linear time, and gives at most `MAX_DOCUMENTS` documents of plain
text. Nothing of an answer is an id, an address or a command of ours: a document's id is a hash, and its page is left
out unless it is at an address that the tenant's file names.

Servers answer JSON, as text or as `structuredContent` or both (FastMCP puts it below `result` there), some behind a
remark ("Found 2 documents:"); others Markdown or words. `hits` finds the documents in JSON.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, Final

from yarl import URL

from app.core.reading.text import one_line, plain_text
from app.integrations.documentation.hits import PAGES, TEXTS, TITLES, Hit, find_hits, is_error, value_in, words_in

MAX_DOCUMENTS: Final = 20
"""Of one answer."""
MAX_TEXT_CHARS: Final = 3_000
_MAX_MARKUP_CHARS: Final = 20_000
"""So much of a document's markup is read."""
_MAX_TITLE_CHARS: Final = 160
_MAX_URL_CHARS: Final = 500
_MAX_ENTRIES: Final = 200

_DATES: Final = frozenset(
    "updated updatedat updatedon lastupdated lastupdatedat lastmodified modified modifiedat modifiedon datemodified"
    " lastmodifieddatetime lastmodifieddate lasteditedtime modifiedtime modifiedgmt sysupdatedon when".split()
)
"""How a server may call the time of a document's last change, in small letters and without signs."""
_NO_LETTER = re.compile(r"[\W_]+")
_MARK = re.compile(r"@@@(?:end)?hl@@@")
"""Around words that Confluence found."""
# What begins with `#` in a fenced block is a comment.
_HEADING = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})(?s:.*?)(?:^ {0,3}(?P=fence)|\Z)|^#{1,4}[ \t]+(?P<title>.+)$", re.MULTILINE
)
_URL = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+")


@dataclass(frozen=True, slots=True)
class Document:
    """One document as a server tells it. All text is plain."""

    title: str
    text: str
    url: str = ""
    """Any, of text that is not trusted."""
    updated_on: date | None = None
    is_words: bool = False
    """Whether the server answered in words, among which the question may be repeated."""

    @property
    def id(self) -> str:
        """16 hex digits: the same document has the same ones again."""
        named = self.url or f"{self.title}\0{self.text}"
        return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()[:16]


def read_documents(structured: Any, texts: Iterable[str], *, name: str) -> list[Document]:
    """The documents of one answer, in its order.

    *structured* is its `structuredContent`, which counts before the texts if documents are in it. A document without a
    title is called *name*.
    """
    found = _found(find_hits(structured), name)
    if not found:
        read = [(text, value_in(text)) for text in texts]
        found = [document for _, value in read for document in _found(find_hits(value), name)]
        if not found:  # beside objects, words are a remark about them
            words = (text if value is None else words_in(value) for text, value in read)
            found = [document for each in words for document in _of_words(each, name)]
    seen: dict[str, Document] = {}
    for document in found:
        seen.setdefault(document.id, document)
    return list(islice(seen.values(), MAX_DOCUMENTS))


def tells_error(structured: Any, texts: Sequence[str]) -> bool:
    """Whether an answer that is not called an error is one: it has no document, and says that the tool failed."""
    read = [(text, value_in(text)) for text in texts if text.strip()]
    objects = [structured, *(value for _, value in read if value is not None)]
    words = [text for text, value in read if value is None]  # each may be a document, one about an error too
    has_failed = any(map(is_error, objects)) or (bool(words) and all(map(is_error, words)))
    return has_failed and not any(any(find_hits(value)) for value in objects)


def allowed_page(url: str, allowed: Iterable[str]) -> str:
    """*url* if it is at one of the addresses *allowed*: their scheme, host and port, below their path; else empty."""
    if len(url) > _MAX_URL_CHARS or not _URL.fullmatch(url) or "%2e" in url.lower():  # browsers read it as a dot
        return ""
    try:
        page = URL(url)
        is_there = any(_is_below(page, URL(each)) for each in allowed)
    except ValueError:
        return ""
    return url if is_there else ""


def _is_below(page: URL, other: URL) -> bool:
    if page.user is not None or page.password is not None:
        return False
    if (page.scheme, page.host, page.port) != (other.scheme, other.host, other.port):
        return False
    path = other.path.rstrip("/") + "/"
    return f"{page.path}/".startswith(path)  # yarl has resolved `..`


def _found(hits: Iterable[Hit], name: str) -> list[Document]:
    return [_document(hit, name) for hit in islice(hits, MAX_DOCUMENTS)]


def _document(hit: Hit, name: str) -> Document:
    title, text, url = (
        next((hit.fields[key] for key in keys if hit.fields.get(key)), "") for keys in (TITLES, TEXTS, PAGES)
    )
    day = _day_of(hit.fields)
    return Document(_title(title) or name, _plain(text), url[: _MAX_URL_CHARS + 1], day, is_words=hit.is_words)


def _day_of(hit: Mapping[str, Any]) -> date | None:
    """The day of its last change, as ISO 8601 writes it; none that is still to come."""
    told = (value[:10] for key, value in hit.items() if _NO_LETTER.sub("", key[:40].lower()) in _DATES)
    for day in told:
        with suppress(ValueError):
            if (read := date.fromisoformat(day)) <= datetime.now(UTC).date():
                return read
    return None


def _of_words(text: str, name: str) -> list[Document]:
    """The documents of words or Markdown: one below each heading, else all as one."""
    text = text[: MAX_DOCUMENTS * _MAX_MARKUP_CHARS]
    headings = [heading for heading in _HEADING.finditer(text) if heading["title"]]
    if not headings:
        plain = _plain(text)
        return [Document(name, plain, is_words=True)] if plain else []
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    parts = [
        (heading["title"], text[heading.end() : end])
        for heading, end in islice(zip(headings, ends, strict=True), _MAX_ENTRIES)
    ]
    return [Document(_title(title) or name, plain, is_words=True) for title, part in parts if (plain := _plain(part))]


def _title(title: str) -> str:
    return one_line(plain_text(_MARK.sub("", title[: 4 * _MAX_TITLE_CHARS])), max_chars=_MAX_TITLE_CHARS)


def _plain(text: str) -> str:
    return plain_text(_MARK.sub("", text[:_MAX_MARKUP_CHARS]), max_chars=MAX_TEXT_CHARS)
