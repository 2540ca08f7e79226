"""Chooses the part of a long text that fits a query best.

Invariant: a passage consists of whole, consecutive pieces of the text, and is at most `max_chars` long.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

_MAX_PIECE_CHARS: Final = 300
_ELLIPSIS: Final = "…"
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")


def split_pieces(text: str) -> list[str]:
    """*text* split into lines, long lines into sentences, long sentences into parts. Joined, they are *text* again."""
    pieces: list[str] = []
    for line in text.splitlines():
        if len(line) <= _MAX_PIECE_CHARS:
            pieces.append(line + "\n")
            continue
        for sentence in _SENTENCE_END.split(line):
            pieces.extend(
                sentence[start : start + _MAX_PIECE_CHARS] for start in range(0, len(sentence), _MAX_PIECE_CHARS)
            )
            pieces[-1] += " "
        pieces[-1] = pieces[-1].rstrip(" ") + "\n"
    return pieces


def choose_passage(
    pieces: Sequence[str], found: Sequence[Collection[str]], weights: Mapping[str, float], *, max_chars: int
) -> str:
    """The consecutive *pieces* that hold most of the query (the first such), and as much around them as fits.

    *pieces* are as `split_pieces` gives them; *found* has the terms of the query in each, *weights* what a term weighs.
    """
    text = "".join(pieces).strip()
    if len(text) <= max_chars:
        return text
    room = max_chars - 2 * (len(_ELLIPSIS) + 1)
    start, end = _densest(pieces, found, weights, room=room)
    # First towards the end: the text after a term explains it more often than the text before.
    while end < len(pieces) and _chars(pieces[start : end + 1]) <= room:
        end += 1
    while start > 0 and _chars(pieces[start - 1 : end]) <= room:
        start -= 1
    passage = "".join(pieces[start:end]).strip()
    before = f"{_ELLIPSIS} " if start > 0 else ""
    after = f" {_ELLIPSIS}" if end < len(pieces) else ""
    return before + passage + after


def _densest(
    pieces: Sequence[str], found: Sequence[Collection[str]], weights: Mapping[str, float], *, room: int
) -> tuple[int, int]:
    """Begin and end of the consecutive pieces within *room* whose distinct terms weigh most; of equals the shortest."""
    best, best_key = (0, 1), (0.0, 0)
    for start, terms in enumerate(found):
        if not terms:
            continue
        seen: set[str] = set()
        chars, end = 0, start
        while end < len(pieces) and (chars + len(pieces[end]) <= room or end == start):
            chars += len(pieces[end])
            fresh = seen.union(found[end])
            end += 1
            if len(fresh) > len(seen):
                seen = fresh
                key = (round(sum(weights.get(term, 0.0) for term in seen), 6), -chars)
                if key > best_key:
                    best, best_key = (start, end), key
    return best


def _chars(pieces: Sequence[str]) -> int:
    return sum(len(piece) for piece in pieces)
