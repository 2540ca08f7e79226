"""Finds the documents in the JSON of a tool's answer: where they stand, and what in each is its title and its text.

Servers pass on what the system behind them answers, each in its own form (`documentation_servers.json` beside the tests
has those that were read). So the usual names are looked at first, then all others, where an object counts only if it
has a text, or a page beside its title. What a label or key calls a password is left out.

Invariant: each part of a value is looked at a fixed number of times, to a fixed depth, and of its objects a fixed
number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from app.core.detect.password_words import LABEL

_MAX_DEPTH: Final = 7
_MAX_TEXT_DEPTH: Final = 30
_MAX_ENTRIES: Final = 200
"""Of a list or object that is looked through."""
_MAX_OBJECTS: Final = 5_000
_MAX_TEXT_CHARS: Final = 20_000
_MAX_LABEL_CHARS: Final = 80

_LISTS: Final = (
    *("results", "result", "articles", "documents", "pages", "items", "data", "hits", "records", "issues"),
    *("assets", "matches", "points", "files", "value"),
)
_WORDS: Final = (*_LISTS, "output", "response")
"""Where words stand, if documents do not."""
_NO_LISTS: Final = frozenset(
    "error errors warnings meta links _links pagination facets aggregations suggest suggestions included labels tags "
    "user users author authors owner owners creator people contact contacts created_by updated_by createdBy "
    "lastModifiedBy organization company".split()
)
"""What stands beside documents, and is none."""
TITLES: Final = (
    *("title", "name", "heading", "subject", "displayName", "short_description", "preferredPhrase", "filename"),
)
_OWN_TEXTS: Final = ("content", "text", "body", "markdown")
"""Beside a title they make an object a document, whatever lists it has: its files, its assets."""
TEXTS: Final = (*_OWN_TEXTS, "answer", "value", "excerpt", "snippet", "summary", "description")
_SURE_TEXTS: Final = frozenset(TEXTS) - {"value"}
"""A name with a value may be any setting."""
PAGES: Final = (
    *("contentUrl", "html_url", "webUrl", "url", "link", "href", "resourceUrl", "resource-url", "uri", "webViewLink"),
)
_PARTS: Final = (
    *("content", "text", "body", "html", "chunk", "page_content", "document", "content_preview", "preview_html"),
    *("highlight", "snippets", "text_matches", "highlights", "passages", "chunks", "excerpt"),
    *("description", "summary"),
)
"""Where a document has its text, if not as one: in parts, or one level down."""
_WITHIN_PART: Final = (
    *("text", "plain_text", "rendered", "content", "display_value", "value", "fragment", "snippet", "storage", "view"),
)
_WITHIN: Final = (
    *("metadata", "payload", "_source", "resource", "derivedStructData"),
    *("attributes", "fields", "page", "article", "document", "content", "value", "version"),
)
"""Below these a hit has its title and text, if not beside them."""
_DOC_FORMAT: Final = "atlas_doc_format"
_IS_DOC: Final = re.compile(r"\s*+\{[^{}\[\]]{0,60}\"type\"\s*+:\s*+\"doc\"")
"""Atlassian's own format of a text."""
_WORDS_APART: Final = re.compile(r"\S\s+\S")
_IS_JSON: Final = re.compile(r"\s*+(?:\[\s*+)*+(?:\{\s*+(?:[\"}]|\Z)|\"|\Z)")
"""How it begins, also where it is cut. Markdown begins with `[1]`, `[!NOTE]`, `[[VPN]]` or `{: .note }`."""
_BEGINS_JSON: Final = re.compile(r"^[ \t]*+(?=\{[ \t]*+[\"}\n]|\[[ \t]*+[\[{\]\n])", re.MULTILINE)
_BLANKS: Final = re.compile(r"\s*+")
_END: Final = " \t\r\n`"
_MAX_REMARK_CHARS: Final = 300
_HEADING: Final = re.compile(r"^ {0,3}#{1,6} ", re.MULTILINE)
_ERROR: Final = re.compile(
    r"[^\w#]{0,4}error(?P<doing> (?:executing|calling|searching|fetching|retrieving|running|listing|getting|reading"
    r"|querying|in|while|occurred|from)\b[^:\n]{0,120})?:\s",
    re.IGNORECASE,
)
_PARAGRAPH: Final = re.compile(r"\n[ \t]*+(?:\n|[-*•] |\d{1,2}[.)] )")
"""Behind "Error: …" that is a document about one."""
_MAX_ERROR_CHARS: Final = 600
_MAX_ERROR_LINES: Final = 3
_FAILED: Final = frozenset({"error", "failed", "failure"})
_REASONS: Final = ("err", "message", "msg", "detail", "reason")
_DECODER: Final = json.JSONDecoder()


class Hit(NamedTuple):
    """What may be a document."""

    fields: Mapping[str, str]
    is_words: bool = False
    """It has no field of its own, and may be the server's remark."""


