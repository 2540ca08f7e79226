"""Check how large a delivery is: no row may be more than a worker can hold.

The release before writes only what the checks allow, and runs on: of a body of 256 KiB at most, in UTF-8, and of a trace
context 55 characters. Neither is validated: rows that are there are not touched, and a scan of millions of them would hold
the lock.

Revision ID: 2026_11_30_1830
Revises: 2026_11_30_1520
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_1830"
down_revision = "2026_11_30_1520"

CHECKS = """
alter table delivery add constraint delivery_body_check check (octet_length(body) <= 1048576) not valid;
alter table delivery add constraint delivery_trace_context_check check (length(trace_context) <= 200) not valid;
"""


def upgrade() -> None:
    execute_script(CHECKS)
