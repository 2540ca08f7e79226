"""Reads from an endpoint's refusal of a call which options it does not support. Servers word this differently.

Invariant: that an option's name is in the text proves nothing, since errors quote prompts, requests and limits. An
option is `unsupported` only if a field of the error or a whole clause says so, in text that is not part of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.completion import Option
from app.integrations.sizes import Sizes, read_sizes
from app.integrations.tokens import estimate_tokens

_MAX_TEXT: Final = 2_000
"""Longest part of an error's text that is read."""
_MAX_DEPTH: Final = 8
_MOST_TOKENS: Final = 100_000_000
_ERROR_KEYS: Final = frozenset({"error", "message", "detail"})
_QUOTE: Final = 24
"""A run of so many characters that is also in the prompt is taken for a quotation."""

TOO_MANY: Final = 429
_NO_KEY: Final = 401
FORMATS: Final = (Option.JSON_SCHEMA, Option.JSON_OBJECT)
LIMITS: Final = (Option.MAX_TOKENS, Option.MAX_COMPLETION_TOKENS)

# All patterns are texts, which `re` compiles when the first call is refused: at the start they would be 10 ms.
_NAMES: Final[Mapping[Option, str]] = {
    Option.JSON_SCHEMA: r"response[_ ]format|json[_ ]schema|structured[_ ]outputs?|grammar",
    Option.JSON_OBJECT: r"response[_ ]format|json[_ ](?:object|mode)",
    Option.MAX_TOKENS: r"max_tokens(?:_to_sample)?",
    Option.MAX_COMPLETION_TOKENS: r"max_completion_tokens",
    Option.TEMPERATURE: r"temperature",
    Option.SYSTEM_ROLE: (
        r"developer instruction|system[ _](?:role|message|prompt|instruction|field|parameter)s?|role\W{1,3}system"
    ),
}
_NOT: Final = (
    r"(?:not|n't)\s+(?:\w+\s+){0,3}?"
    r"(?:support|available|valid|permitted|allowed|recogni[sz]ed|implement|enabled|accepted)"
    r"|un(?:supported|available|recogni[sz]ed|known)|unexpected (?:keyword|argument|parameter|field|property)"
    r"|extra (?:inputs|fields)|enabled only|failed to deserialize|deprecated|forbidden|only \S+ .{0,30}supported"
    r"|(?:must|should) be (?:one of |either )?\W{0,2}(?:json_schema|json_object|text|user)\b"
)
# One clause without braces: a quoted request has braces and is full of names.
_CLAUSE: Final = r"(?:(?!\.\s|[;\n{}]).){0,80}?"
_LISTED: Final = r"not support parameters: [\[{][^;\n]{0,200}?"  # LiteLLM's
_UNSUPPORTED: Final = {
    option: rf"(?i)\b(?:{name})\b{_CLAUSE}(?:{_NOT})|(?:(?:{_NOT}){_CLAUSE}|{_LISTED})\b(?:{name})\b"
    for option, name in _NAMES.items()
}
_SAYS_NOT: Final = rf"(?i){_NOT}"
_UNSUPPORTED_CODES: Final = frozenset(
    {"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden", "unrecognized_parameter"}
)
_TOO_LONG: Final = (
    r"(?i)context[ _](?:length|window|size|limit)|too (?:large|long)|longer than the|reduce the length|token limit|"
    r"(?:maximum|at most|exceed\w{0,3})[^.\n]{0,60}\btokens|\btokens[^.\n]{0,60}(?:maximum|exceed)|"
    r"\b(?:prompt|input|request length)\b(?! should)[^\n]{0,60}\b(?:exceed|(?:larger|greater) than)|"
    r"\binput length should be|\b(?:supported|maximum) sequence length|"
    r"(?:max_(?:completion_|new_)?tokens|inputs)\b[^\n]{0,60}"
    r"(?:must be|must have|should be|range|(?:less|greater|more) than|at least)|range of max_|超长"
)
_TOO_LONG_CODES: Final = frozenset(
    {"context_length_exceeded", "context_window_exceeded", "exceed_context_size_error", "request_too_large", "1261"}
)  # the number is Zhipu's
# OpenAI's 429 for one call that is more than a minute's tokens: the same call never fits. Other 429 speak of a rate.
_LARGER_THAN_RATE: Final = r"(?i)request too large|tokens must be reduced"
# Of the schema alone, whatever the length of the prompt: Anthropic, Gemini, llama.cpp, SGLang.
_SCHEMA_REFUSED: Final = (
    r"(?i)\bfailed to (?:parse|compile|convert)\b[^.\n]{0,40}\b(?:grammar|schema)\b"
    r"|\b(?:grammar|schema)\b[^.\n]{0,80}\b(?:too (?:large|long|complex|deep|many \w+)|exceeds? the maximum)\b[^.\n]*"
)
# A model takes its own temperature alone: Claude with thoughts, Kimi.
_OTHER_TEMPERATURE: Final = (
    r"(?i)\binvalid temperature\b|\btemperature\b[^.\n]{0,30}"
    r"\b(?:must be|may only|only \S+ is|range|should be|between)\b"
)
# Qwen's models that think, at DashScope, ModelScope and SiliconFlow; some gateways.
_WANTS_STREAM: Final = (
    r"(?i)\bonly supports? stream|\bnon-streaming calls\b|\bstream(?:ing)? must be (?:set to )?(?:true|enabled)"
    r"|\bstream=false\b|\bstreaming is required\b"
)
_ROLES: Final = (
    r"(?i)\bsystem\b[^.\n]{0,40}\b(?:role|message|prompt)|"
    r"\broles?\b[^.\n]{0,60}\bsystem\b|\broles? (?:must|of)\b|\balternat|chat[ _]template|\bunknown role|"
    r"\b(?:first|last) message must\b|\bmessages?\.\d+\.role\b"
)
# Of templates and gateways that know no others: "Only user and assistant roles are supported!"
_OTHER_ROLES: Final = r"(?i)\bonly\b[^.\n]{0,40}\broles?\b[^.\n]{0,20}\bsupported\b"
# Without capitals and marks.
_FILTER_CODES: Final = frozenset(
    {
        "contentfilter",
        "contentpolicyviolation",
        "contentsecurity",
        "responsibleaipolicyviolation",
        "datainspectionfailed",
        "invalidprompt",
        "cyberpolicy",
        "1301",  # Zhipu's
    }
)
# As a part of a code; Volcengine's says before it where it was: in the input's text, in the output's.
_FILTER_CODE: Final = r"sensitivecontentdetected|contentfilter|guardrail|prohibitedcontent|safety|blocklist"
_FILTER: Final = (
    r"(?i)ContentPolicyViolation|content (?:management )?policy|\b(?:usage|safety) (?:policy|policies|guidelines)"
    r"|safety system|guardrail|\bmoderation\b|responsible ai\b|content exists risk|considered high risk"
    r"|\b(?:input|prompt|content|request)\b[^.\n]{0,40}\b(?:was|were|been|is) (?:flagged|prohibited|sensitive)"
    r"|\b(?:input|prompt|content)\b[^.\n]{0,60}\b(?:is blocked|contains? (?:sensitive|inappropriate|unsafe))"
    r"|inappropriate content|\b(?:prompt|response|output) (?:was )?blocked\b|敏感内容"
    r"|\bcontent[ _-](?:filter|safety\b)|\bsafety violation|\bkeyword banned\b"
)
_NO_MODEL: Final = (
    r"(?i)\bmodels?\b[^\n]{0,120}(?:not found|not exist|not available to)|\binvalid model(?: name| id|:| ')"
    r"|\bunable to access\b[^\n]{0,30}\bmodel\b|deployment for this resource does not exist|is not a valid model"
    r"|\bunknown model\b|\bnot found the model\b"
    r"|\bonly supported in v1/|\bnot a chat model\b|\bmodel\b[^\n]{0,80}(?:decommissioned|requires terms acceptance)"
    r"|\bmodel version has reached the end\b|\bon-demand throughput isn.t supported|\bllm provider not provided\b"
    r"|\bno endpoints found (?:for|matching)\b|\bno models? loaded\b|\bno such model\b|\bapi version not supported\b"
    r"|(?:not (?:have|allowed to)|n't have) access (?:to )?(?:the )?model\b|\bmodel identifier is invalid"
    r"|\bHTTP request (?:was sent )?to (?:an )?HTTPS\b"  # nginx, Go: the scheme is wrong
)
_NO_MODEL_CODES: Final = frozenset(
    {
        *("model_not_found", "model_not_available", "invalid_model", "deploymentnotfound", "not_found_error"),
        *("model_decommissioned", "model_terms_required", "key_model_access_denied", "model_not_supported"),
    }
)
# Not "exceeded your current quota": Gemini says that of a rate too.
_NO_CREDIT: Final = (
    r"(?i)\bcredit balance is too low|\binsufficient (?:account |\w+ )?(?:balance|credits?|funds)\b"
    r"|\b(?:(?:no|any|out of|more|used all available) credits?)\b(?! card)"
    r"|\bbudget (?:has been )?exceeded\b|\bexceeded ?budget\b|\bspending limit\b|\bkey limit exceeded\b"
    r"|\breached your\b[^.\n]{0,30}\busage limits?\b|\bcredits are depleted\b|\bbalance is insufficient\b"
    r"|\boverdue (?:account|balance)\b"
)
# Ollama's and TGI's queues, DeepSeek, Mistral, Gemini; llama.cpp and Hugging Face while they load a model.
_BUSY: Final = (
    r"(?i)\b(?:server (?:is )?|too )busy\b|\boverloaded\b|\bno slots? available\b|\bmaximum pending\b|\bhigh demand\b"
    r"|\bqueue is full\b|\bloading model\b|\bcurrently loading\b"
)
_AFFORDS: Final = r"\bcan only afford (\d{1,9})\b"
"""OpenRouter's, where the account has credit for a shorter answer."""
# Gemini answers it with 400, as does LiteLLM, which without a database can look no other key up than its own.
_BAD_KEY: Final = (
    r"(?i)\bapi[ _-]key\b[^.\n]{0,20}\b(?:not valid|invalid|incorrect|expired|missing)\b"
    r"|\b(?:invalid|incorrect) api[ _-]key\b|\bno connected db\b"
)
_BEHIND: Final = r"\blitellm\.AuthenticationError\b"
"""A gateway's word that the provider behind it refused its key."""
# Not of the key: a rule for addresses or countries, Cloudflare's line.
_KEEPS_OUT: Final = (
    r"(?i)\bvirtual network\b|\bfirewall\b|\bpublic access is disabled\b|\bcountry, region\b|\buser location is not\b"
    r"|\bip (?:address )?(?:is )?not (?:authorized|allowed)\b|\berror code: 10\d\d\b"
)
_PAGE: Final = r"(?i)\A\s*<(?:!doctype|html)\b"
"""Of a firewall; with 401 it is how Perplexity's nginx, or one of your own, refuses a key."""
_NO_CREDIT_CODES: Final = frozenset(
    {
        "budget_exceeded",
        "insufficient_quota",
        "insufficient_balance",
        "exceeded_current_quota_error",
        "billing_not_active",
        "arrearage",
    }
)
_NOT_ITS_OWN: Final = frozenset({"input", "failed_generation", "flagged_input"})
"""Where an error repeats the request, or what the model wrote (Groq)."""
# But not what a chat template says, which LM Studio puts into quotation marks.
_QUOTED: Final = re.compile(r'(?<!jinja template: )"[^"\n]*\s[^"\n]*"')
_COUNTS: Final = {"n_ctx": "context", "n_prompt_tokens": "prompt"}
"""llama.cpp's fields, also behind Ollama and LM Studio."""
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal says."""

    unsupported: frozenset[Option] = frozenset()
    """Options that it clearly calls unsupported."""
    named: frozenset[Option] = frozenset()
    """Options that a field of the error names, whatever is wrong with them."""
    is_too_long: bool = False
    is_about_roles: bool = False
    is_filtered: bool = False
    has_no_model: bool = False
    has_no_credit: bool = False
    has_bad_key: bool = False
    is_of_gateways_key: bool = False
    """Of the key that a gateway has of the provider behind it, not of ours."""
    keeps_out: bool = False
    """By a rule of the network, whatever the key."""
    affords: int | None = None
    """For how many tokens of an answer there is credit, where it is for fewer than were asked for."""
    wants_stream: bool = False
    says_busy: bool = False
    """That it has too much to do now."""
    sizes: Sizes = field(default_factory=Sizes)


def read_refusal(status: int, body: object, *, prompt: Iterable[str], asked: int) -> Refusal:
    """What an endpoint says.

    Words of the *prompt* are not its own. *asked* is the limit of the answer in tokens that it was asked for.
    """
    sent, told = list(prompt), list(_tell(body, "", 0))
    codes = {value.lower() for key, value in told if key in {"code", "type", "blockReason"}}
    params = {value for key, value in told if key in {"param", "loc"}}
    words = "\n".join(value for key, value in told if key not in {"code", "type", "param", *_COUNTS})
    counts = {_COUNTS[key]: int(value) for key, value in told if key in _COUNTS}
    text = _own(words[:_MAX_TEXT], sent)
    named = frozenset(option for option in Option if any(_is_of(param, option) for param in params))
    text, schemas = re.subn(_SCHEMA_REFUSED, " ", text)
    is_too_long = status == 413 or bool(codes & _TOO_LONG_CODES) or re.search(_TOO_LONG, text) is not None  # noqa: PLR2004
    if status == TOO_MANY:
        is_too_long = re.search(_LARGER_THAN_RATE, text) is not None
    says_not = bool(codes & _UNSUPPORTED_CODES) or (re.search(_SAYS_NOT, text) is not None and not is_too_long)
    unsupported = {option for option, words in _UNSUPPORTED.items() if re.search(words, text)}
    if says_not:
        unsupported |= named
    if re.search(_OTHER_TEMPERATURE, text):
        unsupported.add(Option.TEMPERATURE)
    if schemas:
        unsupported.add(Option.JSON_SCHEMA)
    if re.search(_OTHER_ROLES, text):
        unsupported.add(Option.SYSTEM_ROLE)
    affords = re.search(_AFFORDS, text)
    if is_too_long and not codes & _UNSUPPORTED_CODES:
        unsupported -= set(LIMITS)  # "does not support max_tokens greater than"
    has_no_model = not codes.isdisjoint(_NO_MODEL_CODES) or re.search(_NO_MODEL, text) is not None
    return Refusal(
        unsupported=frozenset(unsupported),
        named=named if not is_too_long else frozenset(),
        is_too_long=is_too_long and not unsupported,
        is_about_roles=re.search(_ROLES, text) is not None,
        is_filtered=any(_is_filter(code) for code in codes) or re.search(_FILTER, text) is not None,
        has_no_model=has_no_model,
        has_no_credit=not codes.isdisjoint(_NO_CREDIT_CODES) or re.search(_NO_CREDIT, text) is not None,
        has_bad_key=re.search(_BAD_KEY, text) is not None,
        is_of_gateways_key=re.search(_BEHIND, text) is not None,
        keeps_out=not has_no_model
        and (re.search(_KEEPS_OUT, text) is not None or (status != _NO_KEY and re.search(_PAGE, text) is not None)),
        affords=int(affords[1]) if affords else None,
        wants_stream=re.search(_WANTS_STREAM, text) is not None,
        says_busy=re.search(_BUSY, text) is not None,
        sizes=Sizes(**counts) if "context" in counts else read_sizes(text, asked=asked, estimate=estimate_tokens(sent)),
    )


def _tell(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """The texts of an error's body with their keys, without what it repeats."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _NOT_ITS_OWN:
                yield from _tell(each, str(name), depth + 1)
    elif key == "loc" and isinstance(value, list | tuple):
        yield key, ".".join(map(str, value[:_MAX_DEPTH]))
    elif isinstance(value, list | tuple):
        for each in value[:20]:
            yield from _tell(each, key, depth + 1)
    elif isinstance(value, str):
        inner, start = _error_within(value)
        yield key, value[:start]
        yield from _tell(inner, key, depth + 1)
    elif key in _COUNTS and isinstance(value, int) and 0 < value <= _MOST_TOKENS:
        yield key, str(value)


