"""How good notes are: `make eval`.

    python -m eval                     # all: search, writing, calibration, with the offline model
    python -m eval --only writing      # without a database, with the fits that are stored
    python -m eval --write             # and keep it: eval/history, eval/fits.json, the tables of docs/quality.md
    python -m eval --release           # and what a later run must not fall below: eval/released.json

Beside the offline model, the answers of real models that were recorded are used again (`eval/recorded.py`). With
OPENAI_API_KEY (and OPENAI_BASE_URL), EVAL_MODELS=a,b adds models, each with three runs a case, and EVAL_JUDGE=c a judge of
citations. RETRIEVAL_DATA=folder measures the search on the larger public set too.

Fails when a run is empty or not whole, when safety is not 100 %, nor citations of the offline model, and when a figure of the
notes or the search falls below the lower bound of the last release, or the error of the confidence rises by more than 0.02.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click
import structlog

from app.enhancement.write import prompt_version
from app.integrations.endpoint import Endpoint
from app.integrations.openai import OpenAIModel, open_endpoint
from bench.retrieval import Quality, measure
from demo.offline_model import MODEL_NAME
from eval import judging, points, report
from eval.calibration import product_errors
from eval.cases import Case, Fit, load_cases, write_fits
from eval.corpus import open_empty_database
from eval.fits import find_fits
from eval.points import Point
from eval.recorded import Replayed, read_recorded
from eval.report import Line, summarize
from eval.retrieval import Asked, leave_one_out, replay
from eval.scores import Interval, interval
from eval.writing import WHOLE, WHOLE_OF_ALL, JudgeFor, Model, OfflineModel, run_case

FOLDER: Final = Path(__file__).parent
HISTORY: Final = FOLDER / "history"
RELEASED: Final = FOLDER / "released.json"
SEARCH, PUBLIC, ERROR = "search", "search of the public set", "error of the confidence"
"""In `released.json`, beside the models."""
RUNS: Final = 3
"""Of a model that answers differently each time; the offline model does not."""
_MORE_ERROR: Final = 0.02
"""Each run asks the same tickets, so an error is compared itself. The bound of an interval would say nothing: of a hundred
points resampling alone makes 0.1 and more, where the goal is 0.05."""
_ANSWER: Final = timedelta(seconds=90)
_SUBSET: Final = re.compile(r"[^\w.-]+")


def find_faults(lines: Sequence[Line], runs: dict[str, int], released: dict[str, Any]) -> list[str]:
    """Why this evaluation must fail; empty: it does not. *runs*: how many each model should have."""
    faults = []
    for model, number in runs.items():
        own = [line for line in lines if line["model"] == model]
        if not number or len(own) != number:
            faults.append(f"{model}: {len(own)} of {number} runs: not whole")
            continue
        if silent := sum("model_unavailable" in line["notices"] for line in own):
            faults.append(f"{model}: no answer in {silent} of {len(own)} runs: not whole")
        told = summarize(own)
        faults += [
            f"{model}: {name} is {100 * told[name].value:.1f} %, not 100 %"
            for name in (WHOLE if model == MODEL_NAME else WHOLE_OF_ALL)
            if name in told and told[name].value < 1
        ]
        faults += [
            f"{model}: {name} is {100 * told[name].value:.1f} %, below {100 * low:.1f} % of the last release"
            for name, low in released.get(model, {}).items()
            if name in told and told[name].value < low
        ]
    return faults


def find_falls(found: report.Found, released: dict[str, Any]) -> list[str]:
    """What the search finds less often, and where the confidence is further off, than the last release's bounds allow."""
    told = {SEARCH: report.search_figures(found.asked), PUBLIC: found.public}
    errors, known = product_errors(found.points), released.get(ERROR, {})
    if not found.asked:
        return ["search: nothing was asked: not whole"]
    return [
        f"{name}: {figure} is {100 * own[figure].value:.1f} %, below {100 * bound:.1f} % of the last release"
        for name, own in told.items()
        for figure, bound in released.get(name, {}).items()
        if figure in own and own[figure].value < bound
    ] + [
        f"{ERROR}: {origin} is {error:.3f}, in the last release {known[origin]:.3f}"
        for origin, error in errors.items()
        if origin in known and error > known[origin] + _MORE_ERROR
    ]


def bounds(found: report.Found) -> dict[str, dict[str, float]]:
    """What the next run must not fall below, and the errors."""
    lows = {model: summarize(own) for model, own in report.by_model(found.lines).items()}
    lows |= {SEARCH: report.search_figures(found.asked), PUBLIC: found.public}
    told = {name: {figure: round(each.low, 4) for figure, each in own.items()} for name, own in lows.items()}
    return told | {ERROR: {origin: round(error, 4) for origin, error in product_errors(found.points).items()}}


