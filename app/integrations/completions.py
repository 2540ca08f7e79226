"""Reads what an endpoint answered with status 200: a completion, or an error.

Any field may be missing or of another type, since compatible servers leave some out. Some answer a stream of events
though none was asked for, or end one object as if it were a stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from app.core.completion import Completion, Option
from app.core.reading.text import one_line
from app.errors import ContentFiltered, ModelDeclined, ModelUnavailable
from app.integrations.asking import Asking
from app.integrations.sizes import Sizes
from app.integrations.tokens import estimate_tokens

DECLINED_BY_FILTER: Final = "the model's content filter refused this ticket"

# No model reads or writes more in one call: a larger count is wrong.
_MOST_TOKENS: Final = 100_000_000
# `finish_reason` of OpenAI, Mistral, Gemini, Anthropic and gateways, in lower case: cut off, filtered, declined.
_CUT_OFF: Final = frozenset(
    "length model_length max_tokens max_output_tokens max_new_tokens token_limit model_context_window_exceeded".split()
)
_FILTERED: Final = frozenset(
    "content_filter content_filtered safety prohibited_content recitation blocklist spii sensitive error_toxic "
    "guardrail_intervened language".split()
)
_FILTER: Final = re.compile(r"safety|filter|guardrail|model_armor|moderation")
"""What a reason of a filter holds: `image_safety`, `content_filter_policy`."""
_NO_FILTER: Final = "function_call_filter"
"""Gemini's for a call of a tool that can't be read (`function_call_filter: MALFORMED_FUNCTION_CALL`)."""
_DECLINED: Final = "refusal"
# OpenRouter's when its provider fails, DeepSeek's when it has no room, SGLang's and vLLM's when they stop midway.
_BROKEN_OFF: Final = frozenset({"error", "network_error", "insufficient_system_resource", "abort", "aborted"})
_STATUSES: Final = {
    **{str(status): status for status in range(400, 600)},
    # Anthropic's and OpenAI's types and codes, and Google's, which the event of a stream has in place of a status.
    **dict.fromkeys(("rate_limit_error", "rate_limit_exceeded", "insufficient_quota", "RESOURCE_EXHAUSTED"), 429),
    **dict.fromkeys(("authentication_error", "invalid_api_key", "UNAUTHENTICATED"), 401),
    **dict.fromkeys(("server_error", "UNAVAILABLE"), 503),
    "overloaded_error": 529,
}
_MINIMAX: Final = {"1000": 500, "1001": 500, "1002": 429, "1004": 401}
"""Codes of its `base_resp`."""
_TEXT_PARTS: Final = frozenset({"text", "output_text", "json", "output_json"})
# Also MiniMax's, Baidu's and Gemini's own, which come with status 200.
_TELLS_ERROR: Final = ("error", "errors", "detail", "message", "base_resp", "error_msg", "promptFeedback")
_WRAPS: Final = ("data", "result", "response")
"""Where a gateway puts the whole completion."""
_MAX_NAME_CHARS: Final = 100
_DECODER: Final = json.JSONDecoder(strict=False)
"""Some gateways put the model's line breaks into texts as they are."""
_BLANKS: Final = re.compile(r"\s*")
_END_OF_STREAM: Final = "[DONE]"
_IS_ENDED: Final = re.compile(r"^data:\s*+\[DONE\]", re.MULTILINE)
_TAIL_CHARS: Final = 200
_ENDS_OF_OBJECT: Final = ("}", "`", ">", "]")
"""How a whole answer ends: its object, a block of code, a mark of the model's template."""
_CUT: Final = "aborted"
_KEPT_ALIVE: Final = re.compile(r"\A(?::[^\n]*+\n\s*+)++(?=[{\[])")
"""Comments of a stream before an answer that is none (OpenRouter's, while its provider works)."""


def read_body(body: bytes) -> Any:
    """The value that *body* holds; of a stream of events, the completion that its chunks make.

    Raises:
        ValueError: It is neither JSON nor such a stream.
    """
    text = body.decode(json.detect_encoding(body), "replace").strip("\ufeff \t\r\n\x00")
    text = _KEPT_ALIVE.sub("", text)
    if text.startswith(("data:", "event:", "id:", "retry:", ":")):
        return _joined(_events(text), is_ended=_IS_ENDED.search(text, len(text) - _TAIL_CHARS) is not None)
    answer, end = _DECODER.raw_decode(text)
    if text.startswith("{", _BLANKS.match(text, end).end()):  # type: ignore[union-attr]  # it fits anywhere
        return _joined(_objects(text), is_ended=False)
    answer = _unwrapped(answer)
    if text[end:].strip() and not _get(answer, "choices") and not _is_end(text[end:]):
        raise ValueError("text follows")
    return answer


