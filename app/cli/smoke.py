"""The command `smoke`: the whole path, from a signed webhook to its note."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.ledger import open_ledger
from app.cli.run import choose, load_directory, run

if TYPE_CHECKING:
    from app.smoke import Hosted, RealTicket
    from app.smoke.cluster import Cluster
    from app.smoke.report import SmokeReport

_MAX_PORT: Final = 65_535


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The API.")
@click.option("--tenant", "slug", default="smoke", show_default=True, help="Its URL must lead to --listen.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="Where this hosts the simulator.")
@click.option(
    "--ticket",
    "ticket_id",
    metavar="ID",
    help="One of the tenant's real help desk instead: it gets one note. Needs DATABASE_URL, as the worker's role.",
)
@click.option(
    "--timeout",
    type=click.IntRange(0, 86_400),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="For the note to arrive.",
)
@click.option(
    "--public-url",
    metavar="URL",
    help="Check there too, for which it waits five minutes: certificate, redirect, what else is published.",
)
@click.option("--namespace", help="Check the release's pods there, by the Kubernetes API (in a pod, with smoke-sa).")
@click.option("--expect-image", "image", metavar="IMAGE", help="What they run; this pod's own image otherwise.")
@click.option(
    "--json", "json_file", metavar="[FILE]", is_flag=False, flag_value="-", help="JSON: there, or instead of the table."
)
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report there too.")
def smoke(url: str, slug: str, listen: str, ticket_id: str | None, timeout: int, **options: Any) -> None:
    r"""Prove the whole path: a signed webhook leads to one cited note, on a help desk that this command hosts.

    Status 1 if a check failed; each says what to do.

    \b
    Example:
      TENANTS_DIR=tenants TENANT_SECRETS_DIR=secrets ai-agents smoke --url http://api:8000 --listen 0.0.0.0:8080
      ai-agents smoke --tenant acme --ticket 100234 --url https://api.example.com
    """
    from app.smoke import Hosted, PublicDoor, run_smoke

    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
        raise click.UsageError("--listen must be HOST:PORT, e.g. 0.0.0.0:8080 or [::]:8080")
    public_url, namespace = options["public_url"], options["namespace"]
    if public_url is not None and not public_url.startswith("https://"):
        raise click.UsageError("--public-url must begin with https://")
    if options["image"] and not namespace:
        raise click.UsageError("--expect-image goes with --namespace")
    known = choose(load_directory(), slug)
    if known.tenant.note.is_shadow:
        instead = f"look at one by `ai-agents try --tenant {slug} --ticket ID`, or set note.mode: post in its file"
        raise click.ClickException(f"{slug} is in shadow mode, so no note would come: {instead}")

    async def work() -> SmokeReport:
        async with _help_desk(ticket_id, Hosted(host.strip("[]") or "0.0.0.0", int(port))) as help_desk:  # noqa: S104 - a pod's own
            return await run_smoke(
                known,
                help_desk,
                url=url,
                limit_s=timeout,
                door=PublicDoor(public_url, wait_s=300) if public_url else None,
                cluster=_cluster(namespace, options["image"]) if namespace else None,
            )

    _tell(run(work()), json_file=options["json_file"], junit=options["junit"])


def _cluster(namespace: str, image: str | None) -> Cluster:
    from app.smoke.cluster import Cluster

    return Cluster(namespace, pod=socket.gethostname(), image=image)


@asynccontextmanager
async def _help_desk(ticket_id: str | None, hosted: Hosted) -> AsyncIterator[Hosted | RealTicket]:
    from app.smoke import RealTicket

    if ticket_id is None:
        yield hosted
        return
    async with open_ledger() as database:
        yield RealTicket(ticket_id, database)


def _tell(report: SmokeReport, *, json_file: str | None, junit: Path | None) -> None:
    try:
        if junit is not None:
            junit.write_text(report.junit(), "utf-8")
        if json_file not in {None, "-"}:
            Path(str(json_file)).write_text(report.json() + "\n", "utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be written ({error.strerror})") from error
    finally:
        click.echo(report.json() if json_file == "-" else report.table())
    if not report.is_passed:
        raise SystemExit(1)
