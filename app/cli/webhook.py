"""The commands `webhook`: one sent by hand."""

from __future__ import annotations

import re

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

    from app.sender import PATH, Sender

    known = choose(load_directory(), slug)

    async def work() -> httpx.Response:
        async with httpx.AsyncClient(base_url=url.strip().removesuffix(PATH), timeout=30) as client:
            sender = Sender(client, known, is_standard=standard)
            return await sender.send({"event": event, "ticket_id": ticket_id})

    try:
        response = run(work())
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise click.ClickException("--url must be the API's, e.g. http://127.0.0.1:8000") from error
    except ImportError as error:
        raise click.ClickException(
            "the environment names a SOCKS proxy, which can't be used: unset ALL_PROXY"
        ) from error
    except httpx.HTTPError as error:
        shown = re.sub(r"//[^/]*@", "//", url)  # without a password
        raise click.ClickException(f"{shown} did not answer ({type(error).__name__})") from error
    click.echo(f"{response.status_code} {response.text}")
    if response.status_code == httpx.codes.UNAUTHORIZED:
        click.echo(
            "The API may not have read the tenant's file yet, which takes seconds, or it reads other files", err=True
        )
    if response.status_code != httpx.codes.ACCEPTED:
        raise SystemExit(1)
