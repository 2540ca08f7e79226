"""Reads a model's answer: finds the one object of the schema in it, whatever text is around it.

The schema that is sent is strict (`enhancement.schema`). Reading is tolerant where there is only one way to understand
the answer: keys in any order, also those of an older schema. An answer with two different objects, with none, or with
one without a summary is refused.

Invariant: a `ParsedAnswer` holds none of the model's thoughts, and its `DraftProblem` quotes the answer only in the
sentence that is sent back to the model, never in the reason that is logged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from app.core.enhancement import Draft, DraftProblem, Question, Statement
from app.core.source import REFS
from app.enhancement.objects import find_objects, is_thought, mend_objects, python_objects, without_thoughts

MAX_ANSWER_CHARS: Final = 400_000
MAX_SAID_CHARS: Final = 20_000
"""Longest part of an answer that is sent back to the model when it must be repaired."""
_MAX_TEXT_CHARS: Final = 20_000
"""Of one of its texts, how much is read: a note takes a few hundred."""
_MAX_LISTED: Final = 100
"""Of one of its lists, how much is read: a note takes six statements."""
_MAX_REF_CHARS: Final = 80
_MAX_DEPTH: Final = 4
_LISTS: Final = ("facts", "hypotheses", "next_steps")
_QUESTIONS: Final = frozenset(Question)
_KEYS: Final = {
    **{_key.replace("_", ""): _key for _key in (*Draft.model_fields, *Statement.model_fields)},
    **dict.fromkeys("citation source sources ref refs reference references".split(), "citations"),
    "fact": "facts",
    "hypothesis": "hypotheses",
    "nextstep": "next_steps",
    "steps": "next_steps",
}
"""What a model may call them, in small letters."""
_REF = re.compile(r"\b[A-Za-z][0-9]{1,3}\b")
# In round brackets at the end alone: a port or a room may stand in them too.
_REFS_IN_BRACKETS = re.compile(rf"\s?(?:\[({REFS})\]|\(({REFS})\)(?=[.\s]*$))")
_WORD = re.compile(r"\w")
_PLACEHOLDER = re.compile(r"[<\[{(][^<>\[\]{}()]{0,80}[>\]})]")
_NOTHING: Final = frozenset(
    "none|no|nil|null|false|na|n/a|not applicable|keine|aucun|aucune|ninguno|ninguna|nothing|-|–|—".split("|")
)
"""What a model may write where a list is empty."""
_TEXT_KEYS: Final = ("text", "statement", "description", "step", "action", "content", "detail", "details")
"""Which of several texts of a statement is the whole one; others are titles and the like."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])
_REF_KEYS: Final = ("ref", "id", "source", "citation")
# An object with escaped quotes, as within a text: `{\"summary\": …}`.
_ESCAPED_OBJECT = re.compile(r'\{\s*+\\["n]')


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What was found in an answer."""

    draft: Draft | None
    problem: DraftProblem | None
    """Why there is no draft; None when there is one."""
    said: str
    """The answer without thoughts, to send back for a repair; empty: it has nothing but thoughts."""


def read_answer(answer: str) -> ParsedAnswer:
    """Read *answer*. Faulty JSON is mended only if no object can be read without that."""
    if len(answer) > MAX_ANSWER_CHARS:
        return ParsedAnswer(None, DraftProblem("The answer is far too long.", "far too long"), "")
    try:
        return _read(answer)
    except RecursionError:
        return ParsedAnswer(None, DraftProblem("The answer is nested too deeply.", "nested too deeply"), "")


def _read(answer: str) -> ParsedAnswer:
    found = find_objects(answer)
    drafts, misfits = _drafts(found.objects or _as_text(found.words))
    for words in (found.words, found.words.rstrip("` \n") + "}"):  # the last brace is what models forget
        if not drafts and not misfits:
            drafts, misfits = _drafts(mend_objects(words))
    if not drafts and not misfits:
        drafts, misfits = _drafts(python_objects(found.words))
    if len(drafts) == 1:
        return ParsedAnswer(drafts[0], None, drafts[0].model_dump_json())
    if drafts:
        told = "The answer holds several different objects of the schema. Answer with one."
        said = "\n".join(draft.model_dump_json() for draft in drafts)
        return ParsedAnswer(None, DraftProblem(told, "several different objects"), said[:MAX_SAID_CHARS])
    if misfits:
        plain, problem = misfits[-1]
        return ParsedAnswer(None, problem, _whole(json.dumps(plain, ensure_ascii=False)[:MAX_SAID_CHARS]))
    words = _whole(found.words.replace("\ufeff", "").strip()[:MAX_SAID_CHARS])
    if not words:
        reason = "no answer, thoughts alone" if found.has_thoughts else "no answer, its text is empty"
        return ParsedAnswer(None, DraftProblem("The answer is empty.", reason), "")
    told = "The answer does not fit the schema: it holds no JSON object of it."
    return ParsedAnswer(None, DraftProblem(told, "no JSON object of the schema"), words)


def _drafts(values: list[Any]) -> tuple[list[Draft], list[tuple[dict[str, Any], DraftProblem]]]:
    """The different drafts in *values*, two at most, and the last object that is almost a draft, with what is wrong."""
    drafts: list[Draft] = []
    misfits: list[tuple[dict[str, Any], DraftProblem]] = []
    for value in _candidates(values):
        plain = _plain(value)
        try:
            draft = Draft.model_validate(plain)
        except ValidationError as error:
            misfits = [(plain, _misfit(error))]  # of thousands the last tells enough
        else:
            drafts += [draft] if draft not in drafts else []
            if len(drafts) > 1:
                break
    telling = [
        draft for draft in drafts if _WORD.search(draft.summary) and not _PLACEHOLDER.fullmatch(draft.summary.strip())
    ]
    return telling or drafts, misfits  # not an example of dots or `<summary>` before the answer


def _misfit(error: ValidationError) -> DraftProblem:
    # Quotes nothing of the answer: `loc` has only keys of our schema, and the message is pydantic's own.
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the answer"
    reason = f"{place}: {first['msg']}"
    return DraftProblem(f"The answer does not fit the schema: {reason}.", reason)


def _as_text(words: str) -> list[Any]:
    """The object in an answer that is a JSON string with JSON in it (encoded twice)."""
    words = words.replace("\ufeff", "").strip()
    if words.startswith('"'):
        return [words]
    found = _ESCAPED_OBJECT.search(words)
    return [f'"{words[found.start() : words.rfind("}") + 1]}"'] if found else []


def _candidates(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Objects that may fit the schema: *value* itself, or one inside it, as a member or as JSON in a string."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict) and _is_near(value):
        yield value
    elif isinstance(value, dict):
        for each in _members(value):
            yield from _candidates(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _candidates(each, depth if depth == 0 else depth + 1)
    elif isinstance(value, str) and value.lstrip()[:1] in {"{", '"'}:
        try:
            inner = json.loads(value, strict=False)
        except (ValueError, RecursionError):
            return
        yield from _candidates(inner, depth + 1)


def _members(value: dict[str, Any]) -> list[Any]:
    """What may hold the object; nothing of a schema that is repeated before the answer."""
    return [] if _is_schema(value) else [each for key, each in value.items() if not is_thought(key)]


def _is_near(value: dict[str, Any]) -> bool:
    has_keys = isinstance(_get(value, "summary"), str) or {"facts", "next_steps"} <= {_name(key) for key in value}
    return has_keys and not _is_schema(value)


def _is_schema(value: dict[str, Any]) -> bool:
    """Whether *value* says of which type our keys are, and not what they hold."""
    lists = (_get(value, name) for name in ("facts", "next_steps"))
    return any(isinstance(each, dict) and each.get("type") == "array" for each in lists)


def _name(key: str) -> str:
    """The key of the schema that *key* means: `Next steps` and `nextSteps` are `next_steps`."""
    letters = re.sub(r"[^a-z]", "", key.lower())
    return _KEYS.get(letters, letters)


def _get(value: dict[str, Any], name: str) -> Any:
    return value.get(name, next((each for key, each in value.items() if _name(key) == name), None))


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """*value* in the shape of the schema, where it can be understood in one way only; unknown keys are removed."""
    plain: dict[str, Any] = {}
    given = {_name(key) for key in value}
    summary = _get(value, "summary")
    if summary is not None:
        plain["summary"] = _text(summary)
    for name in _LISTS if given & set(_LISTS) else ():
        listed = _listed(_get(value, name))
        # A text where a list belongs may be one statement, or say in some way that there is none, so it is not changed.
        is_list = isinstance(listed, list)
        plain[name] = [_statement(each) for each in listed[:_MAX_LISTED] if each not in _EMPTY] if is_list else listed
    cited = _get(value, "summary_citations")
    if cited is None and isinstance(summary, dict):
        cited = _get(summary, "citations")
    plain["summary_citations"] = _refs(cited or [])
    if not plain["summary_citations"] and "summary" in plain:
        plain["summary"], plain["summary_citations"] = _apart(plain["summary"])
    plain["questions"] = _questions(_get(value, "questions"))
    return plain


def _questions(value: Any) -> list[str]:
    """Those that the schema knows, each once. A question in words of its own is not asked: nothing could check it."""
    listed = _listed(value)
    texts = (each for each in (listed if isinstance(listed, list) else [listed]) if isinstance(each, str))
    named = (re.sub(r"[\s-]+", "_", text.strip().lower()) for text in texts)
    return list(dict.fromkeys(name for name in named if name in _QUESTIONS))


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        if value.strip(" .").lower() in _NOTHING:
            return []
        with suppress(ValueError, RecursionError):  # a list within a text
            inner = json.loads(value, strict=False)
            value = inner if isinstance(inner, list | dict) else value
    if value is False or value in _EMPTY:
        return []
    if isinstance(value, dict):
        are_numbered = all(isinstance(each, dict) for each in value.values())
        return list(value.values()) if are_numbered else [value]
    return value


def _statement(value: Any) -> Any:
    if isinstance(value, str):
        value = {"text": value}
    if isinstance(value, list) and isinstance(value[0], str):
        value = {"text": value[0], "citations": value[1:]}
    if not isinstance(value, dict):
        return value
    text, cited = _text(value), _refs(_get(value, "citations") or [])
    if not cited:
        text, cited = _apart(text)
    return {"text": text, "citations": cited}


def _text(value: Any) -> Any:
    """The text of *value*: a text, a list of texts, or an object with one, whatever its key is (`fact`, `step`)."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        told = [
            each
            for key, each in value.items()
            if isinstance(each, str) and _name(key) not in {"citations", "confidence"} and not is_thought(key)
        ]
        named = (_get(value, name) for name in _TEXT_KEYS)
        value = told[0] if len(told) == 1 else next(filter(None, named), None)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = " ".join(value)
    return _clean(value)


