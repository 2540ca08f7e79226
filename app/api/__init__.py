"""HTTP in, HTTP out. It never loads the model stack and reads nothing from the ledger."""
