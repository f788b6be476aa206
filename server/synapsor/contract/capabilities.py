"""The rules of a capability: which columns it may use for what, and which arguments it may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synapsor.contract.aggregates import aggregate_problems
from synapsor.contract.approvals import approval_problems
from synapsor.contract.capability import (
    AggregateCapability,
    Bound,
    Capability,
    ProposeCapability,
    Range,
    ReadCapability,
    is_single,
    verb_of,
)
from synapsor.contract.columns import column_problems, listed_once, order_problems
from synapsor.contract.conditions import Scalar, constant, is_argument
from synapsor.contract.document import Path, Positions
from synapsor.contract.filters import filter_problems
from synapsor.contract.inputs import argument_problems
from synapsor.contract.links import reach_problems
from synapsor.contract.mapping import SETTABLE, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import tables_read
from synapsor.contract.rules import suggest
from synapsor.contract.showing import hidden_problems
from synapsor.contract.tables import NUMBERS
from synapsor.contract.tokens import to_token
from synapsor.contract.wording import names_hidden
from synapsor.errors import Problem
from synapsor.values import ValueUnfit


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
    tables = contract.tables if isinstance(capability, ReadCapability) else None
    yield from _Inspection(path, capability, table, tables, at).problems()
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
    texts.update(
        {("arguments", n, "description"): a.description for n, a in capability.arguments.items() if a.description}
    )
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

    @property
    def _key_is_known(self) -> bool:
        """Without its key a table is wrong already, and nothing is to be said of where the key is missing."""
        return all(column in self.table.columns for column in self.table.key)

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
            yield from aggregate_problems(self.path, self.capability, self.table, self.at)
        else:
            yield from self._propose(self.capability)

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

    def _typed(self, key: Path, column: str) -> Iterator[Problem]:
        kind = self.table.columns[column].type
        if kind not in SETTABLE:
            message = f"`{column}` is {kind.value}, which cannot stand in {key[0]}."
            yield self.at.at_key((*self.path, *key), "SYN312", message, "Remove it.")

    def _fixed(self, key: Path, column: str, value: Scalar) -> Iterator[Problem]:
        rule = self.table.columns[column]
        if rule.type not in SETTABLE:
            return
        try:
            to_token(constant(value), rule)
        except ValueUnfit as unfit:
            message = f"The value does not fit `{column}`: {unfit}."
            yield self.at.at_value((*self.path, *key), "SYN331", message, "Write a value of its type.")

    def _read(self, capability: ReadCapability) -> Iterator[Problem]:
        if is_single(capability, self.table):
            for word in ("order", "pages", "total"):
                if getattr(capability, word):
                    fix = f"Remove `{word}`."
                    yield self.at.at_key((*self.path, word), "SYN313", "A read by key returns one row.", fix)
        here = (*self.path, "order")
        yield from order_problems(here, capability.order, self.table, self.at, pages=capability.pages)

    def _propose(self, capability: ProposeCapability) -> Iterator[Problem]:
        named = is_single(capability, self.table) and set(capability.where) == set(self.table.key)
        if self._key_is_known and not named:
            example = ", ".join(f"{column}: $argument" for column in self.table.key)
            message = "A proposal changes the one row that its key names."
            yield self.at.at_key((*self.path, "where"), "SYN321", message, f"Write `where: {{{example}}}`.")
        if self.table.version is None:
            fix = "Give the table `version:` with a version column, or `whole_row`."
            yield self.at.at_value(
                (*self.path, "propose"), "SYN322", "The table has no version, so a stale change could not be told.", fix
            )
        for column, value in capability.set.items():
            key: Path = ("set", column)
            found = [*self._column(key, column), *self._untouchable(key, column)]
            yield from found
            if not found:
                yield from self._typed(key, column)
                yield from () if is_argument(value) or value is None else self._fixed(key, column, value)
        for column, bound in capability.bounds.items():
            yield from self._bound(column, bound, capability.set)

    def _untouchable(self, key: Path, column: str) -> Iterator[Problem]:
        roles: dict[str | None, str] = {self.table.version: "the version"}
        roles.update(dict.fromkeys(self.table.key, "part of the key"))
        role = roles.get(column) or ("moved by the database" if column in self.table.moves else None)
        if role:
            yield self.at.at_key(
                (*self.path, *key), "SYN323", f"`{column}` is {role}, and is not for a proposal to set.", "Remove it."
            )

    def _bound(self, column: str, bound: Bound, changes: Mapping[str, Scalar]) -> Iterator[Problem]:
        key: Path = ("bounds", column)
        here = (*self.path, *key)
        found = list(self._column(key, column))
        yield from found
        if not found and self.table.columns[column].type not in NUMBERS:
            yield self.at.at_key(
                here,
                "SYN324",
                f"`{column}` is {self.table.columns[column].type.value}, not a number.",
                "Remove the bound.",
            )
        ranges = {
            name: getattr(bound, name) for name in ("before", "after", "change") if getattr(bound, name) is not None
        }
        if not ranges:
            yield self.at.at_key(here, "SYN326", "The bound says nothing.", "Add `before`, `after` or `change`.")
        for name, limits in ranges.items():
            yield from self._range((*key, name), limits)
            if name != "before" and column not in changes:
                yield self.at.at_key(
                    (*here, name),
                    "SYN325",
                    f"`{column}` is not set, so nothing can be said of it afterwards.",
                    "Remove it.",
                )
        value = changes.get(column)
        if bound.after is not None and type(value) is int and not _holds(bound.after, value):
            yield self.at.at_value(
                (*self.path, "set", column), "SYN327", "The fixed value is outside its own bound.", "Mend one of them."
            )

    def _range(self, key: Path, limits: Range) -> Iterator[Problem]:
        low, high = limits.at_least, limits.at_most
        if low is None and high is None:
            yield self.at.at_key(
                (*self.path, *key), "SYN326", "The bound says nothing.", "Add `at_least` or `at_most`."
            )
        elif low is not None and high is not None and low > high:
            yield self.at.at_value(
                (*self.path, *key, "at_least"), "SYN326", "`at_least` is above `at_most`.", "Exchange them."
            )


def _holds(limits: Range, value: int) -> bool:
    return (limits.at_least is None or value >= limits.at_least) and (limits.at_most is None or value <= limits.at_most)
