"""The event loop of a serving process: uvloop where it is installed, and two signals that mean "finish and leave".

The first SIGTERM or SIGINT asks for an orderly end, the second for an immediate one.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_STDERR = 2


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run the program on the fastest event loop there is."""
    _occupy_standard_descriptors()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory, or None for Python's own."""
    try:
        import uvloop  # noqa: PLC0415  # not there on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def ends_this_task() -> Callable[[], None]:
    """Return what cancels the task that runs now."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # a coroutine of a running loop asks

    def leave() -> None:
        task.cancel()

    return leave


@contextmanager
def on_signals(
    finish: Callable[[], None],
    leave: Callable[[], None],
    numbers: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGINT),
) -> Iterator[None]:
    """Call `finish` on the first of these signals and `leave` on each further one; does nothing off the main thread.

    Where one came, further ones are ignored afterwards: the process is about to end.
    """
    loop = asyncio.get_running_loop()
    asked = False

    def handle() -> None:
        nonlocal asked
        (leave if asked else finish)()
        asked = True

    taken: list[signal.Signals] = []
    try:
        for number in numbers:
            loop.add_signal_handler(number, handle)
            taken.append(number)
    except (NotImplementedError, RuntimeError, ValueError):
        pass  # not the main thread, or a platform without signals: whoever embeds the server ends it
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
            if asked:  # it is leaving: one signal more must not make another end of that
                signal.signal(number, signal.SIG_IGN)


def _occupy_standard_descriptors() -> None:
    """Put /dev/null where stdin, stdout or stderr is closed; a loop whose own descriptor got such a number aborts."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(fd)
