"""The JSON objects of a model's answer, and its words, without its thoughts.

Invariant: what stands between the marks of a thought, before a closing mark without an opening one, or after an opening
mark without a closing one, is in neither. A mark within an object's own text is text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

_MAX_TRIES: Final = 2_000
"""Braces that are looked at; a text with more of them is no answer."""

# An object's first brace; `<think>`, `</think>`, `[THINK]`, `◁think▷`, `<|begin_of_thought|>`, `<|END_THINKING|>`;
# gpt-oss's `<|channel|>analysis<|message|>` and what is left of it where a server drops its marks; Gemma's
# `<|channel>`. A name in quotation marks is talked about.
_MARK = re.compile(
    r"""
      (?P<brace>\{)(?=\s*["}])
    | <\|?channel\|?>\s*(?P<channel>[a-z]*)
    | (?P<end><\|end\|>)
    | (?P<final>\bassistant\s*final(?=\s*[{`\[]))
    | (?<![`"'“„«‘])(?:<\|?|◁|\[(?=\ ?/?think\ ?\]))\ ?(?P<close>/?)\ ?(?P<name>[a-z][\w:.-]{0,40})
      (?:\s[^<>\[\]]{0,200})?(?<!/)(?:\|?>|▷|\])
    """,
    re.IGNORECASE | re.VERBOSE,
)
_THOUGHT = re.compile(r"think|thought|reason|reflect|analy|scratch|monologue|deliberat|(?:^|_)cot$", re.IGNORECASE)
_UNUSED: Final = {"unused94": "thought", "unused95": "end_thought"}  # MedGemma's
_OPENING = re.compile(r"<(think\w*|thoughts?|reasoning|reflection|analysis|scratchpad)>", re.IGNORECASE)
_LEFT_OPEN = re.compile(r"^\s*<think(?:ing)?>.*", re.IGNORECASE | re.DOTALL)
_DECODER: Final = json.JSONDecoder(strict=False)  # models write line breaks into strings
# Each string whole, so that what is within it stays.
_BLEMISH = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])|//[^\n]*|[\u00a0\u200b\ufeff]', re.DOTALL)


@dataclass(slots=True)
class Said:
    """What an answer says besides its thoughts."""

    words: str = ""
    """All of it, objects included."""
    objects: list[dict[str, Any]] = field(default_factory=list)
    has_thoughts: bool = False

    def add(self, words: str, found: dict[str, Any] | None = None) -> None:
        self.words += words
        if found is not None:
            self.objects.append(found)


def find_objects(text: str) -> Said:
    """What *text* says."""
    said, thought = Said(), Said()
    within, at, tries = False, 0, 0
    for mark in _MARK.finditer(text):
        if mark.start() < at:
            continue  # within an object
        now = thought if within else said
        now.add(text[at : mark.start()])
        at = mark.end()
        if mark["brace"]:
            tries += 1
            found, at = _decode(text, mark.start())
            now.add(text[mark.start() : at], found)
            if tries >= _MAX_TRIES:
                break
            continue
        step = _step(mark)
        if step is None:
            now.add(mark[0])
        elif step == "open":
            thought = thought if within else Said()
            within, said.has_thoughts = True, True
        elif step == "close" or within:
            if not within:
                # Its opening mark was part of the prompt, or was dropped: all before it is a thought.
                said, thought = Said(), said
            within, said.has_thoughts = False, True
    (thought if within else said).add(text[at:])
    if not said.words.strip() and _is_object_alone(thought):
        # The mark came with the server's template, and then the schema left no room for a thought.
        return thought
    return said


def mend_objects(text: str) -> list[dict[str, Any]]:
    """The objects of *text* without commas before a closing bracket, comments and blanks that JSON does not know."""
    start, end = text.find("{"), text.rfind("}") + 1
    return find_objects(_BLEMISH.sub(lambda found: found[1] or "", text[start:end])).objects


def is_thought(name: str) -> bool:
    """Whether *name*, a mark's or a key's, is of a thought."""
    return _THOUGHT.search(name) is not None


def without_thoughts(text: str) -> str:
    """An object's text without the thoughts in it. Only a whole pair is sure to be one: `<reason>` may be a value."""
    if "<" not in text:
        return text
    kept, at = "", 0
    never_closed: set[str] = set()
    for mark in _OPENING.finditer(text):
        name = mark[1].lower()
        if mark.start() < at or name in never_closed:
            continue
        closing = re.compile(f"</{name}>", re.IGNORECASE).search(text, mark.end())
        if closing is None:
            never_closed.add(name)
        else:
            kept, at = kept + text[at : mark.start()], closing.end()
    return _LEFT_OPEN.sub("", (kept + text[at:]).rpartition("</think>")[2]).strip()


def _step(mark: re.Match[str]) -> str | None:
    """What *mark* does: `open` or `close` a thought, `end` whatever is open; None: nothing, it is text."""
    if mark["end"]:
        return "end"
    if mark["final"]:
        return "close"
    if mark["channel"] is not None:
        return "close" if mark["channel"].lower() in {"", "final"} else "open"
    name = _UNUSED.get(mark["name"].lower(), mark["name"].lower())
    if not is_thought(name):
        return None
    return "close" if mark["close"] or name.startswith("end") else "open"


def _decode(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins at *start* and where it ends; without one, None and the place after the brace."""
    try:
        found, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start + 1
    return found, end


def _is_object_alone(thought: Said) -> bool:
    return len(thought.objects) == 1 and thought.words.strip().startswith("{") and thought.words.strip().endswith("}")
