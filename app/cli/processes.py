"""The commands that run as the process of a pod."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import click

from app.cli.moment import Moment
from app.cli.run import choose, load_directory, run, start_telemetry


@click.command()
def api() -> None:
    r"""Serve the webhook, health and metrics.

    \b
    Example:
      DATABASE_URL=postgresql://ai_agents_intake:…@db/ai_agents REDIS_URL=redis://redis:6379/0 ai-agents api
    """
    from app.api.app import serve
    from app.settings import ApiSettings, load_settings

    settings = load_settings(ApiSettings)
    start_telemetry("api", settings)
    run(serve(settings))


@click.command()
def worker() -> None:
    r"""Enhance tickets: claim deliveries, gather, write, post.

    \b
    Example:
      DATABASE_URL=postgresql://ai_agents_worker:…@db/ai_agents REDIS_URL=redis://redis:6379/0 \
        OPENAI_API_KEY=sk-… ai-agents worker
    """
    # langgraph includes a client of a tracing service, which looks for that service unless it is turned off.
    os.environ.setdefault("LANGSMITH_TRACING", "false")  # noqa: TID251 - before langgraph is imported
    from app.settings import WorkerSettings, load_settings

    settings = load_settings(WorkerSettings)
    start_telemetry("worker", settings)
    from app.worker.app import run as run_worker

    run(run_worker(settings))


@click.command()
def console() -> None:
    r"""Serve the console: what works, what failed and why, and what to do about it. For operators, never published.

    \b
    Example:
      DATABASE_URL=postgresql://ai_agents_worker:…@db/ai_agents REDIS_URL=redis://redis:6379/0 \
        CONSOLE_TOKEN=$(openssl rand -hex 16) ai-agents console
    """
    from app.console.app import serve
    from app.settings import ConsoleSettings, load_settings

    settings = load_settings(ConsoleSettings)
    start_telemetry("console", settings)
    run(serve(settings))


@click.command()
@click.option(
    "--wait",
    type=click.IntRange(0, 86_400),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long the database may stay out.",
)
@click.option("--check", "is_check", is_flag=True, help="Only compare schema, tables and roles; nothing is changed.")
def migrate(wait: int, is_check: bool) -> None:
    r"""Take the database's schema to the newest revision; a schema that is ahead is left alone.

    \b
    Example:
      MIGRATION_DATABASE_URL=postgresql://ai_agents_owner:…@db/ai_agents ai-agents migrate
    """
    from sqlalchemy.exc import DBAPIError

    from app.cli.ledger import why_refused
    from app.db.migrate import migrate as migrate_schema
    from app.db.schema_check import check_schema
    from app.settings import MigrateSettings, load_settings

    settings = load_settings(MigrateSettings)
    url = settings.migration_database_url.get_secret_value()
    work = (
        check_schema(url, tell=click.echo)
        if is_check
        else migrate_schema(url, tell=click.echo, wait=timedelta(seconds=wait))
    )
    try:
        run(work)
    except DBAPIError as error:
        told = why_refused(error, role="the owner's, e.g. ai_agents_owner")
        if told is None:
            raise
        raise click.ClickException(f"MIGRATION_DATABASE_URL: {told}") from error


@click.command()
@click.option("--tenant", "slug", metavar="SLUG", help="Only this one; all active ones otherwise.")
@click.option("--since", type=Moment(), help="On a tenant's first run, no ticket that was updated before: 365d.")
def sync(slug: str | None, since: datetime | None) -> None:
    r"""Fill and refresh history, knowledge and assets from ServiceDesk Plus, and find tickets no webhook told of.

    \b
    Example:
      DATABASE_URL=postgresql://ai_agents_worker:…@db/ai_agents REDIS_URL=redis://redis:6379/0 ai-agents sync
    """
    from app.settings import SyncSettings, load_settings
    from app.sync import group_by_desk, sync_all

    settings = load_settings(SyncSettings)
    start_telemetry("sync", settings)
    directory = load_directory()
    if slug:
        choose(directory, slug)
    reports = run(sync_all(settings, group_by_desk(directory, slug=slug), since=since))
    for report in reports:
        click.echo(report.line)
    if any(report.has_failed for report in reports):
        raise SystemExit(1)
