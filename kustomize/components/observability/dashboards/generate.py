"""Writes Grafana's dashboards, this folder's JSON, from the tables below: `make dashboards`.

A panel is a title, a unit, and its queries with their legends; panels of one row share its width. Colours, axes and
ids come from here, so that four dashboards look like one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
_WIDTH: Final = 24
_HEIGHTS: Final = {"stat": 4, "timeseries": 8}

Json = dict[str, Any]
Queries = dict[str, str]


def stat(title: str, unit: str, query: str, *, limits: tuple[tuple[float, str], ...] = ()) -> Json:
    """One number; *limits* are its colours from each value on."""
    steps = [{"value": None, "color": "green"}, *({"value": value, "color": color} for value, color in limits)]
    return _panel("stat", title, unit, {"": query}, thresholds=steps, options={"colorMode": "background"})


def lines(title: str, unit: str, queries: Queries, *, is_stacked: bool = False) -> Json:
    """Lines over time; *queries* by their legends. Points link to traces where an exemplar is there."""
    custom = {"fillOpacity": 20, "stacking": {"mode": "normal"}} if is_stacked else {"fillOpacity": 0}
    return _panel("timeseries", title, unit, queries, custom=custom, options={"tooltip": {"mode": "multi"}})


def _panel(
    kind: str,
    title: str,
    unit: str,
    queries: Queries,
    *,
    options: Json,
    thresholds: list[Json] | None = None,
    custom: Json | None = None,
) -> Json:
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [
        {"refId": chr(ord("A") + number), "datasource": source, "expr": query, "legendFormat": legend, "exemplar": True}
        for number, (legend, query) in enumerate(queries.items())
    ]
    defaults: Json = {"unit": unit, "min": 0}
    if thresholds:
        defaults["thresholds"] = {"mode": "absolute", "steps": thresholds}
    if custom:
        defaults["custom"] = custom
    return {
        "type": kind,
        "title": title,
        "datasource": source,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def dashboard(name: str, title: str, rows: list[list[Json]], *, variables: list[Json] | None = None) -> Json:
    """A dashboard whose *rows* stand below each other."""
    panels, top = [], 0
    for row in rows:
        width = _WIDTH // len(row)
        height = max(_HEIGHTS[panel["type"]] for panel in row)
        for number, panel in enumerate(row):
            place = {"x": number * width, "y": top, "w": width, "h": height}
            panels.append({"id": len(panels) + 1, "gridPos": place, **panel})
        top += height
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": f"ai-agents-{name}",
        "title": f"AI Agents: {title}",
        "tags": ["ai-agents"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "links": [{"type": "dashboards", "title": "AI Agents", "tags": ["ai-agents"], "keepTime": True}],
        "templating": {"list": [source, *(variables or [])]},
        "panels": panels,
    }


def quantile(share: float, name: str, *, by: str = "", where: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({name}_bucket{where}[$__rate_interval])))"


def rate(name: str, *by: str, where: str = "") -> str:
    return f"sum by ({', '.join(by)}) (rate({name}{where}[$__rate_interval]))"


_OURS: Final = '{tenant="$tenant"}'
_TENANT: Final = {
    "name": "tenant",
    "type": "query",
    "label": "Tenant",
    "datasource": {"type": "prometheus", "uid": "${datasource}"},
    "query": "label_values(deliveries_failed, tenant)",
    "refresh": 2,
    "sort": 1,
}
_LATE: Final = ((60, "orange"), (120, "red"))
_WEBHOOK: Final = '{job="ai-agents-api",route="/webhook/servicedesk"}'


def overview() -> Json:
    """Whether the service works, over all tenants."""
    return dashboard(
        "overview",
        "Overview",
        [
            [
                stat("Success, 30 min", "percentunit", "enhancement_success_rate"),
                stat("Webhook to note, p95", "s", "enhancement_duration_seconds:p95", limits=_LATE),
                stat("Backlog", "short", "max(delivery_backlog)", limits=((100, "orange"), (1000, "red"))),
                stat(
                    "Oldest pending",
                    "s",
                    "max(delivery_oldest_pending_seconds)",
                    limits=((300, "orange"), (600, "red")),
                ),
                stat("Failed deliveries", "short", "sum(max by (tenant) (deliveries_failed))", limits=((1, "red"),)),
                stat(
                    "Open circuits", "short", "sum(max by (tenant, dependency) (circuit_open))", limits=((1, "orange"),)
                ),
            ],
            [
                lines(
                    "Burn of 1 % bad notes, 5 % late notes (1: all used in 30 days)",
                    "none",
                    {"bad, 1 h": "slo:enhanced:bad_ratio_1h / 0.01", "late, 1 h": "slo:on_time:bad_ratio_1h / 0.05"},
                ),
                lines("Backlog drains within", "s", {"drain time": "delivery_backlog:drain_seconds"}),
            ],
            [
                lines(
                    "Webhooks by outcome",
                    "reqps",
                    {"{{outcome}}": rate("webhook_deliveries_total", "outcome")},
                    is_stacked=True,
                ),
                lines(
                    "Deliveries by outcome",
                    "ops",
                    {"{{outcome}}": rate("enhancements_total", "outcome")},
                    is_stacked=True,
                ),
            ],
            [
                lines(
                    "Webhook to note",
                    "s",
                    {
                        f"p{int(each * 100)}": quantile(each, "enhancement_duration_seconds")
                        for each in (0.5, 0.95, 0.99)
                    },
                ),
                lines(
                    "Acknowledgement",
                    "s",
                    {
                        f"p{int(each * 100)}": quantile(each, "http_request_duration_seconds", where=_WEBHOOK)
                        for each in (0.5, 0.95, 0.99)
                    },
                ),
            ],
            [
                lines(
                    "Answers of the API",
                    "reqps",
                    {"{{status}}": rate("http_requests_total", "status", where='{job="ai-agents-api"}')},
                ),
                lines("Processes up", "short", {"{{job}}": 'sum by (job) (up{job=~"ai-agents-(api|worker)"})'}),
            ],
        ],
    )


def tenant() -> Json:
    """One tenant, chosen above the panels."""
    return dashboard(
        "tenant",
        "Tenant",
        [
            [
                stat("Success, 30 min", "percentunit", f"tenant:enhancement_success_rate{_OURS}"),
                stat("Webhook to note, p95", "s", f"tenant:enhancement_duration_seconds:p95{_OURS}", limits=_LATE),
                stat("Waiting", "short", f"max(tenant_backlog{_OURS})"),
                stat("Oldest pending", "s", f"max(tenant_oldest_pending_seconds{_OURS})", limits=((600, "red"),)),
                stat("Failed deliveries", "short", f"max(deliveries_failed{_OURS})", limits=((1, "red"),)),
                stat(
                    "Since the last sync",
                    "s",
                    f"time() - max(last_sync_timestamp_seconds{_OURS})",
                    limits=((7200, "red"),),
                ),
            ],
            [
                lines(
                    "Webhooks",
                    "reqps",
                    {
                        "{{outcome}}": rate("webhook_deliveries_total", "outcome", where=_OURS),
                        "missed, found by the sync": f"sum(rate(webhooks_missed_total{_OURS}[$__rate_interval]))",
                    },
                ),
                lines(
                    "Deliveries by outcome",
                    "ops",
                    {"{{outcome}}": rate("enhancements_total", "outcome", where=_OURS)},
                    is_stacked=True,
                ),
            ],
            [
                lines(
                    "Circuits (1: open)",
                    "none",
                    {
                        "{{dependency}}": f"max by (dependency) (circuit_open{_OURS})",
                        "paused": f"max(tenant_paused{_OURS})",
                        "rate limited": f"max(tenant_rate_limited{_OURS})",
                    },
                ),
                lines(
                    "Calls to ServiceDesk Plus",
                    "ops",
                    {"{{outcome}}": rate("help_desk_calls_total", "outcome", where=_OURS)},
                ),
            ],
            [
                lines("Tokens", "short", {"{{kind}}": rate("llm_tokens_total", "kind", where=_OURS)}),
                lines("Budget used", "percentunit", {"{{budget}}": f"max by (budget) (llm_budget_used_ratio{_OURS})"}),
            ],
        ],
        variables=[_TENANT],
    )


def cost() -> Json:
    """What models cost."""
    return dashboard(
        "cost",
        "Cost and tokens",
        [
            [
                stat("Spent, 24 h", "currencyUSD", "sum(increase(llm_cost_usd_total[24h]))"),
                stat("Spent, 30 d", "currencyUSD", "sum(increase(llm_cost_usd_total[30d]))"),
                stat("Tokens, 24 h", "short", "sum(increase(llm_tokens_total[24h]))"),
                stat(
                    "A note, 24 h",
                    "currencyUSD",
                    "sum(increase(llm_cost_usd_total[24h]))"
                    ' / sum(increase(enhancements_total{outcome="enhanced"}[24h]))',
                ),
            ],
            [
                lines(
                    "USD an hour by tenant",
                    "currencyUSD",
                    {"{{tenant}}": "sum by (tenant) (rate(llm_cost_usd_total[1h])) * 3600"},
                    is_stacked=True,
                ),
                lines(
                    "USD an hour by model",
                    "currencyUSD",
                    {"{{model}}": "sum by (model) (rate(llm_cost_usd_total[1h])) * 3600"},
                    is_stacked=True,
                ),
            ],
            [
                lines(
                    "Tokens a second by model",
                    "short",
                    {"{{model}} {{kind}}": rate("llm_tokens_total", "model", "kind")},
                    is_stacked=True,
                ),
                lines(
                    "Budget used",
                    "percentunit",
                    {"{{tenant}} {{budget}}": "max by (tenant, budget) (llm_budget_used_ratio)"},
                ),
            ],
        ],
    )


def dependencies() -> Json:
    """What the service needs of others."""
    return dashboard(
        "dependencies",
        "Dependencies",
        [
            [
                lines(
                    "Open circuits, tenants",
                    "short",
                    {"{{dependency}}": "sum by (dependency) (max by (tenant, dependency) (circuit_open))"},
                ),
                lines(
                    "ServiceDesk Plus, calls",
                    "ops",
                    {"{{outcome}}": rate("help_desk_calls_total", "outcome")},
                    is_stacked=True,
                ),
            ],
            [
                lines("Model, answers", "ops", {"{{model}} {{outcome}}": rate("llm_calls_total", "model", "outcome")}),
                lines("Model, p95", "s", {"{{model}}": quantile(0.95, "llm_call_duration_seconds", by="model")}),
            ],
            [
                lines(
                    "Context by outcome",
                    "ops",
                    {"{{source}} {{outcome}}": rate("context_gathering_total", "source", "outcome")},
                ),
                lines(
                    "Context, p95",
                    "s",
                    {"{{source}}": quantile(0.95, "context_gathering_duration_seconds", by="source")},
                ),
            ],
            [
                lines("Redis, unread rings", "short", {"rings": "max(redis_queue_depth)"}),
                lines(
                    "PostgreSQL, what it cost",
                    "ops",
                    {
                        "{{outcome}} webhooks": rate(
                            "webhook_deliveries_total", "outcome", where='{outcome="ledger_unavailable"}'
                        ),
                        "{{outcome}} attempts": rate(
                            "enhancements_total", "outcome", where='{outcome="left_to_lease"}'
                        ),
                        "leases lost": "sum(rate(delivery_leases_lost_total[$__rate_interval]))",
                    },
                ),
            ],
        ],
    )


def dashboards() -> dict[str, Json]:
    """Each dashboard by the name of its file."""
    return {"overview": overview(), "tenant": tenant(), "cost": cost(), "dependencies": dependencies()}


def text_of(content: Json) -> str:
    """A panel a line, so that a change shows which."""
    rest = json.dumps({key: value for key, value in content.items() if key != "panels"}, ensure_ascii=False)
    panels = ",\n".join(json.dumps(panel, ensure_ascii=False) for panel in content["panels"])
    return f'{rest[:-1]}, "panels": [\n{panels}\n]}}\n'


if __name__ == "__main__":
    for name, content in dashboards().items():
        (FOLDER / f"{name}.json").write_text(text_of(content), "utf-8")
