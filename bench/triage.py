"""How often the field that resolved tickets suggest is the right one, beside always naming the most frequent value.

    python -m bench.triage FOLDER           # or RETRIEVAL_DATA=FOLDER

FOLDER holds `tickets.jsonl.gz`, as for `retrieval.py`. The forum's topic, which who asks has chosen, stands for the
category, and who wrote the best reply for the technician. The first tickets are the history; of those that follow,
every tenth is asked, and named rightly or not. Half of these, by the parity of the month, was kept back while the rule
was chosen. PostgreSQL is the embedded one.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

import click

from app.core.ticket import Ticket
from app.core.triage import TicketField, suggest
from app.db.knowledge.search import Search
from bench.storms import a_public_ticket, a_tenant, is_held, keep, open_empty_database

_HISTORY: Final = 6_000
_ASKED: Final = 6_000
_EACH: Final = 10
_FIELDS: Final = (TicketField.CATEGORY, TicketField.TECHNICIAN)


def load(folder: Path) -> list[Ticket]:
    with gzip.open(folder / "tickets.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = sorted((json.loads(line) for line in lines), key=lambda row: (row["created"], row["id"]))
    return [
        a_public_ticket(row).model_copy(
            update={"category": row["topic"], "technician": f"helper {row['helper']}" if "helper" in row else ""}
        )
        for row in rows[: _HISTORY + _ASKED]
    ]


async def _measure(folder: Path) -> None:
    tickets = load(folder)
    history, asked = tickets[:_HISTORY], tickets[_HISTORY::_EACH]
    most_frequent = {
        field: Counter(value for ticket in history if (value := getattr(ticket, field))).most_common(1)
        for field in _FIELDS
    }
    tenant = a_tenant()
    counts: defaultdict[tuple[TicketField, bool], Counter[str]] = defaultdict(Counter)
    async with open_empty_database() as database:
        await keep(database, tenant, history)
        search = Search(database, tenant, ticket_url=str, article_url=str)
        for ticket in asked:
            await search.similar_tickets(ticket, limit=5)
            nearest = await search.nearest_fields()
            for field in _FIELDS:
                if right := getattr(ticket, field):
                    found, count = suggest(nearest, wanted=[field]), counts[field, is_held(ticket)]
                    is_most = right == most_frequent[field][0][0]
                    count["asked"] += 1
                    count["most frequent"] += is_most
                    count["suggested"] += bool(found)
                    count["right"] += bool(found) and found[0].value == right
                    count["most frequent of suggested"] += bool(found) and is_most
    for (field, held), count in sorted(counts.items()):
        share = {name: 100 * number / max(count["asked"], 1) for name, number in count.items()}
        right = 100 * count["right"] / max(count["suggested"], 1)
        floor = 100 * count["most frequent of suggested"] / max(count["suggested"], 1)
        always = most_frequent[field][0][0]
        print(
            f"{field}, {'held' if held else 'dev'}: {count['asked']} asked, {share['suggested']:.0f} % get a value,"
            f" {right:.0f} % of these right; always {always!r}: {floor:.0f} % of the same,"
            f" {share['most frequent']:.0f} % of all"
        )


@click.command()
@click.argument("folder", required=False, envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path))
def main(folder: Path | None) -> None:
    """Measure on the tickets in FOLDER."""
    if folder is None or not (folder / "tickets.jsonl.gz").is_file():
        print(f"SKIPPED: no tickets.jsonl.gz in {folder or 'any folder; name one'}")
        return
    asyncio.run(_measure(folder))


if __name__ == "__main__":
    main()
