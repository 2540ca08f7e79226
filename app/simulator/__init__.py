"""A simulated ServiceDesk Plus: a server that behaves like both editions, and fails on demand."""
