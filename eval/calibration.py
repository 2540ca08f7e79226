"""Fits the weights of `core.confidence` to labelled tickets, and says how well they are calibrated.

    python -m eval.calibration            # the error of weights that are fitted to other tickets
    python -m eval.calibration --write    # fit them to all points, and write app/core/confidence.toml

RETRIEVAL_DATA adds points of the larger public set. Without them the estimates would be far too high: in texts as
people write them, and with thousands of tickets to choose from, what shares many words is seldom the same problem.

The error is cross-fitted: the estimate of a point is by weights that were fitted to the points of other tickets alone, of
four fifths of all. So all points count, in the weights and in the error: half of them are too few to tell 0.05 from 0.10.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

import app.core
from app.core.confidence import weights
from eval import logistic
from eval.cases import TODAY
from eval.points import Point, collect
from eval.scores import calibration_error

_FILE: Final = Path(app.core.__path__[0]) / "confidence.toml"
_FOLDS: Final = 5
_DRAWS: Final = 1_000
_RIDGE: Final = 0.0005
"""For each point: how much a large weight costs, since there are few."""
_SIGNS: Final = {"close": 1, "common_words": 1, "same_error": 1, "unrivalled": 1, "overtaken": -1, "is_old": -1}
"""Of each weight the sign that it may have: a few points could turn one round by chance."""
TENTHS: Final = tuple(each / 10 for each in range(1, 10))

Pairs = Sequence[tuple[float, bool]]
"""Of each point the estimate, and whether it is right."""


def fit(points: Sequence[Point]) -> tuple[float, dict[str, float]]:
    known = [(point.evidence, point.is_right, 1.0) for point in points]
    return logistic.fit(known, list(_SIGNS), ridge=_RIDGE * len(points), signs=_SIGNS)


def estimates(points: Sequence[Point]) -> list[tuple[Point, float]]:
    """Each point with its estimate, by weights that were fitted to the points of other tickets."""
    known = weights()
    fold = {ticket: number % _FOLDS for number, ticket in enumerate(sorted({point.ticket for point in points}))}
    told = []
    for number in range(_FOLDS):
        bias, weight = fit([point for point in points if fold[point.ticket] != number])
        fitted = replace(known, bias=bias, weight=weight)
        told += [(point, fitted.share(point.evidence)) for point in points if fold[point.ticket] == number]
    return told


def errors(pairs: Pairs) -> dict[str, float]:
    """Number, share of right ones, the calibration error over the three levels and over tenths, and that over the levels
    which an exact estimate would have at the most, in 19 of 20 draws of as many points.
    """
    edges, chance = (weights().medium, weights().high), random.Random(1)
    drawn = sorted(
        calibration_error([(share, chance.random() < share) for share, _ in pairs], edges) for _ in range(_DRAWS)
    )
    return {
        "points": len(pairs),
        "right": sum(right for _, right in pairs) / max(len(pairs), 1),
        "levels": calibration_error(pairs, edges),
        "tenths": calibration_error(pairs, TENTHS),
        "exact": drawn[int(_DRAWS * 0.95)],
    }


def levels(pairs: Pairs) -> dict[str, tuple[int, float, float]]:
    """By level: how many points, their mean estimate, and the share of right ones."""
    grouped: dict[str, list[tuple[float, bool]]] = {}
    for share, right in pairs:
        grouped.setdefault(weights().level(share).value, []).append((share, right))
    return {
        level: (len(own), sum(s for s, _ in own) / len(own), sum(r for _, r in own) / len(own))
        for level, own in grouped.items()
    }


def describe(points: Sequence[Point]) -> list[str]:
    """Lines of Markdown: the levels, then the error of all, of each origin, and of the offline model's own notes."""
    told = estimates(points)
    rows = ["| level | points | estimated | right |", "| --- | --- | --- | --- |"]
    found = levels([(share, point.is_right) for point, share in told])
    for level in ("high", "medium", "low"):
        if level in found:
            number, share, right = found[level]
            rows.append(f"| {level} | {number} | {share:.2f} | {right:.2f} |")
    rows.append("")
    sets: dict[str, Callable[[Point], bool]] = {
        "all": lambda _: True,
        "the offline model's own notes": lambda point: point.is_own,
        **{origin: lambda point, origin=origin: point.origin == origin for origin in ("cases", "corpus", "real")},  # type: ignore[misc]
    }
    for name, belongs in sets.items():
        pairs = [(share, point.is_right) for point, share in told if belongs(point)]
        if pairs:
            own = errors(pairs)
            rows.append(
                f"- {name}: {own['points']} points, {100 * own['right']:.0f} % right, error {own['levels']:.3f} over the levels"
                f" (an exact estimate: up to {own['exact']:.3f}), {own['tenths']:.3f} over tenths."
            )
    return rows


def _write(bias: float, weight: dict[str, float], number: int) -> None:
    known = weights()
    lines = [
        f"# Fitted by `python -m eval.calibration --write` to {number} points, {TODAY.isoformat()};",
        "# docs/quality.md says how well it is calibrated. The levels are set by hand.",
        *logistic.lines(bias, weight),
        "",
        "[level]",
        f"medium = {known.medium}",
        f"high = {known.high}",
        f"nothing = {known.nothing}",
    ]
    _FILE.write_text("\n".join(lines) + "\n", "utf-8")
    weights.cache_clear()


@click.command()
@click.option("--write", is_flag=True, help="Fit the weights and write them; needs the real tickets.")
@click.option("--real", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Folder of real tickets.")
def main(*, write: bool, real: Path | None) -> None:
    """How well the confidence of notes is calibrated."""
    if write and real is None:
        raise click.UsageError("--write needs RETRIEVAL_DATA: made-up tickets alone give estimates that are too high")
    points = asyncio.run(collect(real))
    if write:
        _write(*fit(points), len(points))
    print("\n".join(describe(points)))


if __name__ == "__main__":
    main()
