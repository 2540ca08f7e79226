"""A first look at a ServiceDesk Plus that nobody has seen: what works, what is missing, what its answers look like.

Invariant: nothing is written there. What is told holds keys and types of the answers and numbers of rows, never a
value: no text of a ticket, no name or id of a person or of another client. So it can be sent to whoever mends it.

An unknown server may answer anything. Each part is looked at by itself, and one that is not understood stops no other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from app.core.access_token import AccessToken
from app.core.accounts import Accounts
from app.core.help_desk import AccountRef, similar_name
from app.core.tenant import Tenant
from app.errors import AppError, Code, HelpDeskRefused
from app.integrations.http import Outbound, Reply, open_outbound
from app.integrations.servicedesk.answers import AnswerOverLimit, CredentialsRefused, Missing, ScopeMissing, Unclear
from app.integrations.servicedesk.auth import Credentials
from app.integrations.servicedesk.calls import RestApi
from app.integrations.servicedesk.lists import PAGE_ROWS, ticket_fields
from app.integrations.servicedesk.mapping import (
    Row,
    account_of,
    has_id,
    has_network_fields,
    is_approved,
    is_id,
    parse_article,
    parse_asset,
    parse_id,
    parse_ticket,
    text_of_note,
    time_of,
)

MOST_CALLS: Final = 20
_FEW_ROWS: Final = 10
_MOST_KEYS: Final = 60
_MOST_SHAPES: Final = 4
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)
_LIKE_ACCOUNT: Final = re.compile(r"account|customer|client|company|organi[sz]ation|tenant", re.IGNORECASE)
_POINTLESS: Final = frozenset({Code.HELP_DESK_UNREACHABLE, Code.HELP_DESK_REDIRECTS, Code.HELP_DESK_THROTTLED})
"""After these no other call would tell more."""


class State(StrEnum):
    WORKS = "ok"
    NOTED = "note"
    """Works, with something to know."""
    FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one part: a sentence, and lines that show the shape of the answer."""

    state: State
    part: str
    detail: str
    lines: tuple[str, ...] = ()


class _Odd(Exception):
    """An answer that is JSON and not what was expected; the text tells its shape."""


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Row]
    is_last: bool


