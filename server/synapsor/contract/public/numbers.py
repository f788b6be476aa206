"""Numbers of a public contract as ours: whole ones as they are, bounds with decimals narrowed inwards, decimals as text."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

from synapsor.contract.public.draft import Draft
from synapsor.contract.public.types import ColumnKind
from synapsor.values import SAFE_INTEGER, ColumnType

_ENDS: Final = (("minimum", "at_least"), ("maximum", "at_most"))


def inwards(draft: Draft, bounds: dict[str, Any], path: str) -> dict[str, int]:
    """Return the bounds under our names; one with decimals is moved to the next whole number that it allows."""
    said: dict[str, int] = {}
    for theirs, ours in _ENDS:
        value = bounds.get(theirs)
        if value is None:
            continue
        whole = math.ceil(value) if ours == "at_least" else math.floor(value)
        if whole != value:
            draft.note(f"{path}.{theirs}", "number_narrowed", f"It is {whole}.")
        said[ours] = max(-SAFE_INTEGER, min(SAFE_INTEGER, whole))
    return said


def constant_of(draft: Draft, value: Any, kind: ColumnKind | None, path: str) -> Any:
    """Return a fixed value as our language writes it: a text with a dollar sign is marked, a decimal is a text."""
    if isinstance(value, str):
        return f"${value}" if value.startswith("$") else value
    if not isinstance(value, float):
        return value
    if kind is None or kind.type is not ColumnType.NUMERIC:
        draft.refuse(path, "number_unsupported")
        return 0
    return format(Decimal(repr(value)), "f")
