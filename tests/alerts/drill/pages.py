"""A runbook's commands, and what stands for each where there is no cluster.

Invariant: what is run is the product's own command with its own environment, or reads a process's own log. Whatever
needs a cluster, Git or a cloud is left out and counted as left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.launcher import CHECKOUT, environment
from tests.alerts.rules import RUNBOOKS

_FENCE: Final = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXEC: Final = re.compile(
    r"^kubectl --namespace production exec (?P<terminal>-it )?deploy/ai-agents-(?P<process>\w+) -- python -m app "
)
_LOGS: Final = re.compile(
    r"^kubectl --namespace production logs"
    r" (?:deploy/ai-agents-|--selector app\.kubernetes\.io/component=)(?P<process>\w+)(?P<options>(?: --[\w=-]+)*)"
)
_TAIL: Final = re.compile(r"--tail=(\d+)")


@dataclass(frozen=True, slots=True)
class Ran:
    """One command of a page."""

    command: str
    """As the page has it."""
    status: int | None
    """None: it can't be run here."""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the product runs that the commands are about."""

    logs: Path
    """A folder with a log for each process."""
    variables: Mapping[str, Mapping[str, str]]
    """Of each process."""
    api_url: str


def follow_page(alert: str, words: Mapping[str, str], place: Place, *, reading_s: float) -> Iterator[Ran]:
    """Run what can be run of the page's Confirm and Act, from top to bottom, with *words* in its placeholders.

    Before each command *reading_s* go by, as with a person: what was replayed has failed again before it is dismissed.
    """
    page = (RUNBOOKS / f"{alert}.md").read_text("utf-8")
    steps = page.partition("## Confirm")[2].partition("## Prevent")[0]
    for fence in _FENCE.findall(steps):
        for line in fence.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                time.sleep(reading_s)
                yield _run(re.sub(r" {2,}", " ", line), words, place)


def _run(command: str, words: Mapping[str, str], place: Place) -> Ran:
    filled = command
    for placeholder, word in words.items():
        filled = re.sub(rf"\b{placeholder}\b", word, filled)
    variables: Mapping[str, str] = {}
    answer = ""  # without a terminal nobody can answer what a command asks
    if found := _EXEC.match(filled):
        variables = place.variables[found["process"]]
        answer = "y\n" if found["terminal"] else ""
        filled = f"{sys.executable} -m app {filled[found.end() :]}"
    elif found := _LOGS.match(filled):
        tail = _TAIL.search(found["options"])
        read = f"tail --lines={tail[1]}" if tail else "cat"
        filled = f"{read} {place.logs}/{found['process']}.log{filled[found.end() :]}"
    elif filled.startswith("curl "):
        filled = filled.replace("https://HOST", place.api_url)
    else:
        return Ran(command, None)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", filled],  # noqa: S607 - the pages are written for a shell
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env=environment(**variables),
    )
    return Ran(command, done.returncode, (done.stdout + done.stderr).strip())
