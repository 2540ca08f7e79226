"""Answers of real models, recorded once, so that every change is measured on what a real model writes.

    OPENAI_API_KEY=… OPENAI_BASE_URL=… python -m eval.recorded MODEL     # ask it about all cases, and keep its answers

One file a model, `eval/recorded/<model>.jsonl`, a JSON object for each answer, in the order of the calls: `case`, `text`,
`prompt_tokens`, `completion_tokens`, `cut_at`, `prompt` (version of the prompt that it answered) and `on` (date). What they are
answers to is about today's prompt; how far the two are apart shows in `prompt`. Record anew when the prompt asks for
something else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import structlog

from app.core.completion import Completion, Message
from app.enhancement.write import prompt_version
from app.errors import ModelUnavailable
from app.integrations.openai import OpenAIModel, open_endpoint
from eval.cases import Case, Kind, load_cases
from eval.writing import Model, write

FOLDER: Final = Path(__file__).parent / "recorded"
_FIELDS: Final = ("text", "prompt_tokens", "completion_tokens", "cut_at")
_IN_A_NAME: Final = re.compile(r"[^\w.-]+")


@dataclass
class Replayed:
    """A model that gives the answers that one case got. Asked once more than then, it repeats its last, as most do."""

    name: str
    answers: Sequence[dict[str, Any]]
    given: int = 0

    async def complete(self, *_: Any, **__: Any) -> Completion:
        if not self.answers:
            raise ModelUnavailable("no answer to this case was recorded")
        answer = self.answers[min(self.given, len(self.answers) - 1)]
        self.given += 1
        return Completion(model=self.name, cost_usd=None, **{name: answer[name] for name in _FIELDS})


@dataclass
class _Listening:
    """A model, and all that it answered."""

    model: Model
    answers: list[Completion] = field(default_factory=list)
    asked: int = 0

    async def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        self.asked += 1
        self.answers.append(await self.model.complete(messages, **options))
        return self.answers[-1]


def read_recorded(folder: Path = FOLDER) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """For each recorded model, its answers by case."""
    recorded: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        answers = recorded.setdefault(path.stem, defaultdict(list))
        for line in path.read_text("utf-8").splitlines():
            answer = json.loads(line)
            answers[answer["case"]].append(answer)
    return recorded


async def record(case: Case, model: Model) -> list[dict[str, Any]]:
    """What *model* answers about *case*; empty when it is not asked, as nothing is known that could help.

    Raises:
        ModelUnavailable: It was asked, and gave no answer.
    """
    listening = _Listening(model)
    await write(case, listening)
    if listening.asked > len(listening.answers):
        raise ModelUnavailable(f"{case.name}: no answer")
    told = {"case": case.name, "prompt": prompt_version(), "on": f"{datetime.now(UTC):%Y-%m-%d}"}
    return [{**told, **{name: getattr(answer, name) for name in _FIELDS}} for answer in listening.answers]


async def _record_all(name: str, cases: Sequence[Case], path: Path, limit: timedelta) -> None:
    endpoint = open_endpoint(
        api_key=os.environ["OPENAI_API_KEY"], base_url=os.environ.get("OPENAI_BASE_URL"), limit=limit
    )
    async with endpoint as open_one:
        model = OpenAIModel(open_one, tenant="eval", model=name, fallback=None, limit=limit)
        for case in cases:
            try:
                answers = await record(case, model)
            except ModelUnavailable as error:
                sys.exit(f"{error.detail}; what was answered before is kept, so call this again to go on")
            with path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
            print(f"{case.name}: {len(answers)} answers", flush=True)


def _kinds_in_turn(cases: Sequence[Case]) -> list[Case]:
    """So that a part of them, where a model is slow, has all kinds."""
    seen: Counter[Kind] = Counter()
    places = []
    for case in cases:
        places.append((seen[case.kind], case))
        seen[case.kind] += 1
    return [case for _, case in sorted(places, key=lambda each: each[0])]


@click.command(help=__doc__, context_settings={"max_content_width": 120})
@click.argument("model")
@click.option("--limit", default=600, show_default=True, help="Seconds for one answer.")
def main(*, model: str, limit: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if "OPENAI_API_KEY" not in os.environ:
        sys.exit("OPENAI_API_KEY is not set; a server that needs no key takes any word")
    FOLDER.mkdir(exist_ok=True)
    stem = _IN_A_NAME.sub("_", model)
    done = read_recorded().get(stem, {})
    cases = [case for case in _kinds_in_turn(load_cases()) if case.name not in done]
    asyncio.run(_record_all(model, cases, FOLDER / f"{stem}.jsonl", timedelta(seconds=limit)))


if __name__ == "__main__":
    main()
