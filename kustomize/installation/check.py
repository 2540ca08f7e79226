"""Lists the values, shared and of each environment, that are not set or can't be right; exit status 1 if any."""

from __future__ import annotations

import ipaddress
import re
import sys
from pathlib import Path
from typing import Any

import yaml

Values = dict[str, Any]

KUSTOMIZE = Path(__file__).parents[1]
# As the repository ships them; a host of yours may have the word in its name.
PLACEHOLDER = re.compile(r"^unset$|unset\.invalid|:unset:|^192\.0\.2\.0/24$")
# As in kustomize/components/alerting.
RECEIVERS = ("slack", "pagerduty", "email", "webhook")
MAIL = (r"\S+@\S+\.\S+", "an address of mail")
# Of one that can't be right the operator refuses the whole configuration, and nobody is told of anything.
EMAIL = {
    "alertEmail": MAIL,
    "alertEmailServer": (r"[^\s:]+:\d+", "a host with its port"),
    "alertEmailUser": (r"\S+", "a user"),
}
# The roles and the release job are made for the partition `aws`; a region of another knows none of its accounts.
PARTITION = r"(?!cn-|eusc-|[a-z]{2}-(?:gov|iso))"
# What AWS, the release job or the API server refuses only in the middle of a release, and what each must be.
SHARED = {
    # As .github/scripts/registry.sh takes it.
    "image": (
        rf"\d{{12}}\.dkr\.ecr\.{PARTITION}[a-z0-9-]+\.amazonaws\.com(/[a-z0-9._-]+)+",
        "<account>.dkr.ecr.<region>.amazonaws.com/<repository>, without a tag, in a region of the partition aws",
    ),
    "certificateEmail": MAIL,
    "hostedZoneId": (r"Z[A-Z0-9]+", "an id such as Z0123456789ABCDEFGHIJ"),
    "gitUrl": (r"(https?://|ssh://|[\w.-]+@)\S+", "an address that Git clones from"),
    "runbooksUrl": (r"https?://\S*[^/\s]", "a web address without a slash at its end"),
    "signer": (
        r"https://\S+/\.github/workflows/release\.yaml@refs/heads/main",
        "https://github.com/<owner>/<repository>/.github/workflows/release.yaml@refs/heads/main",
    ),
    "unsignedImages": (r"Audit|Deny", "one of Audit, Deny"),
    "slackChannel": (r"\S+", "a channel, in quotes if it begins with #"),
    "alertReceiver": ("|".join(RECEIVERS), f"one of {', '.join(RECEIVERS)}"),
    "collectorEndpoint": (r"[a-z0-9-]+(\.[a-z0-9-]+)+:4317", "<service>.<namespace>.svc.cluster.local:4317"),
}
NUMBER = (r"\d+", "a number")
NAME = r"(?=.{1,23}$)[a-z][a-z0-9]*(-[a-z0-9]+)*"
OWN = {
    "environment": (NAME, "at most 23 small letters, digits and single hyphens"),
    "follows": (r"\S+", "an environment, or none"),
    "approver": (r"\S+", "a team, a person, or none"),
    "host": (
        r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}",
        "a host name in small letters, and no more",
    ),
    "awsRegion": (PARTITION + r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1, of the partition aws"),
    "externalSecretsRoleArn": (r"arn:aws:iam::\d{12}:role/\S+", "the ARN of a role of the partition aws"),
    "databaseCidr": (r"\S+/\d+", "a range such as 10.0.0.0/16"),
    "redisCidr": (r"\S+/\d+", "a range such as 10.0.0.0/16"),
    **dict.fromkeys(("databaseMaxConnections", "apiMinimum", "apiMaximum", "workersMinimum", "workersMaximum"), NUMBER),
}

# What the workflows and pages read without a parser of YAML.
READ_BY_LINES = ("image", "gitUrl", "follows", "approver")
CIDRS = ("databaseCidr", "redisCidr")
WORKLOADS = ("api", "workers")


