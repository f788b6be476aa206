"""A capability made ready to plan: what a call left out is left out of its shape, and no caller can make it grow for ever."""

from itertools import combinations

from synapsor.contract.load import read_text
from synapsor.core.question import _MOST_SHAPES, plan_read, question_of
from synapsor.core.scope import Scope

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
"""
SCOPE = Scope(tenant="acme", principal="rita")


def test_a_filter_is_left_out_with_its_argument_and_the_same_set_has_the_same_shape() -> None:
    reading = read_text(_TEXT, "x.yaml")
    assert reading.contract is not None, reading.problems
    capability = reading.contract.capabilities["many.list"]
    question = question_of(capability, reading.contract.table_of(capability))
    for names in (*combinations(_NAMES, 0), *combinations(_NAMES, 1), *combinations(_NAMES, 4), tuple(_NAMES)):
        plan = plan_read(question, SCOPE, {f"a{name}": f"v{name}" for name in names})
        assert [c.column.name for c in plan.shape.where] == list(names)
        assert plan.bound == ("acme", *(f"v{name}" for name in names))
        assert plan_read(question, SCOPE, {f"a{name}": "other" for name in names}).shape is plan.shape
    for size in range(11):
        for names in combinations(_NAMES, size):
            plan_read(question, SCOPE, {f"a{name}": "v" for name in names})
    assert len(question._shapes) <= _MOST_SHAPES
