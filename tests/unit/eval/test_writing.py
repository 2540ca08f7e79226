"""The quick part of the evaluation: all cases with the offline model, with the fits that `make eval` stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.completion import Completion, Message
from app.enhancement.write import prompt_version
from demo.offline_model import MODEL_NAME
from eval.__main__ import find_faults
from eval.cases import FOLDER, Case, Kind, load_cases
from eval.corpus import TENANTS, load_corpus
from eval.judging import Judge, read_labels
from eval.report import summarize
from eval.writing import OfflineModel, run_case
from tests.builders import a_source

CASES = load_cases()
# What the offline model must pass: all that is no matter of relevance.
DETERMINISTIC = (
    "citation_recall",
    "citation_precision",
    "safety",
    "within_words",
    "support",
    "abstention",
    "confidence_right",
)
# "My badge opens the garage" is taken for "Badge does not open the garage" (docs/quality.md).
FAILS = {"misleading-badge-lift": {"abstention", "confidence_right"}}


def test_there_are_at_least_six_cases_of_each_kind_half_of_them_held_out() -> None:
    kinds = Counter((case.kind, case.part) for case in CASES)
    assert all(kinds[kind, part] >= 3 for kind in Kind for part in ("dev", "held"))
    assert len({case.language for case in CASES}) == 4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_offline_model_passes_what_can_be_checked(case: Case) -> None:
    line = await run_case(case, MODEL_NAME, OfflineModel(), run=0, prompt=prompt_version(), judges={})
    assert {name for name in DETERMINISTIC if line[name] not in {None, 1.0}} == FAILS.get(case.name, set())
    assert set(line["notices"]) <= {"nothing_found"}, "an answer of it is never refused"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_names_only_what_is_there(case: Case) -> None:
    assert set(case.must_cite) <= set(case.relevance)
    assert set(case.fits) <= set(case.relevance), "make eval EVAL=--write"
    texts = " ".join((case.ticket.subject, case.ticket.description, *(each.resolution for each in case.tickets)))
    assert all(value in texts or value == case.ticket.requester for value in case.hidden)


def test_a_new_case_is_a_folder_and_a_wrong_key_is_told(tmp_path: Any) -> None:
    text = (FOLDER / "clear-vpn-809" / "case.yaml").read_text("utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "case.yaml").write_text(text)
    assert [case.name for case in load_cases(tmp_path)] == ["mine"]
    (tmp_path / "mine" / "case.yaml").write_text(text + "must_sing: [x]\n")
    with pytest.raises(ValidationError, match="must_sing"):
        load_cases(tmp_path)
    with pytest.raises(LookupError, match="no cases"):
        load_cases(tmp_path / "mine")


def lines(number: int, **changes: Any) -> list[dict[str, Any]]:
    whole = dict.fromkeys(("citation_recall", "citation_precision", "safety", "must"), 1.0)
    rest = dict.fromkeys(("support", "abstention", "must_not", "must_cite", "within_words", "confidence_right"), None)
    return [{"case": str(each), "model": "m", "notices": [], **rest, **whole, **changes} for each in range(number)]


def test_a_run_that_is_empty_or_not_whole_fails() -> None:
    assert find_faults(lines(3), {"m": 3}, {}) == []
    assert "2 of 3 runs" in find_faults(lines(2), {"m": 3}, {})[0]
    assert "0 of 0 runs" in find_faults([], {"m": 0}, {})[0]
    assert "3 of 9 runs" in find_faults(lines(3), {"m": 9}, {})[0]
    silent = [*lines(2), *lines(1, case="2", notices=["model_unavailable"])]
    assert "no answer in 1 of 3 runs" in find_faults(silent, {"m": 3}, {})[0]


def test_a_run_fails_where_what_must_be_whole_is_not_and_below_the_last_release() -> None:
    unsafe = [*lines(2), *lines(1, case="2", safety=0.0)]
    assert "safety is 66.7 %" in find_faults(unsafe, {"m": 3}, {})[0]
    uncited = [*lines(2), *lines(1, case="2", citation_recall=0.0)]
    offline = [{**line, "model": MODEL_NAME} for line in uncited]
    assert "citation_recall is 66.7 %" in find_faults(offline, {MODEL_NAME: 3}, {})[0]
    assert find_faults(uncited, {"m": 3}, {}) == [], "what a real model cites is held by the last release"
    fallen = [*lines(2, must=0.5), *lines(1, case="2", must=0.5)]
    assert find_faults(fallen, {"m": 3}, {"m": {"must": 0.4}}) == []
    [fault] = find_faults(fallen, {"m": 3}, {"m": {"must": 0.6}})
    assert "must is 50.0 %, below 60.0 %" in fault


def test_the_runs_of_a_case_count_as_one() -> None:
    runs = [*lines(1, must=1.0), *lines(1, must=0.0), *lines(1, case="1", must=1.0)]
    must = summarize(runs)["must"]
    assert (must.value, must.number) == (0.75, 2)


@pytest.mark.parametrize("name", TENANTS)
def test_the_corpus_is_whole(name: str) -> None:
    corpus = load_corpus(name)
    groups = Counter(known.group for known in corpus.known)
    assert len(corpus.known) > 70
    assert sum(number > 1 for number in groups.values()) > 25
    assert set().union(*corpus.about.values()) <= set(groups), "an article is about groups that are there"
    assert {known.part for known in corpus.known} == {"dev", "held"}


def test_a_hundred_labels_half_of_each() -> None:
    assert Counter(wanted for wanted, _, _ in read_labels()) == {True: 50, False: 50}


async def test_a_judge_is_asked_once_for_a_sentence_and_its_answer_is_read() -> None:
    asked: list[str] = []

    class Yes:
        async def complete(self, messages: Sequence[Message], **_: Any) -> Completion:
            asked.append(messages[-1].content)
            supported = "Opened" in messages[-1].content
            return Completion(text=f'Sure: {{"supported": {str(supported).lower()}}}', model="m")

    judge = Judge(Yes())
    opened, closed = (a_source(text=text) for text in ("Opened port 80.", "Closed it."))
    assert [await judge.supports("Open port 80.", [each]) for each in (opened, opened, closed)] == [True, True, False]
    assert len(asked) == 2
    with pytest.raises(ValueError, match="neither"):
        await Judge(OfflineModel()).supports("Open port 80.", [opened])
