"""The workflow's model: any OpenAI-compatible endpoint.

Invariant: errors, spans and log lines hold no text of a prompt or an answer. Answers are limited in bytes and time; no
redirect is followed. Options that an endpoint refuses (e.g. structured output) are left out in steps (`asking`).
That is remembered for an hour only if the refusal said "unsupported" and the call succeeded without the option. A
model's thoughts are never part of a `Completion`.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import structlog
from opentelemetry.trace import SpanKind

from app.core.completion import Completion, Message, Option
from app.core.outcome import MODEL_PATIENCE
from app.errors import (
    AddressForbidden,
    AppError,
    Code,
    ContentFiltered,
    ModelBusy,
    ModelKeyReplaced,
    ModelRefused,
    ModelUnavailable,
    PromptTooLong,
)
from app.integrations.asking import MAX_CALLS, Asking, Memory, ask_less, is_refusal
from app.integrations.completions import (
    DECLINED_BY_FILTER,
    error_in,
    is_broken_off,
    read_body,
    read_completion,
    status_in,
)
from app.integrations.endpoint import LACKS_MEMORY, Endpoint, Refused
from app.integrations.http import NoAnswer, Resolve, open_outbound
from app.integrations.ollama import context_if_cut, is_ollama, loaded_context
from app.integrations.pace import USUAL_WAIT, Pace, is_busy
from app.integrations.prices import Prices
from app.integrations.refusal import FORMATS, Refusal, read_refusal
from app.integrations.sizes import Sizes
from app.integrations.tokens import estimate_tokens
from app.telemetry.metrics import LLM_CALLS, LLM_COST_USD, LLM_LEFT_OUT, LLM_SECONDS, LLM_TOKENS
from app.telemetry.traces import exemplar, span

MAX_COMPLETION_TOKENS: Final = 4_000
# A reasoning model uses some thousand tokens for its thoughts; the answer itself needs about a thousand.
_MORE_ROOM: Final = 4
# Also Cloudflare's 424 and Portkey's 446, which their guardrails answer.
_FILTER_STATUSES: Final = frozenset({400, 403, 422, 424, 446, 451})
_NO_CREDIT: Final = "its account has no credit left"
_GATEWAYS_KEY: Final = "check the key that the gateway has of the provider behind it"
_KEPT_OUT: Final = "a network rule or a firewall before it may keep us out"
_OF_ACCOUNT: Final = frozenset({400, 401, 402, 403, 412, 429})
# Beside 5xx: a time-out, a conflict, Bedrock's fault of a model, too early, Groq's full capacity, Google's "cancelled".
_PASSING: Final = frozenset({408, 409, 424, 425, 429, 498, 499})
_PAUSE_S: Final = 0.5
_SPREAD: Final = 0.25
"""Calls that waited for the same moment are spread over so much of their wait."""
_REFUSED_LATELY_S: Final = 25.0
"""Less than a delivery waits for a new key, so that of those which wait one tries."""
_WAITS_IN_A_CALL: Final = 3
"""What may be waited before the next try is a call's time by this."""
# Of one process: WORKER_CONCURRENCY is at most so much.
_MAX_CONNECTIONS: Final = 1_000
# Of one whole HTTP answer. In a stream each token has some hundred bytes around it.
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_PATH: Final = "/chat/completions"
_OPENAI: Final = "https://api.openai.com/v1"
# What to check after a refusal: the key, and the place of the model.
_CHECK_SHARED: Final = ("OPENAI_API_KEY", "OPENAI_MODEL and OPENAI_BASE_URL")
_CHECK_OWN: Final = ("the tenant's secret model_api_key", "model.name and model.base_url in the tenant's file")


log = structlog.get_logger(__name__)


