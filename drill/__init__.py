"""A real API server and a real Argo CD with the product's real processes: README.md beside this says how."""
