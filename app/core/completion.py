"""The messages that are sent to a model, and its answer, in a form that fits every model."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel

from app.core.masking import MaskedText


class Option(StrEnum):
    """What a call to a model can be made without, where its endpoint refuses it. Stored with an enhancement."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    TEMPERATURE = "temperature"
    SYSTEM_ROLE = "system_role"
    """Without it, its words stand at the head of the user's message."""

    @property
    def words(self) -> str:
        """For operators."""
        return _OPTION_WORDS.get(self, self.value)


_OPTION_WORDS: Final = {
    Option.JSON_SCHEMA: "strict JSON schema",
    Option.JSON_OBJECT: "JSON mode",
    Option.SYSTEM_ROLE: "system role",
}

_MOST_BLANKS: Final = 200
"""At the end of an answer, with its line breaks and indents."""


class Message(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """One chat message for the model. It takes `MaskedText` only, so unmasked text is refused."""

    role: Literal["system", "user", "assistant"]
    content: MaskedText


class Completion(BaseModel, frozen=True):
    """The model's raw answer, its tokens and its cost."""

    text: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """In US dollars; None when the model's price is not known."""
    cut_at: int | None = None
    """The limit in tokens at which the answer was cut off; None when the model finished it."""
    share: float | None = None
    """How much of the prompt leaves room for an answer, where the context was full before this one's limit."""
    is_estimated: bool = False
    """The endpoint did not tell all tokens: what it left out is an estimate."""
    asked_without: tuple[Option, ...] = ()
    """What the call was made without: the endpoint refuses it, or made an answer of blanks with it."""

    @property
    def is_unpriced(self) -> bool:
        return self.cost_usd is None and self.prompt_tokens + self.completion_tokens > 0

    @property
    def is_blank_from_somewhere(self) -> bool:
        """Whether blanks fill it up to its limit, as grammars of JSON let a model write them for ever."""
        return self.cut_at is not None and len(self.text) - len(self.text.rstrip()) > _MOST_BLANKS

    @property
    def how_it_ended(self) -> str:
        """For operators: how the answer ended, empty when it ended normally."""
        if self.cut_at is None:
            return ""
        filled = ", which blanks filled" if self.is_blank_from_somewhere else ""
        if self.share is not None:
            filled = ", where the model's context was full"
        return f"cut off at its limit of {self.cut_at} tokens{filled}"
