"""Which fields a list of tickets is asked for where a build refuses some, and how lists tell that they end."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from app.core.help_desk import Edition
from app.errors import HelpDeskRefused, HelpDeskUnavailable
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
    return len([row async for row in lists.tickets(updated_since=None, edition=Edition.ON_PREMISES, account_fields=())])


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


class Pages:
    """Answers its pages in turn."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)

    async def get(self, _path: str, _info: dict[str, Any]) -> dict[str, Any]:
        return self._answers.pop(0)


@pytest.mark.parametrize("yes", [True, "true", 1])
@pytest.mark.parametrize("no", [False, "false", 0, None])
async def test_a_list_goes_on_however_more_rows_are_told(yes: object, no: object) -> None:
    pages = [
        {"notes": [{"id": str(at)}], "list_info": {"has_more_rows": told}} for at, told in enumerate([yes, yes, no])
    ]
    assert [row["id"] async for row in Lists(Pages(*pages)).rows("/notes", "notes")] == ["0", "1", "2"]  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, "0"])
@pytest.mark.parametrize("rows", [{}, {"notes": None}, {"notes": []}])
async def test_a_list_of_no_rows_may_be_left_out(rows: dict[str, Any], count: object) -> None:
    page = {**rows, "list_info": {"row_count": count, "has_more_rows": False}}
    assert [row async for row in Lists(Pages(page)).rows("/notes", "notes")] == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "page", [{}, {"list_info": {"row_count": 5}}, {"notes": {"1": {}}, "list_info": {"row_count": 0}}]
)
async def test_an_answer_without_the_list_is_not_taken_for_an_empty_one(page: dict[str, Any]) -> None:
    with pytest.raises(HelpDeskUnavailable):
        _ = [row async for row in Lists(Pages(page)).rows("/notes", "notes")]  # type: ignore[arg-type]
