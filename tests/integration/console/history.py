"""Three weeks of an MSP, the same for the same seed, so that pages are looked at as an operator would see them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from app.core.enhancement import Confidence, Enhancement, Reason, Statement
from app.core.note import note_reference, render_note
from app.core.source import SourceKind
from app.core.tenant import Tenant
from app.db.knowledge.store import upsert_tickets
from app.db.session import Database
from tests.builders import a_source, a_ticket, gathered
from tests.connections import connected

_DAYS: Final = 21
_NEWEST: Final = 70
_PROMPT_TOKENS, _COMPLETION_TOKENS, _COST_USD = 930, 210, 0.00027
# What each resolved ticket was about, what helped, and how well it is thought of.
_CASES: Final = (
    ("Outlook receives no mail", "Cached mode was off. Turned it on and repaired the profile.", 0.95),
    ("VPN drops after ten minutes", "The idle timeout of the group policy was 600 s. Raised it to 8 h.", 0.9),
    ("Printer prints blank pages", "The driver was replaced by an update. Rolled it back.", 0.85),
    ("Locked out after the change of a password", "An old phone still used the former one. Removed it.", 0.9),
    ("Teams shows no calendar", "The mailbox policy was not assigned. Assigned it and waited an hour.", 0.8),
    ("Laptop does not start after an update", "Restarted it twice.", 0.2),
    ("Shared drive is slow", "The switch port ran at 100 Mbit. Replaced the cable.", 0.7),
)
_COMMENTS: Final = {
    True: ("The second step solved it.", "Saved me the search.", "Right cause, first try.", "", ""),
    False: ("Another model of laptop, another cause.", "Too general.", ""),
}


async def fill_history(url: str, tenants: Sequence[Tenant], *, seed: int = 7) -> None:
    """Counters of weeks, the newest deliveries with their notes, votes, and a few acts. As the superuser: *url*."""
    draw = random.Random(seed)
    now = datetime.now(UTC)
    async with connected(url) as connection:
        for size, tenant in enumerate(tenants, 1):
            await _count(connection, draw, tenant.id, now, size=size)
            for number in range(_NEWEST):
                await _deliver(connection, draw, tenant.id, now, ticket_id=str(40_000 + 1000 * size + number))
        await connection.executemany(
            "insert into audit (tenant_id, acted_at, actor, act, number, detail) values ($1, $2, $3, $4, $5, $6)",
            [
                (
                    tenants[0].id,
                    now - timedelta(days=6, hours=3),
                    "ines@msp.example",
                    "pause",
                    1,
                    "their help desk moves",
                ),
                (tenants[0].id, now - timedelta(days=6), "ines@msp.example", "resume", 1, ""),
                (
                    tenants[-1].id,
                    now - timedelta(days=2),
                    "jonas@msp.example",
                    "replay",
                    14,
                    "with the reason help_desk_failed",
                ),
            ],
        )


async def fill_shadow(database: Database, url: str, tenant: Tenant, *, seed: int = 7) -> None:
    """Two weeks of a tenant in shadow mode: notes that were kept back, and what was done about most of the tickets."""
    draw = random.Random(seed)
    now = datetime.now(UTC)
    connection: Any = await asyncpg.connect(url)
    tickets = []
    for number in range(40):
        subject, text, _ = draw.choice(_CASES)
        at, ticket_id, job_id = now - timedelta(hours=8 * number + 2), str(70_000 + number), uuid4()
        enhancement = _enhancement(draw, subject, text)
        reference = note_reference(tenant.id, ticket_id, "v")
        took = timedelta(seconds=draw.triangular(4, 30, 9))
        await connection.execute(
            "insert into delivery (tenant_id, job_id, ticket_id, event, body, status, code, attempt, accepted_at, settled_at)"
            " values ($1, $2, $3, 'ticket_created', '{}', 'done', 'shadow', 1, $4, $5)",
            tenant.id, job_id, ticket_id, at, at + took,
        )  # fmt: skip
        await connection.execute(
            "insert into enhancement (tenant_id, ticket_id, version, job_id, reserved_at, content, model, confidence,"
            " prompt_tokens, completion_tokens, cost_usd, duration_ms, written_at, shadowed_at, note_html)"
            " values ($1, $2, 'v', $3, $4, cast($5 as jsonb), $6, $7, $8, $9, $10, $11, $12, $12, $13)",
            tenant.id, ticket_id, job_id, at, enhancement.model_dump_json(), enhancement.model,
            enhancement.confidence.value, enhancement.prompt_tokens, enhancement.completion_tokens, enhancement.cost_usd,
            round(took.total_seconds() * 1000), at + took, render_note(enhancement, tenant.note, reference=reference),
        )  # fmt: skip
        done = draw.choices([text, draw.choice(_CASES)[1], "Done.", ""], (6, 2, 1, 1))[0]
        is_open = number < 4
        tickets.append(
            a_ticket(
                id=ticket_id,
                subject=subject,
                description=subject,
                status="Open" if is_open else "Resolved",
                resolution="" if is_open else done,
                resolved_at=None if is_open else at + timedelta(hours=1),
            )
        )
    await connection.close()
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)


async def _count(connection: Any, draw: random.Random, tenant_id: UUID, now: datetime, *, size: int) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for age in range(1, _DAYS * 24):
        at = hour - timedelta(hours=age)
        is_busy = 7 <= at.hour < 18 and at.weekday() < 5
        notes = draw.randrange(8, 22) * size if is_busy else draw.randrange(3)
        failed, plain = int(draw.random() < 0.004 * notes), int(draw.random() < 0.02 * notes)
        cost = notes * _COST_USD
        rows.append(
            (tenant_id, at, notes, plain, failed, notes // 9, notes * _PROMPT_TOKENS, notes * _COMPLETION_TOKENS, cost)
        )
    await connection.executemany(
        "insert into tally (tenant_id, hour, model, notes, context_only, failed, ignored, prompt_tokens,"
        " completion_tokens, cost_usd) values ($1, $2, 'gpt-4o-mini', $3, $4, $5, $6, $7, $8, $9)",
        rows,
    )


async def _deliver(connection: Any, draw: random.Random, tenant_id: UUID, now: datetime, *, ticket_id: str) -> None:
    subject, text, liked = draw.choice(_CASES)
    took = timedelta(seconds=draw.triangular(4, 30, 9))
    # Half of them came in the last hour.
    at = now - took - timedelta(minutes=draw.uniform(1, 60) if draw.random() < 0.5 else draw.uniform(60, 900))
    job_id = uuid4()
    body = json.dumps({"event": "ticket_created", "ticket_id": ticket_id, "ticket": {"subject": subject}}).encode()
    await connection.execute(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, status, attempt, accepted_at, settled_at)"
        " values ($1, $2, $3, 'ticket_created', $4, 'done', 1, $5, $6)",
        tenant_id, job_id, ticket_id, body, at, at + took,
    )  # fmt: skip
    enhancement = _enhancement(draw, subject, text)
    await connection.execute(
        "insert into enhancement (tenant_id, ticket_id, version, job_id, reserved_at, content, model, confidence,"
        " prompt_tokens, completion_tokens, cost_usd, duration_ms, written_at, note_id, posted_at)"
        " values ($1, $2, 'v', $3, $4, cast($5 as jsonb), $6, $7, $8, $9, $10, $11, $12, $2, $12)",
        tenant_id, ticket_id, job_id, at, enhancement.model_dump_json(), enhancement.model, enhancement.confidence.value,
        enhancement.prompt_tokens, enhancement.completion_tokens, enhancement.cost_usd,
        round(took.total_seconds() * 1000), at + took,
    )  # fmt: skip
    if draw.random() < 0.4:
        is_helpful = draw.random() < liked
        await connection.execute(
            "insert into feedback (tenant_id, job_id, is_helpful, comment, voted_at) values ($1, $2, $3, $4, $5)",
            tenant_id, job_id, is_helpful, draw.choice(_COMMENTS[is_helpful]), at + took + timedelta(seconds=30),
        )  # fmt: skip


def _enhancement(draw: random.Random, subject: str, text: str) -> Enhancement:
    source_id = str(900 + [case[0] for case in _CASES].index(subject))
    source = a_source(SourceKind.TICKET, id=source_id, title=f"#{source_id} {subject}", text=text, score=0.5)
    return Enhancement(
        summary=f"The ticket is about “{subject}”. One similar ticket was solved.",
        facts=(Statement(text=text, citations=["T1"]),),
        confidence=draw.choices(list(Confidence), (1, 4, 5))[0],
        confidence_share=0.71,
        reasons=(Reason.SAME_ERROR, Reason.ONLY_OLD),
        prompt="0f3c5a9d1b27",
        gathered=gathered(source),
        model="gpt-4o-mini",
        prompt_tokens=_PROMPT_TOKENS,
        completion_tokens=_COMPLETION_TOKENS,
        cost_usd=_COST_USD,
    )
