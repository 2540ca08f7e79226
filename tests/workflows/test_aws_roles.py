"""`docs/aws/roles.sh` and `secrets.sh` against a program that stands in for AWS: who may take which role, what is kept."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.manifests.project import INSTALLATION, data
from tests.manifests.rendering import FOUNDATION, of_kind, render
from tests.workflows.commands import ROOT, done, path_with, program, run

GIVEN: Final = {
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_REGION": "eu-central-1",
    "OIDC_PROVIDER": "oidc.eks.eu-central-1.amazonaws.com/id/ABC",
    "HOSTED_ZONE_ID": "Z1",
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


def _calls(folder: Path, image: str = "unset.invalid/ai-agents", **given: str) -> list[list[str]]:
    shutil.copytree(ROOT / "docs/aws", folder / "docs/aws")
    installation = folder / "kustomize/installation/installation.yaml"
    installation.parent.mkdir(parents=True)
    installation.write_text(f"data:\n  image: {image}\n", encoding="utf-8")
    program(folder / "bin", "aws", AWS.format(calls=folder / "calls"))
    path = path_with(folder / "bin")
    done(run(folder / "docs/aws/roles.sh", cwd=folder, PATH=path, **{**GIVEN, **given}))

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
            *(f"ai-agents-{name}-external-secrets" for name in ("staging", "production")),
            *(f"ai-agents-{role}" for role in ("cert-manager", "github-release", "kyverno")),
        }
    assert "$" not in json.dumps(calls)


def test_an_environment_reads_its_own_secrets_and_no_other_s(tmp_path: Path) -> None:
    calls = _calls(tmp_path, ENVIRONMENTS="production-us")

    [policy] = [
        json.loads(each[-1]) for each in calls if each[1] == "put-role-policy" and "external-secrets" in each[3]
    ]
    [read] = [each["Resource"] for each in policy["Statement"] if "secretsmanager:GetSecretValue" in each["Action"]]
    assert read == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ai-agents/production-us/*"
    assert _trust(calls, "production-us-external-secrets")[f"{GIVEN['OIDC_PROVIDER']}:sub"] == [
        "system:serviceaccount:production-us:external-secrets-sa",
        "system:serviceaccount:argocd:external-secrets-sa",
    ]


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("unset.invalid/ai-agents", "us-east-1:123456789012:repository/ai-agents"),
        (
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ai-agents",
            "eu-central-1:123456789012:repository/ai-agents",
        ),
        ("210987654321.dkr.ecr.eu-south-2.amazonaws.com/msp/notes", "eu-south-2:210987654321:repository/msp/notes"),
        ('"210987654321.dkr.ecr.eu-south-2.amazonaws.com/notes"  # ours', "eu-south-2:210987654321:repository/notes"),
    ],
)
def test_a_second_region_leaves_those_who_push_and_check_the_image_its_registry(
    tmp_path: Path, image: str, registry: str
) -> None:
    """Of these two roles there is one for all regions; the image stays where `image` says."""
    calls = _calls(tmp_path, image, ENVIRONMENTS="production-us", AWS_REGION="us-east-1")

    for role in ("github-release", "kyverno"):
        [policy] = [each[-1] for each in calls if each[1] == "put-role-policy" and f"ai-agents-{role}" in each]
        resources = {each["Resource"] for each in json.loads(policy)["Statement"]}
        assert resources == {"*", f"arn:aws:ecr:{registry}"}, role
    [secrets] = [each[-1] for each in calls if each[1] == "put-role-policy" and "external-secrets" in each[3]]
    assert "arn:aws:secretsmanager:us-east-1:123456789012:secret:ai-agents/production-us/*" in secrets


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_is_not_given_is_named(tmp_path: Path, name: str) -> None:
    program(tmp_path / "bin", "aws", "exit 1")
    path = path_with(tmp_path / "bin")

    result = run(ROOT / "docs/aws/roles.sh", cwd=tmp_path, PATH=path, **{**GIVEN, name: ""})

    assert result.returncode == 2
    assert name in result.stderr


SECRETS: Final = {
    "ENVIRONMENT": "production",
    "KMS_KEY_ARN": GIVEN["KMS_KEY_ARN"],
    "DATABASE_HOST": "db.example",
    "OWNER_PASSWORD": "owner-pass",
    "INTAKE_PASSWORD": "intake-pass",
    "WORKER_PASSWORD": "worker-pass",
    "REDIS_URL": "rediss://user:pass@redis.example:6379/0",
    "OPENAI_API_KEY": 'key with "quotes"',
    "ALERT_RECEIVER": "slack",
    "ALERT_CREDENTIAL": "https://hooks.slack.example/x",
}
# Keeps each secret in a file, and its calls, whose arguments everybody on the machine can read.
STORE: Final = """
echo "$*" >>{state}/calls
case $2 in
    describe-secret) [ -e "{state}/${{4//\\//_}}" ] && if [ -e "{state}/deleted" ]; then echo 2026-11-30; else echo None; fi ;;
    create-secret) cat >"{state}/${{6//\\//_}}" ;;
    put-secret-value) value=$(cat) && [ -n "$value" ] && echo "$value" >"{state}/${{4//\\//_}}" ;;
    get-secret-value) cat "{state}/${{4//\\//_}}" ;;
    list-secrets) [ ! -e "{state}/of_another_key" ] || cat "{state}/of_another_key" ;;
