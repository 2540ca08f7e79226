"""Entities and errors as ServiceDesk Plus writes them in JSON.

Invariant: ids and times are written as text; a time is `{"value": "<epoch milliseconds>", "display_value": …}` or null.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zlib import crc32

from app.core.help_desk import Edition
from app.core.reading.text import one_line, plain_text
from app.simulator.portal import HeldArticle, HeldAsset, HeldNote, HeldTicket, Person, Portal

Json = dict[str, Any]

_CODES: Final = {400: 4001, 401: 4022, 403: 4002, 404: 4007, 429: 4015}
_MESSAGES: Final = {
    4001: "The given id is invalid.",
    4002: "User does not have permission for this operation.",
    4007: "The requested entity is not found.",
    4012: "A mandatory field is missing.",
    4015: "You have exceeded the number of API calls.",
    4022: "The given authentication key is invalid.",
}


def success(**parts: Any) -> Json:
    return {**parts, "response_status": {"status_code": 2000, "status": "success"}}


def listing(key: str, rows: list[Json], *, info: Json, has_more_rows: bool) -> Json:
    return {
        "response_status": [{"status_code": 2000, "status": "success"}],
        "list_info": {**info, "row_count": len(rows), "has_more_rows": has_more_rows},
        key: rows,
    }


def failure(status: int, *, code: int | None = None, field: str | None = None) -> Json:
    code = code if code is not None else _CODES.get(status, 4000)
    message = {"status_code": code, "type": "failed", "message": _MESSAGES.get(code, "The operation failed.")}
    if field is not None:
        message["field"] = field
    return {"response_status": {"status_code": 4000, "status": "failed", "messages": [message]}}


def ticket_row(ticket: HeldTicket, portal: Portal) -> Json:
    """A whole ticket, as `GET /requests/{id}` returns it."""
    row: Json = {
        "id": ticket.id,
        "subject": ticket.subject,
        "description": ticket.description,
        "short_description": one_line(plain_text(ticket.description), max_chars=100),
        "requester": _person(ticket.requester),
        "priority": _named(ticket.priority),
        "status": _status(ticket.status, portal.edition),
        "category": _named(ticket.category),
        "technician": _named(ticket.technician),
        "subcategory": _named(ticket.subcategory),
        "group": _named(ticket.group),
        "site": _named(ticket.site),
        "is_service_request": False,
        "has_notes": bool(ticket.notes),
        "linked_to_request": {"linked_request": {"id": ticket.linked_to}} if ticket.linked_to else None,
        "created_time": time(ticket.created),
        "last_updated_time": time(ticket.updated),
        "resolved_time": time(ticket.resolved),
        "completed_time": time(ticket.resolved) if ticket.status == "Closed" else None,
        "resolution": {"content": ticket.resolution} if ticket.resolution else None,
        "closure_info": {"closure_comments": ticket.closing_comment or None, "requester_ack_comments": None},
    }
    if portal.edition.is_cloud:
        row["display_id"] = ticket.display_id
        row["is_trashed"] = ticket.trashed
        row["deleted_time"] = time(ticket.updated) if ticket.trashed else None
    return _with_account(row, portal, ticket.account)


def note_row(note: HeldNote) -> Json:
    return {
        "id": note.id,
        "description": note.html,
        "created_time": time(note.created),
        "created_by": _named(note.author),
        "show_to_requester": note.show_to_requester,
        "notify_technician": note.notify_technician,
        "mark_first_response": note.mark_first_response,
        "add_to_linked_requests": note.add_to_linked_requests,
    }


def work_log_row(ticket: HeldTicket, number: int, text: str) -> Json:
    return {"id": str(number), "description": text, "owner": _named(ticket.technician), "request": {"id": ticket.id}}


def article_row(article: HeldArticle, portal: Portal) -> Json:
    row: Json = {
        "id": article.id,
        "title": article.title,
        "description": article.text,
        "approval_status": _named("Approved" if article.approved else "Unapproved"),
        "is_public": article.public,
        "topic": _named("General"),
        "last_updated_time": time(article.updated),
    }
    if portal.edition.is_msp:
        row[f"{portal.account_key}s"] = [_account(portal, account_id) for account_id in article.accounts]
    return row


def asset_row(asset: HeldAsset, portal: Portal) -> Json:
    """An asset. The fields of its addresses differ by edition, as they do in the real product."""
    row: Json = {
        "id": asset.id,
        "name": asset.name,
        "product_type": _named(asset.role),
        "site": _named(asset.location),
        "user": _person(asset.user) if asset.user.name or asset.user.email else None,
        "state": _named("In Use"),
        "last_updated_time": time(asset.updated),
    }
    row = _with_account(row, portal, asset.account)
    if portal.edition.is_cloud:
        return {**row, "host_name": asset.hostname or None, "ip_address": ", ".join(asset.ips) or None}
    adapters = [{"ip_address": ip, "mac_address": None} for ip in asset.ips]
    first = asset.ips[0] if asset.ips else None  # as from build 15100
    return {
        **row,
        "primary_ip": first,
        "computer_system": {"host_name": asset.hostname or None},
        "network_adapters": adapters,
    }


def time(value: datetime | None) -> Json | None:
    if value is None:
        return None
    return {"value": str(int(value.timestamp() * 1000)), "display_value": value.strftime("%b %d, %Y %I:%M %p")}


def _named(name: str) -> Json | None:
    return {"id": _id(name), "name": name} if name else None


def _status(name: str, edition: Edition) -> Json | None:
    """The cloud tells whether a status counts as completed; on premises the name alone does."""
    named = _named(name)
    if named is None or not edition.is_cloud:
        return named
    return {**named, "internal_name": name, "in_progress": name not in {"Resolved", "Closed", "Cancelled"}}


def _with_account(row: Json, portal: Portal, account_id: str) -> Json:
    """*row* with its account, where the portal has accounts."""
    return {**row, portal.account_key: _account(portal, account_id)} if portal.edition.is_msp else row


def _account(portal: Portal, account_id: str) -> Json | None:
    return {"id": account_id, "name": portal.accounts.get(account_id, "")} if account_id else None


def _person(person: Person) -> Json:
    return {
        "id": _id(person.name + person.email),
        "name": person.name,
        "email_id": person.email or None,
        "is_vipuser": person.is_vip,
    }


def _id(text: str) -> str:
    return str(crc32(text.encode()))
