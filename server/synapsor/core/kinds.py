"""What a live catalogue says of columns, as the types that a reviewer would most likely choose."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.types import ColumnKind
from synapsor.core.facts import ColumnFacts, RelationFacts
from synapsor.values import ColumnType

_T = ColumnType
_ORDER: Final = (
    *(_T.BOOLEAN, _T.INTEGER, _T.NUMERIC, _T.TIMESTAMPTZ, _T.TIMESTAMP, _T.DATE, _T.TIME, _T.INTERVAL),
    *(_T.TEXT, _T.UUID, _T.JSON, _T.FLOAT, _T.BITS, _T.BYTES, _T.ARRAY),
)
_MOST_SCALE: Final = 38
_MOST_LENGTH: Final = 1_000_000


def kinds_of(facts: RelationFacts) -> dict[str, ColumnKind]:
    """Return the type of each column that has one, and what else the catalogue knows of it."""
    found = {name: kind_of(column) for name, column in facts.columns.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def kind_of(column: ColumnFacts) -> ColumnKind | None:
    """Return the type of a column; None where no reviewed type fits it."""
    # A UUID's own type is more than the text that it may be taken for.
    own = _T.UUID if column.native == _T.UUID.value else None
    kind = own or next((kind for kind in _ORDER if kind.value in column.family), None)
    if kind is None:
        return None
    scale = column.scale if kind is _T.NUMERIC and column.scale is not None and column.scale <= _MOST_SCALE else None
    length = column.max_length if kind is _T.TEXT else None
    fits = length is not None and 1 <= length <= _MOST_LENGTH
    return ColumnKind(type=kind, scale=scale, max_length=length if fits else None, moves=column.moves)
