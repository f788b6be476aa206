"""What a test of a project needs: a clock that is told the time, sources and a ledger in memory, and a desk around a contract."""

from synapsor.ledger.open import open_memory_ledger
from synapsor.testing.clock import TestClock
from synapsor.testing.memory import MemoryDatabase, MemoryReadSource, MemoryWriteSource
from synapsor.testing.trial import Trial, desk_for

__all__ = [
    "MemoryDatabase",
    "MemoryReadSource",
    "MemoryWriteSource",
    "TestClock",
    "Trial",
    "desk_for",
    "open_memory_ledger",
]
