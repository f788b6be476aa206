"""What a reviewer grants, as models: reads, aggregates and proposals, their arguments, limits and bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, Tag

from synapsor.contract.approval import Approval, Risk
from synapsor.contract.base import SORTED, Column, ColumnPath, Model, Name, OrderPath, Text
from synapsor.contract.changes import Accepts, Bound, Members, Operation, SetTo, Steps
from synapsor.contract.conditions import Compare, Filter
from synapsor.contract.mapping import Table
from synapsor.contract.measures import Comparison, Grouped, Measured, functions_of, units_of
from synapsor.values import SAFE_INTEGER


class Argument(Model):
    """One typed input that the model fills in. It never carries scope."""

    type: Literal["string", "integer", "number", "boolean", "items"]
    description: Text | None = None
    optional: bool = False
    many: int | None = Field(default=None, ge=1, le=100)
    max_length: int | None = Field(default=None, ge=1, le=100_000)
    minimum: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    maximum: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    one_of: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1, max_length=64)
    fields: Annotated[dict[Name, Argument], SORTED] | None = Field(default=None, min_length=1, max_length=32)


class Limits(Model):
    """What one call may take at the most: rows, bytes of column text, milliseconds in the source; and how often it may be called."""

    rows: int = Field(default=50, ge=1, le=1000)
    bytes: int = Field(default=262_144, ge=1024, le=8_388_608)
    time_ms: int = Field(default=2000, ge=50, le=60_000)
    calls_per_minute: int | None = Field(default=None, ge=1, le=10_000)
    calls_per_day: int | None = Field(default=None, ge=1, le=1_000_000)


class AggregateLimits(Limits):
    """What one call of an aggregate may take at the most, and how many different questions one principal may ask in a day."""

    groups: int = Field(default=500, ge=1, le=10_000)
    variants_per_day: int | None = Field(default=None, ge=1, le=100_000)


Order = Annotated[tuple[OrderPath, ...], Field(strict=False)]


class Child(Model):
    """A list of related rows that is read with the one row they belong to."""

    returns: tuple[ColumnPath, ...] | None = Field(default=None, strict=False, min_length=1)
    where: Annotated[dict[ColumnPath, Filter], SORTED] = Field(default_factory=dict)
    order: Order = ()
    rows: int = Field(default=50, ge=1, le=1000)


class _Capability(Model):
    description: Annotated[str, StringConstraints(min_length=8, max_length=1000)]
    context: Name | None = None
    arguments: Annotated[dict[Name, Argument], SORTED] = Field(default_factory=dict)
    where: Annotated[dict[ColumnPath, Filter], SORTED] = Field(default_factory=dict)


class _OfRows(_Capability):
    returns: tuple[ColumnPath, ...] | None = Field(default=None, strict=False, min_length=1)
    limits: Limits = Field(default_factory=Limits)


class ReadCapability(_OfRows):
    """A guarded read: one row when `where` names the whole key, otherwise a list."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    read: Name
    order: Order = ()
    pages: bool = False
    total: bool = False
    with_: Annotated[dict[Name, Child], SORTED] = Field(default_factory=dict, alias="with", max_length=8)

    @property
    def table(self) -> str:
        """The mapping that is read."""
        return self.read


class ProposeCapability(_OfRows):
    """A write proposal: rows to be changed, added or removed, once a person has approved it."""

    propose: Annotated[str, StringConstraints(pattern=r"^(update|insert|delete) [a-z][a-z0-9_]{0,62}$")]
    members: Members | None = None
    items: Annotated[str, StringConstraints(pattern=r"^\$[a-z][a-z0-9_]{0,62}$")] | None = None
    set: Annotated[dict[Column, SetTo], SORTED] = Field(default_factory=dict)
    dedup: tuple[Column, ...] = Field(default=(), strict=False, max_length=8)
    bounds: Annotated[dict[Column, Bound], SORTED] = Field(default_factory=dict)
    transitions: Annotated[dict[Column, Steps], SORTED] = Field(default_factory=dict)
    requires: Annotated[dict[ColumnPath, Filter], SORTED] = Field(default_factory=dict)
    unchanged: tuple[ColumnPath, ...] = Field(default=(), strict=False)
    accepts: Accepts | None = None
    reason_code: Annotated[str, StringConstraints(pattern=r"^\$[a-z][a-z0-9_]{0,62}$")] | None = None
    risk: Risk | None = None
    approval: Approval
    worker: Literal["supervised"] | None = None
    executor: Name | None = None
    undo: Literal["reviewed"] | None = None
    notify: tuple[Column, ...] = Field(default=(), strict=False, max_length=16)
    advances: Column | None = None

    @property
    def removes(self) -> bool:
        """Whether rows are removed by it, or by an undo of it."""
        return self.operation is Operation.DELETE or (self.operation is Operation.INSERT and self.undo is not None)

    @property
    def reason_argument(self) -> str | None:
        """The argument that carries the reason code."""
        return self.reason_code[1:] if self.reason_code else None

    @property
    def operation(self) -> Operation:
        """What is done to the rows."""
        return Operation(self.propose.partition(" ")[0])

    @property
    def table(self) -> str:
        """The mapping that is written to."""
        return self.propose.partition(" ")[2]

    @property
    def depends(self) -> tuple[str, ...]:
        """The paths among `requires` and `unchanged`: columns of related rows."""
        return tuple(dict.fromkeys(name for name in (*self.requires, *self.unchanged) if "." in name))

    @property
    def is_set(self) -> bool:
        """Whether it is about more rows than one."""
        return self.members is not None or self.items is not None


