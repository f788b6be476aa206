"""What a test of a project needs: failpoints, a clock that is told the time, and sources and a ledger in memory."""
