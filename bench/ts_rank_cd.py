"""How well PostgreSQL's own rankings find the tickets of `retrieval.py`. Its results are the row `ts_rank_cd` there.

    PYTHONPATH=. python bench/ts_rank_cd.py FOLDER

The same replay, over one column of type tsvector: subject, description and resolution weigh A, B and C, as PostgreSQL
weighs them by default. A query joins its ticket's words by "or", since another ticket rarely has all of them.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import asyncpg
import click

from bench.retrieval import DEPTH, load_sample
from demo.embedded import open_postgres

# The ranking functions, and the "normalization" of PostgreSQL's manual: 0 none, 1 by the logarithm of the document's
# length, 2 by it.
_VARIANTS: Final = (
    *(("ts_rank_cd", "text", 0), ("ts_rank_cd", "text", 1), ("ts_rank_cd", "text", 2)),
    *(("ts_rank_cd", "subject", 0), ("ts_rank_cd", "subject", 1)),
    *(("ts_rank", "text", 1), ("ts_rank", "subject", 1)),
)
_STORE: Final = """
insert into ticket (id, words) values ($1,
  setweight(to_tsvector('english', $2), 'A') || setweight(to_tsvector('english', $3), 'B')
  || setweight(to_tsvector('english', $4), 'C'))
"""
_ASK: Final = """
with query as (
  select string_agg(quote_literal(lexeme), ' | ')::tsquery as words from unnest(to_tsvector('english', $1))
)
select id from ticket, query where ticket.words @@ query.words
order by {rank}(ticket.words, query.words, $2) desc limit $3
"""


async def _measure(folder: Path) -> None:
    sample = load_sample(folder)
    found: dict[tuple[str, str, int], list[tuple[float, float, float]]] = {each: [] for each in _VARIANTS}
    took: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        async with open_postgres(Path(name), is_durable=False) as server:
            await server.create_database("ranking")
            connection = await asyncpg.connect((await server.create_roles("ranking")).owner)
            await connection.execute("create table ticket (id text, words tsvector)")
            await connection.execute("create index on ticket using gin (words)")
            for ticket in sample.tickets:
                if linked := sample.linked.get(ticket.id):
                    for (rank, asked, normalization), scores in found.items():
                        text = ticket.subject if asked == "subject" else f"{ticket.subject} {ticket.description}"
                        begun = time.perf_counter()
                        rows = await connection.fetch(_ASK.format(rank=rank), text, normalization, DEPTH)
                        took.append((time.perf_counter() - begun) * 1000)
                        scores.append(_score([row["id"] for row in rows], linked))
                await connection.execute(_STORE, ticket.id, ticket.subject, ticket.description, ticket.resolution or "")
            await connection.close()
    for (rank, asked, normalization), scores in found.items():
        precision, recall_5, recall_20 = (100 * statistics.mean(each) for each in zip(*scores, strict=True))
        print(f"{rank}, {asked}, {normalization}: MAP {precision:.1f}  R@5 {recall_5:.1f}  R@20 {recall_20:.1f}")
    took.sort()
    print(f"median {statistics.median(took):.0f} ms, p95 {took[int(len(took) * 0.95)]:.0f} ms, while the corpus grows")


def _score(ids: list[str], linked: set[str]) -> tuple[float, float, float]:
    places = [place for place, each in enumerate(ids) if each in linked]
    precision = sum((hit + 1) / (place + 1) for hit, place in enumerate(places)) / len(linked)
    return (
        precision,
        sum(place < 5 for place in places) / len(linked),
        sum(place < 20 for place in places) / len(linked),
    )


@click.command()
@click.argument("folder", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Rank the tickets in FOLDER (or of the variable RETRIEVAL_DATA) by ts_rank_cd."""
    asyncio.run(_measure(folder))


if __name__ == "__main__":
    main()
