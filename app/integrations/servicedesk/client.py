"""A tenant's ServiceDesk Plus: reads tickets, articles and assets, and posts notes.

Invariant: whatever comes from ServiceDesk Plus leaves as a type of `app.core` or as an error of `app.errors`. Of a
shared instance nothing leaves that is not of the tenant's account, whatever ServiceDesk Plus was asked for: each row is
compared, and a note goes only to a ticket whose account was seen in the same attempt (`for_attempt`). Of a tenant in
shadow mode nothing is written, whichever method is called.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from app.core.accounts import Accounts
from app.core.article import Article
from app.core.asset import Asset
from app.core.fixes import tells_a_fix
from app.core.help_desk import AccountRef
from app.core.reading.text import plain_text
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.core.triage import TicketField
from app.errors import HelpDeskRefused, TicketForeign, TicketNotFound
from app.integrations.http import DEFAULT_TIMEOUT, Resolve, open_outbound
from app.integrations.servicedesk import pages
from app.integrations.servicedesk.answers import InputRefused, Missing, Unclear, not_understood
from app.integrations.servicedesk.auth import Credentials, TokenCache
from app.integrations.servicedesk.calls import Begin, CallLimiter, RestApi
from app.integrations.servicedesk.lists import PAGE_ROWS, Lists
from app.integrations.servicedesk.mapping import (
    Note,
    Row,
    account_of,
    article_time,
    has_network_fields,
    is_approved,
    is_by,
    is_id,
    is_of_requester,
    parse_article,
    parse_asset,
    parse_id,
    parse_note,
    parse_ticket,
    resolution_of,
    text_of_note,
    work_of,
)

_MAX_NOTES: Final = 20
_MAX_NOTE_CHARS: Final = 2_000
_MAX_NOTES_READ: Final = 5
# A third of the calls that a tenant has in a minute, unless its file says otherwise: an attempt has time for them.
_MAX_NOTES_SEARCHED: Final = 10
_CLOCKS_DIFFER: Final = timedelta(days=1)
"""By no more does the help desk's clock go wrong."""
_OUR_REFERENCE = re.compile(r"\bref [0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
# For older tickets without a resolution no further call is made.
_CALLS_FOR: Final = timedelta(days=180)
_MAX_WORK_LOGS: Final = 20


class ServiceDesk:
    """The ServiceDesk Plus of one tenant; made by `open_servicedesk`."""

    def __init__(self, tenant: Tenant, api: RestApi) -> None:
        self._tenant = tenant
        self._options = tenant.servicedesk
        self._note = tenant.note
        self._api = api
        self._lists = Lists(api)
        self._account_fields = self._options.account_fields if self._options.instance else ()
        account = self._options.account
        self._own = None if account is None else Accounts([(account, True)])
        """None: all that is read here is the tenant's."""
        self._own_tickets: set[str] = set()
        """Tickets that were seen to be of the tenant's account, since `for_attempt`."""
        self._has_work_logs: bool | None = None
        """Whether the build gives work logs; None: it was not asked yet."""

    def for_attempt(self) -> ServiceDesk:
        """The same help desk, which has seen no ticket yet."""
        return ServiceDesk(self._tenant, self._api)

    async def load_ticket(self, ticket_id: str) -> Ticket:
        """The ticket as it is now, with its resolution; if that says nothing, with its closing comment or work logs.

        Where no ticket has this id, it is looked for by its display id: a webhook may be set up to send that one. So
        the answer's `id` may be another than *ticket_id*.

        Raises:
            TicketNotFound: There is none, or *ticket_id* can't be an id.
            TicketForeign: It is not of the tenant's account.
            HelpDeskUnavailable: ServiceDesk Plus did not answer, or with another ticket.
        """
        try:
            row = await self._read_ticket(ticket_id)
        except (Missing, InputRefused):
            found = await self._lists.find_ticket(ticket_id)
            if found is None or parse_id(found) == ticket_id:
                raise _no_ticket(ticket_id) from None
            try:
                row = await self._read_ticket(parse_id(found))
            except (Missing, InputRefused):
                raise _no_ticket(ticket_id) from None
        return await self._finish(row)

    async def _read_ticket(self, ticket_id: str) -> Row:
        """The ticket of exactly this id, seen to be of the tenant's account."""
        row = _part(await self._api.get(_ticket_path(ticket_id)), "request")
        if parse_id(row).lstrip("0") != ticket_id.lstrip("0"):
            raise not_understood()
        told = account_of(row, self._account_fields)
        if not self._is_own(told):
            self._own_tickets.discard(parse_id(row))
            fields = " or ".join(self._account_fields)
            # Without the other account's name: this is stored for the tenant, which must learn of no other client.
            whose = "of another account" if told != AccountRef() else f"of no account (it has none in {fields})"
            raise TicketForeign(f"the ticket is {whose}, not of {self._own_label}", ticket_id=parse_id(row))
        self._own_tickets.add(parse_id(row))
        return row

    def _is_own(self, told: AccountRef) -> bool:
        """Whether what is of the account *told* is the tenant's: with a help desk or an instance of its own, all is."""
        return self._own is None or self._own.find(told) is not None

    @property
    def _own_label(self) -> str:
        account = self._options.account
        return account.label if account else ""

    def _check_own(self, ticket_id: str) -> None:
        """Raise `TicketForeign` unless `load_ticket` saw in this attempt that the ticket is of the tenant's account."""
        if self._options.account is not None and ticket_id not in self._own_tickets:
            raise TicketForeign("the ticket's account was not seen in this attempt", ticket_id=ticket_id)

    async def list_tickets(self, *, updated_since: datetime | None) -> AsyncIterator[Ticket]:
        """The tickets that were updated at or after *updated_since* (None: all), oldest update first.

        For a ticket in the trash the answer may have only its id and state.
        Tickets that were never updated since their creation come last, oldest first, where a build keeps no update
        time for them. Each page costs a call; so does each ticket whose description, or resolution if it is resolved,
        the list does not hold, and each that was resolved lately without a word of how, for its work logs. A ticket
        that changes meanwhile may come twice, but is never left out.
        """
        async for row in self._lists.tickets(
            updated_since=updated_since, edition=self._options.edition, account_fields=self._account_fields
        ):
            ticket = parse_ticket(row, account_fields=self._account_fields)
            if not self._is_own(ticket.account):
                continue
            is_whole = "description" in row and ("resolution" in row or not ticket.resolved_at)
            is_whole &= "closure_info" in row or not _may_say_more(ticket)
            if is_whole or ticket.fate.is_gone:
                yield await self._with_work_logs(row, ticket)
                continue
            try:
                yield await self.load_ticket(parse_id(row))
            except (TicketNotFound, TicketForeign):
                continue  # deleted or moved since it was listed

    async def peek(self) -> int:
        """Read the first page of tickets, in one call. Returns how many it has."""
        return await self._lists.peek()

    async def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]:
        """The approved articles that changed at or after *updated_since* (None: all), in any order.

        All are fetched and filtered here: the editions' field names differ, and a
        knowledge base is small. An article without a time always comes. One whose text the list lacks costs a call.
        """
        async for row in self._lists.rows("/solutions", "solutions"):
            if not is_approved(row) or not _is_since(row, updated_since):
                continue
            details: Row | None = {}
            if "description" not in row:
                details = await self._details_of(row, "/solutions", "solution")
            if details is None or not is_approved(row | details):
                continue
            article = parse_article(row | details, account_fields=self._account_fields)
            if self._own is None or self._own.of_article(article, self._options):
                yield article

    async def list_assets(self, *, updated_since: datetime | None) -> AsyncIterator[Asset]:
        """The assets that changed at or after *updated_since* (None: all), in any order.

        As for articles, they are filtered here. An asset whose row has no fields for addresses costs a call.
        """
        path, key = await self._asset_names()
        async for row in self._lists.rows(path, key):
            if not _is_since(row, updated_since):
                continue
            details: Row | None = {}
            if not has_network_fields(row):
                details = await self._details_of(row, path, key.removesuffix("s"))
            if details is None:
                continue
            asset = parse_asset(row | details, account_fields=self._account_fields)
            if self._own is None or self._own.of_asset(asset):
                yield asset

    async def find_notes(self, ticket_id: str, *, containing: str, since: datetime | None = None) -> list[Note]:
        """The notes on the ticket whose text holds *containing*, oldest first.

        Where the list holds no texts, as on premises, they are read, a call each: of the technicians' notes since
        *since*, by any clock (None: of all), our own and then the newest, at most `_MAX_NOTES_SEARCHED`.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        self._check_own(ticket_id)
        path = f"{_ticket_path(ticket_id)}/notes"
        found, untold = [], []
        with _the_ticket_is_there(ticket_id):
            async for row in self._lists.rows(path, "notes"):
                text = text_of_note(row)
                if text is None:
                    untold.append(row)
                    if len(untold) == PAGE_ROWS:  # a list may have no end
                        untold = self._likeliest(untold, since)
                elif _holds(text, containing):
                    found.append(parse_note(row))
            likeliest = self._likeliest(untold, since)
            found += [parse_note(row) for row in likeliest if _holds(await self._note_text(path, row), containing)]
        return sorted(found, key=lambda note: (note.created_at or _LONG_AGO, len(note.id), note.id))

    def _likeliest(self, rows: Sequence[Row], since: datetime | None) -> list[Row]:
        """The notes that are worth a call each in search of one of ours, the likeliest first.

        By its author alone none is left out: its name may be written otherwise than in the tenant's file.
        """

        def added_at(row: Row) -> datetime:
            return parse_note(row).created_at or datetime.now(UTC)

        least = _LONG_AGO if since is None else since - _CLOCKS_DIFFER
        worth = [row for row in rows if not is_of_requester(row) and added_at(row) >= least]
        worth.sort(key=added_at, reverse=True)
        worth.sort(key=lambda row: not is_by(row, self._options.technician))
        return worth[:_MAX_NOTES_SEARCHED]

    async def list_note_texts(self, ticket_id: str) -> list[str]:
        """The plain texts of the first notes on the ticket that technicians wrote, in the help desk's order.

        Notes of ours are left out: they hold a reference. Where the list holds no texts, as on premises, those of the
        last `_MAX_NOTES_READ` are read, a call each.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        self._check_own(ticket_id)
        path = f"{_ticket_path(ticket_id)}/notes"
        texts: list[str] = []
        untold = deque[Row](maxlen=_MAX_NOTES_READ)

        def add(html: str) -> None:
            text = plain_text(html, max_chars=_MAX_NOTE_CHARS)
            if text and not _OUR_REFERENCE.search(text):
                texts.append(text)

        with _the_ticket_is_there(ticket_id):
            async for row in self._lists.rows(path, "notes"):
                if is_of_requester(row):
                    continue
                if (html := text_of_note(row)) is None:
                    untold.append(row)
                    continue
                add(html)
                if len(texts) == _MAX_NOTES:
                    return texts
            for row in untold:
                add(await self._note_text(path, row))
        return texts

    async def _note_text(self, path: str, row: Row) -> str:
        """The HTML of the note in *row*, which holds none; empty when it is gone."""
        details = await self._details(f"{path}/{parse_id(row)}", "note", "request_note", "notes")
        return text_of_note(details or {}) or ""

    async def post_note(self, ticket_id: str, html: str, *, begin: Begin) -> str:
        """Add *html* as a note and return the note's id.

        *begin* is awaited right before the call, after the wait for the limiter. A `HelpDeskUnavailable` raised after
        that leaves open whether the note is there: look with `find_notes` before another try.

        Raises:
            TicketNotFound: There is no such ticket.
            TicketForeign: It is not of the tenant's account, or not any more.
        """
        await self._look_again(ticket_id)
        path = f"{_ticket_path(ticket_id)}/notes"
        with _the_ticket_is_there(ticket_id):
            answer = await self._api.post(path, {self._options.note_key: self._note_fields(html)}, begin=begin)
        return parse_id(_part(answer, self._options.note_key, "note", "request_note", "notes"))

    async def change_note(self, ticket_id: str, note_id: str, html: str, *, begin: Begin) -> None:
        """Replace the text of a note by *html*. To do it twice changes nothing.

        *begin* is awaited right before the call, as for `post_note`. `PUT …/notes/{id}` with the same body is what the
        maker documents for the cloud, and what clients of both editions send.

        Raises:
            TicketNotFound: There is no such ticket, or it has no such note any more.
            TicketForeign: It is not of the tenant's account, or not any more.
        """
        path = _note_path(ticket_id, note_id)
        await self._look_again(ticket_id)
        with _the_ticket_is_there(ticket_id):
            await self._api.put(path, {self._options.note_key: self._note_fields(html)}, begin=begin)

    async def change_fields(self, ticket_id: str, values: Mapping[TicketField, str]) -> None:
        """Set fields of a ticket by the names that a technician sees. Other fields stay.

        `PUT /requests/{id}`, `{"request": {"category": {"name": …}}}`: in the maker's reference of both editions these
        fields are objects with `id` or `name`.

        Raises:
            TicketNotFound: There is no such ticket.
            TicketForeign: It is not of the tenant's account.
            HelpDeskRefused: A rule, a template or the technician's role does not allow it, or knows no such name.
        """
        self._check_own(ticket_id)
        fields = {field.value: {"name": value} for field, value in values.items()}
        with _the_ticket_is_there(ticket_id):
            await self._api.put(_ticket_path(ticket_id), {"request": fields}, begin=_at_once)

    def _note_fields(self, html: str) -> dict[str, str | bool]:
        return {
            "description": html,
            "show_to_requester": self._note.show_to_requester,
            "notify_technician": self._note.notify_technician,
            "mark_first_response": self._note.mark_first_response,
            "add_to_linked_requests": self._note.add_to_linked_requests,
        }

    async def delete_note(self, ticket_id: str, note_id: str) -> None:
        """Remove a note. It is no error if it does not exist."""
        path = _note_path(ticket_id, note_id)
        self._check_own(ticket_id)
        with suppress(Missing):
            await self._api.delete(path)

    def ticket_url(self, ticket_id: str) -> str:
        return pages.ticket_url(self._options, ticket_id)

    def article_url(self, article_id: str) -> str:
        return pages.article_url(self._options, article_id)

    def asset_url(self, asset_id: str) -> str:
        return pages.asset_url(self._options, asset_id)

    async def _look_again(self, ticket_id: str) -> None:
        """Right before a note is written: in a shared instance a person may meanwhile have moved the ticket to the
        client whose it is, so its account is read once more.
        """
        self._check_own(ticket_id)
        if self._options.account is None:
            return
        with _the_ticket_is_there(ticket_id):
            await self._read_ticket(ticket_id)

    async def _finish(self, row: Row) -> Ticket:
        """The ticket in *row*; its resolution is fetched where the build does not return it with the ticket."""
        ticket = parse_ticket(row, account_fields=self._account_fields)
        if "resolution" in row or ticket.resolved_at is None:
            return await self._with_work_logs(row, ticket)
        details = await self._details(f"{_ticket_path(ticket.id)}/resolutions", "resolution", "resolutions")
        resolution = resolution_of({"resolution": details}) if _is_of(details or {}, ticket.id) else ""
        ticket = parse_ticket(row, account_fields=self._account_fields, resolution=resolution)
        return await self._with_work_logs(row, ticket)

    async def _with_work_logs(self, row: Row, ticket: Ticket) -> Ticket:
        """*ticket*; one that was resolved lately without a word of how with what was done in its place.

        Technicians alone write work logs. Replies are not read: who wrote one, its sender's address does not prove.
        """
        if not _may_say_more(ticket) or self._has_work_logs is False:
            return ticket
        try:
            done = await self._work_logs(ticket.id)
        except (HelpDeskRefused, Unclear):  # the ticket itself was read by the same key
            self._has_work_logs = self._has_work_logs or False
            return ticket
        self._has_work_logs = True
        return parse_ticket(row, account_fields=self._account_fields, resolution="<br>".join(filter(None, done)))

    async def _work_logs(self, ticket_id: str) -> list[str]:
        path = f"{_ticket_path(ticket_id)}/worklogs"
        logs = deque[Row](maxlen=_MAX_WORK_LOGS)
        async for log in self._lists.rows(path, "worklogs"):
            if _is_of(log, ticket_id):
                logs.append(log)
        told: list[str] = []
        for log in logs:
            text = work_of(log)
            if text is None:
                text = work_of(await self._details(f"{path}/{parse_id(log)}", "worklog") or {})
            told.append(text or "")
        return told

    async def _details(self, path: str, *keys: str) -> Row | None:
        try:
            return _part(await self._api.get(path), *keys)
        except Missing:
            return None

    async def _details_of(self, row: Row, path: str, key: str) -> Row | None:
        """All fields of the item in *row*; None when it is gone."""
        details = await self._details(f"{path}/{parse_id(row)}", key)
        if details is not None and parse_id(details) != parse_id(row):
            raise not_understood()
        return details

    async def _asset_names(self) -> tuple[str, str]:
        """Path and key of the assets: on premises, build 15100 renamed them."""
        if not self._options.edition.is_cloud:
            try:
                await self._api.get("/asset_assets", {"list_info": {"row_count": 1, "start_index": 1}})
            except (HelpDeskRefused, Unclear):  # builds refuse an unknown path in different ways
                return "/assets", "assets"
            return "/asset_assets", "asset_assets"
        return "/assets", "assets"


