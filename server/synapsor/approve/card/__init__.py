"""The review card: all that a decision is about, as data, gathered from the ledger and told harmless."""