def _refs(value: Any) -> list[str]:
    """The refs that *value* names: `T1`, `[t1]`, `T1, K2`. A text that names none is not changed."""
    if isinstance(value, dict):
        told = [each for each in (*value, *value.values()) if isinstance(each, str) and _REF.fullmatch(each)]
        value = next((value[key] for key in _REF_KEYS if key in value), told)
    if isinstance(value, list):
        return list(dict.fromkeys(ref for each in value[:_MAX_LISTED] if each is not None for ref in _refs(each)))
    text = _whole(str(value)[:_MAX_TEXT_CHARS]).strip()
    named = list(dict.fromkeys(ref.upper() for ref in _REF.findall(text)))
    return named[:_MAX_LISTED] or ([text[:_MAX_REF_CHARS]] if text else [])


def _apart(text: Any) -> tuple[Any, list[str]]:
    """*text* without the refs that stand in brackets in it, and these: `Restart it [T1, K2].`"""
    if not isinstance(text, str):
        return text, []
    cited = ["".join(each) for each in _REFS_IN_BRACKETS.findall(text)]
    return _REFS_IN_BRACKETS.sub("", text).strip(), _refs(cited)


def _clean(text: Any) -> Any:
    return without_thoughts(_whole(text))[:_MAX_TEXT_CHARS] if isinstance(text, str) else text


def _whole(text: str) -> str:
    """*text* with two surrogates as the character that they are, and without lone ones, which UTF-8 can't encode.

    JSON can escape them, and a stream may have the two halves of one in two pieces.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
