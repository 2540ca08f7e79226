"""The command `capacity`, as a person uses it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from app.cli import cli


def printed(*options: str) -> str:
    result = CliRunner().invoke(cli, ["capacity", "--deliveries-per-hour", "36000", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_it_says_what_a_load_needs() -> None:
    told = printed("--model-latency", "6")
    assert "deliveries a second in the busiest hour  10.00\n" in told
    assert "deliveries in work at once               63\n" in told
    assert "worker pods                              3 of 200 MiB, 128 slots each\n" in told


def test_where_the_cpu_is_the_limit_it_says_so() -> None:
    assert "bound by CPU" in printed("--model-latency", "0", "--concurrency", "200")
    assert "bound by CPU" not in printed("--model-latency", "30")


def test_a_model_without_a_price_is_told_and_is_not_free() -> None:
    assert "the price of our-own-7b is not known" in printed("--model", "our-own-7b")
    assert "USD for" in printed("--model", "gpt-4o-mini")


@pytest.mark.parametrize("option", ["--deliveries-per-hour", "--model-latency", "--per-month", "--core-price"])
@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "-1", "many"])
def test_a_number_that_cannot_be_computed_with_is_wrong_usage(option: str, value: str) -> None:
    result = CliRunner().invoke(cli, ["capacity", "--deliveries-per-hour", "100", option, value])
    assert result.exit_code == 2, result.output
    assert option in result.output
