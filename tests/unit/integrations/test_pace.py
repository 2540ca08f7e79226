"""A model that takes only so many calls a minute, or at once: the others wait, and it is not asked in vain."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta
from typing import Any

import httpx2  # for its forms of a request and an answer
import pytest

from app.core.completion import Message
from app.core.masking import Mask
from app.core.outcome import MODEL_PATIENCE
from app.errors import ModelBusy, ModelRefused, ModelUnavailable
from app.integrations.endpoint import Endpoint
from app.integrations.openai import OpenAIModel
from app.integrations.pace import TURN, USUAL_WAIT, Pace, wait_in_words
from tests.model_wire import an_endpoint
from tests.unhurried import run_unhurried

ANSWER = {"model": "m", "choices": [{"message": {"role": "assistant", "content": "{}"}, "finish_reason": "stop"}]}
SECOND = timedelta(seconds=1)


class Clock:
    """The monotonic clock, which only the code under test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Server:
    """Answers what is queued, then with success."""

    def __init__(self) -> None:
        self.queued: list[httpx2.Response] = []
        self.asked: list[str] = []

    def refuse(self, status: int, told: Any = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.queued.append(httpx2.Response(status, json={"error": told or {"message": "no"}}, headers=named))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.content.decode())
        return self.queued.pop(0) if self.queued else httpx2.Response(200, json=ANSWER)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def endpoint(server: Server) -> Endpoint:
    return an_endpoint(server.answer, longest_wait=15 * SECOND, limit_s=60)


def a_model(endpoint: Endpoint, name: str = "m", fallback: str | None = None) -> OpenAIModel:
    return OpenAIModel(endpoint, tenant="acme", model=name, fallback=fallback, limit=60 * SECOND)


async def ask(model: OpenAIModel) -> None:
    await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})


