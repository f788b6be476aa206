"""How a row becomes a result: columns by their names, a related row as an object within it, null where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from synapsor.contract.mapping import Table
from synapsor.values import ColumnType, Json, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A related row in a result.

    Attributes:
        presence: the path of a column that has a value exactly when there is such a row.
    """

    presence: str
    form: Form


@dataclass(frozen=True, slots=True)
class Form:
    """Names of a result, in order, each with the path of its column, or with the related row that stands there."""

    parts: Mapping[str, str | Nested]
    flat: bool


def form_of(returns: Iterable[str], table: Table, tables: Mapping[str, Table], via: tuple[str, ...] = ()) -> Form:
    """Return the form of what a capability returns."""
    parts: dict[str, str | Nested] = {}
    inner: dict[str, list[str]] = {}
    for path in returns:
        name, nested, rest = path.partition(".")
        parts[name] = ".".join((*via, name))
        if nested:
            inner.setdefault(name, []).append(rest)
    for name, paths in inner.items():
        link, here = table.links[name], (*via, name)
        presence = ".".join((*here, next(iter(link.on.values()))))
        parts[name] = Nested(presence=presence, form=form_of(paths, tables[link.to], tables, here))
    return Form(parts, flat=not inner)


Show: TypeAlias = Callable[[str, Token, ColumnType], Json]
"""Returns what a model sees of the value at a path."""


def filled(
    form: Form, row: Sequence[Token], at: Mapping[str, int], types: Mapping[str, ColumnType], show: Show
) -> dict[str, Json]:
    """Return a row as a model sees it; `at` and `types` are by path, and what is not among them is left out.

    Raises:
        ValueUnfit: a value is not of its reviewed type.
    """
    if form.flat:
        flat: Any = form.parts
        return {name: show(path, row[at[path]], types[path]) for name, path in flat.items() if path in at}
    told: dict[str, Json] = {}
    for name, part in form.parts.items():
        if isinstance(part, Nested):
            place = at.get(part.presence)
            there = place is not None and row[place] is not None
            told[name] = filled(part.form, row, at, types, show) if there else None
        elif part in at:
            told[name] = show(part, row[at[part]], types[part])
    return told


def as_list(rows: list[dict[str, Json]], cut_by: str | None) -> dict[str, Json]:
    """Return a list as a result tells it: what there is of it, and whether that is all."""
    told: list[Json] = [*rows]
    return {"rows": told, "count": len(rows), "truncated": cut_by is not None, "cut_by": cut_by}
