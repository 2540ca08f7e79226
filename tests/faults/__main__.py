"""`make faults`: the product as processes, a steady load, one fault after another, and the count of what became of it.

    python -m tests.faults --seconds 600 --rate 50 --seed 1 --json faults.json

Exit status 1 when a promise was broken, 2 when the harness itself failed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from demo.failure import RunFailed
from demo.run_folder import RunFolder, open_run_folder
from tests.faults.drill import Orders, drill
from tests.faults.kinds import FAULTS

_CHECKOUT: Final = Path(__file__).parents[2]
_OWN_MOUNTS: Final = "AI_AGENTS_FAULTS_OWN_MOUNTS"
_DISK_SIZE: Final = "400m"
_GIVEN_DISK: Final = _CHECKOUT / ".demo" / "disk"


@click.command(epilog="Example: python -m tests.faults --seconds 60 --rate 50 --fault 'Redis killed'")
@click.option("--seconds", default=600.0, show_default=True, help="How long calls are made.")
@click.option("--rate", default=50.0, show_default=True, help="Calls a second.")
@click.option("--seed", default=1, show_default=True, help="The same seed plans the same calls and faults.")
@click.option("--fault", "names", multiple=True, help="Only faults whose name holds this; may be given more than once.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report here too.")
@click.option("--logs", type=click.Path(path_type=Path), help="Keep the processes' logs in this folder.")
def main(
    seconds: float, rate: float, seed: int, names: tuple[str, ...], json_path: Path | None, logs: Path | None
) -> None:
    """Inject one fault after another under load, and count from outside what was lost, doubled or mixed up."""
    _take_own_mounts()
    chosen = [fault for fault in FAULTS if not names or any(name.lower() in fault.name.lower() for name in names)]
    orders = Orders(seconds=seconds, rate=rate, seed=seed, faults=chosen)
    try:
        with open_run_folder(_CHECKOUT / ".demo") as run, _small_disk(run) as small_disk:
            try:
                report = asyncio.run(drill(orders, run, small_disk=small_disk, tell=click.echo))
            finally:
                if logs is not None:
                    logs.mkdir(parents=True, exist_ok=True)
                    for log in run.path.glob("*.log"):
                        shutil.copy(log, logs)
    except* RunFailed as errors:
        for error in errors.exceptions:
            click.echo(f"the harness failed: {error}", err=True)
        sys.exit(2)
    click.echo("")
    click.echo(report.as_text())
    if json_path is not None:
        json_path.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    sys.exit(0 if report.is_kept else 1)


def _take_own_mounts() -> None:
    """As root, begin again in mounts of our own: what is mounted there is gone with the last of our processes."""
    if os.geteuid() != 0 or os.environ.get(_OWN_MOUNTS) or shutil.which("unshare") is None:
        return
    os.execvpe(  # noqa: S606
        "unshare",  # noqa: S607
        ["unshare", "--mount", sys.executable, "-m", "tests.faults", *sys.argv[1:]],
        {**os.environ, _OWN_MOUNTS: "1"},
    )


@contextmanager
def _small_disk(run: RunFolder) -> Iterator[Path | None]:
    """A small file system for the database's files: one of our own as root, else the one of `make faults-machine`."""
    if os.environ.get(_OWN_MOUNTS):
        folder = run.path / "disk"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_SIZE}", "tmpfs", str(folder)]
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            try:
                yield folder
            finally:
                subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607
            return
    if _GIVEN_DISK.is_mount() and os.geteuid() != 0:
        with TemporaryDirectory(dir=_GIVEN_DISK) as name:
            yield Path(name)
        return
    yield None


if __name__ == "__main__":
    main()
