"""The desk under attack: every argument, session, handle and row of the attacker's making, on every engine; a refusal from the table or the truth."""

import asyncio
import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from synapsor.core.scope import Session
from synapsor.errors import MEANINGS, Code, UnsafeSource
from tests.attack.shop import INSPECT, LIST, NOTE, WAIVER, Shop, meanwhile, open_shop, reopened
from tests.conformance.specimens import SPECIMENS
from tests.databases import Database, connect_mariadb, sqlite_path, table
from tests.projects import ACME, GLOBEX, ROOT, leo_approves

GOOD: dict[str, dict[str, Any]] = {
    INSPECT: {"invoice_id": "INV-3001"},
    LIST: {},
    WAIVER: {"invoice_id": "INV-3001", "reason": "Paid next day."},
    NOTE: {"invoice_id": "INV-3001", "note": "Disputed."},
    "synapsor.proposal_status": {"proposal_id": "wrp_" + "0" * 20},
    "synapsor.wait_for_decision": {"proposal_id": "wrp_" + "0" * 20},
}
"""Every tool of the shop, with arguments that fit."""
REFUSED = {"ok": False, "data": None, "proposal": None, "evidence": None, "source_database_changed": False}


def refused(answer: dict[str, Any], code: str) -> None:
    """See that a refusal is complete and says no more than the table's words and names of arguments."""
    assert {key: answer[key] for key in REFUSED} == REFUSED
    meaning = MEANINGS[Code(code)]
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].startswith(meaning.message)
    assert (answer["error"]["fix"], answer["error"]["retryable"]) == (meaning.fix, meaning.retryable)
    assert answer["summary"] == answer["error"]["message"]
    assert answer["audit"]["id"].startswith("aud_")


def same(*answers: dict[str, Any]) -> bool:
    """Tell whether answers differ in nothing but the handle of their audit."""
    return len({json.dumps({**answer, "audit": None}, sort_keys=True) for answer in answers}) == 1


def session(tenant: Any, user: Any = "support_agent_17") -> Session:
    """Return a trusted session."""
    return Session(values={"tenant_id": tenant, "user": user}, client="test")


# ---- arguments (A) ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("arguments:closed")
@pytest.mark.one_engine
async def test_an_argument_that_is_not_declared_is_refused_and_never_passed_over(shop: Shop) -> None:
    extra: dict[str, Any] = {
        "tenant_id": "globex",
        "tenant": "globex",
        "principal": "x",
        "sql": "SELECT 1",
        "columns": ["card_token"],
    }
    extra |= {
        "limit": 10_000,
        "where": "1=1",
        "source": "other",
        "": 1,
        "card_token": None,
        "approved": True,
        "x y": 1,
        "\ud800": 1,
    }
    calls = 0
    for name, good in GOOD.items():
        for key, value in extra.items():
            refused(await shop.call(name, {**good, key: value}), "invalid_arguments")
            calls += 1
        for key in good:
            refused(await shop.call(name, {k: v for k, v in good.items() if k != key}), "invalid_arguments")
            calls += 1
    audits = shop.audits()
    assert len(audits) == calls
    assert {outcome for _, outcome in audits} == {"invalid_arguments"}


WRONG_STRINGS: list[Any] = [
    None,
    1,
    1.0,
    True,
    [],
    {},
    ["INV-3001"],
    {"$ne": ""},
    b"INV-3001",
    "\0",
    "a\0b",
    "\ud800",
    "ok\udfff",
    "x" * 1001,
]


@pytest.mark.requirement("arguments:closed")
@pytest.mark.one_engine
async def test_no_string_argument_of_any_tool_takes_another_type_a_nul_half_a_character_or_too_much(shop: Shop) -> None:
    for name, good in GOOD.items():
        for key in good:
            for value in WRONG_STRINGS:
                answer = await shop.call(name, {**good, key: value})
                # A handle of the wrong form names nothing; any other argument is at fault itself.
                loose = name.startswith("synapsor.") and type(value) is str
                refused(answer, "not_found" if loose else "invalid_arguments")


