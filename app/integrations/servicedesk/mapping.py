"""From the JSON of ServiceDesk Plus to our own types.

Invariant: all returned text is plain, returned ids are safe in a URL's path, and times are aware and UTC.

Builds and editions differ in which fields they fill. Only ids are required; any other field may be missing, null, a
bare value, or an object with a `name`, `display_value` or `value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from app.core.article import Article
from app.core.asset import Asset, find_addresses
from app.core.delivery import parse_time
from app.core.fixes import tells_a_fix
from app.core.help_desk import AccountRef
from app.core.ip import IPAddress
from app.core.reading.text import one_line, plain_text, tidy
from app.core.ticket import MAX_TICKET_ID_CHARS, Fate, Ticket
from app.integrations.servicedesk.answers import not_understood

Row = dict[str, Any]
"""One entity in the JSON of ServiceDesk Plus."""

_ID: Final = re.compile(rf"[0-9A-Za-z_-]{{1,{MAX_TICKET_ID_CHARS}}}", re.ASCII)
_HOSTNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII)
_RESOLVED: Final = frozenset({"resolved", "closed", "completed"})
_CLOSED: Final = _RESOLVED | {"cancelled", "canceled", "rejected"}
_OPEN: Final = frozenset(
    {"open", "new", "reopened", "re-opened", "in progress", "inprogress", "assigned", "pending", "onhold", "on hold"}
)
_TRASHED: Final = frozenset({"trashed", "deleted", "trash", "in trash", "spam"})
_MERGED: Final = frozenset({"merged"})
_TRASH_FIELDS: Final = ("is_trashed", "trashed", "is_in_trash", "in_trash", "is_deleted", "deleted", "is_spam")
_TRASH_TIMES: Final = ("deleted_time", "deleted_on", "trashed_time", "trashed_on")
_END_TIMES: Final = ("resolved_time", "completed_time", "closed_time")
_MERGE_FIELDS: Final = ("merged_to", "merged_into", "merged_request")
# Without underscores. Not of a gateway or a server that the machine uses, nor the end of a word ("membership").
_IP_FIELD: Final = re.compile(
    r"(?:udf)?(?:sline)?(?:primary|secondary|management|mgmt|private|public|internal|external|lan|wan|host|static)ips?"
)
_EPOCH: Final = datetime.fromtimestamp(0, tz=UTC)
_MAX_DEPTH: Final = 5
_MAX_ASSETS: Final = 8
_NAME_CHARS: Final = 200
_TITLE_CHARS: Final = 1000


@dataclass(frozen=True)
class Note:
    """A note on a ticket: what is needed to find our own."""

    id: str
    created_at: datetime | None


def is_id(text: str) -> bool:
    """Whether *text* can be an id: letters, digits, `-` and `_`, so nothing with a meaning in a URL's path."""
    return _ID.fullmatch(text) is not None


def has_id(row: Row) -> bool:
    value = row.get("id")
    return isinstance(value, int | str) and not isinstance(value, bool) and is_id(str(value))


def parse_id(row: Row) -> str:
    """The id of *row*; raises `HelpDeskUnavailable` when it has none that can be one."""
    if not has_id(row):
        raise not_understood()
    return str(row["id"])


def parse_ticket(row: Row, *, account_fields: Sequence[str] = (), resolution: str | None = None) -> Ticket:
    """The ticket in *row*, whose account stands in *account_fields*.

    What its technician wrote while closing it stands for a resolution that has no word of what was done.
    `resolved_at` is set exactly when the ticket is resolved. If a build has only the status, it is the time of the last
    update. A ticket that is open again may still have the times of its first end.
    """
    created_at, updated_at = time_of(row.get("created_time")), time_of(row.get("last_updated_time"))
    status, fate = name_of(row.get("status")), fate_of(row)
    resolved_at = _first_time(row, _END_TIMES)
    if fate is Fate.OPEN:
        resolved_at = None
    elif resolved_at is None and status.lower() in _RESOLVED:
        resolved_at = updated_at or created_at
    told = plain_text(resolution if resolution is not None else resolution_of(row))
    technician = name_of(row.get("technician"))
    # Where nobody worked on it, its requester may have closed it.
    is_asked = technician and resolved_at is not None and not tells_a_fix(told)
    closing = plain_text(_closing_comment(row)) if is_asked else ""
    return Ticket(
        id=parse_id(row),
        display_id=display_id_of(row),
        subject=plain_text(_scalar(row.get("subject")), max_chars=_TITLE_CHARS),
        description=plain_text(_scalar(row.get("description"))),
        requester=person_of(row.get("requester")),
        is_vip=_is_vip(row.get("requester")),
        site=name_of(row.get("site")),
        priority=name_of(row.get("priority")),
        status=status,
        category=name_of(row.get("category")),
        subcategory=name_of(row.get("subcategory")),
        group=name_of(row.get("group")),
        technician=technician,
        resolution=closing if tells_a_fix(closing) else told,
        created_at=created_at,
        updated_at=updated_at,
        resolved_at=resolved_at,
        fate=fate,
        linked_to=linked_to(row),
        assets=_asset_names(row),
        account=account_of(row, account_fields),
    )


