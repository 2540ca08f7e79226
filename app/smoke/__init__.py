"""The smoke test: checks on a deployment that a signed webhook leads to exactly one note with citations.

Invariant: every check runs, also after one that failed. The report says for each what was seen and, if it failed, what
to do. It holds no secret and no text of a ticket.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx

from app.errors import TenantFileInvalid
from app.smoke.api import ApiChecks
from app.smoke.journey import Journey, open_simulator
from app.smoke.public import PublicDoor
from app.smoke.real import RealTicket, open_visit
from app.smoke.report import CheckFailed, SmokeReport, run_checks
from app.tenants import KnownTenant
from app.tenants.secrets import missing_secrets

if TYPE_CHECKING:
    from app.smoke.cluster import Cluster

__all__ = ["Hosted", "PublicDoor", "RealTicket", "run_smoke"]

_CALL_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Hosted:
    """The address on which the test hosts the tenant's simulated help desk."""

    host: str
    port: int


async def run_smoke(
    known: KnownTenant,
    help_desk: Hosted | RealTicket,
    *,
    url: str,
    limit_s: float,
    door: PublicDoor | None = None,
    cluster: Cluster | None = None,
) -> SmokeReport:
    """Run every check against the API at *url*, with *known*'s help desk simulated, or with a real ticket.

    With *door* it also checks what is reachable from the internet, with *cluster* also the pods, and keeps the results
    there.

    Raises:
        TenantFileInvalid: The tenant lacks a secret.
        CheckFailed: The help desk can't be hosted.
    """
    missing = missing_secrets(known)
    if missing:
        raise TenantFileInvalid(f"{known.tenant.slug}: secret {missing[0]}: is missing", field=missing[0])
    report = SmokeReport()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=_CALL_TIMEOUT_S))
        api = ApiChecks(known, client)
        if isinstance(help_desk, Hosted):
            portal = await stack.enter_async_context(open_simulator(known, help_desk.host, help_desk.port))
            checks = [*api.published, *Journey(portal, api, limit_s).checks, *api.inner]
        else:
            # Where a real help desk can be reached, the API may be reachable only by its public URL.
            checks = [*api.published, *await stack.enter_async_context(open_visit(known, help_desk, api, limit_s))]
        await run_checks(checks, report)
    if door is None:
        report.skip("public door", "certificate, redirect and what else is published: no --public-url")
    else:
        await run_checks(door.checks, report)
    if cluster is None:
        report.skip("pods of the release", "no --namespace")
    else:
        await run_checks(cluster.checks, report)
    report.finished = datetime.now(UTC)
    if cluster is not None:
        try:
            await cluster.keep(report)
        except CheckFailed as failure:  # the release is no worse for it
            report.skip("results are kept", failure.detail)
    return report
