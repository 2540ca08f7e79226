"""The commands `feedback`: what technicians say of the notes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.ledger import run_on_ledger
from app.cli.moment import Moment
from app.cli.run import choose_clients, load_directory

if TYPE_CHECKING:
    from app.db.reports.exporting import VotedNote
    from app.db.session import Database

_KEPT: Final = timedelta(days=91)


@click.group()
def feedback() -> None:
    """What technicians say of the notes: export it."""


@feedback.command("export")
@click.option("--tenant", "slug", metavar="SLUG", help="Only this one; all otherwise.")
@click.option(
    "--since", type=Moment(), help="Votes from then on: 30d, or a time; all that are kept, 90 days, otherwise."
)
@click.option("--unmasked", is_flag=True, help="Leave contacts, passwords and the like as they are stored.")
def export_feedback(slug: str | None, since: datetime | None, *, unmasked: bool) -> None:
    r"""Each vote as a line of JSON: the ticket, the note with its sources, how the ticket was resolved.

    For evaluation. Contacts, passwords, numbers of cards and the like are masked, as for the model; names and all other
    words of tickets are not: it is the client's data.

    \b
    Example:
      ai-agents feedback export --tenant acme --since 30d > votes.jsonl
    """
    from app.core.masking import Mask
    from app.db.reports.exporting import export_votes

    directory = load_directory()
    chosen = choose_clients(directory, slug)
    begin = since or datetime.now(UTC) - _KEPT

    async def work(database: Database) -> int:
        number = 0
        for known in chosen:
            async for each in export_votes(database, known.tenant.id, since=begin):
                told = {"tenant": known.tenant.slug, **_exported(each)}
                click.echo(json.dumps(told, ensure_ascii=False) if unmasked else Mask().json(told))
                number += 1
        return number

    click.echo(f"{run_on_ledger(work)} votes", err=True)


def _exported(voted: VotedNote) -> dict[str, Any]:
    enhancement = voted.enhancement
    return {
        "job_id": str(voted.job_id),
        "is_helpful": voted.is_helpful,
        "comment": voted.comment,
        "voted_at": voted.voted_at.isoformat(),
        "ticket": {"id": voted.ticket_id, "subject": voted.subject, "description": voted.description},
        "resolution": voted.resolution or None,
        "resolved_at": voted.resolved_at.isoformat() if voted.resolved_at else None,
        "note": enhancement.model_dump(mode="json", exclude={"gathered", "requester"}),
        "sources": [
            {
                "ref": source.ref,
                "kind": group.kind,
                "id": source.id,
                "title": source.title,
                "text": source.text,
                "fit": round(source.score, 3),
                "is_cited": source.ref in enhancement.cited,
            }
            for group in enhancement.gathered
            for source in group.sources
        ],
        "unavailable": [group.kind for group in enhancement.gathered if group.state == "unavailable"],
    }
