"""The path of a delivery through PostgreSQL: accepted, claimed, written, posted, settled, and in the end forgotten."""
