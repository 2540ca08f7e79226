"""The page about a tenant's time in shadow mode, to read or to print before notes are posted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from app.console.given import AnyRequest, NamedResources, NamedUser
from app.console.pages import page
from app.core.shadow import ShadowReport
from app.core.ticket import MAX_TICKET_ID_CHARS
from app.db.reports.audit import witness
from app.db.reports.shadow import MOST_NOTES, keep_verdict, list_shadow_notes

_SPANS: Final = {"7d": "last 7 days", "30d": "last 30 days", "90d": "last 90 days"}
_USUAL: Final = "30d"
_SHOWN: Final = 12
_VERDICTS: Final = {"same": True, "other": False, "unsaid": None}


@get("/tenants/{slug:str}/shadow")
async def show_shadow(
    slug: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser
) -> Response[str]:
    tenant = resources.known(slug).tenant
    span = request.query_params.get("since", _USUAL)
    if span not in _SPANS:
        raise ClientException("There is no such time; choose one of the list.")
    now = datetime.now(UTC)
    since = now - timedelta(days=int(span.removesuffix("d")))
    notes = await list_shadow_notes(resources.database, tenant.id, since=since)

    def render() -> Response[str]:
        return page(
            "shadow.html",
            user=user,
            here="tenants",
            now=now,
            tenant=tenant,
            span=span,
            spans=_SPANS,
            report=ShadowReport(notes),
            shown=_best_to_read(notes)[:_SHOWN],
            most=MOST_NOTES,
        )

    # Some hundred notes are compared, which takes longer than other pages may wait.
    return await asyncio.to_thread(render)


@post("/tenants/{slug:str}/shadow/{act:str}")
async def judge_note(
    slug: FromPath[str], act: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser
) -> Redirect:
    """Say whether a note told the fix that was made, or take that back."""
    tenant, form = resources.operable(slug).tenant, await request.form()
    ticket_id, span = str(form.get("ticket", "")), str(form.get("since", ""))
    if act not in _VERDICTS:
        raise NotFoundException("There is no such page.")
    if not ticket_id or len(ticket_id) > MAX_TICKET_ID_CHARS or "\0" in ticket_id:
        raise ClientException("This form is not complete.")
    await keep_verdict(
        resources.database,
        tenant.id,
        ticket_id,
        is_same=_VERDICTS[act],
        by=user.name,
        witness=witness(user.name, "judge a note", f"ticket {ticket_id}: {act}"),
    )
    query = f"?since={span}" if span in _SPANS else ""
    return Redirect(f"/tenants/{slug}/shadow{query}#ticket-{quote(ticket_id)}", status_code=303)


def _best_to_read(notes: list[Any]) -> list[Any]:
    """Those that can be compared first, the newest first among equals."""
    return sorted(notes, key=lambda note: (note.match is None, not note.resolution))
