"""Finds what is wrong in a snapshot: for which tenant, since when, and what to do. No I/O.

Invariant: each `HealthProblem` has a remedy; they come worst first; an empty list means that everything works.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from app.console.shared import SharedDesk
from app.console.snapshot import Snapshot, p95
from app.core.budget import Budget, budgets
from app.core.diagnosis import diagnose
from app.core.price import UNPRICED_REMEDY
from app.core.tenant import EVERY_TENANT, Tenant
from app.db.limits.holds import Cause
from app.db.reports.overview import TenantFigures
from app.errors import Code

SLOW_S: Final = 60
VERY_SLOW_S: Final = 120
GOOD_RATE: Final = 0.95
ENOUGH: Final = 10
"""A rate over fewer settled deliveries than this is not judged."""
_OVERDUE: Final = timedelta(seconds=45)


class Level(IntEnum):
    """How bad a problem is; its name is a CSS class."""

    NOTE = 1
    WARN = 2
    BAD = 3


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """One thing that does not work, or may soon not work."""

    level: Level
    title: str
    detail: str
    link: str = ""
    since: datetime | None = None


def find_problems(seen: Snapshot) -> list[HealthProblem]:
    """All problems, the worst first."""
    problems = [*_of_the_whole(seen)]
    for tenant in seen.tenants:
        problems += _of_tenant(seen, tenant)
    problems += [
        HealthProblem(
            Level.BAD,
            f"The file of {slug} can't be used",
            f"{detail}. A good version from before, if any, serves.",
            "/tenants",
        )
        for slug, detail in seen.file_problems
    ]
    return sorted(problems, key=lambda problem: -problem.level)


def find_problems_of(tenant: Tenant, seen: Snapshot) -> list[HealthProblem]:
    """The problems of *tenant*, the worst first: its own, and a pause of all."""
    return sorted([*_pauses_of_all(seen), *_of_tenant(seen, tenant)], key=lambda problem: -problem.level)


def _of_the_whole(seen: Snapshot) -> Iterable[HealthProblem]:
    if not seen.is_redis_reachable:
        yield HealthProblem(
            Level.WARN,
            "Redis is out",
            "Nothing is lost: workers find what is due in the database, a few seconds later than usual.",
        )
    if seen.workers == 0 and not seen.working and not seen.is_other_in_work:
        yield HealthProblem(
            Level.BAD,
            "No worker listens",
            "Webhooks are accepted and wait. Look at the worker's pods and their logs.",
        )
    if seen.smoke_test is not None and not seen.smoke_test.passed:
        yield HealthProblem(
            Level.BAD,
            "The last smoke test failed",
            "; ".join(f"{check.name}: {check.detail}" for check in seen.smoke_test.failures) or "It checked nothing.",
            since=seen.smoke_test.finished,
        )
    yield from _pauses_of_all(seen)


def _pauses_of_all(seen: Snapshot) -> Iterable[HealthProblem]:
    for hold in seen.holds_of(EVERY_TENANT):
        yield HealthProblem(
            Level.WARN,
            "All tenants are paused",
            f"{f'By {hold.by}: {hold.reason}. ' if hold.reason else ''}Webhooks are accepted and wait.",
            "/tenants",
            hold.since,
        )


_HOLDS: Final = {
    Cause.PAUSED: (Level.NOTE, "is paused", "Webhooks are accepted and wait until an operator resumes it."),
    Cause.HELP_DESK: (
        Level.BAD,
        "has a help desk that does not answer",
        "Deliveries wait and lose no attempts. One tries again and again, and all go on when it succeeds.",
    ),
    Cause.RATE_LIMITED: (
        Level.NOTE,
        "has used up its calls to the help desk",
        "Deliveries wait for the next call.",
    ),
    Cause.MODEL: (
        Level.WARN,
        "gets notes without the model",
        "The model fails; notes hold the gathered context alone until it answers again.",
    ),
    Cause.DOCUMENTATION: (
        Level.NOTE,
        "has a server of documentation that does not answer",
        "Notes say that it was unavailable.",
    ),
    Cause.MONITORING: (Level.NOTE, "has a monitoring that does not answer", "Notes say that it was unavailable."),
}


def _of_tenant(seen: Snapshot, tenant: Tenant) -> Iterable[HealthProblem]:
    figures, page = seen.of(tenant.id), f"/tenants/{tenant.slug}"
    for hold in seen.holds_of(tenant.id):
        level, title, detail = _HOLDS[hold.cause]
        if hold.reason:
            detail = f"By {hold.by}: {hold.reason}. {detail}"
        yield HealthProblem(level, f"{tenant.name} {title}", detail, page, hold.since)
    if figures.is_partial:
        yield HealthProblem(
            Level.BAD,
            f"Figures of {tenant.name} can't be read",
            "A row of it holds a value that this release can't read, so its numbers, tokens and money are in no sum."
            " The console's log names the place: tenant_not_read.",
            page,
        )
    if figures.failures.number:
        is_one = figures.failures.number == 1
        many = "1 delivery of" if is_one else f"{figures.failures.number:,} deliveries of"
        why = diagnose(figures.last_failure).meaning
        yield HealthProblem(
            Level.BAD,
            f"{many} {tenant.name} failed",
            why if is_one else f"The newest: {why}",
            f"/deliveries?tenant={tenant.slug}&status=failed",
            figures.failures.since,
        )
    yield from _slowness(seen, tenant, figures)
    settled = figures.notes + figures.failed
    if settled >= ENOUGH and figures.notes / settled < GOOD_RATE:
        yield HealthProblem(
            Level.WARN,
            f"{figures.notes / settled:.0%} of {tenant.name}'s tickets got their note",
            f"{figures.failed:,} of {settled:,} attempts to settle failed within 24 hours.",
            f"/deliveries?tenant={tenant.slug}&status=failed",
        )
    yield from _budget(tenant, figures)
    if (desk := seen.shared.get(tenant.id)) is not None:
        yield from _of_shared_desk(tenant, desk)


def _slowness(seen: Snapshot, tenant: Tenant, figures: TenantFigures) -> Iterable[HealthProblem]:
    is_held = any(hold.holds_deliveries for hold in [*seen.holds_of(tenant.id), *seen.holds_of(EVERY_TENANT)])
    if not is_held and figures.load.due_since and seen.now - figures.load.due_since > _OVERDUE:
        yield HealthProblem(
            Level.BAD if not figures.load.working else Level.WARN,
            f"{figures.load.waiting:,} of {tenant.name}'s tickets wait for a worker",
            "More comes in than is worked off. Add workers, or raise the tenant's limits.concurrency.",
            f"/deliveries?tenant={tenant.slug}&status=pending",
            figures.load.due_since,
        )
    took = p95(figures.durations)
    if took is not None and len(figures.durations) >= ENOUGH and took > SLOW_S:
        yield HealthProblem(
            Level.BAD if took > VERY_SLOW_S else Level.WARN,
            f"Notes for {tenant.name} take {took:.0f} s",
            "95 of 100 of the last hour were on the ticket within this time; 60 s are promised.",
            f"/tenants/{tenant.slug}",
        )


def _of_shared_desk(instance: Tenant, desk: SharedDesk) -> Iterable[HealthProblem]:
    page = f"/tenants/{instance.slug}"
    if desk.waiting:
        many = "1 delivery waits" if desk.waiting == 1 else f"{desk.waiting:,} deliveries wait"
        yield HealthProblem(
            Level.WARN,
            f"{many} for a tenant's file",
            f"No file names the account of their tickets at {instance.slug}. With its file they go on by themselves.",
            f"/deliveries?tenant={instance.slug}&status=pending&reason={Code.ACCOUNT_UNKNOWN}",
        )
    if senders := [each for each in desk.unknown if each.tickets]:
        many = (
            "1 account sends tickets and has" if len(senders) == 1 else f"{len(senders)} accounts send tickets and have"
        )
        yield HealthProblem(
            Level.NOTE, f"{many} no file", f"At {instance.slug}. What is of them is stored for no one.", page
        )
    if desk.unnamed is not None and desk.unnamed.tickets:
        yield HealthProblem(
            Level.WARN,
            f"{desk.unnamed.tickets:,} tickets of {instance.slug} name no account",
            "They are stored for no one. If all do so, account_field in the instance's file names the wrong field.",
            page,
        )


def budgets_of(tenant: Tenant, figures: TenantFigures) -> list[Budget]:
    """The tenant's budgets. Whether its model has a price shows in its newest notes: the console knows no model."""
    return budgets(tenant.model, figures.usage, is_priced=not figures.is_unpriced)


def _budget(tenant: Tenant, figures: TenantFigures) -> Iterable[HealthProblem]:
    if figures.is_unpriced:
        yield HealthProblem(
            Level.NOTE,
            f"The price of {tenant.name}'s model is not known",
            f"What it costs is in no figure, and a budget in money can't be kept: {UNPRICED_REMEDY}.",
            "/cost",
        )
    for budget in budgets_of(tenant, figures):
        if budget.is_used_up:
            until = "day" if budget.kind.span == "today" else "month"
            yield HealthProblem(
                Level.WARN,
                f"{tenant.name} has used up its {budget.kind} ({budget.share:.0%})",
                f"Notes hold the gathered context alone until the {until} (UTC) ends, or the budget is raised.",
                "/cost",
            )
        elif budget.is_nearly_used:
            yield HealthProblem(
                Level.NOTE,
                f"{tenant.name} has used {budget.share:.0%} of its {budget.kind}",
                "Beyond the budget, notes hold the gathered context alone.",
                "/cost",
            )
