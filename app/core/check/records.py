"""What a note may say: the texts of one enhancement's sources that the tenant's staff wrote or its systems measured.

Origin is a property of every piece of text:

    trusted                                              untrusted
    ──────────────────────────────────────────────────   ─────────────────────────────────────────────────
    articles, assets, monitoring: title and text         the ticket, with its quoted mail
    of a resolved ticket: the resolution, its number     of a resolved ticket: subject and problem
    (without a resolution: its work logs)                replies: no one proves who sent them
    the tenant's house rules                             names that requesters choose, e.g. an asset's owner

Invariant: a `Record` holds trusted text alone, masked as the model read it; its ref is that of its source, or empty for
house rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property
from itertools import chain
from typing import Final

from app.core.check.amounts import other_forms
from app.core.check.clauses import Clause, clauses_of, fields_of
from app.core.check.lexicon import lexicon
from app.core.check.tokens import UNSPACED, is_break, normal, stems, tokens, words
from app.core.kept import kept_if_short
from app.core.masking import Mask
from app.core.reading.language import spoken_language
from app.core.source import Gathered, Source, SourceKind

_BEFORE: Final = frozenset(" \n([{<'\"«»“”„‚‘’>*`|「『（、：")
_AFTER = re.compile(r"[.,;:!?)\]}>'\"«»“”‘’*`…|]*(?:\s|$)")
_AFTER_OPERAND = re.compile(rf"'[a-z]{{1,5}}\b|[」』）、。]|{_AFTER.pattern}")
"""Its case, too: "17 dBm'ye", "DC1's"."""
_PLAIN = re.compile(r"[a-z0-9][a-z0-9.-]*")
"""An operand that a script without blanks may have amid its words: "約30分後"; no path, which would go on there."""
_BEGINS = re.compile(r"(?:^|[.!?…][\"'”»)\]]*\s|\n)[\s\"'“„«*•–-]*(?:\d{1,2}[.)]\s)?$")
_ENDS: Final = frozenset(".!?…。！？\n")
_RANGE = re.compile(r"(?<![\w.,:/-])(\d{1,3}|\d{1,2}:\d\d)[-–](\d{1,3}|\d{1,2}:\d\d)(?![\w:/-]|\.\d)")
_END_OF_SENTENCE: Final = 4
_MAX_PREFIX: Final = 12
_NUMBER = re.compile(r"#\S+")
OTHER: Final = "other"
_OTHER_LETTERS = re.compile(
    "[ąćęłńśźżčďěňřšťůžğışđőűăâțșõ\u0370-\u03ff\u0400-\u04ff\u0590-\u06ff\u0900-\u0eff\u3040-\u9fff\uac00-\ud7af]",
    re.IGNORECASE,
)
"""Letters of no language that is known."""
_FEW_LETTERS: Final = 3
KIN_LETTERS: Final = 5
"""With which words of one family begin alike, at least."""


_JOINTS: Final = ("", "s", "es", "n", "en", "e")
"""What German may put between the parts of a compound."""
_KIN_SHARE: Final = 0.75


def _are_kin(one: str, other: str) -> bool:
    """Whether they begin alike for more than three quarters of the longer one."""
    least = int(max(len(one), len(other)) * _KIN_SHARE) + 1
    return one[:least] == other[:least]


def language_of(text: str) -> str | None:
    """ISO 639-1; `OTHER` if it is none that is known; None: it can't be told."""
    spoken = spoken_language(text)
    return OTHER if spoken is None and len(_OTHER_LETTERS.findall(text)) >= _FEW_LETTERS else spoken


