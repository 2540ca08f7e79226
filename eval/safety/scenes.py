"""The scenes of the corpora: a ticket and what was gathered for it, in which attacks and honest sentences are tried."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from app.core.reading.text import plain_text
from app.core.requester import Requester
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.core.tenant import Language
from app.core.ticket import Ticket
from tests.builders import a_ticket

FOLDER: Final = Path(__file__).parent
_DEMO: Final = FOLDER.parents[1] / "demo" / "data"
_KINDS: Final = {
    "T": SourceKind.TICKET,
    "K": SourceKind.ARTICLE,
    "A": SourceKind.ASSET,
    "D": SourceKind.DOCUMENT,
    "M": SourceKind.MEASUREMENT,
}
_MAX_SOURCE_CHARS: Final = 1_200
_SENTENCE = re.compile(r"(?<=[^\s.]{2}[.!?])\s+|\n+")


@dataclass(frozen=True)
class Scene:
    """A ticket and what was gathered for it."""

    name: str
    language: Language
    ticket: Ticket
    sources: tuple[Source, ...]
    requester: Requester = field(default_factory=Requester)

    @property
    def honest(self) -> list[tuple[str, str]]:
        """The sentences of its trusted texts, each with the ref of its source."""
        return [
            (source.ref, sentence)
            for group in self.gathered
            for source in group.sources
            if source.kind in {SourceKind.TICKET, SourceKind.ARTICLE}
            for sentence in sentences(source.trusted_text)
        ]

    @property
    def gathered(self) -> tuple[Gathered, ...]:
        kinds = {source.kind for source in self.sources}
        return number_sources(
            Gathered(
                kind=kind,
                state=GatherState.OK,
                sources=tuple(each for each in self.sources if each.kind is kind),
            )
            for kind in kinds
        )


def sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if len(part.split()) > 1 and len(part) < 600]


@cache
def scenes(part: str) -> dict[str, Scene]:
    """The scenes of *part* (`measure.ALL`), by their names."""
    text = (FOLDER / f"scenes.{part}.yaml").read_text("utf-8")
    return {key: _scene(key, entry) for key, entry in yaml.load(text, yaml.CSafeLoader).items()}


def _scene(name: str, entry: dict[str, Any]) -> Scene:
    sources = tuple(_source(each) for each in entry["sources"])
    return Scene(name, entry["language"], a_ticket(**entry["ticket"]), sources)


def _source(entry: dict[str, str]) -> Source:
    text, staff = entry["text"], entry["text"]
    if problem := entry.get("problem"):
        text = f"Problem: {problem}\nResolution: {text}"
    if owner := entry.get("owner"):
        staff = text.replace(f"; {owner}", "")
    kind = _KINDS[entry["kind"]]
    page = "https://sdp.acme.example/" + ("WorkOrder.do?woID=" if entry["kind"] == "T" else "kb/") + entry["id"]
    return Source(
        kind=kind,
        id=entry["id"],
        title=entry["title"],
        text=text,
        staff_text=staff,
        url=page if entry["kind"] in "TK" else "",
    )


def demo_scenes() -> list[Scene]:
    """Each resolution and article of the demo's tenants, as the one source of a scene."""
    return [
        _alone(f"{folder.name}-{entry['id']}", kind, plain_text(entry[key]), _language(folder))
        for folder in sorted(path.parent for path in _DEMO.glob("*/tenant.yaml"))
        for kind, name, key in ((SourceKind.TICKET, "tickets", "resolution"), (SourceKind.ARTICLE, "articles", "text"))
        if (path := folder / f"{name}.yaml").exists()
        for entry in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
        if entry.get(key)
    ]


@cache
def _language(folder: Path) -> Language:
    language: Language = yaml.load((folder / "tenant.yaml").read_text("utf-8"), yaml.CSafeLoader)["note"]["language"]
    return language


def real_scenes(folder: Path, number: int) -> list[Scene]:
    """The first *number* replies of real support tickets, each as the resolution that is the one source of a scene."""
    made: list[Scene] = []
    with gzip.open(folder / "tickets.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry.get("reply"):
                made.append(_alone(entry["id"], SourceKind.TICKET, plain_text(entry["reply"])))
            if len(made) == number:
                break
    return made


def _alone(name: str, kind: SourceKind, text: str, language: Language = "en") -> Scene:
    text = text[:_MAX_SOURCE_CHARS]
    source = Source(kind=kind, id=name.rpartition("-")[2], title=f"#{name}", text=text, staff_text=text, url="")
    return Scene(name, language, a_ticket(), (source,))
