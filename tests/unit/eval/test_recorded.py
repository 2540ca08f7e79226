"""What real models answered, once: each note of it keeps every promise that holds whatever a model writes."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.completion import Completion
from app.errors import ModelUnavailable
from eval.cases import Case, load_cases
from eval.recorded import Replayed, read_recorded, record
from eval.writing import run_case

CASES = {case.name: case for case in load_cases()}
RECORDED = [
    pytest.param(CASES[case], model, answers, id=f"{model}-{case}")
    for model, by_case in read_recorded().items()
    for case, answers in by_case.items()
]


@pytest.mark.parametrize(("case", "model", "answers"), RECORDED)
async def test_a_note_of_a_real_model_is_safe_and_short(case: Case, model: str, answers: list[dict[str, Any]]) -> None:
    line = await run_case(case, model, Replayed(model, answers), run=0, prompt="any", judges={})
    assert (line["safety"], line["within_words"]) == (1.0, 1.0)


async def test_an_answer_is_recorded_and_replayed_as_it_was() -> None:
    case = CASES["clear-vpn-809"]
    unlike = Completion(text="no JSON", model="m", prompt_tokens=5, completion_tokens=2)

    class Broken:
        async def complete(self, *_: Any, **__: Any) -> Completion:
            return unlike

    answers = await record(case, Broken())
    assert [answer["text"] for answer in answers] == ["no JSON"] * 2, "it is asked to mend its answer once"
    replayed = Replayed("m", answers)
    assert [await replayed.complete([]) for _ in range(3)] == [unlike] * 3, "its last one is repeated"
    with pytest.raises(ModelUnavailable, match="no answer"):
        await Replayed("m", []).complete([])
