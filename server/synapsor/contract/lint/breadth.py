"""Lints of breadth: how many rows, columns and bytes one capability may take, and whether two do the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Final

from synapsor.contract.capability import (
    AggregateCapability,
    Capability,
    ProposeCapability,
    ReadCapability,
    is_single,
    shown,
    used,
    verb_of,
)
from synapsor.contract.changes import Operation
from synapsor.contract.conditions import is_argument, terms
from synapsor.contract.deciding import together_with
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.errors import Problem

MANY_COLUMNS: Final = 6
MANY_ROWS: Final = 200
MANY_BYTES: Final = 1_048_576
LONG_MS: Final = 10_000
_NEARLY: Final = 0.75
_ALIKE: Final = 0.9


def breadth(path: Path, capability: Capability, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield where a capability takes more than a question needs."""
    listing = isinstance(capability, ReadCapability) and not is_single(capability, table)
    if listing and not _filtered(capability, table):
        fix = "Add a `where`, or an `only` to the table."
        yield at.at_key(path, "LNT101", "Every row of the tenant may be listed.", fix)
    yield from _returns(path, capability, table, at)
    limits = capability.limits
    for key, given, most, rule, what in (
        ("rows", limits.rows if listing else 0, MANY_ROWS, "LNT104", "rows"),
        ("bytes", limits.bytes, MANY_BYTES, "LNT105", "bytes"),
        ("time_ms", limits.time_ms, LONG_MS, "LNT106", "milliseconds"),
    ):
        if given > most:
            message = f"{given} {what} are more than a model needs at once."
            yield at.at_value((*path, "limits", key), rule, message, f"Lower it to {most}, or narrow the question.")


def _filtered(capability: Capability, table: Table) -> bool:
    """Tell whether something is always filtered: a filter that an optional argument may leave out is not."""
    free = {name for name, argument in capability.arguments.items() if argument.optional}
    said = [values for _, _, values in (*terms(capability.where), *terms(table.only))]
    return any(not values or not is_argument(values[0]) or str(values[0])[1:] not in free for values in said)


def _returns(path: Path, capability: Capability, table: Table, at: Positions) -> Iterator[Problem]:
    if isinstance(capability, AggregateCapability):
        return
    if isinstance(capability, ProposeCapability) and capability.operation is Operation.INSERT:
        return  # it shows what it sets, and nothing else
    if capability.returns is None:
        fix = f"Write `returns: [{', '.join(table.returned)}]`, without what is not needed."
        yield at.at_key(path, "LNT102", "It returns whatever the table allows, now and later.", fix)
    elif len(table.returned) >= MANY_COLUMNS and set(capability.returns) >= set(table.returned):
        message = f"It returns all {len(table.returned)} columns of the table."
        yield at.at_key((*path, "returns"), "LNT103", message, "Leave out what this question does not need.")


@dataclass(frozen=True, slots=True)
class _Tool:
    """A capability beside all others."""

    name: str
    capability: Capability
    table: Table
    at: Positions
    together: tuple[str, ...] = ()

    @property
    def kind(self) -> tuple[object, ...]:
        """What two must have in common to do nearly the same."""
        columns = self.capability.set.keys() if isinstance(self.capability, ProposeCapability) else ()
        table = (self.table.source, self.table.relation)
        return (*table, verb_of(self.capability), is_single(self.capability, self.table), *sorted(columns))


def twins(contracts: Sequence[tuple[Contract, Positions]]) -> Iterator[Problem]:
    """Yield each capability that does nearly what an earlier one does, or is described nearly as it is."""
    tools = [
        _Tool(name, capability, contract.table_of(capability), at, together_with(contract, name))
        for contract, at in contracts
        for name, capability in contract.capabilities.items()
    ]
    for one, other in combinations(tools, 2):
        path: Path = ("capabilities", other.name)
        is_pair = other.name in one.together  # each is for one side of the same change
        if not is_pair and one.kind == other.kind and _overlap(one, other) >= _NEARLY:
            message = f"It does nearly the same as `{one.name}`."
            yield other.at.at_key(path, "LNT107", message, "Make one of them, with arguments for what differs.")
        if _alike(one.capability.description, other.capability.description):
            message = f"It is described nearly as `{one.name}` is."
            fix = "Say what only this one is for."
            yield other.at.at_value((*path, "description"), "LNT405", message, fix)


def _overlap(one: _Tool, other: _Tool) -> float:
    """Return how much of what two ask and show is the same, from 0 to 1."""
    first, second = _features(one), _features(other)
    return len(first & second) / len(first | second)


def _features(tool: _Tool) -> set[tuple[object, ...]]:
    where: Mapping[str, object] = tool.capability.where
    asked: set[tuple[object, ...]] = {
        (name, operator, _constants(values)) for name, operator, values in terms(tool.capability.where)
    }
    computed = used(tool.capability) if isinstance(tool.capability, AggregateCapability) else ()
    asked |= {("", name) for name in (*where, *computed)}
    return asked | {(name,) for name in shown(tool.capability, tool.table)}


def _constants(values: tuple[object, ...]) -> tuple[str, ...]:
    return tuple("$" if is_argument(value) else repr(value) for value in values)


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio() >= _ALIKE
