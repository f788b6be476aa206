"""A stdio server in a process of its own, spoken to in raw lines: in a fork, or `started` by itself where its start or its memory is looked at."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.serving.forked import forked
from tests.serving.messages import line

ROOT = Path(__file__).parents[2]


def command(grace_s: float = 5.0, *, started: bool = False) -> list[str]:
    line = [sys.executable, "-W", "error", "-m", "tests.serving.stdio_server", str(grace_s)]
    return line if started else forked(line)


def environment() -> dict[str, str]:
    # Without PYTHONUNBUFFERED, as a client starts it: a stray print then waits in a buffer.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}"}


def converse(data: bytes, grace_s: float = 5.0, *, started: bool = False) -> tuple[list[Any], str]:
    """Send everything, close, and return the answers and what stderr said; the server must end well."""
    done = subprocess.run(
        command(grace_s, started=started),
        input=data,
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    return [json.loads(answer) for answer in done.stdout.splitlines()], done.stderr.decode()


@dataclass(frozen=True)
class Talk:
    process: subprocess.Popen[bytes]

    def send(self, *messages: Any) -> None:
        assert self.process.stdin is not None
        for message in messages:
            self.process.stdin.write(message if isinstance(message, bytes) else line(message))
        self.process.stdin.flush()

    def receive(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, message: Any) -> Any:
        self.send(message)
        return self.receive()

    def end_now(self, number: signal.Signals) -> None:
        """Send a further signal, and again while it has not ended: one that comes before another was taken is one with that."""
        for _ in range(100):
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.3)
                return

    def end(self) -> tuple[list[Any], list[str], int]:
        """Wait for the end; returns the answers that were left, stderr's lines and the exit code."""
        out, err = self.process.communicate(timeout=60)
        return [json.loads(answer) for answer in out.splitlines()], err.decode().splitlines(), self.process.returncode


@contextmanager
def talk(grace_s: float = 5.0, *, started: bool = False) -> Iterator[Talk]:
    process = subprocess.Popen(
        command(grace_s, started=started),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
    )
    try:
        yield Talk(process)
    finally:
        process.kill()
        process.communicate()
