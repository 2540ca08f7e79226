"""The product whole, on one machine: real servers from their wheels, sample tenants, and nothing left behind."""
