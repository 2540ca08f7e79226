"""What nobody outside needs to read of a ticket: contact data, money, secrets, replaced by placeholders.

Invariant: a `MaskedText` is made by a `Mask` alone, and a `Message` takes nothing else, so there is no way to the
model around this module. One value has one placeholder within one `Mask`; only contacts may ever be put back.

Addresses, hostnames, ticket numbers, asset names and error codes stay: they are what the product works with.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from app.core.detect.contacts import emails, phones
from app.core.detect.finding import Finding, Secret
from app.core.detect.keys import issued_keys, keys_in_context
from app.core.detect.money import banks, cards
from app.core.detect.passwords import passwords

CONTACTS: Final = frozenset({Secret.EMAIL, Secret.PHONE})
"""What may be put back into a note, where the tenant allows it."""

_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(Secret)})-[0-9]+\]")


class MaskedText(str):
    """Text in which nothing is left to mask. Only `Mask` makes it."""

    __slots__ = ()


class Mask:
    """The placeholders of one enhancement."""

    def __init__(self) -> None:
        self._placeholders: dict[tuple[Secret, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: Counter[Secret] = Counter()
        self._findings: dict[str, list[Finding]] = {}

    @property
    def counts(self) -> Mapping[Secret, int]:
        """How many different values of each kind were masked so far."""
        return self._counts

    def text(self, text: str) -> MaskedText:
        """*text* with a placeholder for each value that is to be masked, and for each secret that was masked before."""
        findings = self._learn(text)
        pieces, at = [], 0
        for start, end, kind in findings:
            pieces += [self._without_known(text[at:start]), self._placeholder(kind, text[start:end])]
            at = end
        return MaskedText("".join([*pieces, self._without_known(text[at:])]))

    def json(self, data: Any) -> MaskedText:
        """*data* as JSON, each text in it masked. What one text gives away as a secret is masked in all."""
        _walk(data, self._learn)
        return MaskedText(json.dumps(_walk(data, self.text), ensure_ascii=False))

    def join(self, *parts: str) -> MaskedText:
        """*parts* in a row; what is not masked yet is masked."""
        return MaskedText("".join(part if isinstance(part, MaskedText) else self.text(part) for part in parts))

    def restore(self, text: str, placeholders: Collection[str]) -> str:
        """*text* with those of *placeholders* put back that are contacts."""

        def value(found: re.Match[str]) -> str:
            is_contact = found[0][1:-1].rpartition("-")[0] in CONTACTS
            return self._values.get(found[0], found[0]) if is_contact and found[0] in placeholders else found[0]

        return _PLACEHOLDER.sub(value, text)

    def _learn(self, text: str) -> list[Finding]:
        """What is to be masked in *text*; each has its placeholder from now on."""
        if text not in self._findings:
            self._findings[text] = find_secrets(text)
            for start, end, kind in self._findings[text]:
                self._placeholder(kind, text[start:end])
        return self._findings[text]

    def _without_known(self, text: str) -> str:
        """*text* without the secrets that another place gave away."""
        for (kind, value), placeholder in self._placeholders.items():
            if kind in _STICKY and value in text and _is_distinctive(value):
                text = text.replace(value, placeholder)
        return text

    def _placeholder(self, kind: Secret, value: str) -> str:
        key = (kind, _normal(kind, value))
        if key not in self._placeholders:
            self._counts[kind] += 1
            placeholder = f"[{kind}-{self._counts[kind]}]"
            self._placeholders[key] = placeholder
            self._values[placeholder] = value
        return self._placeholders[key]


def _walk(data: Any, each: Callable[[str], object]) -> Any:
    """*data* with *each* text of it replaced."""
    if isinstance(data, str):
        return each(data)
    if isinstance(data, dict):
        return {key: _walk(value, each) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_walk(value, each) for value in data]
    return data


def find_placeholders(texts: Iterable[str]) -> frozenset[str]:
    """The placeholders that stand in *texts*."""
    return frozenset(found for text in texts for found in _PLACEHOLDER.findall(text))


def find_secrets(text: str) -> list[Finding]:
    """What is to be masked in *text*, in its order; where two detectors find the same, the first has it."""
    taken = bytearray(len(text))
    for match in _PLACEHOLDER.finditer(text):  # no value, whatever stands before it
        _take(taken, *match.span())
    found: list[Finding] = []
    for detect in (issued_keys, passwords, keys_in_context, emails, banks, cards, phones):
        for finding in detect(text):
            if finding.start < finding.end and not any(taken[finding.start : finding.end]):
                _take(taken, finding.start, finding.end)
                found.append(finding)
    return sorted(found)


def _take(taken: bytearray, start: int, end: int) -> None:
    taken[start:end] = b"\x01" * (end - start)


_STICKY: Final = frozenset({Secret.KEY, Secret.PASSWORD})
_MIN_DISTINCTIVE: Final = 6


def _is_distinctive(value: str) -> bool:
    """Whether *value* is told from an ordinary word, so that it may be masked wherever it stands."""
    return len(value) >= _MIN_DISTINCTIVE and not value.isalpha()


def _normal(kind: Secret, value: str) -> str:
    if kind is Secret.EMAIL:
        return value.lower()
    if kind in {Secret.PHONE, Secret.CARD, Secret.BANK}:
        return re.sub(r"[^0-9A-Za-z]", "", value).upper()
    return value