@pytest.mark.requirement("wait:bounded")
@pytest.mark.one_engine
async def test_no_call_waits_for_anything_but_a_whole_number_of_seconds_within_its_bounds(shop: Shop) -> None:
    for seconds in (0, -1, 51, 10**30, 1.0, "1", True, None, [1], float("nan")):
        given = {"proposal_id": "wrp_" + "0" * 20, "seconds": seconds}
        refused(await shop.call("synapsor.wait_for_decision", given), "invalid_arguments")
    for seconds in (1, 50):
        given = {"proposal_id": "wrp_" + "0" * 20, "seconds": seconds}
        refused(await shop.call("synapsor.wait_for_decision", given), "not_found")


@pytest.mark.requirement("arguments:closed")
@pytest.mark.one_engine
async def test_a_whole_number_is_a_whole_number_and_nothing_that_looks_like_one(odd: Shop) -> None:
    assert (await odd.call("odd.inspect", {"number": 1}))["data"]["row"]["id"] == 1
    for value in (
        "1",
        True,
        False,
        1.0,
        1.9,
        "1_0",
        "\uff11",
        " 1",
        "1 ",
        "0x1",
        None,
        [1],
        2**53,
        -(2**53),
        10**30,
        float("nan"),
        "²",
    ):
        for name, more in (("odd.inspect", {}), ("odd.propose_note", {"value": "x"})):
            refused(await odd.call(name, {"number": value, **more}), "invalid_arguments")
    for value in (0, -1, 9, 2**53 - 1, 1 - 2**53):
        refused(await odd.call("odd.inspect", {"number": value}), "not_found")


HOSTILE = [
    "1 OR 1=1", "' OR '1'='1", "'; DROP TABLE invoices; --", "\\' or 1=1 -- ", "\\", "%s", "%(p1)s", "%", "$1", "$$", ":x", ":p1", "?", "@p",
    "{tenant}", "${env:HOME}", "/*! OR 1=1 */", "/*M! OR 1=1 */", "--", "#", ";", '" OR ""="', "INV-3001 ", "inv-3001", "INV-3001\u200b",
    "ＩＮＶ-3001", "INV-300%", "INV-3001' AND tenant_id='globex", "\u0130NV-3001", "INV-3001\n", "0", "", "NULL", "null", "1e0", "\x1a", "\U0001f9fe",
]  # fmt: skip


@pytest.mark.requirement("arguments:literal")
async def test_every_hostile_text_is_a_text_that_names_no_row_and_is_proposed_as_it_is(shop: Shop) -> None:
    count = shop.rows("SELECT count(*) FROM {invoices}")
    nothing = await shop.call(INSPECT, {"invoice_id": "INV-0000"})
    for text in HOSTILE:
        assert same(await shop.call(INSPECT, {"invoice_id": text}), nothing), text
        for name, key in ((WAIVER, "reason"), (NOTE, "note")):
            refused(await shop.call(name, {"invoice_id": text, key: "x"}), "not_found")
        answer = await shop.call(NOTE, {"invoice_id": "INV-3001", "note": text})
        assert answer["ok"], text
        assert answer["proposal"]["changes"] == [{"column": "note", "before": None, "after": text}]
    assert shop.rows("SELECT count(*) FROM {invoices}") == count
    assert shop.rows("SELECT note FROM {invoices} WHERE id = 'INV-3001'") == [(None,)]


