"""The workflow that turns a ticket into an enhancement."""
