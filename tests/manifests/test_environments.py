"""An environment is a folder of few lines: what it must hold, what Argo CD makes of it, and how another is added."""

from __future__ import annotations

import difflib
import re
import runpy
import shutil
from pathlib import Path
from typing import Final

import pytest
import yaml

from app.tenants.writing import write_list
from tests.manifests.applications import applications, generated, of_environments
from tests.manifests.project import (
    CHOSEN,
    CLUSTERS,
    ENVIRONMENTS,
    ROOT,
    WITH_STAGING,
    copy_first_environments,
    copy_project,
    data,
    project,
    take_options_away,
    values_of,
)
from tests.manifests.references import missing_references
from tests.manifests.rendering import APPLICATIONS, WORKLOAD, Object, name_of, of_kind, parse, render, render_text
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in
from tests.workflows.commands import done, run

OVERLAYS: Final = ROOT / "kustomize/overlays"
EXAMPLE: Final = ROOT / "kustomize/examples/tenant"
CHECK: Final = runpy.run_path(str(ROOT / "kustomize/installation/check.py"))
EACH = pytest.mark.parametrize("environment", ENVIRONMENTS)


@pytest.mark.skipif(CHOSEN != "example" or ENVIRONMENTS != ["production", "staging"], reason="made of the example")
def test_the_applications_are_those_that_argo_cd_s_own_controller_makes() -> None:
    made = yaml.safe_load_all((Path(__file__).parent / "generated_applications.yaml").read_text("utf-8"))
    (application_set,) = of_kind(render(APPLICATIONS), "ApplicationSet")

    assert generated(application_set) == list(made)
    assert invalid(generated(application_set)) == []


@EACH
def test_its_folder_its_namespace_its_branch_and_its_secrets_have_one_name(environment: str) -> None:
    assert data(ROOT / values_of(environment))["environment"] == environment
    objects = render(f"kustomize/overlays/{environment}")
    assert {each["metadata"].get("namespace", environment) for each in objects} == {environment}
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["name"] == environment
    (store,) = of_kind(objects, "SecretStore")
    assert store["spec"]["provider"]["aws"]["prefix"] == f"ai-agents/{environment}/"
    (smoke,) = (each for each in of_kind(objects, "Job") if each["metadata"]["name"] == "ai-agents-smoke")
    assert f"--namespace={environment}" in smoke["spec"]["template"]["spec"]["containers"][0]["args"]


@EACH
def test_it_is_sound(environment: str) -> None:
    folder = f"kustomize/overlays/{environment}"
    foundation, workload = render(f"{folder}/foundation"), render(f"{folder}/workload")

    assert invalid([*foundation, *workload]) == miswired([*foundation, *workload]) == []
    assert missing_references(workload, earlier=foundation) == []
    rules = policies_in(render("policies"))
    assert [found for each in [*foundation, *workload] for rule in rules for found in rule.objections(each)] == []
    assert not {*map(name_of, foundation)} & {*map(name_of, workload)}
    assert len(render(folder)) == len(foundation) + len(workload)


@WITH_STAGING
def test_staging_is_what_production_is_but_for_its_size_and_who_is_told() -> None:
    """What passes in the one must mean something for the other. Options apart: one may be production's alone."""
    staging, production = ({name_of(each): each for each in _shared(name)} for name in ("staging", "production"))
    only_here = {each for each in {*staging} ^ {*production} if each[0] != "Namespace"}
    kinds = {"AlertmanagerConfig", "ConfigMap", "ExternalSecret", "PodMonitor", "PrometheusRule"}

    assert ("ConfigMap", "settings") in {*staging} & {*production}
    assert staging["ConfigMap", "settings"] == production["ConfigMap", "settings"], "one set of settings"
    assert {kind for kind, _ in only_here} <= kinds, "one Prometheus serves a cluster, and tells of one environment"
    for name in {*staging} & {*production}:
        if name[0] in {"Deployment", "CronJob", "PodDisruptionBudget", "Role", "ResourceQuota"}:
            assert staging[name] == production[name]


@EACH
def test_it_is_listed_in_one_cluster(environment: str) -> None:
    clusters = [path.parent for path in OVERLAYS.glob("*/cluster/applications/environments.yaml")]
    listed = [
        destination["namespace"]
        for path in clusters
        for destination in yaml.safe_load((path / "environments.yaml").read_text("utf-8"))["spec"]["destinations"]
    ]

    assert sorted(listed) == ENVIRONMENTS
    assert listed.count(environment) == 1


