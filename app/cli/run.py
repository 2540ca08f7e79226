"""What the commands share: the event loop, the report of errors, the tenants' files."""

from __future__ import annotations

import errno
import gc
import getpass
import io
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.errors import AppError

if TYPE_CHECKING:
    from app.settings import ProcessSettings
    from app.tenants import KnownTenant, TenantDirectory

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result], *, told: Callable[[AppError], str] = lambda error: error.detail) -> Result:
    """Run *work* on uvloop; an `AppError` becomes one line, as *told*, and exit status 1."""
    import uvloop

    # Else the first collection would look at all that was imported, which stays: 0.1 s of a worker's start.
    gc.freeze()
    gc.enable()
    try:
        _check_trust()
        _check_proxies()
        return uvloop.run(work)
    except AppError as error:
        raise click.ClickException(told(error)) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        work.close()


def _check_trust() -> None:
    """Say which variable leads nowhere: the libraries that make TLS contexts of it only say that there is no file.

    SSL_CERT_DIR is a list as PATH is (openssl-env(7)), of which one folder suffices.
    """
    for name, paths in (
        ("SSL_CERT_FILE", [os.environ.get("SSL_CERT_FILE", "")]),  # noqa: TID251 - a variable of OpenSSL
        ("SSL_CERT_DIR", os.environ.get("SSL_CERT_DIR", "").split(os.pathsep)),  # noqa: TID251 - the same
    ):
        named = list(filter(None, paths))
        if named and not any(os.access(path, os.R_OK) for path in named):
            raise click.ClickException(f"{name}: there is nothing that can be read at {os.pathsep.join(named)}")


def _check_proxies() -> None:
    """Say which variable names no proxy that can be used, and what of NO_PROXY holds for nothing."""
    from app.integrations.proxies import read_proxies

    try:
        unread = read_proxies(os.environ).unread  # noqa: TID251 - variables of many programs
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if not unread:
        return
    import structlog

    # A URL has no place there, and may have a password.
    values = [entry.rpartition("@")[2] for entry in unread]
    remedy = "write names or networks with commas between them, e.g. corp.example,10.0.0.0/8,.svc"
    if structlog.is_configured():
        structlog.get_logger(__name__).warning("no_proxy_not_understood", values=values, remedy=remedy)
    else:
        click.echo(f"Warning: NO_PROXY: {', '.join(values)}: neither a name nor a network; {remedy}", err=True)


def open_standard_files() -> None:
    """Open those of standard input, output and error that the caller closed, else a socket would take their place.

    Let both outputs write what their encoding does not have as an escape, so that an old terminal is no error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")


@contextmanager
def telling_errors() -> Iterator[None]:
    """End with exit status 1 and a text for a person. For an `AppError` it is the one sentence of the error.

    For a bug it is the error's type and the lines of code: message and variables may hold text of a ticket or a secret.
    """
    try:
        yield
    except AppError as error:
        click.echo(f"Error: {error.detail}", err=True)
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - whatever is left is a bug of ours
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            click.echo("Error: there is no space left on the device", err=True)
            raise SystemExit(1) from None
        click.echo(f"Error: {type(error).__name__}, a bug of ours. It happened here:", err=True)
        for frame in traceback.extract_tb(error.__traceback__):
            click.echo(f"  {frame.filename}:{frame.lineno} {frame.name}", err=True)
        raise SystemExit(1) from None


def start_telemetry(process: str, settings: ProcessSettings) -> None:
    """Logs and traces of a process that works on its own."""
    from importlib.metadata import version

    from app.telemetry.logs import set_up_logs
    from app.telemetry.traces import set_up_traces

    set_up_logs(level=settings.log_level, form=settings.log_format, process=process)
    set_up_traces(dict(os.environ), process=process, version=version("ai-agents"))  # noqa: TID251 - OTEL_* as they are


def load_directory(*, has_secrets: bool = True) -> TenantDirectory:
    """The tenants' files, read once; without *has_secrets* as if there were no secrets."""
    from app.settings import TenantSettings, load_settings
    from app.tenants import TenantDirectory

    settings = load_settings(TenantSettings)
    secrets = settings.tenant_secrets_dir if has_secrets else Path(os.devnull)  # below it there is nothing
    directory = TenantDirectory(settings.tenants_dir, secrets, settings.instances_dir)
    directory.refresh()
    return directory


def choose(directory: TenantDirectory, slug: str) -> KnownTenant:
    """The tenant with this slug, or an error that lists the known ones."""
    known = directory.find_slug(slug)
    if known is not None:
        return known
    for problem in directory.problems:
        if problem.slug == slug:
            raise click.ClickException(f"{slug}: {problem.detail}")
    slugs = ", ".join(each.tenant.slug for each in directory)
    if not slugs and not directory.problems:
        from app.settings import TenantSettings, load_settings

        raise click.ClickException(no_file(load_settings(TenantSettings).tenants_dir))
    slugs = slugs or "none"
    raise click.ClickException(f"there is no tenant {slug!r}; known tenants: {slugs}")


def no_file(folder: Path) -> str:
    """Why no tenant is known, and what to do."""
    return why_unread(folder) or f"there is no tenant's file in TENANTS_DIR, {folder}"


def why_unread(folder: Path) -> str | None:
    """Why the folder of the tenants' files can't be read; None: it can."""
    try:
        next(folder.iterdir(), None)
    except PermissionError:
        return f"TENANTS_DIR: {folder} may not be read by this user"
    except OSError:
        return f"TENANTS_DIR: {folder} is no folder: set it to the folder of the tenants' files"
    return None


def choose_clients(directory: TenantDirectory, slug: str | None) -> list[KnownTenant]:
    """The tenant with this slug; without one all tenants, shared help desks left out."""
    return [choose(directory, slug)] if slug else [known for known in directory if not known.tenant.is_instance]


def operator() -> str:
    """Who types the command, as the record of acts names them."""
    return f"{user_name()} (command line)"


def user_name() -> str:
    """The user's name, which LOGNAME may give; the number of one without a name."""
    from app.console.reasons import as_kept

    try:
        name = as_kept(getpass.getuser())
    except (KeyError, OSError):  # OSError from Python 3.13 on
        name = ""
    return name or f"uid {os.getuid()}"
