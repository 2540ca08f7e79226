"""Fits the weights of `core.confidence` to labelled tickets, and says how well they are calibrated.

    python -m eval.calibration            # the error of weights that are fitted to other tickets
    python -m eval.calibration --write    # fit them to all points, and write app/core/confidence.toml
    python -m eval.calibration --kept-back    # at the end of a change: the error of these on the points that are kept back

RETRIEVAL_DATA adds points of the larger public set. Without them the estimates would be far too high: in texts as
people write them, and with thousands of tickets to choose from, what shares many words is seldom the same problem.

The error is cross-fitted: the estimate of a point is by weights that were fitted to the points of other tickets alone, of
four fifths of all. So all points count, in the weights and in the error: half of them are too few to tell 0.05 from 0.10.
But for those of the larger public set that are kept back: nothing is fitted to them, nor chosen by them.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

import app.core
from app.core.confidence import Weights, weights
from app.core.enhancement import Confidence
from eval import logistic
from eval.cases import TODAY
from eval.points import Point, collect
from eval.scores import Estimate, calibration_error

_FILE: Final = Path(app.core.__path__[0]) / "confidence.toml"
_FOLDS: Final = 5
_DRAWS: Final = 1_000
_RIDGE: Final = 0.001
"""For each point: how much a large weight costs, since there are few."""
_SIGNS: Final = {
    "likeness": 1,
    "same_thing": -1,
    "same_error": 1,
    "same_remedy": 1,
    "names_page": 1,
    "rivals": -1,
    "crowd": -1,
    "overtaken": -1,
    "is_old": -1,
}
"""Of each weight the sign that it may have: a few points could turn one round by chance."""
_LEVELS: Final = tuple(level.value for level in reversed(Confidence))
_COUNTS: Final = {"cases": 1.0, "corpus": 1.0, "real": 8.0}
"""What all points of an origin count for together. Real ones decide; the made-up ones say what is seldom in these."""
TENTHS: Final = tuple(each / 10 for each in range(1, 10))


def fit(points: Sequence[Point]) -> tuple[float, dict[str, float]]:
    """The bias and weights, by which the points of each origin together count as `_COUNTS` says."""
    number: defaultdict[str, float] = defaultdict(float)
    for point in points:
        number[point.origin] += point.counts
    scale = len(points) / sum(_COUNTS[origin] for origin in number)
    known = [
        (point.evidence, point.is_right, scale * _COUNTS[point.origin] * point.counts / number[point.origin])
        for point in points
    ]
    return logistic.fit(known, list(_SIGNS), ridge=_RIDGE * len(points), signs=_SIGNS)


def estimates(points: Sequence[Point]) -> list[tuple[Point, Estimate]]:
    """Each point with its estimate, by weights that were fitted to the points of other tickets."""
    known = weights()
    fold = {ticket: number % _FOLDS for number, ticket in enumerate(sorted({point.ticket for point in points}))}
    told = []
    for number in range(_FOLDS):
        bias, weight = fit([point for point in points if fold[point.ticket] != number])
        fitted = replace(known, bias=bias, weight=weight)
        told += [(point, _estimate(point, fitted)) for point in points if fold[point.ticket] == number]
    return told


def _estimate(point: Point, fitted: Weights) -> Estimate:
    return Estimate(fitted.share(point.evidence), point.is_right, point.counts)


def errors(told: Sequence[Estimate]) -> dict[str, float]:
    """Number, share of right ones, the calibration error over the three levels and over tenths, and that over the levels
    which an exact estimate would have at the most, in 19 of 20 draws of as many points.
    """
    edges, chance = (weights().medium, weights().high), random.Random(1)
    drawn = sorted(
        calibration_error([each._replace(is_right=chance.random() < each.share) for each in told], edges)
        for _ in range(_DRAWS)
    )
    return {
        "points": len(told),
        "right": sum(each.counts * each.is_right for each in told) / (sum(each.counts for each in told) or 1),
        "levels": calibration_error(told, edges),
        "tenths": calibration_error(told, TENTHS),
        "exact": drawn[int(_DRAWS * 0.95)],
    }


def levels(told: Iterable[Estimate]) -> dict[str, tuple[int, float, float]]:
    """By level: how many points, their mean estimate, and the share of right ones."""
    grouped: dict[str, list[Estimate]] = {}
    for each in told:
        grouped.setdefault(weights().level(each.share).value, []).append(each)
    return {
        level: (
            len(own),
            sum(each.counts * each.share for each in own) / sum(each.counts for each in own),
            sum(each.counts * each.is_right for each in own) / sum(each.counts for each in own),
        )
        for level, own in grouped.items()
    }


def describe(points: Sequence[Point]) -> list[str]:
    """Lines of Markdown: the levels, then the error of all, of each origin, and of the offline model's own notes."""
    told = estimates([point for point in points if not point.is_kept_back])
    found, real = (
        levels(estimate for point, estimate in told if only in {None, point.origin}) for only in (None, "real")
    )
    rows = [
        "| level | points | estimated | right | real tickets | estimated | right |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(f"| {level} | {_columns(found.get(level))} | {_columns(real.get(level))} |" for level in _LEVELS),
        "",
    ]
    sets: dict[str, Callable[[Point], bool]] = {
        "all": lambda _: True,
        "the offline model's own notes": lambda point: point.is_own,
        **{origin: lambda point, origin=origin: point.origin == origin for origin in _COUNTS},  # type: ignore[misc]
    }
    for name, belongs in sets.items():
        if own := [estimate for point, estimate in told if belongs(point)]:
            rows.append(f"- {name}: {_error(own)}")
    return rows


def product_errors(points: Sequence[Point]) -> dict[str, float]:
    """The error over the levels by the product's weights, for each origin."""
    edges = weights().medium, weights().high
    return {
        origin: calibration_error(own, edges)
        for origin in _COUNTS
        if (own := [_estimate(each, weights()) for each in points if each.origin == origin and not each.is_kept_back])
    }


def describe_kept_back(points: Sequence[Point]) -> list[str]:
    """The same of the points that are kept back, by the product's weights."""
    told = [_estimate(point, weights()) for point in points if point.is_kept_back]
    return [f"{level}: {_columns(found)}" for level, found in levels(told).items()] + [_error(told)]


def _columns(found: tuple[int, float, float] | None) -> str:
    return f"{found[0]} | {found[1]:.2f} | {found[2]:.2f}" if found else "– | – | –"


def _error(told: Sequence[Estimate]) -> str:
    own = errors(told)
    return (
        f"{own['points']} points, {100 * own['right']:.0f} % right, error {own['levels']:.3f} over the levels"
        f" (an exact estimate: up to {own['exact']:.3f}), {own['tenths']:.3f} over tenths."
    )


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
@click.option("--kept-back", "judges_kept", is_flag=True, help="Judge the real tickets that are kept back too.")
@click.option("--real", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Folder of real tickets.")
def main(*, write: bool, judges_kept: bool, real: Path | None) -> None:
    """How well the confidence of notes is calibrated."""
    if (write or judges_kept) and real is None:
        raise click.UsageError("needs RETRIEVAL_DATA: made-up tickets alone give estimates that are too high")
    points = asyncio.run(collect(real))
    known = [point for point in points if not point.is_kept_back]
    if write:
        _write(*fit(known), len(known))
    print("\n".join(describe(points)))
    if judges_kept:
        print("\n".join(["", "Kept back:", *describe_kept_back(points)]))


if __name__ == "__main__":
    main()