async def _write_all(cases: Sequence[Case]) -> tuple[list[Line], dict[str, int]]:
    """The lines of all models, and how many each should have."""
    async with AsyncExitStack() as stack:
        asked: list[tuple[str, Case, Model, int]] = [(MODEL_NAME, case, OfflineModel(), 0) for case in cases]
        for name, answers in read_recorded().items():
            # A case that is newer than the answers has none.
            asked += [
                (f"{name}, recorded", case, Replayed(name, answers[case.name]), 0)
                for case in cases
                if case.name in answers
            ]
        judge: judging.Judge | None = None
        if key := os.environ.get("OPENAI_API_KEY"):
            url = os.environ.get("OPENAI_BASE_URL")
            endpoint = await stack.enter_async_context(open_endpoint(api_key=key, base_url=url, limit=_ANSWER))
            for name in filter(None, os.environ.get("EVAL_MODELS", "").split(",")):
                model = _a_model(endpoint, name.strip())
                asked += [(name.strip(), case, model, run) for case in cases for run in range(RUNS)]
            if judging_model := os.environ.get("EVAL_JUDGE"):
                judge = judging.Judge(_a_model(endpoint, judging_model))
        judges: dict[str, JudgeFor] = {"judge": judge.for_note} if judge else {}
        lines = [
            await run_case(case, name, model, run=run, prompt=prompt_version(), judges=judges)
            for name, case, model, run in asked
        ]
        if judge:
            agrees = [each for own in (await judging.agreement(judge.supports)).values() for each in own]
            print(f"The judge agrees with {sum(agrees):.0f} of {len(agrees)} labels of ours")
        return lines, Counter(name for name, *_ in asked)


def _a_model(endpoint: Endpoint, name: str) -> OpenAIModel:
    return OpenAIModel(endpoint, tenant="eval", model=name, fallback=None, limit=_ANSWER)


def keep(lines: Sequence[Line]) -> None:
    """Write the history: one file for each prompt and model, one line for each case and run."""
    HISTORY.mkdir(exist_ok=True)
    files: dict[str, list[Line]] = {}
    for line in lines:
        files.setdefault(f"{line['prompt']}-{_SUBSET.sub('_', line['model'])}.jsonl", []).append(line)
    for name, own in files.items():
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in own)
        (HISTORY / name).write_text(text, "utf-8")


async def _measure(only: str | None, names: Sequence[str], real: Path | None) -> tuple[list[str], report.Found]:
    """Why the evaluation must fail, and all that was measured."""
    cases = load_cases()
    asked: list[Asked] = []
    known: list[Point] = []
    fits: dict[str, dict[str, Fit]] = {}
    quality: Quality | None = None
    if only != "writing":
        async with open_empty_database() as database:
            fits = await find_fits(database, cases)
            asked = await replay(database)
            known = points.of_corpus(await leave_one_out(database))
            known += await points.of_real(database, real) if real else []
        quality = await measure(real) if real else None
        cases = [case.model_copy(update={"fits": fits[case.name]}) for case in cases]
        known = [*points.of_cases(cases), *known]
    lines: list[Line] = []
    faults: list[str] = []
    released = json.loads(RELEASED.read_text("utf-8")) if RELEASED.is_file() and not names else {}
    if only != "retrieval":
        chosen = [case for case in cases if not names or case.name in names]
        lines, runs = await _write_all(chosen)
        faults = find_faults(lines, runs, released)
    agreement = {
        wanted: found
        for wanted, agrees in (await judging.agreement(None)).items()
        if (found := interval(agrees)) is not None
    }
    measured = report.Found(lines, asked, known, fits, agreement, _of_public(quality))
    if only != "writing":
        faults += find_falls(measured, released)
    return faults, measured


def _of_public(quality: Quality | None) -> dict[str, Interval]:
    if quality is None:
        return {}
    shares = {"MAP": quality.precision, "recall@5": quality.recall_5, "recall@20": quality.recall_20}
    return {name: found for name, own in shares.items() if (found := interval(own)) is not None}


@click.command(help=__doc__, context_settings={"max_content_width": 120})
@click.option("--only", type=click.Choice(["writing", "retrieval"]), help="One half.")
@click.option("--case", "names", multiple=True, help="These cases alone.")
@click.option("--write", is_flag=True, help="Keep the history, the fits and the tables of docs/quality.md.")
@click.option("--release", is_flag=True, help="Keep the lower bounds too.")
@click.option("--real", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Folder of real tickets.")
def main(*, only: str | None, names: tuple[str, ...], write: bool, release: bool, real: Path | None) -> None:
    if release and (only or names or real is None):
        raise click.UsageError("--release keeps the bounds of all: without --only and --case, with RETRIEVAL_DATA")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    faults, found = asyncio.run(_measure(only, names, real))
    print(report.text(found))
    if only != "writing" and real is None:
        print("The larger public set: not measured, RETRIEVAL_DATA names no folder of it (docs/quality.md)")
    for fault in faults:
        print(f"FAILED {fault}", file=sys.stderr)
    if (write or release) and not (names or only or faults):
        keep(found.lines)
        write_fits(found.fits)
        report.write_tables(found)
    if release and not faults:
        RELEASED.write_text(json.dumps(bounds(found), indent=1) + "\n", "utf-8")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
