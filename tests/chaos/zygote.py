"""A process that has imported everything and forks a worker on request, so that killing hundreds of them costs little.

It has also been a worker once itself, so that no child has to import, load or compile anything anew. Requests are JSON lines on
standard input, the first of them that of the zygote itself: `{"config": path, "failpoint": text|null, "pipe": path|null, "lease":
seconds, "drain": boolean, "ahead": seconds, "held": boolean}`; the answer is the process id on a line. Children die with the zygote.
"""

import ctypes
import datetime as dt
import gc
import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiomysql  # noqa: F401  # imported before the fork, like the rest of the drivers
import anyio
import asyncpg  # noqa: F401  # as above

import synapsor.ledger
import synapsor.sources.mysql
import synapsor.sources.postgres
import synapsor.sources.sqlite  # noqa: F401  # as above
from synapsor.config import load_config
from synapsor.core.proposal import Member
from synapsor.flow import apply
from synapsor.flow.apply import Site, Task
from synapsor.ports import SystemClock
from synapsor.runtime import open_project
from synapsor.work.failpoints import Failpoint, _act
from synapsor.work.pace import Pace

MIDWAY = "test.midway"
"""Before the last member of a set is changed. It is no named point of the worker, for nothing is decided there."""
READY = "test.ready"
"""Where a worker that is held sleeps: it is up, and has not looked for work."""
_PR_SET_PDEATHSIG = 1


class Ahead(SystemClock):
    """The clock of a machine that is ahead of the others: to it, what they hold has lapsed."""

    def __init__(self, seconds: float) -> None:
        self._ahead = dt.timedelta(seconds=seconds)

    def now(self) -> dt.datetime:
        """Return the time by this clock."""
        return super().now() + self._ahead


def main() -> None:
    """Serve fork requests until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    anyio.run(_work, json.loads(sys.stdin.readline()))
    gc.collect()
    gc.freeze()  # else each child copies what it only counts references in
    _answer(os.getpid())
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(request)
        _answer(pid)


def _answer(pid: int) -> None:
    sys.stdout.write(f"{pid}\n")
    sys.stdout.flush()


def _child(request: dict[str, Any]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(0)
    if request["pipe"]:
        os.environ["SYNAPSOR_FAILPOINT_PIPE"] = request["pipe"]
    if (request["failpoint"] or "").startswith(MIDWAY):
        _halt_midway(request["failpoint"])
    elif request["failpoint"]:
        os.environ |= {"SYNAPSOR_TESTING": "1", "SYNAPSOR_FAILPOINT": request["failpoint"]}
    code = 1
    try:
        anyio.run(_work, request)
        code = 0
    finally:
        os._exit(code)


def _halt_midway(failpoint: str) -> None:
    """Let the failpoint act when a worker is at the last member of a set."""
    _, action, *rest = failpoint.split(":")
    point = Failpoint(MIDWAY, action, int(rest[0]) if rest else 1)
    passed, change = itertools.count(1), apply._change

    async def halted(task: Task, site: Site, member: Member) -> None:
        if member is task.opened.members[-1] is not task.opened.members[0] and next(passed) == point.count:
            _act(point)
        await change(task, site, member)

    apply._change = halted


async def _work(request: dict[str, Any]) -> None:
    pace = Pace(
        lease_seconds=request["lease"], poll_seconds=0.02, backoff_seconds=0.02, backoff_most=0.2, attempts=1000
    )
    async with open_project(load_config(Path(request["config"]))) as project:
        project.clock = Ahead(request["ahead"])
        worker = await project.worker(pace=pace)
        if request["held"]:
            _act(Failpoint(READY, "stop", 1))
        await worker.run(drain=request["drain"])


if __name__ == "__main__":
    main()
