"""A capability made ready to plan: what a call left out is left out of its shape, and no caller can make it grow for ever."""

from itertools import combinations

import pytest

from synapsor.contract.capability import AggregateCapability, Capability, ReadCapability
from synapsor.contract.load import read_text
from synapsor.contract.mapping import Table
from synapsor.core.count import count_question_of, plan_count
from synapsor.core.links import Mapped
from synapsor.core.question import MOST_SHAPES, Question, plan_read, question_of
from synapsor.core.scope import Scope
from synapsor.errors import Code, Refusal
from tests.unit.contracts import LINKED

_NAMES = [f"c{n}" for n in range(10)]
_TEXT = f"""\
synapsor: 1
contract: many
contexts:
  one: {{tenant: session.tenant_id, principal: session.user}}
tables:
  things:
    source: shop
    relation: a.things
    key: id
    tenant: tenant_id
    columns: {{id: text, tenant_id: text, {", ".join(f"{name}: text" for name in _NAMES)}}}
capabilities:
  many.list:
    description: Look for things.
    read: things
    arguments: {{{", ".join(f"a{name}: {{type: string, max_length: 9, optional: true}}" for name in _NAMES)}}}
    where: {{{", ".join(f"{name}: $a{name}" for name in _NAMES)}}}
  many.count:
    description: Count things.
    aggregate: things
    measures: {{things: count}}
    arguments: {{{", ".join(f"a{name}: {{type: string, max_length: 9, optional: true}}" for name in _NAMES)}}}
    where: {{{", ".join(f"{name}: $a{name}" for name in _NAMES)}}}
"""
SCOPE = Scope(tenant="acme", principal="rita")


def named(name: str) -> tuple[Capability, Table]:
    reading = read_text(_TEXT, "x.yaml")
    assert reading.contract is not None, reading.problems
    capability = reading.contract.capabilities[name]
    return capability, reading.contract.table_of(capability)


def test_a_filter_of_an_aggregate_is_left_out_in_the_same_way() -> None:
    capability, table = named("many.count")
    assert isinstance(capability, AggregateCapability)
    question = count_question_of(capability, table)
    for size in range(11):
        for names in combinations(_NAMES, size):
            plan = plan_count(question, SCOPE, {f"a{name}": f"v{name}" for name in names})
            assert [c.column.name for c in plan.shape.where] == list(names)
            assert plan.bound == ("acme", *(f"v{name}" for name in names))
            assert [plan.bound[at] for _, at in plan.shape.witnesses] == list(plan.bound)
    assert len(question._shapes) <= MOST_SHAPES


def test_a_filter_is_left_out_with_its_argument_and_the_same_set_has_the_same_shape() -> None:
    capability, table = named("many.list")
    assert isinstance(capability, ReadCapability)
    question = question_of(capability, table)
    for names in (*combinations(_NAMES, 0), *combinations(_NAMES, 1), *combinations(_NAMES, 4), tuple(_NAMES)):
        plan = plan_read(question, SCOPE, {f"a{name}": f"v{name}" for name in names})
        assert [c.column.name for c in plan.shape.where] == list(names)
        assert plan.bound == ("acme", *(f"v{name}" for name in names))
        assert plan_read(question, SCOPE, {f"a{name}": "other" for name in names}).shape is plan.shape
    for size in range(11):
        for names in combinations(_NAMES, size):
            plan_read(question, SCOPE, {f"a{name}": "v" for name in names})
    assert len(question._shapes) <= MOST_SHAPES


_MORE = """\
synapsor: 1
contract: more
contexts:
  one: {tenant: session.tenant_id, principal: session.user}
tables:
  things:
    source: shop
    relation: a.things
    key: [order_no, line_no]
    tenant: tenant_id
    principal: owner
    only: {gone: {not: true}}
    columns: {order_no: integer, line_no: integer, tenant_id: text, owner: text, gone: boolean, word: text, amount: numeric}
capabilities:
  more.one:
    description: Look at one thing.
    read: things
    arguments: {order_number: {type: integer}, line: {type: integer}}
    where: {line_no: $line, order_no: $order_number}
  more.list:
    description: Look for things.
    read: things
    arguments: {words: {type: string, max_length: 9, many: 3}, least: {type: string, max_length: 9, optional: true}}
    where: {word: {one_of: $words, not: $$x}, amount: {at_least: $least}, order_no: {one_of: [1, 2]}}
    order: [-amount]
    returns: [word]
    pages: true
"""


