"""Named points of the worker at which a test kills, pauses or breaks it; read only where SYNAPSOR_TESTING=1.

A failpoint is written `name:action[:count]`, several joined by commas: `apply.before_commit:kill9`, `work.leased:stop:2` (the second
time). Actions: `kill9`, `stop` (SIGSTOP), `raise` and `note` (nothing more). Before it acts, it writes its name to the pipe that SYNAPSOR_FAILPOINT_PIPE
names, so that a test can wait for it.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from synapsor.flow.apply import STEPS
from synapsor.flow.intents import INTENT_STEPS
from synapsor.flow.shadow import SHADOW_STEPS

WORKER_STEPS = ("work.leased", "work.applied", "work.settled")
ALL_STEPS = (WORKER_STEPS[0], *STEPS, *WORKER_STEPS[1:])
"""Every named point, in the order of a job; where the ledger alone keeps verdicts, there are `INTENT_STEPS` before those of an apply.

A shadow apply has `SHADOW_STEPS`, and passes those of an apply that are of carrying out a change, too.
"""


class FailpointReached(RuntimeError):
    """What the action `raise` raises."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """One point, what happens there, and at which passing."""

    name: str
    action: str
    count: int


def parse(text: str) -> tuple[Failpoint, ...]:
    """Return the failpoints that the text writes.

    Raises:
        ValueError: a name or action is unknown.
    """
    points = []
    for part in text.split(","):
        name, action, *rest = part.split(":")
        if name not in (*ALL_STEPS, *INTENT_STEPS, *SHADOW_STEPS) or action not in {"kill9", "stop", "raise", "note"}:
            raise ValueError(f"unknown failpoint {part!r}")
        points.append(Failpoint(name, action, int(rest[0]) if rest else 1))
    return tuple(points)


def from_environment(text: str) -> Callable[[str], Awaitable[None]]:
    """Return the function that the worker calls at each named point."""
    points = parse(text)
    passed: Counter[str] = Counter()

    async def reached(name: str) -> None:
        passed[name] += 1
        for point in points:
            if point.name == name and point.count == passed[name]:
                _act(point)

    return reached


def _act(point: Failpoint) -> None:
    if pipe := os.environ.get("SYNAPSOR_FAILPOINT_PIPE"):
        handle = os.open(pipe, os.O_WRONLY)
        os.write(handle, f"{point.name}\n".encode())
        os.close(handle)
    if point.action == "raise":
        raise FailpointReached(point.name)
    if point.action == "note":
        return
    os.kill(os.getpid(), signal.SIGKILL if point.action == "kill9" else signal.SIGSTOP)
