"""The API of one portal: `/api/v3/…`, from the authenticated call to its answer.

Invariant: `answer` either carries the call out, or changes nothing and raises `ApiError`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.simulator import wire
from app.simulator.criteria import BadCriteria, matches, sort_key
from app.simulator.portal import HeldTicket, Portal, PortalFull
from app.simulator.wire import Json

MAX_ROWS: Final = 100
_DEFAULT_ROWS: Final = 10
_FLAGS: Final = ("show_to_requester", "notify_technician", "mark_first_response", "add_to_linked_requests")
_CHANGEABLE: Final = frozenset({"category", "subcategory", "priority", "group", "technician"})
_NOT_IN_LISTS: Final = frozenset({"description", "resolution", "content"})


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, *, code: int | None = None, field: str | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = wire.failure(status, code=code, field=field)


@dataclass(frozen=True)
class Call:
    method: str
    path: tuple[str, ...]
    """Below `/api/v3`: `("requests", "100234", "notes")`."""
    query: Mapping[str, str]
    form: Mapping[str, str]


def answer(portal: Portal, call: Call) -> Json:  # noqa: PLR0911 - a line for each resource
    """The JSON that *portal* answers with status 200.

    Raises:
        ApiError: The call is wrong, or names something that does not exist.
    """
    match call.method, call.path:
        case "GET", ("requests",):
            rows = [wire.ticket_row(ticket, portal) for ticket in portal.tickets.values()]
            return _list("requests", rows, call, holds_text=portal.lists_hold_text)
        case "GET", ("requests", ticket_id):
            return wire.success(request=wire.ticket_row(_ticket(portal, ticket_id), portal))
        case "PUT", ("requests", ticket_id):
            return _change_ticket(portal, _ticket(portal, ticket_id), call)
        case method, ("requests", ticket_id, *rest) if rest:
            return _below_ticket(portal, _ticket(portal, ticket_id), call, (method, *rest))
        case "GET", ("solutions",):
            rows = [wire.article_row(article, portal) for article in portal.articles.values()]
            return _list("solutions", rows, call, holds_text=portal.lists_hold_text)
        case "GET", ("solutions", article_id) if article_id in portal.articles:
            return wire.success(solution=wire.article_row(portal.articles[article_id], portal))
        case "GET", (path,) if path == portal.assets_path:
            rows = [wire.asset_row(asset, portal) for asset in portal.assets.values()]
            return _list(path, rows, call, holds_text=True)
        case "GET", (path, asset_id) if path == portal.assets_path and asset_id in portal.assets:
            return wire.success(**{path.removesuffix("s"): wire.asset_row(portal.assets[asset_id], portal)})
    raise ApiError(404)


def _below_ticket(portal: Portal, ticket: HeldTicket, call: Call, what: tuple[str, ...]) -> Json:  # noqa: PLR0911 - a line for each resource
    match what:
        case "GET", "resolutions":
            return wire.success(resolution={"content": ticket.resolution} if ticket.resolution else None)
        case "GET", "worklogs":
            rows = [wire.work_log_row(ticket, number, text) for number, text in enumerate(ticket.work_logs, start=1)]
            return _list("worklogs", rows, call, holds_text=True)
        case "GET", "notes":
            return _list("notes", [wire.note_row(note) for note in ticket.notes], call, holds_text=True)
        case "POST", "notes":
            return _add_note(portal, ticket, call)
        case "GET", "notes", note_id:
            for note in ticket.notes:
                if note.id == note_id:
                    return wire.success(**{portal.note_key: wire.note_row(note)})
        case "PUT", "notes", note_id:
            return _change_note(portal, ticket, note_id, call)
        case "DELETE", "notes", note_id if portal.delete_note(ticket.id, note_id):
            return wire.success()
    raise ApiError(404)


def _ticket(portal: Portal, ticket_id: str) -> HeldTicket:
    if not ticket_id.isalnum():
        raise ApiError(400, code=4001, field="id")
    ticket = portal.tickets.get(ticket_id)
    if ticket is None:
        raise ApiError(404)
    return ticket


def _change_ticket(portal: Portal, ticket: HeldTicket, call: Call) -> Json:
    fields = _input_data(call.form).get("request")
    if not isinstance(fields, dict):
        raise ApiError(400, code=4012, field="request")
    changes = {}
    for name, value in fields.items():
        if name not in _CHANGEABLE or not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise ApiError(400, code=4001, field=name)
        changes[name] = value["name"]
    portal.update_ticket(ticket.id, **changes)
    return wire.success(request=wire.ticket_row(ticket, portal))


def _add_note(portal: Portal, ticket: HeldTicket, call: Call) -> Json:
    html, note = _given_note(portal, call)
    try:
        held = portal.add_note(ticket.id, html, **{flag: note.get(flag) is True for flag in _FLAGS})
    except PortalFull:
        raise ApiError(507) from None
    return wire.success(**{portal.note_key: wire.note_row(held)})


def _change_note(portal: Portal, ticket: HeldTicket, note_id: str, call: Call) -> Json:
    html, _ = _given_note(portal, call)
    held = portal.change_note(ticket.id, note_id, html)
    if held is None:
        raise ApiError(404)
    return wire.success(**{portal.note_key: wire.note_row(held)})


def _given_note(portal: Portal, call: Call) -> tuple[str, Json]:
    """The HTML of the note that *call* brings, and all its fields."""
    note = _input_data(call.form).get(portal.note_key)
    if not isinstance(note, dict):
        raise ApiError(400, code=4012, field=portal.note_key)
    html = note.get("description")
    if not isinstance(html, str) or not html:
        raise ApiError(400, code=4012, field="description")
    return html, note


def _input_data(content: Mapping[str, str]) -> Json:
    try:
        data = json.loads(content.get("input_data", "{}"))
    except (ValueError, RecursionError):
        raise ApiError(400, code=4001, field="input_data") from None
    if not isinstance(data, dict):
        raise ApiError(400, code=4001, field="input_data")
    return data


def _list(key: str, rows: list[Json], call: Call, *, holds_text: bool) -> Json:
    info = _input_data(call.query).get("list_info", {})
    if not isinstance(info, dict):
        raise ApiError(400, code=4001, field="list_info")
    count, start = _number(info, "row_count", _DEFAULT_ROWS), _number(info, "start_index", 1)
    if not 1 <= count <= MAX_ROWS or start < 1:
        raise ApiError(400, code=4001, field="list_info")
    try:
        if info.get("search_criteria"):
            rows = [row for row in rows if matches(info["search_criteria"], row)]
    except BadCriteria:
        raise ApiError(400, code=4001, field="search_criteria") from None
    if info.get("sort_field"):
        rows = sorted(rows, key=sort_key(str(info["sort_field"])), reverse=info.get("sort_order") == "desc")
    page = rows[start - 1 : start - 1 + count]
    keep = _kept_fields(info.get("fields_required"), holds_text=holds_text, is_notes=key in {"notes", "worklogs"})
    return wire.listing(
        key,
        [{name: value for name, value in row.items() if keep(name)} for row in page],
        info={"start_index": start},
        has_more_rows=start - 1 + count < len(rows),
    )


def _kept_fields(required: Any, *, holds_text: bool, is_notes: bool) -> Callable[[str], bool]:
    """A filter for the fields of a row: long texts only if they are asked for and this build's lists have them."""
    wanted = set(required) if isinstance(required, list) else None

    def keep(name: str) -> bool:
        if name == "id" or is_notes:
            return True
        if name in _NOT_IN_LISTS:
            return holds_text and wanted is not None and name in wanted
        return wanted is None or name in wanted

    return keep


def _number(info: Json, name: str, default: int) -> int:
    try:
        return int(info.get(name, default))
    except (TypeError, ValueError):
        raise ApiError(400, code=4001, field=name) from None