def _error_within(text: str) -> tuple[Any, int]:
    """The error that a gateway quotes as JSON in *text*, and where it begins; without one, None and the end."""
    start = text.find("{")
    if start >= 0:
        with suppress(ValueError, RecursionError):
            inner, _ = _DECODER.raw_decode(text, start)
            if not inner.keys().isdisjoint(_ERROR_KEYS) and "messages" not in inner:
                return inner, start
    return None, len(text)


def _is_filter(code: str) -> bool:
    letters = re.sub(r"[\W_]", "", code)
    return letters in _FILTER_CODES or re.search(_FILTER_CODE, letters) is not None


def _is_of(param: str, option: Option) -> bool:
    if option is Option.SYSTEM_ROLE:
        return re.match(r"(?:body\.)?messages\b.*\brole$", param) is not None
    name = "response_format" if option in FORMATS else option.value
    return re.match(rf"(?:body\.)?{name}\b", param) is not None


def _own(text: str, prompt: list[str]) -> str:
    """*text* without quotations: runs of *prompt*, and words in quotation marks, which may be a short prompt."""
    text = _QUOTED.sub(lambda found: " " * len(found[0]), text)
    kept = bytearray(b"\x01" * len(text))
    pieces = set(_pieces(text))
    quoted = {piece for each in prompt for piece in _pieces(each) if piece in pieces}
    for start, piece in enumerate(_pieces(text)):
        if piece in quoted:
            kept[start : start + _QUOTE] = b"\x00" * _QUOTE
    return "".join(letter if keep else " " for letter, keep in zip(text, kept, strict=True))


def _pieces(text: str) -> Iterator[str]:
    """Each run of `_QUOTE` characters."""
    return (text[start : start + _QUOTE] for start in range(len(text) - _QUOTE + 1))
