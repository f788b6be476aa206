"""A process that stands for a fork elsewhere: it hands over its pipes, its environment and its folder, passes signals on, and ends as that ends.

It imports next to nothing, for it is started in place of commands that import much.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)


def tell(to: socket.socket, number: int) -> None:
    """Tell a number, or nobody where nobody is left to be told."""
    with suppress(OSError):
        to.sendall(b"%d\n" % number)


def received(asked: socket.socket) -> "dict[str, Any] | None":
    """Return what a launcher asks for, with the descriptors it gave; None where it was killed over it."""
    data, given, _, _ = socket.recv_fds(asked, 65_536, 3)
    while more := asked.recv(65_536) if not data.endswith(b"\n") else b"":
        data += more
    if not data.endswith(b"\n"):
        for one in given:
            os.close(one)
        return None
    return {**json.loads(data), "given": given}


def _main() -> int:
    umask = os.umask(0)
    os.umask(umask)
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(sys.argv[1])
    folder = os.getcwd()  # noqa: PTH109  # pathlib is one more import
    asked = {"arguments": sys.argv[2:], "environment": dict(os.environ), "folder": folder, "umask": umask}
    numbers = wire.makefile("rb")
    early: list[int] = []
    for number in PASSED:
        signal.signal(number, lambda number, _: early.append(number))
    data = json.dumps(asked).encode() + b"\n"
    sent = socket.send_fds(wire, [data], [0, 1, 2])
    wire.sendall(data[sent:])
    pid = int(numbers.readline())

    def passed_on(number: int, _: object = None) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    for number in PASSED:
        signal.signal(number, passed_on)
    for missed in early:
        passed_on(missed)
    # What the fork holds is its own now: whoever reads there is to see the end of it when it ends, and not of this process.
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    code = int(numbers.readline())
    if code < 0:
        with suppress(OSError):  # nobody takes a SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    os._exit(_main())
