"""Synapsor, the boundary between an LLM agent and an application's database: the agent asks, a person decides, a worker applies."""

__version__ = "0.1.0"
