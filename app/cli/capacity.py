"""The command that tells what a load needs."""

from __future__ import annotations

import math
from typing import Any, Final

import click

_MOST: Final = 1e12


class _Figure(click.FloatRange):
    """A number that can be computed with: `nan` is in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        figure = super().convert(value, param, ctx)
        if math.isnan(figure):
            self.fail(f"{value!r} is no number.", param, ctx)
        return float(figure)


@click.command()
@click.option(
    "--deliveries-per-hour", type=_Figure(min=0, min_open=True, max=_MOST), required=True, help="In the busiest hour."
)
@click.option(
    "--model-latency", type=_Figure(min=0, max=_MOST), default=8.0, show_default=True, help="Seconds for an answer."
)
@click.option("--concurrency", type=click.IntRange(1, 1000), default=128, show_default=True, help="WORKER_CONCURRENCY.")
@click.option(
    "--per-month", type=_Figure(min=0, max=_MOST), help="Deliveries a month; else 176 hours like the busiest."
)
@click.option(
    "--retention-days", type=click.IntRange(min=1), default=90, show_default=True, help="As in tenants' files."
)
@click.option("--model", default="gpt-4o-mini", show_default=True, help="For the price of its answers.")
@click.option("--prompt-tokens", type=click.IntRange(min=0), default=4000, show_default=True, help="Of a delivery.")
@click.option("--completion-tokens", type=click.IntRange(min=0), default=600, show_default=True, help="Of a delivery.")
@click.option(
    "--core-price",
    type=_Figure(min=0, max=_MOST),
    default=32.0,
    show_default=True,
    help="US dollars a month for a core with 4 GiB.",
)
def capacity(
    *,
    deliveries_per_hour: float,
    model_latency: float,
    concurrency: int,
    per_month: float | None,
    retention_days: int,
    model: str,
    prompt_tokens: int,
    completion_tokens: int,
    core_price: float,
) -> None:
    r"""What a load needs: pods, connections, Redis, PostgreSQL, and what it costs a month.

    From what was measured on one machine (docs/capacity.md); on other machines measure again: `make bench-throughput`.

    \b
    Example:
      ai-agents capacity --deliveries-per-hour 2000 --model-latency 6
    """
    from app.core.capacity import MEASURED, Load, needs_of
    from app.integrations.prices import cost_usd

    load = Load(
        deliveries_per_hour=deliveries_per_hour,
        model_s=model_latency,
        concurrency=concurrency,
        deliveries_per_month=per_month if per_month is not None else deliveries_per_hour * _WORKING_HOURS,
        retention_days=retention_days,
    )
    needs = needs_of(load)
    price = cost_usd("", model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
    cores = needs.worker_pods + needs.api_pods * _API_SHARE + max(needs.postgres_cores * 2, 1)
    rows = [
        ("deliveries a second in the busiest hour", f"{needs.per_second:.2f}"),
        ("deliveries in work at once", f"{needs.in_work:.0f}"),
        ("worker pods", f"{needs.worker_pods} of {needs.worker_mib:.0f} MiB, {concurrency} slots each"),
        ("API pods", f"{needs.api_pods}"),
        ("KEDA's targetQueryValue", f"{needs.keda_target} deliveries due a pod"),
        ("database connections", f"{needs.connections}, one pod more of each kind in a rollout"),
        ("PostgreSQL", f"{needs.postgres_cores:.2f} cores, {needs.wal_mib_per_second:.2f} MiB of WAL a second"),
        ("disk for deliveries and notes", f"{needs.disk_gib:.1f} GiB after {retention_days} days"),
        ("Redis", f"{needs.redis_mib:.1f} MiB if no worker reads for an hour"),
        ("compute a month", f"about {cores * core_price:,.0f} USD: {cores:.1f} cores at {core_price:g}"),
        ("model a month", _model_cost(model, price, load.deliveries_per_month)),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")
    if needs.per_second * MEASURED.worker_cpu_s > needs.in_work / concurrency:
        click.echo("\nWorkers are bound by CPU: more slots change nothing.")


_WORKING_HOURS = 176
# The API is idle most of the time: a pod is counted as a part of a core.
_API_SHARE = 0.25


def _model_cost(model: str, price: float | None, per_month: float) -> str:
    if price is None:
        return f"the price of {model} is not known"
    return f"about {price * per_month:,.0f} USD for {per_month:,.0f} deliveries with {model}"
