"""The page Now: what is wrong now, and live figures. The page refreshes itself."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from app.console.given import NamedResources, NamedUser
from app.console.pages import page
from app.console.problems import find_problems
from app.console.resources import Resources
from app.console.snapshot import p95
from app.db.reports.overview import HOURS


@get("/")
async def show_now(resources: NamedResources, user: NamedUser) -> Response[str]:
    return page("now.html", user=user, here="now", **await _values(resources))


@get("/live")
async def show_live(resources: NamedResources, user: NamedUser) -> Response[str]:
    """The part of the page that it fetches again every few seconds."""
    return page("_live.html", user=user, **await _values(resources))


async def _values(resources: Resources) -> dict[str, Any]:
    seen = await resources.snapshot()
    hours = seen.hours
    notes = sum(hour.notes for hour in hours)
    failed = sum(hour.failed for hour in hours)
    columns = []
    for hour in hours:
        full = hour.notes - hour.context_only
        when = "this hour" if hour.age == 0 else f"{hour.age} h ago"
        title = f"{when}: {full} notes, {hour.context_only} without the model, {hour.failed} failed"
        columns.append((title, {"ok": full, "warn": hour.context_only, "bad": hour.failed}))
    return {
        "seen": seen,
        "problems": find_problems(seen),
        "notes": notes,
        "failed": failed,
        "without_model": sum(hour.context_only for hour in hours),
        "columns": columns,
        "span": HOURS,
        "rows": [(tenant, seen.of(tenant.id), seen.holds_on(tenant.id)) for tenant in seen.tenants],
        "p95": p95,
    }
