"""A capability made ready to plan, once at start; a call adds its scope and tokens and gets a plan.

The tenant and the principal come from the scope and from nowhere else. A filter whose optional argument was left out is left out
with it, so one question has a shape for each set of filters that a call may ask for; each is made when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from synapsor.contract.capability import Capability, ProposeCapability, ReadCapability, is_single
from synapsor.contract.conditions import Operator, Scalar, constant, is_argument, terms
from synapsor.contract.filters import token_of
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.core.aggregate import AggregateShape
from synapsor.core.plan import Column, Condition, ReadPlan, ReadShape, Relation
from synapsor.core.scope import Scope
from synapsor.errors import Code, Refusal
from synapsor.values import Token, ValueUnfit

MOST_SHAPES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One condition of a question, and where its tokens come from.

    Attributes:
        argument: the argument that gives its tokens, or "" where `constants` are them.
        optional: without the argument there is no such condition.
    """

    condition: Condition
    rule: ColumnRule
    argument: str = ""
    optional: bool = False
    constants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """A capability made ready to plan.

    Attributes:
        shape: with every condition, and from the beginning.
        optional: the arguments that may be left out.
    """

    shape: ReadShape
    asked: tuple[Asked, ...]
    optional: frozenset[str]
    time_ms: int
    _shapes: dict[tuple[frozenset[str], tuple[bool, ...]], ReadShape] = field(default_factory=dict, compare=False)

    def shape_for(self, left_out: frozenset[str], after: tuple[bool, ...]) -> ReadShape:
        """Return the shape without the conditions of some arguments, from the beginning or after a row."""
        if not left_out and not after:
            return self.shape
        known = self._shapes.get((left_out, after))
        if known is None:
            if len(self._shapes) >= MOST_SHAPES:  # a model that tries every set of filters must not fill the memory
                self._shapes.clear()
            where = tuple(a.condition for a in self.asked if not a.argument or a.argument not in left_out)
            known = self._shapes[left_out, after] = replace(self.shape, where=where, after=after)
        return known


def column_of(table: Table, name: str, natives: Mapping[str, str] | None = None) -> Column:
    """Return the planner's view of a mapped column; `natives` is what the live catalogue says of its type."""
    return Column(name, table.columns[name].type, (natives or {}).get(name, ""))


def question_of(
    capability: ReadCapability | ProposeCapability, table: Table, natives: Mapping[str, str] | None = None
) -> Question:
    """Prepare a capability for planning; done once at start. A proposal fetches every mapped column, for its guard."""
    see = partial(column_of, table, natives=natives)
    asked = conditions_of(capability, table, see)
    single = is_single(capability, table)
    read = capability if isinstance(capability, ReadCapability) else None
    order = () if single else _total_order(read.order if read else (), table.key)
    wanted = read.returns if read and read.returns else tuple(table.allowed)
    followed = tuple(o.lstrip("-") for o in order) if read and read.pages else ()
    needed = (*wanted, *table.key, *table.scope, *followed)
    shape = ReadShape(
        relation=Relation.parse(table.relation),
        columns=tuple(see(n) for n in dict.fromkeys(needed)),
        tenant=see(table.tenant_column) if table.tenant_column else None,
        principal=see(table.principal) if table.principal else None,
        where=tuple(a.condition for a in asked),
        order=tuple((see(o.lstrip("-")), o.startswith("-")) for o in order),
        rows=1 if single else capability.limits.rows,
        bytes=capability.limits.bytes,
        single=single,
        pages=read is not None and read.pages,
        total=read is not None and read.total,
    )
    optional = frozenset(a.argument for a in asked if a.optional)
    return Question(shape=shape, asked=asked, optional=optional, time_ms=capability.limits.time_ms)


