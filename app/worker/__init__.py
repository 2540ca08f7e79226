"""The worker: claims deliveries and posts notes."""
