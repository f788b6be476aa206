"""Keys of several columns and rows that belong to people, on every engine: reads, proposals, applied changes and the record of them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from synapsor.core.scope import Session
from synapsor.testing import Trial
from tests.databases import Database, Engine, execute, fetch
from tests.engines import inserted, tried

_READ = "order_no, line_no, tenant_id, person, note, hours, state, version"
_MAKE: dict[Engine, str] = {
    "postgres": f"""
CREATE TABLE billing.shifts (order_no integer, line_no text, tenant_id text, person text NOT NULL, note text, hours integer,
  state text NOT NULL DEFAULT 'open', secret text DEFAULT 'CANARY', version bigint NOT NULL DEFAULT 1, updated_at timestamptz,
  PRIMARY KEY (tenant_id, order_no, line_no));
CREATE TRIGGER shifts_version BEFORE UPDATE ON billing.shifts FOR EACH ROW EXECUTE FUNCTION billing.bump_version();
GRANT SELECT ({_READ}) ON billing.shifts TO synapsor_reader, synapsor_writer; GRANT UPDATE (note) ON billing.shifts TO synapsor_writer;
""",
    "mariadb": f"""
CREATE TABLE shifts (order_no int, line_no varchar(20), tenant_id varchar(64), person varchar(64) NOT NULL, note varchar(200), hours int,
  state varchar(20) NOT NULL DEFAULT 'open', secret varchar(20) DEFAULT 'CANARY', version bigint NOT NULL DEFAULT 1,
  updated_at timestamp(6) NULL, PRIMARY KEY (tenant_id, order_no, line_no)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TRIGGER shifts_version BEFORE UPDATE ON shifts
  FOR EACH ROW SET NEW.version = OLD.version + 1, NEW.updated_at = CURRENT_TIMESTAMP(6);
GRANT SELECT ({_READ}) ON shifts TO synapsor_reader@'127.0.0.1';
GRANT SELECT ({_READ}), UPDATE (note) ON shifts TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE shifts (order_no INTEGER NOT NULL, line_no TEXT NOT NULL, tenant_id TEXT NOT NULL, person TEXT NOT NULL, note TEXT,
  hours INTEGER, state TEXT NOT NULL DEFAULT 'open', secret TEXT DEFAULT 'CANARY', version INTEGER NOT NULL DEFAULT 1, updated_at TEXT,
  PRIMARY KEY (tenant_id, order_no, line_no)) STRICT;
CREATE TRIGGER shifts_version AFTER UPDATE ON shifts WHEN NEW.version = OLD.version
BEGIN UPDATE shifts SET version = OLD.version + 1
  WHERE tenant_id = NEW.tenant_id AND order_no = NEW.order_no AND line_no = NEW.line_no; END;
""",
}
POLICY = """\
synapsor: 1
contract: shifts
contexts:
  staff: {tenant: session.tenant_id, principal: session.user}
tables:
  shifts:
    source: shop
    relation: billing.shifts
    key: [order_no, line_no]
    tenant: tenant_id
    principal: person
    only: {state: {not: void}}
    version: version
    columns:
      order_no: integer
      line_no: text
      tenant_id: text
      person: text
      note: text
      hours: integer
      state: text
      version: integer
      secret: denied
capabilities:
  shifts.one:
    description: Look at one shift of mine.
    read: shifts
    arguments: {number: {type: integer}, line: {type: string, max_length: 20}}
    where: {order_no: $number, line_no: $line}
    returns: [order_no, line_no, note]
  shifts.of_order:
    description: My shifts of one order.
    read: shifts
    arguments: {number: {type: integer}}
    where: {order_no: $number}
    returns: [order_no, line_no, note]
    total: true
  shifts.some:
    description: Some shifts of mine by their numbers.
    read: shifts
    arguments: {number: {type: integer}, lines: {type: string, max_length: 20, many: 3}}
    where: {order_no: $number, line_no: {one_of: $lines}}
    returns: [order_no, line_no]
  shifts.all:
    description: Every shift of mine.
    read: shifts
    returns: [order_no, line_no]
  shifts.note:
    description: Ask for the note of one shift of mine to be replaced.
    propose: update shifts
    arguments: {number: {type: integer}, line: {type: string, max_length: 20}, words: {type: string, max_length: 100}}
    where: {order_no: $number, line_no: $line}
    set: {note: $words}
    returns: [order_no, line_no, note]
    approval: {role: lead}
"""


def shift(order: int, line: str, person: str = "ann", tenant: str = "acme", **more: Any) -> dict[str, Any]:
    note = f"note of {tenant} {person}"
    row = {
        "order_no": order,
        "line_no": line,
        "tenant_id": tenant,
        "person": person,
        "note": note,
        "hours": 8,
        "state": "open",
    }
    return {**row, **more}


ROWS = [
    shift(1, "1"), shift(1, "2"), shift(2, "1"), shift(2, "2", state="void"), shift(12, "1"), shift(1, "21"),
    shift(1, "3", "bob"), shift(1, "4", "ANN"), shift(1, "5", "ann "), shift(1, "6", "\u00e1nn"), shift(1, "7", "ann\u200b"),
    shift(1, "1", tenant="globex"), shift(1, "3", tenant="globex"), shift(3, "1", tenant="globex"), shift(1, "9", tenant="ACME0"),
]  # fmt: skip
MINE = [(1, "1"), (1, "2"), (1, "21"), (2, "1"), (12, "1")]
FOREIGN = [(1, line) for line in ("3", "4", "5", "6", "7", "9")] + [(2, "2"), (3, "1")]
BOB = Session(values={"tenant_id": "acme", "user": "bob"}, client="test")


def name_of(database: Database) -> str:
    return "billing.shifts" if database.engine == "postgres" else "shifts"


@pytest.fixture
async def trial(each_database: Database) -> AsyncIterator[Trial]:
    engine, name = each_database.engine, name_of(each_database)
    drop = f"DROP TABLE IF EXISTS {name};"
    execute(each_database, drop + _MAKE[engine] + inserted(engine, name, ROWS))
    async with tried(each_database, POLICY) as found:
        yield found
    execute(each_database, drop)


def rows(database: Database, order: int, line: str) -> list[tuple[Any, ...]]:
    query = f"SELECT tenant_id, person, note, version FROM {name_of(database)} WHERE order_no = {order} AND line_no = '{line}'"
    return sorted(fetch(database, query))


def keys(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(row["order_no"], row["line_no"]) for row in answer["data"]["rows"]]


def plain(answer: dict[str, Any]) -> str:
    return json.dumps({**answer, "audit": None}, sort_keys=True)


@pytest.mark.requirement("read:principal", "read:tenant")
async def test_one_row_is_named_by_its_whole_key_and_a_foreign_one_is_not_there(trial: Trial) -> None:
    nothing = plain(await trial.call("shifts.one", number=99, line="1"))
    for order, line in MINE:
        answer = await trial.call("shifts.one", number=order, line=line)
        assert answer["data"]["row"] == {"order_no": order, "line_no": line, "note": "note of acme ann"}
    for order, line in (*FOREIGN, (1, "1 "), (1, "01"), (-1, "1"), (2**40, "1")):
        assert plain(await trial.call("shifts.one", number=order, line=line)) == nothing
    refused = plain(await trial.call("shifts.note", number=99, line="1", words="x"))
    for order, line in FOREIGN:
        assert plain(await trial.call("shifts.note", number=order, line=line, words="x")) == refused


@pytest.mark.requirement("read:principal")
async def test_a_list_holds_a_persons_own_rows_and_counts_no_other(trial: Trial) -> None:
    assert keys(await trial.call("shifts.all")) == MINE
    part = await trial.call("shifts.of_order", number=1)
    assert (keys(part), part["data"]["total"]) == ([(1, "1"), (1, "2"), (1, "21")], 3)
    assert keys(await trial.call("shifts.some", number=1, lines=["21", "3", "1"])) == [(1, "1"), (1, "21")]
    trial.session = BOB
    assert keys(await trial.call("shifts.all")) == [(1, "3")]
    trial.session = Session(values={"tenant_id": "globex", "user": "ann"}, client="test")
    assert keys(await trial.call("shifts.all")) == [(1, "1"), (1, "3"), (3, "1")]
    without: list[dict[str, Any]] = [{}, {"user": ""}, {"user": 7}, {"user": None}]
    for values in without:
        trial.session = Session(values={"tenant_id": "acme", **values}, client="test")
        assert (await trial.call("shifts.all"))["error"]["code"] == "scope_unavailable"


@pytest.mark.requirement("read:principal", "apply:guarded")
async def test_a_change_reaches_the_one_row_of_its_whole_key_and_person(trial: Trial, each_database: Database) -> None:
    before = {key: rows(each_database, *key) for key in {(r["order_no"], r["line_no"]) for r in ROWS}}
    asked = await trial.call("shifts.note", number=1, line="1", words="changed")
    assert asked["ok"], asked["error"]
    await trial.approve(asked)
    (report,) = await trial.apply()
    assert (report["outcome"], report["code"]) == ("applied", "")
    after = {key: rows(each_database, *key) for key in before}
    assert after.pop((1, "1")) == [("acme", "ann", "changed", 2), ("globex", "ann", "note of globex ann", 1)]
    del before[1, "1"]
    assert after == before


@pytest.mark.requirement("read:principal", "apply:guarded")
@pytest.mark.parametrize(
    "change",
    ["person = 'bob'", "tenant_id = 'other'", "line_no = '77'", "person = 'ANN'", "person = 'ann '", "hours = 9"],
)
async def test_a_row_that_went_to_somebody_else_after_the_approval_is_left_alone(
    trial: Trial, each_database: Database, change: str
) -> None:
    asked = await trial.call("shifts.note", number=1, line="1", words="changed")
    await trial.approve(asked)
    where = "tenant_id = 'acme' AND order_no = 1 AND line_no = '1'"
    execute(each_database, f"UPDATE {name_of(each_database)} SET {change} WHERE {where};")
    (report,) = await trial.apply()
    gone = "version_moved" if change == "hours = 9" else "row_gone"
    assert (report["outcome"], report["code"]) == ("conflict", gone)
    assert fetch(each_database, f"SELECT count(*) FROM {name_of(each_database)} WHERE note = 'changed'")[0][0] == 0


@pytest.mark.requirement("read:principal", "handles:own")
@pytest.mark.one_engine
async def test_the_record_of_one_persons_calls_is_not_there_for_another(trial: Trial) -> None:
    asked = await trial.call("shifts.note", number=1, line="1", words="mine")
    read = await trial.call("shifts.of_order", number=1)
    handles = [
        f"synapsor://proposal/{asked['proposal']['id']}",
        f"synapsor://evidence/{asked['evidence']['id']}",
        f"synapsor://evidence/{read['evidence']['id']}",
    ]
    for uri in handles:
        shown = await trial.desk.resource(uri, trial.session)
        assert shown is not None
        assert "person" not in json.dumps(shown)
        for session in (
            BOB,
            Session(values={"tenant_id": "acme", "user": "ANN"}),
            Session(values={"tenant_id": "acme"}),
        ):
            assert await trial.desk.resource(uri, session) is None
    status = {"proposal_id": asked["proposal"]["id"]}
    nobodys = await trial.desk.call("synapsor.proposal_status", {"proposal_id": "wrp_" + "0" * 20}, BOB)
    assert plain(await trial.desk.call("synapsor.proposal_status", status, BOB)) == plain(nobodys)
    assert (await trial.desk.call("synapsor.proposal_status", status, trial.session))["ok"]


@pytest.mark.requirement("read:principal")
@pytest.mark.one_engine
async def test_the_same_request_of_two_people_is_two_requests(trial: Trial, each_database: Database) -> None:
    asked = await trial.call("shifts.note", number=1, line="2", words="mine")
    where = "tenant_id = 'acme' AND order_no = 1 AND line_no = '2'"
    execute(each_database, f"UPDATE {name_of(each_database)} SET person = 'bob' WHERE {where};")
    trial.session = BOB
    again = await trial.call("shifts.note", number=1, line="2", words="mine")
    assert again["proposal"]["id"] != asked["proposal"]["id"]
    await trial.approve(asked)
    await trial.approve(again)
    reports = {report["proposal"]: report["outcome"] for report in await trial.apply()}
    assert reports == {asked["proposal"]["id"]: "conflict", again["proposal"]["id"]: "applied"}
