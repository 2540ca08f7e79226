"""The commands: `python -m bench.throughput compare`, `beside`, `worker`, `api`, `soak` and `scale`."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import click

from bench.throughput.beside import measure_beside
from bench.throughput.comparison import Plan, measure_pairs, table
from bench.throughput.corpus import load_texts, split
from bench.throughput.deliveries import measure_worker
from bench.throughput.load import Loader, write_requests
from bench.throughput.machine import ALL_CORES
from bench.throughput.measures import Bench, Side, Times
from bench.throughput.peer import Peer
from bench.throughput.scaling import measure_apis, measure_workers
from bench.throughput.soak import measure_soak
from bench.throughput.system import Ours, System, open_system
from bench.throughput.webhooks import measure_api
from demo.launcher import CHECKOUT

PARTS = ("intake", "worker", "way")


@click.group()
def main() -> None:
    """What a webhook and a note take."""


@main.command()
@click.option("--deliveries", default=300, show_default=True, help="How many notes the worker writes.")
@click.option("--concurrency", default=128, show_default=True, help="WORKER_CONCURRENCY.")
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
        async with open_system(history=history, options={"shared_preload_libraries": "pg_stat_statements"}) as system:
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


@main.command()
@click.option("--rate", "rates", multiple=True, type=float, help="Webhooks a second, again and again; 0: the most.")
@click.option("--seconds", default=5.0, show_default=True, help="How long each rate lasts.")
@click.option("--profile", type=click.Path(path_type=Path), help="As for `worker`.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def api(rates: tuple[float, ...], seconds: float, profile: Path | None, data: Path | None) -> None:
    """One API of ours: CPU a webhook, and the time of the answer."""

    async def run() -> None:
        async with open_system(history=0, options={"track_commit_timestamp": "on"}) as system:
            ours, loader = Ours(system), make_loader(system, data)
            await ours.prepare()
            click.echo(
                await measure_api(system, ours, loader, rates=rates or (0, 50, 200), seconds=seconds, profile=profile)
            )

    asyncio.run(run())


def make_loader(system: System, data: Path | None, *, count: int = 150_000, first: int = 0) -> Loader:
    """*count*: by default more than ours accepts while one database lasts."""
    folder = system.run.path / f"load-{first}"
    folder.mkdir()
    _, new = split(load_texts(data))
    write_requests(folder / "requests", new, count, first=first)
    return Loader(folder / "requests", folder)


@main.command()
@click.option("--workers", multiple=True, default=(1, 2, 4), show_default=True)
@click.option("--slots", default=16, show_default=True, help="WORKER_CONCURRENCY.")
@click.option("--latency", default=2.0, show_default=True, help="Seconds that the model takes.")
@click.option("--seconds", default=15.0, show_default=True, help="How long each is measured.")
@click.option("--history", default=2_000, show_default=True, help="Resolved tickets of each tenant.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def scale(  # noqa: PLR0917 - options
    workers: tuple[int, ...], slots: int, latency: float, seconds: float, history: int, data: Path | None
) -> None:
    """One, two and four workers, one and two APIs of ours: what each more brings, and what is short."""

    async def run() -> None:
        async with open_system(history=history, cores=ALL_CORES) as system:
            ours = Ours(system, cores=ALL_CORES)
            await ours.prepare()
            of_workers = await measure_workers(
                system, ours, workers, slots=slots, latency_s=latency, seconds=seconds, data=data
            )
            loaders = [make_loader(system, data, count=60_000, first=first) for first in (0, 60_000)]
            of_apis = await measure_apis(system, ours, loaders, seconds=3)
            click.echo("\n".join([*of_workers, *of_apis]))

    asyncio.run(run())


@main.command()
@click.option("--rate", default=50.0, show_default=True, help="Webhooks a second.")
@click.option("--minutes", default=60.0, show_default=True, help="How long.")
@click.option("--settled-after", default=10.0, show_default=True, help="Minutes in which memory may grow.")
@click.option("--history", default=2_000, show_default=True, help="Resolved tickets of each tenant.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def soak(rate: float, minutes: float, settled_after: float, history: int, data: Path | None) -> None:
    """One API and one worker of ours: whether their memory grows."""

    async def run() -> None:
        async with open_system(history=history, cores=ALL_CORES) as system:
            ours = Ours(system, cores=ALL_CORES)
            loader = make_loader(system, data, count=int(rate * minutes * 60) + 100)
            await ours.prepare()
            click.echo(
                await measure_soak(system, ours, loader, rate=rate, minutes=minutes, settled_after=settled_after)
            )

    asyncio.run(run())


@main.command()
@click.option("--pairs", default=5, show_default=True, help="How often both sides are measured.")
@click.option("--repeats", default=5, show_default=True, help="How many noisy or failed pairs are measured again.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these; all by default.")
@click.option(
    "--against", default="peer", show_default=True, metavar="peer|COMMIT", help="The usual stack, or ours then."
)
@click.option("--load-s", default=10.0, show_default=True, help="How long each rate of webhooks lasts.")
@click.option("--work-s", default=15.0, show_default=True, help="How long a worker's notes are counted.")
@click.option("--deliveries", default=2_500, show_default=True, help="How many are due when a worker starts.")
@click.option("--history", default=19_000, show_default=True, help="Resolved tickets of each tenant.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def compare(  # noqa: PLR0917 - options
    pairs: int,
    repeats: int,
    parts: tuple[str, ...],
    against: str,
    load_s: float,
    work_s: float,
    deliveries: int,
    history: int,
    data: Path | None,
) -> None:
    """Ours and the usual stack in turn, or ours and ours of an earlier commit."""

    async def run() -> None:
        async with open_system(history=history) as system, AsyncExitStack() as stack:
            plan = Plan(Bench(system, make_loader(system, data), Times(load_s, work_s)), pairs, repeats, deliveries)
            ours = Ours(system)
            other: Side
            if against == "peer":
                other = Peer(system, form="bare", texts=data)
            else:
                other = Ours(system, tree=stack.enter_context(checked_out(against)), name="base")
            for side in (ours, other):
                await side.prepare()
            wanted = parts or PARTS
            third = await plan.bench.saturation(other) / 3 if "intake" in wanted else 0
            found = await measure_pairs(plan, (ours, other), parts=wanted, third=third, tell=click.echo)
            click.echo(table((ours, other), found))
            if "worker" in wanted and against == "peer":
                same = Peer(system, form="same", texts=data)
                found = await measure_pairs(plan, (ours, same), parts=["few"], third=0, tell=click.echo)
                click.echo(table((ours, same), found))
            if "intake" in wanted:
                click.echo("\n".join(["", "Floors:", *await plan.bench.floors(ours)]))

    asyncio.run(run())


@main.command()
@click.argument("commit")
@click.option("--rounds", default=3, show_default=True)
@click.option("--deliveries", default=500, show_default=True, help="How many each worker finds due.")
@click.option("--history", default=19_000, show_default=True, help="Resolved tickets of each tenant.")
@click.option(
    "--data", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Texts, as for bench/retrieval.py."
)
def beside(commit: str, rounds: int, deliveries: int, history: int, data: Path | None) -> None:
    """A worker of ours and one of COMMIT at the same moment on one core: what a delivery takes with each."""

    async def run() -> None:
        async with open_system(history=history) as system:
            with checked_out(commit) as tree:
                sides = Ours(system), Ours(system, tree=tree, name="base")
                for side in sides:
                    await side.prepare()
                await measure_beside(system, sides, deliveries=deliveries, rounds=rounds, data=data, tell=click.echo)

    asyncio.run(run())


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A tree with our code of *commit*. It runs with the packages of this one."""
    folder = CHECKOUT / ".demo" / f"base-{commit[:12]}"
    git = ["git", "-C", str(CHECKOUT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--force", str(folder), commit], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
