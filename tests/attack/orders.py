"""Orders with every kind of row that may refer to one: what a change of an order reaches is known here by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Database, execute

POLICY = """\
synapsor: 1
contract: orders
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  orders:
    source: shop
    relation: billing.orders
    key: id
    tenant: tenant_id
    version: whole_row
    columns:
      id: text
      tenant_id: text
      code: {type: text, max_length: 20}
      firm: integer
      total: {type: integer, minimum: 0, maximum: 1000}
      phone: {type: text, show: last_four, max_length: 20}
  firms:
    source: shop
    relation: billing.firms
    key: id
    tenant: tenant_id
    version: whole_row
    columns: {id: integer, tenant_id: text, name: text}
capabilities:
  orders.total:
    description: Ask for the total of an order to be another one.
    propose: update orders
    arguments: {order_id: {type: string, max_length: 20}, total: {type: integer, minimum: 0, maximum: 1000}}
    where: {id: $order_id}
    set: {total: $total}
    returns: [id, total]
    approval: {role: billing_lead}
  orders.code:
    description: Ask for an order to be called by another code and to be another firm's.
    propose: update orders
    arguments: {order_id: {type: string, max_length: 20}, code: {type: string, max_length: 20}, firm: {type: integer}}
    where: {id: $order_id}
    set: {code: $code, firm: $firm}
    returns: [id]
    approval: {role: billing_lead}
  orders.add:
    description: Ask for an order to be added.
    propose: insert orders
    arguments: {order_id: {type: string, max_length: 20}, firm: {type: integer}}
    set: {id: $order_id, firm: $firm, total: 1}
    dedup: [tenant_id, id]
    approval: {role: billing_lead}
  orders.remove:
    description: Ask for an order to be removed.
    propose: delete orders
    arguments: {order_id: {type: string, max_length: 20}}
    where: {id: $order_id}
    returns: [id]
    accepts: {triggers: [orders_gone, lines_gone], cascades: [billing.lines, billing.parts, billing.tags, billing.secrets]}
    approval: {role: billing_lead}
  orders.remove_all:
    description: Ask for all orders of a firm to be removed.
    propose: delete orders
    arguments: {firm: {type: integer}}
    where: {firm: $firm}
    members: {at_most: 5}
    returns: [id]
    approval: {role: billing_lead}
  firms.remove:
    description: Ask for a firm to be removed.
    propose: delete firms
    arguments: {firm: {type: integer}}
    where: {id: $firm}
    returns: [id]
    approval: {role: billing_lead}
"""

TABLES = ("parts", "lines", "notes", "bills", "secrets", "tags", "orders", "firms")
_ROWS = """\
INSERT INTO {p}firms VALUES (1, 'acme', 'One'), (2, 'acme', 'Two');
INSERT INTO {p}orders (id, tenant_id, code, firm, total, phone) VALUES
  ('o1', 'acme', 'c1', 1, 5, '1234567890'), ('o2', 'acme', 'c2', 1, 5, NULL), ('o3', 'acme', NULL, 2, 5, NULL), ('o9', 'globex', 'c9', 2, 5, NULL);
INSERT INTO {p}lines VALUES (1, 'o1'), (2, 'o1'), (3, 'o2'), (4, 'o9'), (5, NULL);
INSERT INTO {p}parts VALUES (1, 1), (2, 1);
INSERT INTO {p}notes VALUES (1, 'o1'), (2, 'o2'), (3, 'o2');
INSERT INTO {p}bills VALUES (1, 'o2');
INSERT INTO {p}secrets VALUES (1, 'o1', 'CANARY-secret');
INSERT INTO {p}tags VALUES (1, 'c1'), (2, 'c1'), (3, 'c2');
"""
_READ = ("orders", "firms", "lines", "notes", "bills", "tags", "parts")
_MAKE = {
    "postgres": """
CREATE TABLE billing.firms (id integer PRIMARY KEY, tenant_id text NOT NULL, name text);
CREATE TABLE billing.orders (id text PRIMARY KEY, tenant_id text NOT NULL, code text UNIQUE, firm integer CONSTRAINT orders_firm REFERENCES billing.firms (id),
  total integer NOT NULL, twice integer GENERATED ALWAYS AS (total * 2) STORED, phone text, UNIQUE (tenant_id, id));
CREATE TABLE billing.lines (id integer PRIMARY KEY, order_id text CONSTRAINT lines_order REFERENCES billing.orders (id) ON DELETE CASCADE);
CREATE TABLE billing.parts (id integer PRIMARY KEY, line integer CONSTRAINT parts_line REFERENCES billing.lines (id) ON DELETE CASCADE);
CREATE TABLE billing.notes (id integer PRIMARY KEY, order_id text CONSTRAINT notes_order REFERENCES billing.orders (id) ON DELETE SET NULL);
CREATE TABLE billing.bills (id integer PRIMARY KEY, order_id text CONSTRAINT bills_order REFERENCES billing.orders (id));
CREATE TABLE billing.secrets (id integer PRIMARY KEY, order_id text CONSTRAINT secrets_order REFERENCES billing.orders (id) ON DELETE RESTRICT, what text);
CREATE TABLE billing.tags (id integer PRIMARY KEY, code text CONSTRAINT tags_code REFERENCES billing.orders (code) ON UPDATE CASCADE ON DELETE SET NULL);
CREATE OR REPLACE FUNCTION billing.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER orders_gone AFTER DELETE ON billing.orders FOR EACH ROW EXECUTE FUNCTION billing.nothing();
CREATE TRIGGER orders_total AFTER UPDATE OF total ON billing.orders FOR EACH ROW EXECUTE FUNCTION billing.nothing();
CREATE TRIGGER lines_gone AFTER DELETE ON billing.lines FOR EACH ROW EXECUTE FUNCTION billing.nothing();
CREATE TRIGGER orders_off AFTER DELETE ON billing.orders FOR EACH ROW EXECUTE FUNCTION billing.nothing();
ALTER TABLE billing.orders DISABLE TRIGGER orders_off;
"""
    + "".join(f"GRANT SELECT ON billing.{name} TO synapsor_reader;" for name in _READ if name != "orders")
    + "GRANT SELECT (id, tenant_id, code, firm, total, phone) ON billing.orders TO synapsor_reader; GRANT SELECT (id) ON billing.secrets TO synapsor_reader;"
    + "GRANT SELECT, DELETE ON billing.orders, billing.firms TO synapsor_writer; GRANT UPDATE (total, code, firm) ON billing.orders TO synapsor_writer;",
    "mariadb": """
