"""How large a context Ollama has given a model, as its own API beside the compatible one tells it.

Most prompts are longer than what it gives where nobody says more: 4,096 tokens on a small machine. The compatible API
takes no size, and some versions cut off the beginning of a longer prompt without a word, our instructions first.

It takes each way to write a name (`SMOL`, `library/smol`, `smol:latest`) and tells one. With `OLLAMA_KEEP_ALIVE=0` it
has unloaded the model when it has answered. Then its count of a prompt's tokens tells: where it cut it, the context.

Source: Ollama 0.17.4, as it ran; docs/context-length.mdx and `GET /api/ps` of Ollama; answers of its compatible API
name it in `system_fingerprint`.
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
_OFFICIAL: Final = ("registry.ollama.ai/", "library/")
_LIMIT_S: Final = 2.0
_OF_CONTEXT: Final = 256
"""A context is a multiple of it. So is one of so many whole prompts: then a note has fewer sources than it could."""


def is_ollama(answer: Any) -> bool:
    """Whether an answer of the compatible API is Ollama's."""
    return isinstance(answer, dict) and answer.get("system_fingerprint") == _FINGERPRINT


def context_if_cut(counted: object, estimate: int) -> int | None:
    """The context, if *counted* tokens are what it left of a prompt of about *estimate*; None: all may be there."""
    is_cut = isinstance(counted, int) and counted % _OF_CONTEXT == 0 and 0 < counted < estimate
    return counted if is_cut else None  # type: ignore[return-value]  # then it is one


async def loaded_context(endpoint: Endpoint, model: str) -> int | None:
    """The context, in tokens, with which *model* is loaded; None: it does not tell; 0: it is not loaded any more."""
    url = endpoint.base_url.rstrip("/").removesuffix("/v1") + "/api/ps"
    try:
        async with asyncio.timeout(_LIMIT_S):  # the answer that is there must not wait for it
            told = json.loads(await endpoint.get(url))
    except (Refused, NoAnswer, AddressForbidden, ValueError, RecursionError, TimeoutError):
        return None
    loaded = told.get("models") if isinstance(told, dict) else None
    if not isinstance(loaded, list):
        return None
    for each in loaded:
        if isinstance(each, dict) and _short(model) == _short(str(each.get("name"))):
            context = each.get("context_length")
            return context if isinstance(context, int) and context > 0 else None
    return 0


def _short(name: str) -> str:
    name = name.lower().removesuffix(_LATEST)
    for prefix in _OFFICIAL:
        name = name.removeprefix(prefix)
    return name
