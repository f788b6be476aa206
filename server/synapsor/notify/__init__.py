"""What tells people and programs that something happened to a proposal. It reads the ledger, decides nothing and writes nothing to it."""