def conditions_of(capability: Capability, table: Table, see: partial[Column]) -> tuple[Asked, ...]:
    """Return every condition, the key's first, then the capability's own and those of the table."""
    said = [*terms(capability.where), *terms(table.only)]
    return tuple(
        asked_of(name, operator, values, capability, table, see)
        for name, operator, values in sorted(said, key=lambda term: term[0] not in table.key)
    )


def asked_of(
    name: str,
    operator: Operator,
    values: tuple[Scalar, ...],
    capability: Capability,
    table: Table,
    see: partial[Column],
) -> Asked:
    """Return one condition, with where its tokens come from."""
    rule = table.columns[name]
    if values and is_argument(values[0]):
        argument = str(values[0])[1:]
        declared = capability.arguments[argument]
        condition = Condition(see(name), operator, declared.many or 1)
        return Asked(condition=condition, rule=rule, argument=argument, optional=declared.optional)
    tokens = tuple(token_of(constant(value), rule, operator) for value in values)
    return Asked(condition=Condition(see(name), operator, len(tokens)), rule=rule, constants=tokens)


def _total_order(order: tuple[str, ...], key: tuple[str, ...]) -> tuple[str, ...]:
    """End every list order with the key, so that the same rows come in the same order each time."""
    named = {o.lstrip("-") for o in order}
    return (*order, *(column for column in key if column not in named))


def plan_read(
    question: Question, scope: Scope, arguments: Mapping[str, Any], after: tuple[Token, ...] = ()
) -> ReadPlan:
    """Return the plan of one call; `after` are the order columns of the last row that the caller has seen.

    Raises:
        Refusal: an argument cannot be a value of its column (`invalid_arguments`).
    """
    values = values_of(question.asked, arguments)
    left_out = left_out_of(question.optional, arguments)
    shape = question.shape_for(left_out, tuple(token is not None for token in after))
    values += [token for token in after if token is not None]
    return ReadPlan(shape=shape, scope=scope_tokens(shape, scope), values=tuple(values), time_ms=question.time_ms)


def values_of(asked: Iterable[Asked], arguments: Mapping[str, Any]) -> list[str]:
    """Return the tokens of conditions, in order; without those whose optional argument was left out.

    Raises:
        Refusal: an argument cannot be a value of its column (`invalid_arguments`).
    """
    values: list[str] = []
    for one in asked:
        if not one.argument:
            values += one.constants
        elif not one.optional or one.argument in arguments:
            values += _tokens(one, arguments[one.argument])
    return values


def left_out_of(optional: frozenset[str], arguments: Mapping[str, Any]) -> frozenset[str]:
    """Return the optional arguments that a call does not give."""
    return frozenset(optional - arguments.keys()) if optional else frozenset()


def scope_tokens(shape: ReadShape | AggregateShape, scope: Scope) -> tuple[Token, ...]:
    """Return the tokens of the columns that the session decides."""
    tenant = () if shape.tenant is None else (scope.tenant,)
    return tenant if shape.principal is None else (*tenant, scope.principal)


def _tokens(asked: Asked, given: Any) -> list[str]:
    """Return an argument's tokens; a short list says its last value again, so that every list has one statement."""
    items = given if type(given) is list else [given]
    try:
        tokens = [token_of(item, asked.rule, asked.condition.operator) for item in items]
    except ValueUnfit as unfit:
        raise Refusal(Code.INVALID_ARGUMENTS, f"{asked.argument}: {unfit}.") from None
    return tokens + tokens[-1:] * (asked.condition.takes - len(tokens))


def recheck(plan: ReadPlan, rows: list[tuple[Token, ...]]) -> None:
    """Compare scope and compared columns bytewise with what was asked; a collation or coercion may have matched more.

    Raises:
        Refusal: `not_found`, as if the row did not exist, because for this tenant it does not.
    """
    bound = plan.bound
    for at, first, last in plan.shape.rechecks:
        allowed = bound[first:last]
        if any(row[at] not in allowed for row in rows):
            raise Refusal(Code.NOT_FOUND)
