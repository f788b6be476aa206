"""A table of the attacks' own: an integer key, narrow columns, and every rule that a database can refuse a change by."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Database, execute

POLICY = """\
synapsor: 1
contract: odd
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  odd:
    source: shop
    relation: billing.odd
    key: id
    tenant: tenant_id
    version: version
    moves: [updated_at]
    columns:
      id: integer
      tenant_id: text
      note: text
      word: text
      thin: text
      due: date
      amount: {type: numeric, scale: 2}
      parent: text
      version: integer
      updated_at: timestamptz
      secret: denied
  invoices:
    source: shop
    relation: billing.invoice_review
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text, customer: text, note: text}
capabilities:
  odd.inspect:
    description: Look at one odd row by its number.
    read: odd
    arguments: {number: {type: integer}}
    where: {id: $number}
    returns: [id, note, word, amount]
    limits: {bytes: 2048}
  odd.list:
    description: List all odd rows of this shop.
    read: odd
    order: [id]
    returns: [id, note]
    limits: {rows: 10, bytes: 2048}
  odd.other:
    description: Look at one invoice, which is another relation.
    read: invoices
    arguments: {invoice_id: {type: string, max_length: 64}}
    where: {id: $invoice_id}
"""
_PROPOSAL = """\
  odd.propose_{column}:
    description: Ask for one column of one odd row to be replaced.
    propose: update odd
    arguments: {{number: {{type: integer}}, value: {{type: string, max_length: 1000}}}}
    where: {{id: $number}}
    set: {{{column}: $value}}
    returns: [id]
    approval: {{role: billing_lead}}
"""
COLUMNS = ("note", "word", "thin", "due", "amount", "parent")
POLICY += "".join(_PROPOSAL.format(column=column) for column in COLUMNS)

_ROWS = """\
INSERT INTO {odd} (id, tenant_id, note, word, thin, due, amount, parent, secret) VALUES
  (1, 'acme', 'one', 'w', 't', '2026-01-31', '10.10', NULL, 'CANARY-odd 1'),
  (2, 'acme', 'two', 'w', 't', '2026-01-31', '10.10', NULL, 'CANARY-odd 2'),
  (10, 'acme', 'ten', 'w', 't', '2026-01-31', '10.10', NULL, 'CANARY-odd 10'),
  (9, 'globex', 'CANARY-globex odd', 'CANAR', 'CANARY', '2026-01-31', '10.10', NULL, 'CANARY-odd 9');
"""
_READ = "id, tenant_id, note, word, thin, due, amount, parent, version, updated_at"
_MAKE = {
    "postgres": f"""
CREATE TABLE billing.parents (id text PRIMARY KEY);
CREATE TABLE billing.odd (
  id bigint PRIMARY KEY, tenant_id text NOT NULL, note text UNIQUE CHECK (note <> 'forbidden'), word varchar(5), thin text,
  due date, amount numeric(12,2), parent text REFERENCES billing.parents (id) DEFERRABLE INITIALLY DEFERRED,
  secret text NOT NULL, version bigint NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER odd_version BEFORE UPDATE ON billing.odd FOR EACH ROW EXECUTE FUNCTION billing.bump_version();
GRANT SELECT ({_READ}) ON billing.odd TO synapsor_reader, synapsor_writer;
GRANT UPDATE (note, word, thin, due, amount, parent) ON billing.odd TO synapsor_writer;
""",
    "mariadb": f"""
CREATE TABLE parents (id varchar(64) PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE odd (
  id bigint PRIMARY KEY, tenant_id varchar(64) NOT NULL, note varchar(2000) CHECK (note <> 'forbidden'), word varchar(5),
  thin varchar(20) CHARACTER SET utf8mb3, due date, amount decimal(12,2), parent varchar(64), secret varchar(64) NOT NULL,
  version bigint NOT NULL DEFAULT 1, updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  UNIQUE KEY odd_note (note(500)), FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER odd_version BEFORE UPDATE ON odd
  FOR EACH ROW SET NEW.version = OLD.version + 1, NEW.updated_at = CURRENT_TIMESTAMP(6);
GRANT SELECT ({_READ}) ON odd TO synapsor_reader@'127.0.0.1';
GRANT SELECT ({_READ}), UPDATE (note, word, thin, due, amount, parent) ON odd TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE parents (id TEXT PRIMARY KEY NOT NULL) STRICT;
CREATE TABLE odd (
  id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, note TEXT UNIQUE CHECK (note <> 'forbidden'), word TEXT CHECK (length(word) <= 5),
  thin TEXT, due TEXT, amount TEXT, parent TEXT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED,
  secret TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1,
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now'))) STRICT;
CREATE TRIGGER odd_version AFTER UPDATE ON odd WHEN NEW.version = OLD.version
BEGIN
  UPDATE odd SET version = OLD.version + 1, updated_at = strftime('%Y-%m-%d %H:%M:%f000', 'now') WHERE id = NEW.id;
END;
""",
}


@contextmanager
def odd_table(database: Database) -> Iterator[None]:
    """Let the table be there for a while."""
    prefix = "billing." if database.engine == "postgres" else ""
    drop = f"DROP TABLE IF EXISTS {prefix}odd; DROP TABLE IF EXISTS {prefix}parents;"
    execute(database, drop + _MAKE[database.engine] + _ROWS.format(odd=f"{prefix}odd"))
    try:
        yield
    finally:
        execute(database, drop)
