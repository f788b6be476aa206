"""The scripts by which a source's owner makes the two credentials: safe roles, and exactly the grants that contracts need.

A script names no password and takes nothing from another role; it may be run again after a contract changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from synapsor.core.grants import Grant, Right
from synapsor.sql import trees
from synapsor.sql.receipts import checked_host
from synapsor.sql.statement import Dialect

Who = Literal["reader", "writer"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom a script is for.

    Attributes:
        host: where it connects from, which is a part of its name on MySQL.
        connections: how many it may have at a time.
    """

    who: Who
    role: str
    connections: int
    host: str = "%"


def grant_text(grant: Grant, account: Account, dialect: Dialect) -> str:
    """Return one grant as a statement; every name is quoted by the tree.

    Raises:
        ValueUnfit: a name is not plain.
    """
    columns = [exp.Column(this=trees.identifier(name)) for name in grant.columns]
    tree = exp.Grant(
        privileges=[exp.GrantPrivilege(this=exp.var(grant.right.value), expressions=columns)],
        securable=trees.table(grant.relation, alias=None),
        principals=[exp.GrantPrincipal(this=exp.var(_principal(account, dialect)))],
    )
    return trees.text_of(tree, dialect)


def grants_script(grants: Iterable[Grant], account: Account, dialect: Dialect) -> str:
    """Return the script for one credential.

    Raises:
        ValueUnfit: the role's or the host's name is not plain.
    """
    given = tuple(grants)
    if dialect == "sqlite":
        return _FILES[account.who]
    lines = _postgres(given, account) if dialect == "postgres" else _mysql(given, account)
    return "\n".join(lines) + "\n"


def _principal(account: Account, dialect: Dialect) -> str:
    role = trees.text_of(trees.identifier(account.role), dialect)
    return role if dialect == "postgres" else f"{role}@'{checked_host(account.host)}'"


def _postgres(grants: tuple[Grant, ...], account: Account) -> Iterator[str]:
    role = _principal(account, "postgres")
    schemas = sorted({grant.relation.schema for grant in grants})
    named = [trees.text_of(trees.identifier(schema), "postgres") for schema in schemas]
    # A name in a script's text would be read once more by format(); a plain one is the same in both.
    words = {"role": role, "name": account.role, "connections": account.connections}
    yield from _POSTGRES_ROLE.format(**words).splitlines()
    if account.who == "reader":
        yield f"ALTER ROLE {role} SET default_transaction_read_only = on;"
    yield from _POSTGRES_PUBLIC.format(**words).splitlines()
    yield from (f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC;" for schema in named)
    yield ""
    yield from (f"GRANT USAGE ON SCHEMA {schema} TO {role};" for schema in named)
    yield from _each(grants, account, "postgres")


def _mysql(grants: tuple[Grant, ...], account: Account) -> Iterator[str]:
    name = _principal(account, "mysql")
    tls = "NONE" if account.host in _LOOPBACK else "SSL"
    yield from _MYSQL_USER.format(name=name, tls=tls, connections=account.connections).splitlines()
    yield ""
    yield from _each(grants, account, "mysql")
    if any(grant.right is Right.DELETE for grant in grants):
        yield "-- Shows which foreign keys a delete would reach, whoever they belong to; MySQL 8 shows triggers with TRIGGER alone."
        yield f"GRANT PROCESS ON *.* TO {name};"


def _each(grants: tuple[Grant, ...], account: Account, dialect: Dialect) -> Iterator[str]:
    for grant in grants:
        if grant.why:
            yield f"-- {grant.why[0].upper()}{grant.why[1:]}."
        yield f"{grant_text(grant, account, dialect)};"


_POSTGRES_ROLE = """\
-- Run in the source's database, as a role that may create roles and owns what is granted.
-- It gets no password here: set one with \\password {name} in psql. Let pg_hba.conf take it over hostssl alone.
DO $$ BEGIN
  CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
ALTER ROLE {role} NOINHERIT CONNECTION LIMIT {connections};"""

_POSTGRES_PUBLIC = """\
-- What PUBLIC may do, this role may. If your application makes temporary tables, grant its own role TEMPORARY by name.
DO $$ BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), '{name}');
  IF to_regnamespace('public') IS NOT NULL THEN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  END IF;
END $$;"""

_MYSQL_USER = """\
-- Run as an administrator who may create users and give what is granted.
-- It is locked until it has a password: ALTER USER {name} IDENTIFIED BY '...' ACCOUNT UNLOCK;
CREATE USER IF NOT EXISTS {name} ACCOUNT LOCK;
ALTER USER {name} REQUIRE {tls} WITH MAX_USER_CONNECTIONS {connections};"""

_FILES: dict[Who, str] = {
    "reader": """\
-- SQLite has no grants: whoever may open the file may do what the file's mode lets them. Run the readers as another user than the
-- worker, in a group of both:
--   chown WORKER:GROUP FILE && chmod 640 FILE && chmod 750 DIRECTORY
-- In WAL mode a reader that comes first could not make FILE-wal and FILE-shm, so keep to: PRAGMA journal_mode = DELETE;
""",
    "writer": """\
-- SQLite has no grants: the worker's user has to own the file and its directory, where SQLite keeps its journal.
--   chown WORKER:GROUP FILE DIRECTORY && chmod 640 FILE && chmod 750 DIRECTORY
""",
}