esac
"""


def _page(name: str) -> str:
    return (ROOT / f"docs/{name}.md").read_text("utf-8")


def _secrets(folder: Path, **given: str) -> dict[str, Any]:
    program(folder / "bin", "aws", STORE.format(state=folder))
    path = path_with(folder / "bin")
    done(run(ROOT / "docs/aws/secrets.sh", cwd=folder, PATH=path, **{**SECRETS, **given}))

    prefix = "ai-agents_production_"
    return {
        each.name.removeprefix(prefix): json.loads(each.read_text(encoding="utf-8"))
        for each in folder.glob(f"{prefix}*")
    }


def test_secrets_have_what_the_external_secrets_read(tmp_path: Path) -> None:
    made = _secrets(tmp_path)

    assert set(made) == {"database", "redis", "openai", "alerts", "tenants_smoke"}
    assert made["database"]["intake_url"] == (
        "postgresql://ai_agents_intake:intake-pass@db.example:5432/ai_agents?sslmode=require"
    )
    assert made["alerts"] == {"slack": SECRETS["ALERT_CREDENTIAL"]}
    kept = {"database": made["database"], "redis": made["redis"], "openai": made["openai"], "alerts": made["alerts"]}
    for each in of_kind(render(FOUNDATION), "ExternalSecret"):
        for entry in each["spec"].get("data", []):
            name = entry["remoteRef"]["key"]
            if name in kept and "property" in entry["remoteRef"]:
                assert entry["remoteRef"]["property"] in kept[name] or name == "alerts", each["metadata"]["name"]


@pytest.mark.parametrize("component", ["console", "feedback"])
def test_a_component_s_secret_has_what_it_reads_and_is_made_once(tmp_path: Path, component: str) -> None:
    made = _secrets(tmp_path, COMPONENTS=component)[component]

    external = yaml.safe_load((ROOT / f"kustomize/components/{component}/externalsecret.yaml").read_text("utf-8"))
    assert {(each["remoteRef"]["key"], each["remoteRef"]["property"]) for each in external["spec"]["data"]} == {
        (component, key) for key in made
    }
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in made.values())
    assert _secrets(tmp_path, COMPONENTS="console feedback")[component] == made
    assert f"COMPONENTS={component}" in (ROOT / f"kustomize/components/{component}/README.md").read_text("utf-8")


def test_a_component_without_such_a_secret_is_refused(tmp_path: Path) -> None:
    program(tmp_path / "bin", "aws", STORE.format(state=tmp_path))
    path = path_with(tmp_path / "bin")

    result = run(ROOT / "docs/aws/secrets.sh", cwd=tmp_path, PATH=path, **{**SECRETS, "COMPONENTS": "proxy"})

    assert result.returncode == 2
    assert "proxy has no secret that is made here" in result.stderr


def test_argo_cd_s_secret_has_the_keys_that_its_settings_name(tmp_path: Path) -> None:
    made = _secrets(tmp_path, ARGOCD_SLACK_TOKEN="xoxb-1", ARGOCD_GITHUB_TOKEN="github_pat_1")

    settings = (ROOT / "argocd/bootstrap/argo-cd/argocd-notifications-cm.yaml").read_text(encoding="utf-8")
    assert set(made["argocd"]) == set(re.findall(r"\$([a-z-]+)", settings))


def test_argo_cd_gets_a_private_repository_s_token_from_where_it_is_kept(tmp_path: Path) -> None:
    """It was typed into the first cluster, and nowhere else: a second one had none."""
    made = _secrets(tmp_path, ARGOCD_REPOSITORY_TOKEN="github_pat_2")
    shutil.copytree(ROOT / "kustomize/installation", tmp_path / "kustomize/installation")
    program(tmp_path / "bin", "kubectl", f"echo $* >>{tmp_path}/calls; cat >{tmp_path}/applied")
    (typed,) = re.findall(r"^aws secretsmanager get[^#]*?kubectl apply .*$", _page("deploy"), re.MULTILINE)

    done(run("bash", "-eu", "-c", typed, cwd=tmp_path, PATH=path_with(tmp_path / "bin"), ENVIRONMENT="production"))

    assert made["argocd-repository"] == {"token": "github_pat_2"}
    secret = json.loads((tmp_path / "applied").read_text("utf-8"))
    assert secret["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    assert secret["stringData"] == {
        "type": "git",
        "url": data(ROOT / INSTALLATION)["gitUrl"],
        "username": "git",
        "password": "github_pat_2",
    }
    assert "github_pat_2" not in (tmp_path / "calls").read_text("utf-8")


def test_one_value_of_a_secret_is_changed_and_the_others_stay(tmp_path: Path) -> None:
    before = _secrets(tmp_path)["database"]
    (function,) = re.findall(r"^change\(\) .*?^\}$", _page("release"), re.DOTALL | re.MULTILINE)
    program(tmp_path / "bin", "aws", STORE.format(state=tmp_path))
    typed, path = f"{function}\nchange database worker_url", path_with(tmp_path / "bin")

    done(run("bash", "-eu", "-c", typed, cwd=tmp_path, stdin="postgresql://new\n", PATH=path))

    after = json.loads((tmp_path / "ai-agents_production_database").read_text("utf-8"))
    assert after == {**before, "worker_url": "postgresql://new"}
    assert "postgresql://new" not in (tmp_path / "calls").read_text("utf-8")


def test_a_client_s_webhook_secret_is_rotated_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "kustomize/examples/tenant/foundation/tenants", tmp_path / "tenants")
    stored = tmp_path / "ai-agents_production_tenants_acme"
    stored.write_text(json.dumps({"webhook_secret": "old", "api_key": "key"}), encoding="utf-8")
    program(tmp_path / "bin", "aws", STORE.format(state=tmp_path))
    program(tmp_path / "bin", "ai-agents", f'exec "{Path(sys.executable).with_name("ai-agents")}" "$@"')
    (typed,) = re.findall(r"^ *aws [^`]*--change webhook_secret \|\n.*", _page("release"), re.MULTILINE)
    variables = {"PATH": path_with(tmp_path / "bin"), "TENANTS_DIR": str(tmp_path / "tenants")}

    told = run("bash", "-eu", "-c", typed, cwd=tmp_path, **variables)

    assert done(told) == ""
    values = json.loads(stored.read_text("utf-8"))
    assert values == {
        "webhook_secret": values["webhook_secret"],
        "webhook_secret_previous": "old",
        "api_key": "key",
    }
    assert f"webhook_secret, for ServiceDesk Plus: {values['webhook_secret']}" in told.stderr
    ended = typed.replace("webhook_secret |", "webhook_secret_previous |")
    done(run("bash", "-eu", "-c", ended, cwd=tmp_path, **variables))
    assert json.loads(stored.read_text("utf-8")) == {"webhook_secret": values["webhook_secret"], "api_key": "key"}


@pytest.mark.parametrize("name", ["ARGOCD_SLACK_TOKEN", "ARGOCD_GITHUB_TOKEN"])
def test_one_of_argo_cd_s_two_tokens_alone_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    program(tmp_path / "bin", "aws", STORE.format(state=tmp_path))
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    result = run(ROOT / "docs/aws/secrets.sh", cwd=tmp_path, PATH=path, **{**SECRETS, name: "a-token"})

    assert result.returncode == 2
    assert "go together" in result.stderr
    assert not (tmp_path / "calls").exists()


def test_every_secret_of_the_environment_comes_under_the_key_that_its_role_may_use(tmp_path: Path) -> None:
    """Its clients' too, which this script does not make: after a new network they are under the old one's key."""
    names = ["ai-agents/production/database", "ai-agents/production/tenants/acme"]
    (tmp_path / "of_another_key").write_text("\t".join(names), encoding="utf-8")
    _secrets(tmp_path)

    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    listed, *moved = [each for each in calls if "list-secrets" in each or "update-secret" in each]
    assert "Values=ai-agents/production/ " in listed
    assert f"[?KmsKeyId!='{SECRETS['KMS_KEY_ARN']}'].Name" in listed
    assert moved == [
        f"secretsmanager update-secret --secret-id {name} --kms-key-id {SECRETS['KMS_KEY_ARN']}" for name in names
    ]


def test_secrets_of_an_environment_that_was_taken_away_this_week_are_brought_back(tmp_path: Path) -> None:
    """AWS keeps a deleted secret for some days, in which it takes no value and its name is in use."""
    smoke = _secrets(tmp_path)["tenants_smoke"]
    (tmp_path / "deleted").touch()

    assert _secrets(tmp_path)["tenants_smoke"] == smoke

    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    restored = {each.split()[-1] for each in calls if each.startswith("secretsmanager restore-secret")}
    names = ("database", "redis", "openai", "alerts", "tenants/smoke")
    assert restored == {f"ai-agents/production/{name}" for name in names}


def test_secrets_are_seen_in_no_list_of_processes_and_run_again_they_are_renewed(tmp_path: Path) -> None:
    smoke = _secrets(tmp_path)["tenants_smoke"]

    again = _secrets(tmp_path, WORKER_PASSWORD="another")

    assert "worker:another@" in again["database"]["worker_url"]
    assert again["tenants_smoke"] == smoke
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    assert not [
        secret
        for secret in (*SECRETS.values(), *smoke.values())
        if secret in calls and "kms" not in secret and secret != "production"
    ]
