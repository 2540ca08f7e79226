-- The vectors of resolved tickets, by the ticket's number in the search index. Derived: they may be dropped and are made
-- again. A row without vectors says that the model makes none of this text, so that it is not asked again.
create table if not exists ticket_vector (
    tenant_id uuid not null,
    document bigint not null,
    model text not null,
    digest bytea not null,
    title halfvec(384),
    text halfvec(384),
    constraint ticket_vector_pkey primary key (tenant_id, document),
    constraint ticket_vector_tenant_id_document_fkey foreign key (tenant_id, document)
        references ticket (tenant_id, document) on delete cascade
);
create index if not exists ticket_vector_title_idx on ticket_vector using hnsw (title halfvec_cosine_ops);
alter table ticket_vector enable row level security;
alter table ticket_vector force row level security;
create policy tenant_isolation on ticket_vector
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on ticket_vector to ai_agents_worker;
