-- A kind of rows of one account that no tenant owns, as the last sync met it.
insert into stray (tenant_id, kind, account, rows) values (:tenant_id, :kind, :account, :rows)
on conflict (tenant_id, kind, account) do update set rows = excluded.rows, seen_at = now()
