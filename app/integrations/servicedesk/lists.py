"""Lists of ServiceDesk Plus, page by page.

Invariant: reading a list ends: a page that brings nothing new stops it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from app.core.help_desk import AccountRef, Edition
from app.errors import Code, HelpDeskRefused, HelpDeskUnavailable
from app.integrations.servicedesk.answers import (
    AnswerOverLimit,
    CredentialsRefused,
    Missing,
    Unclear,
    not_understood,
)
from app.integrations.servicedesk.calls import RestApi
from app.integrations.servicedesk.mapping import Row, account_of, display_id_of, is_true, parse_id, time_of

PAGE_ROWS: Final = 100
"""The most that ServiceDesk Plus gives at once."""
MAX_PAGES: Final = 10_000
_OVERLAP: Final = 5
"""How many rows of a whole page the next one has again: so many may be deleted between two calls, and none behind them
is passed over. What a list that was read to its end lacks is forgotten."""

_TICKET_FIELDS: Final = (
    "subject",
    "description",
    "requester",
    "priority",
    "status",
    "category",
    "subcategory",
    "group",
    "technician",
    "resolution",
    "created_time",
    "last_updated_time",
    "resolved_time",
    "completed_time",
)
_CLOUD_FIELDS: Final = ("display_id", "is_trashed", "deleted_time")
# Not needed, and of a build that refuses them the list is asked for without them, the last one first.
_FURTHER_FIELDS: Final = ("closure_info", "linked_to_request")


def ticket_fields(edition: Edition, account_fields: Sequence[str]) -> list[str]:
    own = {field.partition(".")[0] for field in account_fields}
    return [*_TICKET_FIELDS, *(_CLOUD_FIELDS if edition.is_cloud else ()), *sorted(own)]


class Lists:
    """Reads lists through *api*."""

    def __init__(self, api: RestApi) -> None:
        self._api = api
        self._further = len(_FURTHER_FIELDS)

    async def rows(self, path: str, key: str) -> AsyncIterator[Row]:
        """Each row of a list once, in the order in which ServiceDesk Plus returns them.

        Pages are asked for by index, which is that of another row once one before it is deleted: so they overlap.
        """
        seen: set[str] = set()
        start, count = 1, PAGE_ROWS
        for _ in range(MAX_PAGES):
            try:
                rows, has_more = await self._page(path, key, {"start_index": start, "row_count": count})
            except AnswerOverLimit:  # texts with embedded pictures: read fewer rows at once
                if count == 1:
                    raise
                count = max(count // 10, 1)
                continue
            fresh = [row for row in rows if parse_id(row) not in seen]
            for row in fresh:
                seen.add(parse_id(row))
                yield row
            if not has_more:
                return
            if not fresh:
                raise _endless()
            start += len(rows) - (_OVERLAP if len(rows) == PAGE_ROWS else 0)
        raise _endless()

    async def peek(self) -> int:
        """How many rows the first page of tickets has."""
        rows, _ = await self._page("/requests", "requests", {"start_index": 1})
        return len(rows)

    async def tickets(
        self, *, updated_since: datetime | None, edition: Edition, account_fields: Sequence[str]
    ) -> AsyncIterator[Row]:
        """The tickets' rows, oldest update first; then those without an update time, oldest first.

        A build may leave `last_updated_time` empty until the first update, and its search by that field then finds no
        new ticket. So the list is read a second time by `created_time`, and only those tickets are added.
        """
        ask = partial(
            self._by_time,
            since=updated_since,
            fields=ticket_fields(edition, account_fields),
            account_fields=account_fields,
        )
        async for row in ask("last_updated_time"):
            if time_of(row.get("last_updated_time")) is not None:
                yield row
        async for row in ask("created_time"):
            if time_of(row.get("last_updated_time")) is None:
                yield row

    async def _by_time(
        self, field: str, *, since: datetime | None, fields: list[str], account_fields: Sequence[str]
    ) -> AsyncIterator[Row]:
        """The tickets in the order of *field*, each once per time and account that it has there.

        The next page is asked for by the last row's time, not by its index: a ticket that is updated meanwhile moves
        to the end, so the ticket after it moves to a page that was read already and would be missed. The index is used
        only among rows with the same time, which may be many: a history that was imported has the day alone.
        """
        cursor, start = _millis(since), 1
        seen: set[tuple[str, int | None, AccountRef]] = set()
        previous: list[str] = []
        for _ in range(MAX_PAGES):
            info = _by_time_info(field, cursor, start)
            rows, has_more = await self._ticket_page(info, fields)
            for row in rows:
                entry = (parse_id(row), _millis(time_of(row.get(field))), account_of(row, account_fields))
                if entry not in seen:
                    seen.add(entry)
                    yield row
            ids = [parse_id(row) for row in rows]
            if not has_more:
                return
            if not rows or ids == previous:
                raise _endless()
            previous = ids
            times = [time for row in rows if (time := _millis(time_of(row.get(field)))) is not None]
            is_sorted = times == sorted(times)  # for a build that does not sort, the next page is asked for by index
            # From the time of a page that has no other, the next one would begin with the same rows.
            if is_sorted and len(set(times)) > 1 and (cursor is None or times[-1] > cursor):
                cursor, start = times[-1], 1
            else:
                start += len(rows)
        raise _endless()

    async def _ticket_page(self, info: dict[str, Any], fields: list[str]) -> tuple[list[Row], bool]:
        """A page of tickets with *fields*, or with the default fields if the build refuses a choice of fields."""
        for further in range(self._further, -1, -1):
            choice = [*fields, *_FURTHER_FIELDS[:further]]
            try:
                page = await self._page("/requests", "requests", {**info, "fields_required": choice})
            except (CredentialsRefused, Missing):
                raise
            except AnswerOverLimit:
                break
            except (HelpDeskRefused, Unclear):
                continue
            self._further = further
            return page
        return await self._page("/requests", "requests", info)

    async def find_ticket(self, display_id: str) -> Row | None:
        """The ticket that technicians know by *display_id*; None when there is none, or the build can't search so.

        Each row is compared: a build that does not know the field may answer with all tickets.
        """
        criteria = {"field": "display_id", "condition": "is", "value": display_id}
        try:
            rows, _ = await self._page("/requests", "requests", {"start_index": 1, "search_criteria": criteria})
        except (CredentialsRefused, AnswerOverLimit):
            raise
        except (HelpDeskRefused, Unclear):
            return None
        found = [row for row in rows if display_id_of(row) == display_id]
        return found[0] if len(found) == 1 else None

    async def _page(self, path: str, key: str, info: dict[str, Any]) -> tuple[list[Row], bool]:
        answer = await self._api.get(path, {"list_info": {"row_count": PAGE_ROWS, **info}})
        rows, told = answer.get(key), answer.get("list_info")
        list_info = told if isinstance(told, dict) else {}
        if rows is None and str(list_info.get("row_count")) == "0":
            rows = []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise not_understood()
        return rows, is_true(list_info.get("has_more_rows"))


def _by_time_info(field: str, cursor: int | None, start: int) -> dict[str, Any]:
    info: dict[str, Any] = {"start_index": start, "sort_field": field, "sort_order": "asc"}
    if cursor is not None:
        info["search_criteria"] = {"field": field, "condition": "gte", "value": str(cursor)}
    return info


def _millis(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1000)


def _endless() -> HelpDeskUnavailable:
    return HelpDeskUnavailable(
        "ServiceDesk Plus answered a list that does not end.", code=Code.HELP_DESK_NOT_UNDERSTOOD
    )
