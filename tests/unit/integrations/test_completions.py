"""Answers with status 200 that are no plain completion: streams, errors, answers that broke off, packed ones.

Each was published by somebody who met it; the address stands beside it.
"""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import httpx2  # for its forms of a request and an answer
import pytest

from app.core.completion import Completion, Message
from app.core.masking import Mask
from app.errors import ContentFiltered, ModelBusy, ModelRefused, ModelUnavailable
from app.integrations import openai as adapter
from app.integrations.openai import OpenAIModel
from tests.builders import a_draft
from tests.model_wire import an_endpoint

OBJECT = a_draft().model_dump_json()
USAGE = {"prompt_tokens": 700, "completion_tokens": 80, "total_tokens": 780}
JSON = {"content-type": "application/json"}


class Endpoint:
    """Answers one body after another, the last one again and again."""

    def __init__(self, *bodies: Any, headers: dict[str, str] = JSON) -> None:
        self.bodies = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        self.headers = headers
        self.calls: list[dict[str, Any]] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.calls.append(json.loads(request.content))
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]

        async def chunks() -> Any:
            for start in range(0, len(body), 7):
                yield body[start : start + 7]

        return httpx2.Response(200, headers=self.headers, content=chunks())

    async def ask(self, *, fallback: str | None = None) -> Completion:
        limit = timedelta(seconds=5)
        endpoint = an_endpoint(self.answer, retries=2)
        model = OpenAIModel(endpoint, tenant="acme", model="first", fallback=fallback, limit=limit)
        return await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})