@EACH
def test_it_follows_another_or_none_and_never_itself_in_the_end(environment: str) -> None:
    seen, name = [], environment
    while name != "none":
        assert name in ENVIRONMENTS
        assert name not in seen
        seen.append(name)
        name = data(ROOT / values_of(name))["follows"]


@WITH_STAGING
def test_production_gets_what_staging_has_tested() -> None:
    values = {name: data(ROOT / values_of(name)) for name in ENVIRONMENTS}

    assert values["staging"]["follows"] == "none"
    assert values["production"]["follows"] == "staging"


def test_argo_cd_tracks_each_by_its_branch_and_folder() -> None:
    found = {
        each["metadata"]["name"]: (each["spec"]["source"]["targetRevision"], each["spec"]["source"]["path"])
        for each in of_environments()
    }

    assert found == {
        f"{name}-{part}": (f"release-{name}", f"kustomize/overlays/{name}/{part}")
        for name in ENVIRONMENTS
        for part in ("foundation", "workload")
    }


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_what_a_cluster_has_but_once_comes_by_the_branch_of_the_environment_that_it_was_made_for(cluster: str) -> None:
    folder = f"kustomize/overlays/{cluster}/cluster"
    once = [each for each in applications(f"{folder}/applications") if each["spec"]["project"] != "ai-agents"]
    sources = [each["spec"]["source"] for each in (*once, *of_kind(render(folder), "Application"))]

    assert {each["targetRevision"] for each in sources if "path" in each} == {f"release-{cluster}"}


def _written(root: Path, name: str) -> list[Path]:
    """The files that a person writes for an environment."""
    folder = root / "kustomize/overlays" / name
    return [path for path in folder.rglob("*") if path.is_file() and "tenants" not in path.parts]


def test_an_environment_is_few_lines(tmp_path: Path) -> None:
    for name in ENVIRONMENTS:
        lines = sum(len(path.read_text("utf-8").splitlines()) for path in _written(ROOT, name))
        assert lines < 150, name


def _section(heading: str) -> str:
    return (ROOT / "docs/environments.md").read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]


REGION: Final = "Another region, with its cluster"
MORE: Final = "Another environment in a cluster that is there"


def _typed(root: Path, heading: str, environment: str) -> Path:
    """The folder of *environment*, made in *root* by the first commands of that section, before somebody has filled its values."""
    script = re.findall(r"```sh\n(.*?)```", _section(heading), re.DOTALL)[0]
    assert "&& make tenants &&" in script
    done(run("bash", "-eu", cwd=root, stdin=script.replace("make tenants", "true"), EDITOR="true"))
    folder = root / "kustomize/overlays" / environment
    write_list(folder / "foundation/tenants")
    return folder


def _add_client(root: Path, environment: str) -> None:
    """A client of *environment* in a private network, with its policy as components/on-premises says."""
    foundation = root / "kustomize/overlays" / environment / "foundation"
    shutil.copy(EXAMPLE / "foundation/tenants/acme.yaml", foundation / "tenants")
    shutil.copy(ROOT / "kustomize/components/on-premises/networkpolicy.yaml", foundation / "acme-network.yaml")
    listed = foundation / "kustomization.yaml"
    text = listed.read_text("utf-8")
    listed.write_text(text.replace("  - tenants\n", "  - tenants\n  - acme-network.yaml\n"), "utf-8")
    write_list(foundation / "tenants")
    policies = of_kind(render(f"kustomize/overlays/{environment}/foundation", root=root), "NetworkPolicy")
    assert "tenant-acme" in {each["metadata"]["name"] for each in policies}


