"""Adapters to application databases: session, fetch, execute, error mapping, posture; nothing else."""
