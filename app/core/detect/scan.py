"""A text as the detectors read it: also in lower case, and with the places of the words that they look for.

One pass (Aho-Corasick, the library `ahocorasick_rs`) finds all words of all detectors. A detector then looks at their
places alone, each time at a bounded number of characters, so its time grows with the text's length and no faster.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

_DOTTED_I: Final = "İ"
"""The only letter whose lower case is longer than itself."""


class Anchors:
    """Finds the words of all detectors; *groups* is each detector's name with its words, in lower case."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        by_word: dict[str, list[str]] = {}
        for group, words in groups.items():
            for word in words:
                by_word.setdefault(word, []).append(group)
        self._words = list(by_word.items())
        # 1 MiB. As DFA it would have 9: it searches faster, but not where between two texts its pages leave the caches.
        self._automaton = AhoCorasick(list(by_word), implementation=Implementation.ContiguousNFA)

    def read(self, text: str) -> Scan:
        lower = text.replace(_DOTTED_I, "i").lower()
        hits: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        words = self._words
        for which, start, _ in self._automaton.find_matches_as_indexes(lower, overlapping=True):
            word, groups = words[which]
            for group in groups:
                hits[group].append((start, word))
        return Scan(text, lower, hits)


class Scan:
    """A text, the same in lower case (each character at the same place), and where the words of each group begin."""

    __slots__ = ("_hits", "digits", "groups", "labels", "lower", "text")

    def __init__(self, text: str, lower: str, hits: Mapping[str, Sequence[tuple[int, str]]]) -> None:
        self.text = text
        self.lower = lower
        self.digits = text.encode("latin-1", "replace").translate(_EACH_DIGIT_0)
        """*text*, each digit a 0 and what is beyond Latin-1 a `?`: to search for one byte takes a third of the time."""
        self._hits = hits
        self.groups = hits.keys()
        """Those that have a word in the text."""
        self.labels: Sequence[tuple[int, re.Match[str] | None]] | None = None
        """Kept by `password_words.labels`: several detectors read them."""

    def hits(self, group: str) -> Sequence[tuple[int, str]]:
        """The words of *group* in the text, each with the place where it begins."""
        return self._hits.get(group, ())

    def has_digit(self, start: int, end: int) -> bool:
        return self.digits.find(b"0", start if start > 0 else 0, end) >= 0  # noqa: FURB136 - half the time was `max`


_EACH_DIGIT_0: Final = bytes.maketrans(b"123456789", b"000000000")
