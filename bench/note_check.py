"""CPU time that check and show of one note take, without the model: `nice python bench/note_check.py [notes]`.

Once with sources of which each text is new to the process, and once with those of a tenant, which come again: the
demo's resolutions and articles.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import yaml

from app.core.check.checking import Checker
from app.core.check.records import Records
from app.core.enhancement import Draft, Enhancement, Statement, salvage
from app.core.masking import Mask
from app.core.reading.text import plain_text
from app.core.shown import show_enhancement
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.core.tenant import NoteOptions
from app.core.ticket import Ticket
from app.errors import ModelRefused

DATA: Final = Path(__file__).parents[1] / "demo" / "data" / "acme"
TICKET: Final = Ticket(
    id="1",
    subject="VPN does not connect since the update",
    description="Since the update on Tuesday the VPN client stops with error 809. Please help, jane@acme.example.",
    requester="jane@acme.example",
)


def texts(name: str, key: str) -> list[str]:
    return [
        plain_text(entry[key]) for entry in yaml.safe_load((DATA / f"{name}.yaml").read_text("utf-8")) if entry.get(key)
    ]


def a_note(
    chance: random.Random, resolutions: list[str], articles: list[str], *, is_new: bool
) -> tuple[tuple[Gathered, ...], Draft]:
    """Five tickets, three articles of up to 1,500 characters, two assets, a measurement; a draft of eight sentences."""
    mark = f" Nr {chance.randrange(10**9)}." if is_new else ""
    tickets = [
        Source(
            kind=SourceKind.TICKET,
            id=str(number),
            title=f"#{chance.randrange(10**6)} {chance.choice(resolutions)[:40]}",
            text=f"Problem: {chance.choice(articles)[:300]}\nResolution: {text}",
            staff_text=text,
            url=f"https://sdp.acme.example/WorkOrder.do?woID={number}",
        )
        for number in range(5)
        if (text := chance.choice(resolutions) + mark)
    ]
    known = [
        Source(
            kind=SourceKind.ARTICLE,
            id=str(number),
            title=chance.choice(articles)[:40],
            text=chance.choice(articles)[:1400] + mark,
            url=f"https://sdp.acme.example/kb/{number}",
        )
        for number in range(3)
    ]
    assets = [
        Source(
            kind=SourceKind.ASSET,
            id=str(number),
            title=f"PC-{number}",
            text=f"notebook; Berlin; addresses: 10.1.2.{number}",
        )
        for number in range(2)
    ]
    measured = [Source(kind=SourceKind.MEASUREMENT, id="m", title="srv-1: up", text="Now: up; CPU 12 %; memory 71 %.")]
    groups = {
        SourceKind.TICKET: tickets,
        SourceKind.ARTICLE: known,
        SourceKind.ASSET: assets,
        SourceKind.MEASUREMENT: measured,
    }
    gathered = number_sources(
        Gathered(kind=kind, state=GatherState.OK, sources=tuple(sources)) for kind, sources in groups.items()
    )
    said = [text.split(". ")[0].rstrip(".") + "." for text in chance.sample(resolutions, 4)]
    reworded = [" ".join(word for word in text.split() if word not in {"the", "a"}) for text in said]
    cites = ["T1", "T2", "K1"]
    return gathered, Draft(
        summary=f"The VPN client stops with error 809 since the update. {said[0]}",
        facts=[Statement(text=text, citations=cites) for text in reworded[:2]],
        hypotheses=[Statement(text="The firewall may be blocking the VPN client.", citations=[])],
        next_steps=[
            Statement(text=text, citations=[])
            for text in (reworded[2], "Check the firewall of the branch.", "Since when does the VPN fail?")
        ],
    )


def check_and_show(gathered: tuple[Gathered, ...], draft: Draft) -> float:
    """Seconds of CPU."""
    mask = Mask()
    for group in gathered:  # as composing the prompt does, which is not measured
        for source in group.sources:
            mask.text(source.title)
            mask.text(source.text)
    started = time.process_time()
    records = Records(gathered, mask=mask)
    checker = Checker.of(gathered, mask=mask, language="en", ticket=TICKET.text, records=records)
    try:
        kept = salvage(draft, checker, max_words=150)
    except ModelRefused:  # the sentences are drawn, so that sometimes no source says any
        enhancement = Enhancement(gathered=gathered)
    else:
        enhancement = Enhancement(gathered=gathered, summary=kept.summary, facts=tuple(kept.facts), model="x")
    show_enhancement(enhancement, TICKET, mask=mask, note=NoteOptions(), records=records)
    return time.process_time() - started


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    resolutions, articles = texts("tickets", "resolution"), texts("articles", "text")
    for name, is_new in (("new sources", True), ("known sources", False)):
        chance = random.Random(1)
        taken = [check_and_show(*a_note(chance, resolutions, articles, is_new=is_new)) for _ in range(number)]
        told = [1000 * value for value in taken[len(taken) // 5 :]]
        worst = statistics.quantiles(told, n=20)[-1]
        print(f"{name}: {len(told)} notes, median {statistics.median(told):.2f} ms, p95 {worst:.2f} ms")


if __name__ == "__main__":
    main()
