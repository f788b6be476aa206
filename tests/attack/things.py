"""A table with a column of every type that a filter may compare, under the collations that fold and pad the most."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.databases import Database, Engine, execute
from tests.engines import inserted

COLUMNS = ("id", "tenant_id", "owner", "word", "label", "amount", "num", "flag", "day", "at", "moment", "ref")
_READ = f"{', '.join(COLUMNS)}, version"
MAKE: dict[Engine, str] = {
    "postgres": f"""
CREATE COLLATION billing.folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE TYPE billing.thing_label AS ENUM ('open', 'overdue', 'Alpha', 'late fee');
CREATE TABLE billing.things (
  id text PRIMARY KEY, tenant_id text NOT NULL, owner text NOT NULL, word text COLLATE billing.folding, label billing.thing_label,
  amount numeric(12,2), num smallint, flag boolean, day date, at timestamp, moment timestamptz, ref uuid,
  secret text NOT NULL DEFAULT 'CANARY-denied', version bigint NOT NULL DEFAULT 1, updated_at timestamptz);
CREATE TRIGGER things_version BEFORE UPDATE ON billing.things FOR EACH ROW EXECUTE FUNCTION billing.bump_version();
GRANT SELECT ({_READ}) ON billing.things TO synapsor_reader, synapsor_writer;
GRANT UPDATE (word) ON billing.things TO synapsor_writer;
""",
    "mariadb": f"""
CREATE TABLE things (
  id varchar(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, tenant_id varchar(64) NOT NULL,
  owner varchar(64) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL, word varchar(200),
  label enum('open', 'overdue', 'Alpha', 'late fee') CHARACTER SET latin1 COLLATE latin1_german1_ci, amount decimal(12,2), num smallint,
  flag boolean, day date, at datetime(6), moment timestamp(6) NULL, ref uuid,
  secret varchar(64) NOT NULL DEFAULT 'CANARY-denied', version bigint NOT NULL DEFAULT 1, updated_at timestamp(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TRIGGER things_version BEFORE UPDATE ON things
  FOR EACH ROW SET NEW.version = OLD.version + 1, NEW.updated_at = CURRENT_TIMESTAMP(6);
GRANT SELECT ({_READ}) ON things TO synapsor_reader@'127.0.0.1';
GRANT SELECT ({_READ}), UPDATE (word) ON things TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE things (
  id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, owner TEXT NOT NULL, word TEXT COLLATE NOCASE, label TEXT,
  amount TEXT, num INTEGER, flag INTEGER, day TEXT, at TEXT, moment TEXT, ref TEXT,
  secret TEXT NOT NULL DEFAULT 'CANARY-denied', version INTEGER NOT NULL DEFAULT 1, updated_at TEXT) STRICT;
CREATE TRIGGER things_version AFTER UPDATE ON things WHEN NEW.version = OLD.version
BEGIN UPDATE things SET version = OLD.version + 1 WHERE id = NEW.id; END;
""",
}
_DROP = {
    "postgres": "DROP TABLE IF EXISTS billing.things; DROP TYPE IF EXISTS billing.thing_label; DROP COLLATION IF EXISTS billing.folding;",
    "mariadb": "DROP TABLE IF EXISTS things;",
    "sqlite": "DROP TABLE IF EXISTS things;",
}
TABLE = """\
  things:
    source: shop
    relation: billing.things
    key: id
    tenant: tenant_id
    version: version
    columns:
      id: text
      tenant_id: text
      owner: text
      word: text
      label: text
      amount: {type: numeric, scale: 2}
      num: integer
      flag: boolean
      day: date
      at: timestamp
      moment: timestamptz
      ref: uuid
      version: integer
      secret: denied
"""
HEAD = """\
synapsor: 1
contract: things
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
"""


def name_of(database: Database) -> str:
    """Return the table's name for the test's own statements."""
    return "billing.things" if database.engine == "postgres" else "things"


def thing(key: str, **values: Any) -> dict[str, Any]:
    """Return a row; what is not given has no value."""
    known = {"id": key, "tenant_id": "acme", "owner": "ann"}
    return {name: values.get(name, known.get(name)) for name in COLUMNS}


@contextmanager
def things(database: Database, rows: list[dict[str, Any]]) -> Iterator[None]:
    """Let the table be there for a while, with these rows."""
    drop = _DROP[database.engine]
    execute(database, drop + MAKE[database.engine] + inserted(database.engine, name_of(database), rows))
    try:
        yield
    finally:
        execute(database, drop)
