"""Worker processes that a test may kill, pause and wait for."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio

from tests.projects import ROOT, ProjectFiles

T = TypeVar("T")


@dataclass(frozen=True)
class Child:
    """One worker process.

    Attributes:
        handle: readable once it has ended; the process's own, unless it was `gone` before it could be looked at.
    """

    pid: int
    handle: int
    gone: bool = False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this very process and never to one that got its number later."""
        with suppress(ProcessLookupError):
            if not self.gone:
                signal.pidfd_send_signal(self.handle, number)

    async def ended(self, seconds: float = 60) -> None:
        """Wait until the process has ended."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.handle, done.set)
        try:
            with anyio.fail_after(seconds):
                await done.wait()
        finally:
            loop.remove_reader(self.handle)

    async def wake_and_end(self) -> None:
        """Wake the process until it has ended; one signal could come before it is asleep."""
        await self._wake_until(self.ended)

    async def wake_and_tell(self, signals: "Signals") -> str:
        """Wake the process until it reaches a failpoint, and return which."""
        return await self._wake_until(signals.next)

    async def _wake_until(self, there: Callable[[float], Awaitable[T]]) -> T:
        for _ in range(300):
            self.send(signal.SIGCONT)
            with suppress(TimeoutError):
                return await there(0.2)
        raise TimeoutError

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs or is paused."""
        if self.gone:
            return False
        try:
            signal.pidfd_send_signal(self.handle, 0)
        except ProcessLookupError:
            return False
        return True


class Signals:
    """A named pipe into which failpoints write their names; each may be waited for."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path)
        # Open for writing too, so that it has no end while no failpoint has it open.
        self._handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._rest = b""

    async def next(self, seconds: float = 60) -> str:
        """Wait for the next name."""
        loop, there = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._handle, there.set)
        try:
            with anyio.fail_after(seconds):
                while b"\n" not in self._rest:
                    await there.wait()
                    there.clear()
                    with suppress(BlockingIOError):
                        self._rest += os.read(self._handle, 4096)
        finally:
            loop.remove_reader(self._handle)
        name, _, self._rest = self._rest.partition(b"\n")
        return name.decode()

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._handle)


@dataclass
class Herd:
    """A zygote and the children it forked."""

    files: ProjectFiles
    process: asyncio.subprocess.Process
    children: list[Child] = field(default_factory=list)

    async def fork(
        self,
        *,
        failpoint: str | None = None,
        pipe: str | None = None,
        lease: float = 0.4,
        drain: bool = False,
        ahead: float = 0,
        held: bool = False,
    ) -> Child:
        """Fork a worker, whose clock may be ahead of the others', and which may be held until it is woken."""
        pid = await self.ask(failpoint=failpoint, pipe=pipe, lease=lease, drain=drain, ahead=ahead, held=held)
        try:
            child = Child(pid, os.pidfd_open(pid))
        except ProcessLookupError:  # a handle that is at its end stands for it
            read, write = os.pipe()
            os.close(write)
            child = Child(pid, read, gone=True)
        self.children.append(child)
        return child

    async def ask(self, **request: Any) -> int:
        """Send the zygote a request; return the id of the process that meets it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"config": str(self.files.config_path), **request}).encode() + b"\n")
        await self.process.stdin.drain()
        return int(await self.process.stdout.readline())


@asynccontextmanager
async def herd(files: ProjectFiles) -> AsyncIterator[Herd]:
    """Start a zygote; it and every child are ended with the test."""
    environment = {**files.environment, "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.zygote",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        cwd=ROOT,
    )
    found = Herd(files, process)
    try:
        await found.ask(lease=1, drain=True, ahead=0, held=False)
        yield found
    finally:
        for child in found.children:
            child.send(signal.SIGKILL)
            os.close(child.handle)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
