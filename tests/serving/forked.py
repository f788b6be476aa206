"""Commands that start without importing anything: a process that has imported it all forks itself for each of them.

For tests in which the start of a command is not the point. `forked` makes such a command line of a real one: whoever starts it has a process
with its own pipes, signals and end, as with the real one. Not for tests of how a command starts, or of a process's own limits.
"""

import atexit
import fcntl
import functools
import importlib
import io
import os
import runpy
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.serving import launch

if TYPE_CHECKING:
    from tests.projects import ProjectFiles

ROOT = Path(__file__).parents[2]

ALWAYS = (
    "synapsor.cli.decide",
    "synapsor.cli.login",
    "synapsor.cli.undo",
    "synapsor.ledger.open",
    "synapsor.sources.mysql",
    "synapsor.sources.postgres",
    "synapsor.sources.sqlite",
)
# By a word of the command line: what only such a command imports, and when it runs.
NEEDS = {
    "approvals": ("synapsor.approve.companion.bearers", "synapsor.approve.companion.http", "synapsor.cli.approvals"),
    "console": ("synapsor.approve.console.listen", "synapsor.cli.console", "synapsor.looking"),
    "demo": ("mcp", "synapsor.cli.demo"),
    "notifier": ("synapsor.cli.dead", "synapsor.cli.notifier", "synapsor.notifying"),
    "serve": ("synapsor.cli.serve", "synapsor.serve.http", "synapsor.serve.stdio"),
    "tests.serving.stdio_server": ("synapsor.serve.stdio", "tests.serving.desk"),
    "tools": ("synapsor.cli.tools", "synapsor.serve.tools"),
    "worker": ("synapsor.cli.worker",),
}


def run_forked(files: "ProjectFiles", *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the project in a fork, and return what it said."""
    command = forked(files.command(*arguments))
    return subprocess.run(
        command, env=files.environment, cwd=files.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )  # fmt: skip  # what is run, and in what


def forked(command: Sequence[str]) -> list[str]:
    """Return a command line that does as `PYTHON [-W error] -m MODULE ARGUMENTS…` does, in a fork."""
    return [sys.executable, "-I", "-S", launch.__file__, _server(), *command[1:]]


@functools.cache
def python() -> str:
    """Return a program that stands for Python where a command starts others: `PROGRAM -m MODULE ARGUMENTS…` runs in a fork, and so do they."""
    program = Path(_server()).with_name("python")
    program.write_text(f'#!/bin/sh\nexec {shlex.join(forked([""]))} "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    return str(program)


@functools.cache
def _server() -> str:
    """Start what forks, which ends with this process, and return the address of its socket."""
    folder = tempfile.TemporaryDirectory(prefix="forks-")
    address = f"{folder.name}/socket"
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.forked", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}",
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as the command sets it, before it imports anything
        },
        cwd=ROOT,
    )

    def end() -> None:
        started.communicate()
        folder.cleanup()

    atexit.register(end)
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return address


class Forks:
    """The forks that run, and who waits for the end of each."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._waiting: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Fork for whoever asks, until the process that started this one ends."""
        awake, wakes = socket.socketpair()
        wakes.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(awake, selectors.EVENT_READ, functools.partial(self._reap, awake))
            selector.register(self._listening, selectors.EVENT_READ, functools.partial(self._take, selector))
            selector.register(0, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == 0:
                        return self._end()
                    key.data()

    def _end(self) -> None:
        for pid in self._waiting:
            os.kill(pid, signal.SIGKILL)

    def _take(self, selector: selectors.BaseSelector) -> None:
        asked, _ = self._listening.accept()
        request = launch.received(asked)
        if request is None:
            asked.close()
            return
        _import(request["arguments"])
        pid = os.fork()
        if pid == 0:
            _be(request)
        for given in request["given"]:
            os.close(given)
        self._waiting[pid] = asked
        launch.tell(asked, pid)
        selector.register(asked, selectors.EVENT_READ, functools.partial(self._left, selector, pid, asked))

    def _left(self, selector: selectors.BaseSelector, pid: int, asked: socket.socket) -> None:
        """Kill the fork of a launcher that was killed; of one that has been told of the end, there is none."""
        selector.unregister(asked)
        asked.close()
        if pid in self._waiting:
            os.kill(pid, signal.SIGKILL)

    def _reap(self, awake: socket.socket) -> None:
        awake.recv(4096)
        for pid in list(self._waiting):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                launch.tell(self._waiting.pop(pid), os.waitstatus_to_exitcode(status))


def _import(arguments: Sequence[str]) -> None:
    for word in arguments:
        for module in NEEDS.get(word, ()):
            importlib.import_module(module)


def _be(request: dict[str, Any]) -> None:
    """Be the command: its environment, its folder, its pipes, and no signal, file or warning of this process."""
    code: Any = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for number, given in enumerate(request["given"]):
            os.dup2(given, number)
        os.closerange(3, 1024)
        if os.isatty(0):
            with suppress(PermissionError):  # it is the launcher's own already
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # a passphrase is read from the terminal of the session
        assert isinstance(sys.stdout, io.TextIOWrapper)
        sys.stdout.reconfigure(line_buffering=os.isatty(1))
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        os.umask(request["umask"])
        code = _run(request["arguments"])
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001  # as the interpreter would end
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = 120  # as the interpreter would
        os._exit(code if isinstance(code, int) else int(code is not None))


def _run(arguments: list[str]) -> int:
    if arguments[0] == "--as":
        sys.executable = arguments[1]
        arguments = arguments[2:]
    if arguments[:2] == ["-W", "error"]:
        warnings.simplefilter("error")
        arguments = arguments[2:]
    option, module, *rest = arguments
    assert option == "-m"
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.argv[:] = [module, *rest]
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _main() -> None:
    os.setsid()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(64)
        for module in ALWAYS:
            importlib.import_module(module)
        Path("/dev/stdout").write_bytes(b"ready\n")
        Forks(listening).serve()


if __name__ == "__main__":
    _main()
