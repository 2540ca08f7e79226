"""What PostgreSQL stores of a delivery: accepted, claimed, written, posted, settled, and deleted after 90 days."""