@pytest.mark.parametrize(
    ("heading", "copied", "environment"),
    [(REGION, "production", "production-us"), pytest.param(MORE, "staging", "trial", marks=WITH_STAGING)],
)
def test_an_environment_that_is_copied_takes_no_client_along_and_no_way_out_of_one(
    tmp_path: Path, heading: str, copied: str, environment: str
) -> None:
    """What a client's policy opens, a private network or a whole VPN, is no business of another region's pods."""
    copy_first_environments(tmp_path)
    _add_client(tmp_path, copied)
    kept = set((tmp_path / "kustomize/overlays" / copied).rglob("*.yaml"))
    folder = _typed(tmp_path, heading, environment)

    assert [path.name for path in folder.rglob("*.yaml") if "acme" in path.read_text("utf-8")] == []
    assert set((tmp_path / "kustomize/overlays" / copied).rglob("*.yaml")) == kept
    foundation = render(f"kustomize/overlays/{environment}/foundation", root=tmp_path)
    assert [name_of(each) for each in foundation if "acme" in each["metadata"]["name"]] == []


def _shown(heading: str) -> list[str]:
    """The lines of that section's difference: names of files, what goes, what comes."""
    texts: list[str] = re.findall(r"```diff\n(.*?)```", _section(heading), re.DOTALL)
    (text,) = texts
    return text.splitlines()


def _fill(folder: Path, lines: list[str]) -> None:
    """Set the values that *lines* (`key: value`) say."""
    path = folder / "values/environment.yaml"
    text = path.read_text("utf-8")
    for line in lines:
        text, count = re.subn(rf"^  {line.partition(':')[0]}: .*$", f"  {line}", text, flags=re.MULTILINE)
        assert count == 1, line
    path.write_text(text, "utf-8")


def _unsound(root: Path, environment: str) -> list[str]:
    """What is wrong with *environment*, but for what is unset."""
    objects = render(f"kustomize/overlays/{environment}", root=root)
    rules = policies_in(render("policies", root=root))
    found = [problem for each in objects for rule in rules for problem in rule.objections(each)]
    checked = [each for each in CHECK["problems"](root / "kustomize") if not each.endswith(" is unset")]
    return [*invalid(objects), *miswired(objects), *found, *checked]


def test_another_region_is_a_copied_folder(tmp_path: Path) -> None:
    """By the commands of docs/environments.md, and the values that its difference shows."""
    copy_first_environments(tmp_path)
    folder = _typed(tmp_path, REGION, "production-us")
    _fill(folder, [line.removeprefix("+").strip() for line in _shown(REGION) if re.match(r"\+  \w+: ", line)])

    root = render("kustomize/overlays/production-us/cluster", root=tmp_path)
    kept = render("kustomize/overlays/production-us/cluster/applications", root=tmp_path)

    assert _unsound(tmp_path, "production-us") == invalid([*root, *kept]) == []
    (application,) = of_kind(root, "Application")
    assert application["spec"]["source"]["targetRevision"] == "release-production-us"
    assert application["spec"]["source"]["path"] == "kustomize/overlays/production-us/cluster/applications"
    (application_set,) = of_kind(kept, "ApplicationSet")
    assert [_place(each) for each in generated(application_set)] == [
        ("production-us-foundation", "release-production-us"),
        ("production-us-workload", "release-production-us"),
    ]
    rendered = str(render("kustomize/overlays/production-us", root=tmp_path)).replace("production-us", "")
    assert re.findall(r".{40}production.{40}", rendered) == [], "nothing of the folder that was copied is left"


@pytest.mark.skipif(CHOSEN != "example" or ENVIRONMENTS != ["production", "staging"], reason="made of the example")
def test_the_page_shows_the_whole_difference_of_another_region(tmp_path: Path) -> None:
    copy_project(tmp_path)
    take_options_away(tmp_path)
    folder = _typed(tmp_path, REGION, "production-us")
    _fill(folder, [line.removeprefix("+").strip() for line in _shown(REGION) if re.match(r"\+  \w+: ", line)])

    changed = []
    for path in _written(tmp_path, "production"):
        other = folder / path.relative_to(tmp_path / "kustomize/overlays/production")
        before, after = (each.read_text("utf-8").splitlines() for each in (path, other))
        changed += list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
    # Two files of one difference are shown as one.
    assert {line for line in changed if line[0] in "+-"} == {line for line in _shown(REGION) if line[0] in "+-"}
    assert len(_written(tmp_path, "production")) == len(_written(tmp_path, "production-us"))


