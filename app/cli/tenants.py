"""The commands about tenants that there are: check and list; pause and resume; erase."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from app.cli.ledger import run_on_ledger
from app.cli.reason import Reason
from app.cli.run import choose, load_directory, no_file, operator, run, user_name, why_unread

if TYPE_CHECKING:
    from app.db.erasure import Erased
    from app.db.limits.holds import Hold
    from app.db.reports.load import FailedDeliveries, TenantLoad
    from app.db.session import Database
    from app.settings import EraseSettings
    from app.tenants import KnownTenant, TenantDirectory


_SERVERS_AT_ONCE: Final = 10
"""Each is waited for up to some seconds."""


@click.group()
def tenants() -> None:
    """The tenants: check, list and add files; pause, resume, status; erase what is stored."""


@tenants.command("check")
@click.argument("slug", required=False)
@click.option(
    "--as",
    "process",
    type=click.Choice(["api", "worker", "git"]),
    help="Want only the secrets that this process has; git: none, as for files on a pull request.",
)
def check_tenants(slug: str | None, process: str | None) -> None:
    r"""Say of each tenant and instance whether its file and secrets can be used; status 1 if one can't.

    A server of documentation that a file names is asked for a printer, and a Prometheus what it watches, unless the
    check is as api or git.

    Without SLUG also what nobody uses: secrets without a file, and instances without a tenant.

    \b
    Example:
      TENANTS_DIR=tenants TENANT_SECRETS_DIR=secrets ai-agents tenants check acme
    """
    from app.settings import TenantSettings, load_settings
    from app.tenants.writing import is_list_stale, unread_files

    settings = load_settings(TenantSettings)
    directory = load_directory(has_secrets=process != "git")
    if slug is not None:
        choose(directory, slug)
    findings = _findings(directory, process)
    is_asked = process in {None, "worker"}
    asked = [known for known in directory if is_asked and slug in {None, known.tenant.slug}]
    answers, failed = _look_at_servers([each for each in asked if each.tenant.slug not in findings])
    findings |= failed
    warnings = _warnings(directory)
    used = {known.tenant.servicedesk.instance for known in directory if known.tenant.servicedesk.account}
    every = sorted({known.tenant.slug for known in directory} | set(findings))
    for each in every:
        if slug in {None, each}:
            is_unused = each in directory.instances and each not in used
            fine = "fine, but no tenant's file names this instance" if is_unused else answers.get(each, "fine")
            click.echo(f"{each}: {findings.get(each, fine)}{warnings.get(each, '')}")
    unread = unread_files(settings.tenants_dir) if slug is None else []
    for name in unread:
        click.echo(f"{name}: is not read; a file's name ends in .yaml, in small letters: rename it")
    if not every:
        raise click.ClickException(no_file(settings.tenants_dir))
    if slug is None and process != "git":
        for name in sorted(directory.secret_names() - set(every)):
            click.echo(f"{name}: there are secrets, and no file")
    if is_stale := slug is None and is_list_stale(settings.tenants_dir):
        click.echo("the list for Kustomize is not that of the files: run `ai-agents tenants index`, and commit it")
    if is_stale or unread or any(slug in {None, each} for each in findings):
        raise SystemExit(1)


def _warnings(directory: TenantDirectory) -> dict[str, str]:
    """What should be changed though it is accepted, by slug: to follow on a line of its own."""
    from app.tenants.secrets import doubtful_secrets, has_short_webhook_secret

    warnings: dict[str, str] = {}
    for known in directory:
        slug, doubtful = known.tenant.slug, ", ".join(doubtful_secrets(known))
        told = [_SHORT] * has_short_webhook_secret(known) + [_DOUBTFUL.format(doubtful)] * bool(doubtful)
        warnings[slug] = "".join(f"\n{slug}: {each}" for each in told)
    return warnings


def _findings(directory: TenantDirectory, process: str | None) -> dict[str, str]:
    """What is wrong, in a sentence, by the name of the tenant or instance."""
    from app.tenants.secrets import OWN_SECRETS, missing_secrets, missing_webhook_secrets, missing_worker_secrets

    find = {"api": missing_webhook_secrets, "worker": missing_worker_secrets, None: missing_secrets}.get(process)
    findings = {problem.slug: problem.detail for problem in directory.problems}
    for known in directory:
        missing = find(known) if find is not None else []
        if missing and known.tenant.slug not in findings:
            desk = known.tenant.servicedesk
            is_shared = desk.account is not None and missing[0] not in OWN_SECRETS
            whose = f" of its instance {desk.instance}" if is_shared else ""
            findings[known.tenant.slug] = f"secret {missing[0]}{whose}: is missing"
    return findings


def _look_at_servers(tenants: list[KnownTenant]) -> tuple[dict[str, str], dict[str, str]]:
    """By slug: what the servers of documentation and monitoring answered, and what is wrong with the others."""
    from app.errors import AppError
    from app.integrations.documentation import open_documentation
    from app.integrations.monitoring import open_prometheus

    async def look_at_documentation(known: KnownTenant) -> str:
        async with open_documentation(known.tenant, known.secrets.documentation_token) as documentation:
            return ", ".join(await documentation.look())
        raise AssertionError

    async def look_at_monitoring(known: KnownTenant) -> str:
        async with open_prometheus(known.tenant, known.secrets.monitoring_token) as prometheus:
            return await prometheus.look()
        raise AssertionError

    looks = [("documentation", look_at_documentation, known) for known in tenants if known.tenant.documentation]
    looks += [("monitoring", look_at_monitoring, known) for known in tenants if known.tenant.monitoring]
    if not looks:
        return {}, {}

    async def look_at_all() -> list[str | BaseException]:
        places = asyncio.Semaphore(_SERVERS_AT_ONCE)

        async def one(look: Callable[[KnownTenant], Awaitable[str]], known: KnownTenant) -> str:
            async with places:
                return await look(known)

        return await asyncio.gather(*(one(look, known) for _, look, known in looks), return_exceptions=True)

    answers: dict[str, str] = {}
    failed: dict[str, str] = {}
    for (what, _, known), told in zip(looks, run(look_at_all()), strict=True):
        slug = known.tenant.slug
        if isinstance(told, AppError):
            failed[slug] = "; ".join(filter(None, (failed.get(slug), f"{what}: {told.detail}")))
        elif isinstance(told, BaseException):
            raise told
        else:
            answers[slug] = f"{answers.get(slug, 'fine')}; {what}: {told}"
    return answers, failed


@tenants.command("list")
def list_tenants() -> None:
    r"""Slug, id, status, edition and name of each tenant; status 1 if a file can't be used or the folder is not there.

    \b
    Example:
      ai-agents tenants list
    """
    from app.settings import TenantSettings, load_settings

    directory, folder = load_directory(), load_settings(TenantSettings).tenants_dir
    if not list(directory) and not directory.problems:
        click.echo(no_file(folder), err=True)
    for known in directory:
        tenant = known.tenant
        click.echo(f"{tenant.slug}\t{tenant.id}\t{tenant.status}\t{tenant.servicedesk.edition}\t{tenant.name}")
    for problem in directory.problems:
        click.echo(f"{problem.slug}: {problem.detail}", err=True)
    if directory.problems or why_unread(folder):
        raise SystemExit(1)


_DOUBTFUL = (
    "warning: secret {}: has quotes, a name, a header's word or line breaks around it, or is a placeholder. It is used"
    " as it is; if that is not meant, write the value alone"
)
_SHORT = (
    "warning: secret webhook_secret (or the previous one, or its instance's) is shorter than 16 bytes, so that it can"
    " be guessed. It is accepted as before; put a new one into webhook_secret, and the old one into"
    " webhook_secret_previous until the help desk has the new one"
)
_WHOSE = click.argument("slug", required=False)
_ALL = click.option("--all", "is_all", is_flag=True, help="Every tenant, also those to come.")


def _tenant_or_all(slug: str | None, *, is_all: bool) -> UUID:
    from app.core.tenant import EVERY_TENANT

    if is_all is (slug is not None):
        raise click.UsageError("name one tenant, or give --all")
    return EVERY_TENANT if slug is None else choose(load_directory(), slug).tenant.id


@tenants.command("pause")
@_WHOSE
@_ALL
@click.option("--reason", required=True, type=Reason(), metavar="TEXT", help="Shown with the pause.")
def pause_tenants(slug: str | None, is_all: bool, reason: str) -> None:
    r"""Hold a tenant's deliveries until `resume`. Webhooks are still accepted; attempts that run are finished.

    \b
    Example:
      ai-agents tenants pause acme --reason "their help desk is being upgraded"
    """
    from app.db.limits.pauses import pause
    from app.db.reports.audit import witness

    tenant_id = _tenant_or_all(slug, is_all=is_all)
    who, seen_by = user_name(), witness(operator(), "pause", reason)
    run_on_ledger(lambda database: pause(database, tenant_id, by=who, reason=reason, witness=seen_by))
    click.echo(f"{slug or 'every tenant'}: paused")


@tenants.command("resume")
@_WHOSE
@_ALL
def resume_tenants(slug: str | None, is_all: bool) -> None:
    r"""End a pause; workers claim the held deliveries within seconds.

    A pause of all tenants and a pause of one tenant are separate: end each by itself.

    \b
    Example:
      ai-agents tenants resume acme
    """
    from app.db.limits.pauses import resume
    from app.db.reports.audit import witness

    tenant_id = _tenant_or_all(slug, is_all=is_all)
    seen_by = witness(operator(), "resume")
    if not run_on_ledger(lambda database: resume(database, tenant_id, witness=seen_by)):
        raise click.ClickException(f"{slug or 'every tenant'}: is not paused")
    click.echo(f"{slug or 'every tenant'}: resumed")


@tenants.command("status")
@click.argument("slug", required=False)
def status(slug: str | None) -> None:
    r"""Each tenant's deliveries that wait, are in work or failed, and what holds them back.

    \b
    Example:
      ai-agents tenants status acme
    """
    from app.core.tenant import EVERY_TENANT
    from app.db.limits.holds import list_holds
    from app.db.reports.load import FailedDeliveries, TenantLoad, failed_by_tenant, load_by_tenant

    directory = load_directory()
    chosen = [choose(directory, slug)] if slug else list(directory)
    names = {known.tenant.id: known.tenant.slug for known in chosen} | {EVERY_TENANT: "every tenant"}

    async def work(
        database: Database,
    ) -> tuple[dict[UUID, TenantLoad], dict[UUID, FailedDeliveries], list[Hold]]:
        return await load_by_tenant(database), await failed_by_tenant(database), await list_holds(database, names)

    load, failures, holds = run_on_ledger(work)
    for known in chosen:
        own = load.get(known.tenant.id, TenantLoad())
        failed = failures.get(known.tenant.id, FailedDeliveries()).number
        click.echo(
            f"{known.tenant.slug}: {own.waiting} waiting, {own.working} in work, {failed} failed"
            + (f", the oldest since {own.oldest:%Y-%m-%d %H:%M:%S}" if own.oldest else "")
        )
    for hold in holds:
        until = f"until {hold.until:%Y-%m-%d %H:%M:%S}" if hold.until else "until resumed"
        why = f": {hold.reason} ({hold.by})" if hold.reason else ""
        click.echo(f"{names[hold.tenant_id]}: {hold.cause} since {hold.since:%Y-%m-%d %H:%M:%S}, {until}{why}")


@tenants.command("erase")
@click.argument("slug", required=False)
@click.option("--id", "tenant_id", type=click.UUID, help="Of a tenant whose file is gone already.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
def erase(slug: str | None, tenant_id: UUID | None, is_sure: bool) -> None:
    r"""Remove every row of one tenant and its messages in Redis, and show that nothing remains.

    Needs the role that owns the tables. The tenant must be suspended in its file, or have no file. Backups and the
    database's write-ahead log keep their copies until they expire.

    \b
    Example:
      MIGRATION_DATABASE_URL=postgresql://ai_agents_owner:…@db/ai_agents \
        REDIS_URL=redis://redis:6379/0 ai-agents tenants erase acme
    """
    from app.settings import EraseSettings, load_settings

    settings = load_settings(EraseSettings)
    if (slug is None) is (tenant_id is None):
        raise click.UsageError("name one tenant, or give the --id of one whose file is gone")
    directory = load_directory()
    known = choose(directory, slug) if slug is not None else directory.find(tenant_id) if tenant_id else None
    if known is not None and not known.tenant.is_suspended:
        raise click.ClickException(
            f"{known.tenant.slug}: is active, so new webhooks would come in; set status: suspended in its file first"
        )
    if known is None and (why := why_unread(settings.tenants_dir)):
        raise click.ClickException(why)
    if known is None and directory.problems:  # pods go on with the last good version of such a file
        problem = directory.problems[0]
        raise click.ClickException(
            f"{problem.slug}: {problem.detail}. Its file may be this tenant's, and in use: mend or remove it first"
        )
    chosen = known.tenant.id if known is not None else tenant_id
    assert chosen is not None, "one of the two was given"  # noqa: S101
    name = f"{known.tenant.slug} ({chosen})" if known is not None else str(chosen)
    if not is_sure:
        click.confirm(f"Erase all that is stored of {name}? This can't be undone.", abort=True)
    report, rings = run(_erase(settings, chosen))
    for table, number in report.erased.items():
        click.echo(f"{table:<14} {number} rows erased")
    click.echo(f"{'Redis':<14} {rings} rings erased")
    if report.left:
        left = ", ".join(f"{number} in {table}" for table, number in report.left.items())
        raise click.ClickException(f"{name}: rows remain ({left}); run this again")
    click.echo(f"{name}: counted again in every table: 0 rows")


async def _erase(settings: EraseSettings, tenant_id: UUID) -> tuple[Erased, int]:
    """Remove the rows, then the messages in Redis, whose number is returned too. Safe to repeat."""
    from app.db.erasure import erase_rows
    from app.queue import erase_rings

    rows = await erase_rows(settings.migration_database_url.get_secret_value(), tenant_id, actor=operator())
    return rows, await erase_rings(settings.redis_url.get_secret_value(), tenant_id)