class _Watched(Outbound):
    """Passes requests on, and remembers how the latest answer looked."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self.latest: Reply | None = None

    async def send(self, method: str, url: str, **content: Any) -> Reply:
        self.latest = None
        self.latest = await self._outbound.send(method, url, **content)
        return self.latest


class _Limit:
    """Ends a look that asks without end."""

    def __init__(self) -> None:
        self._calls = 0

    async def acquire(self) -> None:
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise HelpDeskRefused(f"This look stops after {MOST_CALLS} calls.")

    async def back_off(self, wait: timedelta) -> None:  # noqa: ARG002 - the look ends with a throttled call
        return


class _OneToken:
    """An access token of this look alone; a refused one is not fetched anew, since it is young."""

    def __init__(self) -> None:
        self._token: str | None = None

    async def access_token(self, refresh: Callable[[], Awaitable[AccessToken]], *, rejected: str | None = None) -> str:  # noqa: ARG002
        if self._token is None:
            self._token = (await refresh()).value
        return self._token


async def inspect(
    tenant: Tenant,
    credentials: Credentials,
    *,
    clients: Accounts[str] | None = None,
    ticket_id: str | None = None,
) -> list[Finding]:
    """Look at the help desk of *tenant* with about ten calls, which the tenant's limit of calls does not count.

    *clients* has, of an instance, the slug of each account that is a tenant. Without *ticket_id* the first ticket that
    is the tenant's is read.

    Raises:
        TenantFileInvalid: The credentials are the other edition's.
    """
    async with open_outbound(allow_private=tenant.servicedesk.allow_private_address) as outbound:
        watched = _Watched(outbound)
        api = RestApi(tenant, credentials, outbound=watched, tokens=_OneToken(), limiter=_Limit())
        look = _Look(tenant, api, watched, clients)
        await look.take(ticket_id)
        return look.findings


class _Look:
    def __init__(self, tenant: Tenant, api: RestApi, watched: _Watched, clients: Accounts[str] | None) -> None:
        self._tenant = tenant
        self._options = tenant.servicedesk
        self._fields = self._options.account_fields if self._options.instance else ()
        self._api = api
        self._watched = watched
        self._clients = clients
        self.findings: list[Finding] = []
        self._tickets: list[Row] = []
        self._is_pointless = False

    async def take(self, ticket_id: str | None) -> None:
        await self._part("list of tickets", self._look_at_tickets)
        if self._is_pointless:
            return
        await self._part("tickets since a time", self._look_at_search)
        chosen = ticket_id or self._first_own()
        if chosen is None:
            self._tell(State.NOTED, "one ticket", "none of this tenant is on the first page: name one with --ticket")
        else:
            await self._part("one ticket", lambda: self._look_at_ticket(chosen))
            await self._part("notes of a ticket", lambda: self._look_at_notes(chosen))
        await self._part("articles", self._look_at_articles)
        await self._part("assets", self._look_at_assets)

    async def _part(self, part: str, look: Callable[[], Awaitable[None]]) -> None:
        try:
            await look()
        except _Odd as error:
            self._tell(State.FAILED, part, str(error), self._appearance())
        except AppError as error:
            self._is_pointless = self._is_pointless or error.code in _POINTLESS or self._is_no_login(error)
            self._tell(State.FAILED, part, error.detail, self._appearance())
        except Exception as error:  # noqa: BLE001 - whatever an unknown server answers, the other parts are looked at
            self._tell(
                State.FAILED, part, f"an answer that nobody expected ({type(error).__name__})", self._appearance()
            )

    def _is_no_login(self, error: AppError) -> bool:
        return isinstance(error, CredentialsRefused) and not isinstance(error, ScopeMissing) and not self._tickets

    def _tell(self, state: State, part: str, detail: str, lines: Iterable[str] = ()) -> None:
        self.findings.append(Finding(state, part, detail, tuple(lines)))

    def _appearance(self) -> tuple[str, ...]:
        """How the latest answer looked from outside."""
        reply = self._watched.latest
        if reply is None:
            return ()
        kind = re.fullmatch(
            r"[a-z]+/[a-z0-9.+-]{1,60}", reply.headers.get("content-type", "").partition(";")[0].lower()
        )
        is_page = reply.body.lstrip()[:1] == b"<"
        return (
            f"the answer: HTTP {reply.status}, {kind[0] if kind else 'no known content type'}, {len(reply.body)} bytes"
            + (", a web page or XML: a proxy's or a login page, or not this product's address" if is_page else ""),
        )

    # Parts

    async def _look_at_tickets(self) -> None:
        asked = ticket_fields(self._options.edition, self._fields)
        try:
            page = await self._page("/requests", "requests", fields_required=asked)
        except (CredentialsRefused, Missing):
            raise
        except (HelpDeskRefused, Unclear, _Odd):
            page = await self._page("/requests", "requests")
            self._tell(
                State.NOTED, "choice of fields", "refused by this build; lists are read without", self._appearance()
            )
        self._tickets = page.rows
        told = _number(page)
        if not page.rows:
            self._tell(
                State.NOTED,
                "list of tickets",
                "no row: the help desk is empty, or our role sees the tickets of no site, group or account",
            )
            return
        without = [field for field in asked if not any(field in row for row in page.rows)]
        if without:
            told += f"; in no row: {', '.join(without)}"
        self._tell(State.WORKS, "list of tickets", told, [f"a row: {shape_of(page.rows[0], depth=1)}"])
        self._check_ids("list of tickets", page.rows)
        self._look_at_accounts("tickets", page.rows, lambda row: [account_of(row, self._fields)], self._fields)

    async def _look_at_search(self) -> None:
        """The sync asks for tickets since a time."""
        times = [time for row in self._tickets if (time := time_of(row.get("last_updated_time"))) is not None]
        if not times:
            told = "not tried: no row has last_updated_time, so the list is read by created_time"
            self._tell(State.NOTED, "tickets since a time", told)
            return
        since = str(int(max(times).timestamp() * 1000))
        page = await self._page(
            "/requests",
            "requests",
            sort_field="last_updated_time",
            sort_order="asc",
            search_criteria={"field": "last_updated_time", "condition": "gte", "value": since},
        )
        found = [time_of(row.get("last_updated_time")) for row in page.rows]
        older = sum(time is not None and time < max(times) for time in found)
        if older:
            told = f"{older} of {len(found)} rows are older than asked: the search is ignored, and each sync reads all"
            self._tell(State.NOTED, "tickets since a time", told)
        elif not found:
            self._tell(State.FAILED, "tickets since a time", "the newest ticket is not found by its own time")
        else:
            self._tell(State.WORKS, "tickets since a time", "found by last_updated_time")

    async def _look_at_ticket(self, ticket_id: str) -> None:
        if not is_id(ticket_id):
            raise _Odd("the id of a ticket has signs other than letters, digits, '-' and '_'")
        answer = await self._api.get(f"/requests/{quote(ticket_id, safe='')}")
        row = answer.get("request")
        if not isinstance(row, dict):
            raise _Odd(f"the answer has no object `request`: {shape_of(answer)}")
        ticket = parse_ticket(row, account_fields=self._fields)
        if ticket.id.lstrip("0") != ticket_id.lstrip("0"):
            raise _Odd("the answer is another ticket than the one that was asked for, by its id")
        read = {
            "subject": ticket.subject,
            "description": ticket.description,
            "requester": ticket.requester,
            "priority": ticket.priority,
            "status": ticket.status,
            "category": ticket.category,
            "created_time": ticket.created_at,
            "last_updated_time": ticket.updated_at,
        }
        empty = [name for name, value in read.items() if not value]
        told = "read" + (f"; empty or not understood: {', '.join(empty)}" if empty else ", each field that we use")
        needed = {"subject", "description"} <= set(empty)
        lines = [f"keys: {shape_of(row, depth=1)}", *(f"{name}: {shape_of(row.get(name))}" for name in empty)]
        self._tell(State.FAILED if needed else State.WORKS, "one ticket", told, lines)
        if not self._fields:
            self._look_at_accounts("one ticket", [row], lambda _: [], ())
        elif account_of(row, self._fields) == AccountRef():
            self._tell(
                State.FAILED, "account of a ticket", "a ticket that is read alone names none", self._shapes([row])
            )

    async def _look_at_notes(self, ticket_id: str) -> None:
        page = await self._page(f"/requests/{quote(ticket_id, safe='')}/notes", "notes")
        without = sum(text_of_note(row) is None for row in page.rows)
        told = f"{_number(page)}; whether a note may be added shows only when one is"
        if without:
            told += f"; {without} without text, which is read with a call for each"
        self._tell(State.WORKS, "notes of a ticket", told)

    async def _look_at_articles(self) -> None:
        page = await self._page("/solutions", "solutions")
        approved = [row for row in page.rows if is_approved(row)]
        told = f"{_number(page)}, {len(approved)} approved"
        if any("description" not in row for row in page.rows):
            told += "; their text is not in the list, so each costs a call"
        is_odd = bool(page.rows) and not approved
        lines = [f"approval_status: {shape_of(page.rows[0].get('approval_status'))}"] if is_odd else []
        self._tell(State.NOTED if is_odd else State.WORKS, "articles", told, lines)
        self._check_ids("articles", page.rows)
        fields = [*(f"{field}s" for field in self._fields), *self._fields]
        self._look_at_accounts(
            "articles", page.rows, lambda row: parse_article(row, account_fields=self._fields).accounts, fields
        )

    async def _look_at_assets(self) -> None:
        names = ["assets"] if self._options.edition.is_cloud else ["asset_assets", "assets"]
        for name in names:
            try:
                page = await self._page(f"/{name}", name)
                break
            except (HelpDeskRefused, Unclear, _Odd) as error:
                if name == names[-1] or isinstance(error, CredentialsRefused):
                    raise
        addressed = sum(has_network_fields(row) for row in page.rows)
        told = f"{_number(page)} at /{name}, {addressed} with fields for addresses"
        if addressed < len(page.rows):
            told += "; the others cost a call each"
        self._tell(State.WORKS, "assets", told)
        self._check_ids("assets", page.rows)
        fields = [*self._fields, *(f"site.{field}" for field in self._fields), "site.id"]
        self._look_at_accounts(
            "assets", page.rows, lambda row: [parse_asset(row, account_fields=self._fields).account], fields
        )

    # Accounts

    def _look_at_accounts(
        self, what: str, rows: list[Row], told_by: Callable[[Row], Sequence[AccountRef]], fields: Sequence[str]
    ) -> None:
        """Whose the rows are, and what the field holds that says it."""
        part = f"accounts of {what}"
        rows = [row for row in rows if has_id(row)]
        if not rows:
            return
        if self._clients is None:
            if shapes := self._shapes(rows, only_told=True):
                told = "rows name an account or the like: if several clients share this help desk, make it an instance"
                self._tell(State.NOTED, part, told, shapes)
            return
        own: Counter[str] = Counter()
        others: Counter[AccountRef] = Counter()
        without = unclear = 0
        for row in rows:
            refs = [ref for ref in told_by(row) if ref != AccountRef()]
            named = [ref for ref in refs if not ref.is_unclear]
            slugs = {slug for ref in named if (slug := self._clients.find(ref)) is not None}
            own.update(slugs)
            others.update([] if slugs else named[:1])
            without += not refs
            unclear += bool(refs) and not named
        parts = [f"{slug} {count}" for slug, count in sorted(own.items())]
        if others:
            parts.append(f"accounts that no tenant's file names ({len(others)}) {others.total()}")
        if unclear:
            parts.append(f"naming several accounts or none that can be read {unclear}")
        parts.append(f"without an account {without}")
        is_bad = without + unclear == len(rows) and what == "tickets"
        state = State.FAILED if is_bad else State.NOTED if without or unclear else State.WORKS
        self._tell(state, part, f"rows of {', '.join(parts)}", self._shapes(rows, fields))
        if what == "tickets":
            self._look_for_own_name(others, own)

    def _look_for_own_name(self, others: Mapping[AccountRef, int], own: Mapping[str, int]) -> None:
        """Whether the tenant's account is there under another id than its file has."""
        account = self._options.account
        if account is None or self._tenant.slug in own:
            return
        renamed = [ref for ref in others if account.name and similar_name(ref.name) == similar_name(account.name)]
        if renamed:
            by = f"the id {renamed[0].id}" if renamed[0].id != renamed[0].name else "no id"
            told = f"rows of this account's name, or one like it, have {by}, and don't fit its file"
            self._tell(State.FAILED, "id of the account", f"{told}: mend servicedesk.account there")
        else:
            told = "no row on the first page is of this tenant's: check servicedesk.account, if it has tickets"
            self._tell(State.NOTED, "the account", told)

    def _shapes(self, rows: list[Row], fields: Sequence[str] = (), *, only_told: bool = False) -> list[str]:
        """The shapes of what may name an account in *rows*, at *fields* and at keys that are called so."""
        alike = sorted({key for row in rows for key in row if _LIKE_ACCOUNT.search(key) and _KEY.fullmatch(key)})
        paths = list(dict.fromkeys([*fields, *alike]))
        lines = []
        for path in paths:
            seen = Counter(shape_of(_at(row, path)) for row in rows)
            if only_told and not any(_at(row, path) for row in rows):
                continue
            lines += [
                f"{path}: {shape} in {count} of {len(rows)} rows" for shape, count in seen.most_common(_MOST_SHAPES)
            ]
        return lines

    def _check_ids(self, part: str, rows: list[Row]) -> None:
        bad = [row for row in rows if not has_id(row)]
        if bad:
            shapes = sorted({shape_of(row.get("id", _NOTHING)) for row in bad})[:_MOST_SHAPES]
            self._tell(State.FAILED, part, f"{len(bad)} of {len(rows)} rows have no id that can be used", shapes)

    def _first_own(self) -> str | None:
        account = self._options.account
        own = None if account is None else Accounts([(account, True)])
        for row in self._tickets:
            if has_id(row) and (own is None or own.find(account_of(row, self._fields)) is not None):
                return parse_id(row)
        return None

    async def _page(self, path: str, key: str, **info: Any) -> _Page:
        asked = {"row_count": PAGE_ROWS, "start_index": 1, **info}
        try:
            answer = await self._api.get(path, {"list_info": asked})
        except AnswerOverLimit:  # texts with embedded pictures
            answer = await self._api.get(path, {"list_info": {**asked, "row_count": _FEW_ROWS}})
        rows, list_info = answer.get(key), answer.get("list_info")
        if not isinstance(rows, list):
            raise _Odd(f"the answer has no list `{key}`: {shape_of(answer)}")
        if not all(isinstance(row, dict) for row in rows):
            raise _Odd(f"the list `{key}` does not hold objects alone: {shape_of(rows)}")
        return _Page(rows, not (isinstance(list_info, dict) and list_info.get("has_more_rows") is True))


