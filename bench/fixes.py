"""How often two tickets that have nothing to do with one another count as the same fix, and two that do.

    .venv/bin/python bench/fixes.py FOLDER

FOLDER holds the data set that bench/retrieval.md describes. Of a ticket's reply the first 60 words stand for the note,
another ticket's reply for the resolution.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from app.core.enhancement import Enhancement, Statement
from app.core.fixes import Match, compare

_PAIRS: Final = 1_200
_NOTE_WORDS: Final = 60
_MIN_WORDS: Final = 12
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")


def main(folder: Path) -> None:
    with gzip.open(folder / "tickets.jsonl.gz", "rt") as lines:
        tickets = {ticket["id"]: ticket for ticket in map(json.loads, lines)}
    linked = json.loads((folder / "similar.dev.json").read_text("utf-8"))
    answered = [ticket for ticket in tickets.values() if _is_answered(ticket)]
    draw = random.Random(1)
    tell("unrelated", (draw.sample(answered, 2) for _ in range(_PAIRS)))
    pairs = ((tickets[of], tickets[query]) for query, others in linked.items() for of in others)
    tell("linked", (pair for pair in pairs if all(map(_is_answered, pair))))


def tell(name: str, pairs: Iterable[Iterable[dict[str, Any]]]) -> None:
    found = Counter(_compare(*pair) for pair in pairs)
    compared = found[Match.SAME] + found[Match.OTHER]
    print(f"{name}: {found[Match.SAME]} of {compared} the same fix, {found[Match.SAME] / compared:.1%}")


def _is_answered(ticket: dict[str, Any]) -> bool:
    return len(ticket.get("reply", "").split()) >= _MIN_WORDS


def _compare(noted: dict[str, Any], resolved: dict[str, Any]) -> Match:
    sentences: list[str] = []
    for sentence in _SENTENCE_END.split(noted["reply"]):
        if len(" ".join([*sentences, sentence]).split()) > _NOTE_WORDS:
            break
        sentences.append(sentence)
    said = sentences or [" ".join(noted["reply"].split()[:_NOTE_WORDS])]
    note = Enhancement(next_steps=tuple(Statement(text=text, citations=["T1"]) for text in said), model="none")
    return compare(note, ticket=f"{resolved['title']}\n{resolved['body']}", resolution=resolved["reply"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
