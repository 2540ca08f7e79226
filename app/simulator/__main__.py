"""The simulator as a process: `python -m app.simulator --port 8090 --data demo/data`.

Its first line on standard output is the URL of ServiceDesk Plus. SIGTERM or SIGINT ends it with status 0.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click

from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.simulator.samples import SampleInvalid, load_portals


@click.command(epilog="Example: python -m app.simulator --port 8090 --data demo/data")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=0, show_default=True, help="The port to listen on; 0 takes a free one.")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of <slug>/portal.yaml and its data.",
)
def main(host: str, port: int, data: Path) -> None:
    """Serve a simulated ServiceDesk Plus until told to stop."""
    try:
        portals = load_portals(data)
    except SampleInvalid as error:
        click.echo(f"{error}", err=True)
        sys.exit(2)
    try:
        asyncio.run(_serve(host, port, portals))
    except OSError as error:
        click.echo(f"can't listen on {host} port {port}: {error.strerror or error}", err=True)
        sys.exit(1)


async def _serve(host: str, port: int, portals: list[Portal]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    simulator = HelpDeskSimulator()
    for portal in portals:
        simulator.add_portal(portal)
    try:
        await simulator.start(host, port)
        click.echo(simulator.url)
        await stopped.wait()
    finally:
        await simulator.stop()


if __name__ == "__main__":
    main()