def linked_to(row: Row) -> tuple[str, ...]:
    """Ids of the tickets that the one in *row* was linked to, from `linked_to_request`.

    That names one ticket: the object itself, or in it under `linked_request` or `request`. The other side only says
    that it has such tickets (`has_linked_requests`).
    """
    told = row.get("linked_to_request")
    found: list[str] = []
    for each in told if isinstance(told, list) else [told]:
        if isinstance(each, dict):
            inner = [each[key] for key in ("linked_request", "request") if isinstance(each.get(key), dict)]
            found.append(_scalar((inner or [each])[0].get("id")))
    return tuple(dict.fromkeys(filter(is_id, found)))


def account_of(row: Row, fields: Sequence[str]) -> AccountRef:
    """The account that *row* names in *fields* (paths with dots): an object, or a bare id or name.

    Unclear, if it names several, in one of the fields or in two, or something that can't be read.
    """
    told = [ref for field in fields for ref in _accounts_in(row, field)]
    if not told:
        return AccountRef()
    return told[0] if all(told[0].agrees(other) for other in told) else AccountRef(is_unclear=True)


def accounts_of(row: Row, fields: Sequence[str]) -> tuple[AccountRef, ...]:
    """The accounts in the first of *fields* that names any, where a row may name several."""
    return next((told for field in fields if (told := _accounts_in(row, field))), ())


def _accounts_in(row: Row, field: str) -> tuple[AccountRef, ...]:
    value: Any = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    listed = value if isinstance(value, list) else [value]
    return tuple(ref for each in listed if (ref := AccountRef.parse(each)) != AccountRef())


def display_id_of(row: Row) -> str:
    """The number by which technicians know the ticket; empty if the edition has only the id."""
    return name_of(row.get("display_id"))[:MAX_TICKET_ID_CHARS]


def fate_of(row: Row) -> Fate:
    """What became of the ticket in *row*.

    In the cloud a ticket in the trash has `is_trashed` and `deleted_time`. What other builds write, and the field for a
    merge, is not documented, so that several names are understood. A status counts as completed by its
    `in_progress`, so that its name and language don't matter; in a build without that field, by its name or a time of
    completion.
    """
    status = row.get("status")
    names = _names_of_status(status)
    if any(map(is_true, map(row.get, _TRASH_FIELDS))) or _first_time(row, _TRASH_TIMES) or names & _TRASHED:
        return Fate.TRASHED
    if is_true(row.get("is_merged")) or any(map(row.get, _MERGE_FIELDS)) or names & _MERGED:
        return Fate.MERGED
    in_progress = status.get("in_progress") if isinstance(status, dict) else None
    if in_progress is not None:
        return Fate.OPEN if is_true(in_progress) else Fate.CLOSED
    if names & _OPEN:  # with the times of its first end, if it was opened again
        return Fate.OPEN
    return Fate.CLOSED if names & _CLOSED or _first_time(row, _END_TIMES) else Fate.OPEN


def _first_time(row: Row, keys: Sequence[str]) -> datetime | None:
    return next(filter(None, (time_of(row.get(key)) for key in keys)), None)


def _names_of_status(status: Any) -> set[str]:
    """The names of a status, in lower case: the one that technicians see, and the one that is not translated."""
    internal = status.get("internal_name") if isinstance(status, dict) else None
    return {name_of(status).lower(), name_of(internal).lower()}


def parse_article(row: Row, *, account_fields: Sequence[str] = ()) -> Article:
    several = [f"{field}s" for field in account_fields]  # an article may be shared with several accounts
    return Article(
        id=parse_id(row),
        title=plain_text(_scalar(row.get("title")), max_chars=_TITLE_CHARS),
        text=plain_text(_scalar(row.get("description"))),
        is_public=row.get("is_public") is True or row.get("public") is True,
        updated_at=article_time(row),
        accounts=accounts_of(row, [*several, *account_fields]),
    )


def article_time(row: Row) -> datetime | None:
    """When an article or asset last changed; editions name the field differently."""
    return _first_time(row, ("last_updated_time", "updated_time", "last_modified_time", "created_time"))


def is_approved(row: Row) -> bool:
    """Whether the article in *row* is approved, by the status's name or, where that is translated, its internal one."""
    return "approved" in _names_of_status(row.get("approval_status"))


def _role_of(row: Row) -> str:
    """What kind of thing the asset is; from build 15100 on its `module` says so: `asset_switch`."""
    product = row.get("product")
    kinds = (
        row.get("role"),
        row.get("product_type"),
        product.get("product_type") if isinstance(product, dict) else None,
    )
    module = name_of(row.get("module"))
    module = module.removeprefix("asset_").replace("_", " ") if module.startswith("asset_") else ""
    return next(filter(None, (*map(name_of, kinds), module, name_of(product))), "")


