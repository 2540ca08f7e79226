"""Any OpenAI-compatible endpoint as the workflow's model.

Invariant: nothing of a prompt or an answer is in an error, a span or a log line. An answer is read as far as its limit
in bytes and time; no redirect is followed. What an endpoint refuses of a call (structured output, say) is left out from
then on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx2  # the client library's own
import openai
from openai import AsyncOpenAI
from opentelemetry.trace import SpanKind

from app.core.completion import Completion, Message
from app.errors import AppError, ModelRefused, ModelUnavailable
from app.integrations.prices import cost_usd
from app.telemetry.metrics import LLM_CALLS, LLM_COST_USD, LLM_SECONDS, LLM_TOKENS
from app.telemetry.traces import exemplar, span

# Beyond it the fallback model takes over; without one the note holds the context alone.
_RETRIES: Final = 2
_MAX_COMPLETION_TOKENS: Final = 2_000
_TEMPERATURE: Final = 0.2
# More than any model reads or writes in one answer.
_MOST_TOKENS: Final = 100_000_000
_OPTIONS: Final = ("response_format", "max_tokens", "temperature")
"""What some endpoints and models refuse: structured output, the older name of the limit, any temperature."""
_NOT_UNDERSTOOD: Final = "the endpoint answered something that is not a completion"
# Of one answer, with all that an endpoint writes around its words.
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_OPENAI: Final = "https://api.openai.com/v1"


class OpenAIModel:
    """A tenant's model and, while it stays away, its fallback. They share *limit*, the time for one answer."""

    def __init__(self, client: AsyncOpenAI, *, tenant: str, model: str, fallback: str | None, limit: timedelta) -> None:
        self._client = client
        self._tenant = tenant
        self._models = [model] if fallback in {None, model} else [model, str(fallback)]
        self._refused: dict[str, set[str]] = {}
        # A model that hangs leaves its fallback the same time.
        self._limit = limit / len(self._models)

    async def complete(self, messages: Sequence[Message], *, schema: dict[str, Any]) -> Completion:
        """One answer, asked to be JSON that fits *schema*. Its text is not checked here.

        Raises:
            ModelUnavailable: Neither model answered; the same call may work later.
            ModelRefused: The endpoint will not take this call, or the model declined.
        """
        failure: AppError | None = None
        for model in self._models:
            try:
                async with asyncio.timeout(self._limit.total_seconds()):
                    return await self._ask(model, messages, schema)
            except TimeoutError:
                failure = failure or ModelUnavailable("the model did not answer in time")
            except (ModelUnavailable, ModelRefused) as error:
                failure = failure or error
        raise failure or ModelUnavailable("no model is set")

    async def _ask(self, model: str, messages: Sequence[Message], schema: dict[str, Any]) -> Completion:
        # Attribute names: OpenTelemetry semantic conventions for generative AI, 1.41.
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # by its API; whose it is, server.address says
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": _MAX_COMPLETION_TOKENS,
            "gen_ai.output.type": "json",
            "server.address": self._client.base_url.host,
        }
        started, outcome = time.perf_counter(), "answered"
        with span(f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes) as current:
            try:
                completion = await self._answer(model, messages, schema)
            except BaseException as error:
                current.set_attribute("error.type", type(error).__name__)
                outcome = "refused" if isinstance(error, ModelRefused) else "unavailable"
                raise
            finally:
                LLM_CALLS.labels(self._tenant, model, outcome).inc()
                LLM_SECONDS.labels(model).observe(time.perf_counter() - started, exemplar=exemplar())
            current.set_attributes(
                {
                    "gen_ai.response.model": completion.model,
                    "gen_ai.usage.input_tokens": completion.prompt_tokens,
                    "gen_ai.usage.output_tokens": completion.completion_tokens,
                }
            )
        self._count(model, completion)
        return completion

    async def _answer(self, model: str, messages: Sequence[Message], schema: dict[str, Any]) -> Completion:
        try:
            answer = await self._create(model, messages, schema)
            return _completion(answer, model, str(self._client.base_url))
        except openai.APIError as error:
            raise _translate(error) from error
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            # The library takes an answer of any shape for a completion; what it quotes stays here.
            raise ModelUnavailable(_NOT_UNDERSTOOD) from None

    def _count(self, model: str, completion: Completion) -> None:
        LLM_TOKENS.labels(self._tenant, model, "prompt").inc(completion.prompt_tokens)
        LLM_TOKENS.labels(self._tenant, model, "completion").inc(completion.completion_tokens)
        LLM_COST_USD.labels(self._tenant, model).inc(completion.cost_usd or 0)

    async def _create(self, model: str, messages: Sequence[Message], schema: dict[str, Any]) -> Any:
        """The endpoint's answer. What it refuses of a call is left out of the next, and of all that follow."""
        refused = self._refused.setdefault(model, set())
        while True:
            try:
                return await self._send(model, messages, schema, refused)
            except openai.BadRequestError as error:
                name = next((name for name in _OPTIONS if name not in refused and _names(error, name)), None)
                if name is None:
                    raise
                refused.add(name)

    async def _send(
        self, model: str, messages: Sequence[Message], schema: dict[str, Any], refused: Collection[str]
    ) -> Any:
        options: dict[str, Any] = {}
        wanted: list[Any] = []
        if "response_format" in refused:
            wanted.append({"role": "system", "content": "The answer's JSON schema: " + json.dumps(schema)})
            options["response_format"] = {"type": "json_object"}
        else:
            strict = {"name": "enhancement", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": strict}
        options["max_completion_tokens" if "max_tokens" in refused else "max_tokens"] = _MAX_COMPLETION_TOKENS
        if "temperature" not in refused:
            options["temperature"] = _TEMPERATURE
        return await self._client.chat.completions.create(
            model=model,
            messages=[*wanted, *(message.model_dump() for message in messages)],  # type: ignore[list-item] # so shaped
            **options,
        )


def _names(error: openai.BadRequestError, option: str) -> bool:
    text = str(error)
    return option in text or (option == "response_format" and "json_schema" in text)


def _completion(answer: Any, model: str, endpoint: str) -> Completion:
    """*answer* as we know it; servers that call themselves compatible leave out what they please."""
    choices = getattr(answer, "choices", None)
    message = choices[0].message if choices else None
    if message is None:
        raise ModelUnavailable(_NOT_UNDERSTOOD)
    if getattr(message, "refusal", None):
        raise ModelRefused("the model declined to answer")
    usage = getattr(answer, "usage", None)
    prompt_tokens, completion_tokens = _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")
    return Completion(
        text=str(message.content or ""),
        model=str(getattr(answer, "model", None) or model)[:100],
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=cost_usd(endpoint, model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens),
    )


def _tokens(usage: Any, name: str) -> int:
    """A count of *usage*, 0 where it has none. One that can't be one would spoil counters, budgets and bills."""
    number = int(getattr(usage, name, 0) or 0)
    if not 0 <= number <= _MOST_TOKENS:
        raise ModelUnavailable(_NOT_UNDERSTOOD)
    return number


def _translate(error: openai.APIError) -> AppError:
    if isinstance(error, openai.APITimeoutError):
        return ModelUnavailable("the model did not answer in time")
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        if status in {408, 409, 429} or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
            return ModelUnavailable(f"the model's endpoint answered {status}")
        hint = "; check OPENAI_API_KEY" if status in {401, 403} else "; check OPENAI_MODEL and OPENAI_BASE_URL"
        return ModelRefused(f"the model's endpoint refused the call ({status}){hint}")
    return ModelUnavailable(f"the model's endpoint can't be used now ({type(error).__name__})")


@asynccontextmanager
async def open_model_client(*, api_key: str, base_url: str | None, limit: timedelta) -> AsyncIterator[AsyncOpenAI]:
    """A client for all tenants: connections are shared, prompts are not. *limit* is for one call."""
    async with AsyncOpenAI(
        # By name, also where it is the default: the library would read the environment itself, and take an empty value.
        api_key=api_key,
        base_url=base_url or _OPENAI,
        timeout=limit.total_seconds(),
        max_retries=_RETRIES,
        http_client=open_bounded_client(limit),
    ) as client:
        yield client


def open_bounded_client(limit: timedelta, **options: Any) -> httpx2.AsyncClient:
    """The library's own client, but for what an endpoint may make of it: a large, compressed or redirecting answer."""
    return openai.DefaultAsyncHttpxClient(
        timeout=limit.total_seconds(),
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_bound]},
        **options,
    )


async def _bound(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        # We ask for none: a small compressed answer may be a huge one.
        raise httpx2.DecodingError("compressed")
    response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > _MAX_ANSWER_BYTES:
                raise httpx2.ReadError("too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
