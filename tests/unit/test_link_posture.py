"""A link is followed where the catalogue proves it, or where a reviewer says why; and one row never becomes several."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synapsor.contract.load import read_text
from synapsor.contract.mapping import Link, Table
from synapsor.core.facts import Collation, ColumnFacts, ForeignKey, RelationFacts
from synapsor.core.link_posture import judge_link
from synapsor.core.plan import Relation
from synapsor.core.posture import filtered, judge_filters
from synapsor.values import ColumnType
from tests.unit.contracts import LINKED

ORDERS = Relation(schema="shop", name="orders")
BUYERS = Relation(schema="shop", name="buyers")
BUYER_KEY = frozenset({("buyer_id", "id")})


def facts(relation: Relation, *columns: str, native: str = "text") -> RelationFacts:
    known = {name: ColumnFacts(name=name, native=native, family=frozenset({"text"})) for name in columns}
    return RelationFacts(relation=relation, kind="table", columns=known)


OWN = replace(facts(ORDERS, "id", "org", "buyer_id"), references=(ForeignKey(to=BUYERS, columns=BUYER_KEY),))
THEIRS = replace(facts(BUYERS, "id", "tenant", "name"), unique=(frozenset({"id"}),))


def table(relation: Relation, tenant: str, *columns: str, **links: Link) -> Table:
    return Table.model_validate(
        {
            "source": "shop",
            "relation": str(relation),
            "key": "id",
            "tenant": tenant,
            "links": {name: link.model_dump(exclude_none=True) for name, link in links.items()},
            "columns": {name: {"type": ColumnType.TEXT} for name in (tenant, *columns)},
        }
    )


def rules(link: Link, own: RelationFacts, theirs: RelationFacts) -> list[str]:
    source = table(ORDERS, "org", "id", "buyer_id", buyer=link)
    found = list(judge_link("buyer", source, own, table(BUYERS, "tenant", "id", "name"), theirs))
    assert all(f.fatal and f.fix for f in found)
    return [f.rule for f in found]


PLAIN = Link(to="buyers", on={"buyer_id": "id"})
BECAUSE = Link(to="buyers", on={"buyer_id": "id"}, because="The importer keeps to it.")
MANY = Link(to="buyers", on={"buyer_id": "id"}, many=True)
WITH_TENANT = frozenset({("org", "tenant"), ("buyer_id", "id")})
OTHER = Relation(schema="other", name="buyers")
VIEW = replace(THEIRS, kind="view", unique=())


def referring(*keys: tuple[Relation, frozenset[tuple[str, str]]]) -> RelationFacts:
    return replace(OWN, references=tuple(ForeignKey(to=to, columns=columns) for to, columns in keys))


@pytest.mark.requirement("link:proven")
@pytest.mark.requirement("link:one-row")
@pytest.mark.parametrize(
    ("link", "own", "theirs", "found"),
    [
        (PLAIN, OWN, THEIRS, []),
        (PLAIN, referring((BUYERS, WITH_TENANT)), THEIRS, []),
        (PLAIN, OWN, replace(THEIRS, unique=(frozenset({"tenant", "id"}),)), []),
        (PLAIN, referring(), THEIRS, ["link_not_proven"]),
        (PLAIN, referring((OTHER, BUYER_KEY)), THEIRS, ["link_not_proven"]),
        (PLAIN, referring((BUYERS, frozenset({("buyer_id", "name")}))), THEIRS, ["link_not_proven"]),
        (PLAIN, referring((BUYERS, frozenset({("id", "id")}))), THEIRS, ["link_not_proven"]),
        (PLAIN, referring((BUYERS, BUYER_KEY | {("id", "name")})), THEIRS, ["link_not_proven"]),
        (PLAIN, referring((BUYERS, frozenset({("org", "tenant")}))), THEIRS, ["link_not_proven"]),
        (PLAIN, OWN, replace(THEIRS, unique=()), ["link_not_unique"]),
        (PLAIN, OWN, replace(THEIRS, unique=(frozenset({"id", "name"}),)), ["link_not_unique"]),
        (BECAUSE, OWN, replace(THEIRS, unique=()), ["link_not_unique"]),
        (BECAUSE, referring(), THEIRS, []),
        (PLAIN, OWN, VIEW, ["link_not_unique"]),
        (BECAUSE, referring(), VIEW, []),
        (MANY, referring(), VIEW, []),
    ],
)
def test_a_link_is_proven_or_said_to_be_so(
    link: Link, own: RelationFacts, theirs: RelationFacts, found: list[str]
) -> None:
    assert rules(link, own, theirs) == found


@pytest.mark.requirement("link:proven")
@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("text", "character varying", []),
        ("integer", "bigint", []),
        ("", "", []),
        ("uuid", "text", ["link_types"]),
        ("billing.status", "text", ["link_types"]),
        ("date", "timestamp without time zone", ["link_types"]),
    ],
)
def test_columns_that_the_database_does_not_compare_are_not_linked(one: str, other: str, found: list[str]) -> None:
    own = facts(ORDERS, "id", "org", "buyer_id", native=one)
    theirs = facts(BUYERS, "id", "tenant", "name", native=other)
    assert rules(MANY, own, theirs) == found


ASCII = Collation(name="ascii_bin", charset="ascii", binary=True, narrow=True)
GERMAN = Collation(name="latin1_german1_ci", charset="latin1", reach=1, narrow=True)
POLISH = Collation(name="latin2_general_ci", charset="latin2", reach=1, narrow=True)
GENERAL = Collation(name="utf8mb4_general_ci", charset="utf8mb4", reach=3)
UNICODE = Collation(name="utf8mb4_unicode_ci", charset="utf8mb4", reach=3)
LETTERS = Collation(name="utf8mb4_bin", charset="utf8mb4", reach=3, binary=True)
C, ICU = Collation(name='pg_catalog."C"'), Collation(name="billing.folding")


@pytest.mark.requirement("link:proven")
@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (GENERAL, GENERAL, []),
        (GENERAL, None, []),
        (None, None, []),
        (GENERAL, LETTERS, []),
        (LETTERS, ASCII, []),
        (GERMAN, UNICODE, []),
        (ASCII, POLISH, []),
        (C, C, []),
        (GENERAL, UNICODE, ["link_collations"]),
        (UNICODE, GENERAL, ["link_collations"]),
        (LETTERS, replace(LETTERS, name="utf8mb4_nopad_bin"), ["link_collations"]),
        (GERMAN, POLISH, ["link_collations"]),
        (C, ICU, ["link_collations"]),
    ],
)
def test_columns_of_collations_that_the_database_does_not_compare_are_not_linked(
    one: Collation | None, other: Collation | None, found: list[str]
) -> None:
    own = collated(OWN, "buyer_id", one)
    theirs = collated(THEIRS, "id", other)
    assert rules(PLAIN, own, theirs) == found
    assert rules(MANY, own, theirs) == []  # its rows are looked up by values


def collated(known: RelationFacts, name: str, collation: Collation | None) -> RelationFacts:
    return replace(known, columns={**known.columns, name: replace(known.columns[name], collation=collation)})


@pytest.mark.requirement("link:tenant")
def test_a_column_that_a_view_computes_is_found_where_rows_are_chosen_by_it_behind_a_link() -> None:
    contract = read_text(LINKED, "linked.yaml").contract
    assert contract is not None
    chosen = {name: filtered(contract, table) for name, table in contract.tables.items()}
    # By the filter of a list of invoices, by that of their lines, and by nothing.
    assert chosen == {"invoices": {"id", "status"}, "buyers": {"tier"}, "lines": {"count"}, "regions": set()}
    known = facts(BUYERS, "id", "tenant", "name", "tier")
    computed = {**known.columns, "tier": replace(known.columns["tier"], computed=True)}
    buyers = contract.tables["buyers"]
    (found,) = judge_filters(buyers, replace(known, columns=computed), chosen["buyers"])
    assert (found.rule, found.fatal) == ("computed_filter", False)
