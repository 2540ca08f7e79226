"""The command line. Each command imports its modules when it runs, so that `--help` and small commands start fast.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import gc

import click

from app.cli.capacity import capacity
from app.cli.costs import costs
from app.cli.deliveries import deliveries
from app.cli.feedback import feedback
from app.cli.onboarding import instances
from app.cli.processes import api, console, migrate, sync, worker
from app.cli.run import open_standard_files, telling_errors
from app.cli.shadow import shadow
from app.cli.smoke import smoke
from app.cli.tenants import tenants
from app.cli.trial import try_ticket
from app.cli.webhook import webhook


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ai-agents")
def cli() -> None:
    """Adds cited context to ServiceDesk Plus tickets.

    Settings come from the environment; docs/configuration.md lists them.
    """


@click.command()
def demo() -> None:
    r"""Say how to start the demo: it is part of the repository, not of this package.

    \b
    Example:
      make demo ONCE=1
    """
    raise click.ClickException("the demo is not in this package: run `make demo` in a checkout")


def _mark_examples(command: click.Command) -> None:
    r"""Turn the two characters `\b` of a raw docstring into click's mark for lines that are not wrapped."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for each in getattr(command, "commands", {}).values():
        _mark_examples(each)


_SERVED = (api, worker, console, migrate, sync)
for command in (
    *_SERVED,
    tenants,
    instances,
    deliveries,
    webhook,
    try_ticket,
    smoke,
    shadow,
    costs,
    feedback,
    capacity,
    demo,
):
    _mark_examples(command)
    cli.add_command(command)


def main() -> None:
    """The console script."""
    # Until `run`: of what is imported nothing is garbage, and to look for it is a sixth of a worker's start.
    gc.disable()
    open_standard_files()
    with telling_errors():
        cli(prog_name="ai-agents")