def value_in(text: str) -> Any:
    """The JSON of *text*, also behind a remark or in a block of code; `[]` if it can't be read; None: it is words."""
    if text.lstrip()[:1] not in {"{", "["}:
        return _value_behind_a_remark(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        values = list(_values_in(text))
    if any(find_hits(values)):
        return values if len(values) > 1 else values[0]
    return [] if _IS_JSON.match(text) else None


def _value_behind_a_remark(text: str) -> Any:
    begin = _BEGINS_JSON.search(text)
    if begin is None or begin.start() > _MAX_REMARK_CHARS or _HEADING.search(text, 0, begin.start()):
        return None  # a document may end with a sample
    try:
        value, end = _DECODER.raw_decode(text, begin.end())
    except (ValueError, RecursionError):
        return None
    is_empty = not value or (isinstance(value, Mapping) and any(value.get(key) == [] for key in _LISTS))
    is_answer = is_empty or is_error(value) or any(find_hits(value))
    return value if is_answer and not text[end:].strip(_END) else None


def _values_in(text: str) -> Iterator[Any]:
    """The JSON with which *text* begins: one for each line, or one before a remark."""
    end = 0
    with suppress(ValueError, RecursionError):
        for _ in range(_MAX_ENTRIES):
            value, end = _DECODER.raw_decode(text, _BLANKS.match(text, end).end())  # type: ignore[union-attr]
            yield value


def words_in(value: Any) -> str:
    """The words of an answer that has them in place of documents: `{"status": "success", "data": "Reset it."}`."""
    told = [value.get(key) for key in _WORDS] if isinstance(value, Mapping) and not is_error(value) else []
    return next((each for each in told if isinstance(each, str) and _WORDS_APART.search(each)), "")


def find_hits(value: Any) -> Iterator[Hit]:
    """The documents in *value*: those of the first list that has some, else itself."""
    return _Search().hits(value, 0, is_named=True)


@dataclass(slots=True)
class _Search:
    """One search, which looks at so many objects and no more: the worker has other tenants' tickets to do."""

    left: int = _MAX_OBJECTS

    def hits(self, value: Any, depth: int, *, is_named: bool) -> Iterator[Hit]:
        """*is_named*: *value* stands where documents are expected."""
        if depth > _MAX_DEPTH:
            return
        if isinstance(value, list):
            yield from self._in_list(value[:_MAX_ENTRIES], depth, is_named=is_named)
        elif isinstance(value, Mapping) and self.left > 0:
            self.left -= 1
            yield from self._in_object(value, depth, is_named=is_named)

    def _in_list(self, entries: list[Any], depth: int, *, is_named: bool) -> Iterator[Hit]:
        objects = [entry for entry in entries if isinstance(entry, Mapping)][: max(self.left, 0)]
        self.left -= len(objects)
        found = [hit for hit in map(_hit, objects) if (is_document(hit) if is_named else _is_surely(hit))]
        if found:
            yield from found
        elif is_named and entries and all(isinstance(entry, str) for entry in entries):
            yield from (Hit({"text": entry}, is_words=True) for entry in entries if _is_words(entry))
        else:
            for entry in entries:
                yield from self.hits(entry, depth + 1, is_named=is_named and isinstance(entry, list))

    def _in_object(self, value: Mapping[str, Any], depth: int, *, is_named: bool) -> Iterator[Hit]:
        hit = _hit(value)
        is_titled = any(hit.fields.get(key) for key in TITLES)
        if all(any(_is_told(value.get(key)) for key in keys) for keys in (TITLES, _OWN_TEXTS)):
            yield hit
            return
        lists = [value[key] for key in _LISTS if isinstance(value.get(key), list | Mapping)]
        for each in lists:
            found = list(self.hits(each, depth + 1, is_named=True))
            if found:
                yield from found if is_named else filter(_is_surely, found)
                return
        if lists or (not is_titled and is_error(value)):
            return
        if is_titled and _is_surely(hit):
            yield hit
            return
        for key, each in islice(value.items(), _MAX_ENTRIES):
            if key not in _NO_LISTS:
                found = list(self.hits(each, depth + 1, is_named=False))
                if found:
                    yield from found
                    return
        if is_document(hit) if is_named else _is_surely(hit):
            yield hit


def _is_words(entry: str) -> bool:
    return _WORDS_APART.search(entry) is not None and not is_error(entry)


def _is_told(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_document(hit: Hit) -> bool:
    return any(hit.fields.get(key) for key in (*TITLES, *TEXTS))


def _is_surely(hit: Hit) -> bool:
    """Whether it is a document wherever it stands: a name alone may be anybody's."""
    is_titled = any(hit.fields.get(key) for key in TITLES)
    return any(hit.fields.get(key) for key in (*_SURE_TEXTS, *(PAGES if is_titled else ())))


def _hit(entry: Mapping[str, Any]) -> Hit:
    """*entry* with what stands below it, where it does not say the same itself."""
    fields: dict[str, str] = {}
    within = list(_within(entry))
    inner = [*(lower for each in within for lower in _within(each)), *within]
    for each in (*inner, entry):
        fields |= {name: value for name, value in islice(each.items(), _MAX_ENTRIES) if isinstance(value, str)}
    if not any(fields.get(key) for key in TITLES):
        is_issue = any(each.get("description") for each in (entry, *inner))
        fields["title"] = _title_in(entry) or (fields.pop("summary", "") if is_issue else "")
    if any(_names_password(fields.get(key, "")) for key in TITLES) and not _WORDS_APART.search(fields.get("value", "")):
        fields.pop("value", None)
    if not any(fields.get(key) for key in TEXTS):
        told = (_text_in(each.get(key)) for each in (entry, *inner) for key in _PARTS)
        fields["text"] = next(filter(None, told), "")
    labelled = [line for each in (entry, *inner) for line in _labelled(each)]
    if labelled:
        text = next((fields[key] for key in TEXTS if fields.get(key)), "")
        fields["content"] = "\n".join(filter(None, [text, *labelled]))
    return Hit(fields)


def _within(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (each for key in _WITHIN if isinstance(each := entry.get(key), Mapping))


def _title_in(entry: Mapping[str, Any]) -> str:
    """Its title, where it stands further down: WordPress's, or the one of Notion's properties that is its title."""
    properties = entry.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    told = [*map(entry.get, TITLES), *(each.get("title") for each in properties.values() if isinstance(each, Mapping))]
    return next(filter(None, map(_text_in, told)), "")


def _text_in(value: Any, depth: int = 0) -> str:
    """The text of a part: as it stands, of an object, or of a list of such."""
    if depth > _MAX_TEXT_DEPTH:
        return ""
    if isinstance(value, str):
        return _text_in(_doc(value), depth + 1) if _IS_DOC.match(value) else value[:_MAX_TEXT_CHARS]
    if isinstance(value, list):
        texts = [_text_in(each, depth + 1) for each in value[:_MAX_ENTRIES]]
        is_line = all(isinstance(each, Mapping) and each.get("type") in {"text", "hardBreak"} for each in value)
        return ("" if is_line else "\n").join(filter(None, texts))
    if isinstance(value, Mapping):
        parts = (value.get(key) for key in (*_WITHIN_PART, _DOC_FORMAT))
        return next(filter(None, (_text_in(part, depth + 1) for part in parts if part)), "")
    return ""


def _doc(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _labelled(entry: Mapping[str, Any]) -> Iterator[str]:
    """A line for each field of an asset: Hudu's `fields`, IT Glue's `traits`, others' fields with a name."""
    fields, traits = entry.get("fields"), entry.get("traits")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(fields, list):
        told = (each for each in fields[:_MAX_ENTRIES] if isinstance(each, Mapping))
        pairs += [(each.get("label") or each.get("name"), each.get("value")) for each in told]
    if isinstance(traits, Mapping):
        pairs += list(islice(traits.items(), _MAX_ENTRIES))
    for label, value in pairs:
        text = ", ".join(filter(None, _values(value)))
        if isinstance(label, str) and text and not _names_password(label):
            yield f"{label[:_MAX_LABEL_CHARS]}: {text}"


def _names_password(label: str) -> bool:
    return LABEL.search(label[:_MAX_LABEL_CHARS].lower().replace("-", " ")) is not None


def _values(value: Any) -> Iterable[str]:
    """The text of a field; of a field that leads to others their names."""
    if isinstance(value, Mapping):
        value = value.get("values")
    if isinstance(value, list):
        names = (each.get("name") if isinstance(each, Mapping) else each for each in value[:_MAX_ENTRIES])
        return (name for name in names if isinstance(name, str))
    is_told = isinstance(value, str | int | float) and not isinstance(value, bool)
    return [str(value)[:_MAX_TEXT_CHARS]] if is_told else []


def is_error(value: Any) -> bool:
    """Whether *value*, in which there is no document, says that the tool failed."""
    if isinstance(value, Mapping) and value.keys() == {"result"}:  # FastMCP's
        value = value["result"]
    if isinstance(value, str):
        is_short = len(value) <= _MAX_ERROR_CHARS and value.strip().count("\n") < _MAX_ERROR_LINES
        error = _ERROR.match(value.lstrip()) if is_short else None
        return error is not None and bool(error["doing"] or not _PARAGRAPH.search(value.strip()))
    if not isinstance(value, Mapping):
        return False
    errors = value.get("errors")
    has_failed = value.get("success") is False or value.get("isError") is True or _has_failed(value)
    return has_failed or bool(value.get("error") or (errors and not isinstance(errors, int | float)))  # 12 of a port


def _has_failed(value: Mapping[str, Any]) -> bool:
    """Whether its status is the tool's: beside the reason, or beside nothing. A machine's stands beside its name."""
    others = {key: each for key, each in value.items() if key != "status"}
    is_told = any(key.lower().startswith(_REASONS) for key in others)
    is_alone = not any(isinstance(each, str) for each in others.values())
    return str(value.get("status")).lower() in _FAILED and (is_told or is_alone)
