"""A capability made ready to plan, once at start; a call adds its scope and tokens and gets a plan.

The tenant and the principal come from the scope and from nowhere else. A filter whose optional argument was left out is left out
with it, so one question has a shape for each set of filters that a call may ask for; each is made when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from synapsor.contract.capability import Capability, Child, ProposeCapability, ReadCapability, is_single
from synapsor.contract.changes import MOST_MEMBERS, Operation, in_item
from synapsor.contract.conditions import Compare, Operator, Scalar, constant, is_argument, terms
from synapsor.contract.filters import token_of
from synapsor.contract.mapping import ColumnRule, Link, RowSecurity, Table
from synapsor.core.aggregate import AggregateShape
from synapsor.core.links import Joins, Mapped, column_of
from synapsor.core.plan import Condition, Join, ReadPlan, ReadShape, Relation
from synapsor.core.proposal import Member
from synapsor.core.row_security import settings_of
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
        parent: its one token is what the row holds that the list belongs to.
    """

    condition: Condition
    rule: ColumnRule
    argument: str = ""
    optional: bool = False
    constants: tuple[str, ...] = ()
    parent: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """A capability made ready to plan.

    Attributes:
        shape: with every condition, and from the beginning.
        optional: the arguments that may be left out.
        joined: for each join of the shape, the tokens of its fixed filters.
    """

    shape: ReadShape
    asked: tuple[Asked, ...]
    optional: frozenset[str]
    time_ms: int
    joined: tuple[tuple[str, ...], ...] = ()
    row_security: tuple[RowSecurity, ...] = ()
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


def question_of(
    capability: ReadCapability | ProposeCapability,
    table: Table,
    natives: Mapping[str, str] | None = None,
    tables: Mapping[str, Mapped] | None = None,
) -> Question:
    """Prepare a capability for planning; done once at start. A proposal fetches every mapped column, for its guard.

    `tables` are those that links may lead to. An insert asks for the rows that already have its `dedup` columns: there must be none.
    """
    single = is_single(capability, table)
    read = capability if isinstance(capability, ReadCapability) else None
    order = () if single else _total_order(read.order if read else (), table.key)
    every = tuple(n for n, rule in table.allowed.items() if read is None or rule.show != "aggregate")
    followed = tuple(o.removeprefix("-") for o in order) if read and read.pages else ()
    own = _Own(
        returns=(read.returns if read else None) or every,
        needed=(*followed, *(_compared_of(read, table) if read else ())),
        where=capability.where,
        order=order,
        rows=1 if single else _most(capability),
        single=single,
        pages=read is not None and read.pages,
        total=read is not None and read.total,
    )
    question = _question(own, capability, Mapped(table=table, natives=natives or {}), tables or {})
    if isinstance(capability, ProposeCapability) and capability.operation is Operation.INSERT:
        where = _named(capability, table, natives)
        return replace(question, asked=(), shape=replace(question.shape, where=where))
    return question


def child_question_of(child: Child, link: Link, capability: ReadCapability, tables: Mapping[str, Mapped]) -> Question:
    """Prepare a list of related rows; the first conditions take what its parent's row holds, in the order of `link.on`."""
    target = tables[link.to]
    order = _total_order(child.order, target.table.key)
    own = _Own(
        returns=child.returns or target.table.returned,
        needed=tuple(link.on.values()),
        where=child.where,
        order=order,
        rows=child.rows,
        parent=tuple(link.on.values()),
    )
    return _question(own, capability, target, tables)


def _compared_of(read: ReadCapability, table: Table) -> tuple[str, ...]:
    """Return the columns of a parent's row by which its lists are found."""
    return tuple(own for name in read.with_ for own in table.links[name].on)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """What one statement of a capability asks for; `parent` are columns that equal what another row holds."""

    returns: tuple[str, ...]
    needed: tuple[str, ...]
    where: Mapping[str, Scalar | Compare]
    order: tuple[str, ...]
    rows: int
    single: bool = False
    pages: bool = False
    total: bool = False
    parent: tuple[str, ...] = ()


def _question(
    own: _Own, capability: ReadCapability | ProposeCapability, root: Mapped, tables: Mapping[str, Mapped]
) -> Question:
    table, joins = root.table, Joins(root, tables)
    see = joins.column
    wanted = [see(path) for path in (*own.returns, *table.key, *table.scope, *own.needed)]
    asked = _asked(own, capability, table, joins)
    order = tuple((see(o.removeprefix("-")), o.startswith("-")) for o in own.order)
    # Not before every path is known: each related row is compared again, also one that only shapes the order.
    rechecked = [column for join in joins.joins for column in (join.presence, *join.scope)]
    shape = ReadShape(
        relation=Relation.parse(table.relation),
        columns=tuple(dict.fromkeys((*wanted, *rechecked))),
        tenant=see(table.tenant_column) if table.tenant_column else None,
        principal=see(table.principal) if table.principal else None,
        joins=tuple(joins.joins),
        where=tuple(a.condition for a in asked),
        order=order,
        rows=own.rows,
        bytes=capability.limits.bytes,
        single=own.single,
        pages=own.pages,
        total=own.total,
    )
    optional = frozenset(a.argument for a in asked if a.optional)
    return Question(
        shape=shape,
        asked=asked,
        optional=optional,
        time_ms=capability.limits.time_ms,
        joined=tuple(joins.constants),
        row_security=joins.row_security,
    )


