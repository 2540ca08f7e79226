"""The page Acts: what operators did, when, and to which tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from litestar import Response, get

from app.console.given import NamedResources, NamedUser
from app.console.pages import page
from app.core.tenant import EVERY_TENANT
from app.db.reports.audit import list_acts

_SHOWN: Final = 200


@get("/acts")
async def show_acts(resources: NamedResources, user: NamedUser) -> Response[str]:
    # Acts on all tenants may tell of each of them.
    ids = [tenant_id for tenant_id in resources.names() if tenant_id != EVERY_TENANT or resources.access.sees_all]
    return page(
        "acts.html",
        user=user,
        here="acts",
        now=datetime.now(UTC),
        names=resources.names(),
        slugs=resources.slugs(),
        acts=await list_acts(resources.database, ids, limit=_SHOWN),
        most=_SHOWN,
    )
