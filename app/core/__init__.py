"""The rules: pure functions on values, without event loop, clock, files or network."""
