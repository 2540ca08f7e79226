"""The messages that are sent to a model, and its answer, in a form that fits every model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.core.masking import MaskedText


class Message(BaseModel):
    """One chat message for the model. It takes `MaskedText` only, so unmasked text is refused."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    role: Literal["system", "user", "assistant"]
    content: MaskedText


class Completion(BaseModel):
    """The model's raw answer, its tokens and its cost."""

    model_config = ConfigDict(frozen=True)

    text: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """In US dollars; None when the model's price is not known."""
    cut_at: int | None = None
    """The limit in tokens at which the answer was cut off; None when the model finished it."""

    @property
    def how_it_ended(self) -> str:
        """For operators: how the answer ended, empty when it ended normally."""
        return "" if self.cut_at is None else f"cut off at its limit of {self.cut_at} tokens"
