"""Finds the documents in the JSON of a tool's answer: where they stand, and what in each is its title and its text.

Servers pass on what the system behind them answers, each in its own form (`documentation_servers.json` beside the tests
has those that were read). So the usual names are looked at first, then all others, where an object counts only if it
has a text, or a page beside its title. What a label or key calls a password is left out.

Invariant: each part of a value is looked at a fixed number of times, to a fixed depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from app.core.detect.password_words import LABEL

_MAX_DEPTH: Final = 7
_MAX_TEXT_DEPTH: Final = 30
_MAX_ENTRIES: Final = 200
"""Of a list or object that is looked through."""
_MAX_TEXT_CHARS: Final = 20_000
_MAX_LABEL_CHARS: Final = 80

_LISTS: Final = (
    *("results", "result", "articles", "documents", "pages", "items", "data", "hits", "records", "issues"),
    *("assets", "matches", "points", "files", "value"),
)
_NO_LISTS: Final = frozenset(
    "error errors warnings meta links _links pagination facets aggregations suggest suggestions included labels tags "
    "user users author authors owner owners creator people contact contacts created_by updated_by createdBy "
    "lastModifiedBy organization company".split()
)
"""What stands beside documents, and is none."""
TITLES: Final = (
    *("title", "name", "heading", "subject", "displayName", "short_description", "preferredPhrase", "filename"),
)
TEXTS: Final = ("content", "text", "body", "markdown", "value", "excerpt", "snippet", "summary", "description")
PAGES: Final = (
    *("contentUrl", "html_url", "webUrl", "url", "link", "href", "resourceUrl", "resource-url", "uri", "webViewLink"),
)
_PARTS: Final = (
    *("content", "text", "body", "chunk", "page_content", "content_preview", "preview_html", "highlight", "snippets"),
    *("text_matches", "highlights", "passages", "chunks", "excerpt", "summary", "description"),
)
"""Where a document has its text, if not as one: in parts, or one level down."""
_WITHIN_PART: Final = ("text", "plain_text", "rendered", "content", "value", "fragment", "snippet", "storage", "view")
_WITHIN: Final = (
    *("metadata", "payload", "_source", "resource", "derivedStructData"),
    *("attributes", "page", "article", "document", "content", "value", "version"),
)
"""Below these a hit has its title and text, if not beside them."""
_DOC_FORMAT: Final = "atlas_doc_format"
_IS_DOC: Final = re.compile(r"\s*+\{[^{}\[\]]{0,60}\"type\"\s*+:\s*+\"doc\"")
"""Atlassian's own format of a text."""
_WORDS_APART: Final = re.compile(r"\S\s+\S")
_BEGINS_LINK: Final = re.compile(r"\s*+\[[^\[\]\n]{1,300}\](?:\(|[ :]\s*+\w)")
_BEGINS_JSON: Final = re.compile(r"^[ \t]*+(?=\{[ \t]*+[\"}\n]|\[[ \t]*+[\[{\]\n])", re.MULTILINE)
_END: Final = " \t\r\n`"
_ERROR: Final = re.compile(
    r"[^\w#]{0,4}error(?: (?:executing|calling|searching|fetching|retrieving|running|listing|getting|reading|querying"
    r"|in|while|occurred|from)\b[^:\n]{0,120})?:\s",
    re.IGNORECASE,
)
_MAX_ERROR_CHARS: Final = 600
_MAX_ERROR_LINES: Final = 3
_FAILED: Final = frozenset({"error", "failed", "failure"})
_DECODER: Final = json.JSONDecoder()


class Hit(NamedTuple):
    """What may be a document."""

    fields: Mapping[str, str]
    is_words: bool = False
    """It has no field of its own, and may be the server's remark."""


def value_in(text: str) -> Any:
    """The JSON of *text*, also behind a remark or in a block of code; `[]` if it can't be read; None: it is words."""
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None if _BEGINS_LINK.match(text) else []
    begin = _BEGINS_JSON.search(text)
    if begin is None:
        return None
    try:
        value, end = _DECODER.raw_decode(text, begin.end())
    except (ValueError, RecursionError):
        return None
    return None if text[end:].strip(_END) else value