class _Nothing:
    """Stands for a key that is not there."""


_NOTHING: Final = _Nothing()


def shape_of(value: object, *, depth: int = 3) -> str:
    """Keys and types of *value*, to *depth* levels; never what it holds."""
    if isinstance(value, dict):
        if depth <= 0:
            return "object"
        inner = [
            f"{_safe_key(key)}: {shape_of(part, depth=depth - 1)}" if depth > 1 else _safe_key(key)
            for key, part in list(value.items())[:_MOST_KEYS]
        ]
        more = ", …" if len(value) > _MOST_KEYS else ""
        return f"{{{', '.join(inner)}{more}}}"
    if isinstance(value, list):
        return f"list of {len(value)}" + (f", first {shape_of(value[0], depth=depth - 1)}" if value else "")
    if isinstance(value, str):
        is_number = value.isascii() and value.isdigit()
        return "empty text" if not value.strip() else "digits as text" if is_number else "text"
    for kind, name in ((_Nothing, "absent"), (type(None), "null"), (bool, "true or false"), (int | float, "number")):
        if isinstance(value, kind):
            return name
    return type(value).__name__


def _safe_key(key: object) -> str:
    text = str(key)
    return text if _KEY.fullmatch(text) else f"(a key of {len(text)} characters)"


def _at(row: Row, path: str) -> object:
    value: object = row
    for part in path.split("."):
        value = value.get(part, _NOTHING) if isinstance(value, dict) else _NOTHING
    return value


def _number(page: _Page) -> str:
    return f"{len(page.rows)} rows" + ("" if page.is_last else ", more follow")
