"""Rows that refer to things: to one's own, to one of another tenant, to none; several to one thing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.attack.test_cursors import as_stored
from tests.attack.things import HEAD, TABLE, things
from tests.databases import Database, Engine, execute
from tests.engines import inserted

_MAKE: dict[Engine, str] = {
    "postgres": "CREATE TABLE billing.refs (id text PRIMARY KEY, tenant_id text NOT NULL, thing_id text REFERENCES billing.things (id),"
    " list_id text NOT NULL, pieces bigint); GRANT SELECT ON billing.refs TO synapsor_reader;",
    "mariadb": "CREATE TABLE refs (id varchar(64) PRIMARY KEY, tenant_id varchar(64) NOT NULL,"
    " thing_id varchar(64) CHARACTER SET ascii COLLATE ascii_bin, list_id varchar(64) NOT NULL, pieces bigint,"
    " FOREIGN KEY (thing_id) REFERENCES things (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;"
    " GRANT SELECT ON refs TO synapsor_reader@'127.0.0.1'; GRANT SHOW VIEW ON refs TO synapsor_reader@'127.0.0.1';",
    "sqlite": "CREATE TABLE refs (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, thing_id TEXT REFERENCES things (id),"
    " list_id TEXT NOT NULL, pieces INTEGER) STRICT;",
}
_LISTS = {
    "postgres": "CREATE TABLE billing.lists (id text PRIMARY KEY, tenant_id text NOT NULL); GRANT SELECT ON billing.lists TO synapsor_reader;",
    "mariadb": "CREATE TABLE lists (id varchar(64) PRIMARY KEY, tenant_id varchar(64) NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;"
    " GRANT SELECT ON lists TO synapsor_reader@'127.0.0.1';",
    "sqlite": "CREATE TABLE lists (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL) STRICT;",
}
CONTRACT = (
    HEAD
    + TABLE
    + """\
  mine:
    source: shop
    relation: billing.things
    key: id
    tenant: tenant_id
    principal: owner
    only: {num: {at_least: 0}}
    columns: {id: text, tenant_id: text, owner: text, num: integer, word: text}
  refs:
    source: shop
    relation: billing.refs
    key: id
    tenant: tenant_id
    links:
      thing: {to: things, on: {thing_id: id}}
      mine: {to: mine, on: {thing_id: id}}
    columns: {id: text, tenant_id: text, thing_id: text, list_id: text, pieces: integer}
  lists:
    source: shop
    relation: billing.lists
    key: id
    tenant: tenant_id
    links:
      refs: {to: refs, on: {id: list_id}, many: true}
    columns: {id: text, tenant_id: text}
capabilities:
"""
)
"""A contract whose capabilities are still to come."""


def refs() -> list[dict[str, Any]]:
    """Return the rows: of five, one refers to nothing and one to a thing of another tenant."""
    return [
        {
            "id": f"r{n:02}",
            "tenant_id": "acme",
            "thing_id": (None, f"g{n % 23:02}", *[f"a{n * 7 % 23:02}"] * 3)[n % 5],
            "list_id": "L-1",
            "pieces": n,
        }
        for n in range(40)
    ]


def name_of(database: Database, table: str) -> str:
    """Return a table's name for the test's own statements."""
    return f"billing.{table}" if database.engine == "postgres" else table


def _drop(database: Database) -> str:
    return "".join(f"DROP TABLE IF EXISTS {name_of(database, table)};" for table in ("refs", "lists"))


@contextmanager
def referring(database: Database) -> Iterator[None]:
    """Let the things and the rows that refer to them be there for a while."""
    engine = database.engine
    execute(database, _drop(database))
    with things(database, as_stored(database)):
        script = _MAKE[engine] + _LISTS[engine]
        script += inserted(engine, name_of(database, "lists"), [{"id": "L-1", "tenant_id": "acme"}])
        strangers = [{**row, "id": f"x{row['id']}", "tenant_id": "globex", "thing_id": "g00"} for row in refs()[:4]]
        execute(database, script + inserted(engine, name_of(database, "refs"), [*refs(), *strangers]))
        try:
            yield
        finally:
            execute(database, _drop(database))
