"""`docs/aws/roles.sh` against a program that stands in for AWS: who may take which role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.workflows.commands import ROOT, program, run

GIVEN: Final = {
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_REGION": "eu-central-1",
    "OIDC_PROVIDER": "oidc.eks.eu-central-1.amazonaws.com/id/ABC",
    "HOSTED_ZONE_ID": "Z1",
    "HOST": "ai-agents.example.com",
    "KMS_KEY_ARN": "arn:aws:kms:eu-central-1:123456789012:key/1",
    "GITHUB_REPOSITORY": "octo-org/octo-repo",
    "GITHUB_OWNER_ID": "123456",
    "GITHUB_REPOSITORY_ID": "456789",
}
# Each call's arguments as one JSON list a line; the first time no role is there.
AWS: Final = """
jq --compact-output --null-input '$ARGS.positional' --args -- "$@" >>{calls}
[ "$2" != get-role ]
"""


def _calls(folder: Path, **given: str) -> list[list[str]]:
    program(folder / "bin", "aws", AWS.format(calls=folder / "calls"))
    path = f"{folder / 'bin'}:/usr/bin:/bin"
    result = run(ROOT / "docs/aws/roles.sh", cwd=folder, PATH=path, **{**GIVEN, **given})
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in (folder / "calls").read_text(encoding="utf-8").splitlines()]


def _trust(calls: list[list[str]], role: str) -> Any:
    [created] = [each for each in calls if each[1] == "create-role" and f"ai-agents-{role}" in each]
    [statement] = json.loads(created[created.index("--assume-role-policy-document") + 1])["Statement"]
    return statement["Condition"]["StringEquals"]


def test_the_release_job_of_our_main_takes_its_role_however_github_names_the_repository(tmp_path: Path) -> None:
    """Since 15 July 2026 by ids too, where the repository was made, renamed or moved after it."""
    trust = _trust(_calls(tmp_path), "github-release")

    assert trust["token.actions.githubusercontent.com:sub"] == [
        "repo:octo-org/octo-repo:ref:refs/heads/main",
        "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main",
    ]
    assert trust["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


def test_every_role_is_made_with_its_policy(tmp_path: Path) -> None:
    calls = _calls(tmp_path)

    for verb in ("create-role", "put-role-policy"):
        named = {each[each.index("--role-name") + 1] for each in calls if each[1] == verb}
        assert named == {
            f"ai-agents-{role}" for role in ("external-secrets", "cert-manager", "github-release", "kyverno")
        }
    assert "$" not in json.dumps(calls)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_is_not_given_is_named(tmp_path: Path, name: str) -> None:
    program(tmp_path / "bin", "aws", "exit 1")
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"

    result = run(ROOT / "docs/aws/roles.sh", cwd=tmp_path, PATH=path, **{**GIVEN, name: ""})

    assert result.returncode == 2
    assert name in result.stderr
