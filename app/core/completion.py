"""What is said to a model and what comes back, whichever model it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.core.masking import MaskedText


class Message(BaseModel):
    """One chat message for the model. Text that did not go through a `Mask` is refused."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    role: Literal["system", "user", "assistant"]
    content: MaskedText


class Completion(BaseModel):
    """The model's raw answer and what it cost."""

    model_config = ConfigDict(frozen=True)

    text: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """None when the model's price is not known."""
    cut_at: int | None = None
    """The limit in tokens at which the answer was cut off; None when it came to its own end."""

    @property
    def how_it_ended(self) -> str:
        """For operators."""
        return "" if self.cut_at is None else f"cut off at its limit of {self.cut_at} tokens"
