"""Add the function `schema_revision`, by which the API tells the schema's revision without a right to read a table.

Expands only: the release before reads the revision from the comment on `accept_deliveries`. It is written here for the
last time and stays: to that release any later schema is this one, which it takes for one that is ahead of it. The
comment may go, and with it what `app.db.ledger.intake` does without the function, when that release runs nowhere.

Revision ID: 2026_11_28_1200
Revises: 2026_11_28_1100
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_1200"
down_revision = "2026_11_28_1100"

# With the rights of the owner, whose table it is. Alembic has made the table before it runs the first revision.
SCHEMA_REVISION = """
create function schema_revision() returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select version_num from public.alembic_version $$;
revoke all on function schema_revision from public;
grant execute on function schema_revision to ai_agents_intake;
comment on function accept_deliveries is 'schema 2026_11_28_1200';
"""


def upgrade() -> None:
    execute_script(SCHEMA_REVISION)
