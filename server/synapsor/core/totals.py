"""From what a source counted to what is told: exact numbers, nothing that is too small, in order, and no more than asked for.

Suppression comes first. What is ordered, cut, recorded as evidence and told has never seen a group that is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeAlias

from synapsor.contract.measures import Function
from synapsor.core.aggregate import CHANGE, CURRENT, AggregatePlan, AggregateShape, GroupColumn, MeasureColumn, Tally
from synapsor.core.buckets import moment_of, text_of
from synapsor.core.suppress import Sized, suppress
from synapsor.errors import Code, Refusal
from synapsor.values import ColumnType, Json, Token, ValueUnfit, to_json

_EXACT = Context(prec=100_000)
Rank: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One group as it is told.

    Attributes:
        names: the token of each group column.
        ranks: what the groups are ordered by among equals.
        values: the tokens of each measure, by its name and part.
    """

    names: tuple[Token, ...]
    ranks: tuple[Rank | None, ...]
    values: dict[tuple[str, str], Token]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The whole row, as evidence records it."""
        return (*self.names, *self.values.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of a call.

    Attributes:
        cut: there are more groups that could be told.
        withheld: there may be groups that cannot.
    """

    totals: tuple[Total, ...]
    cut: bool
    withheld: bool


def told(shape: AggregateShape, tallies: Sequence[Tally]) -> Told:
    """Return what may be told of what was counted.

    Raises:
        Refusal: there are more groups than the contract allows (`result_too_large`).
        ValueUnfit: a value is not of its type, so the database no longer has the reviewed shape.
    """
    if len(tallies) > shape.most:
        raise Refusal(Code.RESULT_TOO_LARGE)
    shown = suppress([Sized(tally.key, tally.sizes) for tally in tallies], shape.minimum)
    totals = [_total(shape, tally) for tally in tallies if tally.key in shown.keys]
    totals.sort(key=lambda total: [_last(rank) for rank in total.ranks])
    for ordering in reversed(shape.order):
        _sort(totals, shape, ordering.name, ordering.part, descending=ordering.descending)
    return Told(totals=tuple(totals[: shape.rows]), cut=len(totals) > shape.rows, withheld=shown.withheld)


def recheck_tallies(plan: AggregatePlan, tallies: Iterable[Tally]) -> None:
    """Compare what all rows of each group agree on with what was asked for, byte by byte, as a read does with every row.

    Raises:
        Refusal: a collation or coercion has let other rows in (`not_found`).
    """
    shape = plan.shape
    allowed = [[(plan.bound[at],) * 2] for _, at in shape.witnesses]
    # Rows may have no related row at all; what they agree on then is that there is none.
    allowed += [[(plan.bound[at],) * 2, (None, None)] for _, at in shape.related_witnesses]
    for tally in tallies:
        met = (ends in either for ends, either in zip(tally.witnesses, allowed, strict=True))
        if any(tally.sizes) and not all(met):
            raise Refusal(Code.NOT_FOUND)


def answer(shape: AggregateShape, totals: Iterable[Total]) -> list[dict[str, Json]]:
    """Return the groups as documented JSON.

    Raises:
        ValueUnfit: a value is not of its type.
    """
    return [_row(shape, total) for total in totals]


def _row(shape: AggregateShape, total: Total) -> dict[str, Json]:
    row = {g.name: to_json(token, g.type) for g, token in zip(shape.groups, total.names, strict=True)}
    for measure in shape.measures:
        parts = {part: to_json(total.values[measure.name, part], measure.type) for part in shape.parts_of(measure)}
        row[measure.name] = {**parts} if shape.periods else parts[""]
    return row


def _total(shape: AggregateShape, tally: Tally) -> Total:
    values: dict[tuple[str, str], Token] = {}
    for index, measure in enumerate(shape.measures):
        for at, part in enumerate(shape.parts):
            values[measure.name, part] = _value(shape, measure, tally, at, index)
        if CHANGE in shape.parts_of(measure):
            now, before = (values[measure.name, part] for part in shape.parts)
            values[measure.name, CHANGE] = _change(measure, now, before)
    pairs = list(zip(shape.groups, tally.key, strict=True))
    return Total(
        names=tuple(_name(group, key) for group, key in pairs),
        ranks=tuple(None if key is None else _group_rank(group, key) for group, key in pairs),
        values=values,
    )


def _name(group: GroupColumn, key: Token | int) -> Token:
    if group.unit is None or key is None:
        return None if key is None else str(key)
    return text_of(group.unit, int(key), zoned=bool(group.zone))


def _group_rank(group: GroupColumn, key: str | int) -> Rank:
    if group.unit is not None:
        return (moment_of(group.unit, int(key)),)
    return (int(key),) if group.type is ColumnType.INTEGER else (key,)


def _value(shape: AggregateShape, measure: MeasureColumn, tally: Tally, at: int, index: int) -> Token:
    token = tally.values[at][index]
    if token is None or measure.type not in {ColumnType.INTEGER, ColumnType.NUMERIC}:
        return token
    number = _number(token)
    if measure.function is not Function.AVG:
        return _written(number, measure.places)
    assert measure.column is not None  # noqa: S101  # an average is of a column
    count = tally.supports[at][1 + shape.measured.index(measure.column)]
    return average(number, count, measure.places)


def average(total: Decimal, count: int, places: int) -> Token:
    """Return a sum divided by a count, exact but for one rounding at the end, half away from zero."""
    if count == 0 or not total.is_finite():
        return None if count == 0 else str(total)
    scaled = abs(Fraction(total)) * 10**places / count
    digits = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return _written(Decimal(digits if total >= 0 else -digits).scaleb(-places, _EXACT), places)


def _change(measure: MeasureColumn, now: Token, before: Token) -> Token:
    if now is None or before is None:
        return None
    one, other = Decimal(now), Decimal(before)
    if not (one.is_finite() and other.is_finite()):
        return "NaN"
    return _written(_EXACT.subtract(one, other), measure.places)


def _number(token: str) -> Decimal:
    try:
        return Decimal(token)
    except InvalidOperation:
        raise ValueUnfit("not a number") from None


def _written(number: Decimal, places: int) -> str:
    """Return a number in plain digits, exactly, with at least so many places: engines differ in the zeros they keep."""
    if not number.is_finite():
        return str(number)
    whole, _, fraction = format(number or abs(number), "f").partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _sort(totals: list[Total], shape: AggregateShape, name: str, part: str, *, descending: bool) -> None:
    groups = [group.name for group in shape.groups]
    kinds = {measure.name: measure.type for measure in shape.measures}

    def rank(total: Total) -> tuple[bool, Rank]:
        if name in groups:
            found = total.ranks[groups.index(name)]
        else:
            token = total.values[name, part or (CURRENT if shape.periods else "")]
            found = None if token is None else _rank(token, kinds[name])
        # What has no value comes last in both directions.
        return ((found is None) != descending, found or ())

    totals.sort(key=rank, reverse=descending)


def _rank(token: str, kind: ColumnType) -> Rank:
    if kind not in {ColumnType.INTEGER, ColumnType.NUMERIC}:
        return (token,)
    number = Decimal(token)
    return (1, 0) if number.is_nan() else (0, number)


def _last(rank: Rank | None) -> tuple[bool, Rank]:
    return (rank is None, rank or ())
