"""Which fields a list of tickets is asked for, and what becomes of it where a build refuses them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from app.core.help_desk import Edition
from app.errors import HelpDeskRefused
from app.integrations.servicedesk.answers import AnswerOverLimit
from app.integrations.servicedesk.lists import Lists


class Build:
    """Answers pages of one ticket, and refuses some fields."""

    def __init__(self, *, refuses: Collection[str], error: type[Exception] = HelpDeskRefused) -> None:
        self._refuses = refuses
        self._error = error
        self.asked: list[list[str]] = []

    async def get(self, _path: str, info: dict[str, Any]) -> dict[str, Any]:
        fields = info["list_info"].get("fields_required", [])
        self.asked.append(fields)
        if set(fields) & set(self._refuses):
            raise self._error("no such field")
        return {"requests": [{"id": str(len(self.asked))}], "list_info": {"has_more_rows": False}}


async def read(build: Build) -> int:
    lists = Lists(build)  # type: ignore[arg-type]
    return len([row async for row in lists.tickets(updated_since=None, edition=Edition.ON_PREMISES)])


async def test_links_are_asked_for_with_the_list() -> None:
    build = Build(refuses=[])
    await read(build)
    assert len(build.asked) == 2  # by update time and by creation time
    assert all("linked_to_request" in fields and "description" in fields for fields in build.asked)


async def test_a_build_that_refuses_links_gives_all_else_and_is_asked_for_them_once() -> None:
    build = Build(refuses=["linked_to_request"])
    await read(build)
    assert ["linked_to_request" in fields for fields in build.asked] == [True, False, False]
    assert "description" in build.asked[-1]


@pytest.mark.parametrize("error", [HelpDeskRefused, AnswerOverLimit])
async def test_a_build_that_can_give_no_choice_is_asked_for_its_own(error: type[Exception]) -> None:
    build = Build(refuses=["description"], error=error)
    await read(build)
    assert build.asked[-1] == []
