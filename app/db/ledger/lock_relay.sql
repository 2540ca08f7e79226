-- One worker's relay at a time. The lock ends with the transaction.
select pg_try_advisory_xact_lock(7203002)
