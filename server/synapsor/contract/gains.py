"""Whether the second of two values of a contract grants something that the first does not: one function for each kind of key.

A difference grows where the second grants more, and shrinks where the first does; what grows one way therefore shrinks the other.
Where it cannot be told, something is gained.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from synapsor.contract.approval import LEVELS, Level
from synapsor.contract.capability import AggregateCapability, Argument, Capability
from synapsor.contract.conditions import Compare, constant, is_argument
from synapsor.contract.digest import plain
from synapsor.contract.mapping import SingleTenant, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import rule_at
from synapsor.contract.tokens import to_token
from synapsor.values import ColumnType, ValueUnfit


class Absent:
    """What stands for an entry that one of two mappings does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Where a value stands in its contract."""

    contract: Contract
    capability: Capability | None = None
    table: Table | None = None

    def argument(self, value: object) -> Argument | None:
        """Return the declaration of an argument that a value names."""
        if self.capability is None or not is_argument(value):
            return None
        return self.capability.arguments.get(str(value)[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both sides of a difference, and the entry of a mapping that it is about."""

    before: Side
    after: Side
    name: str = ""

    def swapped(self) -> Pair:
        """Return the pair seen the other way."""
        return replace(self, before=self.after, after=self.before)


Gain: TypeAlias = Callable[[Any, Any, Pair], bool]


def text(value: Any) -> str:
    """Return JSON by which two values are the same only if their types are."""
    return json.dumps(None if value is ABSENT else plain(value), sort_keys=True, ensure_ascii=False)


def nothing(_: Any, __: Any, ___: Pair) -> bool:
    """Words and orders: nobody may do more."""
    return False


def other(_: Any, __: Any, ___: Pair) -> bool:
    """Another place, name or role: nobody can say which is more."""
    return True


def more(before: int | None, after: int | None, _: Pair) -> bool:
    """A greater limit grants more; without one there is no end."""
    return before is not None and (after is None or after > before)


def less(before: int | None, after: int | None, _: Pair) -> bool:
    """A smaller limit grants more; without one there is no end."""
    return before is not None and (after is None or after < before)


def many(before: int | None, after: int | None, _: Pair) -> bool:
    """More at once grants more; without it, it is one."""
    return (after or 1) > (before or 1)


def fewer(before: int | None, after: int | None, _: Pair) -> bool:
    """Fewer people grant more; without it, it is one."""
    return (after or 1) < (before or 1)


def later(before: Level | None, after: Level | None, _: Pair) -> bool:
    """What is asked for from a higher risk on, or never, is asked for less often."""
    return before is not None and (after is None or LEVELS.index(after) > LEVELS.index(before))


def further(before: Level | None, after: Level | None, _: Pair) -> bool:
    """What is allowed up to a higher risk is allowed more often."""
    return after is not None and (before is None or LEVELS.index(after) > LEVELS.index(before))


def named(before: str | None, after: str | None, _: Pair) -> bool:
    """What is named grants something, and another one may grant something else."""
    return after is not None and after != before


def settled(before: str, after: str, _: Pair) -> bool:
    """A policy may do what only people did."""
    return after == "policy" and before != "policy"


def apart(before: tuple[str, ...], after: tuple[str, ...], _: Pair) -> bool:
    """What need not be applied together with something else any more may be applied alone; another order is another way to apply it."""
    return bool(before) and before != after


def codes(before: tuple[str, ...], after: tuple[str, ...], _: Pair) -> bool:
    """More reason codes grant more; without any it may be every one."""
    return bool(before) and (not after or bool(set(after) - set(before)))


def wider(before: tuple[Any, ...] | None, after: tuple[Any, ...] | None, _: Pair) -> bool:
    """A longer closed list grants more; without one it may be anything."""
    return before is not None and (after is None or bool(_texts(after) - _texts(before)))


def listed(before: tuple[Any, ...], after: tuple[Any, ...], _: Pair) -> bool:
    """What is listed is granted."""
    return bool(_texts(after) - _texts(before))


def demanded(before: tuple[Any, ...], after: tuple[Any, ...], pair: Pair) -> bool:
    """What is listed holds back."""
    return listed(after, before, pair)


def present(before: Any, after: Any, _: Pair) -> bool:
    """What is said at all grants something."""
    return before is None and after is not None


def allowed(before: bool, after: bool, _: Pair) -> bool:
    """True grants something."""
    return after and not before


def waived(before: bool, after: bool, _: Pair) -> bool:
    """True holds back."""
    return before and not after


def ordered(before: tuple[str, ...], after: tuple[str, ...], _: Pair) -> bool:
    """An order by other columns of its own table shows nobody another row; one by a path looks into another table."""
    was, now = ({said.removeprefix("-") for said in order if "." in said} for order in (before, after))
    return bool(now - was)


def guarded(before: Any, after: Any, _: Pair) -> bool:
    """What is said holds back: without it more is possible, and with another nobody can say."""
    del after  # gone or another one: in both cases something may be possible that was not
    return before is not None and before is not ABSENT


def granted(_: Any, after: Any, __: Pair) -> bool:
    """What is there grants something."""
    return after is not ABSENT


def declared(before: Any, after: Any, _: Pair) -> bool:
    """An entry alone grants nothing; only another one in its place may."""
    return before is not ABSENT and after is not ABSENT


def columns(before: Any, after: Any, _: Pair) -> bool:
    """A column may be used where it is not denied, and one that is denied guards its name."""
    if after is ABSENT:
        return bool(before.denied)
    return not after.denied and (before is ABSENT or before.denied)


