"""A set of rows in a public proposal: how many at the most, selected by fixed values or given as items, and bounded in their totals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from synapsor.contract.public.forms import is_amount, is_identifier, is_number, one_of, sized, whole
from synapsor.contract.public.part import Part
from synapsor.contract.public.selection import judge_selection


def judge_set(operation: Part) -> None:
    """Report what is wrong with an operation on a set by itself."""
    operation.needs(
        ("max_rows", whole(1, 100), "SET_MAX_ROWS_REQUIRED"),
        ("aggregate_bounds", sized(1, 8), "SET_AGGREGATE_BOUND_REQUIRED"),
    )
    if sized(1, 8)(operation.get("aggregate_bounds")):
        for bound in operation.items("aggregate_bounds", "AGGREGATE_BOUND_NOT_OBJECT"):
            bound.closed("column", "measure", "maximum")
            bound.needs(
                ("column", is_identifier, "INVALID_AGGREGATE_BOUND_COLUMN"),
                ("measure", one_of("before", "after", "absolute_delta"), "INVALID_AGGREGATE_BOUND_MEASURE"),
                ("maximum", is_amount, "INVALID_AGGREGATE_BOUND_MAXIMUM"),
            )
    if operation.get("kind") == "insert":
        operation.forbids("BATCH_INSERT_SELECTION_FORBIDDEN", "selection")
        batch = operation.inner("batch", "BATCH_INSERT_ITEMS_REQUIRED", "items_from_arg")
        if batch is not None:
            batch.needs(("items_from_arg", is_identifier, "INVALID_BATCH_ITEMS_ARG"))
        return
    operation.forbids("BATCH_INSERT_ONLY", "batch")
    judge_selection(operation, "SET_FIXED_SELECTION_REQUIRED")


def judge_set_arguments(capability: Part) -> None:
    """Report what is wrong between an operation on a set, the fields that are visible and the arguments."""
    proposal = capability.child("proposal")
    if proposal is None:
        return
    operation = proposal.child("operation") or Part({}, proposal.at("operation"), proposal.found)
    patch = proposal.child("patch")
    batch = operation.get("kind") == "insert" and operation.get("cardinality") == "set"
    if patch is not None and not batch:
        for name in patch.data:
            binding = patch.child(name)
            if binding is not None:
                binding.forbids("FROM_ITEM_BATCH_INSERT_ONLY", "from_item")
    if operation.get("cardinality") == "set":
        if not set(_reviewed(proposal, operation)) <= set(capability.names("visible_fields")):
            capability.wrong("SET_REVIEW_FIELD_NOT_VISIBLE", "visible_fields")
        if batch:
            _batch(capability, operation, patch)


def _reviewed(proposal: Part, operation: Part) -> Iterator[str]:
    """Yield the columns that a reviewer of a set must see."""
    selection, guard = operation.child("selection"), proposal.child("conflict_guard")
    listed: list[Any] = []
    for part, key in ((operation, "aggregate_bounds"), (selection, "all")):
        found = part.get(key) if part is not None else None
        listed += found if isinstance(found, list) else []
    named = [item.get("column") for item in listed if isinstance(item, dict)]
    named += [guard.get("column")] if guard is not None else []
    yield from (str(name) for name in named if is_identifier(name))


def _batch(capability: Part, operation: Part, patch: Part | None) -> None:
    batch, arguments = operation.child("batch"), capability.child("args")
    name = batch.get("items_from_arg") if batch is not None else None
    argument = arguments.child(name) if arguments is not None and isinstance(name, str) else None
    if argument is None or argument.get("type") != "object_array" or not is_identifier(name):
        operation.wrong("BATCH_ITEMS_ARG_NOT_OBJECT_ARRAY", "batch", "items_from_arg")
        return
    most, rows = argument.get("max_items"), operation.get("max_rows")
    if is_number(most) and is_number(rows) and most > rows:
        argument.wrong("BATCH_ITEMS_EXCEED_MAX_ROWS", "max_items")
    fields = argument.child("fields")
    known = set(fields.data) if fields is not None else set()
    for column in patch.data if patch is not None else ():
        binding = patch.child(column) if patch is not None else None
        field = binding.get("from_item") if binding is not None else None
        if patch is not None and (not is_identifier(field) or field not in known):
            patch.wrong("UNKNOWN_BATCH_ITEM_FIELD", column, "from_item")
    _batch_keys(capability, operation, known)


def _batch_keys(capability: Part, operation: Part, known: set[str]) -> None:
    subject, deduplication = capability.child("subject"), operation.child("deduplication")
    listed = deduplication.get("components") if deduplication is not None else None
    components = list(enumerate(listed)) if isinstance(listed, list) else []
    by_item = [(i, c) for i, c in components if isinstance(c, dict) and c.get("source") == "item_field"]
    key = subject.get("primary_key") if subject is not None else None
    if is_identifier(key) and all(component.get("column") != key for _, component in by_item):
        operation.wrong("BATCH_PRIMARY_KEY_REQUIRED", "deduplication", "components")
    for index, component in by_item:
        field = component.get("item_field")
        if not is_identifier(field) or field not in known:
            operation.wrong("UNKNOWN_DEDUP_ITEM_FIELD", "deduplication", f"components[{index}]", "item_field")
