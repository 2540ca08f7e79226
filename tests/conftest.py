"""`make test` tries the same inputs each time, so that it fails by what was changed alone; `make fuzz` tries new ones."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

settings.register_profile("the same each time", derandomize=True, deadline=None)
if "FUZZ_EXAMPLES" not in os.environ:
    settings.load_profile("the same each time")

# By default structlog draws each exception with all its variables: two seconds of CPU for one line of a log.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback


# Nothing of what is imported and collected is garbage. It stays to the end, and each collection would walk through it.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """The lines of the log."""
    with structlog.testing.capture_logs() as entries:
        yield entries
