"""What console and command line read of the ledger, and the few acts of an operator on it."""
