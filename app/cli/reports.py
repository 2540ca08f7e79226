"""The commands that report: what was written in shadow mode, what notes cost, what technicians say of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.ledger import open_ledger
from app.cli.moment import Moment
from app.cli.run import choose, load_directory, run

if TYPE_CHECKING:
    from uuid import UUID

    from app.core.shadow import ShadowNote, ShadowReport, Share
    from app.core.tenant import Tenant
    from app.db.reports.exporting import VotedNote

_MONTH: Final = timedelta(days=30)
_LINE_CHARS: Final = 100
_TENANT = click.option("--tenant", "slug", required=True, metavar="SLUG", help="Whose.")
_SINCE = click.option("--since", type=Moment(), help="From then on: 30d, or a time; 30 days otherwise.")
_JSON = click.option("--json", "is_json", is_flag=True, help="For a program.")


@click.command()
@_TENANT
@_SINCE
@_JSON
def shadow(slug: str, since: datetime | None, *, is_json: bool) -> None:
    r"""What a tenant's notes would have been, and how often they say the fix that was made.

    For a tenant with `note: {mode: shadow}` in its file. The page Tenants › Shadow of the console shows the same, each
    note beside its ticket's resolution, to print. Its texts are the client's.

    \b
    Example:
      ai-agents shadow --tenant acme --since 14d
    """
    from app.core.shadow import ShadowReport
    from app.db.reports.shadow import list_shadow_notes

    tenant = choose(load_directory(), slug).tenant
    begin = since or datetime.now(UTC) - _MONTH

    async def work() -> list[ShadowNote]:
        async with open_ledger() as database:
            return await list_shadow_notes(database, tenant.id, since=begin)

    notes = run(work())
    report = ShadowReport(notes)
    if is_json:
        click.echo(json.dumps({"tenant": slug, "since": begin.isoformat(), **_as_json(report)}, ensure_ascii=False))
        return
    if not notes:
        remedy = "" if tenant.note.is_shadow else "; `note: {mode: shadow}` in its file turns it on"
        raise click.ClickException(f"{slug}: no note was written in shadow mode since {begin:%Y-%m-%d}{remedy}")
    click.echo(f"{tenant.name}, shadow mode since {begin:%Y-%m-%d}; nothing of this was posted")
    for name, told in _figures(report):
        click.echo(f"  {name:<24}{told}")
    for note in notes:
        if note.match is not None:
            who = f", says {note.judged_by}" if note.judged_by else ""
            click.echo(f"\n#{note.number} {note.subject}  [{_WORDS[note.match]}{who}]")
            click.echo(f"  note  {_one_line(note.enhancement.summary or 'gathered context alone')}")
            click.echo(f"  done  {_one_line(note.resolution or 'closed without a resolution')}")


# By `Match`, whose module is imported only when it is needed.
_WORDS: Final[dict[str, str]] = {
    "same": "same fix",
    "other": "other fix",
    "untold": "no fix told",
    "nothing": "nothing found",
}


def _figures(report: ShadowReport) -> list[tuple[str, str]]:
    cost = f"${report.cost_usd:.4f}, {report.tokens} tokens"
    return [
        ("notes written", f"{len(report.notes)}, {report.with_model} by the model"),
        ("resolved since", str(report.resolved)),
        ("same fix", _share(report.same)),
        *((f"  confidence {level}", _share(found)) for level, found in report.by_confidence.items()),
        (
            "not to be compared",
            f"{_number(report, 'untold')} resolutions tell no fix, {_number(report, 'nothing')} notes",
        ),
        ("words", f"{report.median_words} (median)"),
        ("ready after", f"{report.median_seconds:.1f} s (median)" if report.median_seconds is not None else "-"),
        ("cost", cost + ("; of some the model has no price" if report.has_unpriced else "")),
    ]


def _number(report: ShadowReport, match: str) -> int:
    return sum(number for each, number in report.matches.items() if each == match)


def _share(found: Share) -> str:
    if (interval := found.interval) is None:
        return "none to compare yet"
    return f"{found.part} of {found.whole} ({interval[0]:.0%} to {interval[1]:.0%} with 95 % certainty)"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 1] + "…"


def _as_json(report: ShadowReport) -> dict[str, Any]:
    return {
        "notes": len(report.notes),
        "by_model": report.with_model,
        "nothing_found": report.with_nothing,
        "resolved": report.resolved,
        "same_fix": _share_json(report.same),
        "by_confidence": {level: _share_json(found) for level, found in report.by_confidence.items()},
        "matches": dict(report.matches),
        "median_words": report.median_words,
        "median_seconds": report.median_seconds,
        "tokens": report.tokens,
        "cost_usd": report.cost_usd,
        "has_unpriced": report.has_unpriced,
        "tickets": [
            {
                "ticket_id": note.ticket_id,
                "subject": note.subject,
                "job_id": str(note.job_id),
                "confidence": note.enhancement.confidence,
                "model": note.enhancement.model,
                "match": note.match,
                "judged_by": note.judged_by,
                "summary": note.enhancement.summary,
                "next_steps": [step.text for step in note.enhancement.next_steps],
                "resolution": note.resolution,
                "resolved_at": note.resolved_at.isoformat() if note.resolved_at else None,
            }
            for note in report.notes
        ],
    }


def _share_json(found: Share) -> dict[str, Any]:
    return {"same": found.part, "compared": found.whole, "share": found.value, "interval": found.interval}


@click.command()
@click.option("--tenant", "slug", metavar="SLUG", help="Only this one; all otherwise.")
@click.option("--month", metavar="YYYY-MM", help="Only this one; the running month and the two before otherwise.")
@_JSON
def costs(slug: str | None, month: str | None, *, is_json: bool) -> None:
    r"""What the notes cost, by tenant, month (UTC) and model; a helpful note's cost; what of each budget is used.

    US dollars, by model.price of the tenant's file, else MODEL_PRICES, else list prices. Votes are kept 90 days.

    \b
    Example:
      ai-agents costs --tenant acme --month 2026-11
      ai-agents costs --json
    """
    from app.core.price import PRICES_DATE

    first, end = _months(month)
    directory = load_directory()
    chosen = [choose(directory, slug)] if slug else [known for known in directory if not known.tenant.is_instance]
    rows, used = run(_read_costs([known.tenant for known in chosen], first, end))
    if is_json:
        told = {"prices_date": PRICES_DATE.isoformat(), "costs": rows, "budgets": used}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    head = ("month", "tenant", "model", "notes", "tokens", "cost", "a note", "helpful", "a helpful note")
    table = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        named = (cell.ljust(width) for cell, width in zip(line[:_NAMED], widths[:_NAMED], strict=True))
        numbers = (cell.rjust(width) for cell, width in zip(line[_NAMED:], widths[_NAMED:], strict=True))
        click.echo("  ".join([*named, *numbers]))
    for each in used:
        limit = f"${each['limit']:,.2f}" if each["budget"].endswith("usd") else f"{each['limit']:,.0f} tokens"
        why = "" if each["is_countable"] else "; its model has no price"
        click.echo(f"{each['tenant']}: {each['share']:.0%} of {each['budget']}, {limit}{why}")
    if any(row["cost_usd"] is None for row in rows):
        from app.core.price import UNPRICED_REMEDY

        click.echo(f"-: no price is known for this model: {UNPRICED_REMEDY}")
    click.echo(f"list prices as of {PRICES_DATE:%Y-%m-%d}, where none is set")


def _months(value: str | None) -> tuple[date, date]:
    """From the first day to the day after the last."""
    today = datetime.now(UTC).date().replace(day=1)
    if value is None:
        before = (today - timedelta(days=1)).replace(day=1)
        return (before - timedelta(days=1)).replace(day=1), _next_month(today)
    try:
        first = datetime.strptime(value, "%Y-%m").replace(tzinfo=UTC).date()
        return first, _next_month(first)
    except (ValueError, OverflowError):
        raise click.UsageError("--month is written as 2026-11") from None


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


async def _read_costs(
    tenants: list[Tenant], first: date, end: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from app.core.budget import budgets
    from app.db.reports.costs import list_costs, list_helpful, load_usage
    from app.db.reports.models import list_unpriced

    slugs = {tenant.id: tenant.slug for tenant in tenants}
    span = {"since": first, "until": end}
    async with open_ledger() as database:
        days = await list_costs(database, list(slugs), **span)
        votes = {(v.tenant_id, v.month, v.model): v for v in await list_helpful(database, list(slugs), **span)}
        unpriced = await list_unpriced(database, list(slugs), **span)
        usage = {each.id: await load_usage(database, each.id) for each in tenants if each.model.has_budget}
    found: dict[tuple[UUID, date, str], dict[str, Any]] = {}
    for day in days:
        key = (day.tenant_id, day.day.replace(day=1), day.model)
        row = found.setdefault(
            key, {"notes": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0, "helpful": 0, "unhelpful": 0}
        )
        for name in ("notes", "prompt_tokens", "completion_tokens"):
            row[name] += getattr(day, name)
        row["cost_usd"] += float(day.cost_usd)
    rows = []
    for (tenant_id, month, model), row in sorted(found.items(), key=lambda each: (each[0][1], slugs[each[0][0]])):
        if vote := votes.get((tenant_id, month, model)):
            row |= {"helpful": vote.helpful, "unhelpful": vote.unhelpful}
        cost = None if (tenant_id, model) in unpriced and not row["cost_usd"] else row["cost_usd"]
        each = {name: cost / row[by] if cost is not None and row[by] else None for name, by in _PER.items()}
        named = {"month": f"{month:%Y-%m}", "tenant": slugs[tenant_id], "model": model or None}
        rows.append({**named, **row, "cost_usd": cost, **each})
    used = [
        {"tenant": tenant.slug, "budget": found.kind, "limit": found.limit, "used": found.used, "share": found.share,
         "is_countable": found.is_countable}
        for tenant in tenants
        if tenant.id in usage
        for found in budgets(
            tenant.model, usage[tenant.id], is_priced=not any(owner == tenant.id for owner, _ in unpriced)
        )
    ]  # fmt: skip
    return rows, used


_NAMED: Final = 3
"""Columns of names; the others are numbers."""
_PER: Final = {"cost_per_note_usd": "notes", "cost_per_helpful_note_usd": "helpful"}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    tokens = row["prompt_tokens"] + row["completion_tokens"]
    amounts = (row["cost_usd"], *(row[name] for name in _PER))
    cost, a_note, a_helpful_note = ("-" if amount is None else f"${amount:,.4f}" for amount in amounts)
    named = (row["month"], row["tenant"], row["model"] or "none", str(row["notes"]))
    return (*named, f"{tokens:,}", cost, a_note, str(row["helpful"]), a_helpful_note)


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
    chosen = [choose(directory, slug)] if slug else [known for known in directory if not known.tenant.is_instance]
    begin = since or datetime.now(UTC) - _KEPT

    async def work() -> int:
        number = 0
        async with open_ledger() as database:
            for known in chosen:
                async for each in export_votes(database, known.tenant.id, since=begin):
                    told = {"tenant": known.tenant.slug, **_exported(each)}
                    click.echo(json.dumps(told, ensure_ascii=False) if unmasked else Mask().json(told))
                    number += 1
        return number

    click.echo(f"{run(work())} votes", err=True)


_KEPT: Final = timedelta(days=91)


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
