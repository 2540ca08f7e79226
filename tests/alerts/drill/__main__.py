"""`make alert-drill`: every alert fires in a real Prometheus over the real product, its page is followed, it resolves.

    python -m tests.alerts.drill --alert HelpDesk --markdown drill.md

Exit status 1 when an alert did not fire or did not resolve, or a page's command is none; 2 without Prometheus.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from demo.launcher import CHECKOUT
from demo.run_folder import RunFolder, open_run_folder
from tests.alerts.drill.pages import Ran, follow_page
from tests.alerts.drill.provocations import PROVOCATIONS, Provocation
from tests.alerts.drill.scene import FASTER, Scene, Watch, open_scene

_FIRES_WITHIN_S: Final = 150.0
_READING_S: Final = 2.0
# The slow burn looks back three days: six hours of a minute each, and what the watch takes.
_RESOLVES_WITHIN_S: Final = 600.0
# Wrong usage, not executable, not found. Another status may be what confirms: `curl` finds nobody, a check finds a fault.
_NOT_A_COMMAND: Final = (2, 126, 127)


@dataclass(slots=True)
class Outcome:
    """How one alert went."""

    alert: str
    how: str
    fired_s: float | None = None
    """After the cause was there."""
    resolved_s: float | None = None
    """After the page had been followed; 0: it had resolved by then."""
    ran: list[Ran] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        is_wrong = any(each.status in _NOT_A_COMMAND for each in self.ran)
        return self.fired_s is not None and self.resolved_s is not None and not is_wrong

    @property
    def row(self) -> str:
        tried = [each for each in self.ran if each.status is not None]
        return (
            f"| {self.alert} | {self.how} | {_seconds(self.fired_s)} | {len(tried)} of {len(self.ran)} |"
            f" {'meanwhile' if self.resolved_s == 0 else _seconds(self.resolved_s)} |"
        )


def _seconds(value: float | None) -> str:
    return "**not seen**" if value is None else f"{value:.0f} s"


@click.command()
@click.option("--alert", "part", default="", help="Only provocations of alerts whose name holds this.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the table here too.")
def main(part: str, markdown: Path | None) -> None:
    """Provoke every alert, follow its page, and see it resolve."""
    if shutil.which("prometheus") is None:
        click.echo("Prometheus is not installed: make test-machine installs it", err=True)
        sys.exit(2)
    chosen = [each for each in PROVOCATIONS if any(part.lower() in name.lower() for name in each.alerts)]
    click.echo(f"windows and patience of the rules are {FASTER} times shorter than in production")
    with open_run_folder(CHECKOUT / ".demo") as run:
        outcomes = asyncio.run(_drill(chosen, run))
    table = [
        "| alert | provoked by | fired after | commands of its page that were run | resolved after |",
        "| --- | --- | ---: | ---: | ---: |",
        *(outcome.row for outcome in outcomes),
    ]
    click.echo("\n" + "\n".join(table))
    for outcome in outcomes:
        for each in outcome.ran:
            if each.status:
                click.echo(f"\n{outcome.alert}: {each.command}\n  ended with status {each.status}: {each.output}")
    if markdown is not None:
        markdown.write_text("\n".join(table) + "\n")
    sys.exit(0 if all(outcome.is_fine for outcome in outcomes) else 1)


async def _drill(chosen: list[Provocation], run: RunFolder) -> list[Outcome]:
    outcomes: list[Outcome] = []
    async with open_scene(run) as (scene, watch), asyncio.TaskGroup() as resolving:
        for provocation in chosen:
            click.echo(f"{provocation.how}: {', '.join(provocation.alerts)}")
            ended = [Outcome(alert, provocation.how) for alert in provocation.alerts]
            outcomes += ended
            started = time.monotonic()
            async with provocation.open(scene) as words:
                for outcome in ended:
                    outcome.fired_s = await watch.until_fired(outcome.alert, since=started, limit_s=_FIRES_WITHIN_S)
                    click.echo(f"  {outcome.alert}: fired after {_seconds(outcome.fired_s)}")
                    await _follow(outcome, words, scene)
                healed = time.monotonic()
            for outcome in ended:
                resolving.create_task(_resolve(outcome, watch, since=healed))
    return outcomes


async def _follow(outcome: Outcome, words: dict[str, str], scene: Scene) -> None:
    outcome.ran = await asyncio.to_thread(
        lambda: list(follow_page(outcome.alert, words, scene.place, reading_s=_READING_S))
    )
    for each in outcome.ran:
        if each.status is not None:
            click.echo(f"    $ {each.command}   [{each.status}]")
            for line in each.output.splitlines()[:4]:
                click.echo(f"      {line[:150]}")


async def _resolve(outcome: Outcome, watch: Watch, *, since: float) -> None:
    outcome.resolved_s = await watch.until_resolved(outcome.alert, since=since, limit_s=_RESOLVES_WITHIN_S)
    click.echo(f"  {outcome.alert}: resolved after {_seconds(outcome.resolved_s)}")


if __name__ == "__main__":
    main()