def problems(kustomize: Path) -> list[str]:
    """A sentence for each value that is still the placeholder of the repository, or can't be right."""
    path = kustomize / "installation/installation.yaml"
    found = [f"installation.yaml: {text}" for text in [*_of_the_installation(_data(path)), *_unreadable(path)]]
    paths = {each.parts[-3]: each for each in sorted(kustomize.glob("overlays/*/values/environment.yaml"))}
    environments = {name: _data(path) for name, path in paths.items()}
    if "production" not in environments:
        found.append("overlays/production must be there: the tests read of it what a cluster gets")
    for name, path in paths.items():
        texts = [*_of_an_environment(name, environments), *_unreadable(path)]
        found += [f"overlays/{name}: {text}" for text in texts]
    return found


def _unreadable(path: Path) -> list[str]:
    """A sentence for each value that YAML reads in another way than our scripts do, which release by it."""
    data, text = _data(path), path.read_text("utf-8")
    found = []
    for key in READ_BY_LINES:
        lines = re.findall(rf"""^  {key}: +(["']?)([^\s"'#][^\s"']*)\1[ \t]*(?:#.*)?$""", text, re.MULTILINE)
        value = data.get(key)
        if isinstance(value, str) and value and [each for _, each in lines] != [value]:
            found.append(f"{key} must stand in one line, after two spaces, without a space in it")
    return found


def _of_the_installation(data: Values) -> list[str]:
    found = _misshapen(data, SHARED)
    if data.get("alertReceiver") == "email":
        unused = [key for key in EMAIL if "unused" in str(data.get(key, "unused"))]
        found += [f"{key} is unset" for key in unused]
        found += [] if unused else _misshapen({key: data[key] for key in EMAIL}, EMAIL)
    return found


def _of_an_environment(name: str, environments: dict[str, Values]) -> list[str]:
    data = environments[name]
    found = _misshapen(data, OWN)
    if found:
        return found
    if data["environment"] != name:
        found.append(f"environment must be {name}, as its folder")
    others = [each for each in environments if each != name]
    if data["follows"] not in ["none", *others]:
        found.append(f"follows must be one of {', '.join(['none', *others])}")
    elif _goes_round(name, environments):
        found.append("follows leads back to itself: no release comes in")
    found += [f"host must not be that of {each}" for each in others if environments[each].get("host") == data["host"]]
    for key in CIDRS:
        try:
            ipaddress.ip_network(data[key])
        except ValueError as error:
            found.append(f"{key} must be a range such as 10.0.0.0/16: {error}")
    for each in WORKLOADS:
        if not 0 < int(data[f"{each}Minimum"]) <= int(data[f"{each}Maximum"]):
            found.append(f"{each}Minimum must be from 1 to {each}Maximum")
    return found


def _goes_round(name: str, environments: dict[str, Values]) -> bool:
    passed: list[str] = []
    while name in environments and name not in passed:
        passed.append(name)
        name = str(environments[name].get("follows"))
    return name in passed


def _misshapen(data: Values, shapes: dict[str, tuple[str, str]]) -> list[str]:
    """What is unset, no text, or not of its shape; a value that has no shape must be set."""
    found = []
    for key in {**data, **shapes}:
        value = data.get(key)
        pattern, words = shapes.get(key, (".*", ""))
        if key in data and (value is None or value == "" or (isinstance(value, str) and PLACEHOLDER.search(value))):
            found.append(f"{key} is unset")
        elif key in data and not isinstance(value, str):
            found.append(f'{key} must be text: "{value}"')
        elif not re.fullmatch(pattern, str(value or "")):
            found.append(f"{key} must be {words}")
    return found


def _data(path: Path) -> Values:
    data: Values = yaml.safe_load(path.read_text("utf-8"))["data"]
    return data


def main() -> int:
    found = problems(KUSTOMIZE)
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
