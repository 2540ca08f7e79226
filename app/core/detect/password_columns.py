"""Passwords in a table: below a heading "Password", in the same column of the rows that follow.

Columns are divided by a tab, a bar, a semicolon, a comma, or two blanks and more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_values import is_mixed, may_be
from app.core.detect.password_words import LABEL, USER, labels
from app.core.detect.scan import Scan

_HEADING = re.compile(
    r"(?:(?:initial|temp|temporary|new|old|current|default|user|admin|local|start|wi-?fi|wlan|vpn|login|e?mail"
    r"|neues|altes)[ _-]?)?"
    rf"(?:{LABEL.pattern})"
)
_ENDS_A_CELL = re.compile(r"[^\W\d_]{1,40}(?: (?:de )?passe)?\d?[\"'*]{0,2}\s?(?:[\t|;,\n]|  )")
_DIVIDERS: Final = tuple(re.compile(each) for each in (r"\t", r"\|", ";", ",", r"[ \t]{2,}"))
_TWO: Final = 2
_BLANK = re.compile(" ")
_RULE = re.compile(r"[ \t|+:=]*+-[ \t|+:=-]*+\n")
"""A line below the headings, or around a row."""
_LONGEST_OF_WORDS: Final = 64
_LONGEST_REST: Final = 32
_NAMES_A_COLUMN = re.compile(
    rf"(?:{USER}|e?-?mail|host|server|name|system|url|site|notes?|remark|comment|bemerkung|gerät|device|ssid|ip|role"
    r"|rolle)"
    r"(?:[ -]\w{1,12})?"
)
_COMMA: Final = ","
_AROUND: Final = QUOTES + "* \t\r"
_NO_CELL = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|(?i:pass|fail)(?:ed)?$")
_LONGEST_LINE: Final = 300
_LONGEST_CELL: Final = 40
_MOST_ROWS: Final = 50

ANCHORS: Final[dict[str, tuple[str, ...]]] = {}
"""It reads the places of the words that `passwords` looks for."""


def password_columns(scan: Scan) -> Iterator[Finding]:
    read = -1 if "\n" in scan.text else len(scan.text)
    for at, label in labels(scan):
        if at < read or label is None:
            continue
        is_cell = _ENDS_A_CELL.match(scan.lower, at)
        longest = _LONGEST_LINE if is_cell else _LONGEST_OF_WORDS
        if not is_cell and scan.text.find("\n", at, at + _LONGEST_REST) < 0:
            continue
        start = scan.text.rfind("\n", max(at - longest, 0), at) + 1
        end = scan.text.find("\n", at, start + longest)
        if end < 0 or (not start and at >= longest):
            continue
        read = end
        yield from _of_words(scan, start, end) if end - start <= _LONGEST_OF_WORDS else ()
        for divider in _DIVIDERS if is_cell else ():
            cells = divider.split(scan.lower[start:end])
            if len(cells) > 1 and (
                places := [n for n, cell in enumerate(cells) if _HEADING.fullmatch(cell.strip(_AROUND))]
            ):
                above = scan.lower[max(start - _LONGEST_LINE, 0) : max(start - 1, 0)].rpartition("\n")[2]
                if len(divider.split(above)) == len(cells) or _is_a_row(cells, places, scan.lower[end + 1 : end + 6]):
                    break
                is_list = divider.pattern != _COMMA or all(" " not in cell.strip() for cell in cells)
                if is_list:
                    yield from _below(scan, end + 1, divider, len(cells), places)
                break


def _of_words(scan: Scan, start: int, end: int) -> Iterator[Finding]:
    """In a mail's table as it is read, with one blank between two columns: "User Password" above rows of two words."""
    words = scan.lower[start:end].split(" ")
    places = []
    for at, word in enumerate(words):
        if _NAMES_A_COLUMN.fullmatch(word):
            continue
        if not _HEADING.fullmatch(word):
            return
        places.append(at)
    if len(places) < len(words):
        for finding in _below(scan, end + 1, _BLANK, len(words), places):
            if is_mixed(scan.text[finding.start : finding.end]):
                yield finding


def _is_a_row(cells: list[str], places: list[int], below: str) -> bool:
    """Whether "Password" in the first of two columns names the value beside it: no row of names, and no rule below."""
    full = [cell.strip(_AROUND) for cell in cells if cell.strip(_AROUND)]
    if cells[places[0]].strip(_AROUND) == "pass" and not any(map(_NAMES_A_COLUMN.fullmatch, full)):
        return True  # what a rule of a firewall does, how a test went
    is_first = len(full) == _TWO and len(places) == 1 and cells[places[0]].strip(_AROUND) == full[0]
    return is_first and not re.match(r"\s*\|?\s*:?--", below) and not _NAMES_A_COLUMN.fullmatch(full[1])


def _below(scan: Scan, at: int, divider: re.Pattern[str], width: int, places: list[int]) -> Iterator[Finding]:
    """What stands in the columns *places* of the rows from *at* on, as long as they have *width* columns."""
    for _ in range(_MOST_ROWS):
        if rule := _RULE.match(scan.text, at, at + _LONGEST_LINE):
            at = rule.end()
            continue
        end = scan.text.find("\n", at, at + _LONGEST_LINE)
        end = min(at + _LONGEST_LINE, len(scan.text)) if end < 0 else end
        cells = [*_cells(scan.text[at:end], divider)]
        if len(cells) != width:
            return
        for place in places:
            start, cell = cells[place]
            value = cell.strip(_AROUND)
            start += at + len(cell) - len(cell.lstrip(_AROUND))
            if len(value) <= _LONGEST_CELL and " " not in value and may_be(value) and not _NO_CELL.match(value):
                yield Finding(start, start + len(value), Secret.PASSWORD)
        at = end + 1


def _cells(line: str, divider: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    start = 0
    for match in divider.finditer(line):
        yield start, line[start : match.start()]
        start = match.end()
    yield start, line[start:]