@pytest.mark.requirement("arguments:closed")
@pytest.mark.one_engine
async def test_arguments_that_are_no_object_and_tools_that_are_not_there_are_refused_from_the_table(shop: Shop) -> None:
    for arguments in ([], [1], "x", 1, True, [["invoice_id", "INV-3001"]]):
        refused(await shop.desk.call(INSPECT, arguments, ACME), "invalid_arguments")  # type: ignore[arg-type]  # the attack
    for name in ("billing.nothing", "", "billing.inspect_invoice ", "BILLING.INSPECT_INVOICE", "approve", "__init__"):
        answer = await shop.call(name, GOOD[INSPECT])
        assert answer["error"]["code"] == "internal"
        assert answer["data"] is None


# ---- handles (A14) ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("handles:own")
async def test_a_record_of_another_tenant_or_person_is_the_same_as_one_that_is_not_there(shop: Shop) -> None:
    mine = await shop.call(WAIVER, GOOD[WAIVER])
    read = await shop.call(INSPECT, GOOD[INSPECT])
    uris = [
        f"synapsor://proposal/{mine['proposal']['id']}",
        f"synapsor://evidence/{mine['evidence']['id']}",
        f"synapsor://evidence/{read['evidence']['id']}",
    ]
    others = [
        GLOBEX,
        session("globex"),
        session("acme", "support_agent_18"),
        session("ACME"),
        session("acme "),
        session("acmé"),
    ]
    others += [
        session("acme", "SUPPORT_AGENT_17"),
        session("acme", None),
        session(None),
        session(0),
        Session(values={}),
    ]
    for uri in uris:
        assert await shop.desk.resource(uri, ACME) is not None
        for other in others:
            assert await shop.desk.resource(uri, other) is None
    own = await shop.call("synapsor.proposal_status", {"proposal_id": mine["proposal"]["id"]})
    assert own["proposal"]["id"] == mine["proposal"]["id"]
    random = await shop.call("synapsor.proposal_status", {"proposal_id": "wrp_" + secrets.token_hex(10)}, GLOBEX)
    refused(random, "not_found")
    for other in others:
        theirs = await shop.call("synapsor.proposal_status", {"proposal_id": mine["proposal"]["id"]}, other)
        assert same(theirs, random)


@pytest.mark.requirement("handles:own")
@pytest.mark.one_engine
async def test_a_uri_that_is_not_exactly_one_of_ours_names_nothing(shop: Shop) -> None:
    mine = (await shop.call(WAIVER, GOOD[WAIVER]))["proposal"]["id"]
    tail = mine.removeprefix("wrp_")
    uris = [
        mine,
        f"proposal/{mine}",
        f"synapsor://proposal/{mine}/",
        f"synapsor://proposal//{mine}",
        f"synapsor://proposal/../proposal/{mine}",
    ]
    uris += [
        f"synapsor://proposal/%77rp_{tail}",
        f"synapsor://proposal/{mine}%00",
        f"synapsor://proposal/{mine}\0",
        f"SYNAPSOR://proposal/{mine}",
    ]
    uris += [
        f"synapsor://proposal/{mine};drop",
        f"synapsor://proposal/{mine}' OR '1'='1",
        f"synapsor://proposal/{mine}\n",
        f"synapsor://proposal/wrp_{tail.upper()}",
    ]
    uris += [
        f"synapsor://evidence/{mine}",
        f"synapsor://proposal/{mine}?x=1",
        f"synapsor://decision/{mine}",
        "synapsor://proposal/latest",
    ]
    uris += [
        "",
        "synapsor://",
        "synapsor://proposal/",
        "file:///etc/passwd",
        "synapsor://proposal/" + "x" * 1_000_000,
        "synapsor://proposal/\ud800",
    ]
    for uri in uris:
        assert await shop.desk.resource(uri, ACME) is None, uri[:80]
    for handle in (f" {mine}", f"{mine} ", f"{mine}\n", mine.upper(), "latest", "%", "wrp_%", "x" * 1_000_000):
        refused(await shop.call("synapsor.proposal_status", {"proposal_id": handle}), "not_found")


# ---- tenants (B18, B19) -----------------------------------------------------------------------------------------------------


