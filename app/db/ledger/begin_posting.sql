-- Store that from now on a note may be on the ticket, if it may be posted: `begun`, else `outdated` or `lost`.
select begin_posting(:tenant_id, :job_id, :attempt, :fence, :ticket_id, :version, :html)
