"""`make demo` as its user sees it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

from demo.launcher import CHECKOUT, environment


async def test_the_demo_ends_with_one_note_on_each_of_twelve_tickets() -> None:
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "demo", "--once"],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(re.findall(r"^\w+ +\d+ +1 note +\d+\.\d+ s$", ended.stdout, re.MULTILINE)) == 12
    assert "offline model" in ended.stdout
    assert "\x1b" not in ended.stdout