def _hostile_policy(relation: str) -> str:
    return f"""\
synapsor: 1
contract: hostile
contexts:
  support: {{tenant: session.tenant_id, principal: session.user}}
tables:
  hostile:
    source: shop
    relation: billing.{relation}
    key: id
    tenant: tenant_id
    version: version
    moves: [updated_at]
    columns:
      id: text
      tenant_id: text
      amount: {{type: numeric, scale: 2}}
      note: text
      version: integer
      updated_at: timestamptz
      secret: denied
capabilities:
  hostile.list:
    description: List every row of this shop.
    read: hostile
    order: [id]
    returns: [id, amount, note]
    limits: {{rows: 1000}}
  hostile.inspect:
    description: Look at one row of this shop.
    read: hostile
    arguments: {{row_id: {{type: string, max_length: 64}}}}
    where: {{id: $row_id}}
    returns: [id, amount, note]
  hostile.propose_note:
    description: Ask for the note of one row to be replaced.
    propose: update hostile
    arguments: {{row_id: {{type: string, max_length: 64}}, note: {{type: string, max_length: 500}}}}
    where: {{id: $row_id}}
    set: {{note: $note}}
    returns: [id, note]
    approval: {{role: billing_lead}}
"""


TENANTS = {
    "acme": 20, "ACME": 2, "acme ": 2, "acm\u00e9": 2, "ac\u200bme": 2, "\uff41\uff43\uff4d\uff45": 2, "globex": 2, "0": 2, "0zz": 2,
    "Acme": 0, "acme  ": 0, "acme\t": 0, "acme\u00a0": 0, "acme\u200b": 0, "acme\u0301": 0, " acme": 0, "acm": 0, "acme%": 0, "00": 0, "0.0": 0, "%": 0, "_": 0,
}  # fmt: skip
"""How many rows each tenant has, look-alikes without any among them."""
NO_TENANTS: list[Any] = [
    0,
    1,
    False,
    True,
    None,
    "",
    0.0,
    1.5,
    b"acme",
    ["acme"],
    {"a": 1},
    "a\0",
    "acme\0",
    "\ud800",
    2**70,
]


@pytest.fixture(params=["hostile_invoices", "hostile_invoices_unicode"])
def relation(request: pytest.FixtureRequest, database: Database) -> str:
    name: str = request.param
    if name.endswith("unicode") and database.engine != "mariadb":
        pytest.skip("one collation is enough where texts compare bytewise")
    return name


@pytest.mark.requirement("read:tenant", "apply:tenant")
async def test_a_tenant_sees_its_own_rows_and_none_of_a_look_alike_in_any_collation(
    tmp_path: Path, database: Database, relation: str
) -> None:
    async with open_shop(tmp_path / "project", database, policy=_hostile_policy(relation)) as shop:
        ids = {
            str(t): {row[0] for row in shop.rows(f"SELECT id, tenant_id FROM {{{relation}}}") if row[1] == t}
            for t in TENANTS
        }
        for tenant, count in TENANTS.items():
            answer = await shop.call("hostile.list", {}, session(tenant))
            assert answer["ok"] or answer["error"]["code"] == "not_found", tenant
            shown = {row["id"] for row in answer["data"]["rows"]} if answer["ok"] else set()
            assert (len(shown), shown) == (count, ids[tenant]), tenant
            for other, theirs in ids.items():
                for row_id in sorted(theirs)[:2]:
                    for name, more in (("hostile.inspect", {}), ("hostile.propose_note", {"note": "x"})):
                        one = await shop.call(name, {"row_id": row_id, **more}, session(tenant))
                        assert one["ok"] == (other == tenant), (tenant, row_id)
        for row_id, amount in (("H-aB3", "1.00"), ("H-Ab3", "2.00"), ("0", "3.00"), ("0zz", "4.00")):
            one = await shop.call("hostile.inspect", {"row_id": row_id})
            assert (one["data"]["row"]["id"], one["data"]["row"]["amount"]) == (row_id, amount)
        for row_id in ("H-ab3", "H-AB3", "h-aB3", "H-aB3 ", "0 ", "00"):
            refused(await shop.call("hostile.inspect", {"row_id": row_id}), "not_found")


