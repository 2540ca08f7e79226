"""Chooses the options of a call to a model, and fewer options after the endpoint refused some of them.

Endpoints that call themselves OpenAI-compatible support different options: a strict schema, any JSON or no format; one
of two names for the limit of tokens; a temperature; a system role. After a refusal, the options that it names are left
out; if it names none, one is left out at a time; at last all. So a call is given up only when no option is left.

For example, an endpoint without structured output refuses `response_format: json_schema` and names it. The next call
asks for `json_object`; if that is refused too, the schema is only described in the prompt.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.core.completion import Message, Option
from app.integrations.refusal import FORMATS, LIMITS, TOO_MANY, Refusal

TEMPERATURE: Final = 0.2
LEAST_TOKENS: Final = 500
"""Even a short answer needs this many tokens."""
MAX_CALLS: Final = 7
"""Calls for one answer, refused ones included. A refused call costs only time."""
_REMEMBERED_S: Final = 3600.0
_REFUSALS: Final = frozenset({400, 404, 413, 415, 422, 500, 501})
"""Statuses with which servers refuse an option (413: the prompt)."""
_OF_ACCOUNT: Final = frozenset({401, 402, TOO_MANY})
"""Statuses that are of the key, the credit or the rate, whatever else is said."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The options of one call."""

    tokens: int
    left_out: frozenset[Option] = frozenset()
    is_shortened: bool = False
    """Whether its limit of tokens was lowered already."""
    is_streamed: bool = False
    """Whether the answer comes as a stream of events, which is read like any other."""

    @property
    def options(self) -> frozenset[Option]:
        """The options in use: of formats and of limits only the first that is not left out."""
        kept = [option for option in Option if option not in self.left_out]
        first = [next((each for each in group if each in kept), None) for group in (FORMATS, LIMITS)]
        return frozenset(option for option in kept if option in first or option not in {*FORMATS, *LIMITS})

    @property
    def has_limit(self) -> bool:
        return not self.options.isdisjoint(LIMITS)

    def without(self, options: Collection[Option]) -> Asking:
        return replace(self, left_out=self.left_out | frozenset(options))

    def call(self, messages: Sequence[Message], schema: dict[str, Any]) -> dict[str, Any]:
        """The fields of the call, without the model."""
        options = self.options
        # Said, though false is the default: without it some gateways answer a stream of events.
        call: dict[str, Any] = {"messages": self._messages(messages, schema), "stream": self.is_streamed}
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
        """*messages* with at most one system message, the first. Templates of common models accept no second one."""
        system: list[str] = [message.content for message in messages if message.role == "system"]
        if Option.JSON_SCHEMA not in self.options:
            system.append("The answer's JSON schema: " + json.dumps(schema))
        rest = [{"role": str(each.role), "content": str(each.content)} for each in messages if each.role != "system"]
        words = "\n\n".join(system)
        if not words:
            return rest
        if Option.SYSTEM_ROLE in self.options or not rest:
            return [{"role": "system", "content": words}, *rest]
        # Put before the marked text from outside, which is not changed.
        return [{**rest[0], "content": f"{words}\n\n{rest[0]['content']}"}, *rest[1:]]


def is_refusal(status: int, refusal: Refusal) -> bool:
    """Whether a call that was answered with *status* may succeed with fewer options or a shorter prompt."""
    if status in _OF_ACCOUNT:
        return (status == TOO_MANY and refusal.is_too_long) or refusal.affords is not None
    return status in _REFUSALS or refusal.is_too_long or bool(refusal.unsupported)


def ask_less(asked: Asking, refusal: Refusal) -> Asking | None:
    """The options for the next call after *refusal*; None: no change could help."""
    if refusal.affords is not None and refusal.affords >= LEAST_TOKENS and asked.has_limit and not asked.is_shortened:
        return replace(asked, tokens=min(refusal.affords, asked.tokens - 1), is_shortened=True)
    if any((refusal.is_filtered, refusal.has_no_model, refusal.has_no_credit, refusal.has_bad_key, refusal.keeps_out)):
        return None
    if refusal.wants_stream and not asked.is_streamed:
        return replace(asked, is_streamed=True)
    if refusal.is_too_long and not refusal.unsupported & asked.options:
        room = min(refusal.sizes.room(asked.tokens), asked.tokens - 1)
        is_worth_it = asked.has_limit and not asked.is_shortened and room >= LEAST_TOKENS
        return replace(asked, tokens=room, is_shortened=True) if is_worth_it else None
    left_out = _to_leave_out(asked.options, refusal)
    return asked.without(left_out) if left_out else None


def _to_leave_out(options: frozenset[Option], refusal: Refusal) -> frozenset[Option]:
    """The options to leave out: those that the refusal names, else the one that is refused most often, at last all."""
    roles = {Option.SYSTEM_ROLE} if refusal.is_about_roles else frozenset()
    for suspects in (refusal.unsupported, refusal.named, roles, frozenset(FORMATS)):
        if found := options & suspects:
            return found
    return frozenset(Option) if options else options


@dataclass(slots=True)
class Memory:
    """Remembers for an hour which options an endpoint does not support for a model, and what context it told."""

    now: Callable[[], float] = lambda: time.monotonic()  # noqa: PLW0108 - looked up at each call, since tests replace it
    _until: dict[tuple[str, str, Option], float] = field(default_factory=dict)
    _streams_until: dict[tuple[str, str], float] = field(default_factory=dict)
    _contexts: dict[tuple[str, str], tuple[int | None, float]] = field(default_factory=dict)
    _told: set[tuple[str, str, Option]] = field(default_factory=set)

    def left_out(self, endpoint: str, model: str) -> frozenset[Option]:
        now = self.now()
        return frozenset(option for option in Option if self._until.get((endpoint, model, option), 0.0) > now)

    def remember(self, endpoint: str, model: str, options: Collection[Option]) -> None:
        for option in options:
            self._until[endpoint, model, option] = self.now() + _REMEMBERED_S

    def streams(self, endpoint: str, model: str) -> bool:
        """Whether the endpoint answers *model* in streams alone."""
        return self._streams_until.get((endpoint, model), 0.0) > self.now()

    def remember_stream(self, endpoint: str, model: str) -> None:
        self._streams_until[endpoint, model] = self.now() + _REMEMBERED_S

    def context(self, endpoint: str, model: str) -> int | None:
        """The context of *model*, in tokens, as its server told it; None: it did not."""
        return self._contexts[endpoint, model][0] if self.knows_context(endpoint, model) else None

    def knows_context(self, endpoint: str, model: str) -> bool:
        """Whether its server was asked for it."""
        return self._contexts.get((endpoint, model), (None, 0.0))[1] > self.now()

    def remember_context(self, endpoint: str, model: str, tokens: int | None) -> None:
        self._contexts[endpoint, model] = tokens, self.now() + _REMEMBERED_S

    def untold(self, endpoint: str, model: str, options: Collection[Option]) -> list[Option]:
        """Those of *options* that were not logged yet. From now on they count as logged."""
        fresh = sorted(option for option in options if (endpoint, model, option) not in self._told)
        self._told |= {(endpoint, model, option) for option in fresh}
        return fresh

    def worked(self, endpoint: str, model: str, options: Collection[Option]) -> None:
        """A call with *options* succeeded. If one of them is refused later, that is logged again."""
        self._told -= {(endpoint, model, option) for option in options}