def _question(name: str) -> Question:
    reading = read_text(_MORE, "x.yaml")
    assert reading.contract is not None, reading.problems
    capability = reading.contract.capabilities[name]
    assert not isinstance(capability, AggregateCapability)
    return question_of(capability, reading.contract.table_of(capability))


def test_a_read_by_the_whole_key_is_of_one_row_and_holds_the_scope_and_what_the_table_is_only() -> None:
    plan = plan_read(_question("more.one"), SCOPE, {"order_number": 7, "line": 2})
    assert (plan.shape.single, plan.shape.rows, plan.shape.order) == (True, 1, ())
    assert plan.bound == ("acme", "rita", "2", "7", "true")
    # Everything but what is compared by value is compared again, in the rows that come back.
    assert [plan.bound[first:last] for _, first, last in plan.shape.rechecks] == [("acme",), ("rita",), ("2",), ("7",)]


def test_a_list_of_values_has_one_shape_whatever_its_length_and_a_constant_its_dollar() -> None:
    question = _question("more.list")
    one = plan_read(question, SCOPE, {"words": ["a"]})
    assert one.bound == ("acme", "rita", "1", "2", "$x", "a", "a", "a", "true")
    three = plan_read(question, SCOPE, {"words": ["a", "$$x", "c"]})
    assert three.values == ("1", "2", "$x", "a", "$$x", "c", "true")
    assert three.shape is one.shape
    assert (one.shape.single, one.shape.rows) == (False, 50)
    assert [(c.name, down) for c, down in one.shape.order] == [
        ("amount", True),
        ("order_no", False),
        ("line_no", False),
    ]
    assert {"amount", "order_no", "line_no", "tenant_id", "owner"} <= set(one.shape.positions)


def test_a_page_after_a_row_binds_what_that_row_held_and_no_more() -> None:
    question = _question("more.list")
    first = plan_read(question, SCOPE, {"words": ["a"], "least": "5"})
    assert first.shape is question.shape
    after = plan_read(question, SCOPE, {"words": ["a"], "least": "5"}, ("9.90", "1", "2"))
    nothing = plan_read(question, SCOPE, {"words": ["a"], "least": "5"}, (None, "1", "2"))
    assert (after.shape.after, nothing.shape.after) == ((True, True, True), (False, True, True))
    assert after.bound == (*first.bound, "9.90", "1", "2")
    assert nothing.bound == (*first.bound, "1", "2")
    assert len({p.shape.fingerprint for p in (first, after, nothing)}) == 3


def test_the_tokens_of_two_people_never_have_one_fingerprint() -> None:
    question = _question("more.list")
    scopes = [SCOPE, Scope(tenant="acme", principal="leo"), Scope(tenant="globex", principal="rita")]
    assert len({plan_read(question, scope, {"words": ["a"]}).fingerprint for scope in scopes}) == 3


@pytest.mark.parametrize("sent", ["1e3", "ten", "1.", "", " 1", "0x1", "1_0"])
def test_a_value_that_is_none_of_its_column_is_refused_by_the_name_of_its_argument(sent: str) -> None:
    with pytest.raises(Refusal) as refused:
        plan_read(_question("more.list"), SCOPE, {"words": ["a"], "least": sent})
    assert refused.value.code is Code.INVALID_ARGUMENTS
    assert refused.value.detail == "least: not a decimal number written out in digits."


def test_orders_by_columns_of_one_name_behind_different_links_are_different_questions() -> None:
    prints = set()
    for order in ("buyer.name", "buyer.region.name", "-buyer.name"):
        listed = f"order: [{order}]\n    returns: [id, buyer.name, buyer.region.name]\n    pages: true"
        contract = read_text(LINKED.replace("order: [-fee]", listed), "x.yaml").contract
        assert contract is not None
        capability = contract.capabilities["billing.list_open"]
        assert isinstance(capability, ReadCapability)
        mapped = {name: Mapped(table=table) for name, table in contract.tables.items()}
        shape = question_of(capability, contract.tables["invoices"], None, mapped).shape
        # The rows that an order looks at are compared again like all others, and their values are there for a cursor.
        assert {"buyer.tenant", "buyer.id", order.removeprefix("-")} <= set(shape.positions)
        prints.add(shape.fingerprint)
    assert len(prints) == 3
