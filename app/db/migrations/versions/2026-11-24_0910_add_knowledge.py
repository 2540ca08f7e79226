"""Add each tenant's knowledge (tickets, articles, assets, search index), the limit of calls and access tokens.

The previous release still runs against it: tables are added, and the worker's role may also insert deliveries, for the
reconciliation poll. No table is changed.

Revision ID: 2026_11_24_0910
Revises: 2026_11_24_0900
"""

from __future__ import annotations

from alembic import op

from app.db.migrations import execute_script

revision = "2026_11_24_0910"
down_revision = "2026_11_24_0900"

# `document`, `terms`, `frequencies`, `length` and `indexed_digest` belong to the search index (app.db.knowledge).
DOCUMENTS = """
create table ticket (
    tenant_id uuid not null,
    id text not null,
    display_id text not null,
    subject text not null,
    description text not null,
    requester text not null,
    category text not null,
    status text not null,
    priority text not null,
    resolution text not null,
    created_at timestamptz,
    updated_at timestamptz,
    resolved_at timestamptz,
    document bigint generated always as identity,
    terms text[] not null default '{}',
    frequencies real[] not null default '{}',
    length real not null default 0,
    indexed_digest bytea,
    constraint ticket_pkey primary key (tenant_id, id),
    constraint ticket_tenant_id_document_key unique (tenant_id, document)
);

create table article (
    tenant_id uuid not null,
    id text not null,
    title text not null,
    text text not null,
    is_public boolean not null,
    updated_at timestamptz,
    document bigint generated always as identity,
    terms text[] not null default '{}',
    frequencies real[] not null default '{}',
    length real not null default 0,
    indexed_digest bytea,
    constraint article_pkey primary key (tenant_id, id),
    constraint article_tenant_id_document_key unique (tenant_id, document)
);
"""

# The search index. A writer locks the tenant's row of `corpus`, so that `corpus` and `term` always count exactly what
# `posting` holds. Few rows of `term` and `corpus` are updated often, so their pages are filled only in part.
INDEX = """
create table posting (
    tenant_id uuid not null,
    kind text not null,
    term text collate "C" not null,
    document bigint not null,
    constraint posting_pkey primary key (tenant_id, kind, term, document)
);

create table term (
    tenant_id uuid not null,
    kind text not null,
    term text collate "C" not null,
    documents bigint not null,
    constraint term_pkey primary key (tenant_id, kind, term)
) with (fillfactor = 80);

create table corpus (
    tenant_id uuid not null,
    kind text not null,
    configuration text not null,
    documents bigint not null default 0,
    total_length double precision not null default 0,
    constraint corpus_pkey primary key (tenant_id, kind)
) with (fillfactor = 50);
"""

# Addresses and names are in tables of their own, not in arrays: under row-level security PostgreSQL uses an index only
# for leakproof operators. `=` is one; those of arrays are not.
INVENTORY = """
create table asset (
    tenant_id uuid not null,
    id text not null,
    name text not null,
    hostname text not null,
    addresses inet[] not null,
    role text not null,
    location text not null,
    owner text not null,
    owner_key text not null,
    updated_at timestamptz,
    constraint asset_pkey primary key (tenant_id, id)
);
create index asset_tenant_id_owner_key_idx on asset (tenant_id, owner_key);

create table asset_address (
    tenant_id uuid not null,
    address inet not null,
    asset_id text not null,
    constraint asset_address_pkey primary key (tenant_id, address, asset_id),
    constraint asset_address_tenant_id_asset_id_fkey foreign key (tenant_id, asset_id)
        references asset (tenant_id, id) on delete cascade
);
create index asset_address_tenant_id_asset_id_idx on asset_address (tenant_id, asset_id);

create table asset_name (
    tenant_id uuid not null,
    name text not null,
    asset_id text not null,
    is_shortened boolean not null,
    constraint asset_name_pkey primary key (tenant_id, name, asset_id),
    constraint asset_name_tenant_id_asset_id_fkey foreign key (tenant_id, asset_id)
        references asset (tenant_id, id) on delete cascade
);
create index asset_name_tenant_id_asset_id_idx on asset_name (tenant_id, asset_id);
"""

PACE = """
create table sync_cursor (
    tenant_id uuid not null,
    kind text not null,
    seen_up_to timestamptz,
    listed_at timestamptz,
    constraint sync_cursor_pkey primary key (tenant_id, kind)
);

create table call_slot (
    tenant_id uuid not null,
    next_call_at timestamptz not null,
    closed_until timestamptz,
    constraint call_slot_pkey primary key (tenant_id)
) with (fillfactor = 50);

create table access_token (
    tenant_id uuid not null,
    sealed_token bytea,
    expires_at timestamptz,
    refreshing_until timestamptz,
    refreshes timestamptz[] not null default '{}',
    constraint access_token_pkey primary key (tenant_id)
) with (fillfactor = 50);
"""

POLICY = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy tenant_isolation on {table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on {table} to ai_agents_worker;
"""

TABLES = (
    *("ticket", "article", "posting", "term", "corpus"),
    *("asset", "asset_address", "asset_name"),
    *("sync_cursor", "call_slot", "access_token"),
)


def upgrade() -> None:
    for script in (DOCUMENTS, INDEX, INVENTORY, PACE):
        execute_script(script)
    for table in TABLES:
        execute_script(POLICY.format(table=table))
    op.execute("grant insert on delivery to ai_agents_worker")
