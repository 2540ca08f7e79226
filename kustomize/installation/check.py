"""Names what is still unset in installation.yaml: status 1 if anything is."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

NOWHERE = "192.0.2.0/24"


def problems(path: Path) -> list[str]:
    """The keys whose value is still the one that the repository ships, each as a sentence."""
    data = yaml.safe_load(path.read_text("utf-8"))["data"]
    return [f"{key} is unset" for key, value in data.items() if "unset" in value or value == NOWHERE or not value]


def main() -> int:
    path = Path(__file__).with_name("installation.yaml")
    found = problems(path)
    for problem in found:
        sys.stderr.write(f"{path.name}: {problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
