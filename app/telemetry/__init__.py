"""What the product tells of itself: logs, metrics, traces. Never ticket text, a prompt or a credential."""
