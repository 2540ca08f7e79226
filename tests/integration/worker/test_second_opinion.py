"""A tenant's second model is asked, at the endpoint that it goes with, about the sentences that the check doubts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from app.core.enhancement import Draft
from app.db.reports.costs import Usages
from app.db.reports.models import list_unpriced
from app.db.reports.overview import load_figures
from demo.offline_model import Chat, ModelSimulator, _completion
from tests.integration.worker.conftest import Stage

STEP = {
    "text": "Nurse the Outlook profile back to health, then keep cached mode going all the while.",
    "citations": ["T1"],
}
DRAFT = Draft.model_validate(
    {
        "facts": [{"text": "Turned on cached mode and repaired the Outlook profile.", "citations": ["T1"]}],
        "hypotheses": [],
        "next_steps": [STEP],
        "summary": "Cached mode was off.",
        "summary_citations": ["T1"],
    }
)


class TwoModels(ModelSimulator):
    """The writer words a step of its own; the second model finds all in each record."""

    async def _complete(self, request: web.Request) -> web.Response:
        chat = Chat.model_validate_json(await request.read())
        self.requests.append(chat)
        if chat.messages[0]["content"].startswith("You help technicians"):
            return _completion(chat, DRAFT.model_dump_json())
        said = chat.messages[-1]["content"]
        data = json.loads(said[said.index("{") : said.rindex("}") + 1])
        refs = [each["ref"] for each in data["records"]]
        rulings = [{"sentence": each["sentence"], "refs": refs} for each in data["sentences"]]
        return _completion(chat, json.dumps({"rulings": rulings}))


@pytest.fixture
async def model() -> AsyncIterator[ModelSimulator]:
    simulator = TwoModels()
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.mark.parametrize(
    ("stage", "models"),  # without a second model the step, the only one, is sent back to the first
    [({}, ["gpt-4o-mini", "gpt-4o-mini"]), ({"model": {"judge": "our-judge"}}, ["gpt-4o-mini", "our-judge"])],
    indirect=["stage"],
)
async def test_a_reworded_step_is_in_the_note_where_there_is_a_second_model(stage: Stage, models: list[str]) -> None:
    note = await stage.note_on(
        stage.ticket(subject="Outlook shows no new mail", description="Outlook shows no new mail since noon.")
    )
    assert [(each.model_extra or {})["model"] for each in stage.model.requests] == models
    assert ("back to health" in note) == ("our-judge" in models)
    # The writer's price is known, the second model's is not: what it cost is no sum that looks whole.
    today = datetime.now(UTC).date()
    span = {"since": today - timedelta(days=1), "until": today + timedelta(days=2)}
    assert bool(await list_unpriced(stage.database, [stage.tenant.id], **span)) == ("our-judge" in models)
    _, [figures] = await load_figures(stage.database, [stage.tenant.id], Usages())
    assert figures.is_unpriced == ("our-judge" in models)
