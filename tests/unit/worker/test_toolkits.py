"""What a toolkit does beside the workflow."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.worker import toolkits
from app.worker.toolkits import Toolkit
from tests.builders import a_tenant, a_ticket


async def test_what_writes_the_history_is_loaded_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes half a second, in which other attempts go on."""
    written: list[Any] = []

    def load() -> Any:
        assert threading.current_thread() is not threading.main_thread()
        return SimpleNamespace(upsert_tickets=write, drop_stored=write)

    async def write(*given: Any, language: str) -> None:
        written.extend([given[-1], language])

    async def load_ticket(_: str) -> Any:
        return ticket

    @asynccontextmanager
    async def as_tenant(_: object) -> AsyncIterator[None]:
        yield

    ticket, tenant = a_ticket(), a_tenant()
    kit = SimpleNamespace(
        tenant=tenant,
        help_desk=SimpleNamespace(load_ticket=load_ticket),
        _database=SimpleNamespace(as_tenant=as_tenant),
    )
    monkeypatch.setattr(toolkits, "_load_store", load)
    await Toolkit.learn(cast("Toolkit", kit), "1")
    await Toolkit.forget(cast("Toolkit", kit), "2")
    assert written == [[ticket], "en", ["2"], "en"]
