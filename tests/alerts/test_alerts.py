"""Each alert fires when it must and not when it need not, by Prometheus's own judgement; and has a page that helps."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from app.cli import cli
from tests.alerts.cases import CASES, Series
from tests.alerts.rules import FOLDER, RUNBOOKS, load_alerts, load_groups, load_rules
from tests.manifests.project import settings
from tests.manifests.rendering import WORKLOAD, of_kind, render

SECTIONS = ["## Meaning", "## Confirm", "## Act", "## Prevent"]


def run_promtool(folder: Path, tests: list[dict[str, Any]], *, step: str = "1m") -> None:
    """Run *tests* over the rules as they are deployed, but for the words of their annotations."""
    binary = shutil.which("promtool")
    if binary is None:
        pytest.skip("promtool is not installed (make test-machine installs it): the alerts are not tested")
    groups = deepcopy(load_groups())
    for group in groups:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    # What is recorded first: with steps of 20 minutes an alert sees no value of the step before.
    names = sorted((group["name"] for group in groups), key=lambda name: not name.endswith(("recording", "slo")))
    content = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": step,
        "group_eval_order": names,
        "tests": tests,
    }
    (folder / "tests.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    done = subprocess.run(
        [binary, "test", "rules", folder / "tests.yaml"],
        env={**os.environ, "GOGC": "400"},  # memory is there, and to free it is CPU time
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def given(series: Series) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


@pytest.mark.parametrize("step", sorted({case.step for case in CASES.values()}))
def test_each_alert_fires_when_it_must_and_not_when_it_need_not(tmp_path: Path, step: str) -> None:
    alerts = load_alerts()
    tests = []
    for name, case in CASES.items():
        if case.step != step:
            continue
        labels = {"severity": alerts[name]["labels"]["severity"], **case.labels}
        for series, expected in ((case.fires, [{"exp_labels": labels}]), (case.rests, [])):
            look = {"eval_time": case.at, "alertname": name, "exp_alerts": expected}
            tests.append({"interval": step, "input_series": given(series), "alert_rule_test": [look]})
    run_promtool(tmp_path, tests, step=step)


@pytest.mark.parametrize("label", ["namespace", "exported_namespace"])
def test_a_secret_of_argo_cd_that_fails_is_told_of(tmp_path: Path, label: str) -> None:
    """By it Slack hears of a release, and GitHub that staging passed: else both end without a word."""
    series = f'externalsecret_status_condition{{name="argocd-notifications-secret",{label}="argocd",condition="Ready",status="False"}}'
    fired = {"exp_labels": {"severity": "warning", "name": "argocd-notifications-secret"}}
    look = {"eval_time": "20m", "alertname": "AiAgentsSecretSyncFailing", "exp_alerts": [fired]}
    run_promtool(tmp_path, [{"interval": "1m", "input_series": given({series: "1x30"}), "alert_rule_test": [look]}])


def test_what_is_recorded_is_right(tmp_path: Path) -> None:
    series = {
        'enhancements_total{tenant="acme",outcome="enhanced"}': "0+6x60",
        'enhancements_total{tenant="acme",outcome="context_only"}': "0+3x60",
        'enhancements_total{tenant="acme",outcome="degraded"}': "0+1x60",
        'enhancements_total{tenant="acme",outcome="ignored"}': "0+5x60",
        'enhancements_total{tenant="acme",outcome="retried"}': "0+90x60",
        'enhancements_total{tenant="other",outcome="failed"}': "0+10x60",
        'delivery_backlog{pod="a"}': "50x60",
        'delivery_backlog{pod="b"}': "49x60",
        'enhancement_duration_seconds_bucket{tenant="acme",le="30.0"}': "0+9x60",
        'enhancement_duration_seconds_bucket{tenant="acme",le="60.0"}': "0+10x60",
        'enhancement_duration_seconds_bucket{tenant="acme",le="+Inf"}': "0+10x60",
    }
    expected = {
        "enhancement_success_rate": (9 / 20, {}),
        "tenant:enhancement_success_rate": (9 / 10, {"tenant": "acme"}),
        "delivery_backlog:drain_seconds": (50 / (25 / 60), {}),
        "enhancement_duration_seconds:p95": (45, {}),
        "tenant:enhancement_duration_seconds:p95": (45, {"tenant": "acme"}),
        "slo:enhanced:bad_ratio_1h": (11 / 20, {}),
    }
    looks = []
    for name, (value, labels) in expected.items():
        inner = ", ".join(f'{label}="{each}"' for label, each in labels.items())
        sample = {"labels": "{" + inner + "}", "value": round(value, 6)}
        expression = f"round({name}{{{inner}}}, 0.000001)" if labels else f"round({name}, 0.000001)"
        looks.append({"expr": expression, "eval_time": "40m", "exp_samples": [sample]})
    run_promtool(tmp_path, [{"interval": "1m", "input_series": given(series), "promql_expr_test": looks}])


def test_every_alert_has_a_case_and_a_runbook_and_every_case_and_runbook_an_alert() -> None:
    alerts = load_alerts()
    assert len(alerts) > 20
    assert set(CASES) == set(alerts)
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(alerts)
    assert sum("alert" in rule for rule in load_rules()) == len(alerts), "each name once"


@pytest.mark.parametrize("name", sorted(load_alerts()))
def test_an_alert_says_what_is_wrong_and_where_help_is(name: str) -> None:
    alert = load_alerts()[name]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"]["runbook_url"] == f"set-by-installation/{name}.md"
    told = alert["annotations"]["summary"] + alert["annotations"]["description"]
    # A label that the expression drops would be an empty word.
    assert set(re.findall(r"\$labels\.(\w+)", told)) <= set(CASES[name].labels)
    page = (RUNBOOKS / f"{name}.md").read_text("utf-8")
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## \w+$", page, re.MULTILINE) == SECTIONS
    confirm, act = page.split("## Confirm")[1], page.split("## Act")[1]
    assert "```" in confirm.split("## Act")[0], "exact commands"
    assert "```" in act.split("## Prevent")[0], "exact commands"


def test_the_page_of_an_alert_is_a_link() -> None:
    """Whoever is woken has a telephone, and no checkout."""
    (rules,) = (each for each in of_kind(render(WORKLOAD), "PrometheusRule") if "alerts" in each["metadata"]["name"])
    urls = {
        rule["alert"]: rule["annotations"]["runbook_url"] for each in rules["spec"]["groups"] for rule in each["rules"]
    }

    assert urls == {name: f"{settings()['runbooksUrl']}/{name}.md" for name in load_alerts()}
    assert all(url.startswith("https://") for url in urls.values())


def test_the_component_deploys_every_file_of_rules() -> None:
    kustomization = yaml.safe_load((FOLDER.parent / "kustomization.yaml").read_text("utf-8"))
    deployed = {each for each in kustomization["resources"] if each.startswith("rules/")}
    assert deployed == {f"rules/{path.name}" for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_names_commands_and_options_that_exist(page: Path) -> None:
    for words in re.findall(r"python -m app ((?:[^\n|`]|\\\n)+)", page.read_text("utf-8")):
        command: click.Command = cli
        for word in shlex.split(words, comments=True):
            if isinstance(command, click.Group):
                with click.Context(command) as context:
                    found = command.get_command(context, word)
                assert found is not None, words
                command = found
            elif word.startswith("--"):
                assert word in {option for each in command.params for option in each.opts}, f"{words}: {word}"


def test_the_operators_page_links_every_runbook() -> None:
    page = (RUNBOOKS.parent / "operate.md").read_text("utf-8")
    assert sorted(re.findall(r"\(runbooks/(\w+)\.md\)", page)) == sorted(load_alerts())
