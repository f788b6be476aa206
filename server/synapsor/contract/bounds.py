"""The rules of bounds: on numbers, of a row or of a whole set, that say something and that fixed values keep."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Bound, Operation, Range
from synapsor.contract.columns import column_problems
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import Table
from synapsor.contract.tables import NUMBERS
from synapsor.errors import Problem


def bound_problems(path: Path, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with the bounds of a proposal, and with those of the totals of its members."""
    for column, bound in capability.bounds.items():
        yield from _bound((*path, "bounds", column), bound, capability, table, at)
    for column, bound in (capability.members.totals if capability.members else {}).items():
        yield from _bound((*path, "members", "totals", column), bound, capability, table, at)


def _bound(here: Path, bound: Bound, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    column = str(here[-1])
    found = list(column_problems(here, column, table, at))
    yield from found
    if not found and table.columns[column].type not in NUMBERS:
        kind = table.columns[column].type.value
        yield at.at_key(here, "SYN324", f"`{column}` is {kind}, not a number.", "Remove the bound.")
    ranges = {name: getattr(bound, name) for name in Bound.model_fields if getattr(bound, name) is not None}
    if not ranges:
        yield at.at_key(here, "SYN326", "The bound says nothing.", "Add `before`, `after` or `change`.")
    for name, limits in ranges.items():
        yield from _range((*here, name), limits, at)
        if name != "before" and column not in capability.set:
            message = f"`{column}` is not set, so nothing can be said of it afterwards."
            yield at.at_key((*here, name), "SYN325", message, "Remove it.")
        if name != "after" and capability.operation is Operation.INSERT:
            message = f"`{name}` does not fit `insert`: there is no row before."
            yield at.at_key((*here, name), "SYN347", message, "Remove it.")
    value = capability.set.get(column)
    if here[-2] == "bounds" and bound.after is not None and type(value) is int and not _holds(bound.after, value):
        message = "The fixed value is outside its own bound."
        yield at.at_value((*here[:-2], "set", column), "SYN327", message, "Mend one of them.")


def _range(here: Path, limits: Range, at: Positions) -> Iterator[Problem]:
    low, high = limits.at_least, limits.at_most
    if low is None and high is None:
        yield at.at_key(here, "SYN326", "The bound says nothing.", "Add `at_least` or `at_most`.")
    elif low is not None and high is not None and low > high:
        yield at.at_value((*here, "at_least"), "SYN326", "`at_least` is above `at_most`.", "Exchange them.")


def _holds(limits: Range, value: int) -> bool:
    return (limits.at_least is None or value >= limits.at_least) and (limits.at_most is None or value <= limits.at_most)
