"""Running the pipeline's scripts as a job does, in scratch repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = ROOT / ".github" / "scripts"
_OF_THE_SYSTEM: Final = "/usr/bin:/bin"


def _settings(of_git: dict[str, str]) -> dict[str, str]:
    """The variables that tell Git these settings."""
    told = {"GIT_CONFIG_COUNT": str(len(of_git))}
    for number, (key, value) in enumerate(of_git.items()):
        told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return told


# No housekeeping after each commit and fetch: it is a process each time. Nothing of the person's own Git configuration,
# and nothing that GitHub sets, or the make that runs the tests.
ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_", "MAKE", "MFLAGS"))},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A developer",
    "GIT_AUTHOR_EMAIL": "developer@example.com",
    "GIT_COMMITTER_NAME": "A developer",
    "GIT_COMMITTER_EMAIL": "developer@example.com",
    **_settings({"maintenance.auto": "false", "gc.auto": "0", "receive.autogc": "false", "core.fsync": "none"}),
}


def run(
    *command: str | Path, cwd: Path, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        input=stdin,
        env={**ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def done(result: subprocess.CompletedProcess[str]) -> str:
    """What a command that did its work said."""
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """Why a command did nothing."""
    assert result.returncode == 1, result.stderr
    return result.stderr


def git(repository: Path, *arguments: str) -> str:
    return done(run("git", *arguments, cwd=repository)).strip()


def commit(repository: Path, message: str, files: dict[str, str]) -> str:
    """Commit *files* with their new texts; the commit."""
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text, encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", message)
    return git(repository, "rev-parse", "HEAD")


def program(folder: Path, name: str, script: str) -> None:
    """An executable *name* in *folder*, to stand on the PATH before the real one."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{script}", encoding="utf-8")
    path.chmod(0o755)


# What a machine with Python, git and make alone may not have, where the script's own part is tested all the same.
_INSTEAD: Final = {
    "jq": f'exec "{Path(sys.executable).with_name("jaq")}" "$@"',
    "ssh-keygen": 'for last; do :; done; echo "-----BEGIN OPENSSH PRIVATE KEY----- $RANDOM$RANDOM" >"$last"; echo "ssh-ed25519 AAAA $last" >"$last.pub"',
}


def path_with(folder: Path) -> str:
    """A PATH of the programs in *folder* and the system's; what the system lacks of `_INSTEAD` is put into the folder."""
    for name, script in _INSTEAD.items():
        if shutil.which(name, path=f"{folder}:{_OF_THE_SYSTEM}") is None:
            program(folder, name, script)
    return f"{folder}:{_OF_THE_SYSTEM}"
