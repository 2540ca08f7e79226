"""What a note makes of the one record that is near: of another fault of the same thing, or of the same problem.

    python -m eval.near            # counts
    python -m eval.near N2 T5      # and the notes of these

The search, the offline model and the check run as in the product. The first is for each pair the one that must not be
followed, or must. `near.txt` beside this file says how its tickets were written.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import click

from app.core.article import Article
from app.core.reading.automatic import find_automatic
from app.core.ticket import Fate, Ticket
from eval.corpus import a_search, a_tenant, open_empty_database, store
from eval.writing import OfflineModel
from tests.enhancing import enhanced

_SET: Final = Path(__file__).with_name("near.txt")
_TODAY: Final = date(2026, 9, 3)
_SHOWN: Final = 5
_LONGEST: Final = timedelta(minutes=20)


def read_set() -> dict[str, list[list[str]]]:
    """The rows of each part."""
    parts: dict[str, list[list[str]]] = {}
    for line in _SET.read_text("utf-8").splitlines():
        if line.startswith("["):
            rows = parts.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            rows.append([field.replace("\\n", "\n") for field in line.split(" | ")])
    return parts


def _resolved(id_: str, day: str, subject: str, problem: str, resolution: str) -> Ticket:
    at = _at(date.fromisoformat(day))
    # Menu paths behind ">" stand in lines of their own, as technicians write them.
    told = resolution.replace(". > ", ".\n> ")
    return Ticket(
        id=id_, display_id=id_, subject=subject, description=problem, resolution=told, status="Resolved",
        fate=Fate.CLOSED, created_at=at, updated_at=at, resolved_at=at,
    )  # fmt: skip


def _at(day: date) -> datetime:
    return datetime.combine(day, time(9), UTC)


async def _measure(told: tuple[str, ...]) -> None:
    parts, tenant = read_set(), a_tenant("harrow", "en")
    pairs = {row[0]: (_resolved(row[0], *row[1:5]), row[5], " | ".join(row[6:])) for row in parts["pairs"]}
    tickets = [_resolved(str(number), *row) for number, row in enumerate(parts["tickets"], start=3000)]
    articles = [
        Article(id=f"K{number}", title=title, text=text, updated_at=_at(date.fromisoformat(day)))
        for number, (day, title, text) in enumerate(parts["articles"])
    ]
    counts: Counter[tuple[str, str, str]] = Counter()
    async with open_empty_database() as database:
        await store(database, tenant, [*tickets, *(record for record, *_ in pairs.values())], articles)
        for key, (record, subject, text) in pairs.items():
            asked = Ticket(id=f"new-{key}", subject=subject, description=text, created_at=_at(_TODAY))
            if find_automatic(asked):
                counts[key[0], "dev" if int(key[1:]) % 2 else "kept back", "no note: a program wrote it"] += 1
                continue
            search = a_search(database, tenant)
            sources = [
                *await search.similar_tickets(asked, limit=_SHOWN),
                *await search.articles(asked, limit=_SHOWN),
            ]
            note = await enhanced(
                asked,
                sources,
                OfflineModel(),
                note=tenant.note,
                has_monitoring=False,
                model_timeout=_LONGEST,
                today=_TODAY,
            )
            own = {source.ref for group in note.gathered for source in group.sources if source.id == record.id}
            is_followed = any(not own.isdisjoint(step.citations) for step in note.next_steps)
            found = "its steps are given" if is_followed else "shown without steps" if own else "not shown"
            counts[key[0], "dev" if int(key[1:]) % 2 else "kept back", found] += 1
            if key in told:
                print(f"{key} {subject}: {found}, {note.confidence}\n  {note.summary}")
                print(*(f"  - {step.text} {step.citations}" for step in note.next_steps), sep="\n")
    for (kind, part, found), number in sorted(counts.items()):
        print(f"{'another fault' if kind == 'N' else 'the same problem'}, {part}: {number} {found}")


@click.command(help=__doc__)
@click.argument("told", nargs=-1)
def main(told: tuple[str, ...]) -> None:
    asyncio.run(_measure(told))


if __name__ == "__main__":
    main()
