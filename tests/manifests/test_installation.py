"""What differs per installation and environment stands in files of values, whatever legal ones they hold."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.manifests.project import (
    ENVIRONMENTS,
    INSTALLATION,
    INSTALLATIONS,
    ROOT,
    copy_project,
    data,
    put_back,
    values_of,
)
from tests.manifests.rendering import APPLICATIONS, ROOT_OF_CLUSTER, Object, render, render_text
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in

CHECK: Final = runpy.run_path(str(ROOT / "kustomize/installation/check.py"))
PRODUCTION: Final = values_of("production")
FILLED: Final = sorted(set(INSTALLATIONS) - {"unset"})
# All that is synced, and the root.
OVERLAYS: Final = tuple(f"kustomize/overlays/{name}" for name in ENVIRONMENTS)
DEPLOYED: Final = (
    *OVERLAYS,
    APPLICATIONS,
    ROOT_OF_CLUSTER,
    "argocd/cluster-issuer",
    "argocd/gateway-class",
    "policies",
)
EVERY: Final[dict[str, Path | None]] = {**INSTALLATIONS, "what is checked in": None}
# Read by the pipeline, or by a test, and not by Kustomize.
NOT_RENDERED: Final = {"follows", "approver", "databaseMaxConnections"}


def deployed(to: Path, installation: Path | None) -> list[Object]:
    copy_project(to, installation=installation)
    return [each for folder in DEPLOYED for each in render(folder, root=to)]


@pytest.mark.parametrize("name", EVERY)
def test_whatever_is_installed_renders_to_what_the_api_server_and_our_rules_take(tmp_path: Path, name: str) -> None:
    objects = deployed(tmp_path, EVERY[name])

    assert invalid(objects) == []
    rules = policies_in(render("policies", root=tmp_path))
    for overlay in OVERLAYS:
        environment = render(overlay, root=tmp_path)
        assert miswired(environment) == []
        # An unset release names no image of ours yet.
        assert [found for each in environment for rule in rules for found in rule.objections(each)] == []


def values(root: Path) -> dict[str, dict[str, str]]:
    """What each file of values sets, by its path."""
    paths = (INSTALLATION, *map(values_of, ENVIRONMENTS))
    return {path: data(root / path) for path in paths if (root / path).is_file()}


@pytest.mark.parametrize("name", FILLED)
def test_a_filled_installation_leaves_nothing_unset(tmp_path: Path, name: str) -> None:
    copy_project(tmp_path, installation=INSTALLATIONS[name], is_alone=True)
    assert CHECK["problems"](tmp_path / "kustomize") == []
    put_back(tmp_path)

    folders = [folder for folder in DEPLOYED if (tmp_path / folder).is_dir()]
    text = "\n---\n".join(render_text(folder, root=tmp_path) for folder in folders)
    assert not re.search("set-by-(installation|environment)", text)
    for path, found in values(tmp_path).items():
        for key, value in found.items():
            assert key in NOT_RENDERED or value in text, f"{key} of {path} reaches no object"


def test_each_installation_sets_what_the_projects_own_does(tmp_path: Path) -> None:
    own = {path: list(found) for path, found in values(ROOT).items()}
    for name, path in INSTALLATIONS.items():
        copy_project(tmp_path / name, installation=path)
        assert {path: list(found) for path, found in values(tmp_path / name).items()} == own


def test_what_is_unset_is_named(tmp_path: Path) -> None:
    for name in ("unset", "example"):
        copy_project(tmp_path / name, installation=INSTALLATIONS[name], is_alone=True)
    unset, example = values(tmp_path / "unset"), values(tmp_path / "example")
    named = {text.partition(" is ")[0] for text in CHECK["problems"](tmp_path / "unset/kustomize")}

    assert named == {
        f"{'installation.yaml' if path == INSTALLATION else path.removeprefix('kustomize/').split('/values')[0]}: {key}"
        for path, found in unset.items()
        for key in found
        if example[path][key] != found[key]
    }


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The values alone of a filled installation, to spoil."""
    files = {INSTALLATION: "installation", values_of("production"): "production", values_of("staging"): "staging"}
    for path, name in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(INSTALLATIONS["example"] / f"{name}.yaml", tmp_path / path)
    assert problems(tmp_path) == []
    return tmp_path


