"""A process that has imported everything and forks a worker on request, so that killing hundreds of them costs little.

Requests are JSON lines on standard input: `{"config": path, "failpoint": text|null, "pipe": path|null, "lease": seconds}`; the answer
is the child's process id on a line. Children die with the zygote.
"""

import ctypes
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
from synapsor.runtime import open_project
from synapsor.work.worker import Pace

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve fork requests until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(request)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _child(request: dict[str, Any]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(0)
    if request["failpoint"]:
        os.environ |= {"SYNAPSOR_TESTING": "1", "SYNAPSOR_FAILPOINT": request["failpoint"]}
    if request["pipe"]:
        os.environ["SYNAPSOR_FAILPOINT_PIPE"] = request["pipe"]
    code = 1
    try:
        anyio.run(_work, request)
        code = 0
    finally:
        os._exit(code)


async def _work(request: dict[str, Any]) -> None:
    pace = Pace(
        lease_seconds=request["lease"], poll_seconds=0.02, backoff_seconds=0.02, backoff_most=0.2, attempts=1000
    )
    async with open_project(load_config(Path(request["config"]))) as project:
        worker = await project.worker(pace=pace)
        await worker.run(drain=request.get("drain", False))


if __name__ == "__main__":
    main()
