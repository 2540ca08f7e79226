"""Finds the JSON objects and the text of a model's answer, without its thoughts.

Reasoning models put their thoughts between marks, e.g. `<think>…</think>{"summary": …}`.

Invariant: text between the marks of a thought, before a closing mark that was not opened, or after an opening mark that
is not closed, is left out. A mark inside a JSON object is ordinary text.
"""

from __future__ import annotations

import ast
import html
import json
import re
import warnings
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Final

_MAX_TRIES: Final = 2_000
"""Most opening braces that are tried as the begin of an object."""
_MAX_WASTE: Final = 2_000_000
"""Characters that are read in vain, from braces that begin no object. Each of a thousand could be read to the end."""

_MAX_PYTHON_CHARS: Final = 50_000
"""Python's own parser takes a hundred times as long as JSON's."""
_PYTHON_OBJECT = re.compile(r"\{\s*+'")
# An object's first brace; `<think>`, `</think>`, `[THINK]`, `◁think▷`, `<|begin_of_thought|>`, `<|END_THINKING|>`;
# gpt-oss's `<|channel|>analysis<|message|>` (`commentary to=` a tool is an answer) and what is left of it where a
# server drops its marks; Gemma's `<|channel>`; s1's `<|im_start|>think`; the sentences of Granite 3.2; Open WebUI's
# `<details type="reasoning">`. A name in quotation marks is not a mark.
_MARK = re.compile(
    r"""
      (?P<brace>\{)(?=\s*["}])
    | <\|?channel\|?>\s*(?P<channel>[a-z]*)(?P<call>\s+to=)?
    | (?P<end><\|end\|>|</details>|\bhere(?:'s|\ is)\ my\ response:|<\|im_start\|>\s*answer\b)
    | (?P<open>\bhere(?:'s|\ is)\ my\ thought\ process:|<\|im_start\|>\s*think\b
      |<details\b(?=[^<>]{0,200}\breasoning\b)[^<>]{0,200}>)
    | (?P<final>assistant\s*final(?:\s*json)?(?=\s*[{`\[]))
    | (?<![`"'“„«‘])(?:<\|?|◁|\[(?=\ ?/?think\ ?\]))\ ?(?P<close>/?)\ ?(?P<name>[a-z][\w:.-]{0,40})
      (?:\s[^<>\[\]]{0,200})?(?<!/)(?:\|?>|▷|\])
    """,
    re.IGNORECASE | re.VERBOSE,
)
_THOUGHT = re.compile(r"think|thought|reason|reflect|analy|scratch|monologue|deliberat|(?:^|_)cot$", re.IGNORECASE)
# MedGemma's, Apertus's
_OTHER_NAMES: Final = dict.fromkeys(("unused94", "inner_prefix"), "thought") | dict.fromkeys(
    ("unused95", "inner_suffix"), "end_thought"
)
_PAIR = re.compile(r"<(/?)(think\w{0,20}|thoughts?|reasoning|reflection|analysis|scratchpad)>", re.IGNORECASE)
_LEFT_OPEN = re.compile(r"^\s*<think(?:ing)?>.*", re.IGNORECASE | re.DOTALL)
_DECODER: Final = json.JSONDecoder(strict=False)  # not strict, since models write line breaks into strings
# Strings are matched whole, so that nothing inside them is changed; one without an end too, or each of its quotes would
# be read to the end of the text. A key may have no quotes, and a list dots for what is left out.
# No possessive group with a choice in it: Python before 3.11.5, as Debian 12 has it, misses what it should match.
_BLEMISH = re.compile(
    r"""
      (?P<string>"[^"\\]*+(?:\\.?[^"\\]*+)*"?)
    | (?<=[{,\s])(?P<key>[A-Za-z_]\w*+)(?=\s*+:)
    | ,(?=\s*+(?:\.{3}|…)?\s*+[}\]]) | //[^\n]*+
    | (?<=\s)\#[^\n]*+ | /\*(?:[^*]|\*(?!/)){0,500}\*/ | \.{3} | … | [\u00a0\u200b\ufeff]
    """,
    re.DOTALL | re.VERBOSE,
)
# An object that was escaped for HTML, written in typographic quotation marks, or quoted as in a mail.
_TYPOGRAPHIC: Final = dict.fromkeys(map(ord, "“”„‟"), '"')
_QUOTED_LINE = re.compile(r"^> ?", re.MULTILINE)
_ESCAPED_MARK = re.compile(r"&lt;/?(?:think|thought|reason|reflect)\w{0,12}&gt;", re.IGNORECASE)
_BACKSLASH = re.compile(r'\\(?P<escape>["\\/bfnrt]|u[0-9a-fA-F]{4})?(?P<mark>[^\w\s])?')


@dataclass(slots=True)
class Said:
    """An answer without its thoughts."""

    words: str = ""
    """All its text, the objects included."""
    objects: list[dict[str, Any]] = field(default_factory=list)
    has_thoughts: bool = False
    last: str = ""
    """The text of the last object."""

    def add(self, words: str, found: dict[str, Any] | None = None) -> None:
        self.words += words
        if found is not None:
            self.objects.append(found)
            self.last = words


