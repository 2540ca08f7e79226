"""Passwords and codes in sentences."""
