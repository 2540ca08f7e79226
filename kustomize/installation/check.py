"""Lists the values of installation.yaml that are not set or can't be right; exit status 1 if there are any."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

# As the repository ships them; a host of yours may have the word in its name.
PLACEHOLDER = re.compile(r"^unset$|unset\.invalid|:unset:|^192\.0\.2\.0/24$")
# As in kustomize/components/alerting.
RECEIVERS = ("slack", "pagerduty", "webhook")
ACTIONS = ("Audit", "Deny")


def problems(path: Path) -> list[str]:
    """A sentence for each key whose value is still the placeholder of the repository, or is not a known one."""
    data = yaml.safe_load(path.read_text("utf-8"))["data"]
    found = [f"{key} is unset" for key, value in data.items() if PLACEHOLDER.search(value) or not value]
    receiver = data.get("alertReceiver")
    if receiver is None or (receiver not in RECEIVERS and "alertReceiver is unset" not in found):
        found.append(f"alertReceiver must be one of {', '.join(RECEIVERS)}")
    if data.get("unsignedImages") not in ACTIONS:
        found.append(f"unsignedImages must be one of {', '.join(ACTIONS)}")
    return found


def main() -> int:
    path = Path(__file__).with_name("installation.yaml")
    found = problems(path)
    for problem in found:
        sys.stderr.write(f"{path.name}: {problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
