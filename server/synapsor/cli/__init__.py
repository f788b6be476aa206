"""Thin commands; each one parses, calls one verb and prints."""
