"""The embedder at an endpoint: any that speaks OpenAI's embeddings.

Invariant: errors, spans and log lines hold no text and nothing of an answer. While the endpoint fails again and again,
it is left alone for a while, as `core.retry` says for every dependency; this counts within one process.

Servers differ, as tests/unit/integrations/embedding_servers.json tells with sources. So `dimensions` is sent only to an
endpoint whose vectors are too long without it (vLLM refuses it of most models, even where it would change nothing), no
encoding is asked for, either is read, and vectors are put in order by `index`, which Gemini leaves out where it is 0.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from opentelemetry.trace import SpanKind
from pydantic import SecretStr

from app.core.masking import MaskedText
from app.core.retry import open_for
from app.core.vectors import DIMENSIONS, Embedder, Vector
from app.errors import AppError, ModelRefused, ModelUnavailable, TextRefused
from app.integrations.endpoint import Endpoint, Refused
from app.integrations.http import NoAnswer
from app.integrations.minilm import NAME as LOCAL
from app.integrations.minilm import open_minilm
from app.integrations.openai import open_endpoint
from app.telemetry.traces import span

LONGEST_CALL: Final = timedelta(seconds=30)
"""For one batch, whoever asks."""

_PATH: Final = "/embeddings"
# Too long for the model, an empty one, one it can't read; also a batch that is too large.
_REFUSES_TEXT: Final = frozenset({400, 413, 422})
# A text that is refused is asked once more with its beginning alone: Ollama's all-minilm reads 256 tokens.
_SHORT_CHARS: Final = 200
_OF_ONE_TICKET: Final = 2
_NOT_UNDERSTOOD: Final = "EMBEDDING_BASE_URL: the endpoint answered something that is not vectors"


class EndpointEmbedder:
    """An `Embedder`, from `open_embedder`."""

    is_english_only: Final = False
    is_shared_endpoint: Final = True

    def __init__(self, endpoint: Endpoint, *, model: str) -> None:
        self.model = model
        self._endpoint = endpoint
        self._shortens: bool | None = None
        """Whether `dimensions` must be sent; None: not known yet."""
        self._failures = 0
        self._closed_until = 0.0

    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        if time.monotonic() < self._closed_until:
            raise ModelUnavailable(
                "the embeddings' endpoint failed several times in a row and is left alone for a while"
            )
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.request.model": self.model,
        }
        with span(f"embeddings {self.model}", kind=SpanKind.CLIENT, attributes=attributes):
            try:
                async with asyncio.timeout(LONGEST_CALL.total_seconds()):
                    vectors = await self._embed(texts)
            except TimeoutError:
                self._count_failure()
                raise ModelUnavailable("the embeddings' endpoint did not answer in time") from None
            except (ModelUnavailable, asyncio.CancelledError):  # cancelled by who asked: it took too long
                self._count_failure()
                raise
        self._failures = 0
        return vectors

    def _count_failure(self) -> None:
        self._failures += 1
        wait = open_for(self._failures)
        if wait is not None:
            self._closed_until = time.monotonic() + wait.total_seconds()

    async def _embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        if self._shortens is None:
            # Of one text: 32 vectors of 3,072 numbers would be a large answer.
            self._shortens = len((await self._ask(texts[:1], shortens=False))[0]) > DIMENSIONS
        try:
            vectors = await self._ask(texts, shortens=self._shortens)
        except TextRefused:
            if len(texts) > _OF_ONE_TICKET:  # who asks for many asks again one by one
                raise
            vectors = await self._ask([text[:_SHORT_CHARS] for text in texts], shortens=self._shortens)
        if (length := len(vectors[0])) != DIMENSIONS:
            raise ModelRefused(
                f"EMBEDDING_MODEL: {self.model} makes vectors of {length} numbers; choose a model of {DIMENSIONS}"
            )
        return vectors

    async def _ask(self, texts: Sequence[str], *, shortens: bool) -> list[Vector]:
        body: dict[str, Any] = {"model": self.model, "input": list(texts)}
        if shortens:
            body["dimensions"] = DIMENSIONS
        try:
            answer = json.loads(await self._endpoint.post(_PATH, body))
            return _vectors(answer["data"], expected=len(texts))
        except Refused as error:
            raise self._failure(error, shortens=shortens) from error
        except NoAnswer as error:
            raise ModelUnavailable(f"the embeddings' endpoint can't be used now: {error}") from error
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, struct.error):
            # Its text may quote the answer, so it is left out.
            raise ModelUnavailable(_NOT_UNDERSTOOD) from None

    def _failure(self, refused: Refused, *, shortens: bool) -> AppError:
        status = refused.status
        if status in {408, 409, 429} or status >= 500:  # noqa: PLR2004 - HTTP status codes
            return ModelUnavailable(f"the embeddings' endpoint can't be used now ({status})")
        if status in _REFUSES_TEXT and shortens and "dimension" in str(refused.told).lower():
            return ModelRefused(
                f"EMBEDDING_MODEL: {self.model} makes vectors of more than {DIMENSIONS} numbers and can't shorten them;"
                " choose another"
            )
        if status in _REFUSES_TEXT:
            return TextRefused(f"the embeddings' endpoint refused a text ({status})")
        check = "EMBEDDING_API_KEY" if status in {401, 403} else "EMBEDDING_MODEL and EMBEDDING_BASE_URL"
        return ModelRefused(f"the embeddings' endpoint refused the call ({status}); check {check}")


def _vectors(data: Any, *, expected: int) -> list[Vector]:
    """The vectors in *data*, of an answer, in the order of the texts, each of length 1."""
    found: dict[int, Vector] = {}
    for place, each in enumerate(data):
        index = each.get("index")
        found[index if isinstance(index, int) else place] = _unit(_numbers(each["embedding"]))
    vectors = [found[place] for place in range(expected)]
    if len(found) != expected or len({len(vector) for vector in vectors}) != 1:
        raise ValueError
    return vectors


def _numbers(embedding: Any) -> list[float]:
    if isinstance(embedding, str):
        packed = base64.b64decode(embedding, validate=True)
        return [number for (number,) in struct.iter_unpack("<f", packed)]
    return [float(number) for number in embedding]


def _unit(numbers: list[float]) -> Vector:
    length = math.hypot(*numbers)
    if not (math.isfinite(length) and length > 0):
        raise ValueError
    return [number / length for number in numbers]


@asynccontextmanager
async def open_embedder(
    model: str | None, *, base_url: str | None, api_key: SecretStr | None
) -> AsyncIterator[Embedder | None]:
    """The embedder that the variables EMBEDDING_… name; None: there is none.

    Raises:
        Rejected: The local one's extra is not installed.
    """
    if model is None:
        yield None
    elif model == LOCAL:
        async with open_minilm() as local:
            yield local
    else:
        key = "" if api_key is None else api_key.get_secret_value()
        async with open_endpoint(api_key=key, base_url=base_url, limit=LONGEST_CALL) as endpoint:
            yield EndpointEmbedder(endpoint, model=model)
