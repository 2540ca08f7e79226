"""The page Tenants: state and configuration of each, and the acts: check the connection, pause, resume."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import yaml
from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from app.console.door import require_operator_of_all
from app.console.given import AnyRequest, NamedResources, NamedUser
from app.console.pages import page
from app.console.problems import budgets_of, find_problems_of
from app.console.reasons import reason_in
from app.console.resources import Resources
from app.console.sessions import User
from app.console.snapshot import p95
from app.console.words import duration
from app.core.tenant import EVERY_TENANT
from app.db.limits.holds import Cause
from app.db.limits.pauses import pause, resume
from app.db.reports.acts import record_act
from app.db.reports.audit import list_acts, witness
from app.db.reports.models import find_latest_answer
from app.errors import AppError, Code
from app.help_desks import open_help_desk
from app.tenants import KnownTenant
from app.tenants.secrets import missing_help_desk_secrets

_CHECK_WAIT: Final = timedelta(seconds=5)
_ACTS_SHOWN: Final = 8

Checked = tuple[bool, str, Code | None]
"""Whether the help desk answered, a sentence, and the code if it did not."""


@get("/tenants")
async def list_tenants(resources: NamedResources, user: NamedUser) -> Response[str]:
    seen = await resources.snapshot()
    return page(
        "tenants.html",
        user=user,
        here="tenants",
        seen=seen,
        p95=p95,
        budgets_of=budgets_of,
        rows=[(tenant, seen.of(tenant.id), seen.holds_on(tenant.id)) for tenant in seen.tenants],
        pauses=[hold for hold in seen.holds_of(EVERY_TENANT) if hold.cause is Cause.PAUSED],
        problems=resources.file_problems,
    )


@get("/tenants/{slug:str}")
async def show_tenant(slug: FromPath[str], resources: NamedResources, user: NamedUser) -> Response[str]:
    return await _page(resources, user, resources.known(slug))


async def _page(
    resources: Resources, user: User, known: KnownTenant, *, checked: Checked | None = None
) -> Response[str]:
    seen, tenant = await resources.snapshot(), known.tenant
    return page(
        "tenant.html",
        user=user,
        here="tenants",
        seen=seen,
        tenant=tenant,
        figures=seen.of(tenant.id),
        holds=seen.holds_on(tenant.id),
        is_paused=any(hold.cause is Cause.PAUSED for hold in seen.holds_of(tenant.id)),
        problems=find_problems_of(tenant, seen),
        p95=p95,
        budgets_of=budgets_of,
        desk=seen.shared.get(tenant.id),
        instance=resources.instance_of(tenant),
        configuration=configuration(known),
        missing=missing_help_desk_secrets(known),
        answer=await find_latest_answer(resources.database, tenant.id),
        acts=await list_acts(resources.database, [tenant.id], limit=_ACTS_SHOWN),
        checked=checked,
    )


def configuration(known: KnownTenant) -> str:
    """The tenant's configuration as YAML, defaults included. It holds no secret: these are in other files."""
    values = known.tenant.model_dump(mode="json")
    values["events"] = sorted(values["events"])
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


@get("/tenants/{slug:str}/check")
async def leave_check(slug: FromPath[str]) -> Redirect:
    """A GET of a check's address, e.g. by the browser's reload: redirects to the tenant."""
    return Redirect(f"/tenants/{slug}", status_code=303)


@post("/tenants/{slug:str}/check")
async def check_connection(slug: FromPath[str], resources: NamedResources, user: NamedUser) -> Response[str]:
    """Read one page from the help desk, now."""
    known = resources.operable(slug)
    checked = await _check(resources, known)
    detail = "answered" if checked[0] else checked[1]
    await record_act(resources.database, known.tenant.id, actor=user.name, act="check connection", detail=detail)
    return await _page(resources, user, known, checked=checked)


async def _check(resources: Resources, known: KnownTenant) -> Checked:
    started = time.perf_counter()
    try:
        async with open_help_desk(known, resources.database, longest_wait=_CHECK_WAIT) as help_desk:
            number = await help_desk.peek()
    except AppError as error:
        return False, error.detail, error.code
    took = duration(time.perf_counter() - started)
    seen = "no ticket" if not number else "1 ticket" if number == 1 else f"{number} tickets"
    answered = f"ServiceDesk Plus answered within {took}, with {seen} on its first page. Posting was not tried."
    return True, answered, None


@post("/tenants/{slug:str}/{act:str}")
async def act_on_tenant(
    slug: FromPath[str], act: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser
) -> Redirect:
    """Pause or resume one tenant."""
    await _act(act, resources.operable(slug).tenant.id, await request.form(), resources, user)
    return Redirect(f"/tenants/{slug}", status_code=303)


@post("/tenants/{act:str}", guards=[require_operator_of_all])
async def act_on_all(act: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser) -> Redirect:
    """Pause or resume all tenants, also those that are added later."""
    await _act(act, EVERY_TENANT, await request.form(), resources, user)
    return Redirect("/tenants", status_code=303)


async def _act(act: str, tenant_id: UUID, form: Any, resources: Resources, user: User) -> None:
    if act == "pause":
        reason = reason_in(form, "reason")
        if not reason:
            raise ClientException("Say why: the reason is shown with the pause.")
        seen_by = witness(user.name, "pause", reason)
        await pause(resources.database, tenant_id, by=user.name, reason=reason, witness=seen_by)
    elif act == "resume":
        await resume(resources.database, tenant_id, witness=witness(user.name, "resume"))
    else:
        raise NotFoundException("There is no such page.")
    resources.forget()
