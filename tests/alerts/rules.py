"""The rules as Prometheus reads them: the specs of the PrometheusRules that are deployed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "kustomize/components/observability/rules"
RUNBOOKS: Final = ROOT / "docs/runbooks"

Rule = dict[str, Any]


@cache
def load_groups() -> list[dict[str, Any]]:
    """The groups of every PrometheusRule, as production has them. Read once: whoever changes one copies it first."""
    texts = [
        path.read_text("utf-8").replace("set-by-environment", "production") for path in sorted(FOLDER.glob("*.yaml"))
    ]
    objects = [yaml.load(text, yaml.CSafeLoader) for text in texts]
    return [group for each in objects if each["kind"] == "PrometheusRule" for group in each["spec"]["groups"]]


def load_rules() -> list[Rule]:
    return [rule for group in load_groups() for rule in group["rules"]]


def load_alerts() -> dict[str, Rule]:
    """Each alert by its name."""
    return {rule["alert"]: rule for rule in load_rules() if "alert" in rule}
