"""A proposal of a public contract: what is patched, within which bounds, guarded by what, approved and applied by whom."""

from __future__ import annotations

from typing import Any, Final

from synapsor.contract.public.fields import judge_list
from synapsor.contract.public.forms import is_identifier, is_name, is_number, is_text, is_true, one_of, whole
from synapsor.contract.public.operation import judge_operation
from synapsor.contract.public.part import Part

_KEYS: Final = (
    *("action", "operation", "allowed_fields", "patch", "numeric_bounds", "transition_guards", "reversibility"),
    *("conflict_guard", "approval", "execution", "writeback"),
)
_PEOPLE: Final = frozenset({"human", "operator"})
_WRITES: Final = ("direct_sql", "app_handler", "cloud_worker", "none")


def judge_proposal(capability: Part) -> None:
    """Report what is wrong with the proposal of one capability."""
    proposal = capability.inner("proposal", "PROPOSAL_REQUIRED", *_KEYS)
    if proposal is None:
        return
    proposal.needs(("action", is_name, "INVALID_PROPOSAL_ACTION"))
    kind = judge_operation(proposal, capability.child("subject"))
    judge_list(proposal, "allowed_fields", "ALLOWED_FIELDS_REQUIRED", may_be_empty=kind == "delete")
    _patch(proposal, deletes=kind == "delete")
    _bounds(proposal)
    _transitions(proposal)
    _guard(proposal)
    _approval(proposal)
    writeback = proposal.optional("writeback", "NESTED_VALUE_NOT_OBJECT", "mode", "executor", "idempotency_key")
    if writeback is not None:
        writeback.needs(("mode", one_of(*_WRITES), "INVALID_WRITEBACK_MODE"))
    _execution(proposal, kind)
    _people(proposal, kind)
    _reversibility(proposal, kind, capability.child("subject"))


def _patch(proposal: Part, *, deletes: bool) -> None:
    patch = proposal.child("patch")
    if patch is None or not (patch.data or deletes):
        proposal.wrong("PATCH_REQUIRED", "patch")
        return
    if deletes and patch.data:
        proposal.wrong("DELETE_PATCH_FORBIDDEN", "patch")
        return
    allowed = proposal.names("allowed_fields") if isinstance(proposal.get("allowed_fields"), list) else None
    for name in patch.data:
        if not is_identifier(name):
            patch.wrong("INVALID_PATCH_FIELD", name)
        if allowed is not None and name not in allowed:
            patch.wrong("PATCH_FIELD_NOT_ALLOWED", name)
        binding = patch.inner(name, "PATCH_BINDING_NOT_OBJECT", "fixed", "from_arg", "from_item")
        if binding is not None:
            given = ("fixed" in binding, *(is_identifier(binding.get(key)) for key in ("from_arg", "from_item")))
            if sum(given) != 1:
                patch.wrong("PATCH_BINDING_REQUIRED", name)


def _bounds(proposal: Part) -> None:
    bounds = proposal.child("numeric_bounds")
    if bounds is None:
        proposal.forbids("NUMERIC_BOUNDS_NOT_OBJECT", "numeric_bounds")
        return
    for name in bounds.data:
        _of_patched(proposal, bounds, name, "INVALID_NUMERIC_BOUND_FIELD", "NUMERIC_BOUND_PATCH_FIELD_REQUIRED")
        bound = bounds.inner(name, "NUMERIC_BOUND_NOT_OBJECT", "minimum", "maximum")
        if bound is None:
            continue
        low, high = bound.get("minimum"), bound.get("maximum")
        bound.may(("minimum", is_number, "INVALID_MINIMUM"), ("maximum", is_number, "INVALID_MAXIMUM"))
        if "minimum" not in bound and "maximum" not in bound:
            bounds.wrong("NUMERIC_BOUND_EMPTY", name)
        if is_number(low) and is_number(high) and low > high:
            bounds.wrong("INVALID_NUMERIC_RANGE", name)


def _transitions(proposal: Part) -> None:
    guards = proposal.child("transition_guards")
    if guards is None:
        proposal.forbids("TRANSITION_GUARDS_NOT_OBJECT", "transition_guards")
        return
    for name in guards.data:
        _of_patched(proposal, guards, name, "INVALID_TRANSITION_GUARD_FIELD", "TRANSITION_GUARD_PATCH_FIELD_REQUIRED")
        guard = guards.inner(name, "TRANSITION_GUARD_NOT_OBJECT", "from_column", "allowed")
        if guard is None:
            continue
        guard.may(("from_column", is_identifier, "INVALID_TRANSITION_FROM_COLUMN"))
        allowed = guard.child("allowed")
        if allowed is None or not allowed.data:
            guard.wrong("TRANSITION_ALLOWED_REQUIRED", "allowed")
            continue
        for state, reached in allowed.data.items():
            if not is_text(state):
                allowed.wrong("TRANSITION_FROM_REQUIRED", state)
            if not isinstance(reached, list) or not reached or not all(is_text(one) for one in reached):
                allowed.wrong("TRANSITION_TO_VALUES_REQUIRED", state)


def _of_patched(proposal: Part, part: Part, name: str, form: str, unpatched: str) -> None:
    patch = proposal.child("patch")
    if not is_identifier(name):
        part.wrong(form, name)
    if patch is None or name not in patch:
        part.wrong(unpatched, name)


