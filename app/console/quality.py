"""The page Quality: technicians' votes, which sources help, what votes make of them, and which notes to review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from app.console.given import AnyRequest, NamedResources, NamedUser
from app.console.pages import page
from app.core.source import SourceKind
from app.db.reports.audit import witness
from app.db.reports.quality import SourceVotes, load_quality
from app.db.reports.standings import count_again, list_standings, take_back

_SHOWN: Final = 25
_SOURCES_SHOWN: Final = 8
_MAX_ID_CHARS: Final = 200
_KINDS: Final = {SourceKind.TICKET: "ticket", SourceKind.ARTICLE: "article"}
"""As votes name the kinds of sources that are ranked."""


@get("/quality")
async def show_quality(request: AnyRequest, resources: NamedResources, user: NamedUser) -> Response[str]:
    slug = str(request.query_params.get("tenant", ""))[:64]
    known = resources.chosen(slug)
    found = await load_quality(resources.database, [each.tenant.id for each in known], limit=_SHOWN)
    most, least = rank_sources(found.sources)
    standings = await list_standings(resources.database, sorted({each.tenant_id for each in [*most, *least]}))
    return page(
        "quality.html",
        user=user,
        here="quality",
        now=datetime.now(UTC),
        chosen=slug,
        tenants=[each.tenant for each in resources.tenants if not each.tenant.is_instance],
        names=resources.names(),
        slugs=resources.slugs(),
        rates=found.rates,
        up=sum(each.up for each in found.rates),
        down=sum(each.down for each in found.rates),
        votes=found.votes,
        unsure=found.unsure,
        most=most,
        least=least,
        standings={(each.tenant_id, each.kind, each.source_id): each for each in standings},
        kinds=_KINDS,
    )


@post("/quality/{slug:str}/{act:str}")
async def act_on_source(
    slug: FromPath[str], act: FromPath[str], request: AnyRequest, resources: NamedResources, user: NamedUser
) -> Redirect:
    """Take the votes on a source back, or count them again."""
    tenant, form = resources.operable(slug).tenant, await request.form()
    kind, source_id = str(form.get("kind", "")), str(form.get("source", ""))
    if kind not in _KINDS.values() or not source_id or len(source_id) > _MAX_ID_CHARS or "\0" in source_id:
        raise ClientException("This form is not complete.")
    if act == "take-back":
        seen_by = witness(user.name, "take votes back", f"{kind} {source_id}")
        await take_back(resources.database, tenant.id, kind=kind, source_id=source_id, by=user.name, witness=seen_by)
    elif act == "count-again":
        seen_by = witness(user.name, "count votes again", f"{kind} {source_id}")
        await count_again(resources.database, tenant.id, kind=kind, source_id=source_id, witness=seen_by)
    else:
        raise NotFoundException("There is no such page.")
    chosen = f"?tenant={slug}" if form.get("tenant") == slug else ""
    return Redirect(f"/quality{chosen}#least", status_code=303)


def rank_sources(sources: Sequence[SourceVotes]) -> tuple[list[SourceVotes], list[SourceVotes]]:
    """The most helpful and the least helpful; one with more votes for than against is never among the latter."""

    def surplus(source: SourceVotes) -> tuple[int, int]:
        return source.up - source.down, source.up + source.down

    ranked = sorted(sources, key=surplus, reverse=True)
    most = [source for source in ranked if source.up > source.down]
    least = [source for source in reversed(ranked) if source.down >= source.up]
    return most[:_SOURCES_SHOWN], least[:_SOURCES_SHOWN]
