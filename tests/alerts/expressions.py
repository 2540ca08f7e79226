"""Every expression that Prometheus is asked: of rules and of panels; and the metrics that each names."""

from __future__ import annotations

import json
import re
from typing import Final

from tests.alerts.rules import FOLDER, load_rules

DASHBOARDS: Final = FOLDER.parent / "dashboards"

OTHERS: Final = {
    "up": "Prometheus itself",
    "kube_job_failed": "kube-state-metrics, docs/metrics/workload/job-metrics.md",
    "certmanager_certificate_expiration_timestamp_seconds": "cert-manager, pkg/metrics",
    "externalsecret_status_condition": "External Secrets, https://external-secrets.io/latest/api/metrics/",
    "argocd_app_info": "Argo CD, https://argo-cd.readthedocs.io/en/stable/operator-manual/metrics/",
}
"""Metrics of other programs, and where each is documented."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACES: Final = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\boffset \w+")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()\b(?!\s*\()")
_WORDS: Final = {"and", "or", "unless", "bool", "inf", "nan", "sum", "max", "min"}


def expressions() -> dict[str, str]:
    """Each by where it stands, a dashboard's variables filled in."""
    found = {f"rule {rule.get('record') or rule['alert']}": rule["expr"] for rule in load_rules()}
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "5m").replace("$tenant", "acme")
                found[f"{path.stem}: {panel['title']}, {target['refId']}"] = query
    return found


def metrics_of(expression: str) -> set[str]:
    bare = _STRING.sub('""', expression)
    bare = _GROUPING.sub(" ", _BRACES.sub(" ", bare))
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}
