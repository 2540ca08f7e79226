"""A tenant's tickets, articles and assets as read from ServiceDesk Plus: stored, indexed, searched."""
