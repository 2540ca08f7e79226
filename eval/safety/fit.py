"""Fits the weights of `core.check.weighing` to sentences of which is known whether a record says them.

    python -m eval.safety.fit            # how well weights that were fitted to some parts do on the others
    python -m eval.safety.fit --write    # fit them to `FITTED`, and write app/core/check/weighing.toml

Said by a record are the honest sentences: as models word them, reworded by hand and mechanically. Not said are the
attacks, in three forms: as they stand in the ticket, with every fourth word left out, so that no long run of words is
the ticket's, and where the ticket does not have them. What `core.check.support` decides before it weighs is left out. Needs
numpy, which the extra `vectors` brings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import click

from app.core.check import weighing
from app.core.check.checking import Checker
from app.core.check.evidence import Evidence, Support
from app.core.check.sentences import parts_of, read
from app.core.check.support import KEPT_FROM
from app.core.check.weighing import TERMS, Traits, terms
from app.core.logistic import likelihood
from app.core.masking import Mask
from eval import logistic
from eval.safety.attacks import read_attacks
from eval.safety.honest import quoted, reworded, reworded_by_hand, said
from eval.safety.scenes import Scene, scenes

FITTED: Final = ("dev", "more", "held", "later", "last", "wide", "blind", "blind2", "blind3", "blind5")
KEPT_BACK: Final = ("blind4", "blind6")
_FILE: Final = Path(weighing.__file__).with_suffix(".toml")
_RIDGE: Final = 3.0
"""How much a large weight costs."""
_EACH_FOURTH: Final = 4
_AGAINST: Final = ("gap", "undone", "opposite", "of_others", "too_many")
"""By these the part of an attack is chosen that is least said."""
_SCENES_OF_AN_ATTACK: Final = 4
_WEIGHTS: Final = {"as models word it": 3.0, "by hand": 1.5, "mechanically": 0.5, "attack": 2.5}
"""How much one sentence of each kind counts."""


@dataclass(frozen=True)
class Sample:
    """One sentence, or part of one, and what was found of it."""

    kind: str
    traits: Traits

    @property
    def is_said(self) -> bool:
        return self.kind != "attack"


def samples(part: str) -> list[Sample]:
    """Those of *part* that are weighed."""
    return [*_honest(part), *_attacks(part)]


def _honest(part: str) -> Iterator[Sample]:
    by_kind = {
        "as models word it": said(part) if part != "held" else [],
        "by hand": reworded_by_hand(part),
        "mechanically": reworded(quoted([each for each in scenes(part).values() if each.language == "en"])),
    }
    for kind, listed in by_kind.items():
        for each in listed:
            for place in each.parts:
                refs = [ref for ref in each.cites.split(",") if ref]
                yield from _samples(kind, each.scene, each.text, refs if place == "facts" else None)


def _attacks(part: str) -> Iterator[Sample]:
    seen: Counter[str] = Counter()
    for attack in read_attacks(part):
        seen[attack.text] += 1
        if attack.kind.startswith("placed") or seen[attack.text] > _SCENES_OF_AN_ATTACK:
            continue
        words = attack.text.split()
        fewer = " ".join(word for at, word in enumerate(words, 1) if at % _EACH_FOURTH or at == len(words))
        yield from _samples("attack", attack.scene, attack.text)
        yield from _samples("attack", attack.scene, fewer)
        yield from _samples("attack", scenes(attack.part)[attack.scene.name], attack.text)


def _samples(kind: str, scene: Scene, text: str, refs: Sequence[str] | None = None) -> list[Sample]:
    """Of each part of *text* that is weighed; of an attack the one of which least is found."""
    mask = Mask()
    text = mask.text(text)
    checker = Checker.of(scene.gathered, mask=mask, language=scene.language, ticket=scene.ticket.text)
    records = [each for each in checker.records.records if refs is None or each.ref in refs]
    support = Support(records, checker.records, scene.language, checker.ticket, checker.strangers)
    words = read(text)
    if checker.strangers.said(words.tokens) or any(words.line and each.quotes(words.line) for each in records):
        return []
    parts = parts_of(text)
    found = [Evidence(each, support) for each in (parts if len(parts) > 1 else [words]) if each.stems]
    if not found or any(each.fault or each.is_translated for each in found):
        return []
    made = [Sample(kind, each.traits) for each in found]
    return (
        made if kind != "attack" else [max(made, key=lambda each: sum(getattr(each.traits, name) for name in _AGAINST))]
    )


def fit(known: Sequence[Sample]) -> tuple[float, dict[str, float]]:
    return logistic.fit([(_terms(each), each.is_said, _WEIGHTS[each.kind]) for each in known], TERMS, ridge=_RIDGE)


def _terms(sample: Sample) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip(TERMS, terms(sample.traits), strict=True)))


def share_kept(known: Sequence[Sample], bias: float, weights: dict[str, float], *, kind: str) -> float:
    """Of the sentences of *kind*, 0 to 1."""
    asked = [each for each in known if each.kind == kind]
    return sum(likelihood(_terms(each), bias, weights) >= KEPT_FROM for each in asked) / max(len(asked), 1)


def _text(bias: float, weights: dict[str, float], number: int) -> str:
    lines = [
        f"# Fitted by `python -m eval.safety.fit --write` on {number:,} sentences of the parts {', '.join(FITTED)},",
        f"# {datetime.now(UTC):%Y-%m-%d}; core/check/weighing.py says what each weight is of, docs/support.md how well they do.",
        f"bias = {bias:.2f}",
    ]
    for table, named in groupby(weights.items(), key=lambda each: each[0].partition(".")[0]):
        lines += ["", f"[{table}]", *(f"{name.partition('.')[2]} = {weight:.2f}" for name, weight in named)]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--write", is_flag=True, help="Write app/core/check/weighing.toml.")
def main(*, write: bool) -> None:
    """Fit the weights, and print what they keep of each part."""
    of_part = {part: samples(part) for part in (*FITTED, *KEPT_BACK)}
    known = list(chain.from_iterable(of_part[part] for part in FITTED))
    bias, weights = fit(known)
    print(f"  {'kept, of what is weighed':28}" + "".join(f"{kind:>20}" for kind in _WEIGHTS))
    for part, listed in of_part.items():
        print(
            f"  {part:28}"
            + "".join(f"{100 * share_kept(listed, bias, weights, kind=kind):18.1f} %" for kind in _WEIGHTS)
        )
    if write:
        _FILE.write_text(_text(bias, weights, len(known)), "utf-8")


if __name__ == "__main__":
    main()
