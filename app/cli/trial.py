"""The commands `try`: a ticket's note as it would be written, or a look at a help desk."""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from app.cli.ledger import open_ledger
from app.cli.onboarding import instances
from app.cli.run import choose, load_directory, operator, run
from app.cli.tenants import tenants

if TYPE_CHECKING:
    from app.errors import AppError
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
    from app.cli.telling import json_of, lines_of

    known = choose(load_directory(), slug)
    if known.tenant.is_instance:
        raise click.ClickException(f"{slug} is a shared help desk: name the tenant whose ticket it is")
    with redirect_stdout(sys.stderr):  # log lines are no part of the answer
        trial = run(_try_ticket(known, ticket_id), told=lambda error: _with_remedy(error, slug))
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
        return await work(database, toolkits, known, ticket_id, actor=operator())
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
