"""What `synapsor grants` prints is what the postures ask for: nothing more, and without any part of it they complain."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.contract.load import load, read_text
from synapsor.contract.model import Contract
from synapsor.core.facts import RECEIPT_COLUMNS, RECEIPT_DIGESTS, RECEIPT_KEY, Reach, ReceiptsTable, Rights
from synapsor.core.grants import Grant, Right, reader_grants, writer_grants
from synapsor.core.needs import reads_of, writes_of
from synapsor.core.plan import Relation
from synapsor.core.posture import judge_reader, judge_writer
from synapsor.sql.grants import Account, grant_text, grants_script
from synapsor.values import ValueUnfit
from tests.attack.jobs import POLICY as JOBS
from tests.commands import Run
from tests.databases import Database
from tests.projects import ROOT, ProjectFiles, write_project

RECEIPTS = Relation(schema="shop", name="receipts")
_KEPT = ReceiptsTable(
    columns=frozenset(RECEIPT_COLUMNS), digests=frozenset(RECEIPT_DIGESTS), unique=(frozenset({RECEIPT_KEY}),)
)
_OF_RECEIPTS = Reach(reads=frozenset(RECEIPT_COLUMNS), inserts=frozenset(RECEIPT_COLUMNS))


def contract(text: str) -> Contract:
    """Return a contract as it is written."""
    found = read_text(text, "contract.yaml").contract
    assert found is not None
    return found


def of_business(name: str) -> Contract:
    """Return a contract with what the tests are about."""
    return contract(JOBS) if name == "jobs" else load(ROOT / "policies" / f"{name}.yaml").contract


def rights_of(grants: Iterable[Grant]) -> Rights:
    """Return what a credential may do that holds these grants and nothing else."""
    reach: dict[Relation, Reach] = {RECEIPTS: _OF_RECEIPTS}
    for grant in grants:
        own, columns = reach.get(grant.relation, Reach()), frozenset(grant.columns)
        changed: dict[Right, dict[str, Any]] = {
            Right.SELECT: {"reads": own.reads | columns, "sees": own.sees | columns},
            Right.UPDATE: {"updates": own.updates | columns},
            Right.INSERT: {"inserts": own.inserts | columns},
            Right.DELETE: {"deletes": True},
            Right.SHOW_VIEW: {},
        }
        reach[grant.relation] = replace(own, **changed[grant.right])
    return Rights(reach=_Reaches(reach), receipts=_KEPT, update_to_hold=True)


class _Reaches(dict[Relation, Reach]):
    def __missing__(self, _: Relation) -> Reach:
        return Reach()


def without_one(grants: tuple[Grant, ...]) -> Iterator[tuple[Grant, ...]]:
    """Yield the grants with one column of one of them taken away, or one of them whole."""
    for at, grant in enumerate(grants):
        others = (*grants[:at], *grants[at + 1 :])
        yield others
        for column in grant.columns:
            yield (*others, replace(grant, columns=tuple(c for c in grant.columns if c != column)))


@pytest.mark.requirement("grants:exact")
@pytest.mark.parametrize("name", ["billing", "support", "retail", "jobs"])
def test_the_postures_ask_for_every_column_that_is_granted_and_for_nothing_else(name: str) -> None:
    business = of_business(name)
    (source,) = {table.source for table in business.tables.values()}
    reads, writes = reads_of([business], source), writes_of([business], source)

    def of_reader(held: Iterable[Grant]) -> list[str]:
        return [f.rule for f in judge_reader(rights_of(held), reads.columns, reads.denied)]

    def of_writer(held: Iterable[Grant]) -> list[str]:
        return [f.rule for f in judge_writer(rights_of(held), writes, RECEIPTS)]

    reader = tuple(reader_grants([business], source, show_view=False))
    writer = tuple(writer_grants([business], source, update_to_hold=True))
    assert (of_reader(reader), of_writer(writer)) == ([], [])
    assert all(of_reader(held) for held in without_one(reader))
    assert all(of_writer(held) for held in without_one(writer))


@pytest.mark.requirement("grants:exact")
def test_rows_that_are_only_held_are_locked_by_a_column_that_the_database_sets_itself_or_by_one_of_the_key() -> None:
    def held_by(text: str) -> list[Grant]:
        granted = writer_grants([contract(text)], "shop", update_to_hold=True)
        return [g for g in granted if g.right is Right.UPDATE and g.relation.name == "clients"]

    (by_key,) = held_by(JOBS)
    assert (by_key.columns, bool(by_key.why)) == (("id",), True)
    versioned = JOBS.replace(
        "only: {gone: false}", "only: {gone: false}\n    version: stamp\n    moves: [stamp]"
    ).replace("pin: denied}", "pin: denied, stamp: timestamptz}")
    (by_version,) = held_by(versioned)
    assert by_version.columns == ("stamp",)
    without = writer_grants([contract(JOBS)], "shop", update_to_hold=False)
    assert [g for g in without if g.relation.name == "clients" and g.right is not Right.SELECT] == []


@pytest.mark.requirement("grants:exact")
@pytest.mark.parametrize("name", ["support", "retail", "jobs"])
def test_a_denied_column_is_never_granted_where_a_relation_may_be_a_table(name: str) -> None:
    business = of_business(name)
    (source,) = {table.source for table in business.tables.values()}
    reads = reads_of([business], source)
    granted = {
        g.relation: g.columns
        for g in reader_grants([business], source, show_view=True)
        if g.right is Right.SELECT and reads.denied[g.relation]
    }
    assert granted
    assert all(columns and not reads.denied[relation] & set(columns) for relation, columns in granted.items())


@pytest.mark.requirement("grants:exact")
def test_names_are_quoted_and_none_that_is_not_plain_gets_into_a_script() -> None:
    grant = Grant(right=Right.SELECT, relation=Relation(schema="Order", name="user"), columns=("Group", "select"))
    account = Account(who="reader", role="Reader", connections=4, host="10.0.0.%")
    assert grant_text(grant, account, "postgres") == 'GRANT SELECT("Group", "select") ON "Order"."user" TO "Reader"'
    assert grant_text(grant, account, "mysql") == (
        "GRANT SELECT(`Group`, `select`) ON `Order`.`user` TO `Reader`@'10.0.0.%'"
    )
    for hostile in (replace(account, role='r"; DROP TABLE x; --'), replace(account, role="r'")):
        with pytest.raises(ValueUnfit):
            grants_script([grant], hostile, "postgres")
    with pytest.raises(ValueUnfit):
        grants_script([grant], replace(account, host="h'; DROP TABLE x; --"), "mysql")
    with pytest.raises(ValueUnfit):
        grant_text(replace(grant, columns=("a`b",)), account, "mysql")


@pytest.mark.requirement("grants:safe-role")
@pytest.mark.parametrize(
    ("host", "tls"), [("localhost", "NONE"), ("127.0.0.1", "NONE"), ("%", "SSL"), ("10.0.0.7", "SSL")]
)
def test_an_account_of_another_machine_must_use_tls_and_is_locked_until_it_has_a_password(host: str, tls: str) -> None:
    script = grants_script([], Account(who="reader", role="r", connections=4, host=host), "mysql")
    assert f"ALTER USER `r`@'{host}' REQUIRE {tls} WITH MAX_USER_CONNECTIONS 4;" in script
    assert f"CREATE USER IF NOT EXISTS `r`@'{host}' ACCOUNT LOCK;" in script
    assert "IDENTIFIED BY '...'" in script


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.mark.requirement("grants:no-database")
def test_the_scripts_are_printed_without_a_database_and_without_a_credential(files: ProjectFiles, run: Run) -> None:
    text = files.config_path.read_text(encoding="utf-8").replace("engine: sqlite", "engine: postgres")
    text = text.replace("    schema: billing\n", "").replace("${file:secrets/read}", "${env:NOT_SET_ANYWHERE}")
    files.config_path.write_text(text, encoding="utf-8")
    (files.root / "secrets" / "write").write_text("postgresql://w:hidden@nowhere.invalid:1/x", encoding="utf-8")
    done = run("--json", "grants")
    scripts = done.json["scripts"]["shop"]
    assert (done.code, sorted(scripts)) == (0, ["reader", "receipts", "writer"])
    assert "a guess" in scripts["reader"]
    assert 'TO "synapsor_reader";' in scripts["reader"]
    assert all('TO "w";' in scripts[whom] and "a guess" not in scripts[whom] for whom in ("writer", "receipts"))
    assert "hidden" not in done.out + done.err
    one = run("--json", "grants", "--source", "shop", "--for", "writer", "--role", "other").json["scripts"]["shop"]
    assert (list(one), 'TO "other";' in one["writer"]) == (["writer"], True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "x"], "--for"),
        (["--source", "nothing"], "no such source"),
        (["--for", "writer", "--role", "x; DROP TABLE y"], "not plain"),
    ],
)
def test_grants_refuses_what_it_cannot_print(files: ProjectFiles, run: Run, arguments: list[str], told: str) -> None:
    text = files.config_path.read_text(encoding="utf-8").replace("engine: sqlite", "engine: mariadb")
    files.config_path.write_text(text.replace("    schema: billing\n", ""), encoding="utf-8")
    done = run("grants", *arguments)
    assert (done.code, done.out, told in done.err) == (2, "", True)


@pytest.mark.requirement("grants:safe-role")
def test_of_a_file_the_modes_are_told_and_what_is_not_asked_for_is_not_granted(
    files: ProjectFiles, sqlite_db: Database, run: Run
) -> None:
    scripts = run("--json", "grants").json["scripts"]["shop"]
    assert all("no grants" in scripts[whom] and "chmod 640" in scripts[whom] for whom in ("reader", "writer"))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(scripts.values()))  # comments alone, but for the receipts
        assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == [
            "synapsor_receipts"
        ]
    reads = write_project(files.root / "reads", sqlite_db, policy=_READS)
    text = reads.config_path.read_text(encoding="utf-8").replace("mode: writeback", "mode: evidence")
    reads.config_path.write_text(text.replace("    receipts: billing.synapsor_receipts\n", ""), encoding="utf-8")
    scripts = run("--json", "--config", str(reads.config_path), "grants").json["scripts"]["shop"]
    assert "nobody needs a credential that writes" in scripts["writer"]
    assert "names no receipts" in scripts["receipts"]


_READS = """\
synapsor: 1
contract: billing
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  invoices: {source: shop, relation: billing.invoice_review, key: id, tenant: tenant_id, columns: {id: text, tenant_id: text}}
capabilities:
  billing.inspect_invoice:
    description: Look at one invoice.
    read: invoices
    arguments: {invoice_id: {type: string, max_length: 64}}
    where: {id: $invoice_id}
    returns: [id]
"""
