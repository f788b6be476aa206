"""The proposals of a public contract as ours: what is set, within which bounds, guarded how, and who decides."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from synapsor.contract.document import Path
from synapsor.contract.public.draft import Draft, plain
from synapsor.contract.public.inputs import Inputs
from synapsor.contract.public.numbers import constant_of, inwards
from synapsor.contract.public.part import Part
from synapsor.contract.public.subjects import Guard, Subject, TableDraft, Tables
from synapsor.contract.public.terms import fixed_terms

_MEASURES: Final = ("before", "after")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One proposal of a document."""

    draft: Draft
    tables: Tables
    capability: Part
    subject: Subject
    inputs: Inputs
    path: Path

    @property
    def proposal(self) -> Part:
        """What the document says of it."""
        return self._child("proposal", self.capability)

    @property
    def operation(self) -> Part:
        """Its operation; empty when the document says none."""
        return self._child("operation", self.proposal)

    @property
    def kind(self) -> str:
        """Update, insert or delete; an update when the document says nothing."""
        return str(self.operation.get("kind") or "update")

    @property
    def is_set(self) -> bool:
        """Whether it is about more rows than one."""
        return bool(self.operation.get("cardinality") == "set")

    def _child(self, key: str, part: Part) -> Part:
        return part.child(key) or Part({}, part.at(key), part.found)

    def _put(self, key: str, value: Any, origin: str) -> None:
        self.draft.put((*self.path, key), value, origin)

    def write(self, policies: Mapping[str, str]) -> TableDraft | None:
        """Write everything but what is returned and the arguments; None when there is no row to speak of."""
        if self.kind != "update":
            self.draft.needs(f"{self.kind}s", self.operation.at("kind"))
        writes = self._child("writeback", self.proposal)
        self._executor(writes)
        if "idempotency_key" in writes:
            self.draft.note(writes.at("idempotency_key"), "idempotency_is_ours")
        self._reversibility()
        table = self.tables.table(self.subject, None if self.kind == "insert" else self._guard())
        self._put("propose", f"{self.kind} {table.name}", self.operation.path)
        if self.kind != "insert":
            self._guarding(table)
        if not self._rows(table):
            return None
        self._set(table)
        self._bounds(table)
        self._transitions()
        self._approval(policies)
        return table

    def _executor(self, writes: Part) -> None:
        mode, executor = writes.get("mode"), writes.get("executor")
        if mode == "app_handler" and isinstance(executor, str) and _NAME.fullmatch(executor):
            self._put("executor", executor, writes.at("executor"))
            self.draft.note(writes.at("executor"), "handler_is_ours")
        elif mode not in {None, "direct_sql"} or "executor" in writes:
            self.draft.refuse(writes.path, "writeback_unsupported")

    def _reversibility(self) -> None:
        if "reversibility" not in self.proposal:
            return
        here = self.proposal.at("reversibility")
        self.draft.needs("reversibility", here)
        if self.kind == "delete":
            self.draft.note(here, "delete_not_undone")
        else:
            self._put("undo", "reviewed", here)

    def _guard(self) -> Guard:
        guard, version = self._child("conflict_guard", self.proposal), self._child("version_advance", self.operation)
        column = guard.get("column")
        kinds = self.draft.types.relations.get(self.subject.relation, {})
        moves = isinstance(column, str) and column in kinds and kinds[column].moves
        if moves or (isinstance(column, str) and version.get("strategy") == "database_generated"):
            return Guard(version=str(column))
        if version.get("strategy") == "integer_increment":
            self.draft.needs("counted_version", version.path)
            self._put("set", {str(column): {"add": 1}}, version.path)
            if "reversibility" in self.proposal:
                self._put("advances", str(column), version.path)
            return Guard(version="whole_row")
        self.draft.note(guard.path, "guard_is_whole_row")
        return Guard(version="whole_row", moves=(column,) if isinstance(column, str) else ())

    def _guarding(self, table: TableDraft) -> None:
        """Map the columns that the document guards by, so that a whole row holds them as well."""
        column = self._child("conflict_guard", self.proposal).get("column")
        key = self.subject.conflict if "conflict_guard" not in self.proposal else None
        named = [name for name in (column, key) if isinstance(name, str)]
        self.tables.use(table, named, self.proposal.at("conflict_guard"))

    def _rows(self, table: TableDraft) -> bool:
        if self.is_set:
            self.draft.needs("batches" if self.kind == "insert" else "sets", self.operation.at("cardinality"))
            return self._batch(table) if self.kind == "insert" else self._members(table)
        if self.kind == "insert":
            return True
        lookup = self.capability.child("lookup")
        if lookup is None:
            self.draft.refuse(self.capability.at("lookup"), "lookup_missing")
            return False
        name = self.inputs.use(lookup.get("id_from_arg"), self.subject.key, lookup.at("id_from_arg"))
        self._put("where", {self.subject.key: f"${name}"}, lookup.path)
        return True

    def _members(self, table: TableDraft) -> bool:
        where = fixed_terms(self.draft, self.tables, self.operation, table)
        self._put("where", where, self.operation.at("selection"))
        members = {"at_most": self.operation.get("max_rows"), "totals": self._totals(table)}
        self._put("members", members, self.operation.path)
        return True

    def _totals(self, table: TableDraft) -> dict[str, Any]:
        """Return the bounds of the sums; the document sums amounts whatever their sign, so none may be negative."""
        totals: dict[str, Any] = {}
        for index, bound in enumerate(self.operation.get("aggregate_bounds")):
            here = f"{self.operation.at('aggregate_bounds')}[{index}]"
            column, measure = bound["column"], bound["measure"]
            if measure not in _MEASURES:
                self.draft.refuse(here, "delta_unsupported")
                continue
            if measure in totals.get(column, {}):
                self.draft.refuse(here, "breaks_our_rule", "A sum is bounded twice.")
            totals.setdefault(column, {})[measure] = inwards(self.draft, bound, here)
            self.draft.note(here, "totals_not_negative")
            self._bound(column, measure, {"at_least": 0}, here)
            self.tables.use(table, (column,), here)
        return totals

    def _batch(self, table: TableDraft) -> bool:
        batch = self._child("batch", self.operation)
        name = str(batch.get("items_from_arg"))
        argument = self._child(name, self._child("args", self.capability))
        self._put("items", f"${self.inputs.keep(name)}", batch.path)
        for index, bound in enumerate(self.operation.get("aggregate_bounds")):
            here = f"{self.operation.at('aggregate_bounds')}[{index}]"
            if bound["measure"] != "after":
                self.draft.refuse(here, "delta_unsupported")
                continue
            # Nothing of ours sums what is added, so each row gets its even part of the sum.
            most = math.floor(bound["maximum"] / argument.get("max_items"))
            self.draft.note(here, "total_shared_out", f"It is {most}.")
            self._bound(bound["column"], "after", {"at_least": 0, "at_most": most}, here)
            self.tables.use(table, (bound["column"],), here)
        return True

    def _set(self, table: TableDraft) -> None:
        patch = self._child("patch", self.proposal)
        for column in patch.data:
            binding = self._child(column, patch)
            self.tables.use(table, (column,), binding.path)
            self._put_set(column, self._value(column, binding), binding.path)
        if self.kind == "insert":
            self._deduplicate(table)

    def _value(self, column: str, binding: Part) -> Any:
        if "fixed" in binding:
            kinds = self.draft.types.relations.get(self.subject.relation, {})
            return constant_of(self.draft, binding.get("fixed"), kinds.get(column), binding.at("fixed"))
        if "from_item" in binding:
            return self._item(str(binding.get("from_item")))
        return f"${self.inputs.use(str(binding.get('from_arg')), column, binding.at('from_arg'))}"

    def _item(self, name: str) -> str:
        items = self.draft.data["capabilities"][self.path[1]].get("items", "$items")
        return f"{items}.{plain(name)}"

    def _put_set(self, column: str, value: Any, origin: str) -> None:
        self.draft.put((*self.path, "set", column), value, origin)

    def _deduplicate(self, table: TableDraft) -> None:
        deduplication = self._child("deduplication", self.operation)
        columns: list[str] = []
        for index, component in enumerate(deduplication.get("components")):
            here, column = f"{deduplication.path}.components[{index}]", component["column"]
            # A key tells the items of a batch apart by itself, and what is unique by it is unique with more.
            if component["source"] != "item_field" or column == self.subject.key:
                columns.append(column)
            self.tables.use(table, (column,), here)
            if component["source"] == "proposal_id":
                self._put_set(column, {"from": "proposal"}, here)
            elif component["source"] == "item_field":
                self._put_set(column, self._item(component["item_field"]), here)
            elif component["source"] == "fixed":
                kinds = self.draft.types.relations.get(self.subject.relation, {})
                self._put_set(column, constant_of(self.draft, component["fixed"], kinds.get(column), here), here)
        self._put("dedup", columns, deduplication.path)

    def _bounds(self, table: TableDraft) -> None:
        bounds = self._child("numeric_bounds", self.proposal)
        for column, said in bounds.data.items():
            here = bounds.at(column)
            self.tables.use(table, (column,), here)
            self._bound(column, "after", inwards(self.draft, said, here), here)

    def _bound(self, column: str, measure: str, limits: Mapping[str, int], origin: str) -> None:
        path = (*self.path, "bounds", column, measure)
        for name, value in limits.items():
            held = self.draft.data["capabilities"][self.path[1]].get("bounds", {}).get(column, {}).get(measure, {})
            tighter = max if name == "at_least" else min
            self.draft.put((*path, name), tighter(value, held.get(name, value)), origin)

    def _transitions(self) -> None:
        guards = self._child("transition_guards", self.proposal)
        if guards.data:
            self.draft.needs("transitions", guards.path)
        for column in guards.data:
            guard = self._child(column, guards)
            if guard.get("from_column") not in {None, column}:
                self.draft.refuse(guard.at("from_column"), "transition_unsupported")
                continue
            allowed = dict(guard.get("allowed"))
            self.draft.put((*self.path, "transitions", column), allowed, guard.path)

    def _approval(self, policies: Mapping[str, str]) -> None:
        approval = self._child("approval", self.proposal)
        role = approval.get("required_role")
        if not isinstance(role, str):
            self.draft.refuse(approval.at("required_role"), "approval_role_missing")
            return
        said: dict[str, Any] = {"role": plain(role)}
        if plain(role) != role:
            self.draft.note(approval.at("required_role"), "renamed", f"It is `{plain(role)}`.")
        if approval.get("required_approvals") not in {None, 1}:
            self.draft.needs("quorum", approval.at("required_approvals"))
            said["quorum"] = approval.get("required_approvals")
        if approval.get("mode") == "policy":
            self.draft.needs("policies", approval.at("policy"))
            said["policy"] = policies.get(approval.get("policy"))
        self._put("approval", said, approval.path)
        if "execution" in self.proposal:
            self.draft.needs("supervised_worker", self.proposal.at("execution"))
            self._put("worker", "supervised", self.proposal.at("execution"))

    def finish(self, table: TableDraft, shown: tuple[str, ...]) -> None:
        """Write the arguments, and what the document asks for only to have it said."""
        for argument in self.inputs.unused():
            if argument.get("type") == "string" and "enum" in argument and "reason_code" not in self._written:
                self.draft.needs("reason_code", argument.path)
                name = self.inputs.keep(argument.path.rpartition(".")[2])
                self._put("reason_code", f"${name}", argument.path)
            else:
                self.draft.refuse(argument.path, "argument_unused")
        self.inputs.write((*self.path, "arguments"))
        if self.kind == "insert" and self.is_set:
            self._items()
        if self.kind == "insert":
            del self._written["returns"]
            self.tables.use(table, shown, self.capability.at("visible_fields"))

    @property
    def _written(self) -> dict[str, Any]:
        written: dict[str, Any] = self.draft.data["capabilities"][self.path[1]]
        return written

    def _items(self) -> None:
        """Write the argument whose items become rows, each field typed by the column that it fills."""
        name = str(self._child("batch", self.operation).get("items_from_arg"))
        argument = self._child(name, self._child("args", self.capability))
        fields = Inputs(draft=self.draft, declared=argument.child("fields"), kinds=self.inputs.kinds)
        patch = self._child("patch", self.proposal)
        for column in patch.data:
            binding = self._child(column, patch)
            fields.use(str(binding.get("from_item")), column, binding.path)
        for component in self._child("deduplication", self.operation).get("components"):
            if component["source"] == "item_field":
                fields.use(component["item_field"], component["column"], self.operation.at("deduplication"))
        for unused in fields.unused():
            self.draft.refuse(unused.path, "argument_unused")
        path = (*self.path, "arguments", self.inputs.names.get(name, name))
        self.draft.put((*path, "type"), "items", argument.path)
        self.draft.put((*path, "many"), argument.get("max_items"), argument.at("max_items"))
        fields.write((*path, "fields"))
