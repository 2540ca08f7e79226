"""All metrics. Labels have few values: a tenant's slug may be a label, a ticket or a job must not.

A process exposes the metrics that it used: the API those of webhooks, a worker those of enhancements. `HTTP_*` have the
route's template as label, never the path of a request.
"""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder

# `…_created` would be a second series for each counter, which no panel and no alert uses.
disable_created_metrics()  # type: ignore[no-untyped-call]

HTTP_REQUESTS = Counter("http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds",
    "From the request's arrival to the end of its answer.",
    ["method", "route"],
    # The answer to a webhook takes about 5 ms.
    buckets=(0.001, 0.0025, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
WEBHOOK_DELIVERIES = Counter(
    "webhook_deliveries_total",
    "Webhook calls by outcome: accepted, malformed, suspended, ledger_unavailable; without a tenant: unauthenticated,"
    " body_not_received, overloaded.",
    ["tenant", "outcome"],
)
ENHANCEMENTS = Counter(
    "enhancements_total",
    "Settled deliveries by outcome: enhanced; context_only (nothing was found, or the budget is used up); degraded (a"
    " note without the model's words, or without any source, that should have them); shadowed (written and not posted:"
    " the tenant is in shadow mode); ignored; failed. And attempts that will be tried again: retried, throttled, held"
    " (without a loss of attempts: the code of attempts_without_note_total says what it waits for), left_to_lease,"
    " lease_lost.",
    ["tenant", "outcome"],
)
ATTEMPTS_WITHOUT_NOTE = Counter(
    "attempts_without_note_total",
    "Attempts that led to no note, by the code of why; docs/errors.md explains each.",
    ["tenant", "code"],
)
SETTLED = ("enhanced", "context_only", "degraded", "shadowed", "ignored", "failed")
"""The outcomes that end a delivery. Each starts at 0 for every tenant, so that `rate` sees the first one."""
WEBHOOKS_MISSED = Counter(
    "webhooks_missed_total",
    "Settled deliveries that the sync made, of tickets whose webhook had not arrived.",
    ["tenant"],
)
ENHANCEMENT_SECONDS = Histogram(
    "enhancement_duration_seconds",
    "From the webhook's acceptance to the note on the ticket.",
    ["tenant"],
    # With bounds at the objective, 60 s, and at the limit, 120 s, so that both are counted exactly.
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 300, 900, 3600),
)
CONTEXT_SECONDS = Histogram(
    "context_gathering_duration_seconds",
    "Gathering one kind of context.",
    ["source"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CONTEXT_OUTCOMES = Counter(
    "context_gathering_total", "Gatherings by outcome: ok, empty, unavailable.", ["source", "outcome"]
)
# The label `model` is the configured name, not the one in an answer, which an endpoint may change at will.
LLM_TOKENS = Counter("llm_tokens_total", "Tokens used; kind is prompt or completion.", ["tenant", "model", "kind"])
LLM_COST_USD = Counter("llm_cost_usd_total", "What the model's known prices make of the tokens.", ["tenant", "model"])
LLM_CALLS = Counter(
    "llm_calls_total",
    "Answers asked of a model by outcome: answered, unavailable, refused.",
    ["tenant", "model", "outcome"],
)
LLM_LEFT_OUT = Counter(
    "llm_options_left_out_total",
    "Answers of a model that had to be asked without an option, because its endpoint refuses it: json_schema (strict"
    " structured output), json_object, max_tokens, max_completion_tokens, temperature, system_role.",
    ["model", "option"],
)
LLM_SECONDS = Histogram(
    "llm_call_duration_seconds",
    "One answer of a model, repeated calls of the client included.",
    ["model"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45),
)
EMBEDDING_CALLS = Counter(
    "embedding_calls_total",
    "Vectors asked for by outcome: answered, unavailable, refused. Without a ticket's, the search goes by words alone.",
    ["model", "outcome"],
)
EMBEDDING_SECONDS = Histogram(
    "embedding_duration_seconds",
    "Vectors of one ticket that is enhanced, or of one batch of the sync.",
    ["model"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
LLM_BUDGET_USED = Gauge(
    "llm_budget_used_ratio",
    "Of each of the tenant's budgets, how much is used; budget is daily_token_budget, monthly_token_budget,"
    " daily_budget_usd or monthly_budget_usd. 1 or more: notes hold the gathered context alone. A budget in money is 1"
    " also where the model has no price.",
    ["tenant", "budget"],
)
LLM_UNPRICED = Gauge(
    "llm_price_unknown",
    "1 for each model of a tenant whose price is not known: its cost is not counted.",
    ["tenant", "model"],
)
HELP_DESK_CALLS = Counter(
    "help_desk_calls_total",
    "Calls to ServiceDesk Plus by outcome: ok, throttled, refused, unavailable.",
    ["tenant", "outcome"],
)
LAST_SYNC = Gauge(
    "last_sync_timestamp_seconds",
    "When the last sync that read all of the tenant's tickets began, or before there is one its first sync.",
    ["tenant"],
)
QUEUE_DEPTH = Gauge("redis_queue_depth", "Rings on the stream that no worker has read yet.")
BACKLOG = Gauge("delivery_backlog", "Deliveries that are due and not claimed, over all tenants.")
OLDEST_PENDING_SECONDS = Gauge("delivery_oldest_pending_seconds", "Age of the oldest delivery that is not settled.")
TENANT_WAITING = Gauge("tenant_backlog", "The tenant's deliveries that are due and not claimed.", ["tenant"])
TENANT_OLDEST_SECONDS = Gauge(
    "tenant_oldest_pending_seconds", "Age of the tenant's oldest delivery that is not settled.", ["tenant"]
)
FAILED_NOW = Gauge("deliveries_failed", "Failed deliveries that no operator has replayed or dismissed.", ["tenant"])
CIRCUIT_OPEN = Gauge(
    "circuit_open",
    "1 while the dependency's circuit is open: help_desk holds the tenant's deliveries back; model and monitoring are"
    " not asked for its notes.",
    ["tenant", "dependency"],
)
TENANT_PAUSED = Gauge(
    "tenant_paused", "1 while an operator holds the tenant's deliveries back; the tenant is empty for all.", ["tenant"]
)
TENANT_RATE_LIMITED = Gauge(
    "tenant_rate_limited", "1 while the tenant's deliveries wait because its calls are used up.", ["tenant"]
)
LEASES_LOST = Counter("delivery_leases_lost_total", "Attempts that went on past their lease and gave way to another.")
STRAY_ROWS = Gauge(
    "stray_rows",
    "Rows of a shared help desk that belong to no tenant, as its syncs of the last day counted them; kind is tickets,"
    " articles or assets.",
    ["instance", "kind"],
)
TENANT_FILES_BAD = Gauge("tenant_file_bad", "1 while a tenant's file or secret can't be used.", ["tenant"])


def expose(accept: str) -> tuple[bytes, str]:
    """All metrics in the format that *accept* asks for, and its content type. Only OpenMetrics has exemplars."""
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type
