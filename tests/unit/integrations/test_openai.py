"""Who answers when a model hangs, and what is counted of an answer: the wire is a function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2  # for its forms of a request and an answer
import pytest
from prometheus_client import REGISTRY

from app.core.completion import Completion, Message, Option
from app.core.masking import Mask
from app.errors import PromptTooLong
from app.integrations.openai import OpenAIModel, open_endpoint
from app.integrations.tokens import estimate_tokens
from tests.model_wire import an_endpoint

MESSAGES = [Message(role="user", content=Mask().text("A ticket."))]
Answer = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]


def a_model(
    answer: Answer, *, fallback: str | None = None, limit_s: float = 5, context_tokens: int | None = None
) -> OpenAIModel:
    async def handle(request: httpx2.Request) -> httpx2.Response:
        return await answer(json.loads(request.content))

    endpoint = an_endpoint(handle)
    return OpenAIModel(
        endpoint,
        tenant="acme",
        model="first",
        fallback=fallback,
        limit=timedelta(seconds=limit_s),
        context_tokens=context_tokens,
    )


def a_completion(call: dict[str, Any]) -> httpx2.Response:
    message = {"role": "assistant", "content": "{}"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return httpx2.Response(
        200, json={"id": "1", "object": "chat.completion", "created": 1, "model": call["model"], "choices": [choice]}
    )


async def test_a_model_that_hangs_leaves_its_fallback_time_to_answer() -> None:
    async def answer(call: dict[str, Any]) -> httpx2.Response:
        if call["model"] == "first":
            await asyncio.sleep(60)
        return a_completion(call)

    async with asyncio.timeout(0.9):
        completion = await a_model(answer, fallback="second", limit_s=1).complete(MESSAGES, schema={})

    assert completion.model == "second"


async def test_an_empty_variable_leaves_the_default_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")

    async with open_endpoint(api_key="key", base_url=None, limit=timedelta(seconds=1)) as endpoint:
        assert endpoint.base_url == "https://api.openai.com/v1/"


async def test_an_endpoint_that_gives_itself_ever_new_names_makes_no_new_series() -> None:
    async def answer(call: dict[str, Any]) -> httpx2.Response:
        completion = json.loads(a_completion(call).content)
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        return httpx2.Response(200, json={**completion, "model": f"build-{uuid4()}", "usage": usage})

    def tokens(kind: str) -> float:
        labels = {"tenant": "acme", "model": "first", "kind": kind}
        return REGISTRY.get_sample_value("llm_tokens_total", labels) or 0

    before = tokens("prompt"), tokens("completion")
    completion = await a_model(answer).complete(MESSAGES, schema={})

    assert completion.model.startswith("build-")
    assert (tokens("prompt") - before[0], tokens("completion") - before[1]) == (7, 5)
    [metric] = [each for each in REGISTRY.collect() if each.name == "llm_tokens"]
    assert not [sample for sample in metric.samples if sample.labels["model"].startswith("build-")]


def answering(message: dict[str, Any], usage: Any, reason: str = "stop") -> Answer:
    async def answer(call: dict[str, Any]) -> httpx2.Response:
        choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}
        return httpx2.Response(200, json={"model": call["model"], "choices": [choice], "usage": usage})

    return answer


TOLD = {"prompt_tokens": 900, "completion_tokens": 50}
TEXT = {"content": "x" * 370}


@pytest.mark.parametrize(
    ("message", "usage", "reason", "expected"),
    [
        (TEXT, TOLD, "stop", (900, 50, False)),
        (TEXT, None, "stop", (3, 100, True)),
        (TEXT, {}, "stop", (3, 100, True)),
        (TEXT, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, "stop", (3, 100, True)),
        (TEXT, {"prompt_tokens": 900}, "stop", (900, 100, True)),
        (TEXT, {"completion_tokens": 50, "prompt_tokens": None}, "stop", (3, 50, True)),
        (TEXT, {"prompt_tokens": "900", "completion_tokens": "50"}, "stop", (3, 100, True)),
        ({**TEXT, "reasoning_content": "y" * 370}, None, "stop", (3, 200, True)),
        ({**TEXT, "reasoning": "y" * 370, "reasoning_content": "y" * 370}, None, "stop", (3, 200, True)),
        ({"content": ""}, None, "length", (3, 4000, True)),
        ({"content": ""}, {"prompt_tokens": 900, "completion_tokens": 0}, "stop", (900, 0, False)),
    ],
)
async def test_tokens_that_an_endpoint_does_not_tell_are_estimated_and_said_to_be(
    message: dict[str, Any], usage: Any, reason: str, expected: tuple[int, int, bool]
) -> None:
    def counted() -> float:
        return (
            REGISTRY.get_sample_value("llm_tokens_total", {"tenant": "acme", "model": "first", "kind": "prompt"}) or 0
        )

    before = counted()
    completion = await a_model(answering(message, usage, reason)).complete(MESSAGES, schema={})
    assert (completion.prompt_tokens, completion.completion_tokens, completion.is_estimated) == expected
    assert counted() - before == completion.prompt_tokens
    # Without a limit that was reached by a count that was told, an answer is not known to be cut off.
    assert (completion.cut_at is not None) == (reason == "length")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [  # as o200k_base has them
        ("Outlook shows no new mail since noon, and the profile was repaired twice.", 16),
        ("Am Empfang in Altona liest das Kartenterminal seit heute früh keine Karten mehr.", 18),
        ("プリンターが印刷できません。スプーラーを再起動しても直りません。", 23),
        ('{"summary": "The VPN client fails with error 809.", "facts": [], "confidence": "low"}', 23),
    ],
)
def test_an_estimate_is_right_within_a_third_in_any_script(text: str, tokens: int) -> None:
    assert tokens / 1.5 <= estimate_tokens([text]) <= tokens * 1.5


async def test_what_was_left_out_of_a_call_comes_with_its_answer() -> None:
    async def answer(call: dict[str, Any]) -> httpx2.Response:
        if "temperature" in call:
            return httpx2.Response(400, json={"error": {"message": "Unsupported parameter: 'temperature'."}})
        return a_completion(call)

    completion = await a_model(answer).complete(MESSAGES, schema={})
    assert completion.asked_without == (Option.TEMPERATURE,)


async def test_a_prompt_that_a_set_context_does_not_take_is_not_sent() -> None:
    asked: list[dict[str, Any]] = []

    async def answer(call: dict[str, Any]) -> httpx2.Response:
        asked.append(call)
        return a_completion(call)

    model = a_model(answer, context_tokens=4_000)
    long = [Message(role="user", content=Mask().text("Outlook shows no mail. " * 700))]
    with pytest.raises(PromptTooLong) as told:
        await model.complete(long, schema={})
    assert asked == []
    assert told.value.share is not None
    assert 0.4 < told.value.share < 0.8
    await model.complete(MESSAGES, schema={}, cut=Completion(text="{", model="first", cut_at=9))
    assert 3_900 < asked[0]["max_tokens"] < 4_000


async def test_an_ollama_that_cuts_prompts_is_asked_for_its_context() -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    async def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            asked.append((request.url.path, {}))
            return httpx2.Response(
                200, json={"models": [{"name": "other:1b"}, {"name": "first:latest", "context_length": 4096}]}
            )
        call = json.loads(request.content)
        asked.append((request.url.path, call))
        return httpx2.Response(200, json={**a_completion(call).json(), "system_fingerprint": "fp_ollama"})

    model = OpenAIModel(an_endpoint(handle), tenant="acme", model="first", fallback=None, limit=timedelta(seconds=5))
    long = [Message(role="user", content=Mask().text("Outlook shows no mail. " * 700))]
    for _ in range(2):  # the answer to a part of the prompt is none; then it is not sent any more
        with pytest.raises(PromptTooLong) as told:
            await model.complete(long, schema={})
        assert told.value.share is not None
        assert 0.4 < told.value.share < 0.8
    await model.complete(MESSAGES, schema={})
    assert [path.rpartition("/v1")[2] for path, _ in asked] == ["/chat/completions", "/api/ps", "/chat/completions"]
    assert asked[-1][1]["max_tokens"] < 4_096


@pytest.mark.parametrize("name", ["TINY", "library/tiny", "registry.ollama.ai/library/tiny:latest", "tiny:latest"])
@pytest.mark.parametrize("is_loaded", [True, False])
async def test_a_prompt_that_ollama_cut_is_known_by_whatever_name_and_after_the_model_was_unloaded(
    name: str, is_loaded: bool
) -> None:
    # Ollama 0.17.4's own words, also with OLLAMA_KEEP_ALIVE=0
    loaded = [{"name": "tiny:latest", "model": "tiny:latest", "size": 13796096, "context_length": 4096}]

    async def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json={"models": loaded if is_loaded else []})
        usage = {"prompt_tokens": 4096, "completion_tokens": 3, "total_tokens": 4099}
        answered = a_completion(json.loads(request.content)).json()
        return httpx2.Response(200, json={**answered, "system_fingerprint": "fp_ollama", "usage": usage})

    model = OpenAIModel(an_endpoint(handle), tenant="acme", model=name, fallback=None, limit=timedelta(seconds=5))
    with pytest.raises(PromptTooLong):
        await model.complete([Message(role="user", content=Mask().text("Outlook shows no mail. " * 700))], schema={})


@pytest.mark.parametrize("setting", [4096, None])
async def test_a_prompt_that_is_longer_than_its_estimate_and_was_cut_is_known_by_its_count(setting: int | None) -> None:
    async def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json={"models": [{"name": "tiny:latest", "context_length": 4096}]})
        usage = {"prompt_tokens": 4096, "completion_tokens": 3, "total_tokens": 4099}
        answered = a_completion(json.loads(request.content)).json()
        return httpx2.Response(200, json={**answered, "system_fingerprint": "fp_ollama", "usage": usage})

    limit = timedelta(seconds=5)
    model = OpenAIModel(
        an_endpoint(handle), tenant="acme", model="tiny", fallback=None, limit=limit, context_tokens=setting
    )
    for _ in range(2):
        with pytest.raises(PromptTooLong) as told:
            await model.complete([Message(role="user", content=Mask().text("0x7f " * 1_600))], schema={})
        assert told.value.share == pytest.approx((4096 - 4096 // 3) / 4096)


@pytest.mark.parametrize("told", [{}, {"models": None}, {"models": [{"name": "first"}, 3]}, [], "no JSON", None])
async def test_an_ollama_that_does_not_tell_its_context_is_asked_all_the_same(told: Any) -> None:
    gets = 0

    async def handle(request: httpx2.Request) -> httpx2.Response:
        nonlocal gets
        if request.method == "GET":
            gets += 1
            return httpx2.Response(404) if told is None else httpx2.Response(200, json=told)
        answered = a_completion(json.loads(request.content)).json()
        return httpx2.Response(200, json={**answered, "system_fingerprint": "fp_ollama"})

    model = OpenAIModel(an_endpoint(handle), tenant="acme", model="first", fallback=None, limit=timedelta(seconds=5))
    for _ in range(2):
        await model.complete(MESSAGES, schema={})
    assert gets == 1
