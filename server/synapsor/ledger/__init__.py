"""The durable record: one store over a small connection seam."""