@pytest.mark.requirement("read:tenant")
@pytest.mark.one_engine
async def test_a_session_whose_tenant_is_not_a_text_is_no_scope_and_sees_no_row(
    tmp_path: Path, database: Database, relation: str
) -> None:
    async with open_shop(tmp_path / "project", database, policy=_hostile_policy(relation)) as shop:
        for tenant in NO_TENANTS:
            for name, arguments in (
                ("hostile.list", {}),
                ("hostile.inspect", {"row_id": "H-zero-1"}),
                ("hostile.propose_note", {"row_id": "0", "note": "x"}),
            ):
                refused(await shop.call(name, arguments, session(tenant)), "scope_unavailable")
        for user in (None, "", 0, 1, True, b"x", ["x"]):
            refused(await shop.call("hostile.list", {}, session("acme", user)), "scope_unavailable")
        assert {outcome for _, outcome in shop.audits()} == {"scope_unavailable"}


@pytest.mark.requirement("apply:tenant")
async def test_a_change_of_one_tenants_row_leaves_its_look_alikes_as_they_are(
    tmp_path: Path, database: Database, relation: str
) -> None:
    async with open_shop(tmp_path / "project", database, policy=_hostile_policy(relation)) as shop:
        if relation.endswith("unicode"):
            shop.change("UPDATE {hostile_invoices_unicode} SET note = 'as it was' WHERE id = 'H-upper-1'")
        before = dict(shop.rows(f"SELECT id, note FROM {{{relation}}}"))
        rows = {"acme": "H-aB3", "ACME": "H-upper-1", "acme ": "H-space-1", "acm\u00e9": "H-accent-1", "0": "H-zero-1"}
        for tenant, row_id in rows.items():
            await shop.approved("hostile.propose_note", {"row_id": row_id, "note": f"of {tenant}"}, session(tenant))
            assert await shop.work() == [("applied", "")]
        after = dict(shop.rows(f"SELECT id, note FROM {{{relation}}}"))
        assert {k: v for k, v in after.items() if v != before[k]} == {
            row_id: f"of {tenant}" for tenant, row_id in rows.items()
        }


# ---- size (B12) -------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("read:bounded")
async def test_a_record_over_the_limit_is_refused_and_a_list_is_cut_and_says_by_what(odd: Shop) -> None:
    big = "repeat('x', {})" if odd.database.engine != "sqlite" else "printf('%.*c', {}, 'x')"
    cell = 2000 if odd.database.engine == "mariadb" else 24_000_000
    odd.change(f"UPDATE {{odd}} SET note = {big.replace('{}', '2000')} WHERE id = 1")
    assert (await odd.call("odd.inspect", {"number": 1}))["ok"]
    odd.change(f"UPDATE {{odd}} SET note = {big.replace('{}', '3')} WHERE id = 1")
    wide = "ALTER TABLE {odd} MODIFY note mediumtext" if odd.database.engine == "mariadb" else "SELECT 1"
    if odd.database.engine == "mariadb":
        odd.change("ALTER TABLE {odd} DROP KEY odd_note")
        odd.change(wide)
        cell = 8_000_000
    if odd.database.engine == "postgres":
        odd.change("ALTER TABLE {odd} DROP CONSTRAINT odd_note_key")
    odd.change(f"UPDATE {{odd}} SET note = {big.replace('{}', str(cell))} WHERE id = 1")
    refused(await odd.call("odd.inspect", {"number": 1}), "result_too_large")
    listed = (await odd.call("odd.list"))["data"]
    assert (listed["rows"], listed["truncated"], listed["cut_by"]) == ([], True, "bytes")
    odd.change(
        f"UPDATE {{odd}} SET note = {big.replace('{}', '1500')} WHERE id = 2; UPDATE {{odd}} SET note = 'one' WHERE id = 1"
    )
    listed = (await odd.call("odd.list"))["data"]
    assert [row["id"] for row in listed["rows"]] == [1, 2, 10]
    many = ", ".join(f"({n}, 'acme', 'n{n}', 'CANARY')" for n in range(100, 3100))
    odd.change(
        f"INSERT INTO {{odd}} (id, tenant_id, note, secret) VALUES {many}; UPDATE {{odd}} SET note = 'two' WHERE id = 2"
    )
    listed = (await odd.call("odd.list"))["data"]
    assert ([row["id"] for row in listed["rows"]], listed["count"], listed["truncated"], listed["cut_by"]) == (
        [1, 2, 10, *range(100, 107)], 10, True, "rows",
    )  # fmt: skip


