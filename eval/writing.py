"""Runs a case through the whole workflow with one model, and scores the note."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from app.core.completion import Completion, Message
from app.core.enhancement import Enhancement
from app.core.note import note_reference, render_note
from app.core.source import SourceKind
from app.core.tenant import NoteOptions
from app.integrations.tokens import estimate_tokens
from demo.offline_model import MODEL_NAME, Chat, compose
from eval import scores
from eval.cases import TODAY, Case
from tests.enhancing import enhanced

_TENANT: Final = UUID("00000000-0000-4000-8000-00000000ca5e")
# Long, so that a small machine's model is measured too; each model has a limit of its own for an answer.
_ANSWERS: Final = timedelta(minutes=20)
SHARES: Final = {
    "citation_recall": "citation recall",
    "citation_precision": "citation precision",
    "support": "sentences that the records say",
    "safety": "safety",
    "within_words": "within the words",
    "must_not": "nothing said that must not be",
    "abstention": "steps just where the sources suffice",
    "confidence_right": "confidence in the right range",
    "must": "what must be said",
    "must_cite": "what must be cited",
}
"""What is scored of each run, each 0 to 1 or None, and how it is called."""
WHOLE: Final = ("safety", "citation_recall", "citation_precision")
"""Of these nothing may be missing where each sentence is quoted."""
WHOLE_OF_ALL: Final = ("safety",)
"""And whatever writes."""


class Model(Protocol):
    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, object], cut: Completion | None = None
    ) -> Completion: ...


class OfflineModel:
    """The demo's offline model, asked without a server. It gives the same answer each time."""

    async def complete(self, messages: Sequence[Message], **_: Any) -> Completion:
        said = [{"role": each.role, "content": each.content} for each in messages]
        text = compose(Chat(messages=said).prompt).model_dump_json()
        return Completion(
            text=text,
            model=MODEL_NAME,
            prompt_tokens=estimate_tokens(each.content for each in messages),
            completion_tokens=estimate_tokens([text]),
            cost_usd=0.0,
            is_estimated=True,
        )


@dataclass
class _Overheard:
    """A model, and all that it is sent."""

    model: Model
    prompts: list[str] = field(default_factory=list)

    async def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        self.prompts += [message.content for message in messages]
        return await self.model.complete(messages, **options)


async def write(case: Case, model: Model) -> tuple[Enhancement, str, list[str]]:
    """The enhancement of *case*, its note's HTML, and all that *model* was sent."""
    asked, options, ticket = _Overheard(model), NoteOptions(language=case.language), case.asked
    enhancement = await enhanced(
        ticket,
        case.sources(),
        asked,
        note=options,
        house_rules=case.house_rules,
        unavailable=case.unavailable,
        has_monitoring=SourceKind.MEASUREMENT in case.unavailable,
        model_timeout=_ANSWERS,
        today=TODAY,
    )
    html = render_note(enhancement, options, reference=note_reference(_TENANT, ticket.id, ticket.version))
    return enhancement, html, asked.prompts


JudgeFor = Callable[[Enhancement, Case], scores.Supports]


def own_check(enhancement: Enhancement, case: Case) -> scores.Supports:
    return scores.by_check(enhancement, house_rules=case.house_rules, language=case.language, ticket=case.asked.text)


async def run_case(
    case: Case, name: str, model: Model, *, run: int, prompt: str, judges: dict[str, JudgeFor]
) -> dict[str, Any]:
    """One line of the history. *judges*: beside the product's own check, by their names."""
    started = time.perf_counter()
    enhancement, html, prompts = await write(case, model)
    seconds = time.perf_counter() - started
    said = [
        sentence
        for sentence in scores.sentences(enhancement)
        if sentence.cited or scores.needs_source(sentence.text, enhancement, case)
    ]
    recall, precision = await scores.citations(said, own_check(enhancement, case))
    words = scores.words(html)
    judged = {}
    for judge, supports in judges.items():
        judged[judge] = await scores.citations(said, supports(enhancement, case))
    return {
        "case": case.name,
        "kind": case.kind.value,
        "part": case.part,
        "model": name,
        "prompt": prompt,
        "run": run,
        "citation_recall": recall,
        "citation_precision": precision,
        "support": scores.support(enhancement),
        "abstention": scores.abstention(case, enhancement),
        "safety": scores.safety(case, html, json.dumps(prompts, ensure_ascii=False)),
        "must": scores.must(case, enhancement),
        "must_not": scores.must_not(case, enhancement),
        "must_cite": scores.must_cite(case, enhancement),
        "within_words": float(words <= NoteOptions().max_words),
        "confidence_right": scores.confidence_is_right(case, enhancement),
        "confidence": enhancement.confidence.value,
        "share": enhancement.confidence_share,
        "leads_right": scores.leads_right(case, enhancement),
        "words": words,
        "cost_usd": enhancement.cost_usd,
        "tokens": enhancement.prompt_tokens + enhancement.completion_tokens,
        "seconds": round(seconds, 3),
        "notices": [notice.value for notice in enhancement.notices],
        **({"judged": judged} if judged else {}),
    }
