"""A table of credits whose changes can be undone, each in its own way, and a page of notes that counts its own version."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Database, execute

POLICY = """\
synapsor: 1
contract: credits
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  credits:
    source: shop
    relation: billing.credits
    key: [book, number]
    tenant: tenant_id
    version: row_version
    only: {hidden_at: null}
    columns:
      book: {type: text, max_length: 20}
      number: integer
      tenant_id: text
      state: {type: text, one_of: [open, held, closed]}
      amount: {type: numeric, scale: 2}
      points: integer
      note: {type: text, max_length: 200}
      hidden_at: timestamptz
      row_version: integer
      secret: denied
  notes:
    source: shop
    relation: billing.notes
    key: id
    tenant: tenant_id
    principal: owner
    version: whole_row
    columns: {id: text, tenant_id: text, owner: text, title: {type: text, max_length: 100}, phone: {show: last_four}, version: integer}
capabilities:
  credits.adjust:
    description: Ask for a credit to be made smaller.
    propose: update credits
    arguments: {book: {type: string, max_length: 20}, number: {type: integer}, less: {type: string, max_length: 12}, note: {type: string, max_length: 200}}
    where: {book: $book, number: $number}
    set: {amount: {subtract: $less}, points: {add: 1}, note: $note, state: held}
    transitions: {state: {open: [held]}}
    bounds: {points: {change: {at_least: 1}}}
    requires: {state: open}
    returns: [book, number, amount]
    approval: {role: billing_lead, policy: small}
    undo: reviewed
  credits.close_all:
    description: Ask for all open credits of a book to be closed.
    propose: update credits
    arguments: {book: {type: string, max_length: 20}}
    where: {book: $book, state: open}
    members: {at_most: 3, totals: {points: {before: {at_most: 100}}}}
    set: {state: closed, points: 0}
    returns: [book, number]
    approval: {role: billing_lead}
    undo: reviewed
  credits.hide:
    description: Ask for a credit to be marked as gone.
    propose: update credits
    arguments: {book: {type: string, max_length: 20}, number: {type: integer}}
    where: {book: $book, number: $number}
    set: {hidden_at: {from: now}}
    returns: [book, number]
    approval: {role: billing_lead}
    undo: reviewed
  credits.add:
    description: Ask for a credit to be added.
    propose: insert credits
    arguments: {book: {type: string, max_length: 20}, number: {type: integer}, amount: {type: string, max_length: 12}}
    set: {book: $book, number: $number, amount: $amount, state: open}
    dedup: [tenant_id, book, number]
    approval: {role: billing_lead}
    undo: reviewed
  credits.add_all:
    description: Ask for several credits to be added at once.
    propose: insert credits
    arguments:
      list: {type: items, many: 5, fields: {number: {type: integer}, amount: {type: string, max_length: 12}}}
    items: $list
    set: {book: many, number: $list.number, amount: $list.amount, state: open}
    dedup: [tenant_id, book, number]
    approval: {role: billing_lead}
    undo: reviewed
  credits.hold:
    description: Ask for a credit to be held, for good.
    propose: update credits
    arguments: {book: {type: string, max_length: 20}, number: {type: integer}}
    where: {book: $book, number: $number}
    set: {state: held}
    returns: [book, number]
    approval: {role: billing_lead}
  credits.note_freely:
    description: Ask for the same columns to be changed, decided on by others.
    propose: update credits
    arguments: {book: {type: string, max_length: 20}, number: {type: integer}, amount: {type: string, max_length: 12}, points: {type: integer}, note: {type: string, max_length: 200}}
    where: {book: $book, number: $number}
    set: {amount: $amount, points: $points, note: $note, state: held}
    returns: [book, number]
    approval: {role: contract_reviewer}
    undo: reviewed
  credits.drop:
    description: Ask for a credit to be removed.
    propose: delete credits
    arguments: {book: {type: string, max_length: 20}, number: {type: integer}}
    where: {book: $book, number: $number}
    returns: [book, number]
    approval: {role: billing_lead}
  notes.rename:
    description: Ask for a note of one's own to have another title.
    propose: update notes
    arguments: {note: {type: string, max_length: 20}, title: {type: string, max_length: 100}}
    where: {id: $note}
    set: {title: $title, version: {add: 1}}
    returns: [id, title]
    approval: {role: billing_lead}
    undo: reviewed
    advances: version
policies:
  small:
    when: {amount: {change: {at_least: -1, at_most: 1}}, points: {change: {at_most: 1}}}
    limits: {per_day: {count: 5}}
"""

_ROWS = """\
INSERT INTO {p}credits (tenant_id, book, number, state, amount, points, note, secret) VALUES
  ('acme', 'a', 1, 'open', '10.10', 5, NULL, 'CANARY-1'), ('acme', 'a', 2, 'open', '0.05', 20, 'Two', 'CANARY-2'),
  ('acme', 'a', 3, 'held', NULL, NULL, 'Three', 'CANARY-3'), ('acme', 'b', 1, 'open', '7.00', 1, NULL, 'CANARY-4'),
  ('globex', 'a', 1, 'open', '9.00', 9, 'CANARY-globex', 'CANARY-9');
