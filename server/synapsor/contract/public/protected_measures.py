"""The groups of a protected read: what is measured and by which dimensions, buckets and periods, in which order and how many."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

from synapsor.contract.public.forms import is_identifier, is_number, is_text, is_whole, one_of, sized, whole
from synapsor.contract.public.part import Part
from synapsor.contract.public.protected_derived import RELEASED, judge_derived
from synapsor.contract.public.protected_uses import Uses

_KEYS: Final = (
    *("counted_entity", "measures", "dimensions", "time_bucket", "comparison", "order_by", "top_n"),
    "minimum_group_size",
)
_DISPERSION: Final = frozenset({"stddev_samp", "stddev_pop", "var_samp", "var_pop", "reviewed_derived"})
_FUNCTIONS: Final = (
    *("count", "count_distinct", "sum", "avg", "null_count", "non_null_count", "completion_rate"),
    *sorted(_DISPERSION),
)
_BUCKETS: Final = ("hour", "day", "week", "month", "quarter", "year", "day_of_week")
_LABEL: Final = 64
_LABELS: Final = 2048
_COHORT: Final = 5
_TOP: Final = 100


def judge_groups(protected: Part, limits: Part | None, uses: Uses) -> None:
    """Report what is wrong with the aggregate of a protected read."""
    aggregate = protected.inner("aggregate", "PROTECTED_AGGREGATE_REQUIRED", *_KEYS)
    if aggregate is None:
        return
    aggregate.needs(
        ("counted_entity", one_of("subject"), "INVALID_PROTECTED_COUNTED_ENTITY"),
        ("measures", sized(1, 4), "INVALID_PROTECTED_MEASURES"),
        ("minimum_group_size", whole(1, 1_000_000), "INVALID_PROTECTED_MINIMUM_GROUP_SIZE"),
    )
    measures = list(_measures(aggregate, uses))
    _dimensions(aggregate, uses)
    _bucket(aggregate, uses)
    _comparison(aggregate, uses)
    _order(aggregate, {m.get("name") for m in measures if is_identifier(m.get("name"))})
    _top(aggregate, limits, measures)


def _measures(aggregate: Part, uses: Uses) -> list[Part]:
    if not sized(1, 4)(aggregate.get("measures")):
        return []
    measures = list(aggregate.items("measures", "PROTECTED_MEASURE_NOT_OBJECT"))
    _named(measures, "DUPLICATE_PROTECTED_MEASURE_NAME")
    for measure in measures:
        measure.closed("name", "function", "field", "relationship", "derived")
        measure.needs(("function", one_of(*_FUNCTIONS), "INVALID_PROTECTED_MEASURE_FUNCTION"))
        _measure(measure, aggregate, uses)
    disperses = any(_is_in(measure.get("function"), _DISPERSION) for measure in measures)
    if disperses and not whole(_COHORT)(aggregate.get("minimum_group_size")):
        aggregate.wrong("PROTECTED_DISPERSION_COHORT_TOO_SMALL", "minimum_group_size")
    return measures


def _measure(measure: Part, aggregate: Part, uses: Uses) -> None:
    if measure.get("function") == "reviewed_derived":
        if "field" in measure or "relationship" in measure:
            measure.wrong("PROTECTED_DERIVED_DIRECT_FIELD_FORBIDDEN")
        judge_derived(measure, aggregate, uses)
        return
    measure.forbids("PROTECTED_DERIVED_SHAPE_FORBIDDEN", "derived")
    if measure.get("function") == "count":
        measure.forbids("PROTECTED_COUNT_FIELD_FORBIDDEN", "field")
        measure.forbids("PROTECTED_COUNT_RELATIONSHIP_FORBIDDEN", "relationship")
        uses.judge_relationship(measure)
    else:
        uses.judge_field(measure)


def _named(parts: list[Part], code: str) -> None:
    seen: set[str] = set()
    for part in parts:
        name = part.get("name")
        if not is_identifier(name):
            part.wrong("INVALID_PROTECTED_ALIAS", "name")
        elif name in seen:
            part.wrong(code, "name")
        else:
            seen.add(name)


def _dimensions(aggregate: Part, uses: Uses) -> None:
    aggregate.may(("dimensions", sized(0, 3), "INVALID_PROTECTED_DIMENSIONS"))
    if not sized(0, 3)(aggregate.get("dimensions")):
        return
    dimensions = list(aggregate.items("dimensions", "PROTECTED_DIMENSION_NOT_OBJECT"))
    _named(dimensions, "DUPLICATE_PROTECTED_DIMENSION_NAME")
    for dimension in dimensions:
        dimension.closed("name", "field", "relationship", "numeric_band")
        uses.judge_field(dimension)
        band = dimension.optional("numeric_band", "PROTECTED_NUMERIC_BAND_NOT_OBJECT", "edges", "bucket_labels")
        if band is not None:
            _band(band)


def _band(band: Part) -> None:
    edges, labels = band.get("edges"), band.get("bucket_labels")
    if not _are_edges(edges):
        band.wrong("INVALID_PROTECTED_NUMERIC_BAND_EDGES", "edges")
    buckets = len(edges) + 1 if isinstance(edges, list) else 1
    if not _are_labels(labels, buckets):
        band.wrong("INVALID_PROTECTED_NUMERIC_BAND_LABELS", "bucket_labels")


def _are_edges(edges: Any) -> bool:
    if not sized(1, 16)(edges) or not all(is_number(edge) for edge in edges):
        return False
    return all(low < high for low, high in itertools.pairwise(edges))


def _are_labels(labels: Any, buckets: int) -> bool:
    if not sized(buckets, buckets)(labels) or not all(_is_label(label) for label in labels):
        return False
    written = json.dumps(labels, ensure_ascii=False, separators=(",", ":"))
    return len(set(labels)) == len(labels) and len(written.encode("utf-8", "surrogatepass")) <= _LABELS


def _is_label(label: Any) -> bool:
    return is_text(label) and len(label) <= _LABEL and not any(ord(c) < 0x20 or ord(c) == 0x7F for c in label)  # noqa: PLR2004  # control characters


def _bucket(aggregate: Part, uses: Uses) -> None:
    keys = ("name", "field", "bucket", "relationship")
    bucket = aggregate.optional("time_bucket", "PROTECTED_TIME_BUCKET_NOT_OBJECT", *keys)
    if bucket is not None:
        bucket.needs(
            ("name", is_identifier, "INVALID_PROTECTED_TIME_BUCKET_NAME"),
            ("bucket", one_of(*_BUCKETS), "INVALID_PROTECTED_TIME_BUCKET"),
        )
        uses.judge_field(bucket)


def _comparison(aggregate: Part, uses: Uses) -> None:
    keys = ("field", "relationship", "ranges")
    comparison = aggregate.optional("comparison", "PROTECTED_COMPARISON_NOT_OBJECT", *keys)
    if comparison is None:
        return
    uses.judge_field(comparison)
    comparison.needs(("ranges", sized(1, 2), "INVALID_PROTECTED_COMPARISON_RANGES"))
    if sized(1, 2)(comparison.get("ranges")):
        for limits in comparison.items("ranges", "PROTECTED_COMPARISON_RANGE_NOT_OBJECT"):
            limits.closed("start", "end")
            uses.judge_value(limits, "start")
            uses.judge_value(limits, "end")


def _order(aggregate: Part, measures: set[str]) -> None:
    keys = ("kind", "measure", "change", "direction")
    order = aggregate.optional("order_by", "PROTECTED_AGGREGATE_ORDER_NOT_OBJECT", *keys)
    if order is None:
        return
    kind = order.get("kind")
    order.needs(("direction", one_of("asc", "desc"), "INVALID_PROTECTED_ORDER_DIRECTION"))
    if kind == "measure" or kind == "comparison_change":  # noqa: PLR1714  # it may be anything, and need not be hashable
        order.needs(
            ("measure", lambda name: is_identifier(name) and name in measures, "UNKNOWN_PROTECTED_ORDER_MEASURE")
        )
    if kind == "measure":
        order.forbids("PROTECTED_MEASURE_ORDER_CHANGE_FORBIDDEN", "change")
    elif kind == "comparison_change":
        order.needs(("change", one_of("absolute", "percentage"), "INVALID_PROTECTED_COMPARISON_CHANGE"))
        comparison = aggregate.child("comparison")
        if comparison is None or not sized(2, 2)(comparison.get("ranges")):
            aggregate.wrong("PROTECTED_CHANGE_ORDER_REQUIRES_COMPARISON", "order_by")
    elif kind == "time_bucket":
        order.forbids("PROTECTED_TIME_ORDER_MEASURE_FORBIDDEN", "measure")
        order.forbids("PROTECTED_TIME_ORDER_CHANGE_FORBIDDEN", "change")
        if aggregate.child("time_bucket") is None:
            aggregate.wrong("PROTECTED_TIME_ORDER_REQUIRES_BUCKET", "order_by")
        if aggregate.child("comparison") is not None:
            aggregate.wrong("PROTECTED_COMPARISON_TIME_ORDER_FORBIDDEN", "order_by")
    else:
        order.wrong("INVALID_PROTECTED_AGGREGATE_ORDER", "kind")


def _top(aggregate: Part, limits: Part | None, measures: list[Part]) -> None:
    order = aggregate.child("order_by")
    shapes = [derived.get("shape") for m in measures if (derived := m.child("derived")) is not None]
    ranked = any(_is_in(shape, RELEASED) for shape in shapes) or (
        order is not None and one_of("measure", "comparison_change")(order.get("kind"))
    )
    most = limits.get("max_groups") if limits is not None else None
    if ranked and limits is not None and is_whole(limits.get("max_ranked_groups")):
        most = limits.get("max_ranked_groups")
    ceiling = min(_TOP, int(most)) if most is not None and is_whole(most) else _TOP
    if not whole(1, ceiling)(aggregate.get("top_n")):
        aggregate.wrong("INVALID_PROTECTED_TOP_N", "top_n")


def _is_in(value: Any, words: frozenset[str]) -> bool:
    return isinstance(value, str) and value in words