@asynccontextmanager
async def open_servicedesk(
    tenant: Tenant,
    credentials: Credentials,
    *,
    limiter: CallLimiter,
    tokens: TokenCache,
    timeout: timedelta = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of each call, not of this function
    resolve: Resolve | None = None,
) -> AsyncIterator[ServiceDesk]:
    """The tenant's ServiceDesk Plus. Nothing is called until a method needs it.

    *tokens* is not used on premises.

    Raises:
        TenantFileInvalid: The credentials are the other edition's.
    """
    async with open_outbound(
        allow_private=tenant.servicedesk.allow_private_address, timeout=timeout, resolve=resolve
    ) as outbound:
        yield ServiceDesk(tenant, RestApi(tenant, credentials, outbound=outbound, tokens=tokens, limiter=limiter))


async def _at_once() -> None:
    """Nothing has to be stored before the call."""


def _ticket_path(ticket_id: str) -> str:
    if not is_id(ticket_id):
        raise _no_ticket(ticket_id)
    return f"/requests/{quote(ticket_id, safe='')}"


def _note_path(ticket_id: str, note_id: str) -> str:
    if not is_id(note_id):
        raise HelpDeskRefused("A note's id holds letters, digits, '-' and '_' alone.")
    return f"{_ticket_path(ticket_id)}/notes/{note_id}"


