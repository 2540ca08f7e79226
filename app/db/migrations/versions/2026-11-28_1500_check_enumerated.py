"""Check each column whose values the code enumerates: what it does not know must not get in by any way.

The release before writes only what the checks allow, and runs on. None is validated: rows that are there are not
touched, and a scan of millions of them would hold the lock. `delivery.event`, `delivery.status` and `gate.cause` have
their checks already. Codes come with each release, and nothing branches on one that is read, so of them the form is
checked alone.

Revision ID: 2026_11_28_1500
Revises: 2026_11_28_1400
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_1500"
down_revision = "2026_11_28_1400"

_CODE = "code ~ '^[a-z][a-z_]{0,63}$'"
_KIND = "kind in ('ticket', 'article')"
CHECKS = {
    ("delivery", "code"): _CODE,
    ("attempt", "code"): _CODE,
    ("attempt", "outcome"): (
        "outcome in ('enhanced', 'context_only', 'degraded', 'ignored', 'failed', 'retried', 'throttled', 'held',"
        " 'left_to_lease', 'lease_lost')"
    ),
    ("enhancement", "confidence"): "confidence in ('low', 'medium', 'high')",
    ("posting", "kind"): _KIND,
    ("term", "kind"): _KIND,
    ("corpus", "kind"): _KIND,
    ("stray", "kind"): "kind in ('tickets', 'articles', 'assets')",
    ("sync_cursor", "kind"): "kind in ('tickets', 'articles', 'assets', 'reconciliation')",
}


def upgrade() -> None:
    for (table, column), check in CHECKS.items():
        execute_script(f"alter table {table} add constraint {table}_{column}_check check ({check}) not valid")
