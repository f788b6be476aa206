"""What a human reviews: the typed, strict model of a contract and everything that reads it."""
