"""Counts the inputs that each property was tried on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fuzz.properties import EXAMPLES, TRIED


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Called by a property for each input."""
    name = request.node.name

    def count() -> None:
        TRIED[name] += 1

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if EXAMPLES > 100 and TRIED:
        terminalreporter.section(f"{sum(TRIED.values()):,} inputs tried")
        for name, count in sorted(TRIED.items()):
            terminalreporter.write_line(f"{count:>9,}  {name}")