def find_objects(text: str) -> Said:
    """The objects and the text of *text*, without thoughts."""
    text = _ESCAPED_MARK.sub(lambda found: html.unescape(found[0]), text)
    said, thought = Said(), Said()
    within, at, tries, waste = False, 0, 0, 0
    for mark in _MARK.finditer(text):
        if mark.start() < at:
            continue  # within an object
        now = thought if within else said
        now.add(text[at : mark.start()])
        at = mark.end()
        if mark["brace"]:
            tries += 1
            found, at, read = _decode(text, mark.start())
            now.add(text[mark.start() : at], found)
            waste += 0 if found else read
            if tries >= _MAX_TRIES or waste >= _MAX_WASTE:
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
                # The opening mark was in the prompt, or was lost: everything before this mark is a thought.
                said, thought = Said(), said
            within, said.has_thoughts = False, True
    (thought if within else said).add(text[at:])
    if not said.words.strip() and _ends_with_its_object(thought, is_alone=not within):
        # All follows an opening mark. It came from the server's template, or the model did not close its thoughts and
        # then answered: a draft within them would not be their end.
        return Said(thought.last, thought.objects, has_thoughts=True)
    return said


def mend_objects(text: str) -> list[dict[str, Any]]:
    """The objects of *text*, read without what JSON forbids: trailing commas, comments, unusual blanks and escapes."""
    if '"' not in text:
        text = html.unescape(text).translate(_TYPOGRAPHIC)
    text = _QUOTED_LINE.sub("", text)
    start, end = text.find("{"), text.rfind("}") + 1
    return find_objects(_BLEMISH.sub(_mended, text[start:end])).objects


def python_objects(text: str) -> list[dict[str, Any]]:
    """The object of *text* that is written as Python writes it: `{'summary': None}`."""
    begins = _PYTHON_OBJECT.search(text)
    if begins is None or len(text) > _MAX_PYTHON_CHARS:
        return []
    try:
        with warnings.catch_warnings(action="ignore"):  # of unusual backslashes
            found = json.loads(json.dumps(ast.literal_eval(text[begins.start() : text.rfind("}") + 1])))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return []
    return [found] if isinstance(found, dict) else []


def _mended(blemish: re.Match[str]) -> str:
    if blemish["key"]:
        return f'"{blemish["key"]}"'
    return _BACKSLASH.sub(_escaped, blemish["string"] or "")


def _escaped(backslash: re.Match[str]) -> str:
    r"""A valid escape as it is; `\_` and `\'` without the backslash; that of `C:\Users` doubled."""
    if backslash["escape"]:
        return backslash[0]
    return backslash["mark"] or "\\\\"


def is_thought(name: str) -> bool:
    """Whether *name*, of a mark or a key, stands for a thought."""
    return _THOUGHT.search(name) is not None


def without_thoughts(text: str) -> str:
    """*text* of an object without thoughts. Only between two marks: a single `<reason>` may be part of a value."""
    if "<" not in text:
        return text
    marks = list(_PAIR.finditer(text))
    closings: dict[str, list[int]] = {}
    for mark in marks:
        if mark[1]:
            closings.setdefault(mark[2].lower(), []).append(mark.end())
    kept, at = "", 0
    for mark in marks:
        ends = closings.get(mark[2].lower(), [])
        later = bisect_right(ends, mark.end())
        if not mark[1] and mark.start() >= at and later < len(ends):
            kept, at = kept + text[at : mark.start()], ends[later]
    return _LEFT_OPEN.sub("", (kept + text[at:]).rpartition("</think>")[2]).strip()


def _step(mark: re.Match[str]) -> str | None:
    """What *mark* does: `open` or `close` a thought, or `end` any open one; None: it is ordinary text."""
    if mark["end"]:
        return "end"
    if mark["open"]:
        return "open"
    if mark["final"]:
        return "close"
    if mark["channel"] is not None:
        # What gpt-oss says in its `commentary` is for the reader, too.
        is_answer = mark["call"] is not None or mark["channel"].lower() in {"", "final", "commentary"}
        return "close" if is_answer else "open"
    name = _OTHER_NAMES.get(mark["name"].lower(), mark["name"].lower())
    if not is_thought(name):
        return None
    return "close" if mark["close"] or name.startswith("end") else "open"


def _decode(text: str, start: int) -> tuple[dict[str, Any] | None, int, int]:
    """The object that begins at *start*, and its end. If there is none: None, and the place after the brace.

    The last value is how many characters were read, at most.
    """
    try:
        found, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return None, start + 1, error.pos - start
    except (ValueError, RecursionError):
        return None, start + 1, len(text) - start
    return found, end, end - start


def _ends_with_its_object(thought: Said, *, is_alone: bool) -> bool:
    """Whether *thought* holds one object, at its end; if it *is_alone*, nothing else."""
    words = thought.words.strip("` \n")
    return len(thought.objects) == 1 and (words == thought.last if is_alone else words.endswith(thought.last))
