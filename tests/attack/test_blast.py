"""What a reviewer is told of what a change touches beside its own row, on every engine: all that is there, counted, and no value of it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.card.card import card_of
from synapsor.approve.card.looks import Look
from synapsor.approve.card.now import with_now
from synapsor.approve.card.view import Card
from synapsor.approve.terminal.card import render
from synapsor.core.blast import MOST_CASCADED, Blast, Colour, Count, Reached, Uncounted, blast_body
from synapsor.core.plan import Relation
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.surroundings import Action, Referrer, Unseen
from synapsor.errors import Failure, SourceFailure
from synapsor.flow import blast as flow_blast
from synapsor.flow.recheck import call_of_look
from tests.attack.looking import asked, looks
from tests.attack.orders import POLICY, orders_tables
from tests.attack.shop import Shop, meanwhile, open_shop
from tests.attack.test_canaries import ledger_bytes
from tests.databases import Database, execute


@pytest_asyncio.fixture
async def orders(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the orders."""
    with orders_tables(database):
        async with open_shop(tmp_path / "project", database, policy=POLICY) as found:
            yield found


async def touched(shop: Shop, proposal: Proposal) -> dict[str, Any]:
    """Return what a proposal touches as data, when its connection is at rest."""
    both = await looks(shop).now(proposal, who="leo")
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    body = blast_body(both.blast)
    assert (both.blast.proposal, body["operation"]) == (proposal.id, proposal.operation)
    return body


