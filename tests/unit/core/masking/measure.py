"""Recall and precision of the mask on the labelled texts: `python -m tests.unit.core.masking.measure`.

An item counts as found when every character of it is within findings; a finding counts as right when it touches an item of
its kind. What was found in the negative texts is wrong. `--misses` lists them, of the tuning half alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from app.core.detect.finding import Finding, Secret
from app.core.masking import find_secrets

Half = Literal["tune", "report"]

_FOLDER: Final = Path(__file__).parent
_ITEM: Final = re.compile(r"⟦(?P<kind>\w+)\|(?P<value>[^⟧]*)⟧")


@dataclass(frozen=True)
class Case:
    text: str
    items: tuple[Finding, ...]
    half: Half


@dataclass
class Count:
    """Of one kind."""

    items: int = 0
    found: int = 0
    right: int = 0
    wrong: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.items if self.items else 1.0

    @property
    def precision(self) -> float:
        findings = self.right + self.wrong
        return self.right / findings if findings else 1.0


def read_cases() -> list[Case]:
    return [*_read("positive.txt"), *_read("negative.txt")]


def read_apart(name: str) -> list[Case]:
    """The texts of one kind of fault, which have their own file."""
    return list(_read(name))


def _read(name: str) -> Iterator[Case]:
    lines = [line for line in (_FOLDER / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    for place, line in enumerate(lines):
        marked = line.partition(" | ")[2].replace("{~}", "").replace("\\n", "\n").replace("\\t", "\t")
        text, items, at = "", [], 0
        for match in _ITEM.finditer(marked):
            text += marked[at : match.start()]
            items.append(Finding(len(text), len(text) + len(match["value"]), Secret(match["kind"])))
            text += match["value"]
            at = match.end()
        yield Case(text + marked[at:], tuple(items), "report" if place % 2 else "tune")


def measure(cases: Sequence[Case]) -> dict[Secret, Count]:
    counts = {kind: Count() for kind in Secret}
    for case in cases:
        findings = find_secrets(case.text)
        covered = {place for finding in findings for place in range(finding.start, finding.end)}
        for item in case.items:
            count = counts[item.kind]
            count.items += 1
            if covered.issuperset(range(item.start, item.end)):
                count.found += 1
            else:
                count.misses.append(f"missed {case.text[item.start : item.end]!r} in {case.text!r}")
        for finding in findings:
            is_right = any(
                item.kind is finding.kind and item.start < finding.end and finding.start < item.end
                for item in case.items
            )
            count = counts[finding.kind]
            count.right += is_right
            count.wrong += not is_right
            if not is_right:
                count.misses.append(f"wrong {case.text[finding.start : finding.end]!r} in {case.text!r}")
    return counts


def table(counts: dict[Secret, Count]) -> str:
    rows = [
        f"| {kind} | {count.items} | {count.recall:.3f} | {count.precision:.3f} | {count.wrong} |"
        for kind, count in counts.items()
    ]
    everything = Count(
        *(sum(getattr(c, name) for c in counts.values()) for name in ("items", "found", "right", "wrong"))
    )
    rows.append(
        f"| all | {everything.items} | {everything.recall:.3f} | {everything.precision:.3f} | {everything.wrong} |"
    )
    return "\n".join(["| kind | items | recall | precision | wrong |", "| --- | --- | --- | --- | --- |", *rows])


def main(arguments: Sequence[str]) -> None:
    cases = read_cases()
    halves: tuple[Half, ...] = ("tune", "report")
    for half in halves:
        own = [case for case in cases if case.half == half]
        negatives = sum(not case.items for case in own)
        counts = measure(own)
        sys.stdout.write(f"{half}: {len(own) - negatives} texts with values, {negatives} without\n{table(counts)}\n")
        if "--misses" in arguments and half == "tune":
            sys.stdout.write("\n".join(miss for count in counts.values() for miss in count.misses) + "\n")
    for name in ("networks.txt", "quotes.txt"):
        apart = read_apart(name)
        sys.stdout.write(f"{name}: {len(apart)} texts\n{table(measure(apart))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