def a_completion(message: Any, reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": reason, "message": message}
    return {"model": "first", "choices": [choice], "usage": USAGE, **more}


def a_stream(*deltas: dict[str, Any], end: str = "data: [DONE]\n\n", gap: str = " ") -> bytes:
    chunks: list[dict[str, Any]] = [
        {"model": "first", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({"choices": [], "usage": USAGE})
    lines = "".join(f"data:{gap}{json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks)
    return (lines + end).encode()


CONTENT = [{"content": OBJECT[at : at + 9]} for at in range(0, len(OBJECT), 9)]
ARGUMENTS = [
    {"tool_calls": [{"index": 0, "function": {"arguments": OBJECT[at : at + 9]}}]} for at in range(0, len(OBJECT), 9)
]
STREAMS = {
    # https://github.com/BerriAI/litellm/issues/25766
    "a stream": a_stream({"role": "assistant"}, *CONTENT),
    "a stream without its end": a_stream(*CONTENT, end=""),
    # https://github.com/dataelement/Clawith/pull/106
    "no blank": a_stream(*CONTENT, gap=""),
    "comments": b": OPENROUTER PROCESSING\n\n" + a_stream(*CONTENT),
    "lines of Windows": a_stream(*CONTENT).replace(b"\n", b"\r\n"),
    "thoughts first": a_stream({"reasoning_content": "Let me {think}."}, *CONTENT),
    "a tool call": a_stream(*ARGUMENTS),
    "a line separator in a text": a_stream({"reasoning": "one\u2028two"}, *CONTENT),
    # https://github.com/liustack/modlens/issues/94
    "one event": b"data:" + json.dumps(a_completion({"content": OBJECT})).encode() + b"\n\n",
    # https://github.com/decolua/9router/issues/3492
    "a pause first": b"retry: 3000\n" + a_stream({"content": OBJECT}),
    "an end alone": json.dumps(a_completion({"content": OBJECT})).encode() + b"\n\ndata: [DONE]\n\n",
}


@pytest.mark.parametrize("kind", ["text/event-stream; charset=utf-8", "application/json"])
@pytest.mark.parametrize("body", STREAMS.values(), ids=STREAMS)
async def test_a_stream_that_nobody_asked_for_is_read(body: bytes, kind: str) -> None:
    endpoint = Endpoint(body, headers={"content-type": kind})
    completion = await endpoint.ask()
    assert completion.text == OBJECT
    assert (completion.prompt_tokens, completion.completion_tokens) == (700, 80)
    assert endpoint.calls[0]["stream"] is False


async def test_a_stream_that_ends_with_an_error_is_that_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_PAUSE_S", 0)
    error = {"error": {"code": 502, "message": "Provider disconnected"}, "choices": []}
    cut = CONTENT[:3]
    body = a_stream(*cut, end="") + b"data: " + json.dumps(error).encode() + b"\n\n"
    with pytest.raises(ModelUnavailable):
        await Endpoint(body).ask()


OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
A_PART = {"choices": [{"index": 0, "delta": {"content": OBJECT[:60]}, "finish_reason": None}]}

BROKEN_OFF = {
    # https://github.com/anthropics/anthropic-sdk-python/issues/688
    "an event, anthropic": b"event: error\ndata: "
    + json.dumps({"type": "error", "error": OVERLOADED}).encode()
    + b"\n\n",
    "overloaded, anthropic": {"type": "error", "error": OVERLOADED},
    # https://github.com/lsdefine/GenericAgent/issues/753
    "overloaded, openai": {"error": {"type": "server_error", "message": "Our servers are currently overloaded."}},
    # https://platform.minimax.io/docs/api-reference/errorcode.md
    "a rate, minimax": {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
    # https://github.com/vercel/ai/issues/5217
    "an error that is no event, gemini": b"data: "
    + json.dumps(A_PART).encode()
    + b'\n\n{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE"\n  }\n}\n',
    "a stream that was cut": b"data: " + json.dumps(A_PART).encode() + b"\n\n",
    "a stream that was cut behind a word": b"data: "
    + json.dumps({"choices": [{"delta": {"content": '{"summary": "Tick [DONE] and then go'}}]}).encode()
    + b"\n\n",
    "objects that were cut": (json.dumps(A_PART) + json.dumps(A_PART)).encode(),
    # https://github.com/maximhq/bifrost/issues/5425
    "openrouter": a_completion({"content": OBJECT[:60]}, "error"),
    "openrouter, choice": {
        "choices": [{"error": {"code": 502, "message": "died"}, "message": {"content": ""}, "finish_reason": "error"}]
    },
    # https://api-docs.deepseek.com/api/create-chat-completion
    "deepseek": a_completion({"content": ""}, "insufficient_system_resource"),
    "sglang": a_completion({"content": OBJECT[:60]}, "abort"),
    # https://github.com/open-webui/computer/issues/293
    "a rate": {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "rate-limited"}}},
    "code as text": {"error": {"message": "overloaded", "code": "503"}},
    # https://github.com/ogx-ai/ogx/pull/1424
    "no choice": {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 700, "completion_tokens": 0}},
    # https://github.com/langroid/langroid/pull/705
    "null, gemini": {
        "object": "chat.completion",
        "choices": None,
        "usage": {"prompt_tokens": 700, "total_tokens": 700},
    },
    "none, gemini": {"object": "chat.completion", "model": "gemini", "usage": {"prompt_tokens": 700}},
}


@pytest.mark.parametrize("body", BROKEN_OFF.values(), ids=BROKEN_OFF)
async def test_an_answer_that_broke_off_is_asked_for_again(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_PAUSE_S", 0)
    endpoint = Endpoint(body, a_completion({"content": OBJECT}))
    assert (await endpoint.ask()).text == OBJECT
    assert endpoint.calls[0] == endpoint.calls[1]

    always = Endpoint(body)
    with pytest.raises(ModelUnavailable):
        await always.ask(fallback="second")
    assert [call["model"] for call in always.calls] == ["first"] * 3 + ["second"] * 3


async def test_an_overloaded_endpoint_that_tells_it_with_status_200_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was said to be no model's, and asked again and again with fewer options."""
    monkeypatch.setattr(adapter, "_PAUSE_S", 0)
    for error in (
        {"error": OVERLOADED},
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        # https://ai.google.dev/gemini-api/docs/troubleshooting
        {"error": {"status": "RESOURCE_EXHAUSTED", "message": "Resource has been exhausted (e.g. check quota)."}},
        {"error": {"status": "UNAVAILABLE", "message": "The model is overloaded."}},
        {"error": {"code": "rate_limit_exceeded", "type": "tokens", "message": "Rate limit reached."}},
    ):
        endpoint = Endpoint(error)
        with pytest.raises(ModelBusy):
            await endpoint.ask()
        assert all(call == endpoint.calls[0] for call in endpoint.calls)


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [{"index": 0, "delta": {"content": OBJECT}}]},
        {"choices": [{"index": 0, "delta": {"content": f"```json\n{OBJECT}\n```\n"}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": OBJECT}}]}}]},
    ],
    ids=["an object", "a block", "a tool call"],
)
async def test_a_stream_with_a_whole_answer_needs_no_end(chunk: Any) -> None:
    assert OBJECT in (await Endpoint(b"data: " + json.dumps(chunk).encode() + b"\n\n").ask()).text


async def test_a_tool_call_that_gemini_could_not_read_is_no_filters_refusal() -> None:
    """https://github.com/agentjido/req_llm/issues/944; its endpoint for OpenAI's clients puts words before the reason.

    The note said that the content filter refused the ticket, and the operator looked for what is wrong with it.
    """
    choice = {
        "index": 0,
        "finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL",
        "message": {"content": None},
    }
    assert (await Endpoint({"choices": [choice], "model": "gemini"}).ask()).text == ""


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "User not found.", "code": 401}},
        {"error": {"message": "invalid x-api-key", "type": "authentication_error"}},
        {"base_resp": {"status_code": 1004, "status_msg": "not authorized / token not match group"}},
    ],
    ids=["openrouter", "anthropic", "minimax"],
)
async def test_a_refused_key_with_status_200_names_the_key(error: Any) -> None:
    with pytest.raises(ModelRefused, match="OPENAI_API_KEY"):
        await Endpoint(error).ask()


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>Open WebUI</title>",
        b"",
        b"null",
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"},  # LM Studio without /v1
        {"detail": "Not Found"},
    ],
    ids=str,
)
async def test_an_address_that_is_no_models_is_said_to_be_checked(body: Any) -> None:
    with pytest.raises(ModelUnavailable, match="OPENAI_BASE_URL"):
        await Endpoint(body).ask()