class Forms:
    """What a sentence is compared with in a text. Each form is made when it is first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.normal = normal(text)

    @cached_property
    def folded(self) -> str:
        """Its normal form, each line without blanks that do not count."""
        return "\n".join(" ".join(line.split()) for line in self.normal.split("\n"))

    @cached_property
    def tokens(self) -> list[str]:
        return tokens(self.normal)

    @cached_property
    def words(self) -> str:
        """Its tokens but for marks, a blank before and behind each."""
        return f" {' '.join(token for token in self.tokens if not is_break(token))} "

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(map(stems, set(words(self.normal)))))

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """For each stem, the places in `tokens` where it stands."""
        places: dict[str, list[int]] = {}
        for at, token in enumerate(self.tokens):
            for stem in stems(token):
                if stem in places:
                    places[stem].append(at)
                else:
                    places[stem] = [at]
        return places

    @cached_property
    def kin(self) -> dict[str, list[str]]:
        """Its long stems by their first letters, in which words of one family agree: identity and identify."""
        kin: dict[str, list[str]] = {}
        for stem in self.places:
            if len(stem) > KIN_LETTERS:
                kin.setdefault(stem[:KIN_LETTERS], []).append(stem)
        return kin

    @cached_property
    def distances(self) -> list[int]:
        """For each place in `tokens` its distance from the first, the end of a sentence counted as several words."""
        far, distances = 0, []
        for token in self.tokens:
            distances.append(far)
            far += _END_OF_SENTENCE if token in _ENDS else 1
        return distances

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        return clauses_of(self.tokens)

    @cached_property
    def fields(self) -> tuple[Clause, ...]:
        return fields_of(self.clauses)

    @cached_property
    def range_ends(self) -> frozenset[str]:
        """Of "cameras 9-16", 9 and 16: a sentence may say "9 to 16"; of hours, too."""
        return frozenset(chain.from_iterable(_RANGE.findall(self.folded)))

    @cached_property
    def language(self) -> str | None:
        return language_of(self.text)


_forms = kept_if_short(Forms)
"""One source is gathered for many tickets. Of a text of 1,500 characters its forms take about 60 kB."""


class Record:
    """One trusted text, and its forms (`Forms`)."""

    def __init__(self, ref: str, text: str, *, day: date | None = None, told: str = "") -> None:
        self.ref = ref
        self.text = text
        self.day = day
        """When its ticket was resolved, or its article or document updated; UTC."""
        self.told = told
        """Of a resolved ticket what its requester wrote: untrusted."""
        self._forms = _forms(text)

    @property
    def is_list(self) -> bool:
        """Whether it is an asset's or a measurement's: fields one after the other, all of one thing."""
        return self.ref[:1] in {"A", "M"}

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return self._forms.fields if self.is_list else self._forms.clauses

    @property
    def folded(self) -> str:
        return self._forms.folded

    @property
    def tokens(self) -> list[str]:
        return self._forms.tokens

    @property
    def words(self) -> str:
        return self._forms.words

    @property
    def stems(self) -> frozenset[str]:
        return self._forms.stems

    @property
    def places(self) -> dict[str, list[int]]:
        return self._forms.places

    def known(self, asked: Iterable[str]) -> list[str]:
        """Those of the stems *asked* that it has, or has other words for."""
        there, same = self.stems, lexicon().same
        return [stem for stem in asked if stem in there or (stem in same and not same[stem].isdisjoint(there))]

    def others(self, stem: str) -> list[str]:
        """Its stems of other words for *stem*."""
        known = self.places
        return [other for other in lexicon().same.get(stem, ()) if other in known]

    def kin(self, stem: str) -> list[str]:
        """Its stems of one family with *stem*, which it has not, or of a German compound with it."""
        if stem in self.places or len(stem) <= KIN_LETTERS or stem in lexicon().actions:
            return []
        found = [other for other in self._forms.kin.get(stem[:KIN_LETTERS], ()) if _are_kin(stem, other)]
        return found + self._compounds(stem) if self.language == "de" else found

    def _compounds(self, stem: str) -> list[str]:
        """The compounds of which *stem* is the first or last part; else its last part, if the first is there too."""
        known = self.places
        if whole := [other for other in known if len(other) > len(stem) and other.startswith(stem)]:
            return whole
        if whole := [other for other in known if other.endswith(stem)]:
            return whole
        for at in range(KIN_LETTERS - 1, len(stem) - KIN_LETTERS + 2):
            first, last = stem[:at], stem[at:]
            if last in known and any(first.removesuffix(joint) in known for joint in _JOINTS):
                return [last]
        return []

    @property
    def distances(self) -> list[int]:
        return self._forms.distances

    @property
    def language(self) -> str | None:
        return self._forms.language

    def holds(self, run: str) -> bool:
        """Whether *run*, a run of operands in normal form, stands in it as a whole, written so or otherwise."""
        return self._has(run) or (
            (run.endswith(":") or any(map(str.isdigit, run)))
            and (run in self._forms.range_ends or any(map(self._has, other_forms(run))))
        )

    def _has(self, run: str) -> bool:
        text, at = self.folded, -1
        is_plain = _PLAIN.fullmatch(run) is not None
        while (at := text.find(run, at + 1)) >= 0:
            end = at + len(run)
            begins = at == 0 or text[at - 1] in _BEFORE or (is_plain and UNSPACED.match(text[at - 1]))
            if begins and (_AFTER_OPERAND.match(text, end) or (is_plain and UNSPACED.match(text, end))):
                return True
        return False

    def has_path(self, path: str) -> bool:
        """Whether *path*, "/var", stands in it behind a word that takes no flag: "of /var"."""
        return any(f" {word} {path}" in self.folded for word in lexicon().function) and self.holds(path)

    def quotes(self, sentence: str) -> bool:
        """Whether *sentence*, in normal form on one line, is one of its sentences, or several, word for word.

        A part of a sentence is none: "ask for the password" may stand behind "never".
        """
        text, at = self.folded, -1
        while (at := text.find(sentence, at + 1)) >= 0:
            if _BEGINS.search(text, max(at - _MAX_PREFIX, 0), at) and _AFTER.match(text, at + len(sentence)):
                return True
        return False


class Records:
    """All records of one enhancement."""

    def __init__(
        self,
        gathered: Iterable[Gathered],
        *,
        house_rules: str = "",
        mask: Mask | None = None,
        today: date | None = None,
    ) -> None:
        """The records of *gathered*, masked by *mask*; without one, as they are.

        *today*, UTC, is when the model was told how old they are; None: it was not.
        """
        self.today = today
        masked = mask.text if mask else str
        self._masked = masked
        self._sources = [source for group in gathered for source in group.sources]
        records = [
            Record(
                source.ref,
                _text(source, masked),
                day=source.resolved_on or source.updated_on,
                told=masked(f"{source.title}\n{source.problem}") if source.kind is SourceKind.TICKET else "",
            )
            for source in self._sources
        ]
        self.records = (*records, Record("", masked(house_rules))) if house_rules else tuple(records)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset().union(*(record.stems for record in self.records))

    @cached_property
    def of_strangers(self) -> tuple[str, ...]:
        """What the sources have from others, masked: a resolved ticket's subject and problem, an asset's owner."""
        texts = (
            text
            for source in self._sources
            for text in (source.title, source.problem, source.text if source.kind is SourceKind.ASSET else "")
        )
        return tuple(self._masked(text) for text in texts if text)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Refs, pages and dates of sources and numbers of resolved tickets, which the product itself gave.

        A number with its "#" (`sentences.runs` sets it behind "ticket" and the like): a bare one may be any quantity.
        """
        found: set[str] = set()
        for source in self._sources:
            found |= {source.ref.lower(), f"#{source.id.lower()}", source.url.lower()}
            found |= {day.isoformat() for day in (source.resolved_on, source.updated_on) if day}
            if source.kind is SourceKind.TICKET and (number := _NUMBER.match(source.title)):
                found.add(number[0].lower())
        return frozenset(found)


def _text(source: Source, masked: Callable[[str], str]) -> str:
    return f"{masked(source.trusted_title)}\n{masked(source.trusted_text)}".lstrip("\n")
