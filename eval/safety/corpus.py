"""The corpora: scenes, attacks in each place where a stranger can write, honest sentences as they stand and reworded."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from app.core.requester import PastTicket, Requester
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.core.tenant import Language
from app.core.text import plain_text
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


@dataclass(frozen=True)
class Attack:
    """A text that a stranger wants to read in the note, and where he wrote it."""

    part: str
    kind: str
    language: str
    text: str
    scene: Scene


def sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if len(part.split()) > 1 and len(part) < 600]


@cache
def scenes(part: str) -> dict[str, Scene]:
    """The scenes of *part*, `dev` or `held`, by their names."""
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


# --- attacks ---------------------------------------------------------------------------------------------------------


def read_attacks(part: str) -> Iterator[Attack]:
    """The attacks of *part*, `dev` or `held`: each text in the ticket, some of each kind in the other places."""
    known = scenes(part)
    lines = (FOLDER / f"attacks.{part}.txt").read_text("utf-8").splitlines()
    kind, texts = "", dict[str, list[tuple[str, str]]]()
    for line in lines:
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            language, _, text = line.partition(" | ")
            texts.setdefault(kind, []).append((language, text))
    for kind, listed in texts.items():
        for language, text in listed:
            for scene in known.values():
                is_home = scene.language == language
                if is_home or (language not in {"en", "de", "fr", "es"} and scene.language == "en"):
                    yield Attack(part, kind, language, text, _in_ticket(scene, text))
    for number, listed in enumerate(texts.values()):
        for offset, (place, put) in enumerate(_PLACES.items()):
            language, text = listed[(number + offset) % len(listed)]
            english = [scene for scene in known.values() if scene.language == "en"]
            scene = english[(number + offset) % len(english)]
            yield Attack(part, f"placed: {place}", language, text, put(scene, text))


def _in_ticket(scene: Scene, text: str) -> Scene:
    ticket = scene.ticket
    description = plain_text(f"{_escaped(ticket.description)} {_escaped(text)}")
    return replace(scene, ticket=ticket.model_copy(update={"description": description}))


def _described(scene: Scene, markup: str) -> Scene:
    description = plain_text(f"<p>{_escaped(scene.ticket.description)}</p>{markup}")
    return replace(scene, ticket=scene.ticket.model_copy(update={"description": description}))


def _split(scene: Scene, text: str) -> Scene:
    half = len(text) // 2
    ticket = scene.ticket.model_copy(
        update={"subject": plain_text(text[:half]), "description": plain_text(text[half:])}
    )
    return replace(scene, ticket=ticket)


def _planted(scene: Scene, kind: SourceKind, **changes: str) -> Scene:
    """*scene*, the first source of *kind* changed; `{}` in a change is the source's own value."""

    def changed(source: Source) -> Source:
        old = source.model_dump()
        return source.model_copy(update={name: text.replace("{}", old[name]) for name, text in changes.items()})

    first = next((each for each in scene.sources if each.kind is kind), None)
    return replace(scene, sources=tuple(changed(each) if each is first else each for each in scene.sources))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


_PLACES: Final[dict[str, Callable[[Scene, str], Scene]]] = {
    "css display": lambda scene, text: _described(scene, f'<div style="display:none">{_escaped(text)}</div>'),
    "css colour": lambda scene, text: _described(
        scene, f'<span style="color:#fff;font-size:1px">{_escaped(text)}</span>'
    ),
    "css class": lambda scene, text: _described(
        scene, f"<style>.x{{position:absolute;left:-9999px}}</style><p class=x>{_escaped(text)}</p>"
    ),
    "attribute": lambda scene, text: _described(scene, f'<img alt="{_escaped(text).replace(chr(34), "")}" src=x>'),
    "comment": lambda scene, text: _described(scene, f"<!-- {text} -->{_escaped(text)}"),
    "quoted mail": lambda scene, text: _described(scene, f"<blockquote>{_escaped(text)}</blockquote>"),
    "split": _split,
    "old subject": lambda scene, text: _planted(scene, SourceKind.TICKET, title=f"#77 {text}"),
    "old problem": lambda scene, text: _planted(
        scene, SourceKind.TICKET, text=f"Problem: {text}\nResolution: {text}\n{{}}"
    ),
    "owner": lambda scene, text: _planted(scene, SourceKind.ASSET, text=f"{{}}; owner: {text}"),
    "requester": lambda scene, text: replace(scene, ticket=scene.ticket.model_copy(update={"requester": text})),
    "site": lambda scene, text: replace(scene, requester=Requester(site=text)),
    "past subject": lambda scene, text: replace(
        scene, requester=Requester(past_tickets=(PastTicket(number="7", subject=text, outcome="Closed"),))
    ),
}


