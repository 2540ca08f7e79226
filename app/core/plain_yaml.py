"""Reads the YAML of a tenant's or instance's file: maps with texts as keys, lists, texts, numbers, booleans and null.

Invariant: nothing else of YAML is known here, so nothing else can be slow or surprise. There are no tags, aliases,
sets, ordered maps, dates, numbers to base 8, 16 or 60, control characters, and no key that is a list or a map. A file
has at most `MAX_CHARS`, `MAX_VALUES` keys and values, and `MAX_DEPTH` levels; each event is looked at once.

`yes`, `no`, `on` and `off` are texts: a language may be `no`. Where the file needs true or false, they are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

import yaml

from app.errors import TenantFileInvalid

MAX_CHARS: Final = 64 * 1024
MAX_VALUES: Final = 10_000
MAX_DEPTH: Final = 8

_WORDS: Final = {"": None, "~": None} | {
    spelling: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelling in (word, word.capitalize(), word.upper())
}
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FRACTION: Final = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")
_OTHER_NUMBER: Final = re.compile(
    r"[-+]?(?:[0-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)"
)
"""What YAML 1.1 or 1.2 takes for a whole number, and a person may read otherwise: 0601 is 385 there."""
# YAML lets no such character in but by an escape. PostgreSQL stores no NUL, and a terminal obeys the others.
_CONTROL: Final = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MAX_NAMED_CHARS: Final = 100


def named(text: str) -> str:
    """*text*, which may be anything, as a sentence about a file names it: short, on one line, and to be printed."""
    cut = text[:_MAX_NAMED_CHARS]
    return cut if cut.isprintable() else ascii(cut)[1:-1]


def read_plain_yaml(text: str) -> Any:
    """The value that *text* holds; None when it is empty.

    Raises:
        TenantFileInvalid: It is no YAML, or holds more than this reader knows; the sentence says what.
    """
    if len(text) > MAX_CHARS:
        raise TenantFileInvalid(f"is larger than {MAX_CHARS} bytes")
    try:
        return _read(text)
    except yaml.MarkedYAMLError as error:
        told = f"can't be read as YAML{_line_of(error.problem_mark)} ({type(error).__name__})"
        raise TenantFileInvalid(told) from None
    except yaml.YAMLError as error:
        raise TenantFileInvalid(f"can't be read as YAML ({type(error).__name__})") from None


def _line_of(mark: Any) -> str:
    return "" if mark is None else f" at line {mark.line + 1}"


def _read(text: str) -> Any:
    events = _values(text)
    first = next(events, None)
    value = None if first is None else _whole(first, events)
    if next(events, None) is not None:
        raise TenantFileInvalid("holds two documents (---): write a file for each")
    return value


def _values(text: str) -> Iterator[yaml.Event]:
    """The events of values, and of the ends of lists and maps."""
    values = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.NodeEvent):
            values += 1
            if isinstance(event, yaml.AliasEvent):
                raise TenantFileInvalid("holds an alias (*): write the value out")
            tag = getattr(event, "tag", None)
            if tag is not None:
                raise TenantFileInvalid(f"holds a tag ({named(tag)}): write the value without it")
            if values > MAX_VALUES:
                raise TenantFileInvalid(f"holds more than {MAX_VALUES} keys and values")
            yield event
        elif isinstance(event, yaml.CollectionEndEvent):
            yield event


def _whole(event: yaml.Event, events: Iterator[yaml.Event], depth: int = 1) -> Any:
    """The value that begins with *event*, with all that is in it, of *events*."""
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if depth > MAX_DEPTH:
        raise TenantFileInvalid(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_whole(item, events, depth + 1) for item in _until_end(events)]
    pairs: dict[str, Any] = {}
    for key in _until_end(events):
        if not isinstance(key, yaml.ScalarEvent):
            raise TenantFileInvalid("has a list or a map as a key: a key is a text")
        if not key.value.isprintable():
            raise TenantFileInvalid(f"{named(key.value)}: is a key that can't be printed")
        if key.value in pairs:
            raise TenantFileInvalid(f"{named(key.value)}: is there twice")
        pairs[key.value] = _whole(next(events), events, depth + 1)
    return pairs


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    """The first events of the values in a list or map, whose reader takes what follows each of them."""
    return takewhile(lambda event: not isinstance(event, yaml.CollectionEndEvent), events)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if _CONTROL.search(text):
        raise TenantFileInvalid(f"holds a control character{_line_of(event.start_mark)}: leave it out")
    if not event.implicit[0]:  # it is in quotes, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    if _OTHER_NUMBER.fullmatch(text):
        told = "is a number that can be read in two ways; put it in quotes, or write it without zeros before it"
        raise TenantFileInvalid(f"{text[:100]}: {told}")
    return text
