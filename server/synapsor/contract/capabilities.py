"""The rules of a capability: which columns it may use for what, and which arguments it may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synapsor.contract.aggregates import aggregate_problems
from synapsor.contract.approvals import approval_problems
from synapsor.contract.capability import (
    AggregateCapability,
    Capability,
    ProposeCapability,
    ReadCapability,
    is_single,
    verb_of,
)
from synapsor.contract.columns import column_problems, listed_once, order_problems
from synapsor.contract.document import Path, Positions
from synapsor.contract.filters import filter_problems
from synapsor.contract.inputs import argument_problems
from synapsor.contract.links import reach_problems
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import tables_read
from synapsor.contract.proposals import proposal_problems
from synapsor.contract.rules import suggest
from synapsor.contract.showing import hidden_problems
from synapsor.contract.wording import names_hidden
from synapsor.errors import Problem


def capability_problems(path: Path, capability: Capability, contract: Contract, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with one capability."""
    yield from _context(path, capability, contract, at)
    name = capability.table
    table = contract.tables.get(name)
    if table is None:
        yield at.at_value(
            (*path, verb_of(capability)),
            "SYN301",
            f"`{name}` is not a table of this contract.",
            suggest(name, contract.tables),
        )
        return
    tables = None if isinstance(capability, ProposeCapability) else contract.tables
    yield from _Inspection(path, capability, table, tables, at).problems()
    if isinstance(capability, ProposeCapability):
        yield from proposal_problems(path, capability, table, contract.tables, at)
    yield from reach_problems(path, capability, name, contract.tables, at)
    yield from argument_problems(path, capability, name, contract, at)
    yield from hidden_problems(path, capability, table, contract, at)
    if isinstance(capability, ProposeCapability):
        yield from approval_problems(path, capability, table, at)
    read = [contract.tables[n] for n in tables_read(capability, name, contract.tables)]
    yield from _visible_texts(path, capability, read, at)


def _context(path: Path, capability: Capability, contract: Contract, at: Positions) -> Iterator[Problem]:
    known = ", ".join(contract.contexts)
    if capability.context is None:
        if len(contract.contexts) > 1:
            yield at.at_key(
                path,
                "SYN303",
                "The contract has several contexts, and this capability names none.",
                f"Add `context:` with one of: {known}.",
            )
    elif capability.context not in contract.contexts:
        fix = suggest(capability.context, contract.contexts) or f"Known here: {known}."
        yield at.at_value(
            (*path, "context"), "SYN302", f"`{capability.context}` is not a context of this contract.", fix
        )


def _visible_texts(path: Path, capability: Capability, read: list[Table], at: Positions) -> Iterator[Problem]:
    texts: dict[Path, str] = {("description",): capability.description}
    for name, argument in capability.arguments.items():
        if argument.description:
            texts["arguments", name, "description"] = argument.description
        for field, inner in (argument.fields or {}).items():
            if inner.description:
                texts["arguments", name, "fields", field, "description"] = inner.description
    relations = [name for table in read for name in (table.relation, table.write_to) if name]
    # A denied column with an everyday name, such as `note`, may be spoken of.
    denied = [n for table in read for n, rule in table.columns.items() if rule.denied]
    hidden = [*relations, *(n for n in denied if not n.isalpha())]
    for key, text in texts.items():
        if not text.strip():
            yield at.at_value((*path, *key), "SYN107", "The description is blank.", "Say what this is for.")
        name = names_hidden(text, hidden)
        if name:
            yield at.at_value(
                (*path, *key), "SYN309", f"The model would read `{name}` here.", "Describe it in other words."
            )


@dataclass(frozen=True, slots=True)
class _Inspection:
    """One capability over its table; `tables` are those that its paths may lead to, where it may have any."""

    path: Path
    capability: Capability
    table: Table
    tables: Mapping[str, Table] | None
    at: Positions

    def problems(self) -> Iterator[Problem]:
        yield from self._returns()
        yield from filter_problems((*self.path, "where"), self.capability.where, self.table, self.at, self.tables)
        for column in self.table.key:
            if column in self.capability.where and self.capability.where[column] is None:
                here = (*self.path, "where", column)
                fix = "Give an argument or a value."
                yield self.at.at_value(here, "SYN315", "The key cannot be compared with null.", fix)
        if isinstance(self.capability, ReadCapability):
            yield from self._read(self.capability)
        elif isinstance(self.capability, AggregateCapability):
            yield from aggregate_problems(self.path, self.capability, self.table, self.tables or {}, self.at)

    def _column(self, key: Path, column: str) -> Iterator[Problem]:
        yield from column_problems((*self.path, *key), column, self.table, self.at)

    def _returns(self) -> Iterator[Problem]:
        if isinstance(self.capability, AggregateCapability):
            return
        listed = self.capability.returns
        if listed is None:
            if not self.table.returned:
                message = "There is no column that this could return."
                yield self.at.at_key(self.path, "SYN307", message, "Allow a column beside the tenant.")
            return
        for index, column in enumerate(listed):
            yield from column_problems((*self.path, "returns", index), column, self.table, self.at, self.tables)
        yield from listed_once((*self.path, "returns"), listed, self.at)

    def _read(self, capability: ReadCapability) -> Iterator[Problem]:
        if is_single(capability, self.table):
            for word in ("order", "pages", "total"):
                if getattr(capability, word):
                    fix = f"Remove `{word}`."
                    yield self.at.at_key((*self.path, word), "SYN313", "A read by key returns one row.", fix)
        here = (*self.path, "order")
        yield from order_problems(
            here, capability.order, self.table, self.at, self.tables or {}, pages=capability.pages
        )