@pytest.mark.parametrize(
    ("status", "told", "headers", "wait_s"),
    [
        (429, {"message": "Rate limit reached for gpt-4o in organization org on requests per min (RPM): Limit 3, Used 3,"
               " Requested 1. Please try again in 20s.", "type": "requests", "code": "rate_limit_exceeded"}, {}, 20),
        (429, {"code": "429", "message": "Your requests to gpt-4.1-nano have exceeded the token rate limit for your"
               " current AIServices S0 pricing tier. Please retry after 45 seconds."}, {"retry_after": "45"}, 45),
        (429, {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current limit of requests."
               " Please retry in 34.074s."}, {}, 34.074),
        (429, {"type": "rate_limit_error", "message": "This request would exceed your rate limit"}, {"retry_after": "7"}, 7),
        (529, {"type": "overloaded_error", "message": "Overloaded"}, {}, USUAL_WAIT.total_seconds()),
        (503, "server busy, please try again.  maximum pending requests exceeded", {}, USUAL_WAIT.total_seconds()),
        (503, {"message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}, {}, 10),
        (503, {"message": "Service is too busy. We advise users to temporarily switch to alternative LLM API providers.",
               "type": "service_unavailable_error"}, {}, USUAL_WAIT.total_seconds()),
        (503, {"message": "Service Unavailable"}, {"retry_after": "30"}, 30),
        (498, {"message": "Flex tier capacity exceeded"}, {}, USUAL_WAIT.total_seconds()),
        (503, {"code": 503, "message": "Loading model", "type": "unavailable_error"}, {}, USUAL_WAIT.total_seconds()),
        (503, "Model meta-llama/Llama-3.1-8B-Instruct is currently loading", {}, USUAL_WAIT.total_seconds()),
        (429, {"message": "Service tier capacity exceeded for this model.", "code": "3505"}, {}, USUAL_WAIT.total_seconds()),
        (429, {"message": "Too many requests, please wait before trying again."}, {}, USUAL_WAIT.total_seconds()),
    ],
    ids=["OpenAI", "Azure", "Gemini", "Anthropic", "Anthropic, load", "Ollama", "Gemini, load", "DeepSeek", "gateway", "Groq",
         "llama.cpp starts", "Hugging Face starts", "Mistral", "Bedrock"],
)  # fmt: skip
async def test_a_busy_model_is_told_with_its_wait(
    server: Server, endpoint: Endpoint, clock: Clock, status: int, told: Any, headers: dict[str, str], wait_s: float
) -> None:
    server.refuse(status, told, **headers)
    model = a_model(endpoint)
    with pytest.raises(ModelBusy, match=str(status)) as busy:
        await ask(model)
    assert busy.value.retry_after == timedelta(seconds=wait_s)
    assert model.busy_left == timedelta(seconds=wait_s)


@pytest.mark.parametrize(
    ("status", "told", "headers"),
    [
        (503, {"message": "Service Unavailable"}, {}),
        (429, {"message": "exceeded token rate limit. Please retry after 86400 seconds."}, {"retry_after": "86400"}),
        (429, {"message": "exceeded token rate limit. Please retry after 86400 seconds."}, {}),
    ],
    ids=["out", "a day's quota", "a day's quota, in words"],
)
async def test_what_lasts_or_is_no_rate_is_an_outage(
    server: Server, endpoint: Endpoint, clock: Clock, status: int, told: Any, headers: dict[str, str]
) -> None:
    server.refuse(status, told, **headers)
    model = a_model(endpoint)
    with pytest.raises(ModelUnavailable) as failed:
        await ask(model)
    assert not isinstance(failed.value, ModelBusy)
    assert not model.busy_left


async def test_an_account_without_credit_is_not_waited_for(server: Server, endpoint: Endpoint, clock: Clock) -> None:
    server.refuse(429, {"message": "You exceeded your current quota", "code": "insufficient_quota"})
    with pytest.raises(ModelRefused):
        await ask(a_model(endpoint))


async def test_while_it_is_busy_for_long_nobody_asks_it(server: Server, endpoint: Endpoint, clock: Clock) -> None:
    """Providers count the calls that they refuse, too."""
    server.refuse(429, retry_after="20")
    for _ in range(3):
        with pytest.raises(ModelBusy):
            await ask(a_model(endpoint))
    assert len(server.asked) == 1
    clock.now += 20
    await ask(a_model(endpoint))
    assert len(server.asked) == 2


async def test_a_short_wait_is_waited(server: Server, endpoint: Endpoint, clock: Clock) -> None:
    server.refuse(429, retry_after="4")
    with pytest.raises(ModelBusy):
        await ask(a_model(endpoint))
    began = clock.now
    await ask(a_model(endpoint))
    assert began + 4 <= clock.now <= began + 5


async def test_a_retry_tells_the_other_calls(server: Server, clock: Clock) -> None:
    endpoint = an_endpoint(server.answer, retries=2, longest_wait=15 * SECOND, limit_s=60)
    server.refuse(429, retry_after="6")
    await ask(a_model(endpoint))
    assert clock.now >= 1_006


async def test_one_model_s_limit_is_not_another_s(server: Server, endpoint: Endpoint, clock: Clock) -> None:
    server.refuse(429, retry_after="20")
    model = a_model(endpoint, fallback="other")
    await ask(model)
    assert [name in asked for asked, name in zip(server.asked, ('"m"', '"other"'), strict=True)] == [True, True]
    assert not model.busy_left, "the fallback answers"
    with pytest.raises(ModelBusy):
        await ask(a_model(endpoint))


async def test_a_model_that_answers_nobody_for_long_is_out(server: Server, endpoint: Endpoint, clock: Clock) -> None:
    model = a_model(endpoint)
    for _ in range(int(MODEL_PATIENCE / (30 * SECOND)) + 1):
        server.refuse(429, retry_after="30")
        with pytest.raises(ModelBusy):
            await ask(model)
        clock.now += 30
    server.refuse(429, retry_after="30")
    asked = len(server.asked)
    for _ in range(2):  # it is asked, and then left alone while it wants to be
        with pytest.raises(ModelUnavailable) as failed:
            await ask(model)
        assert not isinstance(failed.value, ModelBusy)
    assert len(server.asked) == asked + 1
    assert not model.busy_left, "no delivery waits for it"

    clock.now += 30
    await ask(model)
    server.refuse(429, retry_after="30")
    with pytest.raises(ModelBusy):
        await ask(model)


async def test_a_refusal_of_hours_ago_has_nothing_to_do_with_this_one(
    server: Server, endpoint: Endpoint, clock: Clock
) -> None:
    """Another process may have had the answers meanwhile."""
    model = a_model(endpoint)
    for _ in range(2):
        server.refuse(429, retry_after="30")
        with pytest.raises(ModelBusy):
            await ask(model)
        clock.now += 36_000


async def test_of_a_model_that_is_out_and_a_busy_one_the_busy_one_counts(
    server: Server, endpoint: Endpoint, clock: Clock
) -> None:
    for status in (503, 429):
        server.refuse(status, retry_after="20" if status == 429 else "")
    with pytest.raises(ModelBusy):
        await ask(a_model(endpoint, fallback="other"))


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("Please try again in 1h12m3s.", 4323),
        ("Please try again in 2m59.56s.", 179.56),
        ("Please try again in 120ms.", 0.12),
        ("Please retry after 45 seconds.", 45),
        ("try again in 2 hours", 7200),
        ("Retry in 34.074s", 34.074),
        ('[{"error": {"code": 429, "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}}]', 34),
        ("try again later", 0),
        ("The model produced 20 tokens in 3 seconds", 0),
    ],
)  # fmt: skip
def test_a_wait_is_read_in_words(text: str, wait_s: float) -> None:
    assert wait_in_words(text).total_seconds() == pytest.approx(wait_s)


