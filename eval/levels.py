"""How often what the search calls "same problem" or "may be related" is the same problem, by the labels of real tickets.

    RETRIEVAL_DATA=folder python -m eval.levels

Each query of real_labels.txt is asked at its time, as for the confidence; of what is shown for it counts what has a label.
Those of a random choice that a query stands for count as so many.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

import click

from app.core.source import Closeness
from eval.corpus import open_empty_database
from eval.points import Label, replay_real


async def measure(folder: Path) -> None:
    first: defaultdict[Closeness | None, list[Label]] = defaultdict(list)
    shown: defaultdict[Closeness | None, list[Label]] = defaultdict(list)
    nothing, unlabelled, queries = 0, 0, 0
    async with open_empty_database() as database:
        async for _, found, labels in replay_real(database, folder):
            queries += 1
            nothing += not found
            for place, source in enumerate(found):
                label = labels.get(source.id)
                if label is None:
                    unlabelled += not place
                    continue
                shown[source.closeness].append(label)
                if not place:
                    first[source.closeness].append(label)
    print(
        f"{queries} queries: nothing is shown for {nothing}, and the first that is shown has no label for {unlabelled}"
    )
    for name, groups in (("the first that is shown", first), ("all shown that have a label", shown)):
        for closeness, own in groups.items():
            print(f"{name}, {closeness}: {_told(own)}; kept back: {_told([each for each in own if each.is_kept_back])}")


def _told(labels: list[Label]) -> str:
    if not labels:
        return "none"
    of_choice = sum(each.counts * each.is_same for each in labels) / sum(each.counts for each in labels)
    same = sum(each.is_same for each in labels)
    told = f"{same} of {len(labels)} the same problem, {100 * of_choice:.0f} % of a random choice"
    if apart := [each.is_related for each in labels if each.is_related is not None]:
        told += f"; of {len(apart)} others that were told apart {sum(apart)} are related"
    return told


@click.command()
@click.argument("folder", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path, exists=True))
def main(folder: Path) -> None:
    """Precision of the two levels, on the real tickets in FOLDER."""
    asyncio.run(measure(folder))


if __name__ == "__main__":
    main()
