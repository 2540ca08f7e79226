"""What a shell has set for other Pythons does not reach the environment that `make` builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def of_make(*targets: str, **environment: str) -> str:
    """What `make` prints, where a target `show` prints its environment."""
    made = subprocess.run(
        [str(shutil.which("make")), "--no-print-directory", "-f", "Makefile", "-f", "-", *targets],
        cwd=ROOT,
        input="show:;@env\n",  # not by --eval, which macOS's make has not
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_what_is_set_for_another_python_does_not_reach_the_environment() -> None:
    """A shell with ROS has such a PYTHONPATH; GitHub's setup-uv sets UV_PYTHON, for which uv replaces the environment."""
    other = {"PYTHONPATH": "/opt/ros/site-packages", "PYTHONHOME": "/opt/x", "PIP_PREFIX": "/opt/y"}
    chosen = {"UV_PYTHON": "3.12", "UV_PYTHON_PREFERENCE": "only-managed"}
    told = dict(line.partition("=")[::2] for line in of_make("show", **other, **chosen).splitlines())
    assert other.keys().isdisjoint(told)
    assert told["UV_PYTHON"] == str(ROOT / ".venv/bin/python")
    assert told["UV_PYTHON_PREFERENCE"] == "only-system"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_uv_is_installed_into_the_environment_whatever_place_pip_is_told() -> None:
    """With PIP_USER=1, as some images of CI have it, pip refused: "Can not perform a '--user' install"."""
    assert "pip install --no-user --target= " in of_make("--dry-run", "VENV=.demo/none", ".demo/none/bin/uv")
