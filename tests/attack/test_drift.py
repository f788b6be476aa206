"""A relation that is no longer what it was when its contract was activated stops what reads it, and nothing else."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.facts import ColumnFacts, RelationFacts
from synapsor.core.plan import Relation
from synapsor.core.shape import compare, differences, recorded, shape_digest, shape_of
from synapsor.errors import Failure, SourceFailure
from synapsor.examine import examine
from synapsor.flow import drift
from tests.attack.odd import POLICY, odd_table
from tests.attack.shop import Shop, meanwhile, open_shop
from tests.databases import Database
from tests.projects import activate_all
from tests.unit.contracts import contract

ODD, OTHER = ("odd.inspect", {"number": 1}), ("odd.other", {"invoice_id": "INV-3001"})
VIEW = (
    "SELECT id, tenant_id, customer, status, amount, late_fee_cents, waiver_reason, note, due_date, row_version, updated_at"
    " FROM {schema}invoices"
)
_PG_VIEW = "CREATE OR REPLACE VIEW billing.invoice_review WITH (security_barrier = true) AS " + VIEW.format(
    schema="billing."
)
_MY_VIEW = "CREATE OR REPLACE SQL SECURITY DEFINER VIEW invoice_review AS " + VIEW.format(schema="")
CHANGES = {
    "postgres a length": ("ALTER TABLE {odd} ALTER word TYPE varchar(9)", "at most 5", "at most 9"),
    "postgres a type": ("ALTER TABLE {odd} ALTER thin TYPE varchar(50)", "column thin: text", "character varying"),
    "postgres a missing value": ("ALTER TABLE {odd} ALTER note SET NOT NULL", "may be null", "not null"),
    "postgres a key": ("ALTER TABLE {odd} DROP CONSTRAINT odd_pkey", "proven unique: id", "nothing"),
    "postgres a trigger": ("DROP TRIGGER odd_version ON {odd}", "trigger odd_version", "nothing"),
    "postgres a trigger that is off": ("ALTER TABLE {odd} DISABLE TRIGGER odd_version", "(O, ", "(D, "),
    "postgres a policy": (
        "CREATE POLICY all_rows ON {odd} USING (true); ALTER TABLE {odd} ENABLE ROW LEVEL SECURITY",
        "row security of billing.odd: off",
        "on",
    ),
    "mariadb a length": ("ALTER TABLE odd MODIFY word varchar(9)", "at most 5", "at most 9"),
    "mariadb a missing value": ("ALTER TABLE odd MODIFY note varchar(2000) NOT NULL", "may be null", "not null"),
    "mariadb a key": ("ALTER TABLE odd DROP PRIMARY KEY", "proven unique: id", "nothing"),
    "sqlite a trigger": ("DROP TRIGGER odd_version", "trigger odd_version", "nothing"),
    "sqlite one trigger more": (
        "CREATE TRIGGER odd_more BEFORE UPDATE ON odd BEGIN SELECT 1; END",
        "nothing",
        "CREATE TRIGGER odd_more",
    ),
}
VIEWS = {
    "postgres": (f"{_PG_VIEW} WHERE status <> 'paid'", _PG_VIEW),
    "mariadb": (f"{_MY_VIEW} WHERE status <> 'paid'", _MY_VIEW),
    "sqlite": (
        "DROP VIEW invoice_review; CREATE VIEW invoice_review AS " + VIEW.format(schema="") + " WHERE status <> 'paid'",
        "DROP VIEW invoice_review; CREATE VIEW invoice_review AS " + VIEW.format(schema=""),
    ),
}


@pytest_asyncio.fixture
async def odd_of(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    """The odd project on the engine that the case names."""
    case: str = request.param
    database: Database = request.getfixturevalue(f"{case.partition(' ')[0]}_db")
    with odd_table(database):
        async with open_shop(tmp_path / "project", database, policy=POLICY) as found:
            yield found


async def code(desk: Any, asked: tuple[str, dict[str, Any]], shop: Shop) -> str:
    """Return how a call ended."""
    shop.desk = desk
    answer = await shop.call(*asked)
    return "ok" if answer["ok"] else str(answer["error"]["code"])


def later(shop: Shop, seconds: float) -> None:
    """Let time pass for what watches the relations."""
    for watch in shop.desk._watches.values():
        watch._clock = partial(_ahead, watch._clock, seconds)


def _ahead(clock: Callable[[], float], seconds: float) -> float:
    return clock() + seconds


@pytest.mark.requirement("drift:refused")
@pytest.mark.parametrize(("odd_of", "case"), [(c, c) for c in CHANGES], indirect=["odd_of"], ids=list(CHANGES))
async def test_what_changed_since_the_activation_is_named_and_refused_and_accepted_by_a_new_one(
    odd_of: Shop, case: str
) -> None:
    change, old, new = CHANGES[case]
    assert [f for f in await examine(odd_of.project) if f.rule == "schema_drift"] == []
    odd_of.change(change)
    told = [f for f in await examine(odd_of.project) if f.rule == "schema_drift"]
    assert told
    assert all(f.fatal and "odd" in f.message and "synapsor activate" in f.fix for f in told)
    assert any(old in f.message.partition(" → ")[0] + f.message and new in f.message.partition(" → ")[2] for f in told)
    desk = await odd_of.project.desk()
    assert [await code(desk, asked, odd_of) for asked in (ODD, OTHER)] == ["schema_drift", "ok"]
    await activate_all(odd_of.files, odd_of.project)
    assert [f for f in await examine(odd_of.project) if f.rule == "schema_drift"] == []
    assert await code(await odd_of.project.desk(), ODD, odd_of) == "ok"


@pytest.mark.requirement("drift:refused")
@pytest.mark.parametrize("odd_of", ["postgres", "mariadb", "sqlite"], indirect=True)
async def test_a_view_that_was_redefined_stops_its_reads_in_a_running_server_and_nothing_else(odd_of: Shop) -> None:
    do, undo = VIEWS[odd_of.database.engine]
    desk = odd_of.desk
    assert await code(desk, OTHER, odd_of) == "ok"
    with meanwhile(odd_of, do, undo):
        assert await code(desk, OTHER, odd_of) == "ok"  # the catalogue is not asked for a call
        later(odd_of, drift.LASTS)
        assert [await code(desk, asked, odd_of) for asked in (OTHER, ODD, OTHER)] == [
            "schema_drift",
            "ok",
            "schema_drift",
        ]
        assert ("odd.other", "schema_drift") in odd_of.audits()
        await activate_all(odd_of.files, odd_of.project)
        later(odd_of, drift.RETRY)
        assert await code(desk, OTHER, odd_of) == "ok"
    later(odd_of, drift.LASTS)
    assert await code(desk, OTHER, odd_of) == "schema_drift"


@pytest.mark.requirement("drift:refused")
@pytest.mark.parametrize("odd_of", ["postgres"], indirect=True)
async def test_an_accepted_shape_is_used_by_the_running_server(odd_of: Shop) -> None:
    desk = odd_of.desk
    odd_of.change("ALTER TABLE {odd} ALTER word TYPE varchar(9)")
    later(odd_of, drift.LASTS)
    long = {"number": 1, "value": "ninechars"}
    assert await code(desk, ("odd.propose_word", long), odd_of) == "schema_drift"
    await activate_all(odd_of.files, odd_of.project)
    later(odd_of, drift.RETRY)
    assert await code(desk, ("odd.propose_word", long), odd_of) == "ok"
    assert await code(desk, ("odd.propose_word", {"number": 1, "value": "tenletters"}), odd_of) == "invalid_arguments"


@pytest.mark.requirement("drift:refused")
@pytest.mark.parametrize("odd_of", ["postgres"], indirect=True)
async def test_a_catalogue_that_cannot_be_asked_is_not_taken_for_a_good_one(
    odd_of: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = odd_of.project.reader("shop")
    asked: list[Relation] = []
    failing = [Failure.UNAVAILABLE, Failure.BUSY]

    async def describe(relation: Relation) -> None:
        asked.append(relation)
        raise SourceFailure(failing.pop())

    monkeypatch.setattr(reader, "describe", describe)
    assert (await code(odd_of.desk, ODD, odd_of), asked) == ("ok", [])
    later(odd_of, drift.LASTS)
    assert [await code(odd_of.desk, ODD, odd_of) for _ in range(2)] == ["busy", "source_unavailable"]
    assert len(asked) == 2
    monkeypatch.undo()
    assert await code(odd_of.desk, ODD, odd_of) == "ok"


TABLE = contract().tables["invoices"]
FACTS = RelationFacts(
    relation=Relation(schema="billing", name="invoice_review"),
    kind="view",
    columns={
        "id": ColumnFacts(name="id", native="text", family=frozenset({"text"}), nullable=False),
        "more": ColumnFacts(name="more", native="text", family=frozenset({"text"})),
    },
    unique=(frozenset({"id"}), frozenset({"more"})),
    traits={"definition of billing.invoice_review": "SELECT " + "x" * 400},
)


def test_a_shape_is_of_mapped_columns_alone_and_a_long_text_stays_another_one_for_another_text() -> None:
    shape = shape_of(TABLE, FACTS)
    told = dict(shape)
    assert told["column id"] == "text, text, not null, compared bytewise"
    assert (told["proven unique"], "column more" in told) == ("id", False)
    longer = RelationFacts(
        **{**_fields(FACTS), "traits": {"definition of billing.invoice_review": "SELECT " + "x" * 401}}
    )
    (difference,) = differences(shape, shape_of(TABLE, longer))
    assert difference.startswith("definition of billing.invoice_review: SELECT xx")


def _fields(facts: RelationFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in RelationFacts.__dataclass_fields__}


@pytest.mark.requirement("drift:refused")
def test_a_shape_counts_only_as_it_was_signed() -> None:
    shape = shape_of(TABLE, FACTS)
    signed = {"invoices": shape_digest(shape)}
    metadata = {"shapes": {"invoices": shape}}
    assert recorded(metadata, signed, "invoices") == shape
    assert recorded({"shapes": {"invoices": shape[1:]}}, signed, "invoices") is None
    assert recorded({}, signed, "invoices") is None
    assert compare(None, shape, signed=True) == ["the recorded shape is not the one that was signed"]
    assert compare(shape, None, signed=True) == ["the relation: as recorded → not there"]
    assert compare(None, shape, signed=False) == []
