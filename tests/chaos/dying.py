"""A command of a person that dies at a named point of a decision: `python -m tests.chaos.dying POINT[:COUNT] COMMAND...`.

It is the real command; where the point is passed for the COUNT-th time, it kills itself as `kill -9` would.
"""

import functools
import os
import signal
import sys
from collections import Counter
from typing import Any

from synapsor.cli.main import main
from synapsor.ledger import decisions
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.store import Ledger

POINTS = ("decision.signed", "decision.written", "decision.committed", "decision.recorded")
"""Signed and nowhere recorded; written and not committed; committed, and its checkpoint not copied; recorded, and nobody told."""
KEPT = frozenset(POINTS[2:])
"""After which of them the decision stands."""


def arm(point: str, count: int) -> None:
    """Let the process die where it passes a point for so many times."""
    passed: Counter[str] = Counter()

    def reached(name: str) -> None:
        passed[name] += 1
        if (name, passed[name]) == (point, count):
            os.kill(os.getpid(), signal.SIGKILL)

    decide, write, copy = Ledger.decide, decisions.decide, Anchor.keep

    @functools.wraps(decide)
    async def deciding(self: Ledger, *told: Any, **more: Any) -> Any:
        reached("decision.signed")
        found = await decide(self, *told, **more)
        reached("decision.recorded")
        return found

    @functools.wraps(write)
    async def writing(*told: Any, **more: Any) -> None:
        await write(*told, **more)
        reached("decision.written")

    @functools.wraps(copy)
    def copying(self: Anchor, *told: Any) -> None:
        reached("decision.committed")
        copy(self, *told)

    Ledger.decide, decisions.decide, Anchor.keep = deciding, writing, copying  # type: ignore[method-assign,assignment]  # to die in them


if __name__ == "__main__":
    name, _, times = sys.argv[1].partition(":")
    arm(name, int(times or 1))
    sys.exit(main(sys.argv[2:]))
