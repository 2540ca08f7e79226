"""PostgreSQL: the ledger of deliveries, each tenant's knowledge, its limits, and reports for operators."""
