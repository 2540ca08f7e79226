"""The commands about tenants, their data and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import click

from app.cli.run import choose, load_directory, run, start_telemetry
from app.core.delivery import Status

if TYPE_CHECKING:
    from app.db.deliveries import DeliveryDetails, DeliveryView
    from app.tenants import KnownTenant


@click.group()
def tenants() -> None:
    """The tenants' files: check, list, add."""


@tenants.command("check")
@click.argument("slug", required=False)
def check_tenants(slug: str | None) -> None:
    r"""Say of each tenant whether its file and secrets can be used; status 1 if one can't.

    \b
    Example:
      TENANTS_DIR=tenants TENANT_SECRETS_DIR=secrets ai-agents tenants check acme
    """
    from app.tenants import missing_secrets

    directory = load_directory()
    if slug is not None:
        choose(directory, slug)
    findings = {problem.slug: problem.detail for problem in directory.problems}
    for known in directory:
        missing = missing_secrets(known)
        if missing and known.tenant.slug not in findings:
            findings[known.tenant.slug] = f"secret {missing[0]}: is missing"
    every = sorted({known.tenant.slug for known in directory} | set(findings))
    for each in every:
        if slug in {None, each}:
            click.echo(f"{each}: {findings.get(each, 'fine')}")
    if not every:
        raise click.ClickException("there is no tenant's file in TENANTS_DIR")
    if any(slug in {None, each} for each in findings):
        raise SystemExit(1)


@tenants.command("list")
def list_tenants() -> None:
    r"""Slug, id, status, edition and name of each tenant.

    \b
    Example:
      ai-agents tenants list
    """
    for known in load_directory():
        tenant = known.tenant
        click.echo(f"{tenant.slug}\t{tenant.id}\t{tenant.status}\t{tenant.servicedesk.edition}\t{tenant.name}")


@tenants.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As people call it.")
@click.option("--edition", type=click.Choice(["cloud", "on_premises"]), required=True)
@click.option("--url", required=True, help="ServiceDesk Plus, without /api/v3.")
@click.option("--accounts-url", help="Cloud: the accounts server, e.g. https://accounts.zoho.com.")
@click.option("--technician", required=True, help="Our technician's e-mail address.")
def add_tenant(slug: str, **answers: Any) -> None:
    r"""Write a new tenant's file into TENANTS_DIR and name the secrets to create.

    \b
    Example:
      ai-agents tenants add acme --name "Acme Corp" --edition on_premises \
        --url https://sdp.acme.example --technician ai-agents@acme.example
    """
    from app.settings import TenantSettings, load_settings
    from app.tenants import missing_secrets, scaffold_tenant

    settings = load_settings(TenantSettings)
    known = scaffold_tenant(settings.tenants_dir, slug=slug, tenant_id=uuid4(), **answers)
    click.echo(f"wrote {settings.tenants_dir / f'{slug}.yaml'} (id {known.tenant.id})")
    click.echo("now create these secrets:")
    for name in missing_secrets(known):
        click.echo(f"  {settings.tenant_secrets_dir / slug / name}")


@click.group()
def deliveries() -> None:
    """Accepted webhooks: list, show, replay."""


_TENANT = click.option("--tenant", "slug", required=True, metavar="SLUG", help="Whose.")


@deliveries.command("list")
@_TENANT
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Only these.")
@click.option("--ticket", "ticket_id", metavar="ID", help="Only this ticket's.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
def list_some(slug: str, status: str | None, ticket_id: str | None, limit: int) -> None:
    r"""The newest deliveries of a tenant.

    \b
    Example:
      ai-agents deliveries list --tenant acme --status failed
    """
    from app.db.deliveries import list_deliveries

    known = choose(load_directory(), slug)

    async def work() -> list[DeliveryView]:
        async with _open() as database:
            return await list_deliveries(
                database,
                known.tenant.id,
                status=Status(status) if status else None,
                ticket_id=ticket_id,
                limit=limit,
            )

    for each in run(work()):
        reason = each.last_error if each.status == Status.FAILED else each.ignored_because
        click.echo(
            f"{each.accepted_at:%Y-%m-%d %H:%M:%S}  {each.job_id}  {each.status:<10}  "
            f"ticket {each.ticket_id}  {each.event}" + (f"  ({reason})" if reason else "")
        )


@deliveries.command("show")
@_TENANT
@click.argument("job_id", type=click.UUID)
def show(slug: str, job_id: UUID) -> None:
    r"""One delivery and what became of it.

    \b
    Example:
      ai-agents deliveries show --tenant acme 6f9619ff-8b86-5d01-b42d-00cf4fc964ff
    """
    from dataclasses import asdict

    from app.db.deliveries import find_delivery

    known = choose(load_directory(), slug)

    async def work() -> DeliveryDetails | None:
        async with _open() as database:
            return await find_delivery(database, known.tenant.id, job_id)

    found = run(work())
    if found is None:
        raise click.ClickException(f"{slug} has no delivery {job_id}")
    facts = asdict(found.delivery) | {"body": f"{found.body_bytes} bytes"}
    for name, value in facts.items():
        if value is not None:
            click.echo(f"{name:<18} {value}")
    for name, value in (found.enhancement or {}).items():
        if value is not None:
            click.echo(f"enhancement.{name:<18} {value}")


@deliveries.command("replay")
@_TENANT
@click.argument("job_ids", type=click.UUID, nargs=-1, required=True)
def replay(slug: str, job_ids: tuple[UUID, ...]) -> None:
    r"""Give failed deliveries their attempts back; the relay has them taken up within seconds.

    \b
    Example:
      ai-agents deliveries replay --tenant acme 6f9619ff-8b86-5d01-b42d-00cf4fc964ff
    """
    from app.db.deliveries import replay_delivery

    known = choose(load_directory(), slug)

    async def work() -> list[UUID]:
        async with _open() as database:
            return [each for each in job_ids if not await replay_delivery(database, known.tenant.id, each)]

    refused = run(work())
    for each in job_ids:
        click.echo(f"{each}: " + ("not a failed delivery of this tenant" if each in refused else "due now"))
    if refused:
        raise SystemExit(1)


def _open() -> Any:
    from app.db.session import open_database
    from app.settings import LedgerSettings, load_settings

    settings = load_settings(LedgerSettings)
    return open_database(
        settings.database_url.get_secret_value(), pooler=settings.database_pooler, pool_size=2, name="ai-agents cli"
    )


@click.command()
@click.option("--tenant", "slug", metavar="SLUG", help="Only this one; all active ones otherwise.")
def sync(slug: str | None) -> None:
    r"""Fill and refresh history, knowledge and assets from ServiceDesk Plus, and find tickets no webhook told of.

    \b
    Example:
      DATABASE_URL=postgresql://ai_agents_worker:…@db/ai_agents REDIS_URL=redis://redis:6379/0 ai-agents sync
    """
    from app.settings import SyncSettings, load_settings
    from app.sync import sync_all

    settings = load_settings(SyncSettings)
    start_telemetry("sync", settings)
    directory = load_directory()
    chosen: list[KnownTenant] = [choose(directory, slug)] if slug else list(directory)
    reports = run(sync_all(settings, [each for each in chosen if not each.tenant.is_suspended]))
    for report in reports:
        click.echo(report.line)
    if any(report.has_failed for report in reports):
        raise SystemExit(1)
