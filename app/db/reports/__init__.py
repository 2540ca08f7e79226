"""What console and command line read from the ledger, and the acts of operators on it: replay, dismiss."""
