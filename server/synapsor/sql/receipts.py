"""Receipts in the source database: how one is looked up and written, and the table that the owner makes for them.

The receipt commits with the change, so it alone says whether a proposal was applied. The worker may insert and look, never alter.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sqlglot import exp

from synapsor.core.facts import RECEIPT_COLUMNS, RECEIPT_DIGESTS, RECEIPT_KEY
from synapsor.core.plan import Relation
from synapsor.core.writeback import SourceReceipt
from synapsor.sql import trees
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import ValueUnfit

_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}\Z", re.ASCII)


def select_receipt(relation: Relation, dialect: Dialect, key: bytes) -> Statement:
    """Return the look-up of one receipt; its row, if there is one, is read with `read_receipt`."""
    return Statement(text=_select_text(relation, dialect), params=(key,))


def read_receipt(row: RawRow) -> tuple[bytes, str]:
    """Return the proposal digest and the outcome of a receipt that a look-up found."""
    digest, outcome = row
    return bytes(digest), str(outcome)


def insert_receipt(relation: Relation, dialect: Dialect, receipt: SourceReceipt) -> Statement:
    """Return the insertion of a receipt.

    A second one of the same key waits for the first's transaction and then fails as a constraint: the caller rolls back, and the
    next attempt finds the first by its key.
    """
    given = (
        receipt.key, receipt.digest, receipt.proposal, receipt.tenant, receipt.outcome, receipt.ledger_head, receipt.worker,
    )  # fmt: skip  # in the order of RECEIPT_COLUMNS
    return Statement(text=_insert_text(relation, dialect), params=given)


@lru_cache(maxsize=64)
def _select_text(relation: Relation, dialect: Dialect) -> str:
    cells = [_cell(trees.column(name), name, dialect) for name in ("proposal_digest", "outcome")]
    wanted = exp.EQ(this=trees.column(RECEIPT_KEY), expression=_bound(1, RECEIPT_KEY, dialect))
    tree = exp.Select().select(*cells).from_(trees.table(relation)).where(wanted)
    return trees.text_of(tree, dialect)


@lru_cache(maxsize=64)
def _insert_text(relation: Relation, dialect: Dialect) -> str:
    columns = [trees.identifier(name) for name in RECEIPT_COLUMNS]
    values = [_bound(number, name, dialect) for number, name in enumerate(RECEIPT_COLUMNS, start=1)]
    tree = exp.Insert(
        this=exp.Schema(this=trees.table(relation, alias=None), expressions=columns),
        expression=exp.Values(expressions=[exp.Tuple(expressions=values)]),
    )
    return trees.text_of(tree, dialect)


def _cell(ref: exp.Expression, name: str, dialect: Dialect) -> exp.Expression:
    if name in RECEIPT_DIGESTS or dialect == "sqlite":
        return ref
    return trees.cast_to(ref, "text") if dialect == "postgres" else trees.utf8(ref)


def _bound(number: int, name: str, dialect: Dialect) -> exp.Expression:
    value = trees.placeholder(number, dialect)
    if dialect != "postgres":
        return value
    return trees.cast_to(value, "bytea" if name in RECEIPT_DIGESTS else "text")


def checked_host(host: str) -> str:
    """Return the host of an account.

    Raises:
        ValueUnfit: its name is not plain.
    """
    if not _HOST.match(host):
        raise ValueUnfit("not a plain host name")
    return host


def receipts_ddl(relation: Relation, dialect: Dialect, *, worker: str = "synapsor_writer", host: str = "%") -> str:
    """Return the script that the owner runs once: the table, and the least that the worker's role needs.

    `host` is where the worker connects from, which is a part of its account's name on MySQL.

    Raises:
        ValueUnfit: the relation's, the role's or the host's name is not plain.
    """
    checked_host(host)
    # On SQLite the schema is only the name under which the worker attaches the file; the owner opens it as its main database.
    named = trees.table(relation, alias=None)
    if dialect == "sqlite":
        named.set("db", None)
    words = {
        "table": trees.text_of(named, dialect),
        "schema": trees.text_of(trees.identifier(relation.schema), dialect),
        "role": trees.text_of(trees.identifier(worker), dialect),
        "host": host,
    }
    return _DDL[dialect].format(**words)


_DDL: dict[Dialect, str] = {
    "postgres": """\
-- Synapsor receipts: written by the worker in the same transaction as a change. Run as the owner of the schema.
CREATE TABLE IF NOT EXISTS {table} (
  receipt_key     bytea PRIMARY KEY CHECK (octet_length(receipt_key) = 32),
  proposal_digest bytea NOT NULL CHECK (octet_length(proposal_digest) = 32),
  proposal_id     varchar(64) COLLATE "C" NOT NULL,
  tenant          text COLLATE "C" NOT NULL,
  outcome         varchar(16) COLLATE "C" NOT NULL CHECK (outcome IN ('applied', 'conflict', 'failed', 'canceled')),
  ledger_head     bytea NOT NULL CHECK (octet_length(ledger_head) = 32),
  worker          varchar(64) COLLATE "C" NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- The worker may look and add, never change or remove.
REVOKE ALL ON {table} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT ON {table} TO {role};
""",
    "mysql": """\
-- Synapsor receipts: written by the worker in the same transaction as a change. Run as the owner of the database.
CREATE TABLE IF NOT EXISTS {table} (
  receipt_key     BINARY(32) NOT NULL PRIMARY KEY,
  proposal_digest BINARY(32) NOT NULL,
  proposal_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tenant          TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  outcome         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (outcome IN ('applied', 'conflict', 'failed', 'canceled')),
  ledger_head     BINARY(32) NOT NULL,
  worker          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at      TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
-- The worker may look and add, never change or remove.
GRANT SELECT, INSERT ON {table} TO {role}@'{host}';
""",
    "sqlite": """\
-- Synapsor receipts: written by the worker in the same transaction as a change. Run on the file that holds the changed tables.
CREATE TABLE IF NOT EXISTS {table} (
  receipt_key     BLOB NOT NULL PRIMARY KEY CHECK (length(receipt_key) = 32),
  proposal_digest BLOB NOT NULL CHECK (length(proposal_digest) = 32),
  proposal_id     TEXT NOT NULL CHECK (length(proposal_id) <= 64),
  tenant          TEXT NOT NULL,
  outcome         TEXT NOT NULL CHECK (outcome IN ('applied', 'conflict', 'failed', 'canceled')),
  ledger_head     BLOB NOT NULL CHECK (length(ledger_head) = 32),
  worker          TEXT NOT NULL CHECK (length(worker) <= 64),
  created_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;
-- SQLite has no grants: the file's permissions are the worker's whole authority.
""",
}