@WITH_STAGING
def test_another_environment_of_a_cluster_is_a_copied_folder_and_a_line(tmp_path: Path) -> None:
    copy_first_environments(tmp_path)
    role = "arn:aws:iam::123456789012:role/ai-agents-trial-external-secrets"
    own = ["environment: trial", "host: trial.example.com", f"externalSecretsRoleArn: {role}"]
    _fill(_typed(tmp_path, MORE, "trial"), own)
    path, before, new, _ = _shown(MORE)
    listed = tmp_path / path.strip()
    text = listed.read_text("utf-8")
    assert text.count(before.strip()) == 1
    listed.write_text(text.replace(before.strip(), f"{before.strip()}\n    {new.removeprefix('+').strip()}"), "utf-8")
    kept = render(str(listed.parent.relative_to(tmp_path)), root=tmp_path)

    assert _unsound(tmp_path, "trial") == invalid(kept) == []
    (application_set,) = of_kind(kept, "ApplicationSet")
    assert ("trial-workload", "release-trial") in map(_place, generated(application_set))
    rendered = str(render("kustomize/overlays/trial", root=tmp_path))
    assert re.findall(r".{40}staging.{40}", rendered) == [], "nothing of the folder that was copied is left"


@WITH_STAGING
def test_in_another_region_production_goes_on_without_staging(tmp_path: Path) -> None:
    """By the commands of docs/recovery.md: with its folder there CI refuses what is needed, and the cluster waits for it."""
    copy_first_environments(tmp_path)
    after = (ROOT / "docs/recovery.md").read_text("utf-8").split("\n### After it\n")[1]
    (script,) = (each for each in re.findall(r"```sh\n(.*?)```", after, re.DOTALL) if "overlays/staging" in each)
    done(run("bash", "-eu", cwd=tmp_path, stdin=script))

    kept = render("kustomize/overlays/production/cluster/applications", root=tmp_path)
    (application_set,) = of_kind(kept, "ApplicationSet")
    made = {name for name, _ in map(_place, generated(application_set))}
    assert made == {"production-foundation", "production-workload"}
    assert data(tmp_path / values_of("production"))["follows"] == "none"
    assert _unsound(tmp_path, "production") == invalid(kept) == []


def test_a_setting_of_one_environment_is_a_few_lines_of_its_own(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (lines,) = re.findall(r"```yaml\n(.*?)```", _section("A setting of one environment"), re.DOTALL)
    path = tmp_path / "kustomize/overlays/production/workload/kustomization.yaml"
    # Without those that it has already.
    written = yaml.safe_load(path.read_text("utf-8"))
    written.pop("patches", None)
    path.write_text(yaml.safe_dump(written, sort_keys=False), "utf-8")
    (before,) = _settings(parse(render_text(WORKLOAD, root=tmp_path)))
    path.write_text(path.read_text("utf-8") + lines, "utf-8")

    (settings,) = _settings(parse(render_text(WORKLOAD, root=tmp_path)))
    assert settings["data"] == {**before["data"], "LOG_LEVEL": "debug"}
    assert settings["metadata"]["name"] != before["metadata"]["name"], "pods roll, and a rollback brings it back"


def _shared(environment: str) -> list[Object]:
    """What *environment* renders to as it ships, its namespace and the settings that are one's own left out."""
    folder = f"kustomize/overlays/{environment}"
    own = {key for each in ENVIRONMENTS for key in _own_settings(each)}
    rendered = yaml.safe_dump_all(render(folder, root=project(has_options=False)))
    objects: list[Object] = list(yaml.safe_load_all(re.sub(r"\bsettings-[a-z0-9]{10}\b", "settings", rendered)))
    for each in objects:
        each["metadata"].pop("namespace", None)
        if name_of(each) == ("ConfigMap", "settings"):
            each["data"] = {key: value for key, value in each["data"].items() if key not in own}
    return objects


def _own_settings(environment: str) -> set[str]:
    """The settings that *environment* has otherwise than the others."""
    written = yaml.safe_load((OVERLAYS / environment / "workload/kustomization.yaml").read_text("utf-8"))
    patches = [yaml.safe_load(each.get("patch", "{}")) for each in written.get("patches", [])]
    return {key for each in patches if each and name_of(each)[1] == "settings" for key in each["data"]}


def _settings(objects: list[Object]) -> list[Object]:
    return [each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"].startswith("settings-")]


def _place(application: Object) -> tuple[str, str]:
    return application["metadata"]["name"], application["spec"]["source"]["targetRevision"]
