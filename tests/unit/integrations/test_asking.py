"""How an endpoint is asked with less, step by step, and what is remembered of its refusals: the wire is a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2  # for its forms of a request and an answer
import pytest
from prometheus_client import REGISTRY

from app.core.completion import Message, Option
from app.core.masking import Mask
from app.enhancement.write import draft_schema
from app.errors import ContentFiltered, ModelDeclined, ModelRefused, ModelUnavailable, PromptTooLong
from app.integrations.asking import MAX_CALLS, Memory
from app.integrations.openai import OpenAIModel
from tests.builders import a_draft, a_source, a_ticket
from tests.enhancing import enhanced
from tests.model_wire import an_endpoint

OBJECT = a_draft().model_dump_json()
Refuse = Callable[[dict[str, Any]], tuple[int, Any] | None]


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Endpoint:
    """A server that refuses as *refuse* says and answers all else."""

    refuse: Refuse
    message: dict[str, Any] = field(default_factory=lambda: {"role": "assistant", "content": OBJECT})
    finish_reason: str = "stop"
    usage: dict[str, int] = field(default_factory=lambda: {"prompt_tokens": 9, "completion_tokens": 9})
    calls: list[dict[str, Any]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        call = json.loads(request.content)
        self.calls.append(call)
        refused = self.refuse(call)
        if refused is not None:
            status, body = refused
            if isinstance(body, str):
                return httpx2.Response(status, text=body)
            return httpx2.Response(status, json=body)
        choice = {"index": 0, "finish_reason": self.finish_reason, "message": self.message}
        return httpx2.Response(200, json={"model": call["model"], "choices": [choice], "usage": self.usage})

    def model(self, **options: Any) -> OpenAIModel:
        endpoint = an_endpoint(self.answer)
        values = {"tenant": "acme", "model": "first", "fallback": None, "limit": timedelta(seconds=5), **options}
        return OpenAIModel(endpoint, memory=Memory(self.clock), **values)


def messages(ticket: str = "A ticket.") -> list[Message]:
    mask = Mask()
    data = mask.join("<<<DATA abc\n", mask.json({"ticket": ticket}), "\nabc DATA>>>")
    return [Message(role="system", content=mask.text("Rules.")), Message(role="user", content=data)]


async def ask(model: OpenAIModel, ticket: str = "A ticket.") -> str:
    return (await model.complete(messages(ticket), schema=draft_schema())).text


def format_of(call: dict[str, Any]) -> str | None:
    wanted = call.get("response_format")
    return str(wanted["type"]) if wanted else None


def an_error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def without_schema(status: int, body: Any) -> Refuse:
    return lambda call: (status, body) if format_of(call) == "json_schema" else None


def without_format(status: int, body: Any) -> Refuse:
    return lambda call: (status, body) if "response_format" in call else None


SAYS_SO: dict[str, tuple[int, Any]] = {
    "openai": (400, an_error("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", param="response_format")),
    "deepseek": (400, an_error("This response_format type is unavailable now")),
    "deepseek before": (422, an_error("Failed to deserialize the JSON body into the target type: response_format: response_format.type `json_schema` is unavailable now at line 1 column 1193")),
    "422": (422, an_error("response_format: the type json_schema is not available")),
    "fastapi": (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs are not permitted", "input": {"type": "json_schema"}}]}),
    "mistral": (422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}]}}),
    "groq": (400, an_error("This model does not support response format `json_schema`. See supported models")),
    "litellm": (400, an_error("litellm.UnsupportedParamsError: together_ai does not support parameters: ['response_format'], for model=x. To drop these, set `litellm.drop_params=True`")),
    "a text": (501, "structured output is not implemented"),
    "python": (500, {"error": "create() got an unexpected keyword argument 'response_format'"}),
    "moonshot": (400, an_error("Invalid request: response_format.type must be one of text, json_object")),
    "nvidia nim": (422, {"detail": [{"type": "literal_error", "loc": ["body", "response_format", "type"], "msg": "Input should be 'text' or 'json_object'", "input": "json_schema"}]}),
    "tgi": (422, {"error": "Input validation error: grammar is not supported", "error_type": "validation"}),
    "403": (403, an_error("response_format is not available in your plan")),
    "405": (405, {"detail": "response_format is not supported"}),
    "409": (409, an_error("response_format of type json_schema is not supported")),
    "412": (412, an_error("response_format of type json_schema is not supported")),
    "openrouter's provider": (502, an_error("Provider returned error: response_format is not supported", code=502)),
}  # fmt: skip
SAYS_LESS: dict[str, tuple[int, Any]] = {
    "404": (404, "404 page not found"),
    "415": (415, {"detail": "Unsupported Media Type"}),
    "500": (500, "Internal Server Error"),
    "empty": (400, ""),
    "groq's model failed": (400, {"error": {"message": "Failed to generate JSON. Please adjust your prompt.", "code": "json_validate_failed", "failed_generation": "{"}}),
    "openrouter": (404, {"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}}),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body"), [*SAYS_SO.values(), *SAYS_LESS.values()], ids=[*SAYS_SO, *SAYS_LESS])
async def test_whatever_refuses_the_schema_the_call_goes_through_with_less(status: int, body: Any) -> None:
    endpoint = Endpoint(without_schema(status, body))
    assert await ask(endpoint.model()) == OBJECT
    assert [format_of(call) for call in endpoint.calls] == ["json_schema", "json_object"]
    assert all("max_tokens" in call and "temperature" in call for call in endpoint.calls)


@pytest.mark.parametrize(("status", "body"), [*SAYS_SO.values(), *SAYS_LESS.values()], ids=[*SAYS_SO, *SAYS_LESS])
async def test_an_endpoint_without_any_format_is_asked_without(status: int, body: Any) -> None:
    endpoint = Endpoint(without_format(status, body))
    assert await ask(endpoint.model()) == OBJECT
    assert [format_of(call) for call in endpoint.calls] == ["json_schema", "json_object", None]
    [system, _] = endpoint.calls[-1]["messages"]
    assert system["content"].startswith("Rules.")
    assert '"next_steps"' in system["content"]


async def test_an_endpoint_that_knows_schema_and_text_alone() -> None:
    says = "'response_format.type' must be 'json_schema' or 'text'"  # LM Studio
    refused = {"json_schema": (500, "Internal Server Error"), "json_object": (400, {"error": says})}
    endpoint = Endpoint(lambda call: refused.get(str(format_of(call))))
    model = endpoint.model()
    await ask(model)
    await ask(model)
    # The first was refused for no reason that may not pass; any JSON, said to be unknown, is not asked for again.
    assert [format_of(call) for call in endpoint.calls] == ["json_schema", "json_object", None, "json_schema", None]


@pytest.mark.parametrize(("status", "body"), SAYS_SO.values(), ids=SAYS_SO)
async def test_what_is_said_to_be_unsupported_is_left_out_for_an_hour(status: int, body: Any) -> None:
    endpoint = Endpoint(without_schema(status, body))
    model = endpoint.model()
    for _ in range(2):
        await ask(model)
    endpoint.clock.now = 3601
    await ask(model)
    assert [format_of(call) for call in endpoint.calls] == [
        *("json_schema", "json_object", "json_object"),
        *("json_schema", "json_object"),
    ]


@pytest.mark.parametrize(("status", "body"), SAYS_LESS.values(), ids=SAYS_LESS)
async def test_a_refusal_that_does_not_say_so_is_of_its_call_alone(status: int, body: Any) -> None:
    endpoint = Endpoint(without_schema(status, body))
    model = endpoint.model()
    await ask(model)
    endpoint.refuse = lambda _: None
    await ask(model)
    assert [format_of(call) for call in endpoint.calls] == ["json_schema", "json_object", "json_schema"]


async def test_nothing_is_remembered_of_a_call_that_fails_with_less_too() -> None:
    endpoint = Endpoint(lambda _: (400, an_error("response_format is not supported by this model")))
    model = endpoint.model()
    with pytest.raises(ModelRefused):
        await ask(model)
    endpoint.refuse = lambda _: None
    await ask(model)
    assert format_of(endpoint.calls[-1]) == "json_schema"


LONG = "A long log. " * 300


def a_small_context(call: dict[str, Any], *, says: str) -> tuple[int, Any] | None:
    if "max_completion_tokens" in call:
        return 400, an_error("Unknown field: max_completion_tokens")
    return (400, an_error(says)) if LONG[:200] in call["messages"][-1]["content"] else None


TOO_LONG = [
    "max_tokens or max_completion_tokens is too large: 2000. The context is 4096 tokens, the request has 3500.",
    "'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and your request has 3900 input tokens (4000 > 4096 - 3900).",
    "This model's maximum context length is 4096 tokens. However, you requested 7900 tokens (3900 in the messages, 4000 in the completion). Please reduce the length of the messages or completion.",
    "max_tokens must be at least 1, got -404",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
]  # fmt: skip


TOO_LONG += [
    "Invalid request: Your request exceeded model token limit: 8192",
    "Prompt exceeds max length",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
    "Prompt length (9000) exceeds maximum input length (8192)",
    "prompt token count of 130000 exceeds the limit of 128000",
    "Prompt 超长",
    "The sum of prompt length (9351.0), query length (0) should not exceed max_num_tokens (8192)",  # TensorRT-LLM#9277
    "Request length 71599 + 2048 is greater than max_seq_len 65536",  # SillyTavern#3543, of TabbyAPI
    "Request prompt has 9000 tokens in total, larger than the model input length limit 8192.",  # mlc-llm
    "Requested generation length 1 is not possible! The provided prompt is 4309 tokens long, so generating 1 tokens requires a sequence length of 4310, but the maximum supported sequence length is just 4096!",  # cline#294
]


@pytest.mark.parametrize("says", TOO_LONG)
async def test_one_long_ticket_takes_nothing_from_those_after_it(says: str) -> None:
    endpoint = Endpoint(lambda call: a_small_context(call, says=says))
    model = endpoint.model()
    with pytest.raises(PromptTooLong, match="too long for the model"):
        await ask(model, LONG)
    assert len(endpoint.calls) <= 2
    for _ in range(2):
        before = len(endpoint.calls)
        assert await ask(model) == OBJECT
        [call] = endpoint.calls[before:]
        assert call["max_tokens"] == 4000
        assert format_of(call) == "json_schema"


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("max_tokens is too large: 4000. This model supports at most 2048 completion tokens.", 2048),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 2048]", 2048),
        ("maximum context length is 8192 tokens. You requested 9192 tokens (5192 in the messages, 4000 in the completion).", 3000),
        ("maximum context length is 8000 tokens. You requested 4000 output tokens and your prompt contains at least 6000 input tokens, for a total of at least 10000 tokens.", 2000),
        ("This model does not support max_tokens greater than 2048.", 2048),
        ("<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 2048]", 2048),
        ("the answer would exceed the context window", 1000),
    ],
)  # fmt: skip
async def test_a_limit_that_is_too_large_is_lowered_for_this_call(says: str, expected: int) -> None:
    endpoint = Endpoint(
        lambda call: (400, an_error(says, param="max_tokens")) if call["max_tokens"] > expected else None
    )
    model = endpoint.model()
    assert await ask(model) == OBJECT
    assert [call["max_tokens"] for call in endpoint.calls] == [4000, expected]
    await ask(model)
    assert endpoint.calls[-2]["max_tokens"] == 4000


@pytest.mark.parametrize(
    "says",
    [
        "upstream error for request {{'model': 'first', 'temperature': 0.2, 'max_tokens': 4000, 'response_format': {{}}}}",
        "unexpected error, backend not available for request {{'temperature': 0.2, 'max_tokens': 4000}}",
        "invalid prompt: {prompt}",
        'a message is not understood: "temperature not supported"',
        "could not tokenize: {prompt}; try again",
    ],
)
async def test_an_options_name_in_an_errors_text_proves_nothing(says: str) -> None:
    ticket = "The server room's temperature is not supported by the sensor; max_tokens is not supported either."
    endpoint = Endpoint(lambda _: None)
    model = endpoint.model()
    endpoint.refuse = lambda call: (
        (400, an_error(says.format(prompt=call["messages"][-1]["content"]))) if len(endpoint.calls) < 2 else None
    )
    await ask(model, ticket)
    assert format_of(endpoint.calls[1]) == "json_object"
    assert "temperature" in endpoint.calls[1]
    assert "max_tokens" in endpoint.calls[1]
    await ask(model, ticket)
    assert len(endpoint.calls) == 3
    assert format_of(endpoint.calls[2]) == "json_schema"


@pytest.mark.parametrize("says", ["Input should be greater than 0.5", "Input should be greater than or equal to 1"])
async def test_a_value_that_pydantic_wants_greater_says_nothing_of_the_prompts_length(says: str) -> None:
    wrong = {"type": "greater_than", "loc": ["body", "temperature"], "msg": says, "input": 0.2}
    endpoint = Endpoint(lambda call: (422, {"detail": [wrong]}) if "temperature" in call else None)
    assert await ask(endpoint.model()) == OBJECT
    assert len(endpoint.calls) == 2


async def test_each_name_of_the_limit_may_fail() -> None:
    def refuse(call: dict[str, Any]) -> tuple[int, Any] | None:
        for name in ("max_tokens", "max_completion_tokens"):
            if name in call:
                return 400, an_error(f"Unsupported parameter: '{name}' is not supported with this model.", param=name)
        return None

    endpoint = Endpoint(refuse)
    model = endpoint.model()
    await ask(model)
    await ask(model)
    limits = [[name for name in call if name.startswith("max_")] for call in endpoint.calls]
    assert limits == [["max_tokens"], ["max_completion_tokens"], [], []]


async def test_the_newer_name_of_the_limit_and_no_temperature_as_reasoning_models_want_it() -> None:
    def refuse(call: dict[str, Any]) -> tuple[int, Any] | None:
        if "max_tokens" in call:
            says = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return 400, an_error(says, param="max_tokens", code="unsupported_parameter")
        if "temperature" in call:
            says = "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported."
            return 400, an_error(says, param="temperature", code="unsupported_value")
        return None

    endpoint = Endpoint(refuse)
    model = endpoint.model()
    await ask(model)
    await ask(model)
    assert len(endpoint.calls) == 4
    assert endpoint.calls[-1]["max_completion_tokens"] == 4000
    assert "temperature" not in endpoint.calls[-1]
    assert format_of(endpoint.calls[-1]) == "json_schema"


TEMPLATES: dict[str, tuple[int, Any]] = {
    "gemma on vllm": (400, {"object": "error", "message": "System role not supported", "type": "BadRequestError", "param": None, "code": 400}),
    "gemma on llama.cpp": (500, {"error": {"code": 500, "message": "Jinja Exception: System role not supported", "type": "server_error"}}),
    "o1-mini": (400, an_error("Unsupported value: 'messages[0].role' does not support 'system' with this model.", param="messages[0].role", code="unsupported_value")),
    "bedrock": (400, {"message": "The system field is not supported"}),
    "fastapi": (422, {"detail": [{"type": "literal_error", "loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'", "input": "system"}]}),
    "lm studio": (400, {"error": 'Error rendering prompt with jinja template: "Only user and assistant roles are supported!".'}),
    "the first": (400, an_error("The first message must be from the user")),
    "a path": (400, an_error("messages.0.role: must be 'user' or 'assistant'")),
    "baidu": (400, an_error("the role of message with odd index in the messages must be user")),
    "turns": (400, an_error("Conversation roles must alternate user/assistant/user/assistant/...")),
    "says nothing": (500, "Internal Server Error"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body"), TEMPLATES.values(), ids=TEMPLATES)
async def test_a_template_without_a_system_role_reads_its_words_at_the_head_of_the_users(
    status: int, body: Any
) -> None:
    endpoint = Endpoint(lambda call: (status, body) if call["messages"][0]["role"] == "system" else None)
    assert await ask(endpoint.model()) == OBJECT
    [user] = endpoint.calls[-1]["messages"]
    assert "temperature" in endpoint.calls[-1] or body == "Internal Server Error"
    assert user["role"] == "user"
    assert user["content"].startswith("Rules.")
    assert user["content"].endswith('\n\n<<<DATA abc\n{"ticket": "A ticket."}\nabc DATA>>>')


@pytest.mark.parametrize("name", ["gemma on vllm", "gemma on llama.cpp", "o1-mini", "bedrock", "fastapi", "lm studio"])
async def test_a_template_that_says_so_is_asked_without_a_system_role_from_then_on(name: str) -> None:
    endpoint = Endpoint(lambda call: TEMPLATES[name] if call["messages"][0]["role"] == "system" else None)
    model = endpoint.model()
    await ask(model)
    await ask(model)
    assert len(endpoint.calls) == 3
    assert format_of(endpoint.calls[-1]) == "json_schema"


@pytest.mark.parametrize(
    "says",
    [
        "`temperature` is deprecated for this model.",
        "property 'temperature' is unsupported",
        'Invalid JSON payload received. Unknown name "temperature": Cannot find field.',
        "Argument not supported on this model: temperature",
        "Unrecognized request argument supplied: temperature",
        "`temperature` may only be set to 1 when thinking is enabled.",
        "invalid temperature: only 1 is allowed for this model",
        "This model doesn't support the temperature field. Remove temperature and try again.",
    ],
)
async def test_an_option_is_left_out_as_servers_say_it(says: str) -> None:
    endpoint = Endpoint(lambda call: (400, {"error": says}) if "temperature" in call else None)
    model = endpoint.model()
    await ask(model)
    await ask(model)
    assert len(endpoint.calls) == 3
    assert all(format_of(call) == "json_schema" and "max_tokens" in call for call in endpoint.calls)


async def test_there_is_one_system_message_whatever_is_added_to_it() -> None:
    def refuse(call: dict[str, Any]) -> tuple[int, Any] | None:
        if format_of(call) == "json_schema":
            return 400, an_error("response_format: json_schema is not supported")
        roles = [message["role"] for message in call["messages"]]
        if roles.count("system") > 1 or "system" in roles[1:]:
            return 400, an_error("chat template: one system message is allowed, as the first message")
        return None

    endpoint = Endpoint(refuse)
    await ask(endpoint.model())
    assert len(endpoint.calls) == 2


@pytest.mark.parametrize("status", [400, 404, 415, 422, 500, 501])
async def test_an_endpoint_that_refuses_all_is_asked_a_few_times(status: int) -> None:
    endpoint = Endpoint(lambda _: (status, "no"))
    with pytest.raises((ModelRefused, ModelUnavailable)):
        await ask(endpoint.model())
    assert len(endpoint.calls) == 4
    assert set(endpoint.calls[-1]) == {"model", "messages", "stream"}


async def test_an_endpoint_that_refuses_one_thing_after_another_is_asked_no_more_than_that() -> None:
    refused = iter(
        ["response_format", "response_format", "max_tokens", "max_completion_tokens", "temperature", "system role", "x"]
        * 2
    )
    endpoint = Endpoint(lambda _: (400, an_error(f"{next(refused)} is not supported")))
    with pytest.raises(ModelRefused):
        await ask(endpoint.model())
    assert len(endpoint.calls) <= MAX_CALLS


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, an_error("response_format is not supported")),
        (403, an_error("forbidden")),
        (404, an_error("The model `first` does not exist or you do not have access to it.", code="model_not_found")),
        (404, {"error": {"message": 'model "first" not found, try pulling it first', "type": "api_error"}}),
        (429, an_error("slow down")),
        (503, an_error("overloaded")),
    ],
)
async def test_what_less_would_not_mend_is_not_asked_again(status: int, body: Any) -> None:
    endpoint = Endpoint(lambda _: (status, body))
    with pytest.raises((ModelRefused, ModelUnavailable)):
        await ask(endpoint.model())
    assert len(endpoint.calls) == 1


FILTERED: dict[str, tuple[int, Any]] = {
    "azure": (400, an_error("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", code="content_filter", param="prompt", type=None, innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": False}}})),
    "code": (400, {"error": {"message": "the prompt was filtered", "code": "content_filter", "param": "prompt", "type": None}}),
    "litellm": (400, an_error("litellm.ContentPolicyViolationError: AzureException - The response was filtered", code="400")),
    "qwen": (400, an_error("<400> Input data may contain inappropriate content.", code="data_inspection_failed")),
    "azure, other spelling": (400, {"error": {"message": "refused", "code": "ContentFilter"}}),
    "openai": (400, an_error("Your request was rejected as a result of our safety system.")),
    "openai, cyber": (400, an_error("This content was flagged for possible cybersecurity risk.", code="cyber_policy")),
    "deepseek": (400, an_error("Content Exists Risk")),
    "moonshot": (400, an_error("The request was rejected because it was considered high risk", type="content_filter")),
    "zhipu": (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}),
    "qianfan": (400, {"error": {"code": "336104", "message": "the content is sensitive", "type": "content_security"}}),
    "vertex": (400, [{"error": {"code": 400, "message": "This prompt contains words that violate Google's Responsible AI practices."}}]),
    "bedrock behind litellm": (400, an_error("{'error': 'Violated guardrail policy', 'bedrock_guardrail_response': 'No'}")),
    "openrouter": (403, {"error": {"code": 403, "message": 'x requires moderation on Azure. Your input was flagged for "violence".'}}),
    "xai": (403, {"code": "permission denied", "error": "Content violates usage guidelines. Failed check: SAFETY"}),
    "cloudflare": (424, {"success": False, "error": [{"code": 2016, "message": "Prompt blocked due to security configurations"}]}),
    "volcengine": (400, {"error": {"code": "InputTextSensitiveContentDetected", "message": "The request failed because the input text may contain sensitive information.", "type": "BadRequest"}}),
    "stepfun": (451, an_error("The content you provided or machine outputted is blocked.", type="censorship_blocked")),
    "bedrock": (400, an_error("The request was blocked by the content filter", code="content_filter_policy")),
    "anthropic": (400, an_error("Output blocked by content filtering policy")),
    "azure's gateway": (403, {"statusCode": 403, "message": "Request failed content safety check."}),
    "kong": (400, an_error("request failed content safety check")),
    "sap": (400, an_error("Content filtered due to safety violations. Please modify the prompt and try again.")),
    "litellm's banned words": (400, an_error("{'error': 'Keyword banned. Keyword=x'}", code="400")),
    "cloudflare, the answer": (424, {"error": [{"code": 2017, "message": "Response blocked due to security configurations"}]}),
    "portkey": (446, {"error": {"message": "The guardrail checks defined in the config failed.", "type": "hooks_failed"}}),
}  # fmt: skip


SCHEMA_REFUSALS: dict[str, Any] = {
    "llama.cpp": an_error("Failed to initialize samplers: failed to parse grammar", code=400),
    "sglang": {"object": "error", "message": "Failed to compile json grammar", "type": "Bad Request", "code": 400},
    "anthropic": an_error("The compiled grammar is too large, which would cause performance issues. Simplify your tool schemas or reduce the number of strict tools."),
    "gemini": [an_error("The specified schema produces a constraint that has too many states for serving. Typical causes of this error are schemas with lots of text (for example, very long property or enum names).", code=400)],
    "gemini, nesting": [an_error("A schema in GenerationConfig in the request exceeds the maximum allowed nesting depth.", code=400)],
}  # fmt: skip


@pytest.mark.parametrize("body", SCHEMA_REFUSALS.values(), ids=SCHEMA_REFUSALS)
async def test_a_schema_that_is_too_large_says_nothing_of_the_prompt(body: Any) -> None:
    endpoint = Endpoint(lambda call: (400, body) if format_of(call) == "json_schema" else None)
    model = endpoint.model()
    assert await ask(model) == OBJECT
    assert await ask(model) == OBJECT
    assert [format_of(call) for call in endpoint.calls] == ["json_schema", "json_object", "json_object"]


async def test_what_the_model_wrote_is_not_its_endpoints_reason() -> None:
    written = '{"summary": "The attachment is too large: the mailbox exceeds its maximum of 4096 tokens"'
    says = "Failed to validate JSON. Please adjust your prompt. See 'failed_generation' for more details."
    body = an_error(says, code="json_validate_failed", failed_generation=written)  # Groq
    endpoint = Endpoint(lambda call: (400, body) if format_of(call) == "json_schema" else None)
    assert await ask(endpoint.model()) == OBJECT


NO_CREDIT: dict[str, tuple[int, Any]] = {
    "openai": (429, an_error("You exceeded your current quota, please check your plan and billing details.", code="insufficient_quota")),
    "anthropic": (400, an_error("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.")),
    "xai": (403, {"code": "The caller does not have permission", "error": "Your newly created team doesn't have any credits or licenses yet."}),
    "deepseek": (402, an_error("Insufficient Balance")),
    "openrouter": (402, {"error": {"message": "This request requires more credits, or fewer max_tokens.", "code": 402}}),
    "openrouter, 200": (200, {"error": {"message": "Insufficient credits. Add more using your account's page.", "code": 402}}),
    "litellm": (400, an_error("Budget has been exceeded! Current cost: 10.1, Max budget: 10.0", type="budget_exceeded", code="400")),
    "litellm, 429": (429, an_error("ExceededBudget: Crossed spend within budget duration", type="budget_exceeded", code="429")),
    "anthropic's limit": (400, an_error("You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.")),
    "openrouter's key": (403, an_error("Key limit exceeded (total limit). Manage it on your account's page", code=403)),
    "fireworks": (412, an_error("Account x is suspended, possibly due to reaching the monthly spending limit.", code="PRECONDITION_FAILED")),
    "portkey": (412, {"status": "failure", "message": "Organisation budget exceeded"}),
    "dashscope": (400, an_error("Access denied, please make sure your account is in good standing.", code="Arrearage", type="Arrearage")),  # hsliuping/TradingAgents-CN#170
    "dashscope, 403": (403, an_error("Access denied due to overdue account")),  # RooCodeInc/Roo-Code#12309
    "volcengine": (403, {"code": "AccountOverdueError", "message": "The request failed because your account has an overdue balance.", "type": "Forbidden"}),  # coze-dev/coze-studio#2195
    "gemini": (429, [{"error": {"code": 429, "message": "Your prepayment credits are depleted.", "status": "RESOURCE_EXHAUSTED"}}]),  # dyad-sh/dyad#3626
    "siliconflow": (403, {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}),
}  # fmt: skip


@pytest.mark.parametrize(
    "says",
    [
        "parameter.enable_thinking must be set to false for non-streaming calls",  # DashScope
        "This model only support stream mode, please enable the stream parameter to access the model. ",
        "enable thinking can not be support when `stream=False`.",  # ModelScope
        "Stream must be set to true",
    ],
)
async def test_a_model_that_answers_in_streams_alone_is_asked_for_one_from_then_on(says: str) -> None:
    endpoint = Endpoint(lambda call: None if call["stream"] else (400, an_error(says)))
    model = endpoint.model()
    assert await ask(model) == OBJECT
    assert await ask(model) == OBJECT
    assert [call["stream"] for call in endpoint.calls] == [False, True, True]
    assert all(format_of(call) == "json_schema" for call in endpoint.calls)


async def test_an_account_with_credit_for_a_shorter_answer_is_asked_for_that() -> None:
    says = "This request requires more credits, or fewer max_tokens. You requested up to 4000 tokens, but can only afford {}."
    affords = 900
    endpoint = Endpoint(
        lambda call: (402, an_error(says.format(affords), code=402)) if call["max_tokens"] > affords else None
    )
    assert await ask(endpoint.model()) == OBJECT
    assert [call["max_tokens"] for call in endpoint.calls] == [4000, 900]
    affords = 200  # too few for any answer
    with pytest.raises(ModelRefused, match="has no credit left"):
        await ask(endpoint.model())
    assert len(endpoint.calls) == 3


async def test_a_model_that_is_too_large_for_its_server_is_asked_once() -> None:
    says = "model requires more system memory (5.6 GiB) than is available (3.9 GiB)"  # Ollama
    endpoint = Endpoint(lambda _: (500, an_error(says, type="api_error")))
    with pytest.raises(ModelRefused, match="too little memory for the model; check OPENAI_MODEL"):
        await ask(endpoint.model())
    assert len(endpoint.calls) == 1


NO_MODEL: dict[str, tuple[int, Any]] = {
    "azure's catalogue": (400, an_error("Unknown model: x", code="unknown_model")),
    "moonshot": (404, an_error("Not found the model x or Permission denied", type="resource_not_found_error")),
    "bedrock": (400, {"message": "The provided model identifier is invalid."}),  # iOfficeAI/AionCore#377
    "hugging face's router": (400, an_error("The requested model 'x/y' is not supported by any provider you have enabled.", code="model_not_supported")),  # cline#5098
    "github": (400, an_error("The requested model is not supported.", code="model_not_supported")),  # 9router#470
    "of responses": (404, an_error("This model is only supported in v1/responses and not in v1/chat/completions.", param="model")),
    "no chat": (404, an_error("This is not a chat model and thus not supported in the v1/chat/completions endpoint.", param="model")),
    "groq, gone": (400, an_error("The model `llama3-8b-8192` has been decommissioned and is no longer supported.", code="model_decommissioned")),
    "cloudflare": (400, {"errors": [{"message": "AiError: No such model @cf/x", "code": 5007}], "success": False, "result": {}, "messages": []}),
    "groq, terms": (400, an_error("The model `x` requires terms acceptance.", code="model_terms_required")),
    "bedrock, gone": (404, {"message": "This model version has reached the end of its life."}),
    "bedrock, profile": (400, {"message": "Invocation of model ID anthropic.claude with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."}),
    "bedrock, access": (403, {"message": "You don't have access to the model with the specified model ID."}),
    "openai, project": (403, an_error("Project `proj_x` does not have access to model `gpt-4o-mini`", code="model_not_found")),
    "litellm, provider": (400, an_error("litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are trying to call.")),
    "litellm, key": (401, an_error("key not allowed to access model. This key can only access models=['gpt-4o']. Tried to access gpt-4", type="key_model_access_denied", code="401")),
    "openrouter": (404, an_error("No endpoints found for x/y.", code=404)),
    "openrouter, policy": (404, an_error("No endpoints found matching your data policy (Paid model training).", code=404)),
    "lm studio": (400, an_error("No models loaded. Please load a model in the developer page or use the `lms load` command.", param="model")),
    "azure, version": (400, an_error("API version not supported", code="BadRequest")),
    "nginx, http for https": (400, "<html>\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"),
    "go, http for https": (400, "Client sent an HTTP request to an HTTPS server."),
}  # fmt: skip


NOT_LET_IN: dict[str, tuple[int, Any]] = {
    "azure, network": (403, an_error("Access denied due to Virtual Network/Firewall rules.", code="403")),
    "azure, private": (403, an_error("Public access is disabled. Please configure private endpoint.", code="403")),
    "openai, country": (403, an_error("Country, region, or territory not supported", code="unsupported_country_region_territory")),
    "openai, address": (401, an_error("IP not authorized", code="ip_not_authorized")),
    "gemini": (400, [an_error("User location is not supported for the API use.", code=400)]),
    "cloudflare, a page": (403, '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>'),
    "cloudflare, a line": (403, "error code: 1010"),
}  # fmt: skip
WRONG_KEY: dict[str, tuple[int, Any]] = {
    "perplexity": (401, "<html>\n<head><title>401 Authorization Required</title></head>\n<body>\n<hr><center>openresty/1.27.4</center></body>\n</html>"),  # perplexityai/api-discussion#281
    "gemini": (400, [an_error("API key not valid. Please pass a valid API key.", code=400)]),
    "xai": (403, [an_error("Incorrect API key provided: xai-12***. You can obtain an API key from the console.", code=403)]),
    "groq": (401, [an_error("Invalid API Key", code=401)]),
    "litellm 1.108.7, without a database": (400, an_error("No connected db.", type="no_db_connection", code="400")),
}  # fmt: skip
BEHIND: dict[str, tuple[int, Any]] = {
    "litellm 1.108.7": (401, an_error('litellm.AuthenticationError: AnthropicException - {"error": {"message": "Incorrect API key provided: k", "code": "invalid_api_key"}}\n\nLiteLLM: model group \'x\' failed with the error above. No fallback was attempted.', type="authentication_error", code="401")),
}  # fmt: skip


def told_as(error: type[Exception], says: str, cases: dict[str, tuple[int, Any]]) -> list[Any]:
    return [pytest.param(*case, error, says, id=f"{says}, {name}") for name, case in cases.items()]


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        *told_as(ContentFiltered, "the model's content filter refused this ticket", FILTERED),
        *told_as(ModelRefused, "has no credit left", NO_CREDIT),
        *told_as(ModelRefused, "check OPENAI_MODEL and OPENAI_BASE_URL", NO_MODEL),
        *told_as(ModelRefused, "a network rule or a firewall before it may keep us out", NOT_LET_IN),
        *told_as(ModelRefused, "check OPENAI_API_KEY", WRONG_KEY),
        *told_as(ModelRefused, "the key that the gateway has of the provider behind it", BEHIND),
    ],
)
async def test_what_no_other_call_would_mend_is_told_as_what_it_is_after_one(
    status: int, body: Any, error: type[Exception], says: str
) -> None:
    endpoint = Endpoint(lambda _: (status, body))
    # Another model of the endpoint may do what this one can't, but for its content filter.
    fallback = "second" if error is ContentFiltered else None
    with pytest.raises(error, match=says):
        await ask(endpoint.model(fallback=fallback))
    assert len(endpoint.calls) == 1


async def test_a_rate_told_in_the_words_of_a_quota_may_pass() -> None:
    says = "You exceeded your current quota, please check your plan and billing details. Please retry in 38s."
    endpoint = Endpoint(lambda _: (429, [an_error(says, code=429, status="RESOURCE_EXHAUSTED")]))  # Gemini
    with pytest.raises(ModelUnavailable):
        await ask(endpoint.model())


@pytest.mark.parametrize("status", [424, 425, 498, 499, 529])
async def test_a_fault_that_may_pass_sends_nobody_to_the_settings(status: int) -> None:
    endpoint = Endpoint(lambda _: (status, {"message": "Try your request again."}))
    with pytest.raises(ModelUnavailable):
        await ask(endpoint.model())


async def test_a_ticket_about_a_filter_is_not_taken_for_a_filters_refusal() -> None:
    ticket = "Our mail gateway's moderation: the content was flagged, it violates usage guidelines, says the guardrail."
    endpoint = Endpoint(lambda call: (400, an_error(f"can't parse: {ticket}")) if format_of(call) else None)
    assert await ask(endpoint.model(), ticket) == OBJECT


@pytest.mark.parametrize(
    "reason",
    [
        *("content_filter", "SAFETY", "content_filter: PROHIBITED_CONTENT", "FINISH_REASON_RECITATION", "BLOCKLIST"),
        *("guardrail_intervened", "ERROR_TOXIC", "sensitive", "IMAGE_SAFETY", "MODEL_ARMOR", "LANGUAGE"),
    ],
)
async def test_an_answer_that_a_filter_stopped_is_told_as_such(reason: str) -> None:
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", "content": None}, finish_reason=reason)
    with pytest.raises(ContentFiltered):
        await ask(endpoint.model())
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [([{"type": "refusal", "refusal": "No."}], "stop"), (None, "refusal"), ("I can't help with that.", "refusal")],
)
async def test_a_model_that_declines_says_so_in_several_places(content: Any, reason: str) -> None:
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", "content": content}, finish_reason=reason)
    with pytest.raises(ModelDeclined):
        await ask(endpoint.model())
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(
    "reason", ["length", "MAX_TOKENS", "FINISH_REASON_MAX_TOKENS", "model_length", "max_new_tokens"]
)
async def test_an_answer_that_was_cut_off_is_known_by_each_name_of_the_reason(reason: str) -> None:
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", "content": ""}, finish_reason=reason)
    completion = await endpoint.model().complete(messages(), schema=draft_schema())
    assert completion.cut_at == 9


async def test_thoughts_that_the_sum_alone_counts_are_paid_too() -> None:
    # xAI's, as Wei-Shaw/sub2api#5771 shows it with the bill; Gemini's compatible API: Clarifai/clarifai-python#978
    usage = {"prompt_tokens": 10_120, "completion_tokens": 1_499, "total_tokens": 14_428}
    completion = await Endpoint(lambda _: None, usage=usage).model().complete(messages(), schema=draft_schema())
    assert (completion.prompt_tokens, completion.completion_tokens) == (10_120, 1_499 + 2_809)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning_content": OBJECT},
        {"content": "", "reasoning": f"\n{OBJECT}\n"},
        {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": OBJECT}}]},
    ],
    ids=["reasoning_content", "reasoning", "tool call"],
)  # fmt: skip
async def test_an_answer_that_stands_where_a_message_has_something_else_is_read(message: dict[str, Any]) -> None:
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", **message})
    assert await ask(endpoint.model()) == OBJECT


async def test_thoughts_are_not_read_in_place_of_an_answer() -> None:
    thoughts = f"Maybe {OBJECT}, or"
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", "content": None, "reasoning_content": thoughts})
    assert await ask(endpoint.model()) == ""


async def test_a_call_that_is_more_than_a_minutes_tokens_is_not_sent_again_as_it_is() -> None:
    says = "Request too large for gpt-4o on tokens per min (TPM): Limit 8000, Requested 13500. The input or output tokens must be reduced in order to run successfully."  # fmt: skip
    endpoint = Endpoint(lambda _: (429, an_error(says, type="tokens", code="rate_limit_exceeded")))
    with pytest.raises(PromptTooLong) as error:
        await ask(endpoint.model())
    assert len(endpoint.calls) == 1
    assert error.value.share is not None


async def test_a_rate_that_is_exceeded_for_now_says_nothing_of_the_prompt() -> None:
    says = (
        "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 5000. Please try again in 8s."
    )
    endpoint = Endpoint(lambda _: (429, an_error(says, type="tokens", code="rate_limit_exceeded")))
    with pytest.raises(ModelUnavailable):
        await ask(endpoint.model())


async def test_an_answer_that_was_filtered_is_a_refusal() -> None:
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", "content": None}, finish_reason="content_filter")
    with pytest.raises(ContentFiltered):
        await ask(endpoint.model())


async def test_a_model_that_declines_leaves_its_fallback_to_answer() -> None:
    endpoint = Endpoint(lambda _: None, message={"role": "assistant", "content": None, "refusal": "I can't."})
    with pytest.raises(ModelDeclined):
        await ask(endpoint.model(fallback="second"))
    assert [call["model"] for call in endpoint.calls] == ["first", "second"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": OBJECT}], OBJECT),
        ([{"type": "text", "text": OBJECT[:9]}, {"type": "text", "text": OBJECT[9:]}], OBJECT),
        ([{"type": "reasoning", "text": "Hm."}, {"type": "output_text", "text": OBJECT}], OBJECT),
        ([{"text": OBJECT}], OBJECT),
        ([OBJECT], OBJECT),
        ({"type": "text", "text": OBJECT}, OBJECT),
        ([{"type": "thinking", "thinking": "Hm."}], ""),
        (None, ""),
        ([], ""),
    ],
)  # fmt: skip
async def test_of_an_answer_in_parts_the_texts_are_read(content: Any, expected: str) -> None:
    message = {"role": "assistant", "content": content, "reasoning_content": "Hm.", "reasoning": "Hm."}
    assert await ask(Endpoint(lambda _: None, message=message).model()) == expected


async def test_an_answer_that_is_an_object_already_is_read() -> None:
    message = {"role": "assistant", "content": json.loads(OBJECT)}
    assert json.loads(await ask(Endpoint(lambda _: None, message=message).model())) == json.loads(OBJECT)


@pytest.mark.parametrize(("reason", "used"), [("length", 9), ("model_length", 9), ("MAX_TOKENS", 9), ("stop", 4000)])
async def test_an_answer_that_was_cut_off_is_known_as_such_and_asked_for_with_more_room(reason: str, used: int) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": used}
    endpoint = Endpoint(lambda _: None, finish_reason=reason, usage=usage)
    model = endpoint.model()
    completion = await model.complete(messages(), schema={})
    assert completion.cut_at == used
    await model.complete(messages(), schema={}, cut=completion)
    assert [call["max_tokens"] for call in endpoint.calls] == [4000, 16_000]


@dataclass
class LoopsInBlanks(Endpoint):
    """Its grammar allows blanks between any two words of JSON, and the model writes them up to the limit."""

    written: str = ""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        looped = "response_format" in json.loads(request.content)
        self.message = {"role": "assistant", "content": self.written + "  \n" * 890 if looped else OBJECT}
        self.finish_reason = "length" if looped else "stop"
        return super().answer(request)


@pytest.mark.parametrize("written", ["", "{", '{"summary": "Outlook receives no mail.",'])
async def test_an_answer_that_blanks_filled_is_asked_for_without_a_format(written: str) -> None:
    """With more room the same grammar gives more blanks (vllm#38696: 6 of 10 prompts; ollama#18567; omlx#2990)."""
    endpoint = LoopsInBlanks(lambda _: None, written=written)
    model = endpoint.model()
    for _ in range(2):  # most other tickets get their answer by the strict form, so each is asked for so first
        enhancement = await enhanced(a_ticket(), [a_source()], model)
        assert enhancement.summary == a_draft().summary
        assert enhancement.notices == ()
    assert [format_of(call) for call in endpoint.calls] == ["json_schema", None] * 2
    assert {call["max_tokens"] for call in endpoint.calls} == {4000}
    assert "The answer's JSON schema" in endpoint.calls[-1]["messages"][0]["content"]


async def test_the_limit_is_what_it_is_set_to() -> None:
    endpoint = Endpoint(lambda _: None)
    await ask(endpoint.model(max_tokens=777))
    assert endpoint.calls[0]["max_tokens"] == 777


async def test_what_is_left_out_is_logged_once_and_counted(logged: list[Any]) -> None:
    def counted() -> float:
        labels = {"model": "first", "option": "json_schema"}
        return REGISTRY.get_sample_value("llm_options_left_out_total", labels) or 0

    before = counted()
    endpoint = Endpoint(without_schema(*SAYS_SO["422"]))
    model = endpoint.model()
    for _ in range(3):
        await ask(model)
    told = [entry for entry in logged if entry["event"] == "model_options_left_out"]
    assert [entry["options"] for entry in told] == [[Option.JSON_SCHEMA]]
    assert counted() - before == 3


async def test_an_error_that_quotes_the_ticket_is_not_kept() -> None:
    endpoint = Endpoint(lambda call: (400, an_error(f"context length exceeded: {call['messages'][-1]['content']}")))
    with pytest.raises(PromptTooLong) as caught:
        await ask(endpoint.model(), "Canary!")
    assert caught.value.__cause__ is None
    assert "Canary" not in str(caught.value)
