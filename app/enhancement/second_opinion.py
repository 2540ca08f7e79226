"""Asks a second model which sentences of an answer are said by the records, in words of their own.

`core.check.support` compares words, so it loses what a model rewords freely. What it doubts is put to the model of
`OPENAI_JUDGE_MODEL`, without the ticket: that model reads the records, and the sentences as data.

Invariant: an opinion keeps only a sentence that `check.support.is_doubtful` leaves open. None lets through an operand
that no record has, a question, or what names a secret.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final

import structlog
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from app.core.check.checking import Checker
from app.core.completion import Completion
from app.core.masking import Mask
from app.core.steps import StepName, step
from app.enhancement.objects import find_objects
from app.enhancement.ports import Model
from app.enhancement.schema import strict_schema
from app.enhancement.write import compose_question
from app.errors import AppError

LIMIT_S: Final = 15.0
"""For the opinion: it is short, and the note does not depend on it."""
MAX_SENTENCES: Final = 20

log = structlog.get_logger(__name__)


def _listed(refs: Any) -> Any:
    return re.findall(r"\w+", refs) if isinstance(refs, str) else refs


class Ruling(BaseModel, frozen=True):
    """Which records say a sentence."""

    sentence: int = Field(description="Its number.")
    refs: Annotated[list[str], BeforeValidator(_listed)] = Field(
        description="Refs of the records that say it; empty: none does."
    )


class Opinion(BaseModel, frozen=True):
    rulings: list[Ruling] = Field(description="One for each sentence.")


@cache
def opinion_schema() -> dict[str, Any]:
    """The JSON schema of an `Opinion`, as strict structured output wants it."""
    return strict_schema(Opinion)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a second model said."""

    found: Mapping[str, frozenset[str]]
    """The sentences that records say, with the refs of these."""
    completions: list[Completion]
    """Its answer, if there is one."""
    seconds: float
    """How long that took."""
    is_silent: bool = False
    """It was asked and gave no answer."""


async def ask_opinion(judge: Model, checker: Checker, *, mask: Mask, unread: Collection[str], left_s: float) -> Heard:
    """Ask *judge* about the sentences that *checker*, which has checked the whole draft, doubts.

    *mask* and *unread* (refs of sources that it was not given) are the first model's; *left_s* is left for all models.
    """
    sentences = list(dict.fromkeys(each.sentence for each in checker.lost if each.is_doubtful))[:MAX_SENTENCES]
    records = [record for record in checker.records.records if record.ref and record.ref not in unread]
    if not sentences or not records or left_s <= 0:
        return Heard({}, [], 0.0)
    started = time.perf_counter()
    with step(StepName.SECOND_OPINION) as note:
        try:
            async with asyncio.timeout(min(left_s, LIMIT_S)):
                completion = await judge.complete(
                    compose_question(sentences, records, mask=mask), schema=opinion_schema()
                )
        except (AppError, TimeoutError) as error:
            cause = getattr(error, "detail", "no answer in time")
            log.warning("second_opinion_missing", cause=cause)
            note.is_fine, note.result = False, f"none: {cause}"
            return Heard({}, [], time.perf_counter() - started, is_silent=True)
        found = read_opinion(completion.text, sentences, {record.ref for record in records})
        note.result = f"{completion.model}: {len(found)} of {len(sentences)} sentences are in the records"
        return Heard(found, [completion], time.perf_counter() - started)
    raise AssertionError


def read_opinion(answer: str, sentences: Sequence[str], refs: Collection[str]) -> dict[str, frozenset[str]]:
    """The sentences that *answer* finds in records, with the refs of these. An answer that is not clear finds none."""
    objects = find_objects(answer).objects
    # A server that ignores the schema may have answered with the list alone.
    said = objects[0].get("rulings") if len(objects) == 1 and "rulings" in objects[0] else objects
    try:
        opinion = Opinion.model_validate({"rulings": said})
    except (ValidationError, RecursionError):
        return {}
    ruled: dict[str, set[frozenset[str]]] = {}
    for ruling in opinion.rulings:
        if 0 < ruling.sentence <= len(sentences):
            ruled.setdefault(sentences[ruling.sentence - 1], set()).add(frozenset(ruling.refs).intersection(refs))
    return {text: found for text, each in ruled.items() if len(each) == 1 and (found := next(iter(each)))}