CREATE TABLE firms (id integer PRIMARY KEY, tenant_id varchar(20) NOT NULL, name varchar(20)) ENGINE=InnoDB;
CREATE TABLE orders (id varchar(20) PRIMARY KEY, tenant_id varchar(20) NOT NULL, code varchar(20) UNIQUE, firm integer, total integer NOT NULL,
  twice integer GENERATED ALWAYS AS (total * 2) STORED, phone varchar(20), UNIQUE KEY own (tenant_id, id),
  CONSTRAINT orders_firm FOREIGN KEY (firm) REFERENCES firms (id)) ENGINE=InnoDB;
CREATE TABLE `lines` (id integer PRIMARY KEY, order_id varchar(20), CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE) ENGINE=InnoDB;
CREATE TABLE parts (id integer PRIMARY KEY, line integer, CONSTRAINT parts_line FOREIGN KEY (line) REFERENCES `lines` (id) ON DELETE CASCADE) ENGINE=InnoDB;
CREATE TABLE notes (id integer PRIMARY KEY, order_id varchar(20), CONSTRAINT notes_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE SET NULL) ENGINE=InnoDB;
CREATE TABLE bills (id integer PRIMARY KEY, order_id varchar(20), CONSTRAINT bills_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE NO ACTION ON UPDATE NO ACTION) ENGINE=InnoDB;
CREATE TABLE secrets (id integer PRIMARY KEY, order_id varchar(20), what varchar(20), CONSTRAINT secrets_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE RESTRICT) ENGINE=InnoDB;
CREATE TABLE tags (id integer PRIMARY KEY, code varchar(20), CONSTRAINT tags_code FOREIGN KEY (code) REFERENCES orders (code) ON UPDATE CASCADE ON DELETE SET NULL) ENGINE=InnoDB;
CREATE TRIGGER orders_gone AFTER DELETE ON orders FOR EACH ROW SET @gone = 1;
CREATE TRIGGER orders_total AFTER UPDATE ON orders FOR EACH ROW SET @total = 1;
CREATE TRIGGER lines_gone AFTER DELETE ON `lines` FOR EACH ROW SET @gone = 1;
"""
    + "".join(f"GRANT SELECT ON `{name}` TO synapsor_reader@'127.0.0.1';" for name in _READ if name != "orders")
    + "GRANT SELECT (id, tenant_id, code, firm, total, phone) ON orders TO synapsor_reader@'127.0.0.1';"
    + "GRANT SELECT, DELETE ON firms TO synapsor_writer@'127.0.0.1'; GRANT SELECT, DELETE, UPDATE (total, code, firm) ON orders TO synapsor_writer@'127.0.0.1';",
    "sqlite": """
CREATE TABLE firms (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT) STRICT;
CREATE TABLE orders (id TEXT NOT NULL PRIMARY KEY, tenant_id TEXT NOT NULL, code TEXT UNIQUE, firm INTEGER REFERENCES firms, total INTEGER NOT NULL,
  twice INTEGER GENERATED ALWAYS AS (total * 2) STORED, phone TEXT, UNIQUE (tenant_id, id)) STRICT;
CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id TEXT REFERENCES orders (id) ON DELETE CASCADE) STRICT;
CREATE TABLE parts (id INTEGER PRIMARY KEY, line INTEGER REFERENCES lines ON DELETE CASCADE) STRICT;
CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id TEXT REFERENCES Orders (ID) ON DELETE SET NULL) STRICT;
CREATE TABLE bills (id INTEGER PRIMARY KEY, order_id TEXT REFERENCES orders (id)) STRICT;
CREATE TABLE secrets (id INTEGER PRIMARY KEY, order_id TEXT REFERENCES orders (id) ON DELETE RESTRICT, what TEXT) STRICT;
CREATE TABLE tags (id INTEGER PRIMARY KEY, code TEXT REFERENCES orders (code) ON UPDATE CASCADE ON DELETE SET NULL) STRICT;
CREATE TRIGGER orders_gone AFTER DELETE ON orders BEGIN SELECT 1; END;
CREATE TRIGGER orders_total AFTER /* BEFORE DELETE */ UPDATE OF "total" ON orders BEGIN SELECT 1; END;
CREATE TRIGGER lines_gone AFTER DELETE ON lines BEGIN SELECT 1; END;
""",
}


@contextmanager
def orders_tables(database: Database) -> Iterator[None]:
    """Let the tables be there for a while."""
    prefix = "billing." if database.engine == "postgres" else ""
    quote = "`" if database.engine == "mariadb" else ""
    drop = "".join(f"DROP TABLE IF EXISTS {prefix}{quote}{name}{quote};" for name in TABLES)
    rows = _ROWS.format(p=prefix)
    if database.engine == "mariadb":
        rows = rows.replace("INTO lines", "INTO `lines`")
    execute(database, drop + _MAKE[database.engine] + rows)
    try:
        yield
    finally:
        execute(database, drop)
