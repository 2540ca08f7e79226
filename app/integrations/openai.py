"""Any OpenAI-compatible endpoint as the workflow's model.

Invariant: nothing of a prompt or an answer is in an error, a span or a log line. An answer is read as far as its limit
in bytes and time; no redirect is followed. What an endpoint refuses of a call (structured output, say) is left out in
steps (`asking`); it is remembered for an hour only when the refusal said that it is unsupported and the call then went
through without. A model's thoughts are never part of a `Completion`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx2  # the client library's own
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

# Beyond it the fallback model takes over; without one the note holds the context alone.
_RETRIES: Final = 2
MAX_COMPLETION_TOKENS: Final = 4_000
# A reasoning model thinks for some thousand tokens before it writes; the answer itself takes about a thousand.
_MORE_ROOM: Final = 4
# More than any model reads or writes in one answer.
_MOST_TOKENS: Final = 100_000_000
# As OpenAI, Mistral, Gemini and Anthropic call it, in small letters.
_CUT_OFF: Final = frozenset({"length", "model_length", "max_tokens"})
_FILTERED: Final = frozenset({"content_filter", "safety", "prohibited_content", "sensitive"})
_FILTER_STATUSES: Final = frozenset({400, 403, 422, 451})
_TEXT_PARTS: Final = frozenset({"text", "output_text"})
_DECLINED_BY_FILTER: Final = "the model's content filter refused this ticket"
_NOT_UNDERSTOOD: Final = "the endpoint answered something that is not a completion"
# Of one answer, with all that an endpoint writes around its words.
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_OPENAI: Final = "https://api.openai.com/v1"


log = structlog.get_logger(__name__)


class OpenAIModel:
    """A tenant's model and, while it stays away, its fallback. They share *limit*, the time for one answer."""

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
        # A model that hangs leaves its fallback the same time.
        self._limit = limit / len(self._models)

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], more_room: bool = False
    ) -> Completion:
        """One answer, asked to be JSON that fits *schema*. Its text is not checked here.

        Args:
            messages: What is said.
            schema: What the answer should be.
            more_room: The answer before was cut off; this one may be longer.

        Raises:
            ModelUnavailable: Neither model answered; the same call may work later.
            ModelRefused: The endpoint will not take this call, or the model declined.
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
                raise  # the fallback is behind the same filter
            except (ModelUnavailable, ModelRefused) as error:
                failure = failure or error
        raise failure or ModelUnavailable("no model is set")

    async def _ask(self, model: str, messages: Sequence[Message], schema: dict[str, Any], tokens: int) -> Completion:
        # Attribute names: OpenTelemetry semantic conventions for generative AI, 1.41.
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # by its API; whose it is, server.address says
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
            # The library takes an answer of any shape for a completion; what it quotes stays here.
            raise ModelUnavailable(_NOT_UNDERSTOOD) from None

    def _count(self, model: str, completion: Completion) -> None:
        LLM_TOKENS.labels(self._tenant, model, "prompt").inc(completion.prompt_tokens)
        LLM_TOKENS.labels(self._tenant, model, "completion").inc(completion.completion_tokens)
        LLM_COST_USD.labels(self._tenant, model).inc(completion.cost_usd or 0)

    async def _create(
        self, model: str, messages: Sequence[Message], schema: dict[str, Any], tokens: int
    ) -> tuple[Any, Asking]:
        """The endpoint's answer, and what it was asked with: less, step by step, as long as it refuses.

        Raises:
            openai.APIError: As the last call was answered.
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
                # The library tried a 500 again by itself; a step down is tried once.
                client = self._client.with_options(max_retries=0)
            else:
                self._learn(endpoint, model, asked, unsupported)
                return answer, asked
        raise AssertionError

    def _learn(self, endpoint: str, model: str, asked: Asking, unsupported: set[Option]) -> None:
        """Keep and tell what the endpoint does without."""
        self._memory.remember(endpoint, model, unsupported)
        self._memory.worked(endpoint, model, asked.options)
        for option in asked.left_out:
            LLM_LEFT_OUT.labels(model, option).inc()
        if untold := self._memory.untold(endpoint, model, asked.left_out):
            log.warning("model_options_left_out", model=model, options=untold, host=self._client.base_url.host)


def _declined(refusal: Refusal, status: int) -> ModelRefused | None:
    """What a refusal of this one prompt is; None: of any."""
    if refusal.is_filtered and status in _FILTER_STATUSES:
        return ContentFiltered(_DECLINED_BY_FILTER)
    if refusal.is_too_long and is_refusal(status):
        return PromptTooLong("the ticket and its sources are too long for the model's context")
    return None


def _completion(answer: Any, model: str, asked: Asking, *, endpoint: str) -> Completion:
    """*answer* as we know it; servers that call themselves compatible leave out what they please."""
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
    """What the model says: of an answer in parts, the texts; other parts are thoughts."""
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
        headers=UNCOMPRESSED,
        event_hooks={"response": [bound(_MAX_ANSWER_BYTES)]},
        **options,
    )