# ---- the schema moves (B15) -------------------------------------------------------------------------------------------------

_DRIFT = {
    "postgres": [
        ("ALTER TABLE {odd} RENAME COLUMN word TO term", "ALTER TABLE {odd} RENAME COLUMN term TO word"),
        ("ALTER TABLE {odd} DROP COLUMN word", "ALTER TABLE {odd} ADD COLUMN word varchar(5); GRANT SELECT (word) ON {odd} TO synapsor_reader"),
        ("ALTER TABLE {odd} RENAME TO away", "ALTER TABLE billing.away RENAME TO odd"),
        ("REVOKE SELECT (note) ON {odd} FROM synapsor_reader", "GRANT SELECT (note) ON {odd} TO synapsor_reader"),
        ("ALTER TABLE {odd} ALTER amount TYPE text USING 'ten euros'", "ALTER TABLE {odd} ALTER amount TYPE numeric(12,2) USING 10.10"),
    ],
    "mariadb": [
        ("ALTER TABLE odd CHANGE word term varchar(5)", "ALTER TABLE odd CHANGE term word varchar(5)"),
        ("ALTER TABLE odd DROP COLUMN word", "ALTER TABLE odd ADD COLUMN word varchar(5)"),
        ("RENAME TABLE odd TO away", "RENAME TABLE away TO odd"),
        ("REVOKE SELECT (note) ON odd FROM synapsor_reader@'127.0.0.1'", "GRANT SELECT (note) ON odd TO synapsor_reader@'127.0.0.1'"),
        ("ALTER TABLE odd ADD a2 text; UPDATE odd SET a2 = 'ten euros'; ALTER TABLE odd DROP amount, CHANGE a2 amount text", "UPDATE odd SET amount = '10.10'; ALTER TABLE odd MODIFY amount decimal(12,2)"),
    ],
    "sqlite": [
        ("ALTER TABLE odd RENAME COLUMN word TO term", "ALTER TABLE odd RENAME COLUMN term TO word"),
        ("ALTER TABLE odd RENAME TO away", "ALTER TABLE away RENAME TO odd"),
        ("UPDATE odd SET amount = 'ten euros'", "UPDATE odd SET amount = '10.10'"),
    ],
}  # fmt: skip


@pytest.mark.requirement("read:drift")
async def test_a_schema_that_moves_under_a_running_server_refuses_by_name_while_the_rest_serves_and_comes_back(
    odd: Shop,
) -> None:
    before = await odd.call("odd.inspect", {"number": 1})
    assert before["ok"]
    for do, undo in _DRIFT[odd.database.engine]:
        with meanwhile(odd, do, undo):
            for name, arguments in (("odd.inspect", {"number": 1}), ("odd.propose_note", {"number": 1, "value": "x"})):
                refused(await odd.call(name, arguments), "schema_drift")
            assert (await odd.call("odd.other", {"invoice_id": "INV-3001"}))["ok"], do
        after = await odd.call("odd.inspect", {"number": 1})
        assert after["ok"], (undo, after["error"])
        assert after["data"]["row"]["note"] == "one"
    odd.change("ALTER TABLE {odd} ADD COLUMN newcomer text DEFAULT 'CANARY-new'")
    added = await odd.call("odd.inspect", {"number": 1})
    assert list(added["data"]["row"]) == ["id", "note", "word", "amount"]


