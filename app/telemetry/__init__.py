"""Logs, metrics and traces. They never hold ticket text, a prompt or a credential."""
