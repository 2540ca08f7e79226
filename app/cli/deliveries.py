"""The commands about accepted webhooks: what became of each, and what an operator can do about those that failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from app.cli.ledger import run_on_ledger
from app.cli.moment import Moment
from app.cli.reason import Reason
from app.cli.run import choose, load_directory, operator
from app.core.delivery import Status
from app.core.diagnosis import diagnose
from app.errors import Code

if TYPE_CHECKING:
    from app.db.reports.browsing import Written
    from app.db.reports.deliveries import DeliveryView
    from app.db.session import Database

# The default of --limit. Each delivery costs a model call and makes a note, so more must be asked for.
_MOST_AT_ONCE: Final = 100


_TENANT = click.option("--tenant", "slug", required=True, metavar="SLUG", help="Whose.")


def _chosen(command: Callable[..., None]) -> Callable[..., None]:
    """The options that choose deliveries."""
    for option in (
        click.option(
            "--reason",
            "code",
            type=click.Choice([each.value for each in Code]),
            metavar="CODE",
            help="Only those with this code, as `list` shows it; docs/errors.md explains each.",
        ),
        click.option("--until", type=Moment(), help="Only those accepted before."),
        click.option("--since", type=Moment(), help="Only those accepted since: 2h, 3d, 2026-11-25T14:00:00Z."),
        click.option("--ticket", "ticket_id", metavar="ID", help="Only this ticket's."),
    ):
        command = option(command)
    return command


def _as_choice(chosen: dict[str, Any]) -> dict[str, Any]:
    code = chosen["code"]
    return {**chosen, "code": Code(code) if code else None}


@click.group()
def deliveries() -> None:
    """Accepted webhooks: list, show, replay, dismiss."""


@deliveries.command("list")
@_TENANT
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Only these.")
@_chosen
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
def list_some(slug: str, status: str | None, limit: int, **chosen: Any) -> None:
    r"""The newest deliveries of a tenant.

    \b
    Example:
      ai-agents deliveries list --tenant acme --status failed --since 2h --reason help_desk_unreachable
    """
    from app.db.reports.choices import Choice
    from app.db.reports.deliveries import count_deliveries, list_deliveries

    known = choose(load_directory(), slug)
    choice = Choice(status=Status(status) if status else None, **_as_choice(chosen))

    async def work(database: Database) -> tuple[list[DeliveryView], int]:
        found = await list_deliveries(database, known.tenant.id, choice, limit=limit)
        full = len(found) == limit
        return found, await count_deliveries(database, known.tenant.id, choice) if full else len(found)

    found, number = run_on_ledger(work)
    for each in found:
        why = f"  {each.code or 'no_code'}: {each.reason}" if each.reason else ""
        click.echo(
            f"{each.accepted_at:%Y-%m-%d %H:%M:%S}  {each.job_id}  {each.status:<10}  "
            f"ticket {each.ticket_id}  {each.event}{why}"
        )
    if number > len(found):
        click.echo(f"the newest {len(found)} of {number}; see more with --limit", err=True)


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

    from app.db.reports.browsing import find_story

    known = choose(load_directory(), slug)
    found = run_on_ledger(lambda database: find_story(database, known.tenant.id, job_id))
    if found is None:
        raise click.ClickException(f"{slug} has no delivery {job_id}")
    facts = asdict(found.delivery) | {"body": f"{len(found.body)} bytes"}
    trace = facts.pop("trace_context")
    if trace:
        facts["trace"] = trace.split("-")[1]
    if found.delivery.code:
        diagnosis = diagnose(found.delivery.code)
        facts |= {"meaning": diagnosis.meaning, "remedy": diagnosis.remedy}
    _tell_facts(facts)
    if found.written is not None:
        _tell_facts(_facts_of(found.written), prefix="enhancement.")


def _facts_of(written: Written) -> dict[str, Any]:
    """What was last written, without its texts."""
    names = ("version", "model", "confidence", "prompt_tokens", "completion_tokens", "cost_usd", "duration_ms")
    facts = {name: getattr(written, name) for name in (*names, "written_at", "shadowed_at", "note_id", "posted_at")}
    enhancement = written.enhancement
    if enhancement is not None:
        sources = (f"{group.kind} {source.id}" for group in enhancement.gathered for source in group.sources)
        notices = ", ".join(enhancement.notices)
        facts |= {
            "prompt": enhancement.prompt or None,
            "notices": notices or None,
            "sources": ", ".join(sources) or None,
        }
    return facts


def _tell_facts(facts: dict[str, Any], *, prefix: str = "") -> None:
    for name, value in facts.items():
        if value is not None:
            click.echo(f"{prefix}{name:<18} {value}")


_JOBS = click.argument("job_ids", type=click.UUID, nargs=-1)
_ALL = click.option("--all", "is_all", is_flag=True, help="All failed deliveries that the options choose.")
_LIMIT = click.option(
    "--limit", default=_MOST_AT_ONCE, show_default=True, type=click.IntRange(1, 10_000), help="The oldest so many."
)
_YES = click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")


@deliveries.command("replay")
@_TENANT
@_JOBS
@_ALL
@_chosen
@_LIMIT
@_YES
def replay(slug: str, job_ids: tuple[UUID, ...], **options: Any) -> None:
    r"""Give failed deliveries their attempts back; workers claim them within seconds.

    \b
    Example:
      ai-agents deliveries replay --tenant acme 6f9619ff-8b86-5d01-b42d-00cf4fc964ff
      ai-agents deliveries replay --tenant acme --all --since 3h --reason help_desk_failed
    """
    from app.db.reports.deliveries import replay_deliveries

    _change(slug, job_ids, "due now", replay_deliveries, verb="replay", **options)


@deliveries.command("dismiss")
@_TENANT
@_JOBS
@_ALL
@_chosen
@click.option(
    "--because", required=True, type=Reason(), metavar="TEXT", help="Why no note is needed any more; it is kept."
)
@_LIMIT
@_YES
def dismiss(slug: str, job_ids: tuple[UUID, ...], because: str, **options: Any) -> None:
    r"""Settle failed deliveries as ignored, without a note.

    \b
    Example:
      ai-agents deliveries dismiss --tenant acme --all --reason ticket_not_found --because "test tickets, deleted"
    """
    from app.db.reports.deliveries import dismiss_deliveries

    _change(slug, job_ids, "dismissed", partial(dismiss_deliveries, because=because), verb="dismiss", **options)


def _change(
    slug: str,
    job_ids: tuple[UUID, ...],
    done: str,
    change: Callable[..., Awaitable[list[UUID]]],
    *,
    verb: str,
    is_all: bool,
    limit: int,
    is_sure: bool,
    **chosen: Any,
) -> None:
    """Change failed deliveries: those named by id, or all chosen ones after the operator confirmed their number."""
    from app.db.reports.audit import witness
    from app.db.reports.choices import Choice
    from app.db.reports.deliveries import count_deliveries

    if is_all is bool(job_ids):
        raise click.UsageError("name deliveries by their job ids, or give --all and what chooses them")
    if job_ids and any(chosen.values()):
        raise click.UsageError("--since, --until, --ticket and --reason go with --all")
    tenant_id = choose(load_directory(), slug).tenant.id
    choice = Choice(status=Status.FAILED, **_as_choice(chosen))
    if not is_all:
        limit = len(job_ids)
    elif not is_sure:
        now = datetime.now(UTC)
        choice = replace(choice, until=min(choice.until or now, now))
        number = run_on_ledger(lambda database: count_deliveries(database, tenant_id, choice))
        if not number:
            click.echo("no failed delivery is chosen")
            return
        some = f"the oldest {limit} of {number}" if number > limit else str(number)
        click.confirm(f"{verb} {some} failed deliveries of {slug}?", abort=True)
        limit = min(limit, number)  # no more than was told
    named = None if is_all else list(job_ids)
    seen_by = witness(operator(), verb, "by its filter" if is_all else ", ".join(map(str, job_ids)))
    changed = run_on_ledger(
        lambda database: change(database, tenant_id, choice, job_ids=named, limit=limit, witness=seen_by)
    )
    if is_all:
        click.echo(f"{len(changed)} deliveries: {done}")
        return
    for each in job_ids:
        click.echo(f"{each}: " + (done if each in changed else "not a failed delivery of this tenant"))
    if len(changed) < len(set(job_ids)):
        raise SystemExit(1)