class OpenAIModel:
    """A tenant's model, and a fallback model for when it does not answer. *limit* is the time for both together.

    *is_own*: the endpoint is the client's own, so that its errors name the tenant's file and secret.
    *context_tokens*: the size of its context, where it takes a longer prompt and cuts it off without a word. None: as
    the server tells it, with a refusal or where it is asked (`ollama`).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        tenant: str,
        model: str,
        fallback: str | None,
        limit: timedelta,
        max_tokens: int = MAX_COMPLETION_TOKENS,
        context_tokens: int | None = None,
        memory: Memory | None = None,
        is_own: bool = False,
        prices: Prices | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._check = _CHECK_OWN if is_own else _CHECK_SHARED
        self._tenant = tenant
        self._models = [model] if fallback in {None, model} else [model, str(fallback)]
        self._max_tokens = max_tokens
        self._context_tokens = context_tokens
        self._memory = memory or Memory()
        self._prices = prices or Prices()
        # So that a model that hangs leaves the fallback as much time.
        self._limit = limit / len(self._models)

    @property
    def has_lost_its_key(self) -> bool:
        """Whether the endpoint refused a key a moment ago that it had accepted before."""
        return time.monotonic() - self._endpoint.refused_at < _REFUSED_LATELY_S

    @property
    def busy_left(self) -> timedelta:
        """Until the model, or its fallback, takes calls again; zero: it does."""
        paces = [self._endpoint.pace(model) for model in self._models]
        return min((pace.left for pace in paces if pace.busy_for < MODEL_PATIENCE), default=timedelta(0))

    async def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any], cut: Completion | None = None
    ) -> Completion:
        """One answer, asked to be JSON that fits *schema*. Its text is not checked here.

        Args:
            messages: The prompt.
            schema: The JSON schema of the answer.
            cut: The answer before, where it was cut off. This one may be longer; where blanks filled that one, it is
                asked for without a format, by which servers allow nothing but blanks (vllm#38696, ollama#18567).

        Raises:
            ModelBusy: Neither model takes more calls now.
            ModelUnavailable: Neither model answered; the same call may work later.
            ModelRefused: The endpoint refuses this call, or the model declined.
            PromptTooLong: The prompt is too long for the context, by the setting or as the endpoint says.
        """
        is_blank = cut is not None and cut.is_blank_from_somewhere
        tokens = self._max_tokens * (_MORE_ROOM if cut is not None and not is_blank else 1)
        if self._context_tokens is not None:
            tokens = self._room(self._context_tokens, messages, schema, tokens)
        asking = Asking(tokens, frozenset(FORMATS if is_blank else ()))
        failure: AppError | None = None
        for model in self._models:
            pace = self._endpoint.pace(model)
            call, waited = None, False
            try:
                async with asyncio.timeout(self._limit.total_seconds()):
                    waited = await self._wait_for(pace)
                    with pace.call() as call:
                        return await self._ask_within(model, messages, schema, asking)
            except TimeoutError:
                told = "the model did not answer in time"
                if pace.busy_for >= MODEL_PATIENCE:
                    is_busy_now = False  # it has answered nobody for as long as a delivery waits
                elif waited or pace.busy_for:
                    is_busy_now = True  # this call had less time, of which nothing follows for the others
                else:
                    is_busy_now = call is not None and pace.ran_out(call, self._limit)
                late = ModelBusy(told, retry_after=USUAL_WAIT) if is_busy_now else ModelUnavailable(told)
                failure = failure or late
            except ModelBusy as error:
                # Of two models the one that will answer counts.
                failure = failure if isinstance(failure, ModelBusy) else error
            except (ContentFiltered, ModelKeyReplaced):
                raise  # the fallback has the same filter and key
            except (ModelUnavailable, ModelRefused) as error:
                failure = failure or error
        raise failure or ModelUnavailable("no model is set")

    async def _ask_within(
        self, model: str, messages: Sequence[Message], schema: dict[str, Any], asking: Asking
    ) -> Completion:
        """As `_ask`, within the context that the server told.

        Raises:
            PromptTooLong: Also where it told it with this answer, which it has then given to a part of the prompt.
        """
        endpoint = self._endpoint.base_url
        known = self._memory.context(endpoint, model)
        if known is not None:
            asking = replace(asking, tokens=self._room(known, messages, schema, asking.tokens))
        completion = await self._ask(model, messages, schema, asking)
        context = self._context_tokens or self._memory.context(endpoint, model)
        if context is None:
            return completion
        if known is None and self._context_tokens is None:
            self._room(context, messages, schema, asking.tokens)
        if completion.prompt_tokens == context:  # longer than by our estimate, and cut
            share = Sizes(context, completion.prompt_tokens).share(completion.prompt_tokens)
            raise PromptTooLong(f"the prompt is too long for a context of {context} tokens", share=share)
        return completion

    def _room(self, context: int, messages: Sequence[Message], schema: dict[str, Any], tokens: int) -> int:
        """How many tokens of an answer to ask for within *context*.

        Raises:
            PromptTooLong: The prompt leaves no room for an answer.
        """
        prompt = estimate_tokens(message.content for message in messages)
        left = max(context - estimate_tokens([json.dumps(schema)]), 1)  # the schema can't be shortened
        share = Sizes(left, prompt).share(prompt)
        if share is not None and share < 1:
            raise PromptTooLong(f"the prompt is too long for a context of {context} tokens", share=share)
        return min(tokens, left - prompt)

    async def _ask(self, model: str, messages: Sequence[Message], schema: dict[str, Any], asking: Asking) -> Completion:
        # Attribute names: OpenTelemetry semantic conventions for generative AI, 1.41.
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # the kind of API; `server.address` says whose endpoint it is
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": asking.tokens,
            "gen_ai.output.type": "json",
            "server.address": self._endpoint.host,
        }
        started, outcome = time.perf_counter(), "answered"
        with span(f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes) as current:
            try:
                completion = await self._answer(model, messages, schema, asking)
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

    async def _answer(
        self, model: str, messages: Sequence[Message], schema: dict[str, Any], asking: Asking
    ) -> Completion:
        try:
            answer, asked = await self._create(model, messages, schema, asking)
            prompt = _texts_of(asked.call(messages, schema))
            await self._learn_context(model, answer, estimate_tokens(prompt))
            completion = read_completion(answer, model, asked, prompt=prompt)
        except Refused as error:
            raise _failure(error.status, self._check) from error
        except NoAnswer as error:
            raise ModelUnavailable(f"the model's endpoint can't be used now: {error}") from error
        except AddressForbidden as error:
            raise ModelRefused(f"model.base_url: {error.detail}") from error
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            # Its text may quote the answer, so it is left out.
            raise self._not_understood() from None
        cost_usd = self._prices.cost(
            self._endpoint.base_url,
            model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )
        return completion.model_copy(update={"cost_usd": cost_usd})

    def _count(self, model: str, completion: Completion) -> None:
        LLM_TOKENS.labels(self._tenant, model, "prompt").inc(completion.prompt_tokens)
        LLM_TOKENS.labels(self._tenant, model, "completion").inc(completion.completion_tokens)
        LLM_COST_USD.labels(self._tenant, model).inc(completion.cost_usd or 0)

    async def _create(
        self, model: str, messages: Sequence[Message], schema: dict[str, Any], asked: Asking
    ) -> tuple[Any, Asking]:
        """The endpoint's answer, and the options of the call. While it refuses, options are left out step by step.

        Raises:
            NoAnswer: There was no answer.
            AppError: The error of the last call.
        """
        endpoint = self._endpoint.base_url
        streams = self._memory.streams(endpoint, model)
        asked = replace(asked.without(self._memory.left_out(endpoint, model)), is_streamed=streams)
        unsupported: set[Option] = set()
        sizes = Sizes()
        retries, pace = self._endpoint.retries, self._endpoint.pace(model)
        for left in reversed(range(MAX_CALLS)):
            call = asked.call(messages, schema)
            failure: AppError
            wait = timedelta(0)
            try:
                answer = await _post(self._endpoint, {"model": model, **call}, retries=retries)
            except Refused as error:
                status, told, failure = error.status, error.told, _failure(error.status, self._check)
                wait = error.wait
            else:
                told = error_in(answer)
                if told is None:
                    if asked.is_streamed and not streams:
                        self._memory.remember_stream(endpoint, model)
                    self._learn(endpoint, model, asked, unsupported)
                    pace.answered()
                    return answer, asked
                named = status_in(told)
                status = named or HTTPStatus.BAD_REQUEST
                failure = _failure(named, self._check) if named else self._not_understood()
            if status == HTTPStatus.INTERNAL_SERVER_ERROR and LACKS_MEMORY in str(told):
                told_so = f"the model's server has too little memory for the model; check {self._check[1]}"
                raise ModelRefused(told_so)
            refusal = read_refusal(status, told, prompt=_texts_of(call), asked=asked.tokens)
            sizes = sizes if refusal.sizes.context is None else refusal.sizes
            less = ask_less(asked, refusal) if left and is_refusal(status, refusal) else None
            if less is None:
                # What it says stays here: it may quote the prompt.
                share = sizes.share(estimate_tokens(_texts_of(call)))
                raise (
                    _declined(refusal, status, share=share)
                    or self._unauthorised(refusal, status)
                    or _busy(pace, refusal, status, wait=wait)
                    or failure
                )
            unsupported |= refusal.unsupported & asked.options
            asked = less
            # A 500 was tried again by then; a call with fewer options is made once.
            retries = 0
        raise AssertionError

    async def _wait_for(self, pace: Pace) -> bool:
        """Wait until the model takes calls again, if that leaves time for one. Returns whether it had to.

        Raises:
            ModelBusy: It does not.
            ModelUnavailable: It has refused all calls for longer than a delivery waits.
        """
        told, waited = "the model takes no more calls for now", timedelta(0)
        longest = min(self._endpoint.longest_wait, self._limit / _WAITS_IN_A_CALL)
        while left := pace.left:
            if pace.busy_for >= MODEL_PATIENCE:
                raise ModelUnavailable(told)
            pause = left * (1 + _SPREAD * random.random())
            if waited + pause > longest:
                raise ModelBusy(told, retry_after=left)
            await asyncio.sleep(pause.total_seconds())
            waited += pause
        return bool(waited)

    def _not_understood(self) -> ModelUnavailable:
        told = "the endpoint answered something that is not a completion"
        return ModelUnavailable(f"{told}; if that stays, check {self._check[1]}")

    def _unauthorised(self, refusal: Refusal, status: int) -> ModelRefused | None:
        """The error if the endpoint refused the account, its key or where we call from, whatever its status."""
        if status not in _OF_ACCOUNT:
            return None
        if refusal.has_no_credit:
            hint = _NO_CREDIT
        elif refusal.keeps_out:
            hint = _KEPT_OUT
        elif refusal.is_of_gateways_key:
            hint = _GATEWAYS_KEY
        elif refusal.has_bad_key or (status == HTTPStatus.UNAUTHORIZED and not refusal.has_no_model):
            told = f"the model's endpoint refused the call ({status}); check {self._check[0]}"
            if not self._endpoint.has_accepted:
                return ModelRefused(told, code=Code.MODEL_UNAUTHORISED)
            self._endpoint.refused_at = time.monotonic()
            return ModelKeyReplaced(f"{told}, which it accepted before: was it replaced there?")
        elif refusal.has_no_model:
            hint = f"check {self._check[1]}"
        else:
            return None
        return ModelRefused(f"the model's endpoint refused the call ({status}); {hint}")

    async def _learn_context(self, model: str, answer: Any, estimate: int) -> None:
        """Ask a server of *answer* that may cut prompts off for the model's context, until it tells it, once an hour.

        The prompt was about *estimate* tokens.
        """
        endpoint = self._endpoint.base_url
        if self._context_tokens is not None or not is_ollama(answer) or self._memory.knows_context(endpoint, model):
            return
        context = await loaded_context(self._endpoint, model)
        if context == 0:
            usage = answer.get("usage")
            context = context_if_cut(usage.get("prompt_tokens"), estimate) if isinstance(usage, dict) else None
            if context is None:
                return
        self._memory.remember_context(endpoint, model, context)
        log.info("model_context_told", model=model, tokens=context, host=self._endpoint.host)

    def _learn(self, endpoint: str, model: str, asked: Asking, unsupported: set[Option]) -> None:
        """Remember and log the options that the endpoint does not support."""
        self._memory.remember(endpoint, model, unsupported)
        self._memory.worked(endpoint, model, asked.options)
        for option in asked.left_out:
            LLM_LEFT_OUT.labels(model, option).inc()
        if untold := self._memory.untold(endpoint, model, asked.left_out):
            log.warning("model_options_left_out", model=model, options=untold, host=self._endpoint.host)


async def _post(endpoint: Endpoint, body: dict[str, Any], *, retries: int) -> Any:
    """What the endpoint answers to one call. A fault that may pass and came with status 200 is tried again, as others.

    Raises:
        Refused: It answered with another status.
        NoAnswer: It did not answer.
        ValueError: It is not JSON.
    """
    for left in reversed(range(retries + 1)):
        answer = read_body(await endpoint.post(_PATH, body, retries=retries))
        status = status_in(error_in(answer))
        if not left or not (is_broken_off(answer) or (status and _may_pass(status))):
            return answer
        await asyncio.sleep(_PAUSE_S)
    raise AssertionError


def _declined(refusal: Refusal, status: int, *, share: float | None) -> ModelRefused | None:
    """The error if the endpoint refused this prompt, of which *share* may fit; None: it would refuse any prompt."""
    if refusal.is_filtered and status in _FILTER_STATUSES:
        return ContentFiltered(DECLINED_BY_FILTER)
    if refusal.is_too_long and is_refusal(status, refusal):
        return PromptTooLong("the prompt is too long for the model's context", share=share)
    return None


def _busy(pace: Pace, refusal: Refusal, status: int, *, wait: timedelta) -> ModelBusy | None:
    """The error if the model takes no more calls for now. None: else, or if that lasts for longer than a note waits."""
    if not is_busy(status, refusal, wait=wait):
        return None
    wait = wait or USUAL_WAIT
    if wait > MODEL_PATIENCE:
        return None
    pace.refused(wait)
    if pace.busy_for > MODEL_PATIENCE:
        return None
    return ModelBusy(f"the model's endpoint answered {status}: it takes no more calls for now", retry_after=wait)


def _texts_of(call: dict[str, Any]) -> list[str]:
    return [message["content"] for message in call["messages"]]


def _failure(status: int, check: tuple[str, str]) -> AppError:
    if _may_pass(status):
        return ModelUnavailable(f"the model's endpoint answered {status}")
    key, place = check
    if status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
        told = f"the model's endpoint redirects our calls ({status}), and no redirect is followed"
        return ModelRefused(f"{told}; {place} must lead to the final address")
    hint = _NO_CREDIT if status == 402 else f"check {key if status in {401, 403} else place}"  # noqa: PLR2004
    return ModelRefused(f"the model's endpoint refused the call ({status}); {hint}")


def _may_pass(status: int) -> bool:
    return status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


@asynccontextmanager
async def open_own_endpoint(
    *, api_key: str, base_url: str, allow_private: bool, limit: timedelta, resolve: Resolve | None = None
) -> AsyncIterator[Endpoint]:
    """The endpoint that one tenant's file names, with that client's key.

    The file names its URL, so its addresses are checked.
    """
    sending = open_outbound(
        allow_private=allow_private,
        timeout=limit,
        max_bytes=MAX_ANSWER_BYTES,
        resolve=resolve,
        connections=_MAX_CONNECTIONS,
    )
    async with sending as outbound:
        yield Endpoint(outbound, base_url=base_url, api_key=api_key, longest_wait=limit / _WAITS_IN_A_CALL)


@asynccontextmanager
async def open_endpoint(*, api_key: str, base_url: str | None, limit: timedelta) -> AsyncIterator[Endpoint]:
    """One endpoint for all tenants without a key of their own. *limit* is the time for one call."""
    sending = open_outbound(
        allow_private=True,
        timeout=limit,
        max_bytes=MAX_ANSWER_BYTES,
        is_guarded=False,
        connections=_MAX_CONNECTIONS,
    )
    async with sending as outbound:
        yield Endpoint(outbound, base_url=base_url or _OPENAI, api_key=api_key, longest_wait=limit / _WAITS_IN_A_CALL)
