"""What the check loses of the recorded models' first answers, and how many cases are asked, and paid, a second time.

Run as `python -m eval.first_answers`; with `--tell` each sentence that is lost stands with its fault.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from unittest.mock import patch

import click
import structlog

from app.core.check.checking import Checker
from app.enhancement.write import parse_draft
from app.errors import ModelRefused
from eval.cases import load_cases
from eval.recorded import Replayed, read_recorded
from eval.writing import write


def _sentences(text: str) -> int:
    try:
        draft = parse_draft(text)
    except ModelRefused:
        return 0
    return 1 + len(draft.facts) + len(draft.hypotheses) + len(draft.next_steps)


async def measure(name: str, answers: dict[str, list[dict[str, Any]]], *, tells: bool) -> str:
    checkers: list[Checker] = []
    make = Checker.of

    def noted(*args: Any, **options: Any) -> Checker:
        checkers.append(make(*args, **options))
        return checkers[-1]

    written, lost, again = 0, 0, 0
    cases = [case for case in load_cases() if case.name in answers]
    with patch.object(Checker, "of", noted):
        for case in cases:
            checkers.clear()
            model = Replayed(name, answers[case.name])
            await write(case, model)
            again += model.given > 1
            written += _sentences(answers[case.name][0]["text"])
            faults = {each.sentence: each.fault for each in checkers[0].lost}
            lost += len(faults)
            for sentence, fault in faults.items() if tells else ():
                print(f"{case.name}: {sentence} ({fault})")
    return f"{name}: {lost} of {written} sentences lost, {again} of {len(cases)} cases asked again"


@click.command()
@click.option("--tell", "tells", is_flag=True, help="Each sentence that is lost.")
def main(tells: bool) -> None:
    """Of each model of eval/recorded."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name, answers in read_recorded().items():
        print(asyncio.run(measure(name, answers, tells=tells)))


if __name__ == "__main__":
    main()
