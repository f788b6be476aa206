"""The verbs, one file each, top to bottom."""
