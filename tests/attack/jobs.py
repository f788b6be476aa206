"""Jobs for clients of regions: what is asked for a job depends on how its client and the client's region are."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Database, execute

POLICY = """\
synapsor: 1
contract: jobs
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  regions:
    source: shop
    relation: billing.regions
    key: code
    tenant: tenant_id
    columns: {code: text, tenant_id: text, open: boolean}
  clients:
    source: shop
    relation: billing.clients
    key: id
    tenant: tenant_id
    only: {gone: false}
    links: {region: {to: regions, on: {region_code: code}}}
    columns: {id: text, tenant_id: text, tier: text, limit_cents: integer, region_code: text, gone: boolean, phone: {show: last_four}, pin: denied}
  jobs:
    source: shop
    relation: billing.jobs
    key: id
    tenant: tenant_id
    version: row_version
    links: {client: {to: clients, on: {client_id: id}}}
    columns: {id: text, tenant_id: text, client_id: text, state: text, row_version: integer}
capabilities:
  jobs.start:
    description: Ask for a job to be started.
    propose: update jobs
    arguments: {job: {type: string, max_length: 20}}
    where: {id: $job}
    set: {state: started}
    unchanged: [client.tier, client.limit_cents, client.region.open]
    returns: [id, state]
    approval: {role: billing_lead}
  jobs.rush:
    description: Ask for a new job of a client who may have it to be started at once.
    propose: update jobs
    arguments: {job: {type: string, max_length: 20}}
    where: {id: $job}
    set: {state: rushed}
    requires: {state: {one_of: [new, held]}, client.tier: gold, client.limit_cents: {at_least: 100}, client.region.open: true}
    returns: [id]
    approval: {role: billing_lead}
  jobs.start_all:
    description: Ask for all new jobs to be started.
    propose: update jobs
    where: {state: new}
    members: {at_most: 5}
    set: {state: started}
    unchanged: [client.tier]
    returns: [id, state]
    approval: {role: billing_lead}
  jobs.drop:
    description: Ask for a job to be removed.
    propose: delete jobs
    arguments: {job: {type: string, max_length: 20}}
    where: {id: $job}
    unchanged: [client.tier]
    returns: [id, state]
    approval: {role: billing_lead}
  jobs.add:
    description: Ask for a job to be added.
    propose: insert jobs
    arguments: {job: {type: string, max_length: 20}, client: {type: string, max_length: 20}}
    set: {id: $job, client_id: $client, state: new}
    dedup: [tenant_id, id]
    unchanged: [client.tier]
    approval: {role: billing_lead}
"""

_ROWS = """\
INSERT INTO {p}regions VALUES ('north', 'acme', true), ('south', 'acme', true), ('west', 'globex', true);
INSERT INTO {p}clients VALUES
  ('c1', 'acme', 'gold', 1000, 'north', false, '+49 30 1234567', 'CANARY-pin'), ('c2', 'acme', 'plain', 10, 'south', false, NULL, NULL),
  ('c3', 'acme', 'gold', 10, NULL, false, NULL, NULL), ('c4', 'acme', 'gold', 10, 'north', true, NULL, NULL),
  ('c9', 'globex', 'CANARY-tier', 7, 'west', false, NULL, NULL);
INSERT INTO {p}jobs (id, tenant_id, client_id, state) VALUES
  ('j1', 'acme', 'c1', 'new'), ('j2', 'acme', 'c2', 'new'), ('j3', 'acme', 'c3', 'held'), ('j4', 'acme', 'c4', 'held'),
  ('j5', 'acme', 'c9', 'held'), ('j6', 'acme', NULL, 'held'), ('j7', 'acme', 'c1', 'new'), ('j9', 'globex', 'c9', 'new');
"""
_CLIENTS = "id, tenant_id, tier, limit_cents, region_code, gone, phone"
_MAKE = {
    "postgres": f"""
CREATE TABLE billing.regions (code text PRIMARY KEY, tenant_id text NOT NULL, open boolean NOT NULL);
CREATE TABLE billing.clients (id text PRIMARY KEY, tenant_id text NOT NULL, tier text, limit_cents bigint, region_code text REFERENCES billing.regions,
  gone boolean NOT NULL, phone text, pin text);
