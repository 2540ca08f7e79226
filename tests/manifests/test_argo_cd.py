"""What Argo CD is told about health, time and Slack: its Lua is run, as Argo CD runs it, on what its programs answer."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml
from lupa import lua51  # the version that gopher-lua, Argo CD's, is

from tests.manifests.applications import of_environments
from tests.manifests.expressions import evaluate
from tests.manifests.project import ENVIRONMENTS, ROOT
from tests.manifests.rendering import (
    APPLICATIONS,
    LOCAL,
    PRODUCTION,
    Object,
    containers,
    of_kind,
    pod_templates,
    render,
)
from tests.manifests.wiring import selects

FOLDER: Final = ROOT / "argocd/bootstrap/argo-cd"
IGNORED: Final = "argocd.argoproj.io/ignore-healthcheck"


def data(name: str) -> dict[str, str]:
    """The settings in the ConfigMap *name* of Argo CD."""
    found: dict[str, str] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))["data"]
    return found


def key_of(kind: str, group: str) -> str:
    return f"resource.customizations.health.{group}_{kind}"


def health(kind: str, group: str, status: object) -> tuple[str, str]:
    """Status and message that Argo CD shows of an object of *kind* with *status*."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    # Nor does Argo CD 3.5.7 open these (util/lua/lua.go).
    lua.execute("getmetatable('').__index = nil; string, math, io, os, debug, coroutine = nil")
    answer: Any = lua.eval(f"function(obj) {data('argocd-cm')[key_of(kind, group)]} end")
    found = answer(lua.table_from({} if status is None else {"status": status}, recursive=True))
    return found["status"], found["message"]


def application(phase: str | None, *, is_healthy: bool = True, sync: str = "Synced") -> dict[str, Any]:
    status: dict[str, Any] = {"health": {"status": "Healthy" if is_healthy else "Missing"}, "sync": {"status": sync}}
    return status if phase is None else {**status, "operationState": {"phase": phase, "message": "why"}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "Progressing"),
        ({}, "Progressing"),
        (application(None, sync="OutOfSync"), "Progressing"),
        (application(None), "Healthy"),
        (application("Running"), "Progressing"),
        (application("Terminating"), "Progressing"),
        (application("Succeeded"), "Healthy"),
        (application("Succeeded", is_healthy=False), "Missing"),
        (application("Failed"), "Degraded"),
        (application("Error"), "Degraded"),
    ],
)
def test_a_wave_waits_for_applications_that_are_synced_and_a_failed_one_ends_it(status: object, expected: str) -> None:
    """A failed sync of nothing yet is Healthy by its resources: the next wave would start on what isn't there."""
    found, message = health("Application", "argoproj.io", status)

    assert found == expected
    if expected == "Degraded":
        assert message == "why"


OUT: Final = (
    "failed to ensure HPA is correctly created for ScaledObject: error establishing postgreSQL connection: failed to connect to "
    "`user=ai_agents_worker database=ai_agents`:\n\t10.0.0.13:5432 (10.0.0.13): tls error: EOF\n\t10.0.0.13:5432 (10.0.0.13): "
    "failed to receive message: unexpected EOF"
)
WRONG: Final = "failed to ensure HPA is correctly created for ScaledObject: error parsing postgreSQL metadata: no targetQueryValue given"


def scaled(ready: str, reason: str, why: str = "why", **others: str) -> dict[str, Any]:
    conditions = [{"type": "Active", "status": "False", "reason": "ScalerNotActive", "message": "x"}]
    conditions += [{"type": name, "status": value, "reason": "x", "message": "x"} for name, value in others.items()]
    return {"conditions": [*conditions, {"type": "Ready", "status": ready, "reason": reason, "message": why}]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "Progressing"),
        ({"conditions": []}, "Progressing"),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, "Progressing"),
        (scaled("True", "ScaledObjectReady"), "Healthy"),
        (scaled("True", "ScaledObjectReady", Fallback="True"), "Healthy"),
        (scaled("True", "ScaledObjectReady", Paused="True"), "Healthy"),
        (scaled("False", "TriggerError"), "Healthy"),
        (scaled("Unknown", "PartialTriggerError"), "Healthy"),
        (scaled("False", "ScaledObjectCheckFailed"), "Degraded"),
        # As KEDA 2.21.0 wrote it on 30 November 2026: the database was out, and a release changed the object.
        ({**scaled("False", "ScaledObjectCheckFailed", why=OUT), "hpaName": "keda-hpa-ai-agents-worker"}, "Healthy"),
        (scaled("False", "ScaledObjectCheckFailed", why=OUT), "Degraded"),
        ({**scaled("False", "ScaledObjectCheckFailed", why=WRONG), "hpaName": "keda-hpa-ai-agents-worker"}, "Degraded"),
    ],
)
def test_a_failover_or_a_pause_of_the_autoscaler_fails_no_release(status: object, expected: str) -> None:
    """Runbooks pause it; Argo CD's own check says Suspended then, for which a sync waits without end."""
    assert health("ScaledObject", "keda.sh", status)[0] == expected