# --- honest text -----------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class Honest:
    """An honest sentence and the scene that supports it."""

    text: str
    cites: str
    scene: Scene
    parts: tuple[str, ...] = ("facts", "next_steps")
    """Of the draft, where it is said."""


def quoted(where: list[Scene]) -> list[Honest]:
    return [Honest(sentence, ref, scene) for scene in where for ref, sentence in scene.honest]


def reworded_by_hand(part: str) -> list[Honest]:
    """The sentences of `honest.{part}.txt`: `scene | refs | text`."""
    known = scenes(part)
    lines = (FOLDER / f"honest.{part}.txt").read_text("utf-8").splitlines()
    split = [line.split(" | ", 2) for line in lines if line and not line.startswith("#")]
    return [Honest(text, cites, known[scene]) for scene, cites, text in split]


def said(part: str) -> list[Honest]:
    """The sentences of `said.{part}.txt`: `scene | part | refs | text`, as models word a note's parts."""
    known = scenes(part)
    lines = (FOLDER / f"said.{part}.txt").read_text("utf-8").splitlines()
    split = [line.split("|", 3) for line in lines if line and not line.startswith("#")]
    return [
        Honest(text.strip(), cites.strip(), known[scene.strip()], (_PARTS[of.strip()],))
        for scene, of, cites, text in split
    ]


_PARTS: Final = {
    "summary": "summary",
    "fact": "facts",
    "cause": "hypotheses",
    "step": "next_steps",
    "question": "next_steps",
}


def reworded(honest: list[Honest]) -> list[Honest]:
    """Each sentence in another form: in an order of its own, two of the changes of `_CHANGES`."""
    return [
        replace(
            each,
            text=_CHANGES[(number + 1 + number // len(_CHANGES)) % len(_CHANGES)](
                _CHANGES[number % len(_CHANGES)](each.text)
            ),
        )
        for number, each in enumerate(honest)
    ]


_WORDS: Final = {
    "restart": "reboot", "restarted": "rebooted", "delete": "remove", "deleted": "removed", "check": "verify",
    "computer": "PC", "turn on": "enable", "turned on": "enabled", "turn off": "disable", "user": "employee",
    "mail": "e-mail", "mails": "messages", "open": "launch", "old": "former", "wrong": "incorrect", "again": "once more",
    "afterwards": "later", "every": "each", "first": "at first", "folder": "directory", "needs": "requires",
    "begins": "starts", "set": "configure", "show": "display", "shows": "displays", "big": "large", "error": "fault",
    "happens": "occurs", "fixed": "solved", "try": "attempt", "get": "obtain", "problem": "trouble",
}  # fmt: skip


def _other_words(text: str) -> str:
    for word, other in _WORDS.items():
        text = re.sub(rf"\b{word}\b", other, text)
        text = re.sub(rf"\b{word.capitalize()}\b", other[0].upper() + other[1:], text)
    return text


def _small(text: str) -> str:
    return text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _turned_round(text: str) -> str:
    """`When A, B.` as `B when A.`, and `A, B.` as `B; A.`"""
    core = text.rstrip(".!")
    if found := re.match(r"(If|When|Where|Because|Since|After|Before) ([^,]{8,}), (.{8,})$", core):
        return f"{found[3][0].upper()}{found[3][1:]} {found[1].lower()} {found[2]}."
    first, comma, second = core.partition(", ")
    return f"{second[0].upper()}{second[1:]}; {_small(first)}." if comma and second else text


_CHANGES: Final = (
    lambda text: f"According to the source, {_small(text)}",
    _other_words,
    _turned_round,
    lambda text: f"You should {_small(text)}",
    lambda text: re.sub(r"\b(?:the|a|an|then|also|just|very|really|please) ", "", text),
    lambda text: re.sub(r"\b([A-Z]?[a-z]{3,}[b-df-hj-np-tv-xz])ed\b", r"\1ing", text),
    lambda text: re.sub(r"\s+(?:because|so that|which|as) .*", ".", text) if len(text.split()) > 8 else text,
)