OTHER_INTERFACES: dict[str, Any] = {
    "ollama, chat": {"model": "m", "message": {"role": "assistant", "content": OBJECT}, "done": True, "done_reason": "stop"},
    "ollama, generate": {"model": "m", "response": OBJECT, "done": True},
    "anthropic": {"type": "message", "role": "assistant", "content": [{"type": "text", "text": OBJECT}], "stop_reason": "end_turn"},
    "openai, responses": {"object": "response", "status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": OBJECT}]}]},
    "cohere": {"id": "x", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text", "text": OBJECT}]}},
    "gemini": {"candidates": [{"content": {"parts": [{"text": OBJECT}], "role": "model"}, "finishReason": "STOP"}]},
    "tgi": [{"generated_text": OBJECT}],
}  # fmt: skip


@pytest.mark.parametrize("body", OTHER_INTERFACES.values(), ids=OTHER_INTERFACES)
async def test_an_address_of_another_interface_is_said_to_be_checked_after_one_call(body: Any) -> None:
    endpoint = Endpoint(body)
    with pytest.raises(ModelUnavailable, match="OPENAI_BASE_URL"):
        await endpoint.ask()
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(
    ("headers", "calls"),
    [
        ({"retry-after": "0.01"}, 3),
        ({"retry-after-ms": "10"}, 3),
        ({"retry-after": "60"}, 1),
        ({"retry-after-ms": "60000"}, 1),
        ({"retry-after": "60s"}, 1),
        ({"retry-after": "60, 60"}, 1),
    ],
    ids=str,
)
async def test_a_wait_that_would_use_up_the_time_is_not_waited(headers: dict[str, str], calls: int) -> None:
    """Else the attempt ends as "did not answer in time", and the fallback is asked a minute too late."""
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(429, json={"error": {"message": "slow down"}}, headers=headers)

    limit = timedelta(seconds=5)
    endpoint = an_endpoint(answer, retries=2, longest_wait=limit / 3)
    model = OpenAIModel(endpoint, tenant="acme", model="first", fallback=None, limit=limit)
    with pytest.raises(ModelUnavailable, match="answered 429"):
        await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})
    assert len(asked) == calls