@pytest.mark.requirement("read:drift")
async def test_a_server_that_starts_after_the_schema_moved_refuses_the_moved_by_name_or_does_not_start(
    odd: Shop,
) -> None:
    with meanwhile(odd, *_DRIFT[odd.database.engine][0]):
        if (
            odd.database.engine != "sqlite"
        ):  # a grant that lacks a reviewed column is looked at by a person before anything is served
            with pytest.raises(UnsafeSource):
                await odd.project.desk()
            return
        desk = await odd.project.desk()
        refused(await desk.call("odd.inspect", {"number": 1}, ACME), "schema_drift")
        refused(await desk.call("odd.propose_note", {"number": 1, "value": "x"}, ACME), "schema_drift")
        assert (await desk.call("odd.other", {"invoice_id": "INV-3001"}, ACME))["ok"]


# ---- one connection after another (B23, B24) --------------------------------------------------------------------------------


@pytest.mark.requirement("read:fresh")
async def test_a_read_sees_what_was_committed_the_moment_before(shop: Shop) -> None:
    for n in range(10):
        shop.change(f"UPDATE {{invoices}} SET late_fee_cents = {n} WHERE id = 'INV-3001'")
        answer = await shop.call(INSPECT, GOOD[INSPECT])
        assert answer["data"]["row"]["late_fee_cents"] == n


@asynccontextmanager
async def locked_table(database: Database, name: str = "invoices") -> AsyncIterator[None]:
    """Keep every reader of a table waiting."""
    if database.engine == "postgres":
        connection = await asyncpg.connect(database.admin_url)
        await connection.execute(f"BEGIN; LOCK TABLE {table(database, name)} IN ACCESS EXCLUSIVE MODE")
        yield
        await connection.close()
    elif database.engine == "mariadb":
        with closing(connect_mariadb(database.admin_url)) as maria, closing(maria.cursor()) as cursor:
            cursor.execute(f"LOCK TABLES {name} WRITE")
            yield
            cursor.execute("UNLOCK TABLES")
    else:
        with closing(sqlite3.connect(sqlite_path(database), isolation_level=None)) as raw:
            raw.execute("BEGIN EXCLUSIVE")
            yield
            raw.execute("ROLLBACK")


ONE = {"    receipts:": "    pool: {size: 1, wait_ms: 3000}\n    receipts:"}


@pytest.mark.requirement("read:tenant")
async def test_two_tenants_on_one_connection_never_see_each_other_after_an_answer_an_error_or_a_cancel(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database, config=ONE) as shop:

        async def both() -> None:
            for who, mine, other in ((ACME, "INV-3001", "INV-9001"), (GLOBEX, "INV-9001", "INV-3001")):
                assert (await shop.call(INSPECT, {"invoice_id": mine}, who))["data"]["row"]["id"] == mine
                refused(await shop.call(INSPECT, {"invoice_id": other}, who), "not_found")
                listed = (await shop.call(LIST, {}, who))["data"]["rows"]
                assert listed
                assert all(row["id"].startswith("INV-3" if who is ACME else "INV-9") for row in listed)

        await both()
        for _ in range(3):
            async with locked_table(database):
                call = asyncio.create_task(shop.call(INSPECT, {"invoice_id": "INV-9001"}, GLOBEX))
                await _in_flight(shop)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            await both()
        assert [outcome for _, outcome in shop.audits()].count("canceled") == 3


