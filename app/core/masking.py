"""Replaces contact data, account numbers, national ids and secrets by placeholders before the model reads a text.

Invariant: only a `Mask` makes a `MaskedText`, and a `Message` takes nothing else, so no text reaches the model
unmasked. Within one `Mask` equal values have the same placeholder. Only contacts may be put back into a note.

For example "Call +49 30 901820 or jane@acme.example, password: Summer2026!" becomes "Call [phone-1] or [email-1],
password: [password-1]". IP addresses, hostnames, ticket numbers, asset names and error codes stay, since the model
needs them.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from app.core.detect import (
    commands,
    contacts,
    cues,
    hints,
    keys,
    money,
    national_ids,
    password_columns,
    password_pairs,
    passwords,
    phones,
    settings,
)
from app.core.detect.finding import Finding, Secret
from app.core.detect.prose.detector import passwords_in_prose
from app.core.detect.scan import Anchors, Scan

CONTACTS: Final = frozenset({Secret.EMAIL, Secret.PHONE})
"""The kinds that may be put back into a note, where the tenant's file allows it."""

_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(Secret)})-[0-9]+\]")


class MaskedText(str):
    """Masked text. Only `Mask` makes it."""

    __slots__ = ()


class Mask:
    """The placeholders of one enhancement, and the values that they stand for."""

    def __init__(self) -> None:
        self._placeholders: dict[tuple[Secret, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: Counter[Secret] = Counter()
        self._findings: dict[str, tuple[Finding, ...]] = {}
        self._sticky: dict[str, str] = {}

    @property
    def counts(self) -> Mapping[Secret, int]:
        """How many different values of each kind were masked so far."""
        return self._counts

    def text(self, text: str) -> MaskedText:
        """*text* with a placeholder for each value to mask, and for each secret that was found in an earlier text."""
        findings = self._learn(text)
        pieces, at = [], 0
        for start, end, kind in findings:
            pieces += [self._without_known(text[at:start]), self._placeholder(kind, text[start:end])]
            at = end
        return MaskedText("".join([*pieces, self._without_known(text[at:])]))

    def beginning(self, text: str, *, max_chars: int) -> MaskedText:
        """The first *max_chars* of *text*, cut off when it is masked: half of a secret would not be known for one."""
        return MaskedText(self.text(text)[:max_chars])

    def json(self, data: Any) -> MaskedText:
        """*data* as JSON, each text in it masked. A secret that is found in one text is masked in all of them."""
        _walk(data, self._learn)
        return MaskedText(json.dumps(_walk(data, self.text), ensure_ascii=False))

    def join(self, *parts: str) -> MaskedText:
        """*parts* joined; those that are plain `str` are masked first."""
        return MaskedText("".join(part if isinstance(part, MaskedText) else self.text(part) for part in parts))

    def restore(self, text: str, placeholders: Collection[str]) -> str:
        """*text* with the contacts among *placeholders* replaced by their values again."""

        def value(found: re.Match[str]) -> str:
            is_contact = found[0][1:-1].rpartition("-")[0] in CONTACTS
            return self._values.get(found[0], found[0]) if is_contact and found[0] in placeholders else found[0]

        return _PLACEHOLDER.sub(value, text)

    def _learn(self, text: str) -> tuple[Finding, ...]:
        """Find what must be masked in *text*, and give each value a placeholder."""
        if text not in self._findings:
            find = _found_before if len(text) <= _MAX_KEPT_CHARS else find_secrets
            self._findings[text] = find(text)
            for start, end, kind in self._findings[text]:
                self._placeholder(kind, text[start:end])
        return self._findings[text]

    def _without_known(self, text: str) -> str:
        """*text* with a placeholder for each secret that was found in another text, where a word gave it away."""
        known = sorted((value for value in self._sticky if value in text), key=len, reverse=True)
        if not known:
            return text
        # The longest first, as one secret may begin with another; and what stands in a placeholder is none.
        either = re.compile("|".join((_PLACEHOLDER.pattern, *map(_as_a_word, known))))
        return either.sub(lambda found: self._sticky.get(found[0], found[0]), text)

    def _placeholder(self, kind: Secret, value: str) -> str:
        key = (kind, _normal(kind, value))
        if key not in self._placeholders:
            self._counts[kind] += 1
            placeholder = f"[{kind}-{self._counts[kind]}]"
            self._placeholders[key] = placeholder
            self._values[placeholder] = value
            if kind in _STICKY and _is_distinctive(value):
                self._sticky[value] = placeholder
        return self._placeholders[key]


def _walk(data: Any, each: Callable[[str], object]) -> Any:
    """A copy of *data* with *each* applied to every text in it; the keys of dicts stay."""
    if isinstance(data, str):
        return each(data)
    if isinstance(data, dict):
        return {key: _walk(value, each) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_walk(value, each) for value in data]
    return data


def find_placeholders(texts: Iterable[str]) -> frozenset[str]:
    """The placeholders that occur in *texts*."""
    return frozenset(found for text in texts for found in _PLACEHOLDER.findall(text))


_MODULES: Final = (
    passwords,
    password_columns,
    password_pairs,
    hints,
    cues,
    commands,
    settings,
    keys,
    contacts,
    phones,
    money,
    national_ids,
)
_GROUPS: Final = {group: words for module in _MODULES for group, words in module.ANCHORS.items()}
_ANCHORS: Final = Anchors(_GROUPS)
Detector = Callable[[Scan], Iterable[Finding]]
_DETECTORS: Final[tuple[tuple[Detector, frozenset[str]], ...]] = (
    (keys.issued_keys, frozenset({"issued", "private key"})),
    (keys.prefixed_keys, frozenset({"underscore"})),
    (commands.commands, frozenset(commands.ANCHORS)),
    (settings.settings, frozenset({*settings.ANCHORS, "password"})),
    (password_columns.password_columns, frozenset({"password"})),
    (passwords.passwords, frozenset(passwords.ANCHORS)),
    (password_pairs.password_pairs, frozenset(password_pairs.ANCHORS)),
    (passwords_in_prose, frozenset({*cues.ANCHORS, "password", "ssid"})),
    (keys.keys_in_context, frozenset(keys.ANCHORS) - {"issued", "private key", "underscore"}),
    (contacts.emails, frozenset(contacts.ANCHORS)),
    (money.accounts, frozenset({"account", "bic"})),
    (national_ids.national_ids, frozenset(national_ids.ANCHORS)),
    (money.card_codes, frozenset({"cvv"})),
    (phones.extensions, frozenset(phones.ANCHORS)),
    (money.named_ibans, frozenset({"iban"})),
)
"""Each with the groups of words of which a text must hold one."""
_OF_GROUP: Final = {group: [at for at, (_, groups) in enumerate(_DETECTORS) if group in groups] for group in _GROUPS}
_ANY = re.compile(b"")
_OF_NUMBERS: Final[tuple[tuple[Detector, re.Pattern[bytes]], ...]] = (
    (money.ibans, re.compile(rb"0[0?](?<=[A-Za-z]{2}0[0?])")),
    (national_ids.national_ids_alone, _ANY),
    (money.cards, re.compile(rb"0(?:[ ?-]?[0?]){11}")),
    (phones.phones, _ANY),
)
"""Each with what `Scan.digits` of a text must hold."""
_MAY_HOLD_A_NUMBER = re.compile(rb"0(?:(?:[ \xa0./()?-]{0,3}0){4}|0[A-Z]00[A-Z]0|0(?<=[A-Za-z]{2}00)[ -]?[A-Za-z0]{4})")
"""Five digits, or the middle of an IBAN or a codice fiscale, which may have fewer side by side; see `Scan.digits`."""


def find_secrets(text: str) -> tuple[Finding, ...]:
    """The values to mask in *text*, in the order of their places. Where detectors overlap, the first one wins."""
    if _MANY_BLANKS.search(text) is None:
        return _find_secrets(text)
    # Tickets and sources have one blank in a row; a model's answer may have thousands, which keep a detector busy.
    pieces, ends, left_out, at = list[str](), [0], [0], 0
    for run in _MANY_BLANKS.finditer(text):
        pieces += [text[at : run.start()], _few_blanks(run)]
        at = run.end()
        ends.append(ends[-1] + len(pieces[-2]) + _MOST_BLANKS)
        left_out.append(left_out[-1] + len(run[0]) - _MOST_BLANKS)
    folded = "".join([*pieces, text[at:]])

    def place(of_folded: int) -> int:
        return of_folded + left_out[bisect_right(ends, of_folded) - 1]

    return tuple(Finding(place(start), place(end - 1) + 1, kind) for start, end, kind in _find_secrets(folded))


_MOST_BLANKS: Final = 20
_MANY_BLANKS = re.compile(rf"\s{{{_MOST_BLANKS + 1},}}")


def _few_blanks(run: re.Match[str]) -> str:
    return run[0][: _MOST_BLANKS - 1] + ("\n" if "\n" in run[0][_MOST_BLANKS - 1 :] else " ")


def _find_secrets(text: str) -> tuple[Finding, ...]:
    taken = bytearray(len(text))
    for match in _PLACEHOLDER.finditer(text):  # a placeholder is never taken for a value
        _take(taken, *match.span())
    found: list[Finding] = []
    for finding in _detected(text):
        if finding.start < finding.end and not any(taken[finding.start : finding.end]):
            _take(taken, finding.start, finding.end)
            found.append(finding)
    return tuple(sorted(found))


_MAX_KEPT_CHARS: Final = 10_000
_found_before = lru_cache(maxsize=512)(find_secrets)
"""Our prompts, short values and one source come in many enhancements. What comes once falls out soon."""


def read_words(text: str) -> Scan:
    """*text* with the places of the words that the detectors look for."""
    return _ANCHORS.read(text)


def _detected(text: str) -> Iterator[Finding]:
    scan = read_words(text)
    for at in sorted({at for group in scan.groups for at in _OF_GROUP[group]}):
        yield from _DETECTORS[at][0](scan)
    yield from hints.passwords_by_hint(scan)
    yield from keys.keys_in_groups(scan)
    digits = scan.digits
    if _MAY_HOLD_A_NUMBER.search(digits):
        for detect, form in _OF_NUMBERS:
            if form.search(digits):
                yield from detect(scan)


def _take(taken: bytearray, start: int, end: int) -> None:
    taken[start:end] = b"\x01" * (end - start)


_STICKY: Final = frozenset({Secret.KEY, Secret.PASSWORD, Secret.BANK, Secret.NATIONAL_ID})
_MIN_DISTINCTIVE: Final = 6


def _is_distinctive(value: str) -> bool:
    """Whether *value* can't be an ordinary word ("summer"), so that it may be masked in every text."""
    return len(value) >= _MIN_DISTINCTIVE and not value.isalpha()


def _as_a_word(value: str) -> str:
    """A pattern that finds *value* where it is not part of a longer word or number."""
    before, after = (r"(?<!\w)" if value[0].isalnum() else ""), (r"(?!\w)" if value[-1].isalnum() else "")
    return before + re.escape(value) + after


def _normal(kind: Secret, value: str) -> str:
    if kind is Secret.EMAIL:
        return value.lower()
    if kind in {Secret.PHONE, Secret.CARD, Secret.BANK, Secret.NATIONAL_ID}:
        return re.sub(r"[^0-9A-Za-z]", "", value).upper()
    return value
