"""The operation of a public proposal: update, insert or delete, of one row or of a set, and what makes a retry harmless."""

from __future__ import annotations

from typing import Any, Final

from synapsor.contract.public.forms import is_identifier, one_of, sized
from synapsor.contract.public.part import Part
from synapsor.contract.public.sets import judge_set

_KEYS: Final = (
    *("kind", "cardinality", "selection", "max_rows", "aggregate_bounds", "batch"),
    *("deduplication", "version_advance"),
)
_SOURCES: Final = ("proposal_id", "trusted_tenant", "fixed", "item_field")


def judge_operation(proposal: Part, subject: Part | None) -> str:
    """Report what is wrong with an operation, and return its kind; without one it is the update of a row."""
    operation = proposal.optional("operation", "OPERATION_NOT_OBJECT", *_KEYS)
    if operation is None:
        return "update"
    kind = operation.get("kind")
    if not one_of("update", "insert", "delete")(kind):
        operation.wrong("INVALID_OPERATION_KIND", "kind")
        return "update"
    operation.may(("cardinality", one_of("single", "set"), "INVALID_OPERATION_CARDINALITY"))
    batch = operation.get("cardinality") == "set"
    if batch:
        judge_set(operation)
    else:
        operation.forbids("SET_FIELD_REQUIRES_SET_CARDINALITY", "selection", "max_rows", "aggregate_bounds", "batch")
    guard = proposal.child("conflict_guard")
    column = guard.get("column") if guard is not None else None
    _version(operation, kind, column)
    if kind == "insert":
        _deduplication(operation, proposal, subject, batch=batch)
    else:
        operation.forbids("DEDUPLICATION_INSERT_ONLY", "deduplication")
    if kind == "delete" and not is_identifier(column):
        proposal.wrong("DELETE_CONFLICT_GUARD_REQUIRED", "conflict_guard", "column")
    return str(kind)


def _version(operation: Part, kind: str, guard: Any) -> None:
    if "version_advance" not in operation:
        return
    version = operation.inner("version_advance", "VERSION_ADVANCE_NOT_OBJECT", "column", "strategy")
    if version is not None:
        version.needs(
            ("column", is_identifier, "INVALID_VERSION_ADVANCE_COLUMN"),
            ("strategy", one_of("integer_increment", "database_generated"), "INVALID_VERSION_ADVANCE_STRATEGY"),
        )
        if is_identifier(version.get("column")) and version.get("column") != guard:
            version.wrong("VERSION_ADVANCE_GUARD_MISMATCH", "column")
    if kind != "update":
        operation.wrong("VERSION_ADVANCE_UPDATE_ONLY", "version_advance")


def _deduplication(operation: Part, proposal: Part, subject: Part | None, *, batch: bool) -> None:
    deduplication = operation.inner("deduplication", "INSERT_DEDUPLICATION_REQUIRED", "components")
    if deduplication is None:
        return
    if not sized(1, 8)(deduplication.get("components")):
        deduplication.wrong("INVALID_DEDUPLICATION_COMPONENTS", "components")
        return
    patch = proposal.child("patch")
    patched = set(patch.data) if patch is not None else set()
    tenant = subject.get("tenant_key") if subject is not None else None
    seen: set[str] = set()
    sources: set[str] = set()
    for component in deduplication.items("components", "DEDUPLICATION_COMPONENT_NOT_OBJECT"):
        _component(component, seen, patched)
        source, column = component.get("source"), component.get("column")
        if source == "trusted_tenant" and not (is_identifier(tenant) and column == tenant):
            component.wrong("DEDUPLICATION_TENANT_MISMATCH", "column")
        elif isinstance(source, str):
            sources.add(source)
    if ("item_field" if batch else "proposal_id") not in sources:
        code = "ITEM_DEDUPLICATION_REQUIRED" if batch else "PROPOSAL_DEDUPLICATION_REQUIRED"
        deduplication.wrong(code, "components")
    if "trusted_tenant" not in sources:
        deduplication.wrong("TRUSTED_TENANT_DEDUPLICATION_REQUIRED", "components")


def _component(component: Part, seen: set[str], patched: set[str]) -> None:
    component.closed("column", "source", "fixed", "item_field")
    column, source = component.get("column"), component.get("source")
    component.needs(
        ("column", is_identifier, "INVALID_DEDUPLICATION_COLUMN"),
        ("source", one_of(*_SOURCES), "INVALID_DEDUPLICATION_SOURCE"),
    )
    if is_identifier(column):
        if column in seen:
            component.wrong("DUPLICATE_DEDUPLICATION_COLUMN", "column")
        if column in patched:
            component.wrong("DEDUPLICATION_COLUMN_MODEL_CONTROLLED", "column")
        seen.add(column)
    if source == "item_field":
        component.needs(("item_field", is_identifier, "DEDUPLICATION_ITEM_FIELD_REQUIRED"))
    else:
        component.forbids("DEDUPLICATION_ITEM_FIELD_FORBIDDEN", "item_field")
    if source != "fixed":
        component.forbids("DEDUPLICATION_FIXED_VALUE_FORBIDDEN", "fixed")
    elif "fixed" not in component:
        component.wrong("DEDUPLICATION_FIXED_VALUE_REQUIRED", "fixed")
