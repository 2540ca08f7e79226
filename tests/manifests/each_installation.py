"""The tests that read manifests, on copies of the project whose values are filled, and unset.

`make test` runs them on what is checked in, rendered with one installation. Here each other one is both checked in and
rendered: nobody who fills the files, with whatever legal values, or takes an environment away is kept from a release by a
test. The filled one also has clients.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.manifests.example_tenant import add_example_tenant
from tests.manifests.project import CHOSEN, ENVIRONMENTS, INSTALLATIONS, ROOT, install

RENDERING = ("tests/manifests", "tests/policies")
READING = ("tests/workflows",)
"""They read what is checked in. `make test` runs them with that, and nobody empties a filled file."""
# They read nothing of an installation.
LEFT_OUT = (
    *("tests/manifests/test_local_overlay.py", "tests/manifests/test_changes.py"),
    *("tests/manifests/test_kubectl_lines.py", "tests/manifests/test_migration_safety.py"),
    *("tests/workflows/test_workflows.py", "tests/workflows/test_rendered_diff.py"),
    *("tests/workflows/test_image_push.py", "tests/workflows/test_aws_stacks.py"),
)
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".demo", ".drill", "dist", ".*_cache", ".hypothesis", "__pycache__"
)


def run_tests(name: str) -> int:
    """The status of the tests with the installation *name*."""
    with tempfile.TemporaryDirectory(prefix="ai-agents-installation-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        install(INSTALLATIONS[name], copy)
        if name != "unset":
            add_example_tenant(copy)
            for environment in ENVIRONMENTS:
                if not (INSTALLATIONS[name] / f"{environment}.yaml").is_file():
                    take_away(environment, copy)
        left_out = [f"--ignore={path}" for path in LEFT_OUT]
        tests = RENDERING if name == "unset" else RENDERING + READING
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *left_out, *tests]
        return subprocess.run(command, cwd=copy, env={**os.environ, "INSTALLATION": name}, check=False).returncode


def take_away(environment: str, root: Path) -> None:
    """As docs/environments.md says under An environment less. *root* is a copy."""
    shutil.rmtree(root / "kustomize/overlays" / environment)
    for path in root.glob("kustomize/overlays/*/cluster/applications/environments.yaml"):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if f"namespace: {environment}}}" not in line), "utf-8")


def main() -> int:
    failed = []
    for name in INSTALLATIONS:
        if name != CHOSEN:
            sys.stdout.write(f"With the installation `{name}`:\n")
            sys.stdout.flush()
            failed += [name] if run_tests(name) else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
