-- One worker at a time deletes old rows. The lock ends with the transaction.
select pg_try_advisory_xact_lock(7203004)
