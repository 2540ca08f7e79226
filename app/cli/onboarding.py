"""The commands that add and remove tenants and instances: a file for Git, and what is left to do outside of it."""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import click

from app.cli.run import choose, load_directory
from app.cli.tenants import tenants
from app.core.help_desk import BLANK_END
from app.core.tenant import SLUG_PATTERN, SLUG_WORDS

if TYPE_CHECKING:
    from app.core.tenant import Tenant
    from app.settings import TenantSettings
    from app.tenants import KnownTenant


def secrets_prefix(tenants_dir: Path) -> str:
    """Of the names in AWS Secrets Manager, as the environment that *tenants_dir* is of finds them.

    Any other folder is taken for production's.
    """
    *_, environment, part, folder = ("", "", *tenants_dir.resolve().parts)
    return f"ai-agents/{environment if (part, folder) == ('foundation', 'tenants') else 'production'}/tenants/"


@click.group()
def instances() -> None:
    """The help desks that several tenants share, each an account of it: add and remove files."""


def _is_slug(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(SLUG_PATTERN, value):
        raise click.BadParameter(SLUG_WORDS)
    return value


_SLUG: Final = click.argument("slug", callback=_is_slug)
_NAME: Final = click.argument("name", callback=_is_slug)
_WEBHOOK_AUTH: Final = click.option(
    "--webhook-auth",
    type=click.Choice(["hmac", "token"]),
    help="How webhooks show who sent them: signed (the default), or by a header Authorization.",
)
_PRIVATE: Final = click.option(
    "--allow-private-address", is_flag=True, help="A help desk in a private network; http:// needs it too."
)


@tenants.command("add")
@_SLUG
@click.option("--name", help="As people call it; for an account its name, if not given.")
@click.option("--instance", help="The shared help desk that the client is an account of.")
@click.option("--account", metavar="ID", help="The account's id there.")
@click.option("--account-name", help="The account's name, for people; it counts alone where there is no id.")
@click.option("--edition", type=click.Choice(["cloud", "on_premises"]), help="Of a help desk of the client's own.")
@click.option("--url", help="ServiceDesk Plus, without /api/v3.")
@click.option("--accounts-url", help="Cloud: the accounts server, e.g. https://accounts.zoho.com.")
@click.option("--technician", help="Our technician's e-mail address.")
@_PRIVATE
@_WEBHOOK_AUTH
def add_tenant(slug: str, **answers: Any) -> None:
    r"""Write a new tenant's file into TENANTS_DIR, and say what is left to do outside Git.

    \b
    Example:
      ai-agents tenants add acme --instance main --account 601 --account-name "Acme Corp"
      ai-agents tenants add acme --name "Acme Corp" --edition on_premises \
        --url https://sdp.acme.example --technician ai-agents@acme.example
    """
    from app.tenants.writing import add_tenant as write_file

    _refuse_blank_ends(answers)
    own = ("edition", "url", "technician")
    if answers["instance"]:
        if extra := [key for key in (*own, "accounts_url", "allow_private_address") if answers[key]]:
            raise click.UsageError(f"--{extra[0].replace('_', '-')} is the instance's; leave it out beside --instance")
        if not (answers["account"] or answers["account_name"]):
            raise click.UsageError("--instance goes with --account, or with --account-name where there are no ids")
    elif missing := [key for key in ("name", *own) if not answers[key]]:
        raise click.UsageError(f"give --instance and --account, or --{missing[0]}")
    answers["name"] = answers["name"] or answers["account_name"] or slug
    settings = _settings()
    directory = load_directory()
    path = write_file(settings.tenants_dir, directory, slug=slug, tenant_id=uuid4(), **answers)
    known = choose(load_directory(has_secrets=False), slug)
    click.echo(f"wrote {path} (id {known.tenant.id})")
    _rewrite_list(settings)
    _tell_secret(settings, known)


@instances.command("add")
@_NAME
@click.option("--edition", type=click.Choice(["msp_cloud", "msp_on_premises"]), required=True)
@click.option("--url", required=True, help="ServiceDesk Plus MSP, without /api/v3.")
@click.option("--accounts-url", help="Cloud: the accounts server, e.g. https://accounts.zoho.com.")
@click.option("--technician", required=True, help="Our technician's e-mail address.")
@click.option("--account-field", metavar="PATH", help="Where a ticket names its account; `instances try` shows it.")
@_PRIVATE
@_WEBHOOK_AUTH
def add_instance(name: str, **answers: Any) -> None:
    r"""Write a new shared help desk's file into INSTANCES_DIR, and say what is left to do outside Git.

    \b
    Example:
      ai-agents instances add main --edition msp_on_premises --url https://sdp.msp.example \
        --technician ai-agents@msp.example
    """
    from app.tenants.writing import add_instance as write_file

    _refuse_blank_ends(answers)
    settings = _settings()
    path = write_file(_instances_dir(settings), load_directory(), name=name, instance_id=uuid4(), **answers)
    known = choose(load_directory(has_secrets=False), name)
    click.echo(f"wrote {path} (id {known.tenant.id})")
    _rewrite_list(settings)
    _tell_secret(settings, known)


@tenants.command("remove")
@_SLUG
def remove_tenant(slug: str) -> None:
    r"""Take a tenant's file out of TENANTS_DIR, and say what is left to do outside Git.

    \b
    Example:
      ai-agents tenants remove acme
    """
    from app.tenants.writing import remove_file

    settings = _settings()
    held = remove_file(settings.tenants_dir, slug)
    click.echo(f"removed {settings.tenants_dir / slug}.yaml")
    _rewrite_list(settings)
    _tell_network(settings, slug)
    desk = held.get("servicedesk")
    instance = desk.get("instance") if isinstance(desk, dict) else None
    click.echo("Commit it. Then, outside Git:")
    if instance is None:
        click.echo("  in ServiceDesk Plus: remove the trigger, the webhook and our technician with its key")
        _tell_deletion(settings, slug)
    else:
        click.echo(f"  in ServiceDesk Plus: nothing; what the account still sends is kept as unrouted by {instance}")
        click.echo("  its secret, if it has one of its own beside the instance's:")
        _tell_deletion(settings, slug)
    click.echo(f"  what is stored of it, once its file is gone from the pods: {_erase(settings, held.get('id'))}")


@instances.command("remove")
@_NAME
def remove_instance(name: str) -> None:
    r"""Take a shared help desk's file out of INSTANCES_DIR, if no tenant is an account of it any more.

    \b
    Example:
      ai-agents instances remove main
    """
    from app.tenants.writing import remove_file

    settings, directory = _settings(), load_directory()
    instance = directory.instances.get(name)
    users = [known.tenant.slug for known in directory.accounts_of(instance.id)] if instance else []
    if users:
        raise click.ClickException(
            f"{name}: {len(users)} tenants are accounts of it, {users[0]} first; remove them first"
        )
    held = remove_file(_instances_dir(settings), name)
    click.echo(f"removed {_instances_dir(settings) / name}.yaml")
    _rewrite_list(settings)
    _tell_network(settings, name)
    click.echo("Commit it. Then, outside Git:")
    click.echo("  in ServiceDesk Plus: remove the trigger, the webhook and our technician with its key")
    _tell_deletion(settings, name)
    click.echo(f"  what is stored of it, once its file is gone from the pods: {_erase(settings, held.get('id'))}")


@tenants.command("index")
def index() -> None:
    r"""Write the list of files that Kustomize needs, after a file was added, renamed or removed by hand.

    \b
    Example:
      TENANTS_DIR=kustomize/overlays/production/foundation/tenants ai-agents tenants index
    """
    settings = _settings()
    if not _rewrite_list(settings):
        raise click.ClickException(f"{settings.tenants_dir} has no list: it is not the folder that Kustomize reads")


_CHANGE: Final = click.option(
    "--change",
    "changed",
    metavar="NAME",
    help="Of a secret that is there, which standard input brings, change this alone. webhook_secret: a new one, beside"
    " which the old one counts as webhook_secret_previous; that one: it ends.",
)


@tenants.command("secret")
@_SLUG
@_CHANGE
def secret(slug: str, changed: str | None) -> None:
    r"""Ask for the secrets of a new tenant, and print them as one JSON object, for the secret store's own command.

    What is typed is not shown, and is in no command's history. The webhook's secret is made new: what is there already
    is changed with --change, or the help desk's webhooks are answered 401.

    \b
    Example:
      ai-agents tenants secret acme | aws secretsmanager create-secret --kms-key-id "$KMS_KEY_ARN" \
        --name ai-agents/production/tenants/acme --secret-string file:///dev/stdin
      aws secretsmanager get-secret-value --secret-id ai-agents/production/tenants/acme \
        --query SecretString --output text | ai-agents tenants secret acme --change api_key |
        aws secretsmanager put-secret-value --secret-id ai-agents/production/tenants/acme \
        --secret-string file:///dev/stdin
    """
    _ask_secret(slug, changed)


@instances.command("secret")
@_NAME
@_CHANGE
def instance_secret(name: str, changed: str | None) -> None:
    r"""As `tenants secret`, for a shared help desk.

    \b
    Example:
      ai-agents instances secret main | aws secretsmanager create-secret --kms-key-id "$KMS_KEY_ARN" \
        --name ai-agents/production/tenants/main --secret-string file:///dev/stdin
    """
    _ask_secret(name, changed)


def _ask_secret(slug: str, changed: str | None) -> None:
    from app.tenants.secrets import WEBHOOK_SECRET_FILES, needed_help_desk_secrets

    tenant = choose(load_directory(has_secrets=False), slug).tenant
    if changed is not None:
        click.echo(json.dumps(_change_secret(tenant, changed)))
        return
    if tenant.servicedesk.account is not None:
        raise click.ClickException(
            f"{slug} needs no secret: {tenant.servicedesk.instance}, whose account it is, has them for all its accounts"
        )
    asked = {name: _ask_for(name, slug) for name in needed_help_desk_secrets(tenant)}
    click.echo(json.dumps({WEBHOOK_SECRET_FILES[0]: _make_webhook_secret(), **asked}))


def _change_secret(tenant: Tenant, name: str) -> dict[str, Any]:
    """The secret on standard input, with *name* changed and all else as it is."""
    from app.tenants.secrets import OWN_SECRETS, SECRET_FILES, WEBHOOK_SECRET_FILES

    current, previous = WEBHOOK_SECRET_FILES
    if name not in SECRET_FILES:
        raise click.UsageError(f"--change: there is no secret {name}; there are {', '.join(SECRET_FILES)}")
    desk = tenant.servicedesk
    if desk.account is not None and name not in {*OWN_SECRETS, current, previous}:
        raise click.ClickException(f"{name} of {tenant.slug} is that of {desk.instance}, whose account it is")
    values = _read_secret()
    if name == previous:
        values.pop(previous, None)
    elif name == current:
        if current in values:
            values[previous] = values[current]
        values[current] = _make_webhook_secret()
    else:
        values[name] = _ask_for(name, tenant.slug)
    return values


def _read_secret() -> dict[str, Any]:
    """The JSON object that standard input begins with."""
    if sys.stdin.isatty():
        raise click.UsageError("--change wants the secret as it is on standard input: the example shows how")
    text = ""
    values: Any = None
    with suppress(UnicodeDecodeError):
        for line in sys.stdin:
            text += line
            try:
                values = json.loads(text)
            except (ValueError, RecursionError):
                continue
            break
    if not isinstance(values, dict):
        raise click.ClickException("standard input: is no JSON object, so nothing was changed")
    return values


def _ask_for(name: str, slug: str) -> str:
    """From the terminal, whatever standard input is."""
    value: str = click.prompt(f"{name} of {slug}", hide_input=True, err=True).strip()
    return value


def _make_webhook_secret() -> str:
    made = secrets.token_hex(32)
    click.echo(f"webhook_secret, for ServiceDesk Plus: {made}", err=True)
    return made


def _refuse_blank_ends(answers: Mapping[str, Any]) -> None:
    for name, value in answers.items():
        if isinstance(value, str) and value != value.strip():
            raise click.UsageError(f"--{name.replace('_', '-')} {BLANK_END}")


def _settings() -> TenantSettings:
    from app.settings import TenantSettings, load_settings

    return load_settings(TenantSettings)


def _instances_dir(settings: TenantSettings) -> Path:
    return settings.instances_dir or settings.tenants_dir / "instances"


def _rewrite_list(settings: TenantSettings) -> bool:
    from app.tenants.writing import write_list

    path = write_list(settings.tenants_dir)
    if path is not None:
        click.echo(f"wrote {path}, the list of all files for Kustomize")
    return path is not None


def _tell_secret(settings: TenantSettings, known: KnownTenant) -> None:
    """What is left to do outside Git, with the commands."""
    from app.tenants.secrets import missing_secrets

    tenant = known.tenant
    slug, desk = tenant.slug, tenant.servicedesk
    group = "instances" if tenant.is_instance else "tenants"
    if desk.account is not None:
        click.echo(f"Commit it. Outside Git nothing is left to do: the secrets are those of {desk.instance}.")
        click.echo(f"Then: ai-agents tenants try {slug}")
        return
    name = f"{secrets_prefix(settings.tenants_dir)}{slug}"
    click.echo(f"Commit it. Outside Git the secret {name} is left to make, of {', '.join(missing_secrets(known))}:")
    click.echo(f'  ai-agents {group} secret {slug} | aws secretsmanager create-secret --kms-key-id "$KMS_KEY_ARN" \\')
    click.echo(f"    --name {name} --secret-string file:///dev/stdin")
    click.echo(
        "It asks for the values, which no command line then holds. For processes on this machine, in place of AWS:"
    )
    folder = settings.tenant_secrets_dir
    click.echo(f"  (umask 077; mkdir -p {folder}; ai-agents {group} secret {slug} > {folder / slug}.json)")
    click.echo(f"Then: ai-agents {group} try {slug}, and the webhook: docs/servicedesk-plus.md")


def _tell_deletion(settings: TenantSettings, slug: str) -> None:
    name = f"{secrets_prefix(settings.tenants_dir)}{slug}"
    click.echo("  # only where it has copies in other regions: AWS deletes none that has")
    click.echo(f"  aws secretsmanager remove-regions-from-replication --secret-id {name} --remove-replica-regions …")
    click.echo(f"  aws secretsmanager delete-secret --secret-id {name} --recovery-window-in-days 7")


def _tell_network(settings: TenantSettings, slug: str) -> None:
    """The policy that lets our pods into the private network of the help desk, which a person has put there."""
    path = settings.tenants_dir.parent / f"{slug}-network.yaml"
    if path.is_file():
        click.echo(f"Remove {path} too, a way into their network, and its line in kustomization.yaml beside it.")


def _erase(settings: TenantSettings, tenant_id: object) -> str:
    _, environment, _ = secrets_prefix(settings.tenants_dir).split("/", 2)
    where = "" if environment == "production" else f"ENVIRONMENT={environment} "
    known = tenant_id or "<its id>"
    return f"make erase {where}TENANT={known} (outside a cluster ai-agents tenants erase --id {known})"
