"""What errors tell of a context's size and a prompt's, in the words of many servers (`model_servers` has their bodies)."""

from __future__ import annotations

import pytest

from app.integrations.asking import LEAST_TOKENS
from app.integrations.sizes import read_sizes

ASKED = 4_000


@pytest.mark.parametrize(
    ("says", "context", "prompt"),
    [
        ("This model's maximum context length is 4097 tokens. However, your messages resulted in 6988 tokens.", 4097, 6988),
        ("maximum context length is 8192 tokens. However, you requested 9192 tokens (5192 in the messages, 4000 in the completion).", 8192, 5192),
        ("maximum context length is 8000 tokens. You requested 4000 output tokens and your prompt contains at least 6000 input tokens, for a total of at least 10000 tokens.", 8000, 6000),
        ("You passed 5000 input tokens and requested 4000 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 96 tokens.", 4096, 5000),
        ("maximum context length is 8192 tokens. However, your prompt contains at least 8193 input tokens, which exceeds this limit even without any output tokens. (parameter=input_tokens, value=8193)", 8192, 8193),
        ("maximum context length is 8192 tokens. However, your prompt contains 40713 characters (more than 32768 characters, which is the upper bound for 8192 input tokens). (parameter=input_text, value=40713)", 8192, None),
        ("max_tokens=4000 cannot be greater than max_model_len=2048. Please request fewer output tokens. (parameter=max_tokens, value=4000)", 2048, None),
        ("'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and your request has 3900 input tokens (4000 > 4096 - 3900).", 4096, 3900),
        ("The decoder prompt (length 10127) is longer than the maximum model length of 8192.", 8192, 10127),
        ("The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: 4096).", 4096, 13055),
        ("Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens", 4096, 15857),
        ("Prompt contains 40000 tokens, too large for model with 32768 maximum context length", 32768, 40000),
        ("Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length", 32768, 40000),
        ("prompt is too long: 208310 tokens > 200000 maximum", 200000, 208310),
        ("input length and `max_tokens` exceed context limit: 197413 + 4000 > 200000, decrease input length", 200000, 197413),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).", 1048575, 1200000),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3900 `inputs` tokens and 4000 `max_new_tokens`", 4096, 3900),
        ("`inputs` must have less than 4096 tokens. Given: 4545", 4096, 4545),
        ("The input (61709 tokens) is longer than the model's context length (40960 tokens).", 40960, 61709),
        ("maximum context length of 64000 tokens. You requested a total of 65897 tokens: 61897 tokens from the input messages and 4000 tokens for the completion.", 64000, 61897),
        ("tokens per minute (TPM): Limit 6000, Requested 6294, please reduce your message size", 6000, 2294),
        ("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 4096, 5000),
        ("This endpoint's maximum context length is 32768 tokens. However, you requested about 50000 tokens (46000 of text input, 4000 in the output).", 32768, 46000),
        ("maximum context length is 8191 tokens, however you requested 8238 tokens (8238 in your prompt; 0 for the completion)", 8191, 8238),
        ("Your request exceeded model token limit: 262144 (requested: 300000)", 262144, 296000),
        ("Input length 6491 exceeds context length 1500", 1500, 6491),
        ("This model's maximum prompt length is 131072 but the request contains 537812 tokens", 131072, 537812),
        ("Request length 71599 + 4000 is greater than max_seq_len 65536", 65536, 71599),
        ("The sum of prompt length (9351.0), query length (0) should not exceed max_num_tokens (8192)", 8192, 9351),
        ("The provided prompt is 4309 tokens long, so generating 1 tokens requires a sequence length of 4310, but the maximum supported sequence length is just 4096!", 4096, 4310),
        ("Range of input length should be [1, 129024]", 129024, None),
        ("The input token count exceeds the maximum number of tokens allowed (1048576).", 1048576, None),
        ("prompt too long; exceeded max context length by 4096 tokens", None, None),
        ("Context size has been exceeded", None, None),
        ("max_tokens must be at least 1, got -404", None, None),
        ("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]", 30720, None),
        ("<html><head><title>413 Request Entity Too Large</title></head></html>", None, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_the_context_is_told_from_the_prompt(says: str, context: int | None, prompt: int | None) -> None:
    sizes = read_sizes(says, asked=ASKED)
    assert (sizes.context, sizes.prompt) == (context, prompt)
    if context and prompt:
        share = sizes.share(estimate=1)
        assert share is not None
        assert prompt * share <= context - min(LEAST_TOKENS, context // 3)
        assert sizes.room(ASKED) == context - prompt


@pytest.mark.parametrize(
    ("says", "room"),
    [
        ("max_tokens is too large: 4000. This model supports at most 2048 completion tokens.", 2048),
        ("This model does not support max_tokens greater than 2048.", 2048),
        ("the valid range of max_tokens is [1, 2048]", 2048),
        ("nothing of use", 1000),
    ],
)
def test_the_most_that_an_answer_may_have_is_asked_for(says: str, room: int) -> None:
    assert read_sizes(says, asked=ASKED).room(ASKED) == room


def test_a_size_that_is_not_told_is_taken_from_the_prompt_that_was_sent() -> None:
    sizes = read_sizes("Range of input length should be [1, 6000]", asked=ASKED)
    assert sizes.share(estimate=9_000) == (6_000 - 1_500) / 9_000


def test_a_prompt_that_was_counted_only_as_far_as_the_limit_is_as_long_as_its_estimate() -> None:
    says = "maximum context length is 8192 tokens. However, your prompt contains at least 8193 input tokens, which exceeds this limit"
    assert read_sizes(says, asked=ASKED, estimate=20_000).prompt == 20_000