@contextmanager
def _the_ticket_is_there(ticket_id: str) -> Iterator[None]:
    """What ServiceDesk Plus does not find below a ticket's path is the ticket: raise `TicketNotFound`."""
    try:
        yield
    except Missing:
        raise _no_ticket(ticket_id) from None


def _no_ticket(ticket_id: str) -> TicketNotFound:
    named = f"of id {ticket_id}" if is_id(ticket_id) else "of this id: an id holds letters, digits, '-' and '_' alone"
    return TicketNotFound(f"ServiceDesk Plus has no ticket {named}.")


def _may_say_more(ticket: Ticket) -> bool:
    """Whether *ticket* was resolved lately without a word of what was done."""
    resolved_at = None if tells_a_fix(ticket.resolution) or ticket.fate.is_gone else ticket.resolved_at
    return resolved_at is not None and resolved_at >= datetime.now(UTC) - _CALLS_FOR


def _is_of(part: Row, ticket_id: str) -> bool:
    """Whether *part* of a ticket names no other ticket as its own."""
    ticket = part.get("request")
    return not isinstance(ticket, dict) or ticket.get("id") is None or parse_id(ticket) == ticket_id


def _holds(html: str, text: str) -> bool:
    return text in html or text in plain_text(html)


def _part(answer: Row, *keys: str) -> Row:
    """The object under the first of *keys* that *answer* has; of a list, its only one."""
    for key in keys:
        part = answer.get(key)
        if isinstance(part, list) and len(part) == 1:
            part = part[0]
        if isinstance(part, dict):
            return part
    raise not_understood()


def _is_since(row: Row, since: datetime | None) -> bool:
    time = article_time(row)
    return since is None or time is None or time >= since