def uncovered(before: str | None, after: str | None, _: Pair) -> bool:
    """A column that was shown whole can show no more, and one for aggregates shows nothing of a row; of the others nobody can say."""
    return before is not None and after != "aggregate"


def tenant(before: Any, _: Any, __: Pair) -> bool:
    """Without a tenant column every row is seen; another column makes other rows one's own."""
    return not isinstance(before, SingleTenant)


def version(before: str | None, after: str | None, _: Pair) -> bool:
    """The whole row guards most, a column less, nothing not at all."""
    return before is not None and after != "whole_row"


def context(_: Any, __: Any, pair: Pair) -> bool:
    """Another tenant or principal is another authority; another name for the same is none."""
    before, after = pair.before, pair.after
    assert before.capability is not None and after.capability is not None  # noqa: S101, PT018  # contexts are named there
    return before.contract.context_of(before.capability) != after.contract.context_of(after.capability)


def returned(_: Any, __: Any, pair: Pair) -> bool:
    """What a result shows; without `returns` it is whatever the table allows."""
    return bool(set(_returned(pair.after)) - set(_returned(pair.before)))


def related(before: Any, after: Any, pair: Pair) -> bool:
    """What a list of related rows shows; without `returns` it is whatever their table allows."""
    sides = ((before, pair.before.table), (after, pair.after.table))
    was, now = (set(said or (table.returned if table else ())) for said, table in sides)
    return bool(now - was)


def _returned(side: Side) -> tuple[str, ...]:
    assert side.capability is not None and side.table is not None  # noqa: S101, PT018  # they return
    assert not isinstance(side.capability, AggregateCapability)  # noqa: S101  # which has no `returns`
    return side.capability.returns or side.table.returned


def assigned(before: Any, after: Any, pair: Pair) -> bool:
    """Setting another column grants more, and so does a value that is not among those that could be set."""
    return before is ABSENT or (after is not ABSENT and one_of(before, after, pair))


def filtered(before: Any, after: Any, pair: Pair) -> bool:
    """A filter holds back: each comparison that is gone or weaker lets other rows in."""
    was, now = _compared(before, pair.before), _compared(after, pair.after)
    return any(now.get(name) is None or OPERATORS[name](value, now[name], pair) for name, value in was.items())


def _compared(said: Any, side: Side) -> dict[str, Any]:
    """Return each comparison by its key; what an optional argument may leave out holds nothing back."""
    if said is ABSENT:
        return {}
    if isinstance(said, Compare):
        found = {name: value for name in Compare.model_fields if (value := getattr(said, name)) is not None}
    else:
        found = {"has_value": False} if said is None else {"one_of": said}
    return {name: value for name, value in found.items() if not _optional(value, side)}


def _optional(value: Any, side: Side) -> bool:
    argument = side.argument(value)
    return argument is not None and argument.optional


def one_of(before: Any, after: Any, pair: Pair) -> bool:
    """A value that it could not be before grants more; an argument may be anything that it does not close."""
    was, now = _domain(before, pair.before), _domain(after, pair.after)
    if was is None:
        return now is None and _declares(before, pair.before) != _declares(after, pair.after)
    return now is None or bool(now - was)


def _domain(value: Any, side: Side) -> frozenset[str] | None:
    if is_argument(value):
        argument = side.argument(value)
        return None if argument is None or argument.one_of is None else _texts(argument.one_of)
    return _texts(constant(item) for item in (value if isinstance(value, tuple) else (value,)))


def _declares(value: Any, side: Side) -> str:
    argument = side.argument(value)
    return text(argument and argument.model_copy(update={"description": None}))


def _texts(values: Any) -> frozenset[str]:
    return frozenset(text(value) for value in values)


def differs(before: Any, after: Any, _: Pair) -> bool:
    """Another comparison lets other rows in."""
    return text(before) != text(after)


def begins(before: Any, after: Any, pair: Pair) -> bool:
    """A shorter beginning, or another one, lets other rows in."""
    if is_argument(before) or is_argument(after):
        return one_of(before, after, pair)
    return not str(constant(after)).startswith(str(constant(before)))


def low(before: Any, after: Any, pair: Pair) -> bool:
    """A lower end that is lower, or may be, lets more rows in."""
    return _end(before, after, pair, below=True)


def high(before: Any, after: Any, pair: Pair) -> bool:
    """An upper end that is higher, or may be, lets more rows in."""
    return _end(before, after, pair, below=False)


def _end(before: Any, after: Any, pair: Pair, *, below: bool) -> bool:
    if is_argument(before) or is_argument(after):
        return one_of(before, after, pair)
    was, now = _rank(before, pair.before, pair.name), _rank(after, pair.after, pair.name)
    if was is None or now is None or type(was) is not type(now):
        return text(before) != text(after)
    return bool(now < was if below else now > was)


def _rank(value: Any, side: Side, column: str) -> Any:
    """Return what more and less are told by, or None where that cannot be told here."""
    rule = rule_at(column, side.table, side.contract.tables) if side.table else None
    if rule is None:
        return None
    try:
        token = to_token(constant(value), rule.model_copy(update={"minimum": None, "maximum": None}))
        return Decimal(token or "x") if rule.type in {ColumnType.INTEGER, ColumnType.NUMERIC} else token
    except (ValueUnfit, InvalidOperation):
        return None


OPERATORS: Final[dict[str, Gain]] = {
    "not_": differs,
    "at_least": low,
    "above": low,
    "at_most": high,
    "below": high,
    "one_of": one_of,
    "starts_with": begins,
    "has_value": differs,
}
"""How each comparison of a filter weakens, by the field of `Compare`; both values are there."""