def gateway(accepted: str, programmed: str) -> dict[str, Any]:
    """With its certificate still to come: the listener's reference leads nowhere."""
    missing = {"type": "ResolvedRefs", "status": "False", "reason": "InvalidCertificateRef", "message": "no Secret"}
    conditions = [{"type": "Accepted", "status": accepted, "message": "why"}]
    conditions += [{"type": "Programmed", "status": programmed, "message": "why"}]
    return {"conditions": conditions, "listeners": [{"name": "https", "conditions": [missing]}]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "Progressing"),
        (gateway("True", "False"), "Progressing"),
        (gateway("True", "True"), "Healthy"),
        (gateway("False", "False"), "Degraded"),
    ],
)
def test_a_certificate_that_comes_later_does_not_fail_the_first_sync(status: object, expected: str) -> None:
    assert health("Gateway", "gateway.networking.k8s.io", status)[0] == expected


def test_what_health_leaves_out_a_sync_leaves_out_too() -> None:
    """The annotation counts in an Application's health and not during a sync: there the kind's own check decides."""
    ignored = [
        each
        for folder in (PRODUCTION, LOCAL)
        for each in render(folder)
        if each["metadata"].get("annotations", {}).get(IGNORED) == "true"
    ]

    assert ignored
    for each in ignored:
        failed = {"conditions": [{"type": "Ready", "status": "False", "message": "x"}], "active": [{}]}
        assert health(each["kind"], each["apiVersion"].rpartition("/")[0], failed)[0] == "Healthy"


def deadlines(objects: list[Object]) -> dict[str, int]:
    """How long each hook may take, in seconds."""
    jobs = of_kind(objects, "Job")
    return {each["metadata"]["name"]: each["spec"]["activeDeadlineSeconds"] for each in jobs}


def test_a_sync_ends_whatever_it_waits_for() -> None:
    """By its own limits, and by Argo CD's, which is longer than all of them together."""
    objects = render(PRODUCTION)
    rollouts = {}
    for owner, template in pod_templates(objects):
        if owner["kind"] == "Deployment":
            probes = [each["startupProbe"] for each in containers(template)]
            start = max(each["periodSeconds"] * each["failureThreshold"] for each in probes)
            rollouts[owner["metadata"]["name"]] = owner["spec"]["progressDeadlineSeconds"]
            assert start < rollouts[owner["metadata"]["name"]], "a start that is slow is no failure"

    limit = int(data("argocd-cmd-params-cm")["controller.sync.timeout.seconds"])
    assert {*rollouts} - {"ai-agents-console"} == {"ai-agents-api", "ai-agents-worker"}
    assert sum(deadlines(objects).values()) + max(rollouts.values()) < limit
    assert "argocd-cmd-params-cm.yaml" in (FOLDER / "kustomization.yaml").read_text("utf-8")


def triggers() -> dict[str, dict[str, Any]]:
    settings = data("argocd-notifications-cm")
    return {
        key.removeprefix("trigger."): yaml.safe_load(text)[0]
        for key, text in settings.items()
        if key.startswith("trigger.")
    }


def test_slack_hears_of_each_release_that_ends_well_ends_badly_or_does_not_end() -> None:
    subscribed = {
        each["metadata"]["name"]: set(re.findall(r"subscribe\.([a-z-]+)\.slack", str(each["metadata"]["annotations"])))
        for each in of_environments()
    }

    heard = {"on-deployed", "on-sync-waiting", "on-sync-failed", "on-health-degraded"}
    assert set(triggers()) == {*heard, "on-verified"}
    assert subscribed == {f"{name}-{part}": heard for name in ENVIRONMENTS for part in ("foundation", "workload")}
    settings = data("argocd-notifications-cm")
    assert {f"template.{name}" for each in triggers().values() for name in each["send"]} <= set(settings)


def told(trigger: str, app: dict[str, Any]) -> object:
    """What *trigger* is told once per, of an Application as it is now; None: nothing is told."""
    condition = triggers()[trigger]
    return evaluate(condition["oncePer"], app) if evaluate(condition["when"], app) is True else None


def deployed(*history: str, part: str = "foundation", healthy: bool = True, **operation: Any) -> dict[str, Any]:
    """An Application with this *history* of whole syncs that ended well, and its last operation."""
    status: dict[str, Any] = {
        "health": {"status": "Healthy" if healthy else "Progressing"},
        "sync": {"status": "Synced", "revision": history[-1]},
        "history": [{"revision": each} for each in history],
        "operationState": {
            "phase": "Succeeded",
            "startedAt": "2026-11-29T10:00:00Z",
            "operation": {"sync": {}},
            "syncResult": {"revision": history[-1], "resources": []},
            **operation,
        },
    }
    return {"metadata": {"name": f"production-{part}"}, "status": status}


HEALED: Final[dict[str, Any]] = {
    "operation": {"sync": {"autoHealAttemptsCount": 1, "resources": [{"name": "default-deny"}]}}
}


