"""The derived measures of a protected read: a quotient of two measures, or what is computed from groups that were released."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.forms import one_of, whole
from synapsor.contract.public.part import Part
from synapsor.contract.public.protected_uses import Uses

_QUOTIENTS: Final = ("ratio", "percentage", "per_unit_average")
_OVER_TIME: Final = frozenset({"running_total", "lag_absolute_change", "lag_percentage_change", "moving_average"})
RELEASED: Final = _OVER_TIME | {"rank", "share_of_released_total"}
_POLICY: Final = "null_on_zero_or_null_denominator"


def judge_derived(measure: Part, aggregate: Part, uses: Uses) -> None:
    """Report what is wrong with the shape of a derived measure."""
    derived = measure.child("derived")
    if derived is None:
        measure.wrong("PROTECTED_DERIVED_REQUIRED", "derived")
    elif one_of(*_QUOTIENTS)(derived.get("shape")):
        _quotient(derived, uses)
    elif one_of(*RELEASED)(derived.get("shape")):
        _released(derived, aggregate, uses)
    else:
        derived.wrong("INVALID_PROTECTED_DERIVED_SHAPE", "shape")


def _quotient(derived: Part, uses: Uses) -> None:
    derived.closed("shape", "numerator", "denominator", "null_policy")
    derived.needs(("null_policy", one_of(_POLICY), "INVALID_PROTECTED_DERIVED_NULL_POLICY"))
    above, below = (_operand(derived, key, uses) for key in ("numerator", "denominator"))
    if above is not None and below is not None:
        ways = (above.get("relationship"), below.get("relationship"))
        one, other = (way if isinstance(way, str) else None for way in ways)
        if one != other:
            derived.wrong("PROTECTED_DERIVED_RELATIONSHIP_MISMATCH")
    if derived.get("shape") == "per_unit_average":
        sums = above is not None and above.get("function") == "sum"
        counts = below is not None and one_of("count", "count_distinct")(below.get("function"))
        if not (sums and counts):
            derived.wrong("INVALID_PROTECTED_PER_UNIT_SHAPE")


def _operand(derived: Part, key: str, uses: Uses) -> Part | None:
    operand = derived.inner(key, "PROTECTED_DERIVED_OPERAND_REQUIRED", "function", "field", "relationship")
    if operand is None:
        return None
    operand.needs(("function", one_of("count", "count_distinct", "sum", "avg"), "INVALID_PROTECTED_DERIVED_OPERAND"))
    if operand.get("function") != "count":
        uses.judge_field(operand)
        return operand
    uses.judge_relationship(operand)
    if "field" in operand or "relationship" in operand:
        operand.wrong("PROTECTED_DERIVED_COUNT_SHAPE_INVALID")
    return operand


def _released(derived: Part, aggregate: Part, uses: Uses) -> None:
    shape = str(derived.get("shape"))
    derived.closed("shape", "base_measure", "direction", "window_size")
    _operand(derived, "base_measure", uses)
    if shape == "rank":
        derived.needs(("direction", one_of("asc", "desc"), "PROTECTED_RANK_DIRECTION_REQUIRED"))
    else:
        derived.forbids("PROTECTED_TRANSFORM_DIRECTION_FORBIDDEN", "direction")
    if shape == "moving_average":
        derived.needs(("window_size", whole(2, 12), "PROTECTED_MOVING_WINDOW_INVALID"))
    else:
        derived.forbids("PROTECTED_TRANSFORM_WINDOW_FORBIDDEN", "window_size")
    if "comparison" in aggregate:
        derived.wrong("PROTECTED_TRANSFORM_COMPARISON_FORBIDDEN")
    bucket = aggregate.child("time_bucket")
    if shape in _OVER_TIME:
        if bucket is None:
            derived.wrong("PROTECTED_TRANSFORM_TIME_BUCKET_REQUIRED")
        elif bucket.get("bucket") == "day_of_week":
            derived.wrong("PROTECTED_TRANSFORM_TIME_BUCKET_UNORDERED")
        return
    if "time_bucket" in aggregate:
        derived.wrong("PROTECTED_TRANSFORM_TIME_BUCKET_FORBIDDEN")
    if not isinstance(aggregate.get("dimensions"), list) or not aggregate.get("dimensions"):
        derived.wrong("PROTECTED_TRANSFORM_DIMENSION_REQUIRED")