def find_hits(value: Any, depth: int = 0, *, is_named: bool = True) -> Iterator[Hit]:
    """The documents in *value*: those of the first list that has some, else itself.

    *is_named*: it stands where documents are expected.
    """
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        yield from _in_list(value[:_MAX_ENTRIES], depth, is_named=is_named)
    elif isinstance(value, Mapping):
        yield from _in_object(value, depth, is_named=is_named)


def _in_list(entries: list[Any], depth: int, *, is_named: bool) -> Iterator[Hit]:
    hits = [_hit(entry) for entry in entries if isinstance(entry, Mapping)]
    found = [hit for hit in hits if (is_document(hit) if is_named else _is_surely(hit))]
    if found:
        yield from found
    elif is_named and entries and all(isinstance(entry, str) for entry in entries):
        yield from (Hit({"text": entry}, is_words=True) for entry in entries if _WORDS_APART.search(entry))
    else:
        for entry in entries:
            yield from find_hits(entry, depth + 1, is_named=is_named and isinstance(entry, list))


def _in_object(value: Mapping[str, Any], depth: int, *, is_named: bool) -> Iterator[Hit]:
    lists = [value[key] for key in _LISTS if isinstance(value.get(key), list | Mapping)]
    for each in lists:
        found = list(find_hits(each, depth + 1))
        if found:
            yield from found if is_named else filter(_is_surely, found)
            return
    if lists:
        return
    hit = _hit(value)
    if _is_surely(hit) and any(hit.fields.get(key) for key in TITLES):
        yield hit
        return
    for key, each in islice(value.items(), _MAX_ENTRIES):
        if key not in _NO_LISTS:
            found = list(find_hits(each, depth + 1, is_named=False))
            if found:
                yield from found
                return
    if is_document(hit) if is_named else _is_surely(hit):
        yield hit


def is_document(hit: Hit) -> bool:
    return any(hit.fields.get(key) for key in (*TITLES, *TEXTS))


def _is_surely(hit: Hit) -> bool:
    """Whether it is a document wherever it stands: a name alone may be anybody's."""
    is_titled = any(hit.fields.get(key) for key in TITLES)
    return any(hit.fields.get(key) for key in (*TEXTS, *(PAGES if is_titled else ())))


def _hit(entry: Mapping[str, Any]) -> Hit:
    """*entry* with what stands below it, where it does not say the same itself."""
    fields: dict[str, str] = {}
    within = list(_within(entry))
    inner = [*(lower for each in within for lower in _within(each)), *within]
    for each in (*inner, entry):
        fields |= {name: value for name, value in islice(each.items(), _MAX_ENTRIES) if isinstance(value, str)}
    if not any(fields.get(key) for key in TITLES):
        fields["title"] = _title_in(entry)
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
    told = [entry.get("title"), *(each.get("title") for each in properties.values() if isinstance(each, Mapping))]
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
    """A line for each field of an asset: Hudu's `fields`, IT Glue's `traits`."""
    fields, traits = entry.get("fields"), entry.get("traits")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(fields, list):
        pairs += [(each.get("label"), each.get("value")) for each in fields[:_MAX_ENTRIES] if isinstance(each, Mapping)]
    if isinstance(traits, Mapping):
        pairs += list(islice(traits.items(), _MAX_ENTRIES))
    for label, value in pairs:
        text = ", ".join(filter(None, _values(value)))
        if isinstance(label, str) and text and not LABEL.search(label.lower().replace("-", " ")):
            yield f"{label[:_MAX_LABEL_CHARS]}: {text}"


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
        return is_short and _ERROR.match(value.lstrip()) is not None
    if not isinstance(value, Mapping):
        return False
    has_failed = value.get("success") is False or str(value.get("status")).lower() in _FAILED
    return has_failed or bool(value.get("error") or value.get("errors"))
