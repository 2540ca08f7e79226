"""How large a context Ollama has given a model, as its own API beside the compatible one tells it.

Most prompts are longer than what it gives where nobody says more: 4,096 tokens on a small machine. The compatible API
takes no size, and some versions cut off the beginning of a longer prompt without a word, our instructions first.

Source: docs/context-length.mdx and `GET /api/ps` of Ollama; answers of its compatible API name it in
`system_fingerprint`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from app.errors import AddressForbidden
from app.integrations.endpoint import Endpoint, Refused
from app.integrations.http import NoAnswer

_FINGERPRINT: Final = "fp_ollama"
_LATEST: Final = ":latest"
_LIMIT_S: Final = 2.0


def is_ollama(answer: Any) -> bool:
    """Whether an answer of the compatible API is Ollama's."""
    return isinstance(answer, dict) and answer.get("system_fingerprint") == _FINGERPRINT


async def loaded_context(endpoint: Endpoint, model: str) -> int | None:
    """The context, in tokens, with which *model* is loaded now; None: it does not tell."""
    url = endpoint.base_url.rstrip("/").removesuffix("/v1") + "/api/ps"
    try:
        async with asyncio.timeout(_LIMIT_S):  # the answer that is there must not wait for it
            told = json.loads(await endpoint.get(url))
    except (Refused, NoAnswer, AddressForbidden, ValueError, RecursionError, TimeoutError):
        return None
    loaded = told.get("models") if isinstance(told, dict) else None
    for each in loaded if isinstance(loaded, list) else ():
        if isinstance(each, dict) and model.removesuffix(_LATEST) == str(each.get("name")).removesuffix(_LATEST):
            context = each.get("context_length")
            return context if isinstance(context, int) and context > 0 else None
    return None
