"""Benchmarks against the floor, run by hand (`make bench`); never a timed test."""
