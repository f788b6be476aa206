"""The rules of a proposal: which rows it is about, what it may set them to, and what it must say for its operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from synapsor.contract.bounds import bound_problems
from synapsor.contract.capability import ProposeCapability, is_single, names_row
from synapsor.contract.changes import Computed, Operation, in_item
from synapsor.contract.columns import column_problems, listed_once
from synapsor.contract.conditions import Operator, Scalar, constant, is_argument, terms
from synapsor.contract.document import Path, Positions
from synapsor.contract.executors import executor_problems
from synapsor.contract.filters import filter_problems
from synapsor.contract.mapping import SETTABLE, Table
from synapsor.contract.tables import NUMBERS
from synapsor.contract.tokens import to_token
from synapsor.contract.undo import undo_problems
from synapsor.errors import Problem
from synapsor.values import ColumnType, ValueUnfit

_T = ColumnType
_FROM: Final[dict[str, frozenset[ColumnType]]] = {
    "now": frozenset({_T.DATE, _T.TIMESTAMP, _T.TIMESTAMPTZ}),
    "principal": frozenset({_T.TEXT}),
    "proposal": frozenset({_T.TEXT}),
}
_MISFITS: Final[dict[Operation, tuple[str, ...]]] = {
    Operation.UPDATE: ("items", "dedup", "accepts"),
    Operation.INSERT: ("where", "returns", "members", "transitions", "accepts"),
    Operation.DELETE: ("items", "dedup", "set", "transitions"),
}


def proposal_problems(
    path: Path, capability: ProposeCapability, table: Table, tables: Mapping[str, Table], at: Positions
) -> Iterator[Problem]:
    """Yield what is wrong with one proposal over its table, beside its arguments and filters."""
    inspection = _Proposal(path, capability, table, at)
    yield from inspection.operation()
    yield from inspection.rows()
    yield from inspection.values()
    yield from inspection.guards()
    yield from inspection.depends(tables)
    yield from inspection.told()
    yield from bound_problems(path, capability, table, at)
    yield from undo_problems(path, capability, table, at)
    yield from executor_problems(path, capability, at)


@dataclass(frozen=True, slots=True)
class _Proposal:
    path: Path
    capability: ProposeCapability
    table: Table
    at: Positions

    @property
    def _inserts(self) -> bool:
        return self.capability.operation is Operation.INSERT

    def operation(self) -> Iterator[Problem]:
        verb = self.capability.operation
        for key in _MISFITS[verb]:
            if getattr(self.capability, key):
                message = f"`{key}` does not fit `{verb.value}`."
                yield self.at.at_key((*self.path, key), "SYN347", message, f"Remove `{key}`.")
        if self.capability.is_set or verb is Operation.DELETE:
            message = "A removal, and a change of several rows, is for people."
            if self.capability.approval.policy is not None:
                yield self.at.at_key((*self.path, "approval", "policy"), "SYN354", message, "Remove `policy`.")
            if self.capability.worker is not None:
                yield self.at.at_key((*self.path, "worker"), "SYN355", message, "Remove `worker`.")
        if verb is not Operation.DELETE and not self.capability.set:
            here = (*self.path, "propose")
            yield self.at.at_value(here, "SYN353", "It says nothing of what is set.", "Add `set: {column: value}`.")

    def rows(self) -> Iterator[Problem]:
        if self._inserts:
            yield from self._found_again()
            return
        if self.table.version is None:
            fix = "Give the table `version:` with a version column, or `whole_row`."
            message = "The table has no version, so a stale change could not be told."
            yield self.at.at_value((*self.path, "propose"), "SYN322", message, fix)
        if any(column not in self.table.columns for column in self.table.key):
            return  # a table that is wrong already, and nothing is to be said of where its key is missing
        where = self.capability.where
        if self.capability.members is not None:
            if not where or names_row(self.capability, self.table):
                message = "`members` limits a set, and this `where` names no set."
                yield self.at.at_key(
                    (*self.path, "members"), "SYN351", message, "Filter by other columns than the key."
                )
        elif not (is_single(self.capability, self.table) and set(where) == set(self.table.key)):
            example = ", ".join(f"{column}: {self._key_value(column)}" for column in self.table.key)
            message = "A proposal is about the one row that its key names, unless it has `members`."
            yield self.at.at_key(
                (*self.path, "where"),
                "SYN321",
                message,
                f"Write `where: {{{example}}}`, or add `members: {{at_most: 20}}` for a set.",
            )

    def _key_value(self, column: str) -> str:
        """Return the argument that a column of the key is compared with, or could be."""
        value = self.capability.where.get(column)
        return (
            str(value) if is_argument(value) else f"${column}" if column in self.capability.arguments else "$argument"
        )

    def _found_again(self) -> Iterator[Problem]:
        dedup, changes = self.capability.dedup, self.capability.set
        here = (*self.path, "dedup")
        yield from listed_once(here, dedup, self.at)
        if not dedup:
            message = "Nothing says by which columns the row is found again."
            yield self.at.at_value(
                (*self.path, "propose"), "SYN348", message, "Add `dedup:` with columns that are unique."
            )
            return
        for index, column in enumerate(dedup):
            filled = column in self.table.scope or changes.get(column) is not None
            if not filled:
                message = f"`{column}` is not filled by this insert."
                yield self.at.at_value((*here, index), "SYN348", message, "Set it, or name another column.")
        if self.table.tenant_column not in {None, *dedup}:
            message = "Rows of two tenants would be taken for one."
            yield self.at.at_value(here, "SYN348", message, f"Add `{self.table.tenant_column}`.")
        own = [column for column in dedup if in_item(changes.get(column))]
        if self.capability.items is not None and len(own) != 1:
            message = "One of these columns must tell the items apart."
            yield self.at.at_value(here, "SYN349", message, "Set exactly one of them from a field of the items.")

    def values(self) -> Iterator[Problem]:
        for column, value in self.capability.set.items():
            key = (*self.path, "set", column)
            found = [*column_problems(key, column, self.table, self.at), *self._untouchable(key, column)]
            yield from found
            if found:
                continue
            kind = self.table.columns[column].type
            if kind not in SETTABLE:
                message = f"`{column}` is {kind.value}, which cannot stand in set."
                yield self.at.at_key(key, "SYN312", message, "Remove it.")
            elif isinstance(value, Computed):
                yield from self._computed(key, column, value)
            elif value is not None and not is_argument(value):
                yield from self._fixed(key, column, value)

    def _untouchable(self, key: Path, column: str) -> Iterator[Problem]:
        roles: dict[str | None, str] = {}
        if not self._inserts:
            roles = {self.table.version: "the version", **dict.fromkeys(self.table.key, "part of the key")}
        role = roles.get(column) or ("moved by the database" if column in self.table.moves else None)
        if role:
            message = f"`{column}` is {role}, and is not for a proposal to set."
            yield self.at.at_key(key, "SYN323", message, "Remove it.")

    def _fixed(self, key: Path, column: str, value: Scalar) -> Iterator[Problem]:
        try:
            to_token(constant(value), self.table.columns[column])
        except ValueUnfit as unfit:
            message = f"The value does not fit `{column}`: {unfit}."
            yield self.at.at_value(key, "SYN331", message, "Write a value of its type.")

    def _computed(self, key: Path, column: str, value: Computed) -> Iterator[Problem]:
        kind = self.table.columns[column].type
        if sum(one is not None for one in (value.add, value.subtract, value.from_)) != 1:
            yield self.at.at_key(
                key, "SYN340", "It does not say one thing.", "Keep one of `add`, `subtract` and `from`."
            )
        elif value.from_ is not None:
            fits = _FROM.get(value.from_, frozenset())
            if value.from_ == "tenant" and self.table.tenant_column in self.table.columns:
                fits = frozenset({self.table.columns[str(self.table.tenant_column)].type})
            if kind not in fits:
                message = f"`{column}` is {kind.value}, which does not hold the {value.from_}."
                yield self.at.at_value((*key, "from"), "SYN343", message, "Set another column.")
        elif kind not in NUMBERS or self._inserts:
            message = f"`{column}` is nothing to count on." if self._inserts else f"`{column}` is {kind.value}."
            yield self.at.at_key(key, "SYN341", message, "Add and subtract in an update of a number.")
        elif not is_argument(value.amount):
            yield from self._amount(key, column, value)

    def _amount(self, key: Path, column: str, value: Computed) -> Iterator[Problem]:
        free = self.table.columns[column].model_copy(update={"minimum": None, "maximum": None})
        word = "add" if value.add is not None else "subtract"
        try:
            token = to_token(value.amount, free)
        except ValueUnfit as unfit:
            message = f"The amount does not fit `{column}`: {unfit}."
            yield self.at.at_value((*key, word), "SYN342", message, "Write a number of its kind.")
            return
        if str(token).startswith("-"):
            message = "An amount is not negative."
            yield self.at.at_value(
                (*key, word), "SYN342", message, "Write `add` for `subtract`, or the other way round."
            )

    def guards(self) -> Iterator[Problem]:
        for column, steps in self.capability.transitions.items():
            key = (*self.path, "transitions", column)
            rule = self.table.columns.get(column)
            if rule is None or rule.denied or rule.type is not ColumnType.TEXT or column not in self.capability.set:
                message = f"`{column}` is no text that is set."
                yield self.at.at_key(key, "SYN344", message, "Write the steps of a column of `set`.")
                continue
            named = {*steps, *(word for words in steps.values() for word in words)}
            if rule.one_of is not None and (strange := sorted(named - set(rule.one_of))):
                message = f"`{strange[0]}` is none of the reviewed values of `{column}`."
                yield self.at.at_key(key, "SYN344", message, f"Known: {', '.join(rule.one_of)}.")
            value = self.capability.set[column]
            fixed = isinstance(value, str) and not is_argument(value)
            if fixed and not any(constant(str(value)) in words for words in steps.values()):
                message = "No step leads to what is set."
                yield self.at.at_key(key, "SYN345", message, "Add the step, or set another value.")
        yield from listed_once((*self.path, "unchanged"), self.capability.unchanged, self.at)
        known = {*self.table.key, self.table.version, *self.table.moves, *self.capability.set}
        for index, column in enumerate(self.capability.unchanged):
            here = (*self.path, "unchanged", index)
            if column in self.capability.depends:
                continue
            if self._inserts:
                message = "A row that is to be has nothing yet that could change."
                yield self.at.at_value(here, "SYN347", message, "Name columns of related rows, such as `order.status`.")
                continue
            found = list(column_problems(here, column, self.table, self.at))
            yield from found
            if not found and (column in known or self.table.version == "whole_row"):
                message = f"`{column}` is guarded already, or moves by itself."
                yield self.at.at_value(here, "SYN346", message, "Remove it.")
        if self.capability.accepts is not None:
            for name in ("triggers", "cascades"):
                listed = getattr(self.capability.accepts, name)
                yield from listed_once((*self.path, "accepts", name), listed, self.at)

    def depends(self, tables: Mapping[str, Table]) -> Iterator[Problem]:
        yield from filter_problems((*self.path, "requires"), self.capability.requires, self.table, self.at, tables)
        for column, operator, values in terms(self.capability.requires):
            here = (*self.path, "requires", column)
            if any(is_argument(value) for value in values):
                place = here if operator is Operator.EQUALS else (*here, operator.value)
                message = "What is required is not for the model to say."
                yield self.at.at_value(place, "SYN357", message, "Write a fixed value.")
            if self._inserts and column not in self.capability.depends:
                message = "A row that is to be has nothing yet that could be required."
                yield self.at.at_key(here, "SYN347", message, "Name columns of related rows, such as `order.status`.")
        places: dict[str, Path] = {path: (*self.path, "requires", path) for path in self.capability.requires}
        for index, path in enumerate(self.capability.unchanged):
            if path in self.capability.depends:
                places[path] = here = (*self.path, "unchanged", index)
                yield from column_problems(here, path, self.table, self.at, tables)
        for path, here in places.items():
            word, _, rest = path.partition(".")
            if rest and word in self.table.links:
                yield from self._found_by(here, word)

    def told(self) -> Iterator[Problem]:
        yield from listed_once((*self.path, "notify"), self.capability.notify, self.at)
        for index, column in enumerate(self.capability.notify):
            yield from column_problems((*self.path, "notify", index), column, self.table, self.at)

    def _found_by(self, here: Path, word: str) -> Iterator[Problem]:
        """Yield where this change would say itself which related row it depends on, or an insert would not say it."""
        report = self.at.at_value if isinstance(here[-1], int) else self.at.at_key
        columns, filled = set(self.table.links[word].on), {*self.capability.set, *self.table.scope}
        wrong = columns - filled if self._inserts else columns & set(self.capability.set)
        for column in sorted(wrong):
            does = "is not filled by this insert" if self._inserts else "is set by this change"
            message = f"`{word}` is found by `{column}`, which {does}."
            yield report(here, "SYN356", message, "Depend on a row that stays the same from proposal to apply.")
