"""The looks at related rows: under whose names, by what, and each row once; and what holds them."""

from typing import Any

import pytest

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.load import read_text
from synapsor.core.depends import Hop, held_hops, hops_of
from synapsor.core.effects import judge_held
from synapsor.core.facts import RelationFacts
from synapsor.core.links import Mapped
from synapsor.core.plan import ReadPlan, Relation
from synapsor.core.scope import Scope
from synapsor.flow.depend import Related, Row
from tests.unit.contracts import LINKED

SCOPE = Scope(tenant="acme", principal="ann")
_SAID = "    unchanged: [buyer.tier, seller.tier, buyer.region.name]\n    set: {note: $words}"
_OWNED = "    key: id\n    tenant: tenant\n    principal: owner\n    row_security: {tenant: app.tenant, principal: app.user}\n"
TEXT = (
    LINKED.replace("    set: {note: $words}", _SAID)
    .replace(
        "    relation: billing.buyers\n    key: id\n    tenant: tenant\n", f"    relation: billing.buyers\n{_OWNED}"
    )
    .replace("columns: {id: text, tenant: text, name", "columns: {id: text, tenant: text, owner: text, name")
    .replace("      lines: {to: lines", "      seller: {to: buyers, on: {note: name}}\n      lines: {to: lines")
)


def made(text: str = TEXT) -> Any:
    reading = read_text(text, "x.yaml")
    assert reading.problems == ()
    return reading.contract


def hops(**natives: dict[str, str]) -> tuple[Hop, ...]:
    contract = made(
        TEXT.replace("    set: {note: $words}", "    set: {status: open}").replace(
            "      words: {type: string, max_length: 500}\n", ""
        )
    )
    capability = contract.capabilities["billing.propose_note"]
    assert isinstance(capability, ProposeCapability)
    mapped = {name: Mapped(table=table, natives=natives.get(name, {})) for name, table in contract.tables.items()}
    return hops_of(capability.depends, contract.table_of(capability), mapped, capability.limits)


@pytest.mark.requirement("depends:held")
def test_a_related_row_is_looked_up_under_its_own_tables_tenant_principal_and_policies() -> None:
    buyer, seller, region = hops(buyers={"tier": "billing.tiers"})
    assert (buyer.name, seller.name, region.name) == ("buyer", "seller", "buyer.region")
    plan = buyer.plan({"buyer_id": "B-1"}, SCOPE, time_ms=9)
    assert plan is not None
    assert (plan.scope, plan.values) == (("acme", "ann"), ("B-1",))
    assert dict(plan.settings) == {"app.tenant": "acme", "app.user": "ann"}
    assert {c.name: c.native for c in buyer.shape.columns}["tier"] == "billing.tiers"
    # What it was looked up by and whose it is are read again, to be compared letter by letter.
    assert {"id", "tenant", "owner", "tier", "region_id"} == {c.name for c in buyer.shape.columns}
    assert len(buyer.shape.rechecks) == 3
    assert "name" in {c.name for c in seller.shape.columns}
    assert len(seller.shape.rechecks) == 3
    assert region.shape.tenant is None
    assert buyer.plan({"buyer_id": None}, SCOPE, time_ms=9) is None


@pytest.mark.requirement("depends:held")
async def test_each_row_is_looked_at_once_and_two_links_with_one_key_are_two_rows() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    async def ask(hop: Hop, plan: ReadPlan) -> Row:
        asked.append((hop.name, plan.values))
        return {"tier": hop.name, "region_id": "R-1", "name": "North"}

    related = Related(hops=hops(), scope=SCOPE, time_ms=9, ask=ask)
    row = {"buyer_id": "B-1", "note": "B-1"}
    found = await related.of(row)
    assert found == {
        "buyer.tier": "buyer",
        "buyer.region_id": "R-1",
        "seller.tier": "seller",
        "buyer.region.name": "North",
    }
    assert await related.of(row) == found
    assert asked == [("buyer", ("B-1",)), ("seller", ("B-1",)), ("buyer.region", ("R-1",))]


@pytest.mark.requirement("depends:held")
def test_what_is_held_is_the_base_table_and_what_is_seen_the_reviewed_view() -> None:
    contract = made(
        LINKED.replace("    set: {note: $words}", "    unchanged: [buyer.tier]\n    set: {note: $words}").replace(
            "    relation: billing.buyers\n", "    relation: billing.good_buyers\n    write_to: billing.buyers\n"
        )
    )
    (hop,) = held_hops(contract.capabilities["billing.propose_note"], contract)
    assert (str(hop.shape.relation), hop.shape.shared, hop.shape.bare) == ("billing.buyers", True, True)
    assert hop.seen is not None
    assert (str(hop.seen.relation), hop.seen.shared, hop.seen.bare) == ("billing.good_buyers", False, True)
    assert hop.seen.columns == hop.shape.columns


@pytest.mark.requirement("depends:credential")
@pytest.mark.parametrize(
    ("kind", "transactional", "fits"), [("table", True, True), ("view", True, False), ("table", False, False)]
)
def test_only_rows_of_a_transactional_table_can_be_held(kind: str, transactional: bool, fits: bool) -> None:
    contract = made(LINKED)
    relation = Relation.parse("billing.buyers")
    facts = RelationFacts(relation=relation, kind=kind, columns={}, transactional=transactional)
    found = list(judge_held(contract.tables["buyers"], facts))
    assert [(f.rule, f.fatal) for f in found] == ([] if fits else [("cannot_be_held", True)])