class AggregateCapability(_Capability):
    """A guarded aggregate: measures of groups of rows, of which none that is too small is ever shown."""

    aggregate: Name
    measures: Annotated[dict[Name, Measured], SORTED] = Field(min_length=1, max_length=16)
    group: Annotated[dict[Name, Grouped], SORTED] = Field(default_factory=dict, max_length=4)
    minimum_group: int = Field(default=5, ge=1, le=1_000_000)
    compare: Comparison | None = None
    order: tuple[
        Annotated[str, StringConstraints(pattern=r"^-?[a-z][a-z0-9_]{0,62}(\.(current|previous|change))?$")], ...
    ] = Field(default=(), strict=False)
    limits: AggregateLimits = Field(default_factory=AggregateLimits)

    @property
    def table(self) -> str:
        """The mapping whose rows are counted."""
        return self.aggregate


Capability = ReadCapability | AggregateCapability | ProposeCapability
Verb = Literal["propose", "aggregate", "read"]
VERBS: dict[Verb, type[Capability]] = {
    "propose": ProposeCapability,
    "aggregate": AggregateCapability,
    "read": ReadCapability,
}


def verb_of(value: Any) -> Verb:
    """Return the verb of a capability, or of its data; what has none is taken for a read."""
    if isinstance(value, dict):
        return next((verb for verb in VERBS if verb in value), "read")
    return next((verb for verb, kind in VERBS.items() if isinstance(value, kind)), "read")


Verbs = Annotated[
    Annotated[ReadCapability, Tag("<read>")]
    | Annotated[AggregateCapability, Tag("<aggregate>")]
    | Annotated[ProposeCapability, Tag("<propose>")],
    Discriminator(lambda value: f"<{verb_of(value)}>"),
]
"""The verb picks the model, so that a mistake is reported against one kind and not against all."""


def is_single(capability: Capability, table: Table) -> bool:
    """Tell whether a capability is about the one row that its key names, which is there: every key column equals a value."""
    if isinstance(capability, AggregateCapability):
        return False
    if isinstance(capability, ProposeCapability) and (capability.is_set or capability.operation is Operation.INSERT):
        return False
    return names_row(capability, table)


def names_row(capability: Capability, table: Table) -> bool:
    """Tell whether a capability's `where` lets one row through at the most: every key column equals a value."""
    where = capability.where
    return all(column in where and not isinstance(where[column], Compare) for column in table.key)


def shown(capability: Capability, table: Table) -> tuple[str, ...]:
    """Return the names that a result holds; a proposal shows what it changes as well, and an insert nothing else."""
    if isinstance(capability, AggregateCapability):
        return (*capability.group, *capability.measures)
    if isinstance(capability, ReadCapability):
        return capability.returns or table.returned
    if capability.operation is Operation.INSERT:
        return tuple(capability.set)
    return tuple(dict.fromkeys((*(capability.returns or table.returned), *capability.set)))


def used(said: Capability | Child) -> tuple[str, ...]:
    """Return the paths that a capability or a list computes something of, groups by, compares or orders by; a filter's are in `where`."""
    if isinstance(said, ReadCapability | Child):
        return tuple(name.removeprefix("-") for name in said.order)
    if not isinstance(said, AggregateCapability):
        return ()
    measured = (column for measure in said.measures.values() for _, column in functions_of(measure) if column)
    grouped = (column for group in said.group.values() for _, column in units_of(group))
    compared = () if said.compare is None else (said.compare.column,)
    return tuple(dict.fromkeys((*grouped, *measured, *compared)))


def alias(capability: str) -> str:
    """Return the capability's name for clients that allow no dot."""
    return capability.replace(".", "__")
