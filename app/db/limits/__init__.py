"""What limits the calls and deliveries of a tenant: circuit breakers, pauses, the rate of calls, access tokens.

All workers share them, in PostgreSQL: each sees what the others met. Times are the database's own.
"""
