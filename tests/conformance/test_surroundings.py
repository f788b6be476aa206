"""Every engine tells what stands around a table in the same words: one suite, run through each source's read credential."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from synapsor.core.surroundings import Action, Reference, Surroundings, Trigger, Unseen
from synapsor.ports import ReadSource
from tests.attack.orders import orders_tables
from tests.databases import Database, execute
from tests.sources import open_reader, relation

A = Action


@pytest.fixture
def orders(each_database: Database) -> Iterator[Database]:
    """The orders on each engine."""
    with orders_tables(each_database):
        yield each_database


@pytest_asyncio.fixture
async def reader(orders: Database) -> AsyncIterator[ReadSource]:
    source = open_reader(orders)
    yield source
    await source.aclose()


def keys_of(found: Surroundings) -> set[tuple[str, tuple[tuple[str, str], ...], Action, Action]]:
    """Return the keys that refer, with NO ACTION and RESTRICT taken for one, which they are on some engines."""

    def one(action: Action) -> Action:
        return A.RESTRICT if action.refuses else action

    return {(k.relation.name, k.columns, one(k.on_delete), one(k.on_update)) for k in found.referrers}


@pytest.mark.requirement("blast:named")
async def test_who_refers_to_a_table_is_told_with_the_actions(orders: Database, reader: ReadSource) -> None:
    found = await reader.surroundings(relation(orders, "orders"))
    assert found is not None
    if orders.engine == "mariadb":  # a reader sees which tables that it may read refer, and nothing more
        pairs = {"lines": "id", "notes": "id", "bills": "id", "tags": "code"}
        named = {(n, ((("code" if n == "tags" else "order_id"), to),), A.UNKNOWN, A.UNKNOWN) for n, to in pairs.items()}
        assert (keys_of(found), found.unseen) == (named, frozenset(Unseen))
        return
    assert keys_of(found) == {
        ("lines", (("order_id", "id"),), A.CASCADE, A.RESTRICT),
        ("notes", (("order_id", "id"),), A.SET_NULL, A.RESTRICT),
        ("bills", (("order_id", "id"),), A.RESTRICT, A.RESTRICT),
        ("secrets", (("order_id", "id"),), A.RESTRICT, A.RESTRICT),
        ("tags", (("code", "code"),), A.SET_NULL, A.CASCADE),
    }
    assert found.unseen == frozenset()
    keys = {"lines_order", "notes_order", "bills_order", "secrets_order", "tags_code"}
    assert {key.name for key in found.referrers} == ({""} if orders.engine == "sqlite" else keys)


@pytest.mark.requirement("blast:named")
async def test_what_a_table_refers_to_what_fires_and_what_is_computed(orders: Database, reader: ReadSource) -> None:
    found = await reader.surroundings(relation(orders, "orders"))
    assert found is not None
    if orders.engine == "mariadb":
        execute(orders, "GRANT SELECT ON orders TO synapsor_reader@'127.0.0.1'")
        more = await reader.surroundings(relation(orders, "orders"))
        execute(orders, "REVOKE SELECT ON orders FROM synapsor_reader@'127.0.0.1'")
        reference = Reference(name="orders_firm", to=relation(orders, "firms"), columns=(("firm", "id"),))
        assert more is not None
        assert (more.references, more.generated) == ((reference,), ("twice",))
        assert more.unseen == {Unseen.REFERRERS, Unseen.TRIGGERS}
        assert (found.references, found.triggers, found.generated, found.follow) == ((), (), (), False)
        return
    name = "" if orders.engine == "sqlite" else "orders_firm"
    assert found.references == (Reference(name=name, to=relation(orders, "firms"), columns=(("firm", "id"),)),)
    assert set(found.triggers) == {
        Trigger(name="orders_gone", timing="after", events=frozenset({"delete"})),
        Trigger(name="orders_total", timing="after", events=frozenset({"update"}), columns=frozenset({"total"})),
    }
    assert (found.generated, found.follow) == (("twice",), True)


@pytest.mark.requirement("blast:unknown-is-not-green")
async def test_what_is_not_there_or_a_view_is_not_taken_for_a_table_with_nothing_around_it(
    orders: Database, reader: ReadSource
) -> None:
    view = await reader.surroundings(relation(orders, "invoice_review"))
    assert view is not None
    assert view.unseen == frozenset(Unseen)
    nothing = await reader.surroundings(relation(orders, "nothing"))
    assert nothing is None or nothing.unseen == frozenset(Unseen)


HOSTILE = {
    "postgres": (
        'CREATE TABLE billing."odd "" $1 \u202e; --" (id integer, "o""f" text REFERENCES billing.orders (id) ON DELETE CASCADE)',
        'DROP TABLE billing."odd "" $1 \u202e; --"',
    ),
    "sqlite": (
        'CREATE TABLE "odd "" $1 \u202e; --" (id INTEGER, "o""f" TEXT REFERENCES orders (id) ON DELETE CASCADE)',
        'DROP TABLE "odd "" $1 \u202e; --"',
    ),
}


@pytest.mark.requirement("blast:named")
async def test_a_hostile_name_is_told_as_it_is(orders: Database, reader: ReadSource) -> None:
    if orders.engine == "mariadb":
        pytest.skip("a reader there does not see a table that it may not read")
    make, drop = HOSTILE[orders.engine]
    execute(orders, make)
    try:
        found = await reader.surroundings(relation(orders, "orders"))
    finally:
        execute(orders, drop)
    assert found is not None
    odd = next(key for key in found.referrers if key.relation.name.startswith("odd"))
    assert (odd.relation.name, odd.columns) == ('odd " $1 \u202e; --', (('o"f', "id"),))


@pytest.mark.requirement("blast:unknown-is-not-green")
async def test_a_trigger_whose_text_says_one_thing_in_a_comment_is_read_by_its_code(orders: Database) -> None:
    if orders.engine != "sqlite":
        pytest.skip("the others have it from their catalogue")
    execute(
        orders,
        "CREATE TRIGGER [a UPDATE] -- BEFORE DELETE ON\n AFTER INSERT ON orders BEGIN SELECT 1; END;"
        'CREATE TRIGGER "b ""INSERT" INSERT ON orders BEGIN SELECT 1; END;'
        "CREATE TRIGGER c BEFORE UPDATE OF [total] , `code` ON orders BEGIN SELECT 1; END;",
    )
    source = open_reader(orders)
    try:
        found = await source.surroundings(relation(orders, "orders"))
    finally:
        await source.aclose()
    assert found is not None
    told = {one.name: (one.timing, set(one.events), set(one.columns)) for one in found.triggers}
    assert told["a UPDATE"] == ("after", {"insert"}, set())
    assert told['b "INSERT'] == ("before", {"insert"}, set())
    assert told["c"] == ("before", {"update"}, {"total", "code"})
