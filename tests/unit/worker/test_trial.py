"""Why a sentence of the model is not in a note, as `ai-agents try` tells it."""

from __future__ import annotations

import pytest

from app.core.completion import Completion
from app.core.enhancement import Confidence, Enhancement, Statement
from app.worker.trial import Asked, _left_out
from tests.builders import a_draft, a_source, a_tenant, a_ticket, gathered

STEP = "Restart the print spooler on SRV-PRINT-01."


@pytest.mark.parametrize(("confidence", "why"), [(Confidence.LOW, "at low confidence"), (Confidence.HIGH, "no room")])
def test_steps_that_low_confidence_drops_are_told_as_that(confidence: Confidence, why: str) -> None:
    draft = a_draft(summary="", facts=[], hypotheses=[], next_steps=[Statement(text=STEP, citations=["T1"])])
    asked = Asked([], completion=Completion(text=draft.model_dump_json(), model="m"))
    enhancement = Enhancement(gathered=gathered(a_source(text=STEP)), confidence=confidence)
    [left] = _left_out([asked], enhancement, a_ticket(), a_tenant())
    assert (left.text, why in left.why) == (STEP, True)