def parse_asset(row: Row, *, account_fields: Sequence[str] = ()) -> Asset:
    site = row.get("site")
    name = one_line(_scalar(row.get("name")), max_chars=_NAME_CHARS)
    return Asset(
        id=parse_id(row),
        name=name,
        hostname=_hostname_of(row, name),
        addresses=tuple(dict.fromkeys(_addresses_of(row))),
        role=_role_of(row),
        location=name_of(row.get("location")) or name_of(row.get("site")) or name_of(row.get("region")),
        owner=person_of(row.get("user")),
        updated_at=article_time(row),
        account=account_of(row, [*account_fields, *(f"site.{field}" for field in account_fields)]),
        site_id=one_line(_scalar(site.get("id")), max_chars=MAX_TICKET_ID_CHARS) if isinstance(site, dict) else "",
    )


def has_network_fields(row: Row) -> bool:
    """Whether *row* has fields for addresses, even empty ones. That of its first address alone is not enough."""
    return any(_is_address_key(key) for key, _ in _fields(row))


def parse_note(row: Row) -> Note:
    return Note(id=parse_id(row), created_at=_first_time(row, ("created_time", "added_time")))


def text_of_note(row: Row) -> str | None:
    """The HTML of a note, or None when *row* does not hold it."""
    return _first_text(row, ("description", "notes_text", "content"))


def is_of_requester(row: Row) -> bool:
    """Whether the note in *row* says that somebody else than a technician wrote it, in the portal."""
    authors = (row.get(key) for key in ("created_by", "added_by"))
    return any(isinstance(author, dict) and author.get("is_technician") is False for author in authors)


def is_by(row: Row, technician: str) -> bool:
    """Whether the note in *row* says that *technician*, an e-mail address or name, wrote it."""
    authors = [row.get(key) for key in ("created_by", "added_by")]
    return technician.casefold() in {told(author).casefold() for author in authors for told in (name_of, person_of)}


def work_of(row: Row) -> str | None:
    """The HTML in which a work log says what was done, or None when *row* does not hold it."""
    return _first_text(row, ("description", "comments"))


def _first_text(row: Row, keys: Sequence[str]) -> str | None:
    return next((text for key in keys if isinstance(text := row.get(key), str)), None)


def resolution_of(row: Row) -> str:
    """The HTML of the resolution in *row*; empty when there is none."""
    value = row.get("resolution")
    if isinstance(value, dict):
        value = value.get("content") or value.get("description")
    return value if isinstance(value, str) else ""


def _closing_comment(row: Row) -> str:
    """What a technician wrote in the form that closes a ticket; the requester's answer is another field of it."""
    closing = row.get("closure_info")
    return _scalar(closing.get("closure_comments")) if isinstance(closing, dict) else ""


def _asset_names(row: Row) -> tuple[str, ...]:
    """Names of the assets that were chosen in a field of the ticket, where they have the form of a hostname."""
    told = row.get("assets")
    names = [name_of(asset).lower() for asset in told] if isinstance(told, list) else []
    return tuple(dict.fromkeys(filter(_HOSTNAME.fullmatch, names)))[:_MAX_ASSETS]


def name_of(value: Any) -> str:
    """The text that a technician sees in a field: `{"name": "High"}` is High."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("name", "display_value", "value") if value.get(key)), "")
    return one_line(_scalar(value), max_chars=_NAME_CHARS)


def person_of(value: Any) -> str:
    """A person's e-mail address, or the name where there is none."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("email_id", "email", "name", "display_value") if value.get(key)), "")
    return one_line(_scalar(value), max_chars=254)


def _is_vip(requester: Any) -> bool:
    """Whether the requester is marked as VIP. Clients of both editions read `is_vipuser`; some call it otherwise."""
    return isinstance(requester, dict) and any(is_true(requester.get(key)) for key in ("is_vipuser", "is_vip_user"))


def time_of(value: Any) -> datetime | None:
    """`{"value": "<epoch milliseconds>"}`, or the bare value."""
    if isinstance(value, dict):
        value = value.get("value")
    time = parse_time(_scalar(value))
    return time if time is not None and time > _EPOCH else None


def is_true(value: Any) -> bool:
    """Whether a field says yes: `true`, 1, each also as text or in an object."""
    if isinstance(value, dict):
        value = value.get("value")
    return str(value).lower() in {"true", "1", "yes"}


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _fields(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Each key and value in *value*, also in nested objects."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, part in value.items():
            yield key.lower().replace("_", ""), part
            yield from _fields(part, depth + 1)
    elif isinstance(value, list):
        for part in value[:100]:
            yield from _fields(part, depth + 1)


def _is_address_key(key: str) -> bool:
    return key in {"ip", "ips"} or "ipaddress" in key


def _addresses_of(row: Row) -> Iterator[IPAddress]:
    for key, value in _fields(row):
        if _is_address_key(key) or _IP_FIELD.fullmatch(key):
            for text in value if isinstance(value, list) else [value]:
                yield from find_addresses(name_of(text) if isinstance(text, dict) else _scalar(text)).ips


def _hostname_of(row: Row, name: str) -> str:
    told = [_scalar(value) for key, value in _fields(row) if key in {"hostname", "fqdn", "dnsname"}]
    for candidate in (*told, name):
        hostname = tidy(candidate, max_chars=_NAME_CHARS).lower().rstrip(".")
        if _HOSTNAME.fullmatch(hostname):
            return hostname
    return ""
