"""`python -m bench.throughput worker --help`"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bench.throughput.deliveries import measure_worker
from bench.throughput.system import Ours, open_system


@click.group()
def main() -> None:
    """What a webhook and a note take."""


@main.command()
@click.option("--deliveries", default=300, show_default=True, help="How many notes the worker writes.")
@click.option("--concurrency", default=32, show_default=True, help="WORKER_CONCURRENCY.")
@click.option("--latency", default=0.0, show_default=True, help="Seconds that the model takes.")
@click.option("--history", default=19_000, show_default=True, help="Resolved tickets that the search is over.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    help="Write py-spy's samples here: x.txt (stacks), x.json (speedscope).",
)
@click.option("--set", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the worker.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def worker(  # noqa: PLR0917 - options
    deliveries: int,
    concurrency: int,
    latency: float,
    history: int,
    profile: Path | None,
    variables: tuple[str, ...],
    data: Path | None,
) -> None:
    """One worker of ours: CPU, statements and transactions a delivery."""

    async def run() -> None:
        async with open_system(history=history, counts_statements=True) as system:
            ours = Ours(system)
            await ours.prepare()
            report = await measure_worker(
                system,
                ours,
                deliveries=deliveries,
                concurrency=concurrency,
                latency_s=latency,
                folder=data,
                profile=profile,
                variables=dict(each.split("=", 1) for each in variables),
            )
            click.echo(report)

    asyncio.run(run())


if __name__ == "__main__":
    main()
