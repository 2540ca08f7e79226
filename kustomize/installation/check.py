"""Lists the values, shared and of each environment, that are not set or can't be right; exit status 1 if any."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

KUSTOMIZE = Path(__file__).parents[1]
# As the repository ships them; a host of yours may have the word in its name.
PLACEHOLDER = re.compile(r"^unset$|unset\.invalid|:unset:|^192\.0\.2\.0/24$")
# As in kustomize/components/alerting.
RECEIVERS = ("slack", "pagerduty", "email", "webhook")
EMAIL = ("alertEmail", "alertEmailServer", "alertEmailUser")
ACTIONS = ("Audit", "Deny")


def problems(kustomize: Path) -> list[str]:
    """A sentence for each value that is still the placeholder of the repository, or is not a known one."""
    environments = {path.parts[-3]: path for path in sorted(kustomize.glob("overlays/*/values/environment.yaml"))}
    found = _of_the_installation(kustomize / "installation/installation.yaml")
    for name, path in environments.items():
        found += _of_an_environment(path, name, [*environments])
    return found


def _of_the_installation(path: Path) -> list[str]:
    data = _data(path)
    found = _unset(path, data)
    receiver = data.get("alertReceiver")
    if receiver is None or (receiver not in RECEIVERS and f"{path.name}: alertReceiver is unset" not in found):
        found.append(f"{path.name}: alertReceiver must be one of {', '.join(RECEIVERS)}")
    if receiver == "email":
        found += [f"{path.name}: {key} is unset" for key in EMAIL if "unused" in data.get(key, "unused")]
    if data.get("unsignedImages") not in ACTIONS:
        found.append(f"{path.name}: unsignedImages must be one of {', '.join(ACTIONS)}")
    return found


def _of_an_environment(path: Path, name: str, environments: list[str]) -> list[str]:
    data, where = _data(path), f"overlays/{name}"
    found = [text.replace(path.name, where) for text in _unset(path, data)]
    if data["environment"] != name:
        found.append(f"{where}: environment must be {name}, as its folder")
    others = ["none", *(each for each in environments if each != name)]
    if data["follows"] not in others:
        found.append(f"{where}: follows must be one of {', '.join(others)}")
    for workload in ("api", "workers"):
        minimum, maximum = data[f"{workload}Minimum"], data[f"{workload}Maximum"]
        if not 0 < int(minimum) <= int(maximum):
            found.append(f"{where}: {workload}Minimum must be from 1 to {workload}Maximum")
    return found


def _data(path: Path) -> dict[str, str]:
    data: dict[str, str] = yaml.safe_load(path.read_text("utf-8"))["data"]
    return data


def _unset(path: Path, data: dict[str, str]) -> list[str]:
    return [f"{path.name}: {key} is unset" for key, value in data.items() if PLACEHOLDER.search(value) or not value]


def main() -> int:
    found = problems(KUSTOMIZE)
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
