"""What a human reaches: operator identity, inbox and decisions."""
