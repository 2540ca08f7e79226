"""How large a model's context and a prompt are, in tokens, as an error says that the prompt is too long.

Invariant: numbers are told apart by the words around them and by arithmetic (prompt + answer = sum), never by their
place alone: each server says it in its own order. `docs/models.md` lists what servers send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ANSWER_TOKENS: Final = 1_500
"""Room for an answer, with some to spare: it takes about a thousand."""
_OF_CONTEXT: Final = 3
"""In a small context the answer has a third."""

_N: Final = r"(?<![\w.])(\d{3,7})(?:\.0+)?(?![\w.]*\d)"
_NUMBER: Final = re.compile(_N)
# `3900 + 4000 > 4096`, `must be <= 4096`, `n_keep: 13055>= n_ctx: 4096`, `5056 is greater than max_seq_len 2048`
_MORE_THAN: Final = r"\b(?:exceed\w*|(?:larger|greater|longer) than)\b(?! by)"
_COMPARED: Final = re.compile(rf"(?:[<>]=?\s?(?:n_ctx: )?|\d\W[^\d\n]{{0,20}}{_MORE_THAN}[^\d\n]{{0,60}}?){_N}")
# `<title>413 …`, DashScope's `<400> InternalError`, and vLLM's `(parameter=input_tokens, value=8193)`, which it said.
_TAG: Final = re.compile(r"</?[a-z][^<>]*>|<\d{3}>|\(parameter=\w+, value=\d+\)")
_LIMIT: Final = re.compile(
    r"\b(?:context|maximum|limit|allowed|range|only|at most|(?:less|more|greater|longer) than)\b"
    rf"[^\n]{{0,60}}?(?<!by ){_N}"
    rf"|{_N}(?: tokens)? (?:maximum|limit)\b",
    re.IGNORECASE,
)
# vLLM counts a prompt only as far as its limit: `contains at least 8193 input tokens`, whatever its length.
_AT_LEAST: Final = re.compile(rf"\bat least {_N} input tokens\b")
_OF_CHARACTERS: Final = re.compile(rf"{_N} characters\b")
# Groq: `Limit 6000, Requested 6294`, where the answer's limit is part of what is requested.
_WITH_ANSWER: Final = re.compile(rf"\brequested:? (?:a total of |about )?{_N}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sizes:
    """In tokens; None: not told."""

    context: int | None = None
    prompt: int | None = None

    def room(self, asked: int) -> int:
        """How many tokens of an answer to ask for, where *asked* are too many; not positive: there is no room."""
        if self.context is None:
            return asked // 4
        if self.prompt is not None:
            return self.context - self.prompt
        return self.context if self.context < asked else asked // 4

    def share(self, estimate: int) -> float | None:
        """How much of the prompt leaves room for an answer; *estimate* is the prompt's size where none is told."""
        if self.context is None:
            return None
        answer = min(_ANSWER_TOKENS, self.context // _OF_CONTEXT)
        return (self.context - answer) / max(self.prompt or estimate, 1)


def read_sizes(text: str, *, asked: int, estimate: int = 0) -> Sizes:
    """What *text* tells about a call with a prompt of about *estimate* tokens, and an answer of *asked*."""
    text = _OF_CHARACTERS.sub("", _TAG.sub("", text))
    told = [int(number) for number in _NUMBER.findall(text) if int(number) != asked]
    # A sum of prompt and answer says nothing of its own.
    numbers = {number for number in told if number - asked not in told}
    limits = {int(number) for found in _LIMIT.findall(text) for number in found if number} & numbers
    compared = [int(number) for number in _COMPARED.findall(text) if int(number) in numbers]
    context = compared[-1] if compared else max(limits, default=None)
    if context is None:
        return Sizes()
    others = numbers - {context}
    prompt = max(others - limits or others, default=None)
    summed = {int(number) for number in _WITH_ANSWER.findall(text)}
    if prompt is not None and prompt in summed and told.count(prompt) == 1 and prompt > asked:
        prompt -= asked
    if prompt is not None and _AT_LEAST.search(text):
        prompt = max(prompt, estimate)
    return Sizes(context, prompt)
