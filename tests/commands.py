"""Commands as tests run them: in this process with what they left, or at a terminal of their own."""

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from synapsor.cli.main import main
from tests.projects import ProjectFiles
from tests.serving.forked import forked

NOT_TO_LOOK = ("mcp", "sqlglot", "asyncpg", "aiomysql", "uvicorn")

Run = Callable[..., "Done"]


class Done:
    """What a command left: exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        document: dict[str, Any] = json.loads(lines[0])
        assert document["schema"].startswith("synapsor.")
        return document


def commands(capsys: pytest.CaptureFixture[str], files: ProjectFiles | None = None) -> Run:
    """Return what runs a command, in a project where one is named."""
    where = ("--config", str(files.config_path)) if files is not None else ()

    def command(*arguments: str) -> Done:
        capsys.readouterr()
        code = main([*where, *arguments])
        return Done(code, *capsys.readouterr())

    return command


def activated(run: Run, files: ProjectFiles) -> Run:
    """Activate a project's contracts, and return what ran that."""
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    return run


def key(files: ProjectFiles, name: str) -> tuple[str, ...]:
    """Return the options by which somebody of a project signs."""
    return "--operator", name, "--key", str(files.root / "keys" / f"{name}.pem")


def propose(run: Run, invoice: str = "INV-3001", reason: str = "Paid next day.") -> dict[str, Any]:
    """Return a proposal that waits, as the agent is told of it."""
    done = run(
        "--json",
        "call",
        "billing.propose_late_fee_waiver",
        "--arg",
        f"invoice_id={invoice}",
        "--arg",
        f"reason={reason}",
    )
    assert done.code == 0, done.out + done.err
    proposal: dict[str, Any] = done.json["proposal"]
    return proposal


def imported_of(names: tuple[str, ...], arguments: list[str]) -> list[str]:
    """Return which of these modules a command has imported."""
    script = f"""
import json, sys
from synapsor.cli.main import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code
print(json.dumps(sorted(set({names!r}) & set(sys.modules))))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def at_terminal(command: list[str], env: dict[str, str], *answers: str, real: bool = False) -> tuple[int, str]:
    """Run a command with a terminal of its own, answer each question as it comes, and return how it ended; `real` is not a fork."""
    terminal, end = pty.openpty()
    started = [sys.executable, "-c", TAKE_TERMINAL, *command] if real else forked(command)
    with subprocess.Popen(started, stdin=end, stdout=end, stderr=end, env=env, start_new_session=True) as process:
        os.close(end)
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        shown, answered, waiting = "", 0, list(answers)
        while data := _read(terminal):
            shown += data
            # Only what came after the last answer is the next question.
            if waiting and shown[answered:].rstrip().endswith(":"):
                answered = len(shown)
                os.write(terminal, waiting.pop(0).encode() + b"\n")
        code = process.wait()
        watchdog.cancel()
        os.close(terminal)
    return code, shown


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65_536).decode(errors="replace")
    except OSError:  # the other end is gone
        return ""