def reached(body: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return by table what becomes of its rows, how deep, and how many there are or why that is not told."""
    found = {}
    for one in body["reached"]:
        action = "restrict" if one["action"] == "no action" else one["action"]
        count = one["count"] and (
            one["count"]["rows"] if one["count"]["rows"] is not None else one["count"]["not_counted"]
        )
        found[one["relation"].removeprefix("billing.")] = (action, one["depth"], count)
    return found


def fired(body: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    return {(one["name"], one["event"], one["on"]) for one in body["triggers"]}


@pytest.mark.requirement("blast:named")
async def test_a_delete_names_and_counts_every_row_that_refers(orders: Shop) -> None:
    body = await touched(orders, await asked(orders, "orders.remove", order_id="o1"))
    told = reached(body)
    assert (body["colour"], body["checked"], body["computed"], body["cut"]) == ("red", [], [], False)
    assert "CANARY" not in json.dumps(body)
    if (
        orders.database.engine == "mariadb"
    ):  # a reader sees neither actions nor triggers; the contract names what it accepts
        assert told["parts"] == ("unknown", 2, None)
        assert {name: count for name, (_, depth, count) in told.items() if depth == 1} == {
            "lines": 2,
            "notes": 1,
            "bills": 0,
            "tags": 2,
            "secrets": "denied",
        }
        assert fired(body) == {("orders_gone", "delete", None), ("lines_gone", "delete", None)}
        assert body["unseen"] == ["referrers", "triggers"]
        return
    assert told == {
        "lines": ("cascade", 1, 2),
        "parts": ("cascade", 2, None),
        "notes": ("set null", 1, 1),
        "bills": ("restrict", 1, 0),
        # who reads a file of SQLite reads all of it
        "secrets": ("restrict", 1, 1 if orders.database.engine == "sqlite" else "denied"),
        "tags": ("set null", 1, 2),
    }
    assert body["reasons"][0] == {"colour": "red", "words": "it leads on beyond the rows that refer to it"}
    assert fired(body) == {("orders_gone", "delete", None), ("lines_gone", "delete", "billing.lines")}
    assert body["unseen"] == []


@pytest.mark.requirement("blast:accepted")
async def test_a_table_that_the_contract_does_not_accept_is_said_to_keep_the_worker_from_it(orders: Shop) -> None:
    body = await touched(orders, await asked(orders, "orders.remove", order_id="o1"))
    acting = {
        one["relation"]: one["accepted"] for one in body["reached"] if one["relation"].startswith("billing.notes")
    }
    assert acting == {"billing.notes": False}
    words = "its contract does not accept all of this, so the worker would not apply it"
    assert words in {one["words"] for one in body["reasons"]}
    assert all(one["accepted"] for one in body["reached"] if one["relation"] == "billing.lines")


@pytest.mark.requirement("blast:counted")
async def test_rows_are_counted_over_all_members_and_none_of_another_row(orders: Shop) -> None:
    counts = {"lines": 3, "notes": 3, "bills": 1, "tags": 3}
    body = await touched(orders, await asked(orders, "orders.remove_all", firm=1))
    assert {name: told[2] for name, told in reached(body).items() if name in counts} == counts
    alone = reached(await touched(orders, await asked(orders, "orders.remove_all", firm=2)))
    assert {name: told[2] for name, told in alone.items() if name in counts} == dict.fromkeys(counts, 0)
    assert "parts" not in alone, "what nothing leads to is not reached"


@pytest.mark.requirement("blast:named")
async def test_an_update_reaches_what_refers_to_the_columns_that_it_alters(orders: Shop) -> None:
    maria = orders.database.engine == "mariadb"
    body = await touched(orders, await asked(orders, "orders.total", order_id="o1", total=7))
    assert (reached(body), body["checked"]) == ({}, [])
    assert body["computed"] == ([] if maria else ["twice"])
    assert fired(body) == (set() if maria else {("orders_total", "update", None)})
    assert body["colour"] == "amber"
    body = await touched(orders, await asked(orders, "orders.code", order_id="o1", code="c7", firm=2))
    assert reached(body) == {"tags": ("unknown" if maria else "cascade", 1, 2)}
    checked = [(one["to"], one["columns"]) for one in body["checked"]]
    assert checked == ([] if maria else [("billing.firms", [["firm", "id"]])])
    assert not fired(body), "an UPDATE OF other columns fires nothing"
    assert body["colour"] == "amber"
    same = await touched(orders, await asked(orders, "orders.code", order_id="o1", code="c1", firm=2))
    assert reached(same) == {}, "a column that is set to what it holds moves nobody"


@pytest.mark.requirement("blast:named")
async def test_an_insert_is_checked_and_reaches_nobody(orders: Shop) -> None:
    body = await touched(orders, await asked(orders, "orders.add", order_id="o7", firm=1))
    assert (reached(body), fired(body)) == ({}, set())
    maria = orders.database.engine == "mariadb"
    assert [one["to"] for one in body["checked"]] == ([] if maria else ["billing.firms"])
    assert (body["colour"], body["unseen"]) == (("amber", ["references", "triggers"]) if maria else ("green", []))


@pytest.mark.requirement("blast:counted")
async def test_a_count_ends_at_its_limit_and_says_so(orders: Shop) -> None:
    values = ", ".join(f"({number}, 'o3')" for number in range(100, 1103))
    orders.change(f"INSERT INTO {{notes}} VALUES {values}")
    proposal = await asked(orders, "orders.remove", order_id="o3")
    both = await looks(orders).now(proposal, who="leo")
    (count,) = [one.count for one in both.blast.reached if one.key.relation.name == "notes"]
    assert count == Count(rows=1000, more=True)
    assert count is not None
    assert count.words == "more than 1000"


@pytest.mark.requirement("blast:counted")
async def test_a_count_that_takes_too_long_or_fails_is_said_not_to_be_there(
    orders: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = await asked(orders, "orders.remove", order_id="o1")
    reader = orders.project.reader("shop")
    real = type(reader).fetch

    def failing(kind: Failure) -> Any:
        async def fetch(*_: Any, time_ms: int) -> Any:
            assert time_ms <= flow_blast.COUNT_MS
            raise SourceFailure(kind, state="CANARY")

        return fetch

    for kind, told in (
        (Failure.TIMEOUT, "timeout"),
        (Failure.DENIED, "denied"),
        (Failure.OTHER, "failed"),
        (Failure.VALUE, "failed"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(type(reader), "fetch", failing(kind))
            body = await _beside(orders, proposal)
        assert reached(body)["lines"][1:] == (1, told)
        assert (body["colour"], "CANARY" in json.dumps(body)) == ("red", False)
    with monkeypatch.context() as patch:
        patch.setattr(flow_blast, "ALL_COUNTS_MS", 0)
        assert reached(await touched(orders, proposal))["lines"][1:] == (1, "timeout")
    assert type(reader).fetch is real


async def _beside(shop: Shop, proposal: Proposal) -> dict[str, Any]:
    """Return what is touched, without the rest of a look, for which the reader works as ever."""
    served = await shop.project.activated(proposal.capability)
    call = call_of_look(proposal, who="leo", client="test", at=proposal.at)
    return blast_body(await flow_blast.blast(proposal, served, shop.ledger, call))


@pytest.mark.requirement("blast:recorded")
@pytest.mark.one_engine
async def test_that_rows_were_counted_is_recorded_and_nothing_of_them(orders: Shop) -> None:
    proposal = await asked(orders, "orders.remove", order_id="o1")
    before = len(orders.audits())
    await touched(orders, proposal)
    assert orders.audits()[before:] == [("orders.remove", "looked"), ("orders.remove", "counted")]
    assert b"CANARY" not in ledger_bytes(orders.files.root)
    assert (await orders.project.verify()).first_bad is None


@pytest.mark.requirement("blast:unknown-is-not-green")
async def test_where_row_security_may_hide_rows_a_count_says_so(orders: Shop) -> None:
    if orders.database.engine != "postgres":
        pytest.skip("the others have none")
    with meanwhile(
        orders,
        "ALTER TABLE billing.lines ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE billing.lines DISABLE ROW LEVEL SECURITY",
    ):
        both = await looks(orders).now(await asked(orders, "orders.remove", order_id="o3"), who="leo")
    (lines,) = [one for one in both.blast.reached if one.key.relation.name == "lines"]
    assert lines.count == Count(rows=0, veiled=True)
    assert (Colour.RED, "it is not known how many rows go with it") in both.blast.reasons


HOSTILE = {
    "postgres": (
        (
            'CREATE TABLE billing."odd \x1b[31m\u202e" (id integer, o text REFERENCES billing.orders (id) ON DELETE CASCADE);'
            'GRANT SELECT ON billing."odd \x1b[31m\u202e" TO synapsor_reader;'
            'CREATE TRIGGER "\x1b[2Japproved\u202e" AFTER DELETE ON billing.orders FOR EACH ROW EXECUTE FUNCTION billing.nothing()'
        ),
        'DROP TABLE billing."odd \x1b[31m\u202e"; DROP TRIGGER "\x1b[2Japproved\u202e" ON billing.orders',
    ),
    "sqlite": (
        (
            'CREATE TABLE "odd \x1b[31m\u202e" (id INTEGER, o TEXT REFERENCES orders (id) ON DELETE CASCADE);'
            'CREATE TRIGGER "\x1b[2Japproved\u202e" AFTER DELETE ON orders BEGIN SELECT 1; END'
        ),
        'DROP TABLE "odd \x1b[31m\u202e"; DROP TRIGGER "\x1b[2Japproved\u202e"',
    ),
}


@pytest.mark.requirement("blast:harmless")
@pytest.mark.parametrize("engine", HOSTILE)
async def test_a_hostile_name_does_nothing_to_a_terminal_or_a_statement(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    make, drop = HOSTILE[engine]
    with orders_tables(database):
        execute(database, make)  # before the activation, which would else count it as drift
        try:
            async with open_shop(tmp_path / "project", database, policy=POLICY) as shop:
                both, shown = await _hostile(shop)
        finally:
            execute(database, drop)
    odd = next(one for one in both.blast.reached if "odd" in one.key.relation.name)
    assert odd.count is not None
    assert odd.count.why is Uncounted.NAME
    assert any("approved" in one.trigger.name for one in both.blast.fired)
    assert both.blast.colour is Colour.RED
    for text in (render(shown), json.dumps(to_body(shown), ensure_ascii=False)):
        assert not {character for character in text if character in "\x1b\u202e"}
        assert "\\u202e" in text


async def _hostile(shop: Shop) -> tuple[Look, Card]:
    proposal = await asked(shop, "orders.remove", order_id="o3")
    both = await looks(shop).now(proposal, who="leo")
    now, operators = shop.project.clock.now(), shop.files.operators
    card = await card_of(shop.ledger, await shop.record(proposal.id), operators=operators, now=now)
    return both, with_now(card, proposal, both, now=now)


# ---- the rule ----------------------------------------------------------------------------------------------------------------


def by(action: Action, count: Count | None, *, depth: int = 1) -> Reached:
    key = Referrer(
        name="k",
        relation=Relation(schema="s", name="t"),
        columns=(("a", "id"),),
        on_delete=action,
        on_update=action,
    )
    return Reached(key=key, action=action, depth=depth, count=count)


NONE, FEW, MANY = Count(rows=0), Count(rows=MOST_CASCADED), Count(rows=MOST_CASCADED + 1)
DENIED = Count(why=Uncounted.DENIED)
G, A, R = Colour.GREEN, Colour.AMBER, Colour.RED


@pytest.mark.requirement("blast:unknown-is-not-green")
@pytest.mark.parametrize(
    ("operation", "one", "colour"),
    [
        ("delete", None, G),
        ("delete", by(Action.CASCADE, NONE), G),
        ("delete", by(Action.CASCADE, FEW), A),
        ("delete", by(Action.CASCADE, MANY), R),
        ("delete", by(Action.CASCADE, DENIED), R),
        ("delete", by(Action.CASCADE, replace(FEW, veiled=True)), R),
        ("delete", by(Action.CASCADE, None), R),
        ("delete", by(Action.SET_NULL, FEW), A),
        ("delete", by(Action.SET_NULL, MANY), A),
        ("delete", by(Action.SET_DEFAULT, DENIED), A),
        ("delete", by(Action.NO_ACTION, NONE), G),
        ("delete", by(Action.RESTRICT, FEW), A),
        ("delete", by(Action.RESTRICT, DENIED), A),
        ("delete", by(Action.UNKNOWN, NONE), G),
        ("delete", by(Action.UNKNOWN, FEW), R),
        ("delete", replace(by(Action.UNKNOWN, FEW), accepted=False), A),
        ("delete", replace(by(Action.CASCADE, NONE), accepted=False), A),
        ("delete", replace(by(Action.CASCADE, MANY), accepted=False), R),
        ("delete", by(Action.CASCADE, None, depth=2), R),
        ("delete", by(Action.SET_NULL, None, depth=2), R),
        ("delete", by(Action.RESTRICT, None, depth=2), A),
        ("update", by(Action.CASCADE, MANY), A),
        ("update", by(Action.UNKNOWN, FEW), A),
        ("update", by(Action.CASCADE, None, depth=2), R),
    ],
)
def test_the_colour_is_a_rule_over_what_is_listed(operation: str, one: Reached | None, colour: Colour) -> None:
    told = Blast(proposal="p", at="", operation=operation, reached=(one,) if one else ())
    assert told.colour is colour
    assert bool(told.reasons) is (colour is not G)


@pytest.mark.requirement("blast:unknown-is-not-green")
@pytest.mark.parametrize(
    ("operation", "more", "colour"),
    [
        ("delete", {"unseen": frozenset({Unseen.REFERRERS})}, A),
        ("update", {"unseen": frozenset({Unseen.REFERRERS})}, A),
        ("insert", {"unseen": frozenset({Unseen.TRIGGERS})}, A),
        ("insert", {"unseen": frozenset({Unseen.REFERENCES})}, G),
        ("update", {"cut": True}, R),
    ],
)
def test_what_is_not_seen_has_a_colour_of_its_own(operation: str, more: dict[str, Any], colour: Colour) -> None:
    assert Blast(proposal="p", at="", operation=operation, **more).colour is colour
