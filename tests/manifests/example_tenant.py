"""The example of a tenant, taken into production as a person does it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import yaml

from tests.manifests.rendering import FOUNDATION, WORKLOAD

EXAMPLE_TENANT: Final = "kustomize/examples/tenant"


def add_example_tenant(root: Path) -> None:
    """Take the example's files into production, as docs/deploy.md says under Onboarding. *root* is a copy."""
    for part, overlay in (("foundation", FOUNDATION), ("workload", WORKLOAD)):
        shutil.copytree(root / EXAMPLE_TENANT / part, root / overlay, dirs_exist_ok=True)
    foundation, secrets, workload = (
        root / folder / "kustomization.yaml" for folder in (FOUNDATION, f"{FOUNDATION}/tenant-secrets", WORKLOAD)
    )
    content = yaml.safe_load(foundation.read_text("utf-8"))
    content["configMapGenerator"][0]["files"].append("tenants/acme.yaml")
    foundation.write_text(yaml.safe_dump(content), "utf-8")
    content = yaml.safe_load(secrets.read_text("utf-8"))
    content["resources"] += ["acme-api.yaml", "acme-worker.yaml"]
    secrets.write_text(yaml.safe_dump(content), "utf-8")
    content = yaml.safe_load(workload.read_text("utf-8"))
    content["components"].append("tenants/acme")
    workload.write_text(yaml.safe_dump(content), "utf-8")