async def _in_flight(shop: Shop) -> None:
    """Return when the one connection has been taken by the call."""
    pool = shop.project.reader("shop")._pool  # type: ignore[attr-defined]  # to see that the call waits in the server
    async with asyncio.timeout(30):
        while not pool._slots.locked():  # noqa: ASYNC110  # no event tells that a statement is on its way
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)


# ---- evidence (B32) ---------------------------------------------------------------------------------------------------------

_PLACES = (
    {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
    {
        "TZ": "Pacific/Apia",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "1",
        "PGTZ": "America/St_Johns",
        "PGDATESTYLE": "SQL, DMY",
    },
    {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "4242", "PYTHONUTF8": "0", "PYTHONOPTIMIZE": "1"},
)


@pytest.mark.requirement("evidence:same-everywhere")
def test_the_same_rows_have_the_same_evidence_in_every_time_zone_locale_and_hash_seed(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "url").write_text(database.read_url, encoding="utf-8")
    command = [sys.executable, "-m", "tests.attack.see_specimens", database.engine, str(tmp_path / "url")]
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}", "HOME": str(tmp_path)}
    running = [
        subprocess.Popen(command, env={**base, **place}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        for place in _PLACES
    ]
    told = [process.communicate(timeout=100) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told[0][1].decode()[-2000:]
    first = json.loads(told[0][0])
    assert [out for out, _ in told[1:]] == [told[0][0]] * 2
    assert len(first) == 5
    assert len(next(iter(first.values()))["columns"]) > len(SPECIMENS[database.engine])


@pytest.mark.requirement("read:tenant")
async def test_what_one_desk_served_another_desk_of_the_same_project_finds_by_its_handle(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        answer = await shop.call(INSPECT, GOOD[INSPECT])
    async with reopened(shop.files) as again:
        found = await again.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", ACME)
        assert found is not None
        assert found["rows"] == [answer["data"]["row"]]


async def test_a_proposal_of_a_row_that_cannot_be_shown_is_not_filed(tmp_path: Path, postgres_db: Database) -> None:
    deep = "[" * 3000 + "]" * 3000
    policy = """\
synapsor: 1
contract: deep
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  specimens:
    source: shop
    relation: billing.specimens
    key: id
    tenant: tenant_id
    version: row_version
    moves: [updated_at]
    columns: {id: text, tenant_id: text, note: text, c_json: json, row_version: integer, updated_at: timestamptz}
capabilities:
  deep.propose_note:
    description: Ask for the note of one specimen to be replaced.
    propose: update specimens
    arguments: {specimen: {type: string, max_length: 64}, note: {type: string, max_length: 500}}
    where: {id: $specimen}
    set: {note: $note}
    returns: [%s]
    approval: {role: billing_lead}
"""
    for number, returns in enumerate(("id, c_json", "id")):
        async with open_shop(tmp_path / f"project{number}", postgres_db, policy=policy % returns) as shop:
            shop.change(f"UPDATE {{specimens}} SET c_json = '{deep}' WHERE id = 'SP-1'")
            refused(await shop.call("deep.propose_note", {"specimen": "SP-1", "note": "x"}), "schema_drift")
            assert await shop.ledger.inbox(status=None, limit=10) == ()


async def test_nothing_of_what_a_desk_answers_names_a_relation_a_tenant_a_person_or_a_hidden_column(shop: Shop) -> None:
    answers = [await shop.call(name, arguments) for name, arguments in GOOD.items()]
    proposal = answers[2]["proposal"]
    await leo_approves(shop.files, shop.project, proposal["id"], proposal["digest"])
    answers.append(await shop.call("synapsor.proposal_status", {"proposal_id": proposal["id"]}))
    answers.append(await shop.call(INSPECT, {"invoice_id": "INV-9001"}))
    text = json.dumps(answers)
    for word in (
        "invoice_review",
        "tenant_id",
        "acme",
        "support_agent",
        "card_token",
        "row_version",
        "leo",
        "CANARY",
        "synapsor_receipts",
    ):
        assert word not in text, word