def _is_end(text: str) -> bool:
    return text.strip().removeprefix("data:").strip() == _END_OF_STREAM


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The objects of *text*, one after the other: a stream without any marks."""
    end = 0
    while end < len(text) and text[end] == "{":
        value, end = _DECODER.raw_decode(text, end)
        end = _BLANKS.match(text, end).end()  # type: ignore[union-attr]
        if isinstance(value, dict):
            yield value


def _unwrapped(answer: Any) -> Any:
    """The completion in *answer*, where a gateway wrapped it: in a list, in a text, or beside a code of its own."""
    if isinstance(answer, str):
        answer = json.loads(answer)
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    inner = next((each for key in _WRAPS if _get(each := _get(answer, key), "choices")), None)
    return inner if inner is not None and not _get(answer, "choices") else answer


def error_in(answer: Any) -> Any:
    """The error that some servers send with status 200 (LM Studio, TGI 2.4, OpenRouter); None: it is an answer."""
    if not isinstance(answer, dict):
        return None
    if isinstance(choices := answer.get("choices"), list) and choices:
        return _get(choices[0], "error") or None
    if answer.get("error"):
        return answer["error"]
    # A message with a role is an answer in another form: Ollama's own, Cohere's.
    told = {key: answer[key] for key in _TELLS_ERROR if answer.get(key) and not _get(answer[key], "role")}
    return told or None


def status_in(told: Any) -> int | None:
    """The HTTP status that the error *told* names, by its number or in words; None: it names none."""
    named = (str(_get(told, key)) for key in ("code", "status", "status_code", "type"))
    status = next((_STATUSES[code] for code in named if code in _STATUSES), None)
    return status or _MINIMAX.get(str(_get(_get(told, "base_resp"), "status_code")))


def is_broken_off(answer: Any) -> bool:
    """Whether the endpoint stopped in the middle, through a fault of its own: it says so, or sends no choice at all."""
    return _reason(_first(answer)) in _BROKEN_OFF or _is_empty(answer)


def read_completion(answer: Any, model: str, asked: Asking, *, prompt: list[str]) -> Completion:
    """*answer* to *prompt*, without its cost.

    Raises:
        ModelDeclined: The model, or the endpoint's filter, refused to write.
        ModelUnavailable: The endpoint broke it off.
        TypeError: It is no completion.
    """
    choice = _first(answer)
    reason, message = _reason(choice), _message(choice)
    if reason in _FILTERED or (_FILTER.search(reason) and reason != _NO_FILTER):
        raise ContentFiltered(DECLINED_BY_FILTER)
    if reason in _BROKEN_OFF or _is_empty(answer):
        raise ModelUnavailable("the model's endpoint broke its answer off")
    if not isinstance(message, dict) or not (message or reason):
        raise TypeError("no completion")
    content = message.get("content")
    if reason == _DECLINED or message.get("refusal") or _has_refusal(content):
        raise ModelDeclined("the model declined to answer")
    text, usage = _text(content), _get(answer, "usage")
    if "{" not in text:
        text = _arguments(message) or next(filter(None, map(_arguments, _others(answer))), text) or _beside(message)
    told_prompt, told_completion = _told(usage, "prompt_tokens"), _told(usage, "completion_tokens")
    if told_prompt:  # xAI and Gemini count what the model thought in the sum alone, and bill it
        told_completion = max(told_completion, _told(usage, "total_tokens") - told_prompt)
    is_cut = reason in _CUT_OFF or (asked.has_limit and told_completion >= asked.tokens)  # some say `stop` then
    limit = min(asked.tokens, told_completion or asked.tokens) if asked.has_limit else told_completion or asked.tokens
    written = limit if is_cut else estimate_tokens([text, *_thoughts(message)])
    prompt_tokens, completion_tokens = told_prompt or estimate_tokens(prompt), told_completion or written
    return Completion(
        text=text,
        model=one_line(str(_get(answer, "model") or model), max_chars=_MAX_NAME_CHARS),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cut_at=limit if is_cut else None,
        share=_share(told_prompt, told_completion) if is_cut and limit < asked.tokens else None,
        is_estimated=(prompt_tokens, completion_tokens) != (told_prompt, told_completion),
        asked_without=tuple(option for option in Option if option in asked.left_out),
    )


def _share(prompt: int, completion: int) -> float | None:
    """How much of a *prompt* leaves room, if the context ended after *completion* tokens; None: it was not that.

    vLLM, SGLang and llama.cpp take any limit of an answer and lower it to what the prompt leaves, without a word.
    """
    share = Sizes(prompt + completion, prompt).share(prompt) if prompt else None
    return share if share is not None and share < 1 else None


def _events(text: str) -> Iterator[dict[str, Any]]:
    """The chunks of a stream of server-sent events."""
    for line in re.split(r"[\r\n]+", text):
        field, _, value = line.partition(":")
        if field == "data" and value.strip() not in {"", _END_OF_STREAM}:
            chunk = json.loads(value)
            if isinstance(chunk, dict):
                yield chunk


def _joined(chunks: Iterable[dict[str, Any]], *, is_ended: bool) -> dict[str, Any]:
    """The completion that *chunks* make: texts and a tool call's arguments of the first choice, joined.

    A stream that breaks off in the middle of an answer has no reason and does not end as one does (*is_ended*).
    """
    names = ("content", "reasoning_content", "reasoning", "refusal", "arguments")
    pieces: dict[str, list[str]] = {name: [] for name in names}
    whole: dict[str, Any] = {}
    reason = None
    for chunk in chunks:
        whole |= {key: chunk[key] for key in ("model", "usage", *_TELLS_ERROR) if chunk.get(key)}
        for choice in chunk.get("choices") or ():
            if _get(choice, "index"):
                continue
            piece = _get(choice, "delta") or _get(choice, "message") or {}
            for call in _get(piece, "tool_calls") or ():
                pieces["arguments"].append(_string(_get(_get(call, "function"), "arguments")))
            for name in names:
                pieces[name].append(_text(_get(piece, name)))
            reason = _get(choice, "finish_reason") or reason
    texts = {name: "".join(found) for name, found in pieces.items()}
    if not whole.get("error") and (any(texts.values()) or reason):
        told = texts["content"] or texts["arguments"]
        if not (reason or is_ended or told.rstrip().endswith(_ENDS_OF_OBJECT)):
            reason = _CUT
        function = {"arguments": texts.pop("arguments")}
        message = {**texts, "tool_calls": [{"function": function}]}
        whole["choices"] = [{"index": 0, "finish_reason": reason, "message": message}]
    return whole


def _is_empty(answer: Any) -> bool:
    """Whether *answer* calls itself a completion and has none: an empty list, null (Gemini's), or no such field."""
    is_one = _get(answer, "object") == "chat.completion" or isinstance(_get(answer, "choices"), list)
    return is_one and not answer.get("choices") and error_in(answer) is None


def _first(answer: Any) -> Any:
    choices = _get(answer, "choices")
    return choices[0] if isinstance(choices, list) and choices else None


def _message(choice: Any) -> Any:
    legacy = {"content": choice["text"]} if _get(choice, "text") else {}
    return _get(choice, "message") or _get(choice, "delta") or legacy


def _others(answer: Any) -> Iterator[dict[str, Any]]:
    """The messages of further choices. One is asked for, and some gateways put a tool's call into a second one."""
    return (message for choice in _get(answer, "choices")[1:] if isinstance(message := _message(choice), dict))


def _reason(choice: Any) -> str:
    """Why it ended: Gemini's `content_filter: SAFETY` and Vertex's `FINISH_REASON_SAFETY` are `safety`."""
    told = str(_get(choice, "finish_reason") or "").lower()
    return told.removeprefix("finish_reason_").partition(":")[0].strip()


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


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
        elif isinstance(part, dict) and part.get("type", "text") in _TEXT_PARTS:
            told = next((part[name] for name in ("text", "content", "json") if part.get(name)), "")
            told = told["value"] if isinstance(told, dict) and isinstance(told.get("value"), str) else told
            yield told if isinstance(told, str) else json.dumps(told)


def _has_refusal(content: Any) -> bool:
    return isinstance(content, list) and any(_get(part, "type") == "refusal" for part in content)


def _arguments(message: dict[str, Any]) -> str:
    """The arguments of a tool call, an object: some gateways turn the schema into a tool, with a sentence before it.

    Of several calls the one with most of them, as another may be of a tool that the gateway offers.
    """
    calls = message.get("tool_calls")
    functions = [_get(call, "function") for call in calls] if isinstance(calls, list) else []
    told = [_get(function, "arguments") for function in (*functions, message.get("function_call"))]
    return max((json.dumps(each) if isinstance(each, dict) else _object(each) for each in told), key=len)


def _beside(message: dict[str, Any]) -> str:
    """One object beside the text: where the client's own parsing belongs, or thoughts, which themselves are prose.

    vLLM's parser of thoughts takes an answer for one where the model did not think.
    """
    parsed = message.get("parsed")
    return json.dumps(parsed) if isinstance(parsed, dict) else _object(next(filter(None, _thoughts(message)), ""))


def _object(value: Any) -> str:
    text = _string(value).strip()
    return text if text.startswith("{") and text.endswith("}") else ""


def _thoughts(message: dict[str, Any]) -> list[str]:
    """What a model thought, as far as it is told beside the answer: it is paid too."""
    named = (message.get(name) for name in ("reasoning_content", "reasoning"))
    return [next((each for each in named if isinstance(each, str)), "")]


def _told(usage: Any, name: str) -> int:
    """A count of *usage*, 0 where it has none. One that can't be one would spoil counters, budgets and bills."""
    number = _get(usage, name)
    return int(number) if isinstance(number, int | float) and 0 < number <= _MOST_TOKENS else 0
