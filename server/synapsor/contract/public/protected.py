"""A protected read of a public contract: frozen authority over rows or groups, with its predicates, window, order and limits."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.aggregate import requires_evidence
from synapsor.contract.public.forms import (
    is_digest,
    is_identifier,
    is_instant,
    is_scalar,
    is_whole,
    one_of,
    sized,
    whole,
)
from synapsor.contract.public.part import Part
from synapsor.contract.public.protected_links import judge_relationships
from synapsor.contract.public.protected_measures import judge_groups
from synapsor.contract.public.protected_uses import Uses
from synapsor.contract.public.scope import is_organized, judge_organization

_KEYS: Final = (
    *("version", "mode", "boundary_digest", "generation_lock_fingerprint", "organization_scope", "predicates"),
    *("relationship", "relationships", "time_window", "row_order_by", "aggregate", "limits"),
)
_KIND_OF: Final = {"rows": "read", "aggregate": "aggregate_read"}
_OPERATORS: Final = ("eq", "neq", "lt", "lte", "gt", "gte", "in")
CEILINGS: Final[dict[str, int]] = {
    "max_rows": 100,
    "max_groups": 500,
    "max_ranked_groups": 10_000,
    "max_response_cells": 10_000,
    "max_response_bytes": 1_048_576,
    "statement_timeout_ms": 30_000,
    "max_queries_per_session": 1_000,
    "max_extracted_cells_per_session": 100_000,
    "max_differencing_queries": 100,
    "rate_limit_per_minute": 120,
}


def judge_protected_read(capability: Part) -> None:
    """Report what is wrong with the protected read of one capability."""
    protected = capability.inner("protected_read", "PROTECTED_READ_NOT_OBJECT", *_KEYS)
    if protected is None:
        return
    _frame(capability, protected)
    judge_organization(protected)
    uses = _uses(capability)
    judge_relationships(protected, uses)
    _window(protected, uses)
    if not requires_evidence(capability):
        capability.wrong("PROTECTED_READ_EVIDENCE_REQUIRED", "evidence")
    _predicates(protected, uses)
    _order(capability, protected, uses)
    limits = protected.inner("limits", "PROTECTED_READ_LIMITS_REQUIRED", *CEILINGS)
    if limits is not None:
        _limits(limits)
    if protected.get("mode") == "rows":
        _rows(capability, protected, limits)
    elif protected.get("mode") == "aggregate":
        _groups(capability, protected, limits, uses)
    _arguments(capability, uses)


def _frame(capability: Part, protected: Part) -> None:
    kind, mode = capability.get("kind"), protected.get("mode")
    if not one_of(*_KIND_OF.values())(kind):
        capability.wrong("PROTECTED_READ_KIND_FORBIDDEN", "protected_read")
    protected.needs(
        ("version", one_of("1"), "INVALID_PROTECTED_READ_VERSION"),
        ("mode", one_of(*_KIND_OF), "INVALID_PROTECTED_READ_MODE"),
        ("boundary_digest", is_digest, "INVALID_PROTECTED_READ_DIGEST"),
        ("generation_lock_fingerprint", is_digest, "INVALID_PROTECTED_READ_DIGEST"),
    )
    if one_of(*_KIND_OF)(mode) and _KIND_OF[mode] != kind:
        capability.wrong("PROTECTED_READ_KIND_MISMATCH", "kind")
    subject = capability.child("subject")
    tenant = subject is not None and is_identifier(subject.get("tenant_key"))
    if is_organized(capability) and tenant:
        protected.wrong("PROTECTED_SCOPE_MODES_CONFLICT", "organization_scope")
    if not is_organized(capability) and not tenant:
        capability.wrong("PROTECTED_TENANT_AUTHORITY_REQUIRED", "subject", "tenant_key")


def _uses(capability: Part) -> Uses:
    subject = capability.child("subject")
    keys = ("tenant_key", "principal_scope_key")
    scope = {subject.get(key) for key in keys if is_identifier(subject.get(key))} if subject is not None else set()
    arguments = capability.child("args")
    return Uses(
        hidden=frozenset({*capability.names("kept_out_fields"), *scope}),
        kept_out=frozenset(capability.names("kept_out_fields")),
        arguments=arguments.data if arguments is not None else {},
        organized=is_organized(capability),
    )


def _window(protected: Part, uses: Uses) -> None:
    keys = ("field", "relationship", "start", "end")
    window = protected.optional("time_window", "PROTECTED_TIME_WINDOW_NOT_OBJECT", *keys)
    if window is None:
        return
    uses.judge_field(window)
    start, end = window.get("start"), window.get("end")
    # Written out alike, instants compare as texts.
    if not is_instant(start) or not is_instant(end) or start >= end:
        protected.wrong("INVALID_PROTECTED_TIME_WINDOW", "time_window")


def _predicates(protected: Part, uses: Uses) -> None:
    protected.may(("predicates", sized(0, 8), "INVALID_PROTECTED_PREDICATES"))
    if not sized(0, 8)(protected.get("predicates")):
        return
    for predicate in protected.items("predicates", "PROTECTED_PREDICATE_NOT_OBJECT"):
        predicate.closed("field", "relationship", "operator", "value", "values")
        uses.judge_field(predicate)
        predicate.needs(("operator", one_of(*_OPERATORS), "INVALID_PROTECTED_PREDICATE_OPERATOR"))
        if predicate.get("operator") != "in":
            predicate.forbids("PROTECTED_VALUES_IN_ONLY", "values")
            uses.judge_value(predicate, "value")
            continue
        predicate.forbids("PROTECTED_IN_VALUE_FORBIDDEN", "value")
        values = predicate.get("values")
        if not sized(1, 20)(values) or not all(is_scalar(value) for value in values):
            predicate.wrong("INVALID_PROTECTED_IN_VALUES", "values")


def _order(capability: Part, protected: Part, uses: Uses) -> None:
    protected.may(("row_order_by", sized(1, 3), "INVALID_PROTECTED_ROW_ORDER"))
    if not sized(1, 3)(protected.get("row_order_by")):
        return
    visible = set(capability.names("visible_fields")) - uses.kept_out
    for order in protected.items("row_order_by", "PROTECTED_ROW_ORDER_NOT_OBJECT"):
        order.closed("field", "direction")
        order.needs(
            ("field", lambda name: is_identifier(name) and name in visible, "PROTECTED_ROW_ORDER_FIELD_FORBIDDEN"),
            ("direction", one_of("asc", "desc"), "INVALID_PROTECTED_ORDER_DIRECTION"),
        )


def _limits(limits: Part) -> None:
    for key, ceiling in CEILINGS.items():
        if key != "max_ranked_groups" or key in limits:
            limits.needs((key, whole(1, ceiling), "INVALID_PROTECTED_READ_LIMIT"))
    ranked, groups = limits.get("max_ranked_groups"), limits.get("max_groups")
    if is_whole(ranked) and is_whole(groups) and ranked < groups:
        limits.wrong("INVALID_PROTECTED_RANKED_GROUP_LIMIT", "max_ranked_groups")


def _rows(capability: Part, protected: Part, limits: Part | None) -> None:
    protected.forbids("PROTECTED_AGGREGATE_ROWS_FORBIDDEN", "aggregate")
    capability.forbids("PROTECTED_LOOKUP_FORBIDDEN", "lookup")
    if not isinstance(capability.get("visible_fields"), list) or not capability.get("visible_fields"):
        capability.wrong("PROTECTED_ROW_VISIBLE_FIELDS_REQUIRED", "visible_fields")
    most = limits.get("max_rows") if limits is not None else None
    if not whole(1)(capability.get("max_rows")) or capability.get("max_rows") != most:
        capability.wrong("PROTECTED_ROW_LIMIT_MISMATCH", "max_rows")


def _groups(capability: Part, protected: Part, limits: Part | None, uses: Uses) -> None:
    capability.forbids("PROTECTED_AGGREGATE_LOOKUP_FORBIDDEN", "lookup")
    if isinstance(capability.get("visible_fields"), list) and capability.get("visible_fields"):
        capability.wrong("PROTECTED_AGGREGATE_VISIBLE_ROWS_FORBIDDEN", "visible_fields")
    protected.forbids("PROTECTED_AGGREGATE_ROW_ORDER_FORBIDDEN", "row_order_by")
    judge_groups(protected, limits, uses)
    aggregate = protected.child("aggregate")
    if "time_window" in protected and aggregate is not None and "comparison" in aggregate:
        protected.wrong("PROTECTED_TIME_SELECTION_CONFLICT")


def _arguments(capability: Part, uses: Uses) -> None:
    arguments = capability.child("args")
    for name in arguments.data if arguments is not None else ():
        argument = arguments.child(name) if arguments is not None else None
        if argument is not None and argument.get("type") == "object_array":
            argument.wrong("PROTECTED_READ_SCALAR_ARGS_ONLY")
        if arguments is not None and name not in uses.used:
            arguments.wrong("PROTECTED_READ_UNUSED_ARG", name)
