import asyncio

import pytest

from app.core.source import SourceKind
from app.core.steps import StepName, noting_steps, step
from app.errors import HelpDeskUnavailable


async def test_steps_of_tasks_side_by_side_are_collected() -> None:
    async def work(name: SourceKind) -> None:
        with step(name) as note:
            note.result = "found 2"

    with noting_steps() as steps:
        await asyncio.gather(work(SourceKind.ARTICLE), work(SourceKind.ASSET))
    assert sorted((each.name, each.result, each.is_fine) for each in steps) == [
        ("assets", "found 2", True),
        ("knowledge", "found 2", True),
    ]


def test_a_step_that_raises_ended_badly_and_says_why() -> None:
    with noting_steps() as steps:
        with pytest.raises(HelpDeskUnavailable), step(StepName.LOAD):
            raise HelpDeskUnavailable("it is out")
        with pytest.raises(KeyError), step(StepName.WRITE):
            raise KeyError("text of a ticket")
    assert [(each.result, each.is_fine) for each in steps] == [("it is out", False), ("KeyError", False)]


def test_nobody_collects_outside_a_block() -> None:
    with step(StepName.LOAD) as note:
        note.result = "fine"
    with noting_steps() as steps:
        pass
    assert steps == []
