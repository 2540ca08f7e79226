"""The command `shadow`: what a tenant's notes would have been, beside what was done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.ledger import run_on_ledger
from app.cli.moment import Moment
from app.cli.run import choose, load_directory

if TYPE_CHECKING:
    from app.core.shadow import ShadowNote, ShadowReport, Share

_MONTH: Final = timedelta(days=30)
_LINE_CHARS: Final = 100


@click.command()
@click.option("--tenant", "slug", required=True, metavar="SLUG", help="Whose.")
@click.option("--since", type=Moment(), help="From then on: 30d, or a time; 30 days otherwise.")
@click.option("--json", "is_json", is_flag=True, help="For a program.")
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
    notes = run_on_ledger(lambda database: list_shadow_notes(database, tenant.id, since=begin))
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
        for line in _told(note):
            click.echo(line)


# By `Match`, whose module is imported only when it is needed.
_WORDS: Final[dict[str, str]] = {
    "same": "same fix",
    "other": "other fix",
    "untold": "no fix told",
    "nothing": "nothing found",
}


def _told(note: ShadowNote) -> Iterator[str]:
    """A note's texts, and what was done."""
    who = f", says {note.judged_by}" if note.judged_by else ""
    yield f"\n#{note.number} {note.subject}  [{_WORDS[note.match] if note.match else 'not resolved yet'}{who}]"
    enhancement = note.enhancement
    yield f"  note  {_one_line(enhancement.summary or 'gathered context alone')}"
    for step in enhancement.next_steps:
        yield f"  step  {_one_line(step.text)}"
    if note.match is not None:
        yield f"  done  {_one_line(note.resolution or 'resolved without a word of what was done')}"


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