def smoke_ran(phase: str) -> dict[str, Any]:
    """An operation that ran the hooks of production's workload."""
    (smoke,) = (
        each["metadata"]["name"]
        for each in of_kind(render(PRODUCTION), "Job")
        if each["metadata"]["annotations"]["argocd.argoproj.io/hook"] == "PostSync"
    )
    return {"syncResult": {"revision": "b", "resources": [{"name": smoke, "hookPhase": phase}, {"name": "x"}]}}


@pytest.mark.parametrize(
    ("app", "revision"),
    [
        (deployed("a"), "a"),
        (deployed("a", healthy=False), None),
        (deployed("a", **HEALED), "a"),
        (deployed("a", syncResult={"revision": "b", "resources": []}, **HEALED), "a"),
        ({**deployed("a"), "status": {**deployed("a")["status"], "history": None}}, None),
        ({**deployed("a"), "status": {"health": {"status": "Healthy"}}}, None),
    ],
    ids=["deployed", "not healthy", "healed before healthy", "healed at a later revision", "no whole sync", "new"],
)
def test_what_is_told_as_deployed_is_the_newest_whole_sync(app: dict[str, Any], revision: str | None) -> None:
    """A self-heal is in no history: it tells nothing again, and keeps nothing from being told, as in a first installation."""
    assert told("on-deployed", app) == revision


@pytest.mark.parametrize("trigger", ["on-deployed", "on-verified"])
def test_a_release_has_passed_only_where_its_smoke_test_ran_in_the_last_sync(trigger: str) -> None:
    """A person who syncs one resource after it has failed makes that sync succeed, without a hook."""
    assert told(trigger, deployed("a", "b", part="workload", **smoke_ran("Succeeded"))) == "b"
    assert told(trigger, deployed("a", "b", part="workload", **smoke_ran("Failed"))) is None
    assert told(trigger, deployed("a", "b", part="workload")) is None
    assert told(trigger, deployed("a", "b", part="workload", syncResult=None)) is None
    assert told(trigger, deployed("a", "b", part="workload", phase="Failed", **smoke_ran("Succeeded"))) is None


def test_each_failed_sync_is_told_also_one_that_never_knew_its_revision() -> None:
    failed = deployed("a", phase="Error", syncResult=None)
    assert told("on-sync-failed", failed) == "2026-11-29T10:00:00Z"
    assert told("on-sync-failed", deployed("a")) is None


def test_a_failure_that_is_told_again_takes_the_place_of_the_first_message() -> None:
    """`argocd app set` writes back the annotations that it read before: Argo CD's mark of what was told is lost."""
    slack = yaml.safe_load(data("argocd-notifications-cm")["template.sync-failed"])["slack"]
    assert slack["deliveryPolicy"] == "Update"
    assert slack["groupingKey"] == "{{.app.metadata.name}} {{." + triggers()["on-sync-failed"]["oncePer"] + "}}"


def test_a_failure_says_whether_the_release_before_serves_or_the_new_one() -> None:
    text = data("argocd-notifications-cm")["template.sync-failed"]
    hooks = {name for name in deadlines(render(PRODUCTION)) if f'eq .name "{name}"' in text}

    assert hooks == {"ai-agents-migrate", "ai-agents-smoke"}
    assert text.count("{{if ") + text.count("{{- if ") + text.count("{{range ") + text.count("{{- with ") == text.count(
        "{{end}}"
    ) + text.count("{{- end}}"), "each block is closed"


def test_prometheus_reads_what_argo_cd_serves_and_not_dex_that_serves_nothing_until_it_is_set_up() -> None:
    """Components of the Services of Argo CD 3.5.7 that have a port `metrics`; its `rundex` starts no Dex without a configuration."""
    (monitor,) = of_kind(render(APPLICATIONS), "ServiceMonitor")
    served = ["metrics", "server", "repo-server", "applicationset-controller", "notifications-controller", "dex-server"]
    read = [
        each
        for each in served
        if selects(
            monitor["spec"]["selector"],
            {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/component": each},
        )
    ]
    assert read == served[:-1]


def test_who_may_roll_back_may_make_each_call_of_the_page_and_no_other() -> None:
    """Of Argo CD's UI: a rollback is an update and a sync, *Terminate* a sync, *Toggle Auto-Sync* of the menu an action."""
    rules = [tuple(line.split(", ")) for line in data("argocd-rbac-cm")["policy.csv"].splitlines()]

    assert {rule[:2] for rule in rules} == {("p", "role:release-manager")}
    assert {rule[2:] for rule in rules} == {
        ("applications", "get", "ai-agents/*", "allow"),
        ("applications", "sync", "ai-agents/*", "allow"),
        ("applications", "update", "ai-agents/*", "allow"),
        ("applications", "action/argoproj.io/Application/toggle-auto-sync", "ai-agents/*", "allow"),
        ("logs", "get", "ai-agents/*", "allow"),
    }
