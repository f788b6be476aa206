"""A throwaway Postgres: found, initialised and started without installing or registering a service."""

import secrets
import signal
import subprocess
from pathlib import Path

from tests.servers.process import (
    Account,
    Server,
    account,
    free_port,
    library_env,
    server_root,
    start_on_free_port,
    write_certificates,
)

_ROOT = Path(__file__).parents[2]
_SCRIPT = _ROOT / "scripts" / "servers.sh"
_UNPACKED = _ROOT / ".servers" / "root"
_READY_LINE = 7  # of postmaster.pid: an open port is not yet a server that answers
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",  # off would hide fresh changes from logical decoding
    "jit": "off",
}


def find_postgres() -> Path | None:
    """Return the bin directory of the Postgres to use, as the script that puts it in place finds it."""
    asked = subprocess.run(["sh", str(_SCRIPT), "where"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(found) if (found := asked.stdout.strip()) else None


def start_postgres(bins: Path | None = None, *, tls: bool = True, **settings: str) -> Server:
    """Start a new Postgres; settings are those of postgresql.conf."""
    bins = bins or find_postgres()
    if bins is None:
        raise FileNotFoundError("no Postgres server binaries: run scripts/servers.sh, or set SYN_PG_BIN")
    owner = account("postgres")
    with server_root("syn-pg-", owner) as root:
        env = library_env(_UNPACKED if bins.is_relative_to(_UNPACKED) else Path("/"))
        password = secrets.token_hex(12)
        version = owner.run([str(bins / "postgres"), "--version"], cwd=root, env=env).stdout.decode().split()[2]
        _initialise(bins, root, owner=owner, env=env, password=password)
        if tls:
            write_certificates(root, owner)
        arguments = _arguments(root, tls=tls, settings=settings)
        server = Server(
            engine="postgres",
            version=version,
            root=root,
            owner=owner,
            port=free_port(),
            tls=tls,
            admin_user="postgres",
            admin_password=password,
            command=lambda port: [str(bins / "postgres"), "-D", str(root / "data"), "-p", str(port), *arguments],
            ready=lambda pid, _port: _ready(root / "data" / "postmaster.pid", pid),
            stop_signals={"fast": signal.SIGINT, "immediate": signal.SIGQUIT},
            env=env,
        )
        return start_on_free_port(server)


def _initialise(bins: Path, root: Path, *, owner: Account, env: dict[str, str], password: str) -> None:
    secret = root / "pw"
    secret.write_text(f"{password}\n", encoding="utf-8")
    owner.own(secret)
    command = [str(bins / "initdb"), "-D", str(root / "data"), "-U", "postgres", "-A", "scram-sha-256"]
    command += ["--pwfile", str(secret), "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    done = owner.run(command, cwd=root, env=env)
    secret.unlink()
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))


def _arguments(root: Path, *, tls: bool, settings: dict[str, str]) -> list[str]:
    merged = {**_SETTINGS, "unix_socket_directories": str(root), "ssl": "off"}
    if tls:
        merged |= {"ssl": "on", "ssl_cert_file": f"{root}/server.pem", "ssl_key_file": f"{root}/server.key"}
    merged |= settings
    return [part for name, value in merged.items() for part in ("-c", f"{name}={value}")]


def _ready(pid_file: Path, pid: int) -> bool:
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        # The file of a killed server still says ready, with another process's id.
        return lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"
    except (OSError, IndexError):
        return False
