"""A throwaway MySQL proper in MariaDB's place, where SYN_MYSQL_PREFIX names the directory above its usr/: Debian's stable has none.

Every test that asks for MariaDB then runs on it. It is run by hand; what the two servers do differently is told in the docs.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.servers.process import (
    Account,
    Server,
    account,
    server_root,
    start_as_mariadb,
    write_certificates,
)

_SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "server-id": "1",
    "mysqlx": "OFF",
    "secure-file-priv": "NULL",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    "performance-schema": "OFF",
    "max-connections": "100",
    "innodb-redo-log-capacity": "16M",
    "innodb-buffer-pool-size": "64M",
    # As for MariaDB: a commit reaches the operating system.
    "innodb-flush-log-at-trx-commit": "2",
    "sync-binlog": "0",
}
_DIALECT = (
    (re.compile(r"utf8mb4_nopad_bin"), "utf8mb4_0900_bin"),
    (re.compile(r"\b(\w+) +uuid(?= NULL| NOT NULL|,|\)| PRIMARY)"), r"\1 char(36)"),
    (
        re.compile(r"CREATE OR REPLACE (USER|ROLE|TABLE|PROCEDURE|FUNCTION|TRIGGER) (\w+@\S+|[\w.]+)"),
        r"DROP \1 IF EXISTS \2; CREATE \1 \2",
    ),
)


def as_mysql(script: str) -> str:
    """Return a script of the fixtures with what only MariaDB has a word for said in MySQL's."""
    for theirs, ours in _DIALECT:
        script = theirs.sub(ours, script)
    return script


_TO_SEE_DELETES = re.compile(r"GRANT PROCESS ON \*\.\* TO ([^;\s]+)")


def beside(script: str, tables: Callable[[], Iterable[str]]) -> Iterator[str]:
    """Yield what a script has to be followed by: what a delete sets off, MySQL shows to nobody without TRIGGER on the table."""
    for account_ in _TO_SEE_DELETES.findall(script):
        yield from (f"GRANT TRIGGER ON {name} TO {account_}" for name in tables() if name != "synapsor_receipts")


def find_mysql() -> Path | None:
    """Return the directory above usr/ of the MySQL that was named."""
    named = os.environ.get("SYN_MYSQL_PREFIX")
    return Path(named) if named else None


def start_mysql(prefix: Path, *, ready: Callable[[int, int], bool], tls: bool = True, **settings: str) -> Server:
    """Start a new MySQL; settings are mysqld's options with underscores."""
    owner = account("mysql")
    with server_root("syn-my-", owner) as root:
        base = [*_binary(prefix), "--no-defaults", f"--datadir={root}/data", f"--tmpdir={root}"]
        base += [f"--lc-messages-dir={prefix}/usr/share/mysql", f"--plugin-dir={prefix}/usr/lib/mysql/plugin"]
        base += [f"--character-sets-dir={prefix}/usr/share/mysql/charsets"]
        env = dict(os.environ)
        version = owner.run([*base[:-5], "--version"], cwd=root, env=env).stdout.decode().split("Ver ")[-1].split()[0]
        password = secrets.token_hex(12)
        script = "".join(_administrator(host, password) for host in ("localhost", "127.0.0.1"))
        (root / "init.sql").write_text(script, encoding="utf-8")
        owner.own(root / "init.sql")
        _initialize(base, root, owner, env)
        if tls:
            write_certificates(root, owner)
        command = [*base, *_options(root, tls=tls, settings=settings)]
        return start_as_mariadb(
            command, root=root, owner=owner, version=version, tls=tls, password=password, ready=ready, env=env
        )


def _initialize(base: list[str], root: Path, owner: Account, env: dict[str, str]) -> None:
    made = owner.run([*base, "--initialize-insecure", f"--init-file={root}/init.sql"], cwd=root, env=env)
    if made.returncode:
        raise RuntimeError(made.stderr.decode(errors="replace")[-2000:])


def _binary(prefix: Path) -> list[str]:
    """Return how its binary is started: by the loader beside it, for it may be of a newer system than this one."""
    mysqld = prefix / "usr/sbin/mysqld"
    if not mysqld.exists():
        raise FileNotFoundError(f"SYN_MYSQL_PREFIX names {prefix}, and there is no usr/sbin/mysqld")
    if prefix == Path("/"):
        return [str(mysqld)]
    libraries = next(prefix.glob("usr/lib/*-linux-gnu"))
    return [str(next(libraries.glob("ld-linux*"))), "--library-path", str(libraries), str(mysqld)]


def _administrator(host: str, password: str) -> str:
    made = f"create user if not exists root@'{host}';\nalter user root@'{host}' identified by '{password}';\n"
    return f"{made}grant all privileges on *.* to root@'{host}' with grant option;\n"


def _options(root: Path, *, tls: bool, settings: dict[str, str]) -> list[str]:
    merged = {**_SETTINGS, "socket": f"{root}/s.sock", "log-bin": f"{root}/data/binlog"}
    files = {"ssl-ca": f"{root}/ca.pem", "ssl-cert": f"{root}/server.pem", "ssl-key": f"{root}/server.key"}
    merged |= files if tls else {"tls-version": ""}
    merged |= {name.replace("_", "-"): value for name, value in settings.items()}
    return [f"--{name}={value}" for name, value in merged.items()]
