"""What a shell has set for other Pythons does not reach the environment that `make` builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.workflows.commands import program, run

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
    other = dict.fromkeys(
        "PYTHONPATH PYTHONHOME PIP_PREFIX PIP_PYTHON PIP_CONSTRAINT UV_NO_BINARY UV_FIND_LINKS UV_PROJECT UV_WORKING_DIRECTORY"
        " UV_MANAGED_PYTHON UV_NO_GROUP UV_NO_INSTALL_PROJECT".split(),
        "/opt/ros",
    )
    way = dict.fromkeys(
        "PIP_INDEX_URL PIP_CERT PIP_TRUSTED_HOST PIP_CONFIG_FILE UV_SYSTEM_CERTS UV_CACHE_DIR".split(), "a"
    )
    chosen = {"UV_PYTHON": "3.12", "UV_PYTHON_PREFERENCE": "only-managed"}
    told = dict(line.partition("=")[::2] for line in of_make("show", **other, **way, **chosen).splitlines())
    assert other.keys().isdisjoint(told)
    assert {**told, **way} == told
    assert told["UV_PYTHON"] == str(ROOT / ".venv/bin/python")
    assert told["UV_PYTHON_PREFERENCE"] == "only-system"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize("there", ["python3.14", "python3.11", "python3"])
def test_where_python3_is_too_old_a_newer_one_is_taken_that_is_beside_it(tmp_path: Path, there: str) -> None:
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        program(tmp_path, name, f"exit {int(name != there)}\n")
    made = of_make("--dry-run", "VENV=.demo/none", ".demo/none/bin/uv", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert f"\n{there} -m venv .demo/none\n" in made


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize(
    ("configured", "environment", "by"),
    [
        ("", {}, "uv sync"),
        ("global.extra-index-url='https://other.example/simple'", {}, "uv sync"),
        ("global.index-url='https://mirror.example/simple'", {}, "pip"),
        (":env:.index-url='https://mirror.example/simple'", {}, "pip"),
        ("", {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}, "pip"),
    ],
)
def test_where_pip_has_another_index_the_packages_come_from_there(
    tmp_path: Path, configured: str, environment: dict[str, str], by: str
) -> None:
    """`uv sync --frozen` goes to the addresses in the lock, whatever UV_DEFAULT_INDEX says."""
    program(
        tmp_path,
        "python",
        f"""case "$*" in
            "-m pip config list") echo "{configured}"; test -z "$PIP_INDEX_URL" || echo ":env:.index-url='$PIP_INDEX_URL'" ;;
            *--require-hashes*) echo pip ;;
        esac
        """,
    )
    program(tmp_path, "uv", 'echo "uv $1"\n')
    own = dict.fromkeys(("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"), "")
    made = of_make(f"VENV={tmp_path}", f"BIN={tmp_path}", f"{tmp_path}/.demo-ready", **{**own, **environment})
    assert (by in made.splitlines(), "uv sync" in made.splitlines()) == (True, by == "uv sync")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize("now", ["echo 3.14", "exit 127"], ids=["another", "none"])
def test_an_environment_whose_python_was_replaced_says_what_to_do(tmp_path: Path, now: str) -> None:
    """After a system's upgrade it was `No module named 'click'`, or `.venv/bin/python: No such file or directory`."""
    (tmp_path / "lib/python3.13").mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").touch()
    program(tmp_path, "python", f"{now}\n")
    here = ("--dry-run", f"VENV={tmp_path}", f"BIN={tmp_path}")
    assert "make clean, then again" in run("make", *here, "demo", cwd=ROOT).stderr
    assert str(tmp_path) in of_make(*here, "clean")
    program(tmp_path, "python", "echo 3.13\n")
    assert "-m demo" in of_make(*here, "demo")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_uv_is_installed_into_the_environment_whatever_place_pip_is_told() -> None:
    """With PIP_USER=1, as some images of CI have it, pip refused: "Can not perform a '--user' install"."""
    assert "pip install --no-user --target= " in of_make("--dry-run", "VENV=.demo/none", ".demo/none/bin/uv")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize("options", [[], ["-sk"], ["-j8"]], ids=" ".join)
@pytest.mark.parametrize("failing", ["ruff", "mypy", "deptry", "python", "nothing"])
def test_a_check_that_fails_says_so_after_the_tests_and_else_they_have_the_last_word(
    tmp_path: Path, failing: str, options: list[str]
) -> None:
    """They run side by side: a wrong type scrolls by, and minutes later thousands of tests pass."""
    for name in ("uv", "ruff", "mypy", "lint-imports", "deptry", "python"):
        program(tmp_path, name, f"echo {name}\nexit {int(name == failing)}\n")
    (tmp_path / ".dev-ready").touch()
    here = (f"VENV={tmp_path}", f"BIN={tmp_path}")
    made = run("make", "--no-print-directory", *options, "check", *here, cwd=ROOT)

    told = [line for line in made.stderr.splitlines() if "forced in submake" not in line]
    target = {"ruff": "lint", "mypy": "types", "deptry": "imports", "python": "unit", "nothing": ""}[failing]
    assert (made.returncode != 0, bool(told)) == (bool(target), bool(target))
    if target:
        assert f"{target}] Error 1" in made.stderr
        assert told[-2] == 'check failed: each "***" above names what did'
