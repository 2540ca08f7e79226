"""The commands that try the product: a ticket's note, a help desk, a webhook by hand, the smoke test."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.ledger import open_ledger
from app.cli.onboarding import instances
from app.cli.run import choose, load_directory, run
from app.cli.tenants import tenants
from app.core.delivery import Event

if TYPE_CHECKING:
    from app.errors import AppError
    from app.smoke import Hosted, RealTicket
    from app.smoke.cluster import Cluster
    from app.smoke.report import SmokeReport
    from app.tenants import KnownTenant
    from app.worker.trial import Trial


_TICKET = click.option(
    "--ticket", "ticket_id", metavar="ID", help="The ticket to read; the first of the list otherwise."
)


@click.command("try")
@click.option("--tenant", "slug", required=True, metavar="SLUG", help="Whose.")
@click.option("--ticket", "ticket_id", metavar="ID", help="Its id or number. Without it the help desk is looked at.")
@click.option("--json", "is_json", is_flag=True, help="For a program, with the whole prompt.")
def try_ticket(slug: str, ticket_id: str | None, *, is_json: bool) -> None:
    r"""What would be written for a ticket now, with each step; it is posted nowhere.

    Sources with their fit, the prompt's size, the model's answer, what was left out and why, words, cost and time. It
    needs what a worker has: DATABASE_URL, OPENAI_API_KEY, the tenant's file and secrets. The model's tokens are paid,
    and counted. What it prints holds the ticket's words.

    Without --ticket it looks at the help desk, as `tenants try` does: what works and what is missing.

    \b
    Example:
      ai-agents try --tenant acme
      ai-agents try --tenant acme --ticket 100234
    """
    if ticket_id is None:
        if is_json:
            raise click.UsageError("--json goes with --ticket")
        _look_at(slug, None)
        return
    _try(slug, ticket_id, is_json=is_json)


def _try(slug: str, ticket_id: str, *, is_json: bool) -> None:
    # langgraph includes a client of a tracing service, which looks for that service unless it is turned off.
    os.environ.setdefault("LANGSMITH_TRACING", "false")  # noqa: TID251 - before langgraph is imported
    import uvloop

    from app.cli.telling import json_of, lines_of
    from app.errors import AppError

    known = choose(load_directory(), slug)
    if known.tenant.is_instance:
        raise click.ClickException(f"{slug} is a shared help desk: name the tenant whose ticket it is")
    try:
        with redirect_stdout(sys.stderr):  # log lines are no part of the answer
            trial = uvloop.run(_try_ticket(known, ticket_id))
    except AppError as error:
        raise click.ClickException(_with_remedy(error, slug)) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    if is_json:
        click.echo(json.dumps(json_of(trial), ensure_ascii=False))
        return
    click.echo(f"{slug}: what would be written now; posted nowhere")
    for line in lines_of(trial):
        click.echo(line)


async def _try_ticket(known: KnownTenant, ticket_id: str) -> Trial:
    from app.settings import TrialSettings, load_settings
    from app.worker.app import open_toolkits
    from app.worker.trial import try_ticket as work

    settings = load_settings(TrialSettings)
    async with open_ledger() as database, open_toolkits(database, settings) as toolkits:
        return await work(database, toolkits, known, ticket_id, actor=f"{getpass.getuser()} (command line)")
    raise AssertionError


def _with_remedy(error: AppError, slug: str) -> str:
    """What is wrong, and what to do about it."""
    from app.core.diagnosis import diagnose
    from app.errors import DatabaseUnavailable, HelpDeskRefused, HelpDeskUnavailable, TicketNotFound

    told = error.detail if error.detail.endswith(".") else f"{error.detail}."
    if isinstance(error, DatabaseUnavailable):
        return f"{told} Check DATABASE_URL, and that PostgreSQL runs."
    if isinstance(error, TicketNotFound):
        return f"{told} Give the id or the number that the help desk shows."
    # Of a delivery, which this is not.
    remedy = diagnose(error.code).remedy.replace(" Then replay.", "") if error.code else "Nothing."
    told += "" if remedy == "Nothing." else f" {remedy}"
    if isinstance(error, HelpDeskRefused | HelpDeskUnavailable):
        told += f" `ai-agents try --tenant {slug}` says what of the help desk works."
    return told


@tenants.command("try")
@click.argument("slug")
@_TICKET
def try_tenant(slug: str, ticket_id: str | None) -> None:
    r"""Look at a tenant's help desk: one ticket, one page of each list, whose the rows are. Posts nothing.

    Says what works and what is missing; status 1 if anything is. The output holds the shape of the answers and no text
    of a ticket, so it can be sent to us. It needs the help desk's secret, and no database.

    \b
    Example:
      ai-agents tenants try acme
    """
    _look_at(slug, ticket_id)


@instances.command("try")
@click.argument("name")
@_TICKET
def try_instance(name: str, ticket_id: str | None) -> None:
    r"""As `tenants try`, for a shared help desk: how many rows are whose.

    \b
    Example:
      ai-agents instances try main
    """
    _look_at(name, ticket_id)


def _look_at(slug: str, ticket_id: str | None) -> None:
    from importlib.metadata import version

    from app.core.accounts import Accounts
    from app.help_desks import credentials_of
    from app.integrations.servicedesk import State, inspect

    directory = load_directory()
    known = choose(directory, slug)
    options = known.tenant.servicedesk
    sharing = directory.accounts_of(options.instance_id) if options.instance_id else []
    entries = [(account, each.tenant.slug) for each in sharing if (account := each.tenant.servicedesk.account)]
    clients = Accounts(entries) if options.instance_id else None
    findings = run(inspect(known.tenant, credentials_of(known), clients=clients, ticket_id=ticket_id))
    click.echo(f"{slug}: edition {options.edition}, by AI Agents {version('ai-agents')}; nothing was posted")
    width = max(len(each.part) for each in findings)
    for each in findings:
        click.echo(f"{each.state:<4}  {each.part:<{width}}  {each.detail}")
        for line in each.lines:
            click.echo(f"{'':<{width + 6}}  {line}")
    failed = sum(each.state is State.FAILED for each in findings)
    noted = sum(each.state is State.NOTED for each in findings)
    fine = f"nothing is missing; read what is marked note ({noted})" if noted else "nothing is missing"
    click.echo(fine if not failed else f"{failed} of these need mending: docs/servicedesk-plus.md")
    if failed:
        raise SystemExit(1)


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
        raise click.ClickException(f"{url} did not answer ({type(error).__name__})") from error
    click.echo(f"{response.status_code} {response.text}")
    if response.status_code == httpx.codes.UNAUTHORIZED:
        click.echo(
            "The API may not have read the tenant's file yet, which takes seconds, or it reads other files", err=True
        )
    if response.status_code != httpx.codes.ACCEPTED:
        raise SystemExit(1)


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
@click.option("--timeout", default=120, show_default=True, metavar="SECONDS", help="For the note to arrive.")
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
    if not colon or not port.isdigit():
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
    from app.db.session import open_database
    from app.settings import LedgerSettings, load_settings
    from app.smoke import RealTicket

    if ticket_id is None:
        yield hosted
        return
    settings = load_settings(LedgerSettings)
    async with open_database(
        settings.database_url.get_secret_value(), pooler=settings.database_pooler, pool_size=2, name="ai-agents smoke"
    ) as database:
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


@click.command()
def demo() -> None:
    r"""Say how to start the demo: it is part of the repository, not of this package.

    \b
    Example:
      make demo ONCE=1
    """
    raise click.ClickException("the demo is not in this package: run `make demo` in a checkout")
