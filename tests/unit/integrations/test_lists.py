"""Which fields a list of tickets is asked for where a build refuses some, and how lists tell that they end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

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


class Shrinking:
    """A list of *number* rows, of which the first *deleted* go after each page."""

    def __init__(self, number: int, *, deleted: int) -> None:
        self._rows = [{"id": str(at)} for at in range(number)]
        self._deleted = deleted

    async def get(self, _path: str, told: dict[str, Any]) -> dict[str, Any]:
        first = told["list_info"]["start_index"] - 1
        page = self._rows[first : first + told["list_info"]["row_count"]]
        has_more = first + len(page) < len(self._rows)
        del self._rows[: self._deleted]
        return {"solutions": page, "list_info": {"has_more_rows": has_more}}


@pytest.mark.parametrize("deleted", [0, 1, 5])
async def test_a_row_behind_one_that_is_deleted_while_a_list_is_read_is_not_passed_over(deleted: int) -> None:
    rows = [row async for row in Lists(Shrinking(420, deleted=deleted)).rows("/solutions", "solutions")]  # type: ignore[arg-type]
    assert [row["id"] for row in rows] == [str(at) for at in range(420)]


class Sorted:
    """A build that has tickets with these times, in milliseconds, and answers as it is asked."""

    def __init__(self, times: Sequence[int], *, field: str, counts: bool = True) -> None:
        self._rows = [{"id": str(number), field: {"value": str(time)}} for number, time in enumerate(times, 1)]
        self._counts = counts
        """Whether it heeds `start_index`."""
        self.calls = 0

    async def get(self, _path: str, told: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        info, rows = told["list_info"], self._rows
        field, first = info["sort_field"], info["start_index"] - 1 if self._counts else 0
        least = int(info.get("search_criteria", {}).get("value", 0))
        rows = sorted((row for row in rows if self._time(row, field) >= least), key=lambda row: self._time(row, field))
        page = rows[first : first + info["row_count"]]
        return {"requests": page, "list_info": {"has_more_rows": first + len(page) < len(rows)}}

    @staticmethod
    def _time(row: dict[str, Any], field: str) -> int:
        return int(row[field]["value"]) if field in row else 0


T: Final = 1_700_000_000_000


@pytest.mark.parametrize("field", ["last_updated_time", "created_time"])
@pytest.mark.parametrize(
    "times",
    [[T] * 250, [T] * 100, [T - 1] * 150 + [T] * 250 + [T + 1] * 150, [T] * 99 + [T + 1] * 301, [T, *[T + 1] * 201]],
    ids=["one-time", "one-page", "three-times", "over-a-page", "after-another"],
)
@pytest.mark.parametrize("since", [None, T - 1], ids=["first", "later"])
async def test_however_many_tickets_have_one_time_each_is_listed_once(
    field: str, times: list[int], since: int | None
) -> None:
    build = Sorted(times, field=field)
    updated_since = None if since is None else datetime.fromtimestamp(since / 1000, tz=UTC)
    listed = Lists(build).tickets(updated_since=updated_since, edition=Edition.ON_PREMISES, account_fields=())  # type: ignore[arg-type]
    assert [row["id"] async for row in listed] == [str(number) for number in range(1, len(times) + 1)]
    assert build.calls <= 15


async def test_a_build_that_always_gives_the_same_page_of_one_time_ends_the_list() -> None:
    build = Sorted([T] * 250, field="last_updated_time", counts=False)
    listed = Lists(build).tickets(updated_since=None, edition=Edition.ON_PREMISES, account_fields=())  # type: ignore[arg-type]
    with pytest.raises(HelpDeskUnavailable, match="does not end"):
        _ = [row async for row in listed]
    assert build.calls == 2
