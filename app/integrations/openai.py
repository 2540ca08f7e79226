"""The workflow's model: any OpenAI-compatible endpoint.

Invariant: errors, spans and log lines hold no text of a prompt or an answer. Answers are limited in bytes and time; no
redirect is followed. Options that an endpoint refuses (e.g. structured output) are left out in steps (`asking`).
That is remembered for an hour only if the refusal said "unsupported" and the call succeeded without the option. A
model's thoughts are never part of a `Completion`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx2  # the HTTP client of the openai package
import openai
import structlog
from openai import AsyncOpenAI
from opentelemetry.trace import SpanKind

from app.core.completion import Completion, Message
from app.errors import AppError, ContentFiltered, ModelDeclined, ModelRefused, ModelUnavailable, PromptTooLong
from app.integrations.asking import MAX_CALLS, Asking, Memory, ask_less, is_refusal
from app.integrations.bounded import UNCOMPRESSED, bound
from app.integrations.prices import cost_usd
from app.integrations.refusal import Option, Refusal, read_refusal
from app.telemetry.metrics import LLM_CALLS, LLM_COST_USD, LLM_LEFT_OUT, LLM_SECONDS, LLM_TOKENS
from app.telemetry.traces import exemplar, span

# After these the fallback model is asked; without one the note has only the context.
_RETRIES: Final = 2
MAX_COMPLETION_TOKENS: Final = 4_000
# A reasoning model uses some thousand tokens for its thoughts; the answer itself needs about a thousand.
_MORE_ROOM: Final = 4
# No model reads or writes more in one call: a larger count is wrong.
_MOST_TOKENS: Final = 100_000_000
# `finish_reason` of OpenAI, Mistral, Gemini and Anthropic for an answer that was cut off, in lower case.
_CUT_OFF: Final = frozenset({"length", "model_length", "max_tokens"})
_FILTERED: Final = frozenset({"content_filter", "safety", "prohibited_content", "sensitive"})
_FILTER_STATUSES: Final = frozenset({400, 403, 422, 451})
_TEXT_PARTS: Final = frozenset({"text", "output_text"})
_DECLINED_BY_FILTER: Final = "the model's content filter refused this ticket"
_NOT_UNDERSTOOD: Final = "the endpoint answered something that is not a completion"
# Of one whole HTTP answer.
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_OPENAI: Final = "https://api.openai.com/v1"


log = structlog.get_logger(__name__)


class OpenAIModel:
    """A tenant's model, and a fallback model for when it does not answer. *limit* is the time for both together."""

    def __init__(
        self,
        client: AsyncOpenAI,
        *,
        tenant: str,
        model: str,
        fallback: str | None,
        limit: timedelta,
        max_tokens: int = MAX_COMPLETION_TOKENS,
        memory: Memory | None = None,
    ) -> None:
        self._client = client
        self._tenant = tenant
        self._models = [model] if fallback in {None, model} else [model, str(fallback)]
        self._max_tokens = max_tokens
        self._memory = memory or Memory()
        # So that a model that hangs leaves the fallback as much time.
        self._limit = limit / len(self._models)

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], more_room: bool = False
    ) -> Completion:
        """One answer, asked to be JSON that fits *schema*. Its text is not checked here.

        Args:
            messages: The prompt.
            schema: The JSON schema of the answer.
            more_room: The answer may be longer, since the one before was cut off.

        Raises:
            ModelUnavailable: Neither model answered; the same call may work later.
            ModelRefused: The endpoint refuses this call, or the model declined.
        """
        tokens = self._max_tokens * (_MORE_ROOM if more_room else 1)
        failure: AppError | None = None
        for model in self._models:
            try:
                async with asyncio.timeout(self._limit.total_seconds()):
                    return await self._ask(model, messages, schema, tokens)
            except TimeoutError:
                failure = failure or ModelUnavailable("the model did not answer in time")
            except ContentFiltered:
                raise  # the fallback has the same filter
            except (ModelUnavailable, ModelRefused) as error:
                failure = failure or error
        raise failure or ModelUnavailable("no model is set")

    async def _ask(self, model: str, messages: Sequence[Message], schema: dict[str, Any], tokens: int) -> Completion:
        # Attribute names: OpenTelemetry semantic conventions for generative AI, 1.41.
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # the kind of API; `server.address` says whose endpoint it is
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": tokens,
            "gen_ai.output.type": "json",
            "server.address": self._client.base_url.host,
        }
        started, outcome = time.perf_counter(), "answered"
        with span(f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes) as current:
            try:
                completion = await self._answer(model, messages, schema, tokens)
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

    async def _answer(self, model: str, messages: Sequence[Message], schema: dict[str, Any], tokens: int) -> Completion:
        try:
            answer, asked = await self._create(model, messages, schema, tokens)
            return _completion(answer, model, asked, endpoint=str(self._client.base_url))
        except openai.APIError as error:
            raise _translate(error) from error
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            # The library accepts answers of any shape. Its error may quote the answer, so it is left out.
            raise ModelUnavailable(_NOT_UNDERSTOOD) from None

    def _count(self, model: str, completion: Completion) -> None:
        LLM_TOKENS.labels(self._tenant, model, "prompt").inc(completion.prompt_tokens)
        LLM_TOKENS.labels(self._tenant, model, "completion").inc(completion.completion_tokens)
        LLM_COST_USD.labels(self._tenant, model).inc(completion.cost_usd or 0)

    async def _create(
        self, model: str, messages: Sequence[Message], schema: dict[str, Any], tokens: int
    ) -> tuple[Any, Asking]:
        """The endpoint's answer, and the options of the call. While it refuses, options are left out step by step.

        Raises:
            openai.APIError: The error of the last call.
        """
        endpoint = str(self._client.base_url)
        asked = Asking(tokens, self._memory.left_out(endpoint, model))
        unsupported: set[Option] = set()
        client = self._client
        for left in reversed(range(MAX_CALLS)):
            try:
                call = asked.call(messages, schema)
                answer: Any = await client.chat.completions.create(model=model, **call)
            except openai.APIStatusError as error:
                refusal = read_refusal(error.status_code, error.body, prompt=(message.content for message in messages))
                less = ask_less(asked, refusal) if left and is_refusal(error.status_code) else None
                if less is None:
                    declined = _declined(refusal, error.status_code)
                    if declined is not None:
                        raise declined from None  # it may quote the prompt
                    raise
                unsupported |= refusal.unsupported & asked.options
                asked = less
                # The library has retried a 500 by itself; a call with fewer options is made once.
                client = self._client.with_options(max_retries=0)
            else:
                self._learn(endpoint, model, asked, unsupported)
                return answer, asked
        raise AssertionError

    def _learn(self, endpoint: str, model: str, asked: Asking, unsupported: set[Option]) -> None:
        """Remember and log the options that the endpoint does not support."""
        self._memory.remember(endpoint, model, unsupported)
        self._memory.worked(endpoint, model, asked.options)
        for option in asked.left_out:
            LLM_LEFT_OUT.labels(model, option).inc()
        if untold := self._memory.untold(endpoint, model, asked.left_out):
            log.warning("model_options_left_out", model=model, options=untold, host=self._client.base_url.host)


