"""Acts: who did what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency

from app.console.pages import page
from app.console.reading import Reading
from app.console.sessions import User
from app.db.audit import list_acts
from app.db.limits.holds import EVERY_TENANT

_SHOWN: Final = 200


@get("/acts")
async def show_acts(reading: NamedDependency[Reading], user: NamedDependency[User]) -> Response[str]:
    ids = [EVERY_TENANT, *reading.names()]
    return page(
        "acts.html",
        user=user,
        here="acts",
        now=datetime.now(UTC),
        names=reading.names(),
        slugs=reading.slugs(),
        acts=await list_acts(reading.database, list(dict.fromkeys(ids)), limit=_SHOWN),
        most=_SHOWN,
    )
