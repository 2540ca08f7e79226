"""What is known of a tenant besides its deliveries: stored, indexed, searched."""
