"""A table of people with one column of every way to show it, and what an agent may do with them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Database, execute

POLICY = """\
synapsor: 1
contract: people
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  people:
    source: shop
    relation: billing.people
    key: id
    tenant: tenant_id
    version: whole_row
    columns:
      id: text
      tenant_id: text
      name: text
      card: {type: text, show: last_four, max_length: 60}
      email: {type: text, show: token, max_length: 60, reveal: privacy_officer}
      salary: {type: integer, show: aggregate}
      note: text
      secret: denied
capabilities:
  people.inspect:
    description: Look at one person of this shop.
    read: people
    arguments: {person: {type: string, max_length: 20}}
    where: {id: $person}
  people.list:
    description: List the people of this shop.
    read: people
    order: [name]
    returns: [id, name, card, email]
    limits: {rows: 2}
    pages: true
  people.of_one_address:
    description: List the people that share the shop's own address.
    read: people
    where: {email: CANARY-mail-1@acme.example}
    returns: [id, email]
  people.propose_note:
    description: Ask for the note of one person to be replaced.
    propose: update people
    arguments: {person: {type: string, max_length: 20}, words: {type: string, max_length: 60}}
    where: {id: $person}
    set: {note: $words}
    returns: [id, name, card, email, note]
    approval: {role: billing_lead}
  people.propose_contact:
    description: Ask for the address and the card of one person to be replaced.
    propose: update people
    arguments:
      person: {type: string, max_length: 20}
      address: {type: string, max_length: 60}
      number: {type: string, max_length: 60}
    where: {id: $person}
    set: {email: $address, card: $number}
    returns: [id]
    approval: {role: billing_lead}
  people.propose_notes:
    description: Ask for the note of everybody at the shop's own address to be replaced.
    propose: update people
    members: {at_most: 5}
    arguments: {words: {type: string, max_length: 60}}
    where: {email: CANARY-mail-1@acme.example}
    set: {note: $words}
    returns: [id, email, note]
    approval: {role: billing_lead}
  people.propose_person:
    description: Ask for a person to be added, of whom only the name is known yet.
    propose: insert people
    arguments: {person: {type: string, max_length: 20}, called: {type: string, max_length: 60}}
    dedup: [tenant_id, id]
    set: {id: $person, name: $called}
    approval: {role: billing_lead}
"""

MAIL = "CANARY-mail-1@acme.example"
CARD = "CANARY-card-4321"
SALARY = "77123401"

_ROWS = f"""\
INSERT INTO {{people}} (id, tenant_id, name, card, email, salary, note, secret) VALUES
  ('P-1', 'acme', 'Ada', '{CARD}', '{MAIL}', {SALARY}, 'one', 'CANARY-secret'),
  ('P-2', 'acme', 'Bo', '1234567', '{MAIL}', 77123402, 'two', 'CANARY-secret'),
  ('P-3', 'acme', 'Cy', NULL, NULL, NULL, 'three', 'CANARY-secret'),
  ('P-9', 'globex', 'Zoe', '{CARD}', '{MAIL}', 77123409, 'nine', 'CANARY-secret');
"""
_READ = "id, tenant_id, name, card, email, salary, note"
_COLUMNS = (
    "id {text} NOT NULL PRIMARY KEY, tenant_id {text} NOT NULL, name {text}, card {text}, email {text} DEFAULT 'CANARY-default', salary {number},"
    " note {text}, secret {text} NOT NULL DEFAULT 'CANARY-secret'"
)
_MAKE = {
    "postgres": (
        f"CREATE TABLE billing.people ({_COLUMNS.format(text='text', number='bigint')});"
        f"GRANT SELECT ({_READ}) ON billing.people TO synapsor_reader, synapsor_writer;"
        "GRANT UPDATE (note, email, card), INSERT (id, tenant_id, name) ON billing.people TO synapsor_writer;"
    ),
    "mariadb": (
        f"CREATE TABLE people ({_COLUMNS.format(text='varchar(60)', number='bigint')}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;"
        f"GRANT SELECT ({_READ}) ON people TO synapsor_reader@'127.0.0.1';"
        f"GRANT SELECT ({_READ}), UPDATE (note, email, card), INSERT (id, tenant_id, name) ON people TO synapsor_writer@'127.0.0.1';"
    ),
    "sqlite": f"CREATE TABLE people ({_COLUMNS.format(text='TEXT', number='INTEGER')}) STRICT;",
}


@contextmanager
def people_table(database: Database) -> Iterator[None]:
    """Let the table be there for a while."""
    people = "billing.people" if database.engine == "postgres" else "people"
    drop = f"DROP TABLE IF EXISTS {people};"
    execute(database, drop + _MAKE[database.engine] + _ROWS.format(people=people))
    try:
        yield
    finally:
        execute(database, drop)
