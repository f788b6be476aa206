"""A throwaway MariaDB: found, bootstrapped and started without installing or registering a service."""

import os
import secrets
import socket
from pathlib import Path

from tests.servers.mysql import find_mysql, start_mysql
from tests.servers.process import (
    Account,
    Server,
    account,
    library_env,
    server_root,
    start_as_mariadb,
    write_certificates,
)

_UNPACKED = Path(__file__).parents[2] / ".servers" / "root"
_SYSTEM_TABLES = ("system_tables", "performance_tables", "system_tables_data")
_GREETING = 5  # bytes: the header of the first packet; an open port is not yet a server that answers
_SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "server-id": "1",
    "binlog-format": "ROW",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    "gtid-strict-mode": "1",
    "character-set-server": "utf8mb4",
    "performance-schema": "OFF",
    "max-connections": "100",
}


def find_mariadb() -> Path | None:
    """Return the directory above usr/ of the MariaDB to use: what was named, then the installed one, unpacked."""
    found = [Path(named)] if (named := os.environ.get("SYN_MARIADB_PREFIX")) else []
    found += [Path("/"), _UNPACKED]
    return next((prefix for prefix in found if (prefix / "usr/sbin/mariadbd").exists()), None)


def start_mariadb(prefix: Path | None = None, *, tls: bool = True, **settings: str) -> Server:
    """Start a new MariaDB, or what is to stand in its place; settings are mariadbd's options with underscores."""
    if prefix is None and (proper := find_mysql()) is not None:
        return start_mysql(proper, ready=greets, tls=tls, **settings)
    prefix = prefix or find_mariadb()
    if prefix is None:
        raise FileNotFoundError("no MariaDB server binary: run scripts/servers.sh, or set SYN_MARIADB_PREFIX")
    owner = account("mysql")
    with server_root("syn-my-", owner) as root:
        env = library_env(prefix)
        base = _base(prefix, root)
        version = owner.run([base[0], "--version"], cwd=root, env=env).stdout.decode().split("Ver ")[-1].split()[0]
        password = secrets.token_hex(12)
        _bootstrap(base, prefix, root, owner=owner, env=env, password=password)
        if tls:
            write_certificates(root, owner)
        command = [*base, *_options(root, tls=tls, settings=settings)]
        return start_as_mariadb(
            command, root=root, owner=owner, version=version, tls=tls, password=password, ready=greets, env=env
        )


def _base(prefix: Path, root: Path) -> list[str]:
    share = prefix / "usr/share/mysql"
    return [
        str(prefix / "usr/sbin/mariadbd"),
        "--no-defaults",
        f"--datadir={root}/data",
        f"--tmpdir={root}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share}/charsets",
        f"--plugin-dir={prefix}/usr/lib/mysql/plugin",
        "--innodb-log-file-size=16M",
        "--innodb-buffer-pool-size=64M",
        # 2, not 0: a commit reaches the operating system, so that it survives the kill -9 of a chaos test.
        "--innodb-flush-log-at-trx-commit=2",
        "--sync-binlog=0",
    ]


def _bootstrap(
    base: list[str], prefix: Path, root: Path, *, owner: Account, env: dict[str, str], password: str
) -> None:
    """Make the system tables, which is what mariadb-install-db does in five times the time."""
    for folder in (root / "data", root / "data/mysql"):
        folder.mkdir()
        owner.own(folder)
    share = prefix / "usr/share/mysql"
    script = b"create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n"
    for stem in _SYSTEM_TABLES:
        named = share / f"mariadb_{stem}.sql"
        script += (named if named.exists() else share / f"mysql_{stem}.sql").read_bytes() + b"\n"
    script += b"flush privileges;\ndrop user if exists ''@'localhost';\n"
    for host in ("localhost", "127.0.0.1"):
        script += f"create or replace user root@'{host}' identified by '{password}';\n".encode()
        script += f"grant all privileges on *.* to root@'{host}' with grant option;\n".encode()
    done = owner.run([*base, "--bootstrap"], cwd=root, env=env, stdin=script)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])


def _options(root: Path, *, tls: bool, settings: dict[str, str]) -> list[str]:
    merged = {**_SETTINGS, "socket": f"{root}/s.sock", "log-bin": f"{root}/data/binlog"}
    if tls:
        merged |= {"ssl-ca": f"{root}/ca.pem", "ssl-cert": f"{root}/server.pem", "ssl-key": f"{root}/server.key"}
    merged |= {name.replace("_", "-"): value for name, value in settings.items()}
    options = [f"--{name}={value}" for name, value in merged.items()]
    return options if tls else [*options, "--skip-ssl"]


def greets(_pid: int, port: int) -> bool:
    """Tell whether the server on this port says its first word."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            return len(connection.recv(_GREETING)) == _GREETING
    except OSError:
        return False
