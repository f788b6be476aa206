"""A handler that is a program: the document on its standard input, its answer on the standard output, the signature in its environment.

It runs in a process group of its own, with the environment that the project writes out and no other; when its time is over, the whole group
is killed. That it ended well proves nothing: the answer does.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess  # the program is the project's own, named by its absolute path, and no shell is in between
import time
from collections.abc import Mapping, Sequence
from typing import IO, Final

import anyio.to_thread

from synapsor.executors.secret import proper
from synapsor.handler.signature import sign
from synapsor.handler.wire import MOST_ANSWER_BYTES, SIGNATURE_VARIABLE
from synapsor.handler_ports import ACCEPTED_SECONDS, Heard, Reply
from synapsor.ports import Clock
from synapsor.secrets import Secret

_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_CHUNK: Final = 65_536
_LOOK_EVERY: Final = 0.05
"""Seconds between two looks at whether the program has ended: a child of its own may keep the pipe open."""


class CommandHandler:
    """Runs one program for each document."""

    def __init__(
        self,
        *,
        name: str,
        run: Sequence[str],
        secret: Secret,
        seconds: float,
        clock: Clock,
        environment: Mapping[str, Secret],
        accepted_seconds: float = ACCEPTED_SECONDS,
    ) -> None:
        """Take what the configuration says.

        Raises:
            ConfigError: the secret could be guessed.
        """
        self.name = name
        self.accepted_seconds = accepted_seconds
        self._run = tuple(run)
        self._secret = proper(name, secret)
        self._seconds = seconds
        self._clock = clock
        self._environment = dict(environment)

    async def ask(self, body: bytes, *, key: str) -> Reply:
        """Run the program and return what it wrote."""
        del key  # the document names it
        at = int(self._clock.now().timestamp())
        signature = sign(self._secret.reveal(), body, executor=self.name, at=at)
        return await anyio.to_thread.run_sync(self._ran, body, signature)

    def _ran(self, body: bytes, signature: str) -> Reply:
        environment = {name: secret.reveal() for name, secret in self._environment.items()}
        environment |= {"PATH": _PATH, "LANG": "C.UTF-8", SIGNATURE_VARIABLE: signature}
        try:
            process = subprocess.Popen(  # noqa: S603  # see the import
                self._run,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            return Reply(heard=Heard.UNREACHED)
        with process:
            try:
                written = _exchange(process, body, until=time.monotonic() + self._seconds)
            finally:
                # The whole group: what the program started must not go on after its answer, or after its time.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
        if written is None or code != 0:
            return Reply(heard=Heard.UNKNOWN)
        return Reply(heard=Heard.ANSWERED, body=written)


def _exchange(process: subprocess.Popen[bytes], body: bytes, *, until: float) -> bytes | None:
    """Return what a program wrote until it ended; None where its time was over before, or it wrote too much."""
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    left, written = memoryview(body), bytearray()
    with selectors.DefaultSelector() as waiting:
        for pipe, event in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            waiting.register(pipe, event)
        while time.monotonic() < until:
            ended = _has_ended(process.pid)
            ready = {each.fileobj for each, _ in waiting.select(_LOOK_EVERY)}
            if process.stdin in ready:
                left = _fed(process.stdin, left, waiting)
            if process.stdout in ready and not _took(process.stdout, written, waiting):
                return None
            if ended and process.stdout not in ready:
                return bytes(written)
    return None


def _has_ended(pid: int) -> bool:
    """Tell whether a program has ended, and leave it for the caller to wait for: till then nobody else has its number, which is killed."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _fed(pipe: IO[bytes], left: memoryview, waiting: selectors.BaseSelector) -> memoryview:
    """Write some more of a document and return what is left of it; a program need not read it all."""
    try:
        left = left[os.write(pipe.fileno(), left[:_CHUNK]) :]
    except BrokenPipeError:
        left = left[:0]
    if not left:
        waiting.unregister(pipe)
        pipe.close()
    return left


def _took(pipe: IO[bytes], written: bytearray, waiting: selectors.BaseSelector) -> bool:
    """Read some more of an answer; False where it is too much."""
    part = os.read(pipe.fileno(), _CHUNK)
    written += part
    if not part:
        waiting.unregister(pipe)
    return len(written) <= MOST_ANSWER_BYTES
