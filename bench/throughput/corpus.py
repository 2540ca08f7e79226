"""Texts of tickets in real vocabulary, the same ones in every process of a run.

From the folder that `RETRIEVAL_DATA` names (see `bench/retrieval.py`), else made of sentences from the manual of Python
that comes with every interpreter (`pydoc_data`): about ten thousand words, with their natural frequencies.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FIRST_ID: Final = 5_000_000
"""The first new ticket's id. Those of the history are below."""
COUNT: Final = 20_000
NEW: Final = 1_000
"""So many texts, from the end, are of new tickets; the others are the history."""


@dataclass(frozen=True, slots=True)
class Text:
    subject: str
    description: str
    resolution: str


def load_texts(folder: Path | None) -> list[Text]:
    """`COUNT` texts, always the same and in the same order."""
    if folder is not None and (file := folder / "tickets.jsonl.gz").is_file():
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return [Text(row["title"][:250], row["body"], row.get("reply") or "-") for row in rows][:COUNT]
    return _from_manual()


def _from_manual() -> list[Text]:
    from pydoc_data.topics import topics  # noqa: PLC0415 - 700 kB, and only where there is no other text

    plain = re.sub(r"[*`|_=~^]+|\s+", " ", " ".join(topics.values()))
    sentences = [each.strip() for each in re.split(r"(?<=[a-z)]\.) ", plain) if 20 < len(each) < 400]
    draw = random.Random(14)
    texts = []
    for _ in range(COUNT):
        first = draw.randrange(len(sentences) - 10)
        told = [*sentences[first : first + 3], *draw.choices(sentences, k=3)]
        texts.append(Text(told[3][:120], " ".join(told[:3] + told[4:5]), told[5]))
    return texts


def split(texts: list[Text]) -> tuple[list[Text], list[Text]]:
    """The history's texts, and those of new tickets."""
    return texts[:-NEW], texts[-NEW:]


def signed_off(text: Text, number: int) -> str:
    """A new ticket's description, with the contacts at its end that masking is for."""
    return (
        f"{text.description}\n\nKind regards\nAlex Example {number}\n"
        f"Acme Corp, phone +1 (212) 555-{number % 10_000:04}\n"
        f"alex.example{number}@acme.example\nhost PC-{number % 5_000:04}, 10.20.{number % 250}.{number % 199}"
    )


def webhook_body(texts: list[Text], number: int, *, size: int = 1_500) -> bytes:
    """A unique body of about *size* bytes, for the new ticket of this number."""
    text = texts[number % len(texts)]
    fields = {
        "event": "ticket_created",
        "ticket_id": str(FIRST_ID + number),
        "subject": text.subject,
        "description": signed_off(text, number),
        "priority": "Medium",
        "requester": f"alex.example{number}@acme.example",
        "created_at": "2026-11-28T12:00:00Z",
    }
    missing = size - len(json.dumps(fields))
    if missing > 0:
        more = " ".join(other.description for other in texts[number % len(texts) :][:12])
        fields["description"] += "\n> " + more[:missing]
    elif missing < 0:
        fields["description"] = fields["description"][: missing - 1]
    return json.dumps(fields).encode()
