"""What a live catalogue says of columns, as the types that a reviewer would most likely choose."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.types import ColumnKind
from synapsor.core.facts import ColumnFacts, RelationFacts
from synapsor.values import ColumnType

_T = ColumnType
_ORDER: Final = (
    *(_T.TEXT, _T.INTEGER, _T.NUMERIC, _T.TIMESTAMPTZ, _T.TIMESTAMP, _T.DATE, _T.TIME, _T.INTERVAL, _T.BOOLEAN),
    *(_T.UUID, _T.JSON, _T.FLOAT, _T.BITS, _T.BYTES, _T.ARRAY),
)
_FLAG: Final = 255
"""The greatest value of a column that is meant as a boolean where the engine has none."""
_MOST_SCALE: Final = 38
_MOST_LENGTH: Final = 1_000_000


def kinds_of(facts: RelationFacts) -> dict[str, ColumnKind]:
    """Return the type of each column that has one, and what else the catalogue knows of it."""
    found = {name: kind_of(column) for name, column in facts.columns.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def kind_of(column: ColumnFacts) -> ColumnKind | None:
    """Return the type of a column; None where no reviewed type fits it."""
    # Where a column could be taken for several types, the one that it is called by is what its owner meant.
    own = next((kind for kind in _T if kind.value == column.native and kind.value in column.family), None)
    anything = _T.TEXT.value in column.family
    flag = _T.BOOLEAN.value in column.family and not anything and (column.high or 0) <= _FLAG
    kind = own or (_T.BOOLEAN if flag else next((kind for kind in _ORDER if kind.value in column.family), None))
    if kind is None:
        return None
    scale = column.scale if kind is _T.NUMERIC and column.scale is not None and column.scale <= _MOST_SCALE else None
    length = column.max_length if kind is _T.TEXT else None
    fits = length is not None and 1 <= length <= _MOST_LENGTH
    return ColumnKind(type=kind, scale=scale, max_length=length if fits else None, moves=column.moves)