def _declined(refusal: Refusal, status: int) -> ModelRefused | None:
    """The error if the endpoint refused this prompt; None: it would refuse any prompt."""
    if refusal.is_filtered and status in _FILTER_STATUSES:
        return ContentFiltered(_DECLINED_BY_FILTER)
    if refusal.is_too_long and is_refusal(status):
        return PromptTooLong("the ticket and its sources are too long for the model's context")
    return None


def _completion(answer: Any, model: str, asked: Asking, *, endpoint: str) -> Completion:
    """*answer* as a `Completion`. Any field may be missing, since compatible servers leave some out."""
    choices: Any = getattr(answer, "choices", None)
    message = choices[0].message if choices else None
    if message is None:
        raise ModelUnavailable(_NOT_UNDERSTOOD)
    if getattr(message, "refusal", None):
        raise ModelDeclined("the model declined to answer")
    reason = str(getattr(choices[0], "finish_reason", None) or "").lower()
    if reason in _FILTERED:
        raise ContentFiltered(_DECLINED_BY_FILTER)
    usage = getattr(answer, "usage", None)
    prompt_tokens, completion_tokens = _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")
    is_cut = reason in _CUT_OFF or (asked.has_limit and completion_tokens >= asked.tokens)  # some say `stop` then
    limit = asked.tokens if asked.has_limit else completion_tokens or asked.tokens
    return Completion(
        text=_text(message.content),
        model=str(getattr(answer, "model", None) or model)[:100],
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=cost_usd(endpoint, model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens),
        cut_at=limit if is_cut else None,
    )


def _text(content: Any) -> str:
    """The text of an answer. Of an answer in parts only the parts of type text; others are thoughts."""
    if isinstance(content, list):
        return "".join(_texts(content))
    if isinstance(content, dict):
        return "".join(_texts([content])) if "type" in content else json.dumps(content)
    return str(content or "")


def _texts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and part.get("type", "text") in _TEXT_PARTS and isinstance(part.get("text"), str):
            yield part["text"]


def _tokens(usage: Any, name: str) -> int:
    """The count *name* of *usage*; 0 if it is missing or impossible, since it goes into counters, budgets and bills."""
    number = int(getattr(usage, name, 0) or 0)
    if not 0 <= number <= _MOST_TOKENS:
        raise ModelUnavailable(_NOT_UNDERSTOOD)
    return number


def _translate(error: openai.APIError) -> AppError:
    if isinstance(error, openai.APITimeoutError):
        return ModelUnavailable("the model did not answer in time")
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        if status in {408, 409, 429} or status >= 500:  # noqa: PLR2004 - HTTP status codes
            return ModelUnavailable(f"the model's endpoint answered {status}")
        hint = "; check OPENAI_API_KEY" if status in {401, 403} else "; check OPENAI_MODEL and OPENAI_BASE_URL"
        return ModelRefused(f"the model's endpoint refused the call ({status}){hint}")
    return ModelUnavailable(f"the model's endpoint can't be used now ({type(error).__name__})")


@asynccontextmanager
async def open_model_client(*, api_key: str, base_url: str | None, limit: timedelta) -> AsyncIterator[AsyncOpenAI]:
    """One client for all tenants, who share its connections. *limit* is the time for one call."""
    async with AsyncOpenAI(
        # Given also where it is the default: else the library reads the environment, and accepts an empty value.
        api_key=api_key,
        base_url=base_url or _OPENAI,
        timeout=limit.total_seconds(),
        max_retries=_RETRIES,
        http_client=open_bounded_client(limit),
    ) as client:
        yield client


def open_bounded_client(limit: timedelta, **options: Any) -> httpx2.AsyncClient:
    """The library's HTTP client, which refuses large and compressed answers and follows no redirect."""
    return openai.DefaultAsyncHttpxClient(
        timeout=limit.total_seconds(),
        follow_redirects=False,
        headers=UNCOMPRESSED,
        event_hooks={"response": [bound(_MAX_ANSWER_BYTES)]},
        **options,
    )
