"""When each alert must fire, and what comes close and must not make it fire.

Series are promtool's: `value+step x times`, a value each `step`. A case without labels of its own fires for the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    fires: Series
    rests: Series
    at: str
    """When both are looked at."""
    labels: dict[str, str] = field(default_factory=dict)
    """Beside the severity."""
    step: str = "1m"
    """Days are looked at in larger steps: promtool evaluates every rule at each."""


ACME: Final = {"tenant": "acme"}
_WEBHOOK: Final = 'job="ai-agents-api",route="/webhook/servicedesk"'
_SYNC: Final = 'dest_namespace="production"'
_JOB: Final = 'namespace="production",condition="true"'


def _outcomes(enhanced: int, failed: int, *, steps: int) -> Series:
    """Deliveries a step."""
    return {
        'enhancements_total{tenant="acme",outcome="enhanced"}': f"0+{enhanced}x{steps}",
        'enhancements_total{tenant="acme",outcome="failed"}': f"0+{failed}x{steps}",
    }


def _notes(within: dict[str, int], *, steps: int) -> Series:
    """Notes a step that took no longer than each bound."""
    name = "enhancement_duration_seconds"
    buckets = {f'{name}_bucket{{tenant="acme",le="{bound}"}}': f"0+{each}x{steps}" for bound, each in within.items()}
    return {**buckets, f'{name}_count{{tenant="acme"}}': f"0+{within['+Inf']}x{steps}"}


_SLOW: Final = _notes({"45.0": 0, "60.0": 8, "90.0": 10, "120.0": 10, "+Inf": 10}, steps=60)
_VERY_SLOW: Final = _notes({"60.0": 0, "90.0": 0, "120.0": 5, "300.0": 10, "+Inf": 10}, steps=60)
_IN_TIME: Final = _notes({"30.0": 10, "45.0": 10, "60.0": 10, "90.0": 10, "120.0": 10, "+Inf": 10}, steps=300)
_HALF_LATE: Final = _notes({"60.0": 1, "120.0": 10, "+Inf": 10}, steps=500)
_SOME_LATE: Final = _notes({"60.0": 9, "120.0": 10, "+Inf": 10}, steps=300)

CASES: Final[dict[str, Case]] = {
    "AiAgentsApiDown": Case(
        fires={'up{job="ai-agents-api",pod="a"}': "1 0x10"},
        rests={'up{job="ai-agents-api",pod="a"}': "0x10", 'up{job="ai-agents-api",pod="b"}': "1x10"},
        at="5m",
    ),
    "AiAgentsApiErrors": Case(
        fires={
            f'http_requests_total{{{_WEBHOOK},status="202"}}': "0+90x20",
            f'http_requests_total{{{_WEBHOOK},status="503"}}': "0+10x20",
        },
        rests={
            f'http_requests_total{{{_WEBHOOK},status="202"}}': "0+96x20",
            f'http_requests_total{{{_WEBHOOK},status="503"}}': "0+4x20",
            # What is wrong with a caller, or what a probe is told, is no error of ours.
            f'http_requests_total{{{_WEBHOOK},status="401"}}': "0+50x20",
            'http_requests_total{job="ai-agents-api",route="/health",status="503"}': "0+50x20",
            'http_requests_total{job="another",route="/webhook/servicedesk",status="503"}': "0+500x20",
        },
        at="15m",
    ),
    "AiAgentsWorkersAbsent": Case(
        fires={'up{job="ai-agents-api"}': "1x10"},
        rests={'up{job="ai-agents-worker"}': "1x10"},
        at="5m",
    ),
    "AiAgentsDeliveriesTooOld": Case(
        fires={
            'tenant_oldest_pending_seconds{tenant="acme",pod="a"}': "0+60x30",
            'tenant_oldest_pending_seconds{tenant="paused"}': "0+60x30",
            'circuit_open{tenant="acme",dependency="help_desk"}': "0x30",
            'tenant_paused{tenant="paused"}': "1x30",
            'tenant_paused{tenant=""}': "0x30",
        },
        rests={
            'tenant_oldest_pending_seconds{tenant="acme"}': "0+60x30",
            'tenant_paused{tenant=""}': "1x30",
            'tenant_oldest_pending_seconds{tenant="other"}': "590x30",
        },
        at="20m",
        labels=ACME,
    ),
    "AiAgentsBacklogTooLong": Case(
        fires={"delivery_backlog": "200x30", **_outcomes(10, 0, steps=30)},
        rests={"delivery_backlog": "140x30", **_outcomes(10, 0, steps=30)},
        at="20m",
    ),
    "AiAgentsDeliveryFailed": Case(
        fires={
            'deliveries_failed{tenant="acme",pod="a"}': "0 0 1",
            'deliveries_failed{tenant="acme",pod="b"}': "0 0 1",
        },
        rests={'deliveries_failed{tenant="acme"}': "0 1 0"},
        at="2m",
        labels=ACME,
    ),
    "AiAgentsWebhooksMissing": Case(
        fires={
            **_outcomes(3, 0, steps=90),
            'webhooks_missed_total{tenant="acme",pod="a"}': "0+1x90",
            'webhooks_missed_total{tenant="acme",pod="b"}': "0+1x90",
        },
        rests={
            **_outcomes(3, 0, steps=90),
            'webhooks_missed_total{tenant="acme"}': "0+1x90",
            # Two tickets of a client that has hardly any.
            'enhancements_total{tenant="small",outcome="enhanced"}': "0x40 1x20 2x30",
            'webhooks_missed_total{tenant="small"}': "0x40 1x20 2x30",
        },
        at="75m",
        labels=ACME,
    ),
    "AiAgentsSuccessRateLow": Case(fires=_outcomes(9, 1, steps=60), rests=_outcomes(96, 4, steps=60), at="45m"),
    "AiAgentsNotesSlow": Case(fires=_SLOW, rests=_IN_TIME, at="30m"),
    "AiAgentsNotesVerySlow": Case(fires=_VERY_SLOW, rests=_SLOW, at="30m"),
    "AiAgentsHelpDeskFailing": Case(
        fires={'circuit_open{tenant="acme",dependency="help_desk"}': "0 1x10"},
        rests={
            'circuit_open{tenant="acme",dependency="help_desk"}': "1 1 0x10",
            'tenant_rate_limited{tenant="acme"}': "1x10",
        },
        at="4m",
        labels=ACME,
    ),
    "AiAgentsStrayRows": Case(
        fires={
            'stray_rows{instance="main",kind="tickets",pod="a"}': "0+0x5 4x100 40x60",
            'stray_rows{instance="main",kind="tickets",pod="b"}': "4x100 40x60",
            'stray_rows{instance="main",kind="assets"}': "5000x160",
        },
        rests={
            'stray_rows{instance="main",kind="tickets"}': "4x100 18x60",
            # The first sync of a new shared help desk, within its first hour.
            'stray_rows{instance="new",kind="tickets"}': "_x110 0x5 900x60",
        },
        at="140m",
        labels={"instance": "main", "kind": "tickets"},
    ),
    "AiAgentsModelFailing": Case(
        fires={'circuit_open{tenant="acme",dependency="model"}': "0 1x10"},
        rests={
            'circuit_open{tenant="acme",dependency="model"}': "1 1 0x10",
            'circuit_open{tenant="acme",dependency="monitoring"}': "1x10",
        },
        at="4m",
        labels=ACME,
    ),
    "AiAgentsSyncStale": Case(
        fires={'last_sync_timestamp_seconds{tenant="acme"}': "0x200"},
        rests={'last_sync_timestamp_seconds{tenant="acme"}': "3600x200"},
        at="150m",
        labels=ACME,
    ),
    "AiAgentsTenantFileBad": Case(
        fires={'tenant_file_bad{tenant="acme",job="ai-agents-api"}': "1x10"},
        rests={'tenant_file_bad{tenant="acme"}': "1 1 1 _x10"},
        at="9m",
        labels=ACME,
    ),
    "AiAgentsBudgetNearlyUsed": Case(
        fires={'llm_budget_used_ratio{tenant="acme",budget="daily_budget_usd"}': "0.8x10"},
        rests={
            'llm_budget_used_ratio{tenant="acme",budget="daily_budget_usd"}': "0.79x10",
            'llm_budget_used_ratio{tenant="spent",budget="daily_budget_usd"}': "1x10",
        },
        at="6m",
        labels={**ACME, "budget": "daily_budget_usd"},
    ),
    "AiAgentsBudgetUsed": Case(
        fires={'llm_budget_used_ratio{tenant="acme",budget="daily_budget_usd"}': "1.02x10"},
        rests={'llm_budget_used_ratio{tenant="acme",budget="daily_budget_usd"}': "0.99x10"},
        at="6m",
        labels={**ACME, "budget": "daily_budget_usd"},
    ),
    "AiAgentsCertificateExpiring": Case(
        fires={
            'certmanager_certificate_expiration_timestamp_seconds{name="ai-agents-tls",exported_namespace="production"}': f"{13 * 86400}x90"
        },
        rests={
            'certmanager_certificate_expiration_timestamp_seconds{name="ai-agents-tls",namespace="production"}': f"{15 * 86400}x90",
            'certmanager_certificate_expiration_timestamp_seconds{name="another",namespace="production"}': "0x90",
            # Another environment's, in the same cluster: nobody gets up for staging.
            'certmanager_certificate_expiration_timestamp_seconds{name="ai-agents-tls",namespace="staging"}': "0x90",
            'certmanager_certificate_expiration_timestamp_seconds{name="ai-agents-tls",exported_namespace="staging"}': "0x90",
        },
        at="70m",
        labels={"name": "ai-agents-tls"},
    ),
    "AiAgentsSecretSyncFailing": Case(
        fires={
            'externalsecret_status_condition{name="openai",exported_namespace="production",condition="Ready",status="False"}': "1x30"
        },
        rests={
            'externalsecret_status_condition{name="openai",namespace="production",condition="Ready",status="False"}': "0x30",
            'externalsecret_status_condition{name="openai",namespace="production",condition="Ready",status="True"}': "1x30",
            'externalsecret_status_condition{name="theirs",namespace="other",condition="Ready",status="False"}': "1x30",
        },
        at="20m",
        labels={"name": "openai"},
    ),
    "AiAgentsSyncWaiting": Case(
        fires={
            f'argocd_app_info{{name="production-workload",{_SYNC},operation="sync",sync_status="OutOfSync"}}': "1x3 stale",
            f'argocd_app_info{{name="production-workload",{_SYNC},operation="sync",sync_status="Synced"}}': "_x3 1x30",
        },
        rests={
            f'argocd_app_info{{name="production-workload",{_SYNC},operation="sync"}}': "1x10 stale",
            f'argocd_app_info{{name="production-workload",{_SYNC},operation=""}}': "_x10 1x30",
            'argocd_app_info{name="staging-workload",dest_namespace="staging",operation="sync"}': "1x40",
        },
        at="20m",
        labels={"name": "production-workload"},
    ),
    "AiAgentsMigrationFailed": Case(
        fires={f'kube_job_failed{{job_name="ai-agents-migrate",{_JOB}}}': "0 1"},
        rests={
            f'kube_job_failed{{job_name="ai-agents-migrate",{_JOB}}}': "0 0",
            f'kube_job_failed{{job_name="ai-agents-smoke",{_JOB}}}': "0 1",
        },
        at="1m",
    ),
    "AiAgentsSmokeFailed": Case(
        fires={f'kube_job_failed{{job_name="ai-agents-smoke",{_JOB}}}': "0 1"},
        rests={
            f'kube_job_failed{{job_name="ai-agents-smoke",{_JOB}}}': "0 0",
            f'kube_job_failed{{job_name="ai-agents-migrate",{_JOB}}}': "0 1",
        },
        at="1m",
    ),
    "AiAgentsEnhancedBurnFast": Case(fires=_outcomes(8, 2, steps=120), rests=_outcomes(95, 5, steps=120), at="90m"),
    "AiAgentsEnhancedBurnSlow": Case(
        fires=_outcomes(96, 4, steps=300), rests=_outcomes(1000, 9, steps=300), at="3d", step="20m"
    ),
    "AiAgentsOnTimeBurnFast": Case(fires=_HALF_LATE, rests=_SOME_LATE, at="90m"),
    "AiAgentsOnTimeBurnSlow": Case(fires=_SOME_LATE, rests=_IN_TIME, at="3d", step="20m"),
}
