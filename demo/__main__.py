"""`python -m demo`, which `make demo` runs."""

from __future__ import annotations

from pathlib import Path

import click

from demo.app import run_demo


@click.command(epilog="Example: make demo ONCE=1")
@click.option("--once", is_flag=True, help="End after the last note; status 0 only if every ticket has exactly one.")
def main(*, once: bool) -> None:
    """Show webhooks becoming notes, on embedded servers and with three sample tenants."""
    raise SystemExit(run_demo(Path.cwd(), is_once=once))


if __name__ == "__main__":
    main()
