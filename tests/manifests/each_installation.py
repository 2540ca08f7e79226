"""The tests that read manifests, on copies of the project whose values are filled, and unset, and with every option.

`make test` runs them on what is checked in, rendered with one installation. Here each other one is both checked in and
rendered: nobody who fills the files, with whatever legal values, takes an environment away or takes an option is kept from a
release by a test. The filled one also has clients.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from app.tenants.writing import write_list
from tests.manifests.example_tenant import add_example_tenant
from tests.manifests.project import (
    CHOSEN,
    ENVIRONMENTS,
    INSTALLATIONS,
    ROOT,
    add_components,
    install,
    take_away,
    take_options_away,
    values_of,
)

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


OPTIONS = {
    "foundation": ["database-ca/foundation", "pod-identity"],
    "workload": ["console", "feedback", "knowledge", "proxy", "vectors", "database-ca/workload"],
}
"""All that production may have beside what it ships with. ingress-nginx stands in place of gateway-api: the filled one has it."""


def run_tests(name: str, *, has_options: bool = False) -> int:
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
        if name == "another":
            take_the_other_door(copy)
            do_without(copy)
        if has_options:
            add_environments(copy)
            take_options(copy)
        left_out = [f"--ignore={path}" for path in LEFT_OUT]
        tests = RENDERING if name == "unset" else RENDERING + READING
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *left_out, *tests]
        return subprocess.run(command, cwd=copy, env={**os.environ, "INSTALLATION": name}, check=False).returncode


def take_the_other_door(root: Path) -> None:
    """An Ingress, as its component's page says. *root* is a copy."""
    path = root / "kustomize/environment/workload/kustomization.yaml"
    path.write_text(path.read_text("utf-8").replace("components/gateway-api", "components/ingress-nginx"), "utf-8")


def do_without(root: Path) -> None:
    """No Prometheus operator, as docs/deploy.md says in step 8, and no traces. *root* is a copy."""
    for path in root.glob("kustomize/**/kustomization.yaml"):
        text = path.read_text("utf-8")
        text = re.sub(
            r"^  - \S+/components/(alerting|watchdog|observability|collector)\n", "", text, flags=re.MULTILINE
        )
        path.write_text(text, "utf-8")


def add_environments(root: Path) -> None:
    """Those that docs/environments.md adds, by their names there; staging is where production is listed. *root* is a copy."""
    for name, copied in (("production-us", "production"), ("trial", "staging")):
        if copied in ENVIRONMENTS and name not in ENVIRONMENTS:
            shutil.copytree(root / values_of(copied).partition("/values")[0], root / "kustomize/overlays" / name)
            for path in (root / "kustomize/overlays" / name).rglob("*.yaml"):
                if "tenants" in path.parts or path.name.endswith("-network.yaml"):
                    path.unlink()
                    continue
                text = path.read_text("utf-8").replace(f"namespace: {copied}", f"namespace: {name}")
                text = "".join(line for line in text.splitlines(keepends=True) if not line.endswith("-network.yaml\n"))
                text = text.replace("    - {server: https://kubernetes.default.svc, namespace: staging}\n", "")
                text = re.sub(r"^  environment: .*$", f"  environment: {name}", text, flags=re.MULTILINE)
                text = re.sub(r"^  host: ", f"  host: {name}.", text, flags=re.MULTILINE)
                path.write_text(re.sub(r"^  follows: .*$", f"  follows: {copied}", text, flags=re.MULTILINE), "utf-8")
            write_list(root / "kustomize/overlays" / name / "foundation/tenants")
    listed = root / "kustomize/overlays/production/cluster/applications/environments.yaml"
    line = "    - {server: https://kubernetes.default.svc, namespace: production}\n"
    if "trial" not in ENVIRONMENTS and (root / "kustomize/overlays/trial").is_dir():
        text = listed.read_text("utf-8")
        listed.write_text(text.replace(line, line.replace("production", "trial") + line), "utf-8")


def take_options(root: Path) -> None:
    """Every option in production, a client on a private network and a setting of its own; staging has none. *root* is a copy."""
    take_options_away(root)
    for part, components in OPTIONS.items():
        add_components(root, f"kustomize/overlays/production/{part}", *components)
    production = root / "kustomize/overlays/production"
    (root / "kustomize/components/database-ca/foundation/ca.pem").write_text("a certificate\n", "utf-8")
    example = (root / "kustomize/components/on-premises/networkpolicy.yaml").read_text("utf-8")
    (production / "foundation/main-network.yaml").write_text(example.replace("tenant-acme", "tenant-main"), "utf-8")
    path = production / "foundation/kustomization.yaml"
    path.write_text(path.read_text("utf-8").replace("  - tenants\n", "  - tenants\n  - main-network.yaml\n"), "utf-8")
    setting = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"LOG_LEVEL": "debug"},
    }
    with (production / "workload/kustomization.yaml").open("a", encoding="utf-8") as file:
        file.write(yaml.safe_dump({"patches": [{"patch": yaml.safe_dump(setting)}]}))


def main() -> int:
    failed = []
    for name in INSTALLATIONS:
        if name != CHOSEN:
            sys.stdout.write(f"With the installation `{name}`:\n")
            sys.stdout.flush()
            failed += [name] if run_tests(name) else []
    sys.stdout.write(f"With the installation `{CHOSEN}`, every option and more environments:\n")
    sys.stdout.flush()
    failed += ["options"] if run_tests(CHOSEN, has_options=True) else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