@pytest.mark.parametrize("reason", ["content_filter: PROHIBITED_CONTENT", "content_filter"])
async def test_a_filtered_answer_without_any_message_is_told_as_such(reason: str) -> None:
    with pytest.raises(ContentFiltered):
        await Endpoint({"choices": [{"index": 0, "finish_reason": reason}], "model": "gemini"}).ask()


async def test_a_completion_without_a_message_is_an_empty_answer() -> None:
    # https://github.com/agentjido/req_llm/issues/944
    answer = {"choices": [{"index": 0, "finish_reason": "malformed_function_call"}], "model": "gemini"}
    assert (await Endpoint(answer).ask()).text == ""


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [{"function": {"name": "json", "arguments": json.loads(OBJECT)}}]},
        {"content": "Here is the note:", "tool_calls": [{"function": {"name": "json", "arguments": OBJECT}}]},
        {"content": "", "tool_calls": [{"function": {"arguments": "{}"}}, {"function": {"arguments": OBJECT}}]},
    ],
    ids=["an object", "behind a sentence", "of two calls the second"],
)
async def test_a_tool_calls_arguments_are_the_answer(message: Any) -> None:
    completion = await Endpoint(a_completion({"role": "assistant", **message}, "tool_calls")).ask()
    assert json.loads(completion.text) == json.loads(OBJECT)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": {"value": OBJECT, "annotations": []}}],
        [{"type": "text", "content": OBJECT}],
        [{"type": "output_json", "json": json.loads(OBJECT)}],
        [{"type": "reasoning", "text": "SECRETLY"}, {"text": OBJECT}],
    ],
    ids=["a value", "content", "an object", "no type"],
)
async def test_an_answer_in_parts_of_any_form_is_the_answer(content: Any) -> None:
    assert json.loads((await Endpoint(a_completion({"content": content})).ask()).text) == json.loads(OBJECT)


async def test_an_answer_beside_an_empty_text_is_read() -> None:
    parsed = {"content": None, "parsed": json.loads(OBJECT)}
    assert json.loads((await Endpoint(a_completion(parsed)).ask()).text) == json.loads(OBJECT)
    legacy = {"choices": [{"index": 0, "text": OBJECT, "finish_reason": "stop"}]}
    assert (await Endpoint(legacy).ask()).text == OBJECT


async def test_a_call_of_a_tool_in_a_second_choice_is_the_answer() -> None:
    # https://github.com/SecretiveShell/MCP-Bridge/issues/48
    choices = [
        {"finish_reason": "tool_calls", "message": {"content": "I need to write the note."}},
        {"finish_reason": "tool_calls", "message": {"tool_calls": [{"function": {"arguments": OBJECT}}]}},
    ]
    assert (await Endpoint({"choices": choices, "usage": USAGE}).ask()).text == OBJECT


