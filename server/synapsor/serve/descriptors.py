"""The process's own stdin and stdout while MCP runs over them: the wire moves to private descriptors, everybody else gets others.

A stray print, warning or child process writes to stderr and reads end-of-file, so it can neither break a message nor swallow one.
Files and terminals, which an event loop cannot wait for, are bridged to pipes by a thread.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from synapsor.errors import UsageError

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_CHUNK = 65_536


@contextmanager
def private_wire() -> Iterator[tuple[int, int]]:
    """Yield pipes or sockets to read from and to write to; 0 and 1 are put back on leaving.

    Raises:
        UsageError: stdin or stdout is closed.
    """
    # Python notes at its start which of the two is closed; later, another file may have got the free number.
    if sys.stdin is None or sys.stdout is None:
        raise UsageError("stdin and stdout must be open", fix="Start the server from an MCP client.")
    wire_in, wire_out = _above_standard(_STDIN), _above_standard(_STDOUT)
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nothing, _STDIN)
        # Where stdout and stderr are one and the same, stray output would reach the wire through stderr: drop it.
        os.dup2(nothing if _same(wire_out, _STDERR) else _STDERR, _STDOUT)
        with _waitable(wire_in, wire_out) as ends:
            yield ends
    finally:
        # What was printed may still wait in Python's buffer, and would be written to the wire once that is back.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(wire_in, _STDIN)
        os.dup2(wire_out, _STDOUT)
        for fd in (wire_in, wire_out, nothing):
            os.close(fd)


@contextmanager
def _waitable(wire_in: int, wire_out: int) -> Iterator[tuple[int, int]]:
    if _is_pipe(wire_in) and _is_pipe(wire_out) and not _same(wire_in, wire_out):
        yield os.dup(wire_in), os.dup(wire_out)
        return
    from_client, feed = os.pipe()
    drain, to_client = os.pipe()
    # The thread that reads a terminal may block for ever, so it owns its descriptor and dies with the process.
    threading.Thread(target=_copy, args=(os.dup(wire_in), feed), daemon=True).start()
    writer = threading.Thread(target=_copy, args=(drain, os.dup(wire_out)), daemon=True)
    writer.start()
    yield from_client, to_client
    writer.join(timeout=2.0)


def _copy(source: int, target: int) -> None:
    with suppress(OSError):
        while data := os.read(source, _CHUNK):
            view = memoryview(data)
            while view:
                view = view[os.write(target, view) :]
    os.close(source)
    os.close(target)


def _is_pipe(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def _above_standard(fd: int) -> int:
    low: list[int] = []
    try:
        while (copy := os.dup(fd)) <= _STDERR:
            low.append(copy)
        return copy
    finally:
        for spare in low:
            os.close(spare)
