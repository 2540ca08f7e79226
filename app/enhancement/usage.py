"""What the answers of models took, as an `Enhancement` tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.completion import Completion


def usage(completions: Sequence[Completion]) -> dict[str, Any]:
    """Of all *completions* that were paid, the writer's last answer last. The cost is of those whose price is known."""
    costs = [completion.cost_usd for completion in completions if completion.cost_usd is not None]
    return {
        "prompt_tokens": sum(completion.prompt_tokens for completion in completions),
        "completion_tokens": sum(completion.completion_tokens for completion in completions),
        "cost_usd": sum(costs) if costs else None,
        "unpriced": tuple(dict.fromkeys(each.model for each in completions if each.is_unpriced)),
        "is_estimated": any(completion.is_estimated for completion in completions),
        "asked": completions[-1].model if completions else None,
        "asked_without": completions[-1].asked_without if completions else (),
    }
