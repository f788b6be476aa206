"""Adapters of those who carry out a change in the worker's stead: an application's handler over HTTP, or a command. No rule is here."""
