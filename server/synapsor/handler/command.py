"""The handler's side of a command: read a signed job from the standard input, answer on the standard output.

Nothing else may write there; where the application breaks, the program ends with an error and the worker asks again under the same key.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from synapsor.handler.answer import Answer
from synapsor.handler.job import Job, read
from synapsor.handler.signature import verify
from synapsor.handler.wire import MOST_BYTES, SIGNATURE, SIGNATURE_VARIABLE


def main(secrets: str | Iterable[str], handle: Callable[[Job], Answer], *, executor: str) -> None:
    """Answer the one job that the worker has handed over to this executor, by its name in the contract.

    Raises:
        NotSigned: it is not the worker's, or not from now.
        Malformed: it is no job.
    """
    body = sys.stdin.buffer.read(MOST_BYTES + 1)
    verify(body, {SIGNATURE: os.environ.get(SIGNATURE_VARIABLE, "")}, secrets, executor=executor)
    sys.stdout.buffer.write(handle(read(body)).body())
    sys.stdout.buffer.flush()
