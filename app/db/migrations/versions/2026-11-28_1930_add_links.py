"""Add `ticket_link`, and to each posting how often its term occurs.

Expands only. The release before writes postings without a frequency, which the search takes for 1 until the next sync of
this release indexes their documents anew; its links are found by the next sync of each ticket.

Revision ID: 2026_11_28_1930
Revises: 2026_11_28_1510
"""

from __future__ import annotations

from alembic import op

from app.db.migrations import execute_script

revision = "2026_11_28_1930"
down_revision = "2026_11_28_1510"

LINKS = """
create table if not exists ticket_link (
    tenant_id uuid not null,
    kind text not null,
    to_id text not null,
    from_id text not null,
    told_by text not null,
    constraint ticket_link_pkey primary key (tenant_id, kind, to_id, from_id, told_by),
    constraint ticket_link_kind_check check (kind in ('ticket', 'article')),
    constraint ticket_link_told_by_check check (told_by in ('link', 'resolution', 'vote'))
);
create index if not exists ticket_link_from_id_tenant_id_idx on ticket_link (from_id, tenant_id, kind, to_id);
alter table ticket_link enable row level security;
alter table ticket_link force row level security;
-- Of this migration's own table: an earlier attempt at it may have ended behind these lines.
-- squawk-ignore ban-drop-policy
drop policy if exists tenant_isolation on ticket_link;
create policy tenant_isolation on ticket_link
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on ticket_link to ai_agents_worker;
"""

# The tenant comes last: where PostgreSQL believes a tenant to have few tickets, it would read all of them by an index that
# begins with the tenant, for each ticket that it looks up.
_NUMBER = "ticket_display_id_tenant_id_idx"
_NEW_KEY = "posting_with_frequency"
_COLUMNS = ["tenant_id", "kind", "term", "document"]


def upgrade() -> None:
    # The block below commits, so an attempt that was ended in it leaves what stands here, and perhaps an index that is not
    # valid.
    execute_script(LINKS)
    execute_script("alter table posting add column if not exists frequency real")
    with op.get_context().autocommit_block():
        for name, table in ((_NUMBER, "ticket"), (_NEW_KEY, "posting")):
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.create_index(_NUMBER, "ticket", ["display_id", "tenant_id"], postgresql_concurrently=True)
        # So the candidates of a query are read from the index alone.
        op.create_index(
            _NEW_KEY,
            "posting",
            _COLUMNS,
            unique=True,
            postgresql_concurrently=True,
            postgresql_include=["frequency"],
        )
    execute_script(
        "-- The same key again, of the same columns: what the release before says of conflicts finds it.\n"
        "-- squawk-ignore ban-drop-constraint\n"
        "alter table posting drop constraint posting_pkey,"
        f" add constraint posting_pkey primary key using index {_NEW_KEY}"
    )
