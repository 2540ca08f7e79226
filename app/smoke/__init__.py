"""The smoke test: proves on what is deployed that a signed webhook leads to exactly one cited note.

Invariant: every check runs, whatever the ones before came to; the report says of each what was seen and, where it
failed, what to do.
"""

from __future__ import annotations

from typing import Final

import httpx

from app.errors import TenantFileInvalid
from app.smoke.cluster import Cluster
from app.smoke.journey import Journey, open_help_desk
from app.smoke.public import PublicDoor
from app.smoke.report import Report, run_checks
from app.tenants import KnownTenant, missing_secrets

__all__ = ["Cluster", "PublicDoor", "run_smoke"]

_CALL_TIMEOUT_S: Final = 10.0


async def run_smoke(
    known: KnownTenant,
    *,
    url: str,
    host: str,
    port: int,
    limit_s: float,
    door: PublicDoor | None = None,
    cluster: Cluster | None = None,
) -> Report:
    """Run every check against the API at *url*, with the tenant's help desk hosted on *host* and *port*.

    With *door* also what the internet sees of it, with *cluster* also its pods.

    Raises:
        TenantFileInvalid: The tenant lacks a secret.
        CheckFailed: The help desk can't be hosted.
    """
    missing = missing_secrets(known)
    if missing:
        raise TenantFileInvalid(f"{known.tenant.slug}: secret {missing[0]}: is missing", field=missing[0])
    report = Report()
    async with open_help_desk(known, host, port) as portal:
        async with httpx.AsyncClient(base_url=url, timeout=_CALL_TIMEOUT_S) as api:
            await run_checks(Journey(known, portal, api, limit_s).checks, report)
        for place in (door, cluster):
            if place is not None:
                await run_checks(place.checks, report)
    return report
