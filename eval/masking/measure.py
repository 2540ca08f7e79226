"""Recall and precision of the mask on the labelled texts: `make eval-masking`, or `python -m eval.masking.measure`.

A value counts as found when every character of it is within findings. A finding is right when it touches a value and
takes at most `SLACK` characters that belong to none; its kind counts apart, since the model does not read the value
either way. What is found in a line that must stay is wrong. `--misses` lists what was missed and what was wrong in the texts
that may be tuned on; `--tickets FILE` counts findings in real tickets (JSON lines, gzip), which never come into the project.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.core.detect.finding import Finding, Secret
from app.core.masking import find_secrets
from eval.masking.draw import COUNTRIES, draw

SLACK: Final = 3
_FOLDER: Final = Path(__file__).parent
_ITEM: Final = re.compile(r"⟦(?P<kind>[\w-]+)\|(?P<value>[^⟧]*)⟧")
SETS: Final = {
    "first": ("values.txt", "stay.txt"),
    "second": ("values_second.txt", "stay_second.txt"),
    "third": ("values_third.txt", "stay_third.txt"),
    "last": ("values_last.txt", "stay_last.txt"),
    "of an outsider": tuple(
        f"{kind}_outside{number}.txt"
        for kind in ("values", "stay")
        for number in ("", "_second", "_third", "_fourth", "_fifth")
    ),
    "blind, halves A and B": tuple(f"{kind}_blind_{half}.txt" for kind in ("values", "stay") for half in "ab"),
    "blind, C to G": tuple(f"{kind}_blind_{letter}.txt" for kind in ("values", "stay") for letter in "cdefg"),
    "blind, J": ("values_blind_j.txt", "stay_blind_j.txt"),
    "blind, L and M": tuple(f"{kind}_blind_{letter}.txt" for kind in ("values", "stay") for letter in "lm"),
    "blind, N": ("values_blind_n.txt", "stay_blind_n.txt"),
    "blind, O and P": tuple(f"{kind}_blind_{letter}.txt" for kind in ("values", "stay") for letter in "op"),
    "blind, T": ("values_blind_t.txt", "stay_blind_t.txt"),
    "blind, V": ("values_blind_v.txt", "stay_blind_v.txt"),
    "of the detectors before": ("positive.txt", "negative.txt", "networks.txt", "quotes.txt"),
}

LOOKED_AT_ONCE: Final = {
    f"blind, {name.upper()}": (f"values_blind_{name}.txt", f"stay_blind_{name}.txt")
    for name in "h i k q r s u w x y za zb aa ab zc zd ac ad".split()
}
"""Sets of which no test holds a limit: docs/masking.md tells their first look."""


@dataclass(frozen=True)
class Case:
    text: str
    items: tuple[Finding, ...]
    language: str


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


def read_cases(*names: str) -> list[Case]:
    """The texts of the files *names*, random parts drawn; `stay.txt` may ask for several draws of a line."""
    return [case for name in names for case in _read(name)]


def _read(name: str) -> Iterator[Case]:
    lines = [line for line in (_FOLDER / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    for line in lines:
        language, _, marked = line.partition(" | ")
        times, _, rest = marked.partition(" | ")
        if times.isdecimal():
            yield from (_case(language, rest, f"{line}{at}") for at in range(int(times)))
        else:
            yield _case(language, marked, line)
    if name == "values.txt":
        forms = (
            "Refund to ⟦bank|{iban:CC}⟧ please",
            "IBAN: ⟦bank|{ibanc:CC}⟧",
            "wrong payee ⟦bank|{ibanc:CC}⟧, {d6} EUR",
        )
        for at, country in enumerate(COUNTRIES):
            yield _case("en", forms[at % len(forms)].replace("CC", country), country)


def _case(language: str, marked: str, seed: str) -> Case:
    marked = draw(marked.replace("{~}", "").replace("\\n", "\n").replace("\\t", "\t"), seed)
    text, items, at = "", [], 0
    for match in _ITEM.finditer(marked):
        text += marked[at : match.start()]
        items.append(Finding(len(text), len(text) + len(match["value"]), Secret(match["kind"])))
        text += match["value"]
        at = match.end()
    return Case(text + marked[at:], tuple(items), language)


def measure(cases: Sequence[Case]) -> dict[Secret, Count]:
    counts = {kind: Count() for kind in Secret}
    for case in cases:
        findings = find_secrets(case.text)
        covered = {place for finding in findings for place in range(finding.start, finding.end)}
        labelled = {place for item in case.items for place in range(item.start, item.end)}
        for item in case.items:
            count = counts[item.kind]
            count.items += 1
            if covered.issuperset(range(item.start, item.end)):
                count.found += 1
            else:
                count.misses.append(f"missed {case.text[item.start : item.end]!r} in {case.text!r}")
        for finding in findings:
            places = set(range(finding.start, finding.end))
            is_right = bool(places & labelled) and len(places - labelled) <= SLACK
            count = counts[finding.kind]
            count.right += is_right
            count.wrong += not is_right
            if not is_right:
                count.misses.append(f"wrong {case.text[finding.start : finding.end]!r} in {case.text!r}")
    return counts


def of_other_kind(cases: Sequence[Case]) -> int:
    """How many values were masked as another kind than theirs."""
    return sum(
        not any(finding.kind is item.kind for finding in touching)
        for case in cases
        for item in case.items
        if (touching := [each for each in find_secrets(case.text) if item.start < each.end and each.start < item.end])
    )


def table(counts: dict[Secret, Count]) -> str:
    everything = Count(
        *(sum(getattr(c, name) for c in counts.values()) for name in ("items", "found", "right", "wrong"))
    )
    rows = [
        f"| {kind} | {count.items} | {count.recall:.3f} | {count.precision:.3f} | {count.wrong} |"
        for kind, count in [*counts.items(), ("all", everything)]
    ]
    return "\n".join(["| kind | values | recall | precision | wrong |", "| --- | --- | --- | --- | --- |", *rows])


def by_language(cases: Sequence[Case]) -> str:
    counts = {
        language: measure([case for case in cases if case.items and case.language == language])
        for language in dict.fromkeys(case.language for case in cases if case.items)
    }
    return ", ".join(
        f"{language} {sum(c.found for c in kinds.values())}/{sum(c.items for c in kinds.values())}"
        for language, kinds in counts.items()
    )


def cost(texts: Sequence[str]) -> str:
    """CPU time of the detectors on *texts*, the least of three passes."""
    passes = []
    for _ in range(3):
        started = time.thread_time()
        for text in texts:
            find_secrets(text)
        passes.append(time.thread_time() - started)
    return f"{min(passes) / sum(map(len, texts)) * 1e9:.0f} µs of CPU per 1,000 characters of {len(texts)} texts"


def in_tickets(path: Path) -> str:
    """How many findings real tickets hold; contacts were replaced in them, so few are right."""
    found = Counter[str]()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        tickets = [json.loads(line) for line in lines]
    texts = ["\n".join(ticket.get(name) or "" for name in ("title", "body", "reply")) for ticket in tickets]
    for text in texts:
        for each in find_secrets(text):
            found[each.kind] += 1
            before = text[max(each.start - 40, 0) : each.start]
            sys.stdout.write(f"  {each.kind}: …{before}⟦{text[each.start : each.end]}⟧\n")
    return f"{path.name}: {sum(found.values())} findings in {len(texts)} real tickets: {dict(found)}\n{cost(texts[:2_000])}"


def main(arguments: Sequence[str]) -> None:
    if "--tickets" in arguments:
        sys.stdout.write(in_tickets(Path(arguments[arguments.index("--tickets") + 1])) + "\n")
        return
    for name, files in (SETS | LOOKED_AT_ONCE).items():
        cases = read_cases(*files)
        stay = sum(not case.items for case in cases)
        counts = measure(cases)
        sys.stdout.write(f"\n{name}: {len(cases) - stay} texts with values, {stay} that must stay\n{table(counts)}\n")
        sys.stdout.write(f"of another kind: {of_other_kind(cases)}; by language: {by_language(cases)}\n")
        if "--misses" in arguments:
            sys.stdout.write("\n".join(miss for count in counts.values() for miss in count.misses) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