INSERT INTO {p}notes (id, tenant_id, owner, title, phone) VALUES
  ('n1', 'acme', 'support_agent_17', 'One', '+49 30 1234567'), ('n2', 'acme', 'somebody', 'Two', NULL);
"""
_SEEN = "book, number, tenant_id, state, amount, points, note, hidden_at, row_version"
_SET = "state, amount, points, note, hidden_at"
_ADDED = "book, number, tenant_id, amount, state"
_MAKE = {
    "postgres": f"""
CREATE TABLE billing.credits (
  tenant_id text NOT NULL, book text NOT NULL, number integer NOT NULL, state text NOT NULL, amount numeric(12,2) CHECK (amount >= 0),
  points integer DEFAULT 3, note text, hidden_at timestamptz, row_version bigint NOT NULL DEFAULT 1, secret text DEFAULT 'CANARY-default',
  PRIMARY KEY (tenant_id, book, number));
CREATE OR REPLACE FUNCTION billing.bump_credits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.row_version := OLD.row_version + 1; RETURN NEW; END $$;
CREATE TRIGGER credits_version BEFORE UPDATE ON billing.credits FOR EACH ROW EXECUTE FUNCTION billing.bump_credits();
CREATE TABLE billing.notes (id text PRIMARY KEY, tenant_id text NOT NULL, owner text NOT NULL, title text, phone text, version bigint NOT NULL DEFAULT 7);
GRANT SELECT ({_SEEN}) ON billing.credits TO synapsor_reader, synapsor_writer;
GRANT UPDATE ({_SET}), INSERT ({_ADDED}), DELETE ON billing.credits TO synapsor_writer;
GRANT SELECT ON billing.notes TO synapsor_reader, synapsor_writer;
GRANT UPDATE (title, version) ON billing.notes TO synapsor_writer;
""",
    "mariadb": f"""
CREATE TABLE credits (
  tenant_id varchar(64) NOT NULL, book varchar(20) NOT NULL, number integer NOT NULL, state varchar(20) NOT NULL,
  amount decimal(12,2) CHECK (amount >= 0), points integer DEFAULT 3, note varchar(200), hidden_at timestamp NULL,
  row_version bigint NOT NULL DEFAULT 1, secret varchar(64) DEFAULT 'CANARY-default', PRIMARY KEY (tenant_id, book, number)) ENGINE=InnoDB;
CREATE TRIGGER credits_version BEFORE UPDATE ON credits FOR EACH ROW SET NEW.row_version = OLD.row_version + 1;
CREATE TABLE notes (id varchar(20) PRIMARY KEY, tenant_id varchar(64) NOT NULL, owner varchar(40) NOT NULL, title varchar(100), phone varchar(40),
  version bigint NOT NULL DEFAULT 7) ENGINE=InnoDB;
GRANT SELECT ({_SEEN}) ON credits TO synapsor_reader@'127.0.0.1';
GRANT SELECT ({_SEEN}), UPDATE ({_SET}), INSERT ({_ADDED}), DELETE ON credits TO synapsor_writer@'127.0.0.1';
GRANT SELECT ON notes TO synapsor_reader@'127.0.0.1';
GRANT SELECT, UPDATE (title, version) ON notes TO synapsor_writer@'127.0.0.1';
GRANT PROCESS ON *.* TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE credits (
  tenant_id TEXT NOT NULL, book TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, amount TEXT CHECK (CAST(amount AS REAL) >= 0),
  points INTEGER DEFAULT 3, note TEXT, hidden_at TEXT, row_version INTEGER NOT NULL DEFAULT 1, secret TEXT DEFAULT 'CANARY-default',
  PRIMARY KEY (tenant_id, book, number)) STRICT;
CREATE TRIGGER credits_version AFTER UPDATE ON credits WHEN NEW.row_version = OLD.row_version
BEGIN UPDATE credits SET row_version = OLD.row_version + 1 WHERE tenant_id = NEW.tenant_id AND book = NEW.book AND number = NEW.number; END;
CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, owner TEXT NOT NULL, title TEXT, phone TEXT,
  version INTEGER NOT NULL DEFAULT 7) STRICT;
""",
}


@contextmanager
def credits_tables(database: Database) -> Iterator[None]:
    """Let the tables be there for a while, and with them what the worker needs to see of foreign keys."""
    prefix = "billing." if database.engine == "postgres" else ""
    drop = f"DROP TABLE IF EXISTS {prefix}credits; DROP TABLE IF EXISTS {prefix}notes;"
    execute(database, drop + _MAKE[database.engine] + _ROWS.format(p=prefix))
    try:
        yield
    finally:
        taken = "REVOKE PROCESS ON *.* FROM synapsor_writer@'127.0.0.1';" if database.engine == "mariadb" else ""
        execute(database, drop + taken)
