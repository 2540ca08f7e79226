"""Queue in, note out."""
