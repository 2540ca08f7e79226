"""The commands that try the product out: a webhook by hand, the smoke test, the demo."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from app.cli.run import choose, load_directory, run
from app.core.delivery import Event


@click.group()
def webhook() -> None:
    """Webhooks as ServiceDesk Plus would send them."""


@webhook.command("send")
@click.option("--tenant", "slug", required=True, metavar="SLUG", help="Whose secret signs.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The API.")
@click.option(
    "--event", type=click.Choice([each.value for each in Event]), default=Event.CREATED.value, show_default=True
)
@click.option("--standard", is_flag=True, help="Sign as Standard Webhooks.")
@click.argument("ticket_id")
def send_webhook(slug: str, url: str, event: str, ticket_id: str, *, standard: bool) -> None:
    r"""Sign and send one webhook; prints the answer, status 1 unless it is 202.

    \b
    Example:
      TENANTS_DIR=tenants TENANT_SECRETS_DIR=secrets ai-agents webhook send --tenant acme 100234
    """
    import httpx

    from app.sender import Sender

    known = choose(load_directory(), slug)

    async def work() -> httpx.Response:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            sender = Sender(client, known, is_standard=standard)
            return await sender.send({"event": event, "ticket_id": ticket_id})

    try:
        response = run(work())
    except httpx.HTTPError as error:
        raise click.ClickException(f"{url} did not answer ({type(error).__name__})") from error
    click.echo(f"{response.status_code} {response.text}")
    if response.status_code != httpx.codes.ACCEPTED:
        raise SystemExit(1)


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The API.")
@click.option("--tenant", "slug", default="smoke", show_default=True, help="Its URL must lead to --listen.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="Where this hosts the simulator.")
@click.option("--timeout", default=120, show_default=True, metavar="SECONDS", help="For the note to arrive.")
@click.option("--public-url", metavar="URL", help="Check there too: certificate, redirect, what else is published.")
@click.option("--namespace", help="Check the release's pods there, by the Kubernetes API (in a pod, with smoke-sa).")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report there too.")
def smoke(  # noqa: PLR0917 - an option each
    url: str,
    slug: str,
    listen: str,
    timeout: int,
    public_url: str | None,
    namespace: str | None,
    junit: Path | None,
    *,
    as_json: bool,
) -> None:
    r"""Prove the whole path: a signed webhook leads to one cited note, on a help desk that this command hosts.

    \b
    Example:
      TENANTS_DIR=tenants TENANT_SECRETS_DIR=secrets ai-agents smoke --url http://api:8000 --listen 0.0.0.0:8080
    """
    from app.smoke import Cluster, PublicDoor, run_smoke

    known = choose(load_directory(), slug)
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise click.UsageError("--listen must be HOST:PORT, e.g. 0.0.0.0:8080")
    if public_url is not None and not public_url.startswith("https://"):
        raise click.UsageError("--public-url must begin with https://")
    report = run(
        run_smoke(
            known,
            url=url,
            host=host or "0.0.0.0",  # noqa: S104 - a pod's own address
            port=int(port),
            limit_s=timeout,
            door=PublicDoor(public_url) if public_url else None,
            cluster=Cluster(namespace, pod=socket.gethostname()) if namespace else None,
        )
    )
    if junit is not None:
        junit.write_text(report.junit(), "utf-8")
    click.echo(report.json() if as_json else report.table())
    if not report.is_passed:
        raise SystemExit(1)


@click.command()
@click.option("--once", is_flag=True, help="End after the last note; status 0 only if every ticket has exactly one.")
def demo(*, once: bool) -> None:
    r"""The main job, live, on embedded servers and three sample tenants.

    \b
    Example:
      make demo ONCE=1
    """
    try:
        from app.demo.app import run_demo
    except ModuleNotFoundError as error:
        raise click.ClickException(f"the demo needs {error.name}: run `make demo` in a checkout") from error
    raise SystemExit(run_demo(Path.cwd(), is_once=once))
