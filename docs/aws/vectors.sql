-- pgvector, for vectors (docs/configuration.md), made once by the database's master user. Safe to repeat.
--   psql "$MASTER_URL" -v ON_ERROR_STOP=1 -f docs/aws/vectors.sql
-- $MASTER_URL names the database `postgres`. Amazon RDS has pgvector 0.8 since PostgreSQL 14.14, 15.9, 16.5 and 17.1.

-- Only a member may make things in the owner's database; the membership is taken back below.
grant ai_agents_owner to current_user;
\connect ai_agents
create extension if not exists vector schema public;
revoke ai_agents_owner from current_user;

select extversion as pgvector from pg_extension where extname = 'vector';
