"""The output of the demo: a live table on a terminal, plain lines elsewhere.

Invariant: an output that is not a terminal gets only whole lines without control codes.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from demo.progress import Call, Progress, Stage

_REFRESH_S: Final = 0.1
_BAR_CHARS: Final = 32
_NO_WRAP: Final = 500
# In a narrower terminal each column of the live table is a letter and an ellipsis.
_NARROWEST: Final = 72
_MARKS: Final = {
    Stage.WAITING: ("○", "dim"),
    Stage.SENT: ("○", "dim"),
    Stage.ACCEPTED: ("◔", "cyan"),
    Stage.IN_WORK: ("◑", "yellow"),
    Stage.RETRYING: ("◔", "magenta"),
    Stage.NOTED: ("●", "green"),
    Stage.IGNORED: ("●", "blue"),
    Stage.FAILED: ("✘", "bold red"),
    Stage.REFUSED: ("✘", "bold red"),
}


@dataclass
class Step:
    """A step that runs. Its `detail` is shown when it is done."""

    name: str
    started: float
    detail: str = ""


class Display:
    """Shows one run. *started* is the time from which it counts."""

    def __init__(self, *, started: float) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # so that an old locale is no error
        terminal = Console()
        self._is_live = sys.stdout.isatty() and not terminal.is_dumb_terminal and terminal.width >= _NARROWEST
        self._console = Console() if self._is_live else Console(force_terminal=False, color_system=None, width=_NO_WRAP)
        self._started = started
        self._steps: list[Step] = []
        self._progress: Progress | None = None

    @asynccontextmanager
    async def animated(self) -> AsyncIterator[None]:
        """Update the live part of the screen while the block runs. Its last state stays on the screen."""
        if not self._is_live:
            yield
            return
        with Live(console=self._console, auto_refresh=False, get_renderable=self._render) as live:
            animation = asyncio.create_task(_refresh(live))
            try:
                yield
            finally:
                animation.cancel()
                self._steps.clear()
                live.refresh()
                self._progress = None

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show that a step runs, and when it is done. A failure is shown by the code that ends the demo."""
        step = Step(name, time.monotonic())
        self._steps.append(step)
        yield step
        self._steps.remove(step)
        now = time.monotonic()
        line = Text(f"{now - self._started:5.1f} s  ", "dim")
        line.append("✔ ", "green").append(name, "none").append(f"  {step.detail}", "dim")
        self.say(line)

    def follow(self, progress: Progress) -> None:
        """Show *progress* in the live table."""
        self._progress = progress

    def changed(self, call: Call) -> None:
        """A call reached another stage. The live table shows it; without one a line is printed."""
        if not (self._is_live and self._progress):
            self.say(_line(call))

    def summarise(self, progress: Progress) -> None:
        """Print the result of each call, unless the live table has shown it."""
        if not self._is_live:
            self.say()
            for call in progress:
                self.say(_summary(call))

    def say(self, line: str | Text = "", style: str = "") -> None:
        """Print one line. It is never cut; a terminal may wrap it."""
        self._console.print(line, style=style, soft_wrap=True, highlight=False, markup=False)

    def _render(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self._progress is not None:
            parts += [Text(), _table(self._progress), Text(), _bar(self._progress)]
        parts += [Spinner("dots", Text(f"{step.name} …"), style="cyan") for step in self._steps]
        return Group(*parts)


async def _refresh(live: Live) -> None:
    while True:
        live.refresh()
        await asyncio.sleep(_REFRESH_S)


def _line(call: Call) -> Text:
    """One line about the stage that a call reached."""
    moment = call.notes[0] if call.notes else call.accepted_at or call.sent_at
    line = Text(f"{moment.astimezone():%H:%M:%S}  " if moment else "", "dim")
    line.append(f"{call.slug:<10}", "dim").append(f"“{call.subject}”: ", "none").append(
        call.stage, _MARKS[call.stage][1]
    )
    return line.append(_detail_of(call), "dim")


def _detail_of(call: Call) -> str:
    if call.stage is Stage.ACCEPTED and call.answer_s is not None:
        return f", 202 after {call.answer_s * 1000:.0f} ms"
    if call.stage is Stage.NOTED:
        return "".join(f", {part}" for part in (f"{call.seconds:.2f} s after the webhook", call.verdict) if part)
    return f": {call.trouble}" if call.trouble else ""


def _summary(call: Call) -> str:
    seconds = f"{call.seconds:6.2f} s" if call.seconds is not None else "    none"
    return f"{call.slug:<10} {call.ticket_id:<18} {len(call.notes)} note{'' if len(call.notes) == 1 else 's'} {seconds}"


def _table(progress: Progress) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("")
    table.add_column("tenant", no_wrap=True)
    table.add_column("ticket", no_wrap=True, overflow="ellipsis", max_width=31)
    table.add_column("accepted", no_wrap=True)
    table.add_column("in", no_wrap=True, justify="right")
    table.add_column("note after", no_wrap=True, overflow="ellipsis")
    for call in progress:
        mark, style = _MARKS[call.stage]
        table.add_row(
            Text(mark, style),
            call.slug,
            Text(call.subject, style=f"link {call.ticket_url}" if call.ticket_url else ""),
            f"{call.accepted_at.astimezone():%H:%M:%S}" if call.accepted_at else "",
            f"{call.answer_s * 1000:.0f} ms" if call.answer_s is not None else "",
            Text(_state_of(call), style),
        )
    return table


def _state_of(call: Call) -> str:
    if call.stage is not Stage.NOTED:
        return ": ".join(part for part in (call.stage, call.trouble) if part)
    more = f"{len(call.notes)} notes!" if len(call.notes) > 1 else call.verdict
    return f"{call.seconds or 0:.2f} s  {more}"


def _bar(progress: Progress) -> Table:
    total, noted = len(progress.calls), progress.noted
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=total, completed=noted, width=_BAR_CHARS), f"{noted} of {total} notes")
    return bar
