"""Applications that apply by themselves, for the tests."""
