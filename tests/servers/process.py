"""One database server as a child process: an account to run as, a directory, a certificate, start, stop, crash and pause."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import trustme

StopMode = Literal["fast", "immediate"]

_LAUNCH = Path(__file__).with_name("launch.py")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
# The kernel's parent-death signal follows the *thread* that forked. One thread that lives as long as the process starts every
# server, so that a restart asked for by a worker thread outlives that thread.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a server runs as; as root always somebody else, because Postgres refuses root."""

    uid: int
    gid: int
    drops: bool

    def own(self, *paths: Path) -> None:
        """Give the files to the account."""
        if self.drops:
            for path in paths:
                os.chown(path, self.uid, self.gid)

    def run(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end as the account."""
        if not self.drops:
            return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=env, check=False)
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env=env,
            check=False,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
        )


def account(*names: str) -> Account:
    """Return the first of the accounts that exists, or the current one when not root."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), drops=False)
    for name in (*names, "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(uid=found.pw_uid, gid=found.pw_gid, drops=True)
    raise RuntimeError("running as root, and there is no unprivileged account to run a server as")


@contextlib.contextmanager
def server_root(prefix: str, owner: Account) -> Iterator[Path]:
    """Yield a new 0700 directory with a short path: a unix socket's path may have 107 characters. It goes where no server starts in it."""
    root = Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("SYN_TEST_TMP")))
    try:
        owner.own(root)
        yield root
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise


def write_certificates(root: Path, owner: Account) -> None:
    """Write ca.pem, server.pem and server.key of a throwaway authority."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(root / "ca.pem"))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(root / "server.pem"))
    leaf.private_key_pem.write_to_path(str(root / "server.key"))
    (root / "server.key").chmod(0o600)
    owner.own(root / "ca.pem", root / "server.pem", root / "server.key")


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def library_env(root: Path) -> dict[str, str]:
    """Return the environment for binaries unpacked under a root; installed ones need nothing."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if root != Path("/"):
        folders = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
        env["LD_LIBRARY_PATH"] = ":".join(str(folder) for folder in folders)
    return env


class ServerDown(RuntimeError):
    """The server ended, or did not become ready in time; the message holds the end of its log."""


@dataclass(slots=True, kw_only=True, eq=False)
class Server:
    """A running database server of this test run, on a loopback port, with its own data directory."""

    engine: Literal["postgres", "mariadb"]
    version: str
    root: Path
    owner: Account
    port: int
    tls: bool
    admin_user: str
    admin_password: str
    command: Callable[[int], list[str]]
    """The command line for a port."""
    ready: Callable[[int, int], bool]
    """Whether the server with this process id and port answers."""
    stop_signals: Mapping[StopMode, signal.Signals]
    env: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def ca(self) -> Path | None:
        """The authority's certificate, or None where the server speaks no TLS."""
        return self.root / "ca.pem" if self.tls else None

    @property
    def pid(self) -> int:
        """The main process."""
        if self._process is None:
            raise ServerDown(f"{self.engine} is not running")
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the main process is alive."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return what the server has logged."""
        path = self.root / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start on the data directory and the port this server has; return when it answers."""
        if self.is_running():
            return
        self._process = _starter.submit(self._spawn).result()
        deadline = time.monotonic() + _START_SECONDS
        while not self.ready(self.pid, self.port):
            if not self.is_running():
                raise ServerDown(f"{self.engine} ended while starting: {self.log()[-2000:]}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerDown(f"{self.engine} did not become ready: {self.log()[-2000:]}")
            time.sleep(0.02)

    def stop(self, mode: StopMode = "fast") -> None:
        """End the server and keep its data: fast ends sessions and shuts down in order, immediate is a crash."""
        if self._process is None:
            return
        if self.is_running():
            self.resume()
            self._process.send_signal(self.stop_signals[mode])
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def stop_immediate(self) -> None:
        """Crash the server as its own crash command does."""
        self.stop("immediate")

    def kill(self) -> None:
        """End every process of the server with SIGKILL, as the kernel does when memory runs out."""
        if self._process is None:
            return
        family = self._family()
        # The main process first: it would replace a child that died before it.
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # A child that still holds the shared memory would keep the next start from using the data.
        deadline = time.monotonic() + _STOP_SECONDS
        while any(map(_alive, family)) and time.monotonic() < deadline:
            time.sleep(0.01)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again on the same data and the same port."""
        self.stop(mode)
        self.start()

    def pause(self) -> None:
        """Freeze every process of the server: connections stay open and nothing answers."""
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Undo pause."""
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop for good and remove the data."""
        self.stop("fast")
        shutil.rmtree(self.root, ignore_errors=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        death = str(int(self.stop_signals["fast"]))
        who = (str(self.owner.uid), str(self.owner.gid)) if self.owner.drops else ("-1", "-1")
        command = [sys.executable, "-I", str(_LAUNCH), death, *who, *self.command(self.port)]
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.root, env=dict(self.env)
            )

    def _family(self) -> list[int]:
        """Return the main process and its children; Postgres puts each backend in a session of its own."""
        if self._process is None:
            return []
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return [self._process.pid, *(pid for pid in pids if _state_and_parent(pid)[1] == self._process.pid)]


def _state_and_parent(pid: int) -> tuple[str, int]:
    """Return the state letter and the parent of a process, or X and 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "X", 0
    # The name in parentheses may hold anything, so count from its end.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state, int(parent)


def _alive(pid: int) -> bool:
    return _state_and_parent(pid)[0] not in {"X", "Z"}


def start_on_free_port(server: Server, *, attempts: int = 5) -> Server:
    """Start the server, trying another port when somebody took the one it was given."""
    for attempt in range(1, attempts + 1):
        try:
            server.start()
        except ServerDown as down:
            taken = any(word in str(down) for word in ("could not bind", "Address already in use"))
            if attempt == attempts or not taken:
                raise
            server.port = free_port()
        else:
            return server
    raise AssertionError


def start_as_mariadb(
    command: Sequence[str],
    *,
    root: Path,
    owner: Account,
    version: str,
    tls: bool,
    password: str,
    ready: Callable[[int, int], bool],
    env: Mapping[str, str],
) -> Server:
    """Start a server that the tests ask for as MariaDB, on data that is there; `command` is without its port."""
    server = Server(
        engine="mariadb",
        version=version,
        root=root,
        owner=owner,
        port=free_port(),
        tls=tls,
        admin_user="root",
        admin_password=password,
        command=lambda port: [*command, f"--port={port}"],
        ready=ready,
        stop_signals={"fast": signal.SIGTERM, "immediate": signal.SIGKILL},
        env=env,
    )
    return start_on_free_port(server)
