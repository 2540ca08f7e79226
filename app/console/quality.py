"""The page Quality: technicians' votes, which sources help, and which notes a person should review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency

from app.console.pages import page
from app.console.resources import Resources
from app.console.sessions import User
from app.db.reports.quality import SourceVotes, load_quality

_SHOWN: Final = 25
_SOURCES_SHOWN: Final = 8


@get("/quality")
async def show_quality(
    request: Request[Any, Any, Any], resources: NamedDependency[Resources], user: NamedDependency[User]
) -> Response[str]:
    slug = str(request.query_params.get("tenant", ""))[:64]
    known = resources.chosen(slug)
    found = await load_quality(resources.database, [each.tenant.id for each in known], limit=_SHOWN)
    votes = sorted((vote for each in found for vote in each.votes), key=lambda vote: vote.voted_at, reverse=True)
    unsure = sorted((note for each in found for note in each.unsure), key=lambda note: note.posted_at, reverse=True)
    most, least = rank_sources([source for each in found for source in each.sources])
    return page(
        "quality.html",
        user=user,
        here="quality",
        now=datetime.now(UTC),
        slug=slug,
        tenants=[each.tenant for each in resources.tenants if not each.tenant.is_instance],
        names=resources.names(),
        slugs=resources.slugs(),
        found=found,
        up=sum(each.up for each in found),
        down=sum(each.down for each in found),
        votes=votes[:_SHOWN],
        unsure=unsure[:_SHOWN],
        most=most,
        least=least,
    )


def rank_sources(sources: Sequence[SourceVotes]) -> tuple[list[SourceVotes], list[SourceVotes]]:
    """The most helpful and the least helpful; one with more votes for than against is never among the latter."""

    def surplus(source: SourceVotes) -> tuple[int, int]:
        return source.up - source.down, source.up + source.down

    ranked = sorted(sources, key=surplus, reverse=True)
    most = [source for source in ranked if source.up > source.down]
    least = [source for source in reversed(ranked) if source.down >= source.up]
    return most[:_SOURCES_SHOWN], least[:_SOURCES_SHOWN]