@pytest.mark.parametrize(
    "wrap",
    [
        lambda whole: {"code": 200, "message": "ok", "data": whole},
        lambda whole: {"success": True, "errors": [], "result": whole},
        lambda whole: [whole],
        json.dumps,
        lambda whole: b": PROCESSING\n\n: PROCESSING\n\n" + json.dumps(whole).encode(),
    ],
    ids=["data", "result", "a list", "a text", "comments"],
)
async def test_a_completion_that_a_gateway_wrapped_is_read(wrap: Any) -> None:
    whole = wrap(a_completion({"content": OBJECT}))
    body = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    assert (await Endpoint(body).ask()).text == OBJECT


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},  # Gemini
        {"error_code": 336003, "error_msg": "the content of message is sensitive"},  # Baidu
        {
            "choices": None,
            "base_resp": {"status_code": 1026, "status_msg": "input new_sensitive: content is sensitive"},
        },
    ],
    ids=["gemini", "baidu", "minimax"],
)
async def test_a_filters_refusal_with_status_200_is_told_as_such(body: Any) -> None:
    with pytest.raises(ContentFiltered):
        await Endpoint(body).ask()


async def test_thoughts_do_not_take_the_place_of_a_sentence() -> None:
    message = {"content": "I can't tell.", "reasoning_content": OBJECT}
    assert (await Endpoint(a_completion(message)).ask()).text == "I can't tell."


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
async def test_an_answer_that_came_packed_is_read(encoding: str) -> None:
    # https://github.com/Anionex/agent-vision-toolkit/pull/36
    body = gzip.compress(json.dumps(a_completion({"content": OBJECT})).encode())
    assert (await Endpoint(body, headers={**JSON, "content-encoding": encoding}).ask()).text == OBJECT


async def test_an_answer_that_is_only_said_to_be_packed_is_read() -> None:
    # https://github.com/agentgateway/agentgateway/issues/1620
    endpoint = Endpoint(a_completion({"content": OBJECT}), headers={**JSON, "content-encoding": "gzip"})
    assert (await endpoint.ask()).text == OBJECT


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\n\n \n"])
async def test_what_stands_before_a_body_is_no_part_of_it(mark: bytes) -> None:
    body = mark + json.dumps(a_completion({"content": OBJECT})).encode()
    assert (await Endpoint(body).ask()).text == OBJECT


@pytest.mark.parametrize(
    "behind", [b"\n\n\x00\x00", b"\n: keep-alive\n\n", b"\n<!-- gateway 3 -->", b"\r\ndata: [DONE]\n\n"]
)
async def test_what_stands_behind_a_whole_completion_is_no_part_of_it(behind: bytes) -> None:
    endpoint = Endpoint(json.dumps(a_completion({"content": OBJECT})).encode() + behind)
    assert (await endpoint.ask()).text == OBJECT
    assert len(endpoint.calls) == 1


async def test_line_breaks_within_texts_are_read() -> None:
    body = json.dumps(a_completion({"content": OBJECT, "note": "one two"})).replace("one two", "one\r\n\ttwo")
    assert (await Endpoint(body.encode()).ask()).text == OBJECT


async def test_a_stream_of_bare_objects_is_read() -> None:
    pieces = [{"choices": [{"delta": {"content": each}}]} for each in (OBJECT[:30], OBJECT[30:])]
    endpoint = Endpoint("\n".join(map(json.dumps, pieces)).encode() + b"\n")
    assert (await endpoint.ask()).text == OBJECT


async def test_an_answer_that_cannot_be_unpacked_is_paid_once() -> None:
    endpoint = Endpoint(b"\x28\xb5\x2f\xfd", headers={**JSON, "content-encoding": "zstd"})
    with pytest.raises(ModelUnavailable, match="turn that off in the server or gateway"):
        await endpoint.ask()
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(("encoding", "pack"), [("", gzip.compress), ("UTF-8", bytes), ("none", bytes)])
async def test_a_wrong_word_about_packing_is_in_nobodys_way(encoding: str, pack: Any) -> None:
    body = pack(json.dumps(a_completion({"content": OBJECT})).encode())
    assert (await Endpoint(body, headers={**JSON, "content-encoding": encoding}).ask()).text == OBJECT


async def test_an_endpoints_name_for_its_model_can_be_stored() -> None:
    completion = await Endpoint({**a_completion({"content": OBJECT}), "model": "a\x00b\nc" * 100}).ask()
    assert completion.model.isprintable()
