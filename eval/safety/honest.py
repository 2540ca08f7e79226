"""Honest sentences: as they stand in a source, as models word them, and reworded by hand and mechanically."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from app.core.reading.language import sounds_like_another
from eval.safety.scenes import FOLDER, Scene, scenes


@dataclass(frozen=True)
class Honest:
    """An honest sentence and the scene that supports it."""

    text: str
    cites: str
    scene: Scene
    parts: tuple[str, ...] = ("facts", "next_steps")
    """Of the draft, where it is said."""
    style: str = ""
    """How the model words that said it."""


def quoted(where: list[Scene]) -> list[Honest]:
    """Of the records of *where*, what is in the note's language: a note in another is refused, whatever it says."""
    return _in_notes_language(Honest(sentence, ref, scene) for scene in where for ref, sentence in scene.honest)


def is_in_notes_language(text: str, scene: Scene) -> bool:
    """Whether a note of *text* would pass: one sentence alone has too few words to tell."""
    return not sounds_like_another(" ".join([text] * _SENTENCES_OF_A_NOTE), scene.language)


_SENTENCES_OF_A_NOTE: Final = 3


def _in_notes_language(listed: Iterable[Honest]) -> list[Honest]:
    return [each for each in listed if is_in_notes_language(each.text, each.scene)]


def reworded_by_hand(part: str) -> list[Honest]:
    """The sentences of `honest.{part}.txt`, if it has one: `scene | refs | text`, such as are in the note's language."""
    known, path = scenes(part), FOLDER / f"honest.{part}.txt"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    split = [line.split(" | ", 2) for line in lines if line and not line.startswith("#")]
    return _in_notes_language(Honest(text, cites, known[scene]) for scene, cites, text in split)


def said(part: str) -> list[Honest]:
    """The sentences of `said.{part}.txt`: `[style]`, then `scene | part | refs | text`, as models word a note's parts."""
    known = scenes(part)
    style, said = "", list[Honest]()
    for line in (FOLDER / f"said.{part}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            style = line.strip("[]")
        elif line and not line.startswith("#"):
            scene, of, cites, text = (each.strip() for each in line.split("|", 3))
            said.append(Honest(text, cites, known[scene], (_PARTS[of],), style))
    return said


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
