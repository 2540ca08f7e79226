"""Fits the weights of `core.detect.prose.detector` to candidates of which is known whether they are passwords.

    python -m eval.masking.fit                      # how well weights do on each set that they were not fitted to
    python -m eval.masking.fit --write              # fit them to all of `FITTED`, and write the weights
    python -m eval.masking.fit --tickets FILE …     # real tickets (JSON lines, gzip) too: what they hold is no password

A set is left out in turn: the weights are fitted to the others, and the whole mask reads the set with them. Needs numpy,
which the extra `vectors` brings.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from unittest.mock import patch

import click

from app.core.detect.finding import Finding
from app.core.detect.prose import detector
from app.core.detect.prose.candidates import candidates
from app.core.detect.prose.traits import Traits
from app.core.logistic import likelihood
from app.core.masking import find_secrets, read_words
from eval import logistic
from eval.logistic import Known
from eval.masking.measure import SLACK, Case, read_cases

FITTED: Final = {
    "first": ("values.txt", "stay.txt"),
    "second": ("values_second.txt", "stay_second.txt"),
    "third": ("values_third.txt", "stay_third.txt"),
    "last": ("values_last.txt", "stay_last.txt"),
    "outside": tuple(
        f"{kind}_outside{number}.txt"
        for kind in ("values", "stay")
        for number in ("", "_second", "_third", "_fourth", "_fifth")
    ),
    **{letter: (f"values_blind_{letter}.txt", f"stay_blind_{letter}.txt") for letter in "abcdefghijlmno"},
    "before": ("positive.txt", "negative.txt", "networks.txt", "quotes.txt"),
    "prose": ("values_prose.txt", "stay_prose.txt"),
}
_FILE: Final = Path(detector.__file__).with_name("weights.toml")
_NAMES: Final = tuple(field.name for field in fields(Traits))
_RIDGE: Final = 1.0
"""How much a large weight costs."""
_NEVER: Final = 2.0
_TICKETS_FIT: Final = 8_000
_WEIGHT_OF_A_TICKET: Final = 2.0
Weights = tuple[float, dict[str, float]]


@dataclass(frozen=True)
class Sample:
    """A candidate, and whether it is a password; None if it is part of one, or of another kind of value."""

    finding: Finding
    traits: Traits
    is_one: bool | None


@dataclass(frozen=True)
class Read:
    """A case: what the other detectors find in it, and the candidates of this one."""

    case: Case
    fixed: tuple[Finding, ...]
    samples: tuple[Sample, ...]


def read(case: Case) -> Read:
    with patch.object(detector, "KEPT_FROM", _NEVER):
        fixed = tuple(find_secrets(case.text))
    found = candidates(read_words(case.text))
    samples = [Sample(each.finding, each.traits, _is_one(each.finding, case.items)) for each in found]
    return Read(case, fixed, tuple(samples))


def _is_one(found: Finding, items: Sequence[Finding]) -> bool | None:
    touched = [each for each in items if each.start < found.end and found.start < each.end]
    if not touched:
        return False
    outside = found.end - found.start - sum(min(each.end, found.end) - max(each.start, found.start) for each in touched)
    is_whole = all(found.start <= each.start and each.end <= found.end for each in touched)
    if is_whole and outside <= SLACK:
        return True
    return False if outside > SLACK else None


def known(cases: Iterable[Read]) -> list[Known]:
    return [
        (each.traits, each.is_one, 1.0)
        for case in cases
        for each in case.samples
        if each.is_one is not None
        and not _touches(each.finding, [f for f in case.fixed if f.start != each.finding.start])
    ]


def _touches(found: Finding, others: Iterable[Finding]) -> bool:
    return any(each.start < found.end and found.start < each.end for each in others)


def measured(cases: Sequence[Read], weights: Weights, *, show: bool = False) -> tuple[int, int, int, int]:
    """Values, those found, right and wrong findings of the whole mask with *weights*."""
    values = found = right = wrong = 0
    for case in cases:
        findings = list(case.fixed)
        for each in case.samples:
            if likelihood(each.traits, *weights) >= detector.KEPT_FROM and not _touches(each.finding, findings):
                findings.append(each.finding)
        covered = {place for finding in findings for place in range(finding.start, finding.end)}
        labelled = {place for item in case.case.items for place in range(item.start, item.end)}
        for item in case.case.items:
            values += 1
            is_found = covered.issuperset(range(item.start, item.end))
            found += is_found
            if show and not is_found:
                print(f"  missed {case.case.text[item.start : item.end]!r} in {case.case.text!r}")
        for finding in findings:
            places = set(range(finding.start, finding.end))
            is_right = bool(places & labelled) and len(places - labelled) <= SLACK
            right += is_right
            wrong += not is_right
            if show and not is_right:
                print(f"  wrong {case.case.text[finding.start : finding.end]!r} in {case.case.text!r}")
    return values, found, right, wrong


def of_tickets(path: Path) -> list[Known]:
    """Candidates of the oldest tickets, which are hardly ever passwords."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        tickets = sorted((json.loads(line) for line in lines), key=lambda each: each["created"])[:_TICKETS_FIT]
    texts = ["\n".join(each.get(name) or "" for name in ("title", "body", "reply")) for each in tickets]
    return [(each.traits, False, _WEIGHT_OF_A_TICKET) for text in texts for each in candidates(read_words(text))]


def _text(weights: Weights, number: int, tickets: int) -> str:
    lines = [
        f"# Fitted by `python -m eval.masking.fit --write --tickets …` on {number:,} candidates of the labelled texts",
        f"# and {tickets:,} of real tickets, {datetime.now(UTC):%Y-%m-%d}; core/detect/prose/traits.py says what each weight is of,",
        "# docs/masking.md how well they do.",
        *logistic.lines(*weights),
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--write", is_flag=True, help="Write app/core/detect/prose/weights.toml.")
@click.option(
    "--tickets", type=click.Path(path_type=Path, exists=True), help="Real tickets, as texts without passwords."
)
@click.option("--show", default="", help="Print what is missed and wrong in this set, which may be tuned on.")
def main(*, write: bool, tickets: Path | None, show: str) -> None:
    """Fit the weights, and print how well they do on each set when it is left out."""
    of_set = {name: [read(case) for case in read_cases(*files)] for name, files in FITTED.items()}
    real = of_tickets(tickets) if tickets else []
    print(f"{'left out':10} {'values':>7} {'recall':>7} {'precision':>10} {'others alone':>13}")
    total = [0] * 4
    for name, cases in of_set.items():
        others = known(case for other, listed in of_set.items() if other != name for case in listed)
        weights = logistic.fit([*others, *real], _NAMES, ridge=_RIDGE)
        values, found, right, wrong = measured(cases, weights, show=show in {name, "all"})
        alone = measured(cases, (-99.0, {}))[1]
        total = [total[0] + values, total[1] + found, total[2] + right, total[3] + wrong]
        print(
            f"{name:10} {values:7} {found / values:7.3f} {right / max(right + wrong, 1):10.3f} {alone / values:13.3f}"
        )
    print(f"{'all':10} {total[0]:7} {total[1] / total[0]:7.3f} {total[2] / (total[2] + total[3]):10.3f}")
    everything = known(case for listed in of_set.values() for case in listed)
    if write:
        weights = logistic.fit([*everything, *real], _NAMES, ridge=_RIDGE)
        _FILE.write_text(_text(weights, len(everything), len(real)), "utf-8")


if __name__ == "__main__":
    main()
