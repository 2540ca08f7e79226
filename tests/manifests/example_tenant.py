"""The example of a tenant, taken into production as a person does it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from app.tenants.writing import write_list
from tests.manifests.rendering import FOUNDATION

EXAMPLE_TENANT: Final = "kustomize/examples/tenant"
TENANTS: Final = f"{FOUNDATION}/tenants"


def add_example_tenant(root: Path) -> None:
    """Take the example's files into production, as docs/clients.md says under Onboarding. *root* is a copy."""
    shutil.copytree(root / EXAMPLE_TENANT / "foundation", root / FOUNDATION, dirs_exist_ok=True)
    assert write_list(root / TENANTS)
