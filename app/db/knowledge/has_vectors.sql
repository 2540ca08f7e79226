-- Whether there is a table of vectors, and how many tickets of the tenant the search knows.
select to_regclass('public.ticket_vector') is not null as has_table,
    coalesce((select documents from corpus where tenant_id = :tenant_id and kind = 'ticket'), 0) as documents
