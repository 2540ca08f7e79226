"""The page Deliveries: the list with filters, all about one delivery, and two acts on failed ones: replay, dismiss.

Invariant: before an act on several deliveries the page shows their number, and the act changes no more than that.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from app.console.door import require_operator
from app.console.given import AnyRequest, NamedResources, NamedUser
from app.console.limit import PAGE_LIMIT_S
from app.console.pages import page
from app.console.reasons import reason_in
from app.console.resources import Resources
from app.console.sessions import User
from app.core.delivery import Status, parse_webhook
from app.core.note import note_reference, render_note
from app.core.tenant import Tenant
from app.core.ticket import MAX_TICKET_ID_CHARS
from app.db.ledger.attempts import list_attempts
from app.db.moments import clamp
from app.db.reports.audit import witness
from app.db.reports.browsing import MOST_SEARCHED, Place, Story, find_story, list_page
from app.db.reports.choices import Choice
from app.db.reports.deliveries import count_each, dismiss_deliveries, replay_deliveries
from app.db.reports.load import failed_by_tenant
from app.errors import Code, MalformedDelivery
from app.integrations.servicedesk import ticket_url

_ROWS: Final = 50
# Of one tenant, replayed or dismissed by one confirmation.
_MOST_AT_ONCE: Final = 10_000
_MAX_DIGITS: Final = 9
SINCE: Final = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days", "": "90 days"}
_SPANS: Final = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


# W3C Trace Context, `traceparent`.
_TRACE_CONTEXT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Filter:
    """The filter in the page's address.

    Raises:
        ClientException: A field has a value that is none. Without that field a link to act on some deliveries would
            act on all.
    """

    def __init__(self, query: Any) -> None:
        self.tenant = str(query.get("tenant", ""))[:64]
        self.status = str(query.get("status", ""))
        self.since = str(query.get("since", ""))
        self.ticket = str(query.get("ticket", "")).strip()[:MAX_TICKET_ID_CHARS]
        self.reason = str(query.get("reason", ""))
        for name, known in (("status", Status), ("since", _SPANS), ("reason", Code)):
            if (value := getattr(self, name)) and value not in set(known):
                raise ClientException(f"There is no such {name}; choose one of the list.")

    @property
    def choice(self) -> Choice:
        span = _SPANS.get(self.since)
        return Choice(
            status=Status(self.status) if self.status else None,
            ticket_id=self.ticket or None,
            since=None if span is None else datetime.now(UTC) - span,
            code=Code(self.reason) if self.reason else None,
        )

    def link(self, **changes: str) -> str:
        """The address of the list with this filter and some fields changed."""
        fields = {name: getattr(self, name) for name in ("tenant", "status", "since", "ticket", "reason")}
        chosen = {name: value for name, value in (fields | changes).items() if value}
        return "/deliveries" + (f"?{urlencode(chosen)}" if chosen else "")

    @property
    def words(self) -> list[str]:
        """The filter in words."""
        told = [f"of {self.tenant}"] if self.tenant else []
        told += [f"ticket {self.ticket}"] if self.ticket else []
        told += [SINCE[self.since]] if self.since else []
        return told + ([f"with the reason {self.reason}"] if self.reason else [])


@get("/deliveries")
async def list_deliveries(request: AnyRequest, resources: NamedResources, user: NamedUser) -> Response[str]:
    chosen = Filter(request.query_params)
    known = resources.chosen(chosen.tenant)
    after = _place(request.query_params.get("after"))
    found = await list_page(
        resources.database, [each.tenant.id for each in known], chosen.choice, after=after, limit=_ROWS + 1
    )
    rows, more = found[:_ROWS], found[_ROWS:]
    failures = await failed_by_tenant(resources.database) if not chosen.words else {}
    return page(
        "deliveries.html",
        user=user,
        here="deliveries",
        now=datetime.now(UTC),
        chosen=chosen,
        statuses=[status.value for status in Status],
        spans=SINCE,
        codes=sorted(Code),
        tenants=[each.tenant for each in resources.tenants],
        names=resources.names(),
        slugs=resources.slugs(),
        rows=rows,
        is_first=after is None,
        most_searched=MOST_SEARCHED,
        older=chosen.link(after=_written(rows[-1].place)) if more else "",
        failures=sum(failures[each.tenant.id].number for each in known if each.tenant.id in failures),
        may_act=user.access.may_operate(chosen.tenant) if chosen.tenant else user.access.may_operate_any,
    )


@get("/deliveries/{slug:str}/{job_id:uuid}")
async def show_delivery(
    slug: FromPath[str], job_id: FromPath[UUID], resources: NamedResources, user: NamedUser
) -> Response[str]:
    tenant = resources.known(slug).tenant
    story = await find_story(resources.database, tenant.id, job_id)
    if story is None:
        raise NotFoundException(f"{tenant.name} has no delivery {job_id}: it may be older than 90 days.")
    delivery = story.delivery
    attempts = await list_attempts(resources.database, tenant.id, job_id)
    masked = [step.masked for attempt in attempts for step in attempt.steps if step.masked]
    trace_id = _trace_id(delivery.trace_context or "")
    return page(
        "delivery.html",
        user=user,
        here="deliveries",
        now=datetime.now(UTC),
        tenant=tenant,
        delivery=delivery,
        subject=_subject(story.body),
        story=story,
        attempts=attempts,
        masked=masked[-1] if masked else {},
        note=_note(tenant, story),
        ticket_url=ticket_url(tenant.servicedesk, story.ticket_id),
        trace_id=trace_id,
        trace_url=resources.trace_url.replace("{trace_id}", trace_id) if resources.trace_url and trace_id else "",
    )


def _trace_id(trace_context: str) -> str:
    """The id of the trace; empty when there is none."""
    found = _TRACE_CONTEXT.fullmatch(trace_context)
    return found[1] if found else ""


def _subject(body: bytes) -> str:
    """The ticket's subject from the webhook's body; empty when it has none."""
    try:
        ticket = parse_webhook(body).ticket
    except MalformedDelivery:
        return ""
    return ticket.subject if ticket else ""


def _note(tenant: Tenant, story: Story) -> str:
    """The note as it was sent; else rendered now from what was written; empty when nothing was written."""
    written = story.written
    if written is None or written.enhancement is None:
        return ""
    if (written.posted_at or written.shadowed_at) is not None and written.note_html is not None:
        return written.note_html
    reference = note_reference(tenant.id, written.ticket_id, written.version)
    return render_note(written.enhancement, tenant.note, reference=reference)


@post("/deliveries/{slug:str}/{job_id:uuid}/{act:str}")
async def act_on_one(
    *,
    slug: FromPath[str],
    job_id: FromPath[UUID],
    act: FromPath[str],
    request: AnyRequest,
    resources: NamedResources,
    user: NamedUser,
) -> Redirect:
    """Replay or dismiss one failed delivery. One that is no longer failed is not changed."""
    tenant = resources.operable(slug).tenant
    reason = reason_in(await request.form(), "because")
    await _act(resources, user, tenant, act, Choice(), reason=reason, job_ids=[job_id], limit=1, told=f"job {job_id}")
    return Redirect(f"/deliveries/{slug}/{job_id}", status_code=303)


@get("/deliveries/{act:str}", guards=[require_operator])
async def confirm_act(
    act: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser
) -> Response[str]:
    """Show how many failed deliveries the filter chooses, and ask for confirmation."""
    _check_act(act)
    chosen = Filter(request.query_params)
    failed = replace(chosen.choice, status=Status.FAILED)
    tenants = [each.tenant for each in resources.chosen(chosen.tenant, to_act=True)]
    ids = [tenant.id for tenant in tenants]
    numbers = await count_each(resources.database, ids, failed, at_most=_MOST_AT_ONCE + 1)
    counts = [(tenant, number) for tenant in tenants if (number := numbers.get(tenant.id))]
    return page(
        "confirm.html",
        user=user,
        here="deliveries",
        act=act,
        chosen=chosen,
        counts=counts,
        number=sum(number for _, number in counts),
        most=_MOST_AT_ONCE,
        until=datetime.now(UTC).isoformat(),
    )


@post("/deliveries/{act:str}", guards=[require_operator])
async def act_on_chosen(
    act: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser
) -> Response[str]:
    """Do what was confirmed: for each tenant at most the number that was shown, and none that was accepted since.

    Each tenant's is a whole; after `PAGE_LIMIT_S` no other's is begun.
    """
    _check_act(act)
    form = await request.form()
    chosen = Filter(form)
    until = _time(str(form.get("until", "")))
    done, left, ends = [], 0, time.monotonic() + PAGE_LIMIT_S
    for each in resources.chosen(chosen.tenant, to_act=True):
        limit = _count(str(form.get(f"number-{each.tenant.slug}", "0")))
        if limit and time.monotonic() > ends:
            left += 1
        elif limit:
            choice = replace(chosen.choice, until=until)
            told = ", ".join(chosen.words) or "all that failed"
            reason = reason_in(form, "because")
            number = await _act(resources, user, each.tenant, act, choice, reason=reason, limit=limit, told=told)
            done.append((each.tenant, number))
    return page(
        "done.html",
        user=user,
        here="deliveries",
        act=act,
        done=done,
        left=left,
        number=sum(number for _, number in done),
        back=chosen.link(status=""),
    )


async def _act(
    resources: Resources,
    user: User,
    tenant: Tenant,
    act: str,
    choice: Choice,
    *,
    reason: str,
    limit: int,
    told: str,
    job_ids: list[UUID] | None = None,
) -> int:
    _check_act(act)
    seen_by = witness(user.name, act, told if act == "replay" else f"{told}: {reason}")
    if act == "replay":
        changed = await replay_deliveries(
            resources.database, tenant.id, choice, job_ids=job_ids, limit=limit, witness=seen_by
        )
    else:
        if not reason:
            raise ClientException("Say why no note is needed any more; the reason is kept.")
        changed = await dismiss_deliveries(
            resources.database,
            tenant.id,
            choice,
            job_ids=job_ids,
            because=reason,
            limit=limit,
            witness=seen_by,
        )
    resources.forget()
    return len(changed)


def _check_act(act: str) -> None:
    if act not in {"replay", "dismiss"}:
        raise NotFoundException("There is no such page.")


def _count(value: str) -> int:
    return min(int(value), _MOST_AT_ONCE) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else 0


def _time(value: str) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise ClientException("This form is not complete.") from None
    return clamp(time if time.tzinfo else time.replace(tzinfo=UTC))


def _written(place: Place) -> str:
    return f"{place.accepted_at.isoformat()}~{place.job_id}"


def _place(value: str | None) -> Place | None:
    if not value:
        return None
    time, _, job_id = value.partition("~")
    try:
        at, after = datetime.fromisoformat(time), UUID(job_id)
    except ValueError:
        raise ClientException("This page's address is not complete.") from None
    return Place(clamp(at if at.tzinfo else at.replace(tzinfo=UTC)), after)
