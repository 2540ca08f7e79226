-- Whose rows the transaction shows (empty: nobody's), and how long a statement of it may run. Both end with it.
select set_config('app.tenant_id', :tenant_id, true), set_config('statement_timeout', :timeout_ms, true)
