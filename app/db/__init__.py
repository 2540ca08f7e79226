"""PostgreSQL: the ledger of deliveries, and what is known of each tenant."""