def problems(root: Path) -> list[str]:
    found: list[str] = CHECK["problems"](root / "kustomize")
    return found


def test_mail_needs_its_address_server_and_user(example: Path) -> None:
    spoil(example, INSTALLATION, "alertReceiver", "alertReceiver: email")

    assert [text.partition(": ")[2] for text in problems(example)] == [
        f"{key} is unset" for key in ("alertEmail", "alertEmailServer", "alertEmailUser")
    ]
    for line in ("alertEmail: a@b.example", "alertEmailUser: a", "alertEmailServer: smtp.b.example"):
        spoil(example, INSTALLATION, line.partition(":")[0], line)
    assert problems(example) == ["installation.yaml: alertEmailServer must be a host with its port"]


def spoil(root: Path, path: str, key: str, line: str) -> None:
    text, count = re.subn(rf"^  {key}: .*$", f"  {line}", (root / path).read_text("utf-8"), flags=re.MULTILINE)
    assert count == 1
    (root / path).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("path", "line", "problem"),
    [
        (INSTALLATION, "unsignedImages: deny", "unsignedImages must be one of Audit, Deny"),
        (INSTALLATION, "alertReceiver: carrier-pigeon", "alertReceiver must be one of slack"),
        (INSTALLATION, "image: registry.example.com:5000/ai-agents:1.2", "image must be <account>.dkr.ecr"),
        (INSTALLATION, "image: ghcr.io/octo-org/ai-agents", "image must be <account>.dkr.ecr"),
        (INSTALLATION, "image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/ai-agents:1.2.3", "without a tag"),
        (INSTALLATION, "slackChannel: #operations", "slackChannel is unset"),
        (INSTALLATION, "hostedZoneId: /hostedzone/Z0123456789ABCDEFGHIJ", "hostedZoneId must be an id"),
        (INSTALLATION, "runbooksUrl: https://example.com/runbooks/", "without a slash at its end"),
        (INSTALLATION, "signer: https://github.com/octo-org/octo-repo", "signer must be https://github.com/<owner>"),
        (INSTALLATION, "collectorEndpoint: http://otel.tracing.svc:4318", "collectorEndpoint must be <service>"),
        (PRODUCTION, "follows: stagin", "follows must be one of none"),
        (PRODUCTION, "follows: production", "follows must be one of none"),
        (PRODUCTION, "environment: prod", "environment must be production"),
        (PRODUCTION, 'workersMinimum: "30"', "workersMinimum must be from 1 to"),
        (PRODUCTION, "apiMinimum: 2", 'apiMinimum must be text: "2"'),
        (PRODUCTION, "apiMinimum: two", "apiMinimum must be a number"),
        (PRODUCTION, "host: https://ai.example.com", "host must be a host name"),
        (PRODUCTION, "host: AI.example.com", "host must be a host name in small letters"),
        (PRODUCTION, "host: 10.0.0.12", "host must be a host name"),
        (PRODUCTION, "databaseCidr: 10.0.0.0", "databaseCidr must be a range"),
        (PRODUCTION, "databaseCidr: 10.0.0.0/16,10.1.0.0/16", "databaseCidr must be a range"),
        (PRODUCTION, "redisCidr: 10.0.0.5/16", "has host bits set"),
        (PRODUCTION, "awsRegion: eu-central-1a", "awsRegion must be a region"),
        (INSTALLATION, "image: 123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/ai-agents", "of the partition aws"),
        (PRODUCTION, "awsRegion: us-gov-west-1", "of the partition aws"),
        (PRODUCTION, "awsRegion: cn-northwest-1", "of the partition aws"),
        (PRODUCTION, "awsRegion: eusc-de-east-1", "of the partition aws"),
        (PRODUCTION, "externalSecretsRoleArn: arn:aws-us-gov:iam::123456789012:role/a", "of the partition aws"),
        (PRODUCTION, "externalSecretsRoleArn: ai-agents-production", "externalSecretsRoleArn must be the ARN"),
    ],
)
def test_a_value_that_means_nothing_is_named(example: Path, path: str, line: str, problem: str) -> None:
    spoil(example, path, line.partition(":")[0], line)

    (found,) = problems(example)
    assert problem in found


