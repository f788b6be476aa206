"""A plain aggregate of a public contract: one number over rows that the contract alone selects."""

from __future__ import annotations

from synapsor.contract.public.forms import is_identifier, one_of, whole
from synapsor.contract.public.part import Part
from synapsor.contract.public.selection import judge_selection

_MOST = 1_000_000


def judge_aggregate(capability: Part) -> None:
    """Report what is wrong with an aggregate read."""
    keys = ("function", "count_mode", "column", "selection", "minimum_group_size")
    aggregate = capability.inner("aggregate", "AGGREGATE_READ_REQUIRED", *keys)
    if aggregate is None:
        return
    aggregate.needs(
        ("function", one_of("count", "sum", "avg"), "INVALID_AGGREGATE_FUNCTION"),
        ("minimum_group_size", whole(1, _MOST), "AGGREGATE_MINIMUM_GROUP_SIZE_REQUIRED"),
    )
    if aggregate.get("function") == "count":
        aggregate.needs(("count_mode", one_of("rows", "non_null"), "COUNT_MODE_REQUIRED"))
        if aggregate.get("count_mode") == "rows":
            aggregate.forbids("COUNT_ROWS_COLUMN_FORBIDDEN", "column")
        if aggregate.get("count_mode") == "non_null":
            aggregate.needs(("column", is_identifier, "COUNT_COLUMN_REQUIRED"))
    else:
        aggregate.needs(("column", is_identifier, "AGGREGATE_NUMERIC_COLUMN_REQUIRED"))
        aggregate.forbids("COUNT_MODE_COUNT_ONLY", "count_mode")
    if "selection" in aggregate:
        judge_selection(aggregate, "FIXED_SELECTION_REQUIRED")
    arguments = capability.child("args")
    if arguments is not None and arguments.data:
        capability.wrong("AGGREGATE_MODEL_ARGS_FORBIDDEN", "args")
    capability.forbids("AGGREGATE_LOOKUP_FORBIDDEN", "lookup")
    if isinstance(capability.get("visible_fields"), list) and capability.get("visible_fields"):
        capability.wrong("AGGREGATE_VISIBLE_ROWS_FORBIDDEN", "visible_fields")
    if not requires_evidence(capability):
        capability.wrong("AGGREGATE_EVIDENCE_REQUIRED", "evidence")


def requires_evidence(capability: Part) -> bool:
    """Tell whether evidence and query audit are both required."""
    evidence = capability.child("evidence")
    return evidence is not None and evidence.get("required") is True and evidence.get("query_audit") is True
