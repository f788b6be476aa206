"""The trusted worker: leases, apply loop and reconciliation."""