def _guard(proposal: Part) -> None:
    guard = proposal.optional("conflict_guard", "CONFLICT_GUARD_NOT_OBJECT", "column", "weak_guard_ack")
    if guard is not None:
        guard.may(("column", is_identifier, "INVALID_CONFLICT_COLUMN"))
        if "column" not in guard and not is_true(guard.get("weak_guard_ack")):
            proposal.wrong("CONFLICT_GUARD_REQUIRED", "conflict_guard")


def _approval(proposal: Part) -> None:
    keys = ("mode", "required_role", "required_approvals", "policy")
    approval = proposal.optional("approval", "NESTED_VALUE_NOT_OBJECT", *keys)
    if approval is not None:
        approval.may(
            ("mode", one_of("human", "operator", "policy"), "INVALID_APPROVAL_MODE"),
            ("required_approvals", whole(1, 10), "INVALID_REQUIRED_APPROVALS"),
        )


def _execution(proposal: Part, kind: str) -> None:
    execution = proposal.optional("execution", "NESTED_VALUE_NOT_OBJECT", "supervised_worker")
    if execution is None:
        return
    if execution.get("supervised_worker") != "allowed":
        execution.wrong("INVALID_SUPERVISED_WORKER_PERMISSION", "supervised_worker")
        return
    if proposal.child("writeback") is not None and _inside(proposal, "writeback", "mode") != "direct_sql":
        proposal.wrong("SUPERVISED_WORKER_DIRECT_SQL_REQUIRED", "writeback", "mode")
    if proposal.child("operation") is not None and _inside(proposal, "operation", "cardinality") not in {
        None,
        "single",
    }:
        proposal.wrong("SUPERVISED_WORKER_SINGLE_ROW_REQUIRED", "operation", "cardinality")
    if kind == "delete":
        proposal.wrong("SUPERVISED_WORKER_DELETE_FORBIDDEN", "operation", "kind")
    proposal.forbids("SUPERVISED_WORKER_REVERSIBILITY_FORBIDDEN", "reversibility")
    weak = is_true(_inside(proposal, "conflict_guard", "weak_guard_ack"))
    if kind == "update" and (weak or not is_identifier(_inside(proposal, "conflict_guard", "column"))):
        proposal.wrong("SUPERVISED_WORKER_EXACT_CONFLICT_GUARD_REQUIRED", "conflict_guard", "column")


def _people(proposal: Part, kind: str) -> None:
    """Report what only a person may approve and is approved otherwise."""
    by_person = _by_person(proposal)
    written = _inside(proposal, "writeback", "mode")
    if kind == "delete" and written == "direct_sql" and not by_person:
        proposal.wrong("HARD_DELETE_HUMAN_APPROVAL_REQUIRED", "approval", "mode")
    if _inside(proposal, "operation", "cardinality") == "set":
        if not by_person:
            proposal.wrong("SET_WRITE_HUMAN_APPROVAL_REQUIRED", "approval", "mode")
        if written != "direct_sql":
            proposal.wrong("SET_WRITE_DIRECT_SQL_REQUIRED", "writeback", "mode")
        if _inside(proposal, "operation", "kind") == "update" and not _counts_up(proposal):
            proposal.wrong("SET_INTEGER_VERSION_REQUIRED", "operation", "version_advance")


def _reversibility(proposal: Part, kind: str, subject: Part | None) -> None:
    reversibility = proposal.optional("reversibility", "REVERSIBILITY_NOT_OBJECT", "mode")
    if reversibility is None:
        return
    if reversibility.get("mode") != "reviewed_inverse":
        reversibility.wrong("INVALID_REVERSIBILITY_MODE", "mode")
        return
    if _inside(proposal, "writeback", "mode") != "direct_sql":
        proposal.wrong("REVERSIBILITY_DIRECT_SQL_REQUIRED", "writeback", "mode")
    if not _by_person(proposal):
        proposal.wrong("REVERSIBILITY_HUMAN_APPROVAL_REQUIRED", "approval", "mode")
    if kind == "update":
        if not is_identifier(_inside(proposal, "conflict_guard", "column")):
            proposal.wrong("REVERSIBILITY_CONFLICT_GUARD_REQUIRED", "conflict_guard", "column")
        if not _counts_up(proposal):
            proposal.wrong("REVERSIBILITY_INTEGER_VERSION_REQUIRED", "operation", "version_advance")
    if kind == "insert" and subject is not None:
        operation = proposal.child("operation")
        deduplication = operation.child("deduplication") if operation is not None else None
        listed = deduplication.get("components") if deduplication is not None else None
        columns = [c.get("column") for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
        key = subject.get("primary_key")
        if not is_identifier(key) or key not in columns:
            proposal.wrong("REVERSIBILITY_PRIMARY_KEY_DEDUP_REQUIRED", "operation", "deduplication", "components")


def _by_person(proposal: Part) -> bool:
    mode = _inside(proposal, "approval", "mode")
    return isinstance(mode, str) and mode in _PEOPLE


def _counts_up(proposal: Part) -> bool:
    operation = proposal.child("operation")
    return operation is not None and _inside(operation, "version_advance", "strategy") == "integer_increment"


def _inside(part: Part, key: str, inner: str) -> Any:
    """Return a scalar of the object under a key, or None."""
    found = part.child(key)
    value = found.get(inner) if found is not None else None
    return value if not isinstance(value, list | dict) else "?"
