"""With what a model is asked, and with what less once it refused: in steps, so that a call is only given up at the end.

Strict schema, any JSON, no format; each name of the limit; with and without a temperature and a role of its own for the
system's words. What a refusal names is left out first; after one that names nothing, a step down; at last all at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.core.completion import Message
from app.integrations.refusal import FORMATS, LIMITS, Option, Refusal

TEMPERATURE: Final = 0.2
LEAST_TOKENS: Final = 500
"""An answer needs so many, even a short one."""
MAX_CALLS: Final = 7
"""For one answer, refused ones included. A refused call costs nothing but its time."""
_REMEMBERED_S: Final = 3600.0
_REFUSALS: Final = frozenset({400, 404, 413, 415, 422, 500, 501})
"""The statuses by which servers refuse an option; 413: the prompt."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One way to make a call."""

    tokens: int
    left_out: frozenset[Option] = frozenset()
    is_shortened: bool = False
    """Its limit was lowered already."""

    @property
    def options(self) -> frozenset[Option]:
        """What the call is made with: of formats and limits the first that is not left out."""
        kept = [option for option in Option if option not in self.left_out]
        first = [next((each for each in group if each in kept), None) for group in (FORMATS, LIMITS)]
        return frozenset(option for option in kept if option in first or option not in {*FORMATS, *LIMITS})

    @property
    def has_limit(self) -> bool:
        return not self.options.isdisjoint(LIMITS)

    def without(self, options: Collection[Option]) -> Asking:
        return replace(self, left_out=self.left_out | frozenset(options))

    def call(self, messages: Sequence[Message], schema: dict[str, Any]) -> dict[str, Any]:
        """The call's fields, but for the model."""
        options = self.options
        call: dict[str, Any] = {"messages": self._messages(messages, schema)}
        if Option.JSON_SCHEMA in options:
            strict = {"name": "enhancement", "strict": True, "schema": schema}
            call["response_format"] = {"type": "json_schema", "json_schema": strict}
        elif Option.JSON_OBJECT in options:
            call["response_format"] = {"type": "json_object"}
        call |= {option.value: self.tokens for option in LIMITS if option in options}
        if Option.TEMPERATURE in options:
            call["temperature"] = TEMPERATURE
        return call

    def _messages(self, messages: Sequence[Message], schema: dict[str, Any]) -> list[dict[str, str]]:
        """One system message at most, the first: templates of widely used models take no second one, some none."""
        system: list[str] = [message.content for message in messages if message.role == "system"]
        if Option.JSON_SCHEMA not in self.options:
            system.append("The answer's JSON schema: " + json.dumps(schema))
        rest = [{"role": str(each.role), "content": str(each.content)} for each in messages if each.role != "system"]
        words = "\n\n".join(system)
        if not words:
            return rest
        if Option.SYSTEM_ROLE in self.options or not rest:
            return [{"role": "system", "content": words}, *rest]
        # Before the fence around what comes from outside, which stays whole.
        return [{**rest[0], "content": f"{words}\n\n{rest[0]['content']}"}, *rest[1:]]


def is_refusal(status: int) -> bool:
    """Whether a call that is answered *status* may go through with less."""
    return status in _REFUSALS


def ask_less(asked: Asking, refusal: Refusal) -> Asking | None:
    """The next step down after *refusal*; None: there is none that could help."""
    if refusal.is_filtered or refusal.has_no_model:
        return None
    if refusal.is_too_long and not refusal.unsupported & asked.options:
        room = min(refusal.room(asked.tokens), asked.tokens - 1)
        is_worth_it = asked.has_limit and not asked.is_shortened and room >= LEAST_TOKENS
        return replace(asked, tokens=room, is_shortened=True) if is_worth_it else None
    left_out = _to_leave_out(asked.options, refusal)
    return asked.without(left_out) if left_out else None


def _to_leave_out(options: frozenset[Option], refusal: Refusal) -> frozenset[Option]:
    """What is said to be at fault; else what is refused most, step by step; at last all that is left."""
    roles = {Option.SYSTEM_ROLE} if refusal.is_about_roles else frozenset()
    for suspects in (refusal.unsupported, refusal.named, roles, frozenset(FORMATS)):
        if found := options & suspects:
            return found
    return frozenset(Option) if options else options


@dataclass(slots=True)
class Memory:
    """What endpoints said that a model does not support, for an hour each: then it is tried again."""

    now: Callable[[], float] = lambda: time.monotonic()  # noqa: PLW0108 - looked up at each call, as tests turn it
    _until: dict[tuple[str, str, Option], float] = field(default_factory=dict)
    _told: set[tuple[str, str, Option]] = field(default_factory=set)

    def left_out(self, endpoint: str, model: str) -> frozenset[Option]:
        now = self.now()
        return frozenset(option for option in Option if self._until.get((endpoint, model, option), 0.0) > now)

    def remember(self, endpoint: str, model: str, options: Collection[Option]) -> None:
        for option in options:
            self._until[endpoint, model, option] = self.now() + _REMEMBERED_S

    def untold(self, endpoint: str, model: str, options: Collection[Option]) -> list[Option]:
        """Of *options*, those that nobody was told of yet; they count as told from now on."""
        fresh = sorted(option for option in options if (endpoint, model, option) not in self._told)
        self._told |= {(endpoint, model, option) for option in fresh}
        return fresh

    def worked(self, endpoint: str, model: str, options: Collection[Option]) -> None:
        """Note that a call with *options* went through: should one be refused later, that is told again."""
        self._told -= {(endpoint, model, option) for option in options}