@pytest.mark.parametrize(
    ("path", "key", "line"),
    [
        (PRODUCTION, "follows", "follows: >-\n    staging"),
        (PRODUCTION, "follows", "'follows': staging"),
        (PRODUCTION, "follows", "follows: none\n  follows: staging"),
        (INSTALLATION, "gitUrl", "gitUrl: |-\n    https://github.com/octo-org/notes.git"),
    ],
)
def test_a_value_that_scripts_read_in_another_way_than_yaml_does_is_named(
    example: Path, path: str, key: str, line: str
) -> None:
    """The release job, `make protect` and the runbook read some values by their lines."""
    spoil(example, path, key, line)

    (found,) = problems(example)
    assert f": {key} must stand in one line" in found


@pytest.mark.parametrize("written", ['"staging"', "'staging'", "staging  # where it is tested", '"staging" # so'])
def test_a_value_may_stand_in_quotes_and_before_a_comment(example: Path, written: str) -> None:
    spoil(example, PRODUCTION, "follows", f"follows: {written}")
    assert problems(example) == []


@pytest.mark.parametrize("path", [INSTALLATION, PRODUCTION])
def test_a_value_that_is_missing_is_named(example: Path, path: str) -> None:
    keys = set(data(example / path)) - {"alertEmail", "alertEmailServer", "alertEmailUser"}
    for key in keys - {"ingressClass", "ingressNamespace", "prometheusNamespace"}:
        text = (example / path).read_text("utf-8")
        spoil(example, path, key, "another: value")
        (found,) = problems(example)
        assert f": {key} must be " in found
        (example / path).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (INSTALLATION, "gitUrl: octocorp@octocorp.ghe.com:msp/notes.git"),
        (INSTALLATION, "image: 123456789012.dkr.ecr.eu-south-2.amazonaws.com/msp/team/notes"),
        (PRODUCTION, "databaseCidr: 2001:db8:1a00::/56"),
        (PRODUCTION, "redisCidr: 100.64.0.0/10"),
        (PRODUCTION, "awsRegion: eu-south-2"),
        (PRODUCTION, "awsRegion: ap-southeast-5"),
        (PRODUCTION, "host: notes--of-staging.long-name.example-domain.co.uk"),
        (PRODUCTION, "approver: octo-org-operations"),
    ],
)
def test_an_unusual_value_is_none_that_means_nothing(example: Path, path: str, line: str) -> None:
    spoil(example, path, line.partition(":")[0], line)
    assert problems(example) == []


def test_environments_that_follow_each_other_are_named_and_so_are_two_of_one_host(example: Path) -> None:
    spoil(example, values_of("staging"), "follows", "follows: production")
    spoil(example, values_of("staging"), "host", f"host: {data(example / PRODUCTION)['host']}")

    found = problems(example)
    assert [text for text in found if "follows leads back to itself" in text] == found[::2]
    assert [text for text in found if "host must not be that of" in text] == found[1::2]
    assert len(found) == 4


def test_an_installation_without_production_is_named(example: Path) -> None:
    shutil.rmtree((example / PRODUCTION).parents[1])

    assert problems(example) == ["overlays/production must be there: the tests read of it what a cluster gets"]


def test_what_is_checked_in_is_right_or_unset() -> None:
    """Nobody runs `make installation` before each merge."""
    assert [each for each in problems(ROOT) if not each.endswith(" is unset")] == []
