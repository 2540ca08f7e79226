"""What docs/masking.md counts is as many, in the code and in the labelled texts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from app.core.detect.finding import Secret
from app.core.detect.keys import _ISSUED
from app.core.detect.national_ids import _LABELLED
from eval.masking.measure import LOOKED_AT_ONCE, SETS, Case, read_cases
from tests.unit.core.test_masking import PARTS
from tests.unit.core.test_masking_networks import DRAWN, NETWORKS, SENTENCES, VERSIONS, known_phones
from tests.unit.core.test_masking_words import LANGUAGES

PAGE: Final = (Path(__file__).parents[2] / "docs" / "masking.md").read_text("utf-8")


def test_each_kind_is_described_and_no_other() -> None:
    described = set(re.findall(r"^\| `([a-z-]+)`", PAGE, re.MULTILINE))
    assert described == {kind.value for kind in Secret}


def test_what_the_page_counts_of_the_code_is_as_many() -> None:
    phones = 2 * len(known_phones()) * len(NETWORKS)
    told = [
        f"{len(_LABELLED)} names",
        f"for each of {len(LANGUAGES)} languages",
        f"{len(PARTS)} kinds",
        f"{len(SENTENCES) * sum(DRAWN):,} sentences with drawn networks",
        f"{len(VERSIONS) * DRAWN[0]:,} with drawn versions",
        f"{phones:,} phone numbers beside an address",
    ]
    text = " ".join(PAGE.split())
    assert [each for each in told if each not in text] == []
    (forms,) = re.findall(r"some (\d+) issuers' forms", text)
    assert abs(int(forms) - len(set(_ISSUED.values()))) < 15


def _cases(name: str) -> list[Case]:
    """Of the sets that a row names: `blind, L and M`, `ZA and ZB`."""
    if name in SETS:
        return read_cases(*SETS[name])
    letters = re.findall(r"\b[A-Z]{1,2}\b", name.partition(":")[0])
    return read_cases(*(f"{kind}_blind_{letter.lower()}.txt" for kind in ("values", "stay") for letter in letters))


ROWS: Final = re.findall(r"^\| \**([^|*:]+)\**:?[^|]* \| ([\d, ]+) \| ([\d, ]+) \| ", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    ("row", "sets"),
    [
        ("first", ["first"]),
        ("second, third, last of that writer", ["second", "third", "last"]),
        ("of an outsider", ["of an outsider"]),
        ("blind, A to G", ["blind, halves A and B", "blind, C to G"]),
        *((name, [name]) for name in ("blind, H, I, K", "blind, J", "blind, L and M", "blind, N", "blind, O")),
        *((name, [name]) for name in ("blind, P", "blind, Q", "R and S", "blind, T", "U", "blind, V", "W", "blind, X")),
        *(
            (name, [name])
            for name in ("Y", "blind, ZA and ZB", "blind, AA and AB", "blind, ZC and ZD", "blind, AC and AD")
        ),
        ("of the detectors before", ["of the detectors before"]),
    ],
)
def test_each_set_is_as_large_as_the_page_says(row: str, sets: list[str]) -> None:
    [(values, stay)] = [sizes for name, *sizes in ROWS if re.fullmatch(rf"{row}(?:,? [^A-Z].*)?", name.strip())]
    cases = [case for name in sets for case in _cases(name)]
    found = sum(len(case.items) for case in cases), sum(not case.items for case in cases)
    assert (_sum(values), _sum(stay)) == found


def _sum(numbers: str) -> int:
    """Of "1,081", or of "128, 129" for two sets."""
    return sum(int(each.replace(",", "")) for each in numbers.split(", "))


def test_each_kind_is_counted_as_the_page_says() -> None:
    first = Counter(item.kind for case in _cases("first") for item in case.items)
    blind = Counter(item.kind for case in _cases("AA and AB") for item in case.items)
    rows = re.findall(r"^\| ([a-z -]+) \| ([\d,]+) \| [\d.]+ \| [\d.]+ \| ([\d,]+) \|", PAGE, re.MULTILINE)
    names = {"e-mail": "email", "national id": "national-id"}
    told = {names.get(kind, kind): (_sum(one), _sum(other)) for kind, one, other in rows}
    assert told.pop("all") == (first.total(), blind.total())
    assert told == {kind.value: (first[kind], blind[kind]) for kind in Secret}


def test_a_limit_is_held_for_each_set_but_those_that_the_page_names() -> None:
    left_out = {name.removeprefix("blind, ") for name in LOOKED_AT_ONCE}
    assert left_out == {*"HIKQRSUWXY", "ZA", "ZB", "AA", "AB", "ZC", "ZD", "AC", "AD"}
    assert "H, I, K, Q, R, S, U and W to AD it leaves out" in " ".join(PAGE.split())