class Desk:
    """A server that works on *slots* calls at once, each for *each_s*, and lets the others wait without a word."""

    def __init__(self, slots: int, each_s: float) -> None:
        self._free, self._each_s = asyncio.Semaphore(slots), each_s
        self.asked = 0

    async def answer(self, _: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        async with self._free:
            await asyncio.sleep(self._each_s)
        return httpx2.Response(200, json=ANSWER)


def answers(monkeypatch: pytest.MonkeyPatch, desk: Desk, *, tickets: int) -> list[tuple[float, str]]:
    """When each of *tickets* that came at once got its answer, and what; a busy model is asked again for 5 minutes."""

    async def main() -> list[tuple[float, str]]:
        clock = asyncio.get_running_loop().time
        monkeypatch.setattr(time, "monotonic", clock)
        endpoint = an_endpoint(desk.answer, longest_wait=15 * SECOND, limit_s=60)
        model = OpenAIModel(endpoint, tenant="acme", model="m", fallback=None, limit=42 * SECOND)

        async def answer() -> tuple[float, str]:
            while True:
                try:
                    await ask(model)
                except ModelBusy as error:
                    if clock() > MODEL_PATIENCE.total_seconds():
                        return clock(), "busy"
                    assert error.retry_after is not None
                    await asyncio.sleep(error.retry_after.total_seconds())
                except ModelUnavailable:
                    return clock(), "unavailable"
                else:
                    return clock(), "answered"

        return list(await asyncio.gather(*(answer() for _ in range(tickets))))

    return run_unhurried(main())


@pytest.mark.parametrize(
    ("slots", "each_s", "tickets", "within_s"), [(1, 9, 12, 150), (1, 30, 6, 300), (4, 20, 30, 250)]
)
def test_of_a_server_that_answers_few_at_once_each_gets_an_answer(
    monkeypatch: pytest.MonkeyPatch, slots: int, each_s: float, tickets: int, within_s: float
) -> None:
    """One after the other they would take tickets / slots · each_s."""
    desk = Desk(slots, each_s)
    told = answers(monkeypatch, desk, tickets=tickets)
    assert {outcome for _, outcome in told} == {"answered"}
    assert max(at for at, _ in told) < within_s
    assert desk.asked < 2.5 * tickets, "calls in vain"


def test_a_server_with_room_for_all_is_asked_by_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = answers(monkeypatch, Desk(slots=100, each_s=30), tickets=100)
    assert told == [(30.0, "answered")] * 100


def test_a_server_that_refuses_once_and_then_hangs_is_out_after_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Desk):
        async def answer(self, request: httpx2.Request) -> httpx2.Response:
            if not self.asked:
                self.asked += 1
                return httpx2.Response(429, json={"error": {"message": "slow down"}}, headers={"retry-after": "5"})
            return await super().answer(request)

    [(at, outcome)] = answers(monkeypatch, Hanging(slots=1, each_s=90), tickets=1)
    assert outcome == "unavailable"
    assert MODEL_PATIENCE.total_seconds() < at < MODEL_PATIENCE.total_seconds() + 90


def test_a_server_that_answers_nobody_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(monkeypatch, Desk(slots=1, each_s=90), tickets=4) == [(42.0, "unavailable")] * 4


def run_out(paced: Pace, clock: Clock, *, late: int, quick: int = 0) -> list[bool]:
    """*late* calls begin at once and run out of time, the last ones beside *quick* ones that began just then."""
    with contextlib.ExitStack() as all_calls:
        calls = [(contextlib.ExitStack(), all_calls) for _ in range(late)]
        begun = [stack.enter_context(paced.call()) for stack, _ in calls]
        clock.now += 20
        for _ in range(quick):
            all_calls.enter_context(paced.call())
        told = []
        for call, (stack, _) in zip(begun, calls, strict=True):
            stack.close()
            told.append(paced.ran_out(call, 20 * SECOND))
        return told


def at_once(paced: Pace) -> int:
    """How many calls may be under way."""
    with contextlib.ExitStack() as calls:
        for number in range(50):
            if paced.left:
                return number
            calls.enter_context(paced.call())
    return 50


def test_those_that_run_out_together_are_one_sign(clock: Clock) -> None:
    paced = Pace()
    paced.answered()
    assert run_out(paced, clock, late=9) == [True] * 9
    assert at_once(paced) == 4
    clock.now += 61
    paced.answered()
    assert all(run_out(paced, clock, late=2))
    assert at_once(paced) == 1


def test_a_call_that_hangs_alone_is_no_sign(clock: Clock) -> None:
    paced = Pace()
    paced.answered()
    assert run_out(paced, clock, late=1, quick=5) == [False]
    assert at_once(paced) == 50


def test_some_calls_that_hang_among_many_that_are_answered_slow_nothing(clock: Clock) -> None:
    paced = Pace()
    for _ in range(20):
        paced.answered()
    assert run_out(paced, clock, late=4) == [True] * 4
    assert at_once(paced) == 50


def test_each_answer_adds_a_quarter_of_a_call(clock: Clock) -> None:
    paced = Pace()
    paced.answered()
    run_out(paced, clock, late=2)
    assert at_once(paced) == 1
    for _ in range(3):
        paced.answered()
    assert at_once(paced) == 1
    paced.answered()
    assert at_once(paced) == 2


def test_others_wait_for_a_turn(clock: Clock) -> None:
    paced = Pace()
    paced.answered()
    run_out(paced, clock, late=2)
    with paced.call():
        assert paced.left == TURN
    assert not paced.left
