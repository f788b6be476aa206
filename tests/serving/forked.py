"""Commands in processes of their own that need not import anything: a process that has, forks itself for each.

For commands that take signals and of which a test runs many; a command by itself is started as a person starts it elsewhere.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

# What the commands import when they are run; a fork of a process that has imported it finds it there.
import synapsor.cli.decide
import synapsor.cli.login
import synapsor.cli.undo
import synapsor.ledger
import synapsor.sources.mysql
import synapsor.sources.postgres
import synapsor.sources.sqlite  # noqa: F401  # as above
from synapsor.cli.main import main
from tests.projects import ROOT, ProjectFiles


def run_forked(files: ProjectFiles, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the project in a fork, and return what it said."""
    parent = _parent()
    assert parent.stdin is not None
    assert parent.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / name for name in ("out", "err")]
        request = {
            "arguments": ["--config", str(files.config_path), *arguments],
            "environment": files.environment,
            "folder": str(files.root),
            "said": [str(path) for path in said],
        }
        parent.stdin.write(json.dumps(request) + "\n")
        parent.stdin.flush()
        code = int(parent.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in said)
    return subprocess.CompletedProcess(arguments, code, out, err)


@functools.cache
def _parent() -> "subprocess.Popen[str]":
    """Return the process that forks, which ends with this one."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.forked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}"},
        cwd=ROOT,
        text=True,
    )
    atexit.register(started.communicate)
    return started


def _serve() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _command(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _command(request: dict[str, Any]) -> None:
    """Be the command: its environment, its folder, nothing to read, and its output in files."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for handle, path in enumerate(request["said"], start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), handle)
    code = 1
    try:
        code = main(request["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  # as the interpreter would end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