def _most(capability: ReadCapability | ProposeCapability) -> int:
    if isinstance(capability, ReadCapability):
        return capability.limits.rows
    return capability.members.at_most if capability.members else MOST_MEMBERS


def _named(capability: ProposeCapability, table: Table, natives: Mapping[str, str] | None) -> tuple[Condition, ...]:
    """Return the conditions under which a row has the `dedup` columns of an insert."""
    items = capability.arguments[capability.items[1:]].many if capability.items else None
    see = partial(column_of, table, natives=natives)
    found = []
    for name in capability.dedup:
        if name not in table.scope:
            many = in_item(capability.set[name])
            found.append(Condition(see(name), Operator.ONE_OF, items) if many and items else Condition(see(name)))
    return tuple(found)


def plan_absent(question: Question, scope: Scope, members: Sequence[Member]) -> ReadPlan:
    """Return the plan that looks for rows which already have the key of one of these members that are to be inserted."""
    shape, keys = question.shape, [dict(member.key) for member in members]
    values: list[str] = []
    for condition in shape.where:
        tokens = list(dict.fromkeys(key[condition.column.name] for key in keys))
        values += tokens + tokens[-1:] * (condition.takes - len(tokens))
    return ReadPlan(
        shape=shape,
        scope=scope_tokens(shape, scope),
        values=tuple(values),
        time_ms=question.time_ms,
        settings=settings_of(question.row_security, scope),
    )


def conditions_of(
    where: Mapping[str, Scalar | Compare], capability: Capability, table: Table, joins: Joins
) -> tuple[Asked, ...]:
    """Return every condition, the key's first, then the capability's own and those of the table."""
    said = [*terms(where), *terms(table.only)]
    return tuple(
        asked_of(name, operator, values, capability, joins)
        for name, operator, values in sorted(said, key=lambda term: term[0] not in table.key)
    )


def asked_of(name: str, operator: Operator, values: tuple[Scalar, ...], capability: Capability, joins: Joins) -> Asked:
    """Return one condition, with where its tokens come from."""
    rule = joins.rule(name)
    if values and is_argument(values[0]):
        argument = str(values[0])[1:]
        declared = capability.arguments[argument]
        condition = Condition(joins.column(name), operator, declared.many or 1)
        return Asked(condition=condition, rule=rule, argument=argument, optional=declared.optional)
    tokens = tuple(token_of(constant(value), rule, operator) for value in values)
    return Asked(condition=Condition(joins.column(name), operator, len(tokens)), rule=rule, constants=tokens)


def _asked(own: _Own, capability: ReadCapability | ProposeCapability, table: Table, joins: Joins) -> tuple[Asked, ...]:
    """Return every condition, those on what a parent's row holds before all others."""
    see = joins.column
    parent = (Asked(condition=Condition(see(n)), rule=table.columns[n], parent=True) for n in own.parent)
    return (*parent, *conditions_of(own.where, capability, table, joins))


def _total_order(order: tuple[str, ...], key: tuple[str, ...]) -> tuple[str, ...]:
    """End every list order with the key, so that the same rows come in the same order each time."""
    named = {o.removeprefix("-") for o in order}
    return (*order, *(column for column in key if column not in named))


def plan_read(
    question: Question,
    scope: Scope,
    arguments: Mapping[str, Any],
    after: tuple[Token, ...] = (),
    parent: tuple[str, ...] = (),
) -> ReadPlan:
    """Return the plan of one call; `after` are the order columns of the last row that the caller has seen.

    `parent` is what the row holds that a list belongs to.

    Raises:
        Refusal: an argument cannot be a value of its column (`invalid_arguments`).
    """
    values = [*parent, *values_of(question.asked[len(parent) :], arguments)]
    left_out = left_out_of(question.optional, arguments)
    shape = question.shape_for(left_out, tuple(token is not None for token in after))
    values += [token for token in after if token is not None]
    settings = settings_of(question.row_security, scope)
    return ReadPlan(
        shape=shape,
        scope=scope_tokens(shape, scope),
        values=tuple(values),
        joined=joined_tokens(shape.joins, question.joined, scope),
        time_ms=question.time_ms,
        settings=settings,
    )


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


def scope_tokens(shape: ReadShape | AggregateShape | Join, scope: Scope) -> tuple[Token, ...]:
    """Return the tokens of the columns that the session decides."""
    tenant = () if shape.tenant is None else (scope.tenant,)
    return tenant if shape.principal is None else (*tenant, scope.principal)


def joined_tokens(joins: Iterable[Join], constants: Iterable[tuple[str, ...]], scope: Scope) -> tuple[Token, ...]:
    """Return the tokens under which related rows are looked up: of each its own scope, then those of its fixed filters."""
    pairs = zip(joins, constants, strict=True)
    return tuple(token for join, fixed in pairs for token in (*scope_tokens(join, scope), *fixed))


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

    A related row that is there is compared with the session's scope in the same way.

    Raises:
        Refusal: `not_found`, as if the row did not exist, because for this tenant it does not.
    """
    bound = plan.bound
    for at, first, last in plan.shape.rechecks:
        allowed = bound[first:last]
        if any(row[at] not in allowed for row in rows):
            raise Refusal(Code.NOT_FOUND)
    for present, at, place in plan.shape.joined_rechecks:
        if any(row[present] is not None and row[at] != bound[place] for row in rows):
            raise Refusal(Code.NOT_FOUND)
