"""What will be counted in a source, as data: the shape of an aggregate that its contract fixes, and the plan of one call.

As with reads, a shape holds identifiers and never a value of a call; a plan holds values and never an identifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from synapsor.contract.conditions import Operator
from synapsor.contract.measures import NUMBERS, Function, Unit
from synapsor.core.plan import Bound, Column, Condition, Join, Relation
from synapsor.values import ColumnType, Token, digest

CURRENT, PREVIOUS, CHANGE = "current", "previous", "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupColumn:
    """What makes groups: a column, or a stretch of its time.

    Attributes:
        name: as the model reads it.
        unit: the stretch of time, or None for the column's own values.
        zone: by whose clock instants are cut; "" where there is no zone to choose.
    """

    name: str
    column: Column
    unit: Unit | None = None
    zone: str = ""

    @property
    def type(self) -> ColumnType:
        """What the model reads: the column's own type, or the text that names a stretch of time."""
        return self.column.type if self.unit is None else ColumnType.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureColumn:
    """What is computed of a group.

    Attributes:
        name: as the model reads it.
        column: of which; None for the count of rows.
        places: decimal places of an average; of another number, the fewest that it is written with.
    """

    name: str
    function: Function
    column: Column | None = None
    places: int = 0

    @property
    def type(self) -> ColumnType:
        """The type of the value."""
        if self.column is None or self.function is Function.COUNT_DISTINCT:
            return ColumnType.INTEGER
        return ColumnType.NUMERIC if self.function is Function.AVG else self.column.type

    @property
    def changes(self) -> bool:
        """Whether it is a number, of which the previous one can be taken away."""
        return self.type in NUMBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """What the result is ordered by; `part` is a period's value, or "" where nothing is compared."""

    name: str
    part: str = ""
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class AggregateShape:
    """The fixed part of an aggregate.

    Attributes:
        tenant: the tenant column, or None for a single-tenant relation.
        principal: the column that must equal the principal, where rows are assigned to people.
        joins: the related rows that are looked up; each is proven to be one at most, or rows would be counted twice.
        where: what the rows must satisfy beside; their tokens stand in this order in `AggregatePlan.values`.
        periods: none, or what makes a row one of the current and one of the previous period; their tokens follow.
        minimum: how few rows are withheld.
        most: how many groups there may be; one more is asked for, to tell.
        rows: how many groups are shown.
        bytes: the limit on the text of all groups.
    """

    relation: Relation
    groups: tuple[GroupColumn, ...]
    measures: tuple[MeasureColumn, ...]
    tenant: Column | None
    principal: Column | None = None
    joins: tuple[Join, ...] = ()
    where: tuple[Condition, ...] = ()
    periods: tuple[tuple[Condition, ...], ...] = ()
    order: tuple[Ordering, ...] = ()
    minimum: int
    most: int
    rows: int
    bytes: int

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        own = (self.fingerprint, self.groups, self.measures, self.scope, self.where, self.periods)
        return hash((own, self.joins))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the shape: the same question has the same fingerprint on every engine and day."""
        body = {
            "relation": str(self.relation),
            "groups": [
                [g.name, g.column.path, g.column.type.value, g.unit.value if g.unit else "", g.zone]
                for g in self.groups
            ],
            "measures": [
                [m.name, m.function.value, m.column.path if m.column else "", m.type.value, m.places]
                for m in self.measures
            ],
            "tenant": self.tenant.name if self.tenant else None,
            "principal": self.principal.name if self.principal else None,
            "where": [_said(c) for c in self.where],
            "periods": [[_said(c) for c in period] for period in self.periods],
            "order": [[o.name, o.part, o.descending] for o in self.order],
            "minimum": self.minimum,
            "most": self.most,
            "rows": self.rows,
            "bytes": self.bytes,
        }
        joins = {"joins": [join.described for join in self.joins]} if self.joins else {}
        return digest("aggregate", {**body, **joins})

    @cached_property
    def scope(self) -> tuple[Column, ...]:
        """The columns that the session decides; their tokens are the first that are bound."""
        return tuple(column for column in (self.tenant, self.principal) if column is not None)

    @cached_property
    def measured(self) -> tuple[Column, ...]:
        """Every column that something is computed of, once."""
        return tuple(dict.fromkeys(m.column for m in self.measures if m.column is not None))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """What is told of each measure: one value, or those of both periods (a change follows, of numbers)."""
        return (CURRENT, PREVIOUS) if self.periods else ("",)

    @cached_property
    def described(self) -> list[list[str]]:
        """Name and type of each column of the result, as evidence records them."""
        found = [[g.name, g.type.value] for g in self.groups]
        for measure in self.measures:
            found += [[label(measure.name, part), measure.type.value] for part in self.parts_of(measure)]
        return found

    def parts_of(self, measure: MeasureColumn) -> tuple[str, ...]:
        """Return what is told of one measure."""
        return (*self.parts, CHANGE) if self.periods and measure.changes else self.parts

    @cached_property
    def witnesses(self) -> tuple[tuple[Column, int], ...]:
        """Columns that every counted row must have one value of, and which bound token that is: the scope, and equalities of text."""
        found = [(column, at) for at, column in enumerate(self.scope)]
        at = len(found)
        for condition in self.where:
            if condition.operator is Operator.EQUALS and condition.column.type in _SPELLED:
                found.append((condition.column, at))
            at += condition.takes
        return tuple(found)

    @cached_property
    def related_witnesses(self) -> tuple[tuple[Column, int], ...]:
        """The scope of every related row, and which bound token it must be where there is such a row."""
        found, at = [], len(self.scope) + sum(c.takes for part in (self.where, *self.periods) for c in part)
        for join in self.joins:
            found += [(column, at + number) for number, column in enumerate(join.scope)]
            at += len(join.bound)
        return tuple(found)

    @cached_property
    def witnessed(self) -> tuple[Column, ...]:
        """The columns of all witnesses, in the order in which a tally has them."""
        return tuple(column for column, _ in (*self.witnesses, *self.related_witnesses))


_SPELLED = frozenset({ColumnType.TEXT, ColumnType.UUID})


@dataclass(frozen=True, kw_only=True)
class AggregatePlan(Bound):
    """An aggregate of one call: the shape and its tokens; `values` are those of `shape.where`, then those of `shape.periods`."""

    shape: AggregateShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a source answered of one group; never told as it is.

    Attributes:
        key: the token of each group column, or the number of its stretch of time.
        supports: for each period, how many rows there are, and how many have a value in each measured column.
        values: for each period, the token of each measure; of an average, that of its sum.
        witnesses: the least and the greatest value of each column of `shape.witnessed`.
    """

    key: tuple[Token | int, ...]
    supports: tuple[tuple[int, ...], ...]
    values: tuple[tuple[Token, ...], ...]
    witnesses: tuple[tuple[Token, Token], ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Every support in one row."""
        return tuple(size for period in self.supports for size in period)


def label(measure: str, part: str) -> str:
    """Return the name of a measure's value in evidence."""
    return f"{measure}.{part}" if part else measure


def _said(condition: Condition) -> list[str | int]:
    return [condition.column.path, condition.column.type.value, condition.operator.value, condition.takes]
