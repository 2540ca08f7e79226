"""Names what is still unset in installation.yaml: status 1 if anything is."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

NOWHERE = "192.0.2.0/24"


def unset_keys(path: Path) -> list[str]:
    """The keys whose value is still the one that the repository ships."""
    data = yaml.safe_load(path.read_text("utf-8"))["data"]
    return [key for key, value in data.items() if "unset" in value or value == NOWHERE or not value]


def main() -> int:
    path = Path(__file__).with_name("installation.yaml")
    missing = unset_keys(path)
    for key in missing:
        sys.stderr.write(f"{path.name}: {key} is unset\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
