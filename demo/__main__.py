"""`python -m demo`, which `make demo` runs."""

from __future__ import annotations

import signal
from pathlib import Path

# Until there is something to stop: Ctrl-C while modules are imported was fifty lines of a traceback.
_ON_CTRL_C = signal.getsignal(signal.SIGINT)
if _ON_CTRL_C is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import click  # noqa: E402

from demo.app import run_demo  # noqa: E402


@click.command(epilog="Example: make demo ONCE=1")
@click.option("--once", is_flag=True, help="End after the last note; status 0 only if every ticket has exactly one.")
def main(*, once: bool) -> None:
    """Show webhooks becoming notes, on embedded servers and with three sample tenants."""
    signal.signal(signal.SIGINT, _ON_CTRL_C)
    raise SystemExit(run_demo(Path.cwd(), is_once=once))


if __name__ == "__main__":
    main()
