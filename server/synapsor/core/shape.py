"""The shape of a mapped relation as it was when its contract was activated: what a reviewer took for granted, fact by fact.

Columns that no contract maps may come and go; whatever a mapping relies on may not change without somebody who signs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from synapsor.contract.mapping import Table
from synapsor.core.facts import ColumnFacts, RelationFacts
from synapsor.values import digest, digest_bytes

Shape: TypeAlias = list[list[str]]
"""Pairs of a fact's name and its text, in the order of the names."""

_LONG: Final = 300
_NOTHING: Final = "nothing"


def shape_of(table: Table, facts: RelationFacts) -> Shape:
    """Return the shape of a relation, of its mapped columns alone."""
    mapped = set(table.allowed)
    keys = sorted(", ".join(sorted(key)) for key in facts.unique if key <= mapped)
    told = {"kind": facts.kind, "proven unique": "; ".join(keys), "rolls back": "yes" if facts.transactional else "no"}
    told |= {f"column {name}": ", ".join(_said(facts.columns[name])) for name in mapped if name in facts.columns}
    for key in facts.references:
        pairs = sorted(f"{own} = {theirs}" for own, theirs in key.columns)
        told[f"foreign key to {key.to} by {', '.join(pairs)}"] = "proven"
    told |= facts.traits
    return [[name, _brief(text)] for name, text in sorted(told.items())]


def shape_digest(shape: Sequence[Sequence[str]]) -> str:
    """Return what an activation signs of a shape."""
    return digest("shape", [list(pair) for pair in shape])


def differences(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> list[str]:
    """Return what changed, each fact as it was and as it is."""
    before, after = ({pair[0]: pair[1] for pair in shape} for shape in (old, new))
    changed = (name for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    return [f"{name}: {before.get(name) or _NOTHING} → {after.get(name) or _NOTHING}" for name in changed]


def compare(kept: Shape | None, live: Shape | None, *, signed: bool) -> list[str]:
    """Return what changed since an activation; `signed` says that it signed a shape."""
    if not signed:
        return []
    if kept is None:
        return ["the recorded shape is not the one that was signed"]
    return differences(kept, live) if live is not None else ["the relation: as recorded → not there"]


def recorded(metadata: Mapping[str, Any], signed: Mapping[str, str], table: str) -> Shape | None:
    """Return the shape that an activation recorded of a table, or None where it recorded none or not the one that was signed."""
    told = metadata.get("shapes", {}).get(table)
    if told is None or shape_digest(told) != signed.get(table):
        return None
    return [list(pair) for pair in told]


def _said(column: ColumnFacts) -> Iterator[str]:
    yield "/".join(sorted(column.family)) or "unknown"
    yield from (word for word in (column.native,) if word)
    yield "may be null" if column.nullable else "not null"
    limits = {"at most": column.max_length, "scale": column.scale, "from": column.low, "to": column.high}
    yield from (f"{word} {value}" for word, value in limits.items() if value is not None)
    flags = {
        "compared bytewise": column.exact,
        "moved by the database": column.moves,
        "approximate": column.approximate,
        "computed": column.computed,
    }
    yield from (word for word, holds in flags.items() if holds)


def _brief(text: str) -> str:
    """Return a text that is short enough to be shown, and still another one for another text."""
    if len(text) <= _LONG:
        return text
    return f"{text[:_LONG]}… ({digest_bytes('trait', text.encode())[:19]})"
