"""Where the product's folder may lie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import app
from app.db.migrate import known_revisions

ASK = "from app.db.migrate import known_revisions; print(known_revisions()[0])"


def test_the_migrations_are_found_in_a_folder_whose_name_holds_a_percent_sign(tmp_path: Path) -> None:
    """Jenkins names the workspace of a branch `feature/mail` so (pantsbuild/pants#3624)."""
    checkout = tmp_path / "project_feature%2Fmail 100%"
    checkout.mkdir()
    (checkout / "app").symlink_to(Path(app.__file__).parent)
    told = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.strip() == known_revisions()[0], told.stderr[-500:]
