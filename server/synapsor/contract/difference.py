"""What differs between two contracts, and whether authority grows, shrinks or merely changes with it.

Equal contracts have no difference, and any two with another digest have one: every key is walked, and a difference that no rule
knows counts as growing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from synapsor.contract.base import Model
from synapsor.contract.capability import Capability, Child
from synapsor.contract.conditions import Compare
from synapsor.contract.counts import Counts, counts_of
from synapsor.contract.digest import plain
from synapsor.contract.document import Path
from synapsor.contract.gains import ABSENT, Pair, Side, text
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import table_of_list


class Effect(StrEnum):
    """What a difference does to authority, the weightiest first."""

    GROWS = "grows"
    TRADES = "grows and shrinks"
    SHRINKS = "shrinks"
    CHANGES = "changes"

    @property
    def gains(self) -> bool:
        """Whether something is possible that was not."""
        return self in {Effect.GROWS, Effect.TRADES}


_EFFECTS = {
    (True, False): Effect.GROWS,
    (True, True): Effect.TRADES,
    (False, True): Effect.SHRINKS,
    (False, False): Effect.CHANGES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a key held and holds, in plain words.

    Attributes:
        head: in short what is other, such as `adds note`, `new` or `gone`; "" where the values say it.
        before, after: "" where there is none.
    """

    head: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        head = f"{self.head}: " if self.head else ""
        return head + " → ".join(filter(None, (self.before, self.after)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that differs.

    Attributes:
        path: where it is.
        words: what the key is, in plain words.
        before, after: the values as JSON data; None where there is none.
        said: both values, in plain words, for whoever draws them.
    """

    path: Path
    effect: Effect
    weight: int
    words: str
    before: Any
    after: Any
    said: Said


_WHOLE = (Compare,)


def differences(before: Contract, after: Contract) -> tuple[Difference, ...]:
    """Return every difference, what grows and weighs most first."""
    found = _walk((), before, after, Pair(before=Side(contract=before), after=Side(contract=after)))
    order = list(Effect)
    return tuple(sorted(found, key=lambda d: (order.index(d.effect), -d.weight, tuple(map(str, d.path)))))


def _walk(path: Path, before: Model, after: Model, pair: Pair) -> Iterator[Difference]:
    pair = _within(pair, before, after)
    for name, info in type(before).model_fields.items():
        counts, here = counts_of(type(before), name), (*path, info.alias or name)
        one, other = getattr(before, name), getattr(after, name)
        if counts.each:
            for entry in sorted({*one, *other}):
                held = one.get(entry, ABSENT), other.get(entry, ABSENT)
                yield from _step((*here, entry), *held, counts, replace(pair, name=entry))
        else:
            yield from _step(here, one, other, counts, pair)


def _within(pair: Pair, before: Model, after: Model) -> Pair:
    return replace(pair, before=_side(pair.before, before, pair.name), after=_side(pair.after, after, pair.name))


def _side(side: Side, part: Model, name: str) -> Side:
    if isinstance(part, Child):
        return replace(side, table=table_of_list(name, side.table, side.contract.tables))
    if isinstance(part, Table):
        return replace(side, table=part)
    if isinstance(part, Capability):
        return replace(side, capability=part, table=side.contract.table_of(part))
    return side


def _step(path: Path, before: Any, after: Any, counts: Counts, pair: Pair) -> Iterator[Difference]:
    if text(before) == text(after) and (before is ABSENT) == (after is ABSENT):
        return
    if _walked(before, after):
        yield from _walk(path, before, after, pair)
        return
    grows, shrinks = counts.gain(before, after, pair), counts.gain(after, before, pair.swapped())
    yield Difference(
        path=path,
        effect=_EFFECTS[grows, shrinks],
        weight=counts.weight,
        words=counts.words,
        before=None if before is ABSENT else plain(before),
        after=None if after is ABSENT else plain(after),
        said=_said(before, after, counts),
    )


def _walked(before: Any, after: Any) -> bool:
    """Tell whether two parts differ in their keys: of one kind, and no filter, which is compared as a whole."""
    if not isinstance(before, Model) or type(before) is not type(after) or isinstance(before, _WHOLE):
        return False
    return not (isinstance(before, ColumnRule) and isinstance(after, ColumnRule) and before.denied != after.denied)


def label(path: Path) -> tuple[str, str]:
    """Return what a path is about, and where in it."""
    kind, *named = map(str, path)
    if not named:
        return "contract", kind
    name, *rest = named
    return (name if kind == "capabilities" else f"{_KINDS.get(kind, kind)} {name}"), ".".join(rest)


_KINDS = {"tables": "table", "contexts": "context", "policies": "policy", "workflows": "workflow"}


def _said(before: Any, after: Any, counts: Counts) -> Said:
    if before is ABSENT:
        return Said(head="new", after=_value(after, counts))
    if after is ABSENT:
        return Said(head="gone", before=_value(before, counts))
    return Said(head=_moved(before, after), before=_value(before, counts), after=_value(after, counts))


def _moved(before: Any, after: Any) -> str:
    """Return what a list has more and less than before; "" of what is no list."""
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return ""
    listed = ("adds", [n for n in after if n not in before]), ("drops", [n for n in before if n not in after])
    moved = [f"{verb} {', '.join(map(str, names))}" for verb, names in listed if names]
    return "; ".join(moved) or "another order"


def _value(value: Any, counts: Counts) -> str:
    if isinstance(value, ColumnRule) and value.denied:
        return "denied"
    return counts.none if value is None or value == () else text(value)