CREATE TABLE billing.jobs (id text PRIMARY KEY, tenant_id text NOT NULL, client_id text REFERENCES billing.clients, state text NOT NULL,
  row_version bigint NOT NULL DEFAULT 1, UNIQUE (tenant_id, id));
CREATE OR REPLACE FUNCTION billing.bump_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.row_version := OLD.row_version + 1; RETURN NEW; END $$;
CREATE TRIGGER jobs_version BEFORE UPDATE ON billing.jobs FOR EACH ROW EXECUTE FUNCTION billing.bump_jobs();
GRANT SELECT ON billing.jobs, billing.regions TO synapsor_reader, synapsor_writer;
GRANT SELECT ({_CLIENTS}) ON billing.clients TO synapsor_reader, synapsor_writer;
GRANT UPDATE (state), INSERT (id, tenant_id, client_id, state), DELETE ON billing.jobs TO synapsor_writer;
GRANT UPDATE (code) ON billing.regions TO synapsor_writer;
GRANT UPDATE (id) ON billing.clients TO synapsor_writer;
""",
    "mariadb": f"""
CREATE TABLE regions (code varchar(20) PRIMARY KEY, tenant_id varchar(64) NOT NULL, open boolean NOT NULL) ENGINE=InnoDB;
CREATE TABLE clients (id varchar(20) PRIMARY KEY, tenant_id varchar(64) NOT NULL, tier varchar(20), limit_cents bigint, region_code varchar(20),
  gone boolean NOT NULL, phone varchar(40), pin varchar(40), FOREIGN KEY clients_region (region_code) REFERENCES regions (code)) ENGINE=InnoDB;
CREATE TABLE jobs (id varchar(20) PRIMARY KEY, tenant_id varchar(64) NOT NULL, client_id varchar(20), state varchar(20) NOT NULL,
  row_version bigint NOT NULL DEFAULT 1, UNIQUE KEY jobs_own (tenant_id, id), FOREIGN KEY jobs_client (client_id) REFERENCES clients (id)) ENGINE=InnoDB;
CREATE TRIGGER jobs_version BEFORE UPDATE ON jobs FOR EACH ROW SET NEW.row_version = OLD.row_version + 1;
GRANT SELECT ON jobs TO synapsor_reader@'127.0.0.1', synapsor_writer@'127.0.0.1';
GRANT SELECT ON regions TO synapsor_reader@'127.0.0.1', synapsor_writer@'127.0.0.1';
GRANT SELECT ({_CLIENTS}), SHOW VIEW ON clients TO synapsor_reader@'127.0.0.1';
GRANT SELECT ({_CLIENTS}) ON clients TO synapsor_writer@'127.0.0.1';
GRANT UPDATE (state), INSERT (id, tenant_id, client_id, state), DELETE ON jobs TO synapsor_writer@'127.0.0.1';
GRANT PROCESS ON *.* TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE regions (code TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, open INTEGER NOT NULL) STRICT;
CREATE TABLE clients (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, tier TEXT, limit_cents INTEGER, region_code TEXT REFERENCES regions (code),
  gone INTEGER NOT NULL, phone TEXT, pin TEXT) STRICT;
CREATE TABLE jobs (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, client_id TEXT REFERENCES clients (id), state TEXT NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1, UNIQUE (tenant_id, id)) STRICT;
CREATE TRIGGER jobs_version AFTER UPDATE ON jobs WHEN NEW.row_version = OLD.row_version
BEGIN UPDATE jobs SET row_version = OLD.row_version + 1 WHERE id = NEW.id; END;
""",
}


@contextmanager
def jobs_tables(database: Database) -> Iterator[None]:
    """Let the tables be there for a while."""
    prefix = "billing." if database.engine == "postgres" else ""
    drop = "".join(f"DROP TABLE IF EXISTS {prefix}{name};" for name in ("jobs", "clients", "regions"))
    execute(database, drop + _MAKE[database.engine] + _ROWS.format(p=prefix))
    try:
        yield
    finally:
        taken = "REVOKE PROCESS ON *.* FROM synapsor_writer@'127.0.0.1';" if database.engine == "mariadb" else ""
        execute(database, drop + taken)
