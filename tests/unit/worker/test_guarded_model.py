"""A busy model tells its circuit nothing, and a delivery waits for it no longer than its patience."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from app.core.outcome import MODEL_PATIENCE
from app.db.limits.circuits import Dependency
from app.errors import ModelAwaited, ModelBusy, ModelUnavailable
from app.worker.circuits import Circuit, GuardedModel

SECOND = timedelta(seconds=1)


class Told:
    """What circuits are told."""

    def __init__(self) -> None:
        self.failures = self.successes = 0

    async def record_failure(self, *_: Any) -> bool:
        self.failures += 1
        return False

    async def record_success(self, *_: Any) -> bool:
        self.successes += 1
        return True


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def complete(self, *_: Any, **__: Any) -> Any:
        raise self.error


async def ask(error: Exception, told: Told, *, age: timedelta) -> None:
    circuit = Circuit(cast(Any, told), uuid4(), Dependency.MODEL, is_open=False, is_failing=True)
    await GuardedModel(Failing(error), circuit, age=age).complete([], schema={})


@pytest.mark.parametrize("age", [SECOND, MODEL_PATIENCE + SECOND])
async def test_a_busy_model_is_neither_a_failure_nor_a_success(age: timedelta) -> None:
    told = Told()
    with suppress(ModelAwaited, ModelBusy):
        await ask(ModelBusy("x", retry_after=20 * SECOND), told, age=age)
    assert (told.failures, told.successes) == (0, 0)
    with suppress(ModelUnavailable):
        await ask(ModelUnavailable("x"), told, age=age)
    assert told.failures == 1


@pytest.mark.parametrize(
    ("age_s", "asked_s", "least_s", "most_s"), [(0, 20, 20, 30), (240, 20, 60, 90), (299, 290, 1, 1.5)]
)
async def test_a_delivery_waits_spread_and_within_its_patience(
    age_s: float, asked_s: float, least_s: float, most_s: float
) -> None:
    waits = set()
    for _ in range(5):
        with pytest.raises(ModelAwaited) as waiting:
            await ask(ModelBusy("x", retry_after=asked_s * SECOND), Told(), age=age_s * SECOND)
        assert waiting.value.retry_after is not None
        waits.add(waiting.value.retry_after.total_seconds())
    assert len(waits) > 1
    assert all(least_s <= wait <= most_s for wait in waits)


async def test_beyond_its_patience_it_waits_no_more() -> None:
    with pytest.raises(ModelBusy):
        await ask(ModelBusy("x", retry_after=SECOND), Told(), age=MODEL_PATIENCE)
